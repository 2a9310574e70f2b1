"""The page "Benchmarks", made of what `make bench` and `make audit` stored. Nothing is run or drawn for it."""

from __future__ import annotations

import re
from pathlib import Path

import live
import reading
from sphinx.util import logging

from tools import keys

log = logging.getLogger(__name__)
PAGE = "book/appendix/benchmarks"
MARKER = re.compile(r"<!-- bench: (\w+) -->")
FOLDER = keys.ROOT / "benchmarks"


def parts() -> dict:
    """What may stand on the page, by the name in its marker: functions to Markdown or to a picture and its alt."""
    from benchmarks import pictures, report

    results, audit = report.read(report.RESULTS), report.read(report.AUDIT)
    return {
        "machine": lambda: report.measured_on(results),
        "summary": lambda: report.summary(results),
        "targets": lambda: report.targets(results).markdown(),
        "ratios": lambda: pictures.of("ratios", results),
        "peers": lambda: report.peers(results).markdown(),
        "qualities": lambda: report.qualities().markdown(),
        "engine": lambda: report.readings(results, "decode").markdown(),
        "build": lambda: report.readings(results, "book").markdown(),
        "chapters": lambda: pictures.of("chapters", results),
        "growth": lambda: report.growths(results).markdown(),
        "exponents": lambda: pictures.of("exponents", results),
        "more": lambda: pictures.of("exponents-more", results) or "",  # the other models
        "audited": lambda: report.measured_on(audit),
        "pages": lambda: report.pages(audit).markdown(),
    }


def page_text(source: str) -> str:
    """The page with its markers filled in; pictures go beside the page, one for each theme."""
    known = parts()

    def filled(found) -> str:
        if found[1] not in known:
            log.warning("%s: no part is called %s; there are %s", PAGE, found[1], ", ".join(known), type="bench")
            return ""
        made = known[found[1]]()
        if isinstance(made, str):
            return reading.thousands(made) if made.startswith("|") else made  # a sentence has dates
        if made is None:
            return "*Not measured.*"
        return live.picture_element(f"{PAGE.rsplit('/', 1)[-1]}-{found[1]}", *made, PAGE.count("/"))

    live.SIDE_FILES.mkdir(parents=True, exist_ok=True)
    for old in live.SIDE_FILES.glob(f"{PAGE.rsplit('/', 1)[-1]}-*"):
        old.unlink()
    return MARKER.sub(filled, source)


def fill(app, docname: str, source: list[str]) -> None:
    if docname == PAGE:
        app.env.lvm_bench = key()
        source[0] = page_text(source[0])


def key() -> str:
    """All that the page is made from: stored results, rows and report, what draws, and the titles of pages."""
    from benchmarks import report

    files = sorted([*FOLDER.glob("*.py"), *FOLDER.glob("*.json"), *(FOLDER / "pictures").glob("*.json")])
    return keys.digest(
        *(path.name.encode() + path.read_bytes() for path in [*files, keys.ROOT / "tools" / "audit.py"]),
        *report.titles(),
    )


def outdated(app, env, added, changed, removed):
    """The page is read again where what it is made from has changed, or a picture is gone."""
    if PAGE not in env.found_docs - added:
        return []
    page = Path(app.outdir) / f"{PAGE}.html"
    named = re.findall(r"_figures/([\w-]+\.png)", page.read_text(encoding="utf-8")) if page.exists() else []
    gone = not all((live.SIDE_FILES / name).exists() for name in named)
    return [PAGE] if gone or getattr(env, "lvm_bench", None) != key() else []


def setup(app) -> None:
    app.connect("env-get-outdated", outdated)
    app.connect("source-read", fill)
