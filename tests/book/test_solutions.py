"""An instructor can build the book without its solutions.

The hints stay, and the next build has the solutions again.
"""

import json

FOLDED = '<details class="{0}"><summary>{0}</summary>\n\nthe {0} itself\n\n</details>\n'


def test_solutions_can_be_left_out(ran_book):
    small_book = ran_book()
    path = small_book.folder / "book" / "second.ipynb"
    text = FOLDED.format("hint") + "\n" + FOLDED.format("solution")
    path.write_text(path.read_text().replace("Some text", json.dumps(text + "\nSome text")[1:-1]))
    small_book.build(LVM_SOLUTIONS="no")
    assert "the hint itself" in small_book.page("second") and "the solution itself" not in small_book.page("second")
    small_book.build()
    assert "the solution itself" in small_book.page("second")
