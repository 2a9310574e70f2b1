"""Properties of every chapter as it is stored.

It can be read without running it, and it carries nothing of a machine.
"""

import json
import re

import nbformat
import pytest

from tools import chapters, runs
from tools.budgets import budget

CHAPTERS = chapters.chapter_paths()
WIDGET = runs.WIDGET_VIEW
FORBIDDEN = {
    "a memory address": r"\b0x[0-9a-fA-F]{6,}\b",
    "a local path": r"(?:/(?:home|root|Users|tmp)/|site-packages|[A-Z]:\\\\)",
    "a timing": r"\b\d+(?:\.\d+)?\s?(?:s|ms|sec|secs|seconds|minutes|it/s)\b|\bseconds=",
    "a progress bar": r"\d+%\|",
}


@pytest.fixture(params=CHAPTERS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def texts(output) -> str:
    """All text of an output that a reader sees."""
    data = output.get("data", {})
    pieces = [output.get("text", ""), *(data.get(kind, "") for kind in ("text/plain", "text/html", "text/markdown"))]
    return "\n".join("".join(piece) for piece in pieces)


def test_the_book_has_chapters():
    assert {"intro", "elbo"} <= {path.stem for path in CHAPTERS}


def test_notebook_is_valid_and_in_the_one_layout(notebook, tmp_path, request):
    nbformat.validate(notebook)
    path = request.node.callspec.params["notebook"]
    chapters.write(tmp_path / "again.ipynb", notebook)
    assert (tmp_path / "again.ipynb").read_text(encoding="utf-8") == path.read_text(encoding="utf-8")


def test_every_code_cell_is_stored_with_its_run(notebook):
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))


def test_no_error_is_stored_unless_the_cell_says_so(notebook):
    for cell in notebook.cells:
        errors = [output for output in cell.get("outputs", []) if output.output_type == "error"]
        assert not errors or "raises-exception" in cell.metadata.get("tags", []), cell.source


def test_no_widget_state_and_no_view_of_a_dead_widget(notebook):
    assert "widgets" not in notebook.metadata
    assert WIDGET not in json.dumps([cell.get("outputs", []) for cell in notebook.cells])


def test_metadata_names_no_machine(notebook):
    assert set(notebook.metadata) <= {"kernelspec", "language_info", "mystnb"}
    assert notebook.metadata.language_info == {"name": "python"}
    assert not any("execution" in cell.metadata for cell in notebook.cells)


@pytest.mark.parametrize("what", FORBIDDEN)
def test_outputs_hold_nothing_that_changes_from_run_to_run(notebook, what):
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            found = re.search(FORBIDDEN[what], texts(output))
            assert not found, f"{what} in the output of {cell.id}: {found[0]}"


def test_first_cell_is_the_one_first_cell(notebook):
    first = notebook.cells[0]
    assert first.source == chapters.first_cell()
    assert first.metadata.tags == chapters.FIRST_TAGS


def test_cells_that_show_a_widget_are_not_compared(notebook):
    """What a widget prints is not a claim; nbval still runs the cell and fails on errors."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and re.search(r"figures\.\w+\(|\blab\b.*\(|interact\(", cell.source):
            assert "nbval-ignore-output" in cell.metadata.get("tags", []), cell.source


def test_every_stored_picture_has_a_text_alternative(notebook):
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                alt = output.metadata.get("image/png", {}).get("alt", "")
                assert len(alt.split()) >= 4, f"{cell.id}: show figures with lvm_lib.plots.show(figure, alt=...)"


@pytest.mark.parametrize(
    "poison",
    [
        {"text": "<Model object at 0x7f3b2c1d>"},
        {"text": "saved to /home/me/x"},
        {"text": "done in 3.2 s"},
        {"data": {"text/plain": "Record(epoch=1, loss=3.9, seconds=1.6)"}},
        {"text": " 40%|####"},
    ],
)
def test_the_patterns_above_catch_what_they_are_for(poison):
    assert any(re.search(pattern, texts(poison)) for pattern in FORBIDDEN.values())


def test_code_fits_the_column(notebook):
    """A line of code longer than the text column would have to be scrolled sideways."""
    for cell in notebook.cells[1:]:
        if cell.cell_type == "code":
            assert all(len(line) <= budget("chapter", "columns") for line in cell.source.splitlines()), cell.id
