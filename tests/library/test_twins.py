"""A file and its twin in the other language, and its test, go by one name."""

from pathlib import Path

import pytest

from lvm_lib import figures

ROOT = Path(__file__).resolve().parents[2]
# Memory of a page's last answers, for which Python has functools; the search, which no one asks in Python; what writes
# WebAssembly.
ALONE = {"assembler", "remembered", "search", "spellings"}
ENGINES = sorted(path.stem for path in (ROOT / "js" / "engine").glob("*.js"))
PAGES = {path.stem for path in (ROOT / "js" / "page").rglob("*.js")}
DRAWING = {path.stem for path in (ROOT / "js" / "figures" / "drawing").glob("*.js")}
KIT = {path.stem for path in (ROOT / "js" / "kit").glob("*.js")}
FIGURES = {getattr(figures, name).name for name in figures.__all__ if name.endswith("Figure")} - {""}


@pytest.mark.parametrize("name", sorted({*ENGINES} - ALONE))
def test_an_engine_has_a_python_twin_of_its_name(name):
    stems = {"judge": "_judge", "written": "_text"}  # of the checks, which keep their judge and reader to themselves
    stems["doubles"] = "network"
    stems |= dict.fromkeys(("ans", "exact"), "coding") | dict.fromkeys(("products", "run"), "trainer")
    places = [ROOT / "lvm_lib" / folder / f"{stems.get(name, name)}.py" for folder in (".", "figures", "check")]
    assert any(place.exists() for place in places)


def test_a_test_in_node_is_named_after_what_it_tests():
    tests = {path.name.removesuffix(".test.mjs") for path in (ROOT / "js" / "tests").glob("*.test.mjs")}
    assert tests - {*ENGINES} - KIT - PAGES - DRAWING == {
        "kit",
        "front",
    }  # the front page's figure is the plane with another face


def test_a_figure_s_own_test_is_named_after_it():
    names = {path.stem for path in Path(__file__).parent.glob("test_*figure*.py")} - {"test_figures"}
    assert names == {f"test_figure_{name}" for name in FIGURES}
