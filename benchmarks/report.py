"""From stored results to tables, verdicts and figures: for the terminal, and for the book's page "Benchmarks".

Nothing is run here, and no number is made here but by arithmetic on results.json and audit.json; what is not in them is
"not measured".
"""

from __future__ import annotations

import importlib
import json
import math
import re
import textwrap
from pathlib import Path
from typing import NamedTuple

from .row import Aim, Growth, Limit, Reading, Row

HERE = Path(__file__).resolve().parent
BOOK = HERE.parent / "book"
OWN_TITLES = {"intro": "Front page", "genindex": "Index", "search": "Search"}
RESULTS, AUDIT = HERE / "results.json", HERE / "audit.json"
NOT_ROWS = {"__init__", "__main__", "machine", "pictures", "report", "row", "worker"}
NOT_MEASURED, REACHED, MISSED = "not measured", "reached", "missed"
NUMBER = re.compile(r"[−-]?[<≤≥]?=? ?[−-]?\d[\d.,]*(\sm?s)?( \(.*\))?$|–$|none$|$")  # stands to the right
SAME = 1e-5  # two qualities this near, as a part of them, are called equal
NEAR = 0.25  # an exponent this far from the expected one is still as expected


class Table(NamedTuple):
    """A table in plain text: a head and rows of as many cells."""

    head: tuple[str, ...]
    rows: list[tuple[str, ...]]

    def markdown(self) -> str:
        """As Markdown, numbers to the right; a table without rows says so in words."""
        if not self.rows:
            return f"*{NOT_MEASURED.capitalize()}.*"
        numbers = [all(NUMBER.match(cell) for cell in column) for column in zip(*self.rows, strict=True)]
        return "\n".join(
            "| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |"
            for row in (self.head, ["---:" if right else "---" for right in numbers], *self.rows)
        )

    def text(self) -> str:
        """In columns, for the terminal."""
        widths = [max(len(row[i]) for row in (self.head, *self.rows)) for i in range(len(self.head))]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip()
            for row in (self.head, *self.rows)
        )


# ------------------------------------------------------------------ what there is


def read(path: Path) -> dict:
    """The stored results; empty where there are none yet."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def files() -> list[str]:
    """The names of the files of rows."""
    return sorted(path.stem for path in HERE.glob("*.py") if path.stem not in NOT_ROWS)


def rows(file: str) -> list:
    """The rows of one file."""
    return importlib.import_module(f"{__package__}.{file}").ROWS


def every(kind=object) -> list:
    """The rows of all files that are of a kind, in order."""
    return [row for file in files() for row in rows(file) if isinstance(row, kind)]


def entry(results: dict, row) -> dict | None:
    """What is stored of a row."""
    return results.get("rows", {}).get(row.name)


def best(runs: dict) -> dict:
    """The fastest of the runs at different numbers of threads, by their medians."""
    return min(runs.values(), key=lambda run: run["seconds"])


# ------------------------------------------------------------------ numbers in words


def number(value: float) -> str:
    """Three digits that count; all digits before the point from a thousand on."""
    return minus(f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}")


def measured(value: float) -> str:
    """What was measured, in three digits that count and zeros behind them: in a column it ends where others end."""
    whole = isinstance(value, int) or value == 0 or abs(value) >= 1000  # a count, or no digit behind the point
    return number(value) if whole else minus(f"{value:#.3g}".removesuffix("."))


def rounded(value: float) -> str:
    """Three digits that count, zeros behind them: a number that is one of a scale, not compared digit by digit."""
    return minus(f"{float(f'{value:.3g}'):,.0f}") if abs(value) >= 1000 else number(value)


def less(value: float, other: float) -> str:
    """How much more `value` is than `other`, in two digits that count; "equal" where their first five digits are."""
    if abs(value - other) <= SAME * abs(other):
        return "equal"
    return minus(f"{float(f'{value - other:.2g}'):+,g}")


def named(name: str) -> str:
    """The name of a row or number as it is read: sizes with their sign, and a prior's kind before it."""
    crossed = re.sub(r"\d x \d", lambda found: tied(found[0].replace("x", "×")), name)
    crossed = re.sub(r"\w = \d", lambda found: tied(found[0]), crossed)
    crossed = crossed.replace(" -ELBO", " " + minus("-ELBO"))
    return re.sub(r"the prior (\w+)$", r"the \1 prior", crossed)


def titled(page: str) -> str:
    """The title of a page of the book, by the name of its file; that name in words where it has none."""
    if page in OWN_TITLES:
        return OWN_TITLES[page]
    for path in (BOOK / f"{page}.ipynb", BOOK / "appendix" / f"{page}.md"):
        if path.exists():
            text = path.read_text(encoding="utf-8")
            if path.suffix == ".ipynb":
                cells = json.loads(text)["cells"]
                text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
            if said := re.search(r"^# (.+)", text, flags=re.M):
                return said[1].strip()
    return page.replace("_", " ")


def titles() -> list[str]:
    """The titles of all pages that have a file in the book, by the names of the files."""
    return [titled(path.stem) for path in sorted([*BOOK.glob("*.ipynb"), *(BOOK / "appendix").glob("*.md")])]


def in_toc(page: str) -> int:
    """The place of a chapter in the book, by the name of its file; behind all of them for any other page."""
    from tools import chapters

    order = [path.stem for path in chapters.chapter_paths()]
    return order.index(page) if page in order else len(order)


def minus(text: str) -> str:
    """A number with the sign that is printed for minus."""
    return text.replace("-", "\N{MINUS SIGN}")


def tied(text: str) -> str:
    """Words that stand on one line."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def spread(run: dict) -> str:
    """A median with its unit, and from the fastest to the slowest run: milliseconds below a second."""
    scale, unit = (1, "s") if run["seconds"] >= 1 else (1000, "ms")
    median, fastest, slowest = (measured(scale * run[which]) for which in ("seconds", "fastest", "slowest"))
    return tied(f"{median} {unit}") + " " + tied(f"({fastest} to {slowest})")


def slope(sizes, seconds) -> float:
    """The exponent a of seconds = c sizes^a, by least squares on logarithms; NaN for fewer than two sizes."""
    x, y = [math.log(size) for size in sizes], [math.log(second) for second in seconds]
    if len(x) != len(y):
        raise ValueError(f"as many seconds as sizes expected, got {len(y)} and {len(x)}")
    mean_x, mean_y = sum(x) / max(len(x), 1), sum(y) / max(len(y), 1)
    across = sum((a - mean_x) ** 2 for a in x)
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=False)) / across if across else math.nan


# ------------------------------------------------------------------ targets and verdicts


def aimed(limit: Limit, unit: str = "") -> str:
    """A limit in words."""
    if limit.what == "seconds":
        return f"{limit.sense} " + tied(f"{number(limit.bound)} s")
    return f"{limit.sense} {number(limit.bound)}{unit and ' ' + unit}"


def apart(value: float, limit: Limit) -> str:
    """A number with as many digits, up to six, as tell it from its limit; of one within 1 % of it, four or more."""
    said = [minus(f"{value:.{digits}g}") for digits in (4, 5, 6)] if abs(value) < 1000 else []
    near = abs(value - limit.bound) < 0.01 * abs(limit.bound) and not isinstance(value, int)
    words = said if near and said else [number(value), *said]
    return next((word for word in words if word != number(limit.bound)), number(value))


def part_of(row: Row) -> str:
    """A comparison's aim in words."""
    if row.aim == 1:
        return f"no longer than {row.peer}"
    return f"at most {number(row.aim)} of {row.peer}’s time"


def verdict(row, stored: dict | None) -> str:
    """One of "reached", "missed: " and why, "not measured"; empty for a comparison without an aim."""
    if stored is None:
        return NOT_MEASURED
    faults = slower(row, stored) if isinstance(row, Row) else beyond(row.limits, values(row, stored))
    if isinstance(row, Row) and row.aim is None and not faults:
        return ""
    return f"{MISSED}: {', and '.join(faults)}" if faults else REACHED


def slower(row: Row, stored: dict) -> list[str]:
    """In what this library is behind its peer, or behind what was aimed at."""
    faults = []
    if stored["fault"]:
        faults.append(f"{row.quality} {stored['fault']}")
    if row.aim is not None and not stored["ratio"] <= row.aim:
        faults.append(
            f"faster than {row.peer}, but not by as much as aimed at"
            if stored["ratio"] < 1
            else f"slower than {row.peer}"
        )
    return faults


def values(row: Aim, stored: dict) -> dict[str, float]:
    """What an aim reached, by name."""
    run = best(stored["ours"])
    return {"seconds": run["seconds"], row.quality: run["quality"], **run.get("also", {})}


def beyond(limits, found: dict[str, float]) -> list[str]:
    """The limits that are not kept, in words."""
    faults = []
    for limit in limits:
        value = found.get(limit.what, math.nan)
        if not limit.met(value):
            amount = tied(f"{number(value)} s") if limit.what == "seconds" else f"{limit.what} {apart(value, limit)}"
            faults.append(f"{amount} is not {aimed(limit)}")
    return faults


def targets(results: dict) -> Table:
    """Every target with what was measured, and whether it is reached."""
    lines = []
    for row in every():
        stored = entry(results, row)
        if isinstance(row, Row) and row.aim is not None:
            found = f"{measured(stored['ratio'])} of its time" if stored else NOT_MEASURED
            lines.append((named(row.name), part_of(row), found, verdict(row, stored)))
        elif isinstance(row, Aim):
            found = [NOT_MEASURED]
            if stored:
                reached = values(row, stored)
                found = [
                    spread(best(stored["ours"]))
                    if limit.what == "seconds"
                    else f"{limit.what} {apart(reached[limit.what], limit)}"
                    for limit in row.limits
                ]
            wanted = [
                aimed(limit) if limit.what == "seconds" else f"{limit.what} {aimed(limit)}" for limit in row.limits
            ]
            lines.append((named(row.name), "; ".join(wanted), "; ".join(found), verdict(row, stored)))
        elif isinstance(row, Reading):
            for what, limit in row.limits.items():
                value = (stored or {"values": {}})["values"].get(what)
                if value is None:
                    found, said = NOT_MEASURED, NOT_MEASURED
                else:
                    found = f"{measured(value)} {row.unit}"
                    said = REACHED if limit.met(value) else f"{MISSED}: not {aimed(limit, row.unit)}"
                lines.append((f"{row.name}: {named(what)}", aimed(limit, row.unit), found, said))
    return Table(("What", "Target", "Measured", "Verdict"), lines)


def summary(results: dict) -> str:
    """How many targets are reached, and each that is missed, in words."""
    lines = targets(results).rows
    missed = [f"{what} ({said.removeprefix(f'{MISSED}: ')})" for what, _, _, said in lines if said.startswith(MISSED)]
    reached = sum(said == REACHED for *_, said in lines)
    open_ = sum(said == NOT_MEASURED for *_, said in lines)
    counts = [(reached, REACHED)] + [
        (count, word) for count, word in ((len(missed), MISSED), (open_, NOT_MEASURED)) if count
    ]
    words = [f"{count} {'is' if count == 1 else 'are'} {word}" for count, word in counts]
    return f"Of {len(lines)} targets {', '.join(words)}." + (
        f" {MISSED.capitalize()}: {'; '.join(missed)}." if missed else ""
    )


# ------------------------------------------------------------------ the other tables


def peers(results: dict) -> Table:
    """This library beside others, at each number of threads."""
    lines = []
    for row in every(Row):
        stored = entry(results, row)
        if stored is None:
            lines.append((named(row.name), row.peer, *[NOT_MEASURED] * 5))
            continue
        for threads in sorted(stored["ours"], key=int):
            ours, theirs = stored["ours"][threads], stored["theirs"][threads]
            lines.append(
                (
                    named(row.name),
                    row.peer,
                    str(threads),
                    spread(ours),
                    spread(theirs),
                    rounded(ours["quality"]),
                    less(theirs["quality"], ours["quality"]),
                )
            )
    return Table(
        ("What", "Beside", "Threads", "This library", "The other", "Quality here", "The other's, less this"), lines
    )


def qualities() -> Table:
    """What the numbers called quality are."""
    return Table(("What", "Quality"), [(named(row.name), row.quality) for row in every(Row)])


def readings(results: dict, file: str) -> Table:
    """The numbers that one file's readings brought home; the book's chapters by title, in the order of the book."""
    (row,) = rows(file)
    stored = entry(results, row)
    found = stored["values"] if stored else dict.fromkeys(row.limits)
    if file == "book":
        found = in_order(found)
    return Table(
        (row.heading, UNITS[row.unit]),
        [(named(what), NOT_MEASURED if value is None else number(value)) for what, value in found.items()],
    )


UNITS = {"s": "seconds", "ms": "milliseconds"}


def in_order(found: dict) -> dict:
    """What was measured of the build by name: whole builds first, then each chapter, by its title, in order."""
    from . import book

    own = [name for name in (book.COLD, book.WARM, book.ONE, book.ALL, book.LONGEST) if name in found]
    each = sorted(set(found) - set(own), key=lambda name: (in_toc(name), name))
    said = {name: name.replace(f"({book.CHANGED})", f"(“{titled(book.CHANGED)}”)") for name in own}
    return {said.get(name) or titled(name): found[name] for name in [*own, *each]}


def growths(results: dict) -> Table:
    """For each model and size the fitted exponent beside the expected one."""
    lines = []
    for row in every(Growth):
        stored = entry(results, row)
        for name, knob in row.knobs.items():
            found = (stored or {"growth": {}})["growth"].get(name)
            if found is None:
                lines.append(
                    (
                        row.name,
                        name,
                        tied(f"{knob.sizes[0]:,} to {knob.sizes[-1]:,}"),
                        NOT_MEASURED,
                        number(knob.expected),
                        NOT_MEASURED,
                    )
                )
                continue
            exponent = slope(found["sizes"], found["seconds"])
            lines.append(
                (
                    row.name,
                    name,
                    tied(f"{found['sizes'][0]:,} to {found['sizes'][-1]:,}"),
                    minus(f"{exponent:.2f}"),
                    number(knob.expected),
                    compared(exponent, knob.expected),
                )
            )
    return Table(("What", "Varied", "From, to", "Exponent measured", "Expected", "In words"), lines)


def compared(exponent: float, expected: float) -> str:
    """An exponent beside the one that was expected."""
    if math.isnan(exponent):
        return NOT_MEASURED
    if abs(exponent - expected) <= NEAR:
        return "as expected"
    return "grows faster than expected" if exponent > expected else "grows more slowly than expected"


def pages(audit: dict) -> Table:
    """What `make audit` measured of each page of the book, and which of its aims are missed."""
    from tools import audit as aims

    lines = []
    for page, report in sorted(audit.get("pages", {}).items(), key=lambda one: (in_toc(Path(one[0]).stem), one[0])):
        shown = {
            what: max([value for name, _, value in aims.rows(report) if name == what], default=None)
            for what in aims.AIMS
        }
        shown["other scores"] = min((shown[what] for what in OTHER_SCORES if shown[what] is not None), default=None)
        missed = [
            what
            for what, (_, aim, met) in aims.AIMS.items()
            if aim
            and shown[what] is not None
            and not all(met(value) for name, _, value in aims.rows(report) if name == what)
        ]
        cells = ["–" if shown[what] is None else precise(what, shown[what]) for what in PAGE_COLUMNS]
        lines.append((titled(Path(page).stem), *cells, f"{MISSED}: {', '.join(missed)}" if missed else REACHED))
    if lines:
        target = {what: aim for what, (_, aim, _) in aims.AIMS.items()} | {
            "other scores": aims.AIMS[OTHER_SCORES[0]][1]
        }
        lines.insert(0, ("target", *(target[what] for what in PAGE_COLUMNS), ""))
    return Table(("Page", *PAGE_COLUMNS.values(), "Verdict"), lines)


def precise(what: str, value: float) -> str:
    """A number of a page: shifts in three decimals, so that they stand below each other."""
    return f"{value:.3f}" if what == "CLS" else measured(value)


OTHER_SCORES = "accessibility", "best-practices", "seo"  # one column, the least of them: each has the same aim
PAGE_COLUMNS = {
    "first load": "Load, kB",
    "figure": "Figure, kB",
    "performance": "Speed",
    "other scores": "Other scores",
    "blocking requests": "Blocks",
    "CLS": "Shift",
    "alive": "Alive, s",
    "frame, p95": "Frame, ms",
}


def measured_on(results: dict) -> str:
    """Machine, versions and date, in a sentence."""
    if "machine" not in results:
        return f"{NOT_MEASURED.capitalize()} yet."
    on, dates = (
        results["machine"],
        sorted(
            {
                stored["date"]
                for part in ("rows", "pages")
                for stored in results.get(part, {}).values()
                if "date" in stored
            }
        ),
    )
    when = f" on {dates[0]}" if len(dates) == 1 else f" from {dates[0]} to {dates[-1]}" if dates else ""
    with_ = ", ".join(f"{name} {version}" for name, version in results.get("versions", {}).items())
    return (
        f"Measured{when} on {on['processor']}, {on['cores']} cores, {on['system']}, Python {on['python']}"
        f"{with_ and f', with {with_}'}."
    )


def text(results: dict) -> str:
    """Everything that was measured on this machine, for the terminal."""
    tables = [
        targets(results),
        peers(results),
        *(readings(results, file) for file in ("decode", "book")),
        growths(results),
    ]
    shown = [Table(table.head, [row for row in table.rows if NOT_MEASURED not in row]) for table in tables]
    return "\n\n".join([*(table.text() for table in shown if table.rows), summary(results), measured_on(results)])


# ------------------------------------------------------------------ figures: each a picture and its alternative text


def missed(row: Row, ratio: float) -> bool:
    """Whether a comparison has an aim for its time, and misses it."""
    return row.aim is not None and ratio > row.aim


def called(row: Row, ratio: float) -> str:
    """The name of a comparison in the figure, with the word where its target is missed."""
    return named(row.name).replace("'", "’") + (f" ({MISSED})" if missed(row, ratio) else "")


def ratios_figure(results: dict):
    """Our time over the peer's, for each comparison that was measured; None where none was."""
    from lvm_lib import plots

    found = [(row, entry(results, row)["ratio"]) for row in every(Row) if entry(results, row)]
    if not found:
        return None

    def draw(axis, names_above: bool) -> None:
        late = {called(row, ratio) for row, ratio in found if missed(row, ratio)}
        places = bars(axis, {called(row, ratio): ratio for row, ratio in found}, 1.0, names_above, late)
        for place, (row, _) in zip(places, found, strict=True):
            if row.aim is not None:
                half = 0.22 if names_above else 0.36
                axis.plot([row.aim, row.aim], [place - half, place + half], color=plots.colour("ink"), lw=2.2)
        axis.axvline(1, color=plots.colour("muted"), lw=1, ls=":")
        aims = [ratio <= row.aim for row, ratio in found if row.aim is not None]
        axis.set_title(f"{sum(aims)} of {len(aims)} reach the target")
        axis.set_xlabel("time, as a part of the other library’s\n(dotted: equal; upright mark: target)")

    said = "; ".join(
        f"{named(row.name)}, {measured(ratio)}" + ("" if row.aim is None else f" (target {number(row.aim)})")
        for row, ratio in found
    )
    alt = f"Bars of this library's time as a part of another's, best against best. {said}."
    figure, axis = plots.subplots(height=1.2 + 0.42 * len(found))
    draw(axis, names_above=False)
    return figure, alt, lambda axis: draw(axis, names_above=True)


def bars(axis, found: dict[str, float], at_least: float, names_above: bool, late=frozenset()) -> list[float]:
    """Bars from above down, each with its number at the right edge; the axis reaches `at_least`. Gives their places.

    names_above: the names stand above the bars, for a phone, and not beside them; what the axis held before is gone.
    late: the names of bars that miss a target, in another colour.
    """
    from lvm_lib import plots

    axis.clear()
    whole = [re.sub(r" (=) ", "\u00a0\\1\u00a0", name) for name in found]  # a size, or a setting, on one line
    names = [textwrap.fill(name, 32) for name in whole] if names_above else list(found)
    room = [0.68 + 0.43 * (1 + name.count("\n")) if names_above else 1.0 for name in names]
    places = [sum(room[: k + 1]) - 0.36 if names_above else float(k) for k in range(len(room))]
    shades = [plots.colour("gap" if name in late else "accent") for name in found]
    axis.barh(places, list(found.values()), height=0.3 if names_above else 0.5, color=shades)
    ink = plots.colour("ink")
    for place, name, value in zip(places, names, found.values(), strict=True):
        axis.annotate(measured(value), (1.02, place), xycoords=("axes fraction", "data"), va="center", color=ink)
        if names_above:
            axis.annotate(name, (0, place - 0.28), (2, 0), textcoords="offset points", va="bottom", fontsize=9)
    if names_above:
        axis.figure.set_figheight(0.36 * sum(room))
        axis.set_yticks([])
        axis.set_ylim(sum(room), -0.1)
    else:
        axis.set_yticks(places, names)
        axis.invert_yaxis()
    axis.set_xlim(0, 1.06 * max(at_least, *found.values()))
    return places


def chapters_figure(results: dict):
    """Seconds of each chapter in the build from nothing; None where it was not measured."""
    from lvm_lib import plots

    from . import book

    (row,) = book.ROWS
    stored = entry(results, row)
    own = {book.COLD, book.WARM, book.ONE, book.ALL, book.LONGEST}
    values = (stored or {"values": {}})["values"]
    found = in_order({what: seconds for what, seconds in values.items() if what not in own})
    if not found:
        return None
    limit = row.limits[book.LONGEST].bound

    def draw(axis, names_above: bool) -> None:
        bars(axis, found, limit, names_above)
        axis.axvline(limit, color=plots.colour("ink"), lw=1.4, ls="--")
        axis.set_title(f"All chapters together: {number(sum(found.values()))} s")
        axis.set_xlabel(f"seconds to run the chapter (dashed: the limit, {number(limit)} s)")

    said = ", ".join(f"{name} {number(seconds)}" for name, seconds in found.items())
    alt = (
        f"Bars of the seconds that each chapter takes when the book is built, beside a limit of {number(limit)} s: "
        f"{said}."
    )
    figure, axis = plots.subplots(height=1.0 + 0.36 * len(found))
    draw(axis, names_above=False)
    return figure, alt, lambda axis: draw(axis, names_above=True)


def growth_figure(results: dict, line: int = 0):
    """Time against size, both as multiples of the first, one panel for each model; None where none was measured.

    A picture holds one line of three panels: on a phone its panels come one after the other, and so do the lines.
    """
    from lvm_lib import plots

    every_one = [(row, entry(results, row)["growth"]) for row in every(Growth) if entry(results, row)]
    found = every_one[3 * line : 3 * line + 3]
    if not found:
        return None
    figure, axes = plots.subplots(1, min(3, len(every_one)), height=2.8, squeeze=False)
    said = []
    for axis, (row, grown) in zip(axes.flat, found, strict=False):
        parts = []
        for (name, one), marker, shade, dash in zip(
            grown.items(), "os^", ("accent", "ink", "muted"), ("-", "--", "-."), strict=False
        ):
            exponent = slope(one["sizes"], one["seconds"])
            axis.loglog(
                [size / one["sizes"][0] for size in one["sizes"]],
                [t / one["seconds"][0] for t in one["seconds"]],
                dash,
                marker=marker,
                ms=4,
                lw=1.4,
                color=plots.colour(shade),
                label=f"{name}: {exponent:.2f}".replace("-", "\u2212"),
            )
            parts.append(f"{name} {exponent:.2f}")
        axis.set_title(row.name.split(",")[0], fontsize=10)
        axis.legend(fontsize=8, handlelength=2.4, loc="upper left")
        axis.set_xticks([1, 2, 4, 8], ["1", "2", "4", "8"])
        axis.set_yticks([1, 4, 16, 64], ["1", "4", "16", "64"])
        axis.set(ylim=(0.5, 130), xlabel="size, times the first", ylabel="time, times the first")
        axis.minorticks_off()
        said.append(f"{row.name}: {', '.join(parts)}")
    for axis in axes.flat[len(found) :]:
        axis.set_axis_off()
    alt = f"Time against size on logarithmic axes, nearly straight lines. Their slopes: {'; '.join(said)}."
    return figure, alt, None  # its panels are stacked on a phone
