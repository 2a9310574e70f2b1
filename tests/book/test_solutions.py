"""An instructor can build the book without its solutions.

The hints stay, and the next build has the solutions again: in the pages, and in the notebooks beside them.
"""

import json
import subprocess
import sys

from tools import chapters, folded, keys

FOLDED = '<details class="{0}"><summary>{0}</summary>\n\nthe {0} itself\n\n</details>\n'


def test_solutions_can_be_left_out(ran_book):
    small_book = ran_book()
    path = small_book.folder / "book" / "second.ipynb"
    text = FOLDED.format("hint") + "\n" + FOLDED.format("solution")
    path.write_text(path.read_text().replace("Some text", json.dumps(text + "\nSome text")[1:-1]))
    beside = small_book.folder / "_build" / "html" / "book" / "second.ipynb"
    small_book.build(LVM_SOLUTIONS="no")
    handed = beside.read_text(encoding="utf-8")
    assert "the hint itself" in handed and "the solution itself" not in handed and "without_distances" in handed
    assert "the hint itself" in small_book.page("second") and "the solution itself" not in small_book.page("second")
    small_book.build()
    assert "the solution itself" in small_book.page("second")
    assert beside.read_text(encoding="utf-8") == path.read_text(encoding="utf-8")
    assert 'href="second.ipynb" download' in small_book.page("second")


def test_a_notebook_without_solutions_tells_a_side_and_no_distance():
    notebook = folded.unsolved(keys.read(chapters.ROOT / "book" / "elbo.ipynb"))
    first = keys.source(notebook["cells"][0])
    assert first.startswith(chapters.first_cell()) and 'class="solution"' not in json.dumps(notebook)
    code = first + "\nfrom lvm_lib import check\ncheck.elbo_gap(0.5)"
    done = subprocess.run([sys.executable, "-c", code], cwd=chapters.ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "Not yet: your gap is too low.\n"
