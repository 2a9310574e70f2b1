"""Each chapter's stored run is whole, is of this code, and is small."""

import base64
import json
import sys
import zlib

import pytest

from tools import chapters, keys, pictures, runs
from tools.budgets import budget

sys.path.insert(0, str(chapters.ROOT / "_ext"))
import panels

CHAPTERS = chapters.chapter_paths()


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_the_stored_run_is_of_this_code(path):
    why = chapters.stale(path)
    assert why == [], (
        f"{path.stem}: {'; '.join(why)}. `make execute CHAPTER={path.stem}` renews the run; where no compared output "
        f"changes, add KEEP=yes, which renews its key alone"
    )


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_the_stored_run_holds_all_that_its_page_needs(path):
    run, notebook = chapters.stored_run(path), keys.read(path)
    assert {cell["id"] for cell in runs.code_cells(notebook)} == set(run.cells)
    for entry in run.shown:
        if entry["kind"] == "figure":
            assert f"{entry['id']}.js" in run.files
        elif entry["kind"] == "picture":
            assert "dark" in entry, f"{entry['cell']}: show figures with lvm_lib.plots.show"
    pictured = [
        (cell["id"], number)
        for cell in runs.code_cells(notebook)
        for number, output in enumerate(cell["outputs"])
        if "image/png" in output.get("data", {})
    ]
    assert set(pictured) <= {(entry["cell"], entry["output"]) for entry in run.shown}


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_picture_of_one_panel_has_a_narrow_form_that_is_read_well(path):
    """Any other has parts that a phone's page stacks: panels beside each other, or strips of images."""
    run, notebook = chapters.stored_run(path), keys.read(path)
    outputs = {cell["id"]: cell["outputs"] for cell in runs.code_cells(notebook)}
    for entry in (entry for entry in run.shown if entry["kind"] == "picture"):
        wide = base64.b64decode("".join(outputs[entry["cell"]][entry["output"]]["data"]["image/png"]))
        narrow = run.files.get(entry["id"] + runs.NARROW)
        assert entry.get("crowded", []) == [], entry["cell"]
        assert bool(narrow) != bool(panels.panels(wide) or panels.strips(wide)), entry["cell"]
        assert narrow is None or pictures.recoloured(narrow, base64.b64decode(entry["narrow"]))[:24] == narrow[:24]


def test_what_is_stored_stays_small():
    """No renewal adds more than this; one that trains no net anew adds next to nothing: its bytes are equal."""
    packed = {}
    for path in CHAPTERS:
        files = [*(runs.STORED / path.stem).iterdir(), path]
        packed[path.stem] = sum(len(zlib.compress(file.read_bytes())) for file in files)
    assert sum(packed.values()) <= budget("repository", "runs"), json.dumps(packed)


def test_no_run_is_left_of_a_chapter_that_is_gone():
    assert {folder.name for folder in runs.STORED.iterdir()} == {path.stem for path in CHAPTERS}
