"""A chapter opened on Colab fetches the library by itself, and runs: seen in an imitation of it on this machine."""

import subprocess

import nbformat
import pytest

from tools import chapters, colab

USES_THE_LIBRARY = """\
from lvm_lib import check, data
import google.colab, lvm_lib
print(pathlib.Path(lvm_lib.__file__).is_relative_to(sys.prefix))
print(data.load("digits").test.shape)
answer = 0.85
check.elbo_gap(answer)"""


@pytest.fixture
def python(tmp_path):
    return colab.imitation(tmp_path)


def test_a_chapter_fetches_the_library_and_keeps_a_reader_s_answer(python, tmp_path):
    seen = "import importlib.util as u; print(u.find_spec('lvm_lib') is None, u.find_spec('torch') is not None)"
    done = subprocess.run([python, "-c", seen], capture_output=True, text=True, cwd="/", env={"PATH": "/usr/bin:/bin"})
    assert done.stdout.split() == ["True", "True"], done.stderr

    chapter = tmp_path / "own.ipynb"
    cells = [
        nbformat.v4.new_code_cell(chapters.first_cell(), metadata={"tags": chapters.FIRST_TAGS}),
        nbformat.v4.new_code_cell(USES_THE_LIBRARY),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), chapter)
    with pytest.raises(RuntimeError, match="names no repository"):
        colab.run(colab.as_opened(chapter, tmp_path / "drive", ""), python)

    copy = colab.as_opened(chapter, tmp_path / "drive", colab.released(tmp_path))
    colab.run(copy, python)
    after = nbformat.read(copy, as_version=4)
    text = "".join(output.text for output in after.cells[1].outputs if output.output_type == "stream")
    assert text.startswith("True\n(1000, 28, 28)\nRight")
    assert after.cells[1].source == USES_THE_LIBRARY
