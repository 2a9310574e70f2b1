"""Who writes into a chapter keeps what they wrote: `make execute` renews outputs and nothing else."""

import sys

import nbformat


def test_a_student_s_own_edits_survive_an_execution(small_book):
    path = small_book.folder / "book" / "second.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[2].source = "answer = 6 * 7\nprint(answer)"
    notebook.cells[2].outputs = []
    notebook.cells.append(nbformat.v4.new_markdown_cell("My own note.", id="note", attachments={}))
    notebook.cells.append(nbformat.v4.new_code_cell("print('my own cell')", id="own", metadata={"tags": ["mine"]}))
    notebook.metadata["course"] = "spring"
    nbformat.write(notebook, path)

    small_book.run(sys.executable, "-m", "tools.chapters", "second")
    after = nbformat.read(path, as_version=4)
    assert [cell.source for cell in after.cells] == [cell.source for cell in notebook.cells]
    assert [cell.id for cell in after.cells] == [cell.id for cell in notebook.cells]
    assert after.cells[4].metadata["tags"] == ["mine"] and after.metadata["course"] == "spring"
    assert after.cells[2].outputs[0].text == "42\n" and after.cells[4].outputs[0].text == "my own cell\n"


def test_a_cell_that_fails_leaves_the_file_as_it_was(small_book):
    path = small_book.folder / "book" / "second.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[2].source = "1 / 0"
    nbformat.write(notebook, path)
    before = path.read_bytes()
    done = small_book.run(sys.executable, "-m", "tools.chapters", "second", check=False)
    assert done.returncode != 0 and "ZeroDivisionError" in done.stdout + done.stderr
    assert path.read_bytes() == before
