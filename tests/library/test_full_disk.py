"""Where a disk is full, a write fails with an error, and what stood there before is still whole. (POSIX: a limit on the
size of a file, in a process of its own, stands for the full disk.)"""

import subprocess
import sys

import pytest

resource = pytest.importorskip("resource")

LIMITED = """\
import resource, signal, sys
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path = Path(sys.argv[1])
{prepare}
before = path.read_bytes()
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
try:
    {write}
except OSError as error:
    print("refused:", error)
print("whole" if path.read_bytes() == before else "damaged")
"""
WEIGHTS = """\
import torch
from lvm_lib.fit import save_weights
small, large = torch.nn.Linear(2, 2), torch.nn.Linear(100, 100)
save_weights(small, path)"""
NOTEBOOK = """\
import nbformat
from tools import chapters
small = nbformat.v4.new_notebook()
large = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("word " * 2000, id="a")])
chapters.write(path, small)"""
CASES = {"weights": (WEIGHTS, "save_weights(large, path)"), "a chapter": (NOTEBOOK, "chapters.write(path, large)")}


@pytest.mark.parametrize("prepare, write", CASES.values(), ids=CASES)
@pytest.mark.slow
def test_what_stood_there_is_still_whole(tmp_path, request, prepare, write):
    path = tmp_path / "kept.file"
    done = subprocess.run(
        [sys.executable, "-c", LIMITED.format(prepare=prepare, write=write), str(path)],
        timeout=1200,
        cwd=request.config.rootpath,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    refused, state = done.stdout.splitlines()
    assert refused.startswith("refused: ") and state == "whole"
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
