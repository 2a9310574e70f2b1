"""The appendix page "Status": execution times of this build, filled in when the page is written."""

from __future__ import annotations

import json
import platform
from importlib.metadata import version

from tools import chapters

PAGE = "book/appendix/status"
PACKAGES = ("jupyter-book", "torch", "numpy", "scipy", "matplotlib", "anywidget", "ipywidgets")


def always(app, env, added, changed, removed):
    """The page is read at every build: what it says changes without it."""
    return [PAGE] if PAGE in env.found_docs else []


def times() -> list[tuple[str, float]]:
    """Each chapter's name and seconds, for those that have a kept run."""
    kept = [(path.stem, chapters.CACHE / f"{path.stem}.json") for path in chapters.chapter_paths()]
    return [(name, json.loads(file.read_text(encoding="utf-8"))["seconds"]) for name, file in kept if file.exists()]


def table(head: tuple[str, str], rows) -> str:
    cells = "".join(f"<tr><td>{name}</td><td>{value}</td></tr>" for name, value in rows)
    heads = "".join(f'<th scope="col">{word}</th>' for word in head)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{cells}</tbody></table>"


def fill(app, pagename, templatename, context, doctree) -> None:
    if pagename != PAGE:
        return
    seconds = times()
    rows = [(name, f"{value:.0f} s") for name, value in seconds]
    rows.append(("all", f"{sum(value for _, value in seconds):.0f} s"))
    versions = [("Python", platform.python_version()), *((name, version(name)) for name in PACKAGES)]
    context["body"] = (
        context["body"]
        .replace('<div class="lvm-times"></div>', table(("Chapter", "Time"), rows))
        .replace('<div class="lvm-versions"></div>', table(("Package", "Version"), versions))
    )


def setup(app) -> None:
    app.connect("env-get-outdated", always)
    app.connect("html-page-context", fill)
