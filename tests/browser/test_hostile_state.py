"""A figure's state comes from outside: a side file, a link.

Whatever stands in it, it is never HTML, and the figure lives
in a state that it can show, or says in its place that it cannot."""

import json
import math

import pytest
from built_book import SITE, bare, pages_with_figures, side_file
from test_figures_hold import differences

from lvm_lib import figures

HTML = '"><img src=x onerror="window.hostile=1"><script>window.hostile=1</script>'
HOSTILE = {
    "html": HTML,
    "end-of-script": "</script><script>window.hostile=1</script>",
    "nothing": None,
    "a-list": [[1, 2], HTML],
    "an-object": {"toString": HTML, "__proto__": {"hostile": 1}},
    "huge": 1e308,
    "a-word": "NaN",
    "empty": "",
}
STATES = (
    "([...document.querySelectorAll('[data-lvm-live]')].map((host) => ({ status: host.dataset.lvmStatus, "
    "figure: host.querySelector('[data-figure]')?.dataset.figure, "
    "state: host.closest('[data-lvm-state]')?.dataset.lvmState, "
    "numbers: host.querySelector('[data-figure]')?.dataset.numbers ?? '', said: host.textContent, "
    "still: [...host.querySelectorAll('.lvm-still')].some((node) => node.checkVisibility()) })))"
)


def settled(seen, page, hash_="", poison=None):
    """The bare page, its figures settled: behind a link, or with every trait poisoned by [value]."""

    def answer(route):
        name = route.request.url.rsplit("/", 1)[-1]
        route.fulfill(body=poisoned(SITE / "_figures" / name, poison[0]), content_type="text/javascript")

    seen.context.unroute("**/_figures/*.js")
    if poison:
        seen.context.route("**/_figures/*.js", answer)
    seen.open_bare(page, hash_)
    seen.page.mouse.wheel(0, 1)  # whoever scrolls lets go of the place that a link names
    seen.settle(sweep=False)
    assert seen.page.locator("[data-lvm-live]").count() == bare(page).count("data-lvm-live=") > 0


def poisoned(path, value) -> str:
    """A side file in which every trait is `value`."""
    text = path.read_text(encoding="utf-8")
    identity, state = json.loads(f"[{text[len('lvmFigureState(') : text.rindex(')')]}]")
    traits = dict.fromkeys(state["traits"], value)
    return f"lvmFigureState({json.dumps(identity)},{json.dumps({**state, 'traits': traits})});"


def sound(seen, page, known) -> list[str]:
    """What is wrong with the figures of `page` after it was given a hostile state.

    A figure that lives is held to Python with what the book itself gives it to carry: no poison may have stayed in it.
    `known` remembers what Python found: most hostile states end as the same one.
    """
    found, shown = [], seen.page
    if shown.evaluate("window.hostile ?? ({}).hostile ?? 0"):
        found.append("a script of the state ran")
    if shown.locator("img[src='x'], .lvm-live script").count():
        found.append("the state became HTML")
    for figure in shown.evaluate(STATES):
        if figure["status"] == "failed":
            if "could not" not in figure["said"] or not figure["still"]:
                found.append("a figure that failed does not say so, or hides its picture")
            continue
        numbers = json.loads(figure["numbers"])
        if any(isinstance(value, float) and not math.isfinite(value) for value in numbers.values()):
            found.append(f"numbers that are none: {numbers}")
        cls = figures.by_name(figure["figure"])
        key = figure["state"], figure["numbers"]
        if key not in known:
            known[key] = cls.recomputed(numbers, side_file(page, figure["state"]))
        found += cls.broken(numbers) + differences(numbers, known[key])
    return found + (seen.foreign and [f"it asked for {seen.foreign}"])


@pytest.mark.parametrize("page", pages_with_figures())
def test_a_side_file_holds_no_html_and_no_nonsense(visit, page):
    seen, known = visit(None), {}
    for name, value in HOSTILE.items():
        settled(seen, page, poison=[value])
        assert sound(seen, page, known) == [], name


LINKS = {
    "html": HTML,
    "infinite": "1e999",
    "NaN": "NaN",
    "huge": "-1e308",
    "bad-escape": "%E0%A4%A",
    "empty": "",
    "separators": "=;&:#",
}


@pytest.mark.parametrize("page", pages_with_figures())
class TestLinks:
    def test_a_link_holds_no_html_and_no_nonsense(self, visit, page):
        names = sorted(cls.name for cls in figures.every())
        keys = "abcdefghijklmnopqrstuvwxyz"  # whatever a figure calls the parts of its state
        seen, known = visit(None), {}
        for what, value in LINKS.items():
            hash_ = "&".join(f"{name}:{';'.join(f'{key}={value}' for key in keys)}" for name in names)
            settled(seen, page, "#" + hash_)
            assert sound(seen, page, known) == [], what
            assert seen.errors == [], what
            assert all(figure["status"] == "alive" for figure in seen.page.evaluate(STATES)), what
