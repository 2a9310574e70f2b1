"""Each chapter's stored run is whole, is of this code, and is small."""

import json
import zlib

import pytest

from tools import chapters, keys, runs
from tools.budgets import budget

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


def test_what_is_stored_stays_small():
    """No renewal adds more than this; one that trains no net anew adds next to nothing: its bytes are equal."""
    packed = {}
    for path in CHAPTERS:
        files = [*(runs.STORED / path.stem).iterdir(), path]
        packed[path.stem] = sum(len(zlib.compress(file.read_bytes())) for file in files)
    assert sum(packed.values()) <= budget("repository", "runs"), json.dumps(packed)


def test_no_run_is_left_of_a_chapter_that_is_gone():
    assert {folder.name for folder in runs.STORED.iterdir()} == {path.stem for path in CHAPTERS}
