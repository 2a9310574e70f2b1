"""Chapters as tests: a notebook's cells in order whatever is shuffled, limits and threads as for its stored run."""

import os
import re
import subprocess
import sys

from tools import chapters

NOTEBOOKS = ["book/elbo.ipynb", "book/kl_and_mle.ipynb"]
LATER = ["tests/library/test_plots.py", "tests/notebooks/test_bundle.py", "tests/book/test_release.py"]


def collected(*options):
    """What pytest would run, in order: pairs of file and test."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "--nbval", *options, *LATER, *NOTEBOOKS]
    done = subprocess.run([*command, "-p", "no:xdist"], cwd=chapters.ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return re.findall(r"^([\w/]+\.(?:ipynb|py))::(\S.*)$", done.stdout, flags=re.M)


def of(file, tests):
    """The tests of a file, in the order of `tests`."""
    return [name for path, name in tests if path == file]


def test_notebooks_are_wholes_long_files_come_first_and_the_rest_can_be_shuffled():
    plain, shuffled = collected(), collected("--random-order-bucket=global", "--random-order-seed=7")
    assert list(dict.fromkeys(path for path, _ in plain)) == [*NOTEBOOKS, LATER[2], *LATER[:2]]
    assert sorted(plain) == sorted(shuffled)
    for notebook in NOTEBOOKS:
        assert len(of(notebook, plain)) > 20 and of(notebook, shuffled) == of(notebook, plain)
        places = [number for number, (path, _) in enumerate(shuffled) if path == notebook]
        assert places == list(range(places[0], places[-1] + 1))
    assert all(of(file, shuffled) != of(file, plain) for file in LATER[1:])


def test_a_cell_has_the_one_limit_and_every_process_the_same_threads(request):
    limit = request.config.getoption("nbval_cell_timeout")
    assert limit == chapters.CELL_SECONDS or any("nbval-cell-timeout" in word for word in sys.argv)
    assert {"OMP_NUM_THREADS", "OMP_WAIT_POLICY", "PYTHONHASHSEED"} <= set(os.environ)
