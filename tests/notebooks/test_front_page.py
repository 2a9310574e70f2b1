"""The front page names every chapter and every live figure, and the build says how long and where."""

import json
import re
import sys

from tools import chapters, keys

sys.path.insert(0, str(chapters.ROOT / "_ext"))
import front

PAGES = [path for path in chapters.chapter_paths() if path.stem != "intro"]
TEXT = "\n".join(
    keys.source(cell)
    for cell in keys.read(chapters.ROOT / "book" / "intro.ipynb")["cells"]
    if cell["cell_type"] == "markdown"
)


def links(kind: str) -> list[str]:
    """The chapters that the list of that kind links to, in order."""
    part = TEXT[TEXT.index(f'class="cards {kind}"') :].split("</div>")[0]
    return re.findall(r"^(?:\d+\.|-) \[[^]]+\]\((\w+)\.ipynb\)", part, flags=re.M)


def test_every_chapter_has_its_card():
    assert sorted(links("chapter-cards")) == sorted(path.stem for path in PAGES)


def test_every_live_figure_has_its_card():
    """The n-th question of a chapter is that of its n-th figure."""
    runs = {path.stem: json.loads((path.parent / "runs" / path.stem / "run.json").read_text()) for path in PAGES}
    shown = {name: sum(entry["kind"] == "figure" for entry in run["shown"]) for name, run in runs.items()}
    listed = links("figure-cards")
    assert {name: listed.count(name) for name in shown} == shown


def test_cards_say_minutes_and_lead_to_their_figures():
    timed = front.with_minutes('<li><p><a class="x" href="elbo.html">The bound</a> What?</p></li>')
    assert re.search(r"</a> <span class=\"lvm-minutes\">\d+ minutes</span> What", timed)
    links = "".join(f'<a href="{name}.html">a</a>' for name in ("vae", "elbo", "vae"))
    assert re.findall(r'href="(.*?)"', front.with_places(links)) == [
        "vae.html#live-vae-1",
        "elbo.html#live-elbo-1",
        "vae.html#live-vae-2",
    ]
