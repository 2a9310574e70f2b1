"""The appendix page "Status": what the stored runs of the chapters took, and what they were made with."""

from __future__ import annotations

from tools import chapters

PAGE = "book/appendix/status"


def always(app, env, added, changed, removed):
    """The page is written at every build: what it says changes without it."""
    return [PAGE] if PAGE in env.found_docs else []


def table(head: tuple[str, ...], rows) -> str:
    """An HTML table; each row as many cells as the head."""
    heads = "".join(f'<th scope="col">{name}</th>' for name in head)
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>"


def times(made: dict[str, dict]) -> str:
    """What each chapter's run took."""
    rows = [(name, f"{run['seconds']:.0f}") for name, run in made.items()]
    return table(("Chapter", "Seconds"), [*rows, ("all", f"{sum(run['seconds'] for run in made.values()):.0f}")])


def versions(made: dict[str, dict]) -> str:
    """What the runs were made with; where they differ, each version that there is."""
    runs = [{"Python": run["python"], **run["versions"]} for run in made.values()]
    names = dict.fromkeys(name for run in runs for name in run)
    found = {name: sorted({run[name] for run in runs if name in run}) for name in names}
    return table(("Package", "Version"), [(name, ", ".join(values)) for name, values in found.items()])


def fill(app, pagename, templatename, context, doctree) -> None:
    if pagename != PAGE:
        return
    known = getattr(app.env, "lvm_made", {})
    made = {path.stem: known[name] for path in chapters.chapter_paths() if (name := f"book/{path.stem}") in known}
    context["body"] = (
        context["body"]
        .replace('<div class="lvm-times"></div>', times(made))
        .replace('<div class="lvm-versions"></div>', versions(made))
    )


def setup(app) -> None:
    app.connect("env-get-outdated", always)
    app.connect("html-page-context", fill)
