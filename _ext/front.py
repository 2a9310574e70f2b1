"""The front page's cards: minutes and a drawing beside each chapter, each live figure's question linked to its place.

The page itself (book/intro.ipynb) says which chapters there are and what they ask, in plain lists that read well in
Jupyter. Those questions stand at the foot of the pages before and behind, too. The n-th question of a chapter is that
of its n-th live figure.
"""

from __future__ import annotations

import functools
import html
import re
from collections import Counter

import drawings
import formulas

from tools import chapters, keys, length

LISTS = {"chapter-cards": "ol", "figure-cards": "ul"}


def part(body: str, kind: str) -> tuple[int, int]:
    """Where the list of cards of that kind begins and ends in a page's body; (0, 0) where there is none."""
    start = body.find(f'class="cards {kind}"')
    return (start, body.index(f"</{LISTS[kind]}>", start)) if start >= 0 else (0, 0)


@functools.cache
def minutes() -> dict[str, int]:
    """What each chapter takes (tools/length.py), by its name."""
    return {path.stem: length.minutes(length.sections(keys.read(path))) for path in chapters.chapter_paths()}


@functools.cache
def questions() -> dict[str, str]:
    """Each chapter's question, as its card on the front page asks it, in HTML; those cards are their one source."""
    front = keys.ROOT / "book" / "intro.ipynb"
    texts = [keys.source(cell) for cell in keys.read(front)["cells"]] if front.exists() else []
    found = re.findall(r"^\d+\. \[[^\]]+\]\(([\w-]+)\.ipynb\) (.+)$", "\n".join(texts), flags=re.M)
    return {name: written(question) for name, question in found}


def written(words: str) -> str:
    """A line of words and formulas in HTML."""
    parts = words.split("$")
    return "".join(
        f'<span class="math notranslate">{formulas.render(part, False)}</span>' if at % 2 else html.escape(part)
        for at, part in enumerate(parts)
    )


def with_minutes(cards: str) -> str:
    """The chapters' cards, each with its drawing and the minutes that the chapter takes (tools/length.py)."""

    def timed(link: re.Match) -> str:
        time = minutes().get(link[1])
        shown = f' <span class="lvm-minutes">{time} minutes</span>' if time else ""
        return f"{drawings.drawing(link[1])}{link[0]}{shown}"

    return re.sub(r'<a [^>]*href="([\w-]+)\.html"[^>]*>.*?</a>', timed, cards)


def with_places(cards: str) -> str:
    """The figures' cards, each linked to where its figure stands (the ids are given in live.py)."""
    seen: Counter = Counter()

    def placed(link: re.Match) -> str:
        seen[link[1]] += 1
        return f'href="{link[1]}.html#live-{link[1]}-{seen[link[1]]}"'

    return re.sub(r'href="([\w-]+)\.html"', placed, cards)


def fill(app, pagename, templatename, context, doctree) -> None:
    if pagename != app.config.root_doc or "body" not in context:
        return
    for kind, filled in (("chapter-cards", with_minutes), ("figure-cards", with_places)):
        start, end = part(context["body"], kind)
        context["body"] = context["body"][:start] + filled(context["body"][start:end]) + context["body"][end:]


def setup(app) -> None:
    app.connect("html-page-context", fill, priority=950)
