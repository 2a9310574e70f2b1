"""Whatever pytest runs here: threads and time limits of every run, chapters as wholes, the long ones first.

    python -m pytest --nbval book                                  the chapters
    LVM_PERTURB=7 python -m pytest --nbval book                    their nets start a hair beside, by seed 7
    LVM_PERTURB=commit python -m pytest --nbval book               the seed is made from the commit's hash, and printed
    python -m pytest tests/library --random-order-bucket=global    in a random order (pytest-random-order)
    python -m pytest tests/library/test_em.py --count=10           each test ten times (pytest-repeat)

Only the kernels that nbval starts for chapters are perturbed; a kernel that a test starts by itself is not.
`tools/elsewhere.py` says what for, `tools/perturb.py` how. What all tests share stands in tests/conftest.py.
"""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tools import perturb
from tools.chapters import CELL_SECONDS, ROOT

for name, value in {"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}.items():
    os.environ.setdefault(name, value)  # as `make` sets them; kernels and other processes inherit them

NBVAL_SECONDS = 2000  # nbval's own limit for a cell, where no other is asked for
LONG_FIRST = ("book", "tests/browser", "tests/book")  # a worker that ends with a long file keeps the others waiting


def pytest_configure(config):
    """Give a cell its one limit; have nbval start kernels with IPython's startup file for the seed, until the end."""
    if config.getoption("nbval_cell_timeout", default=None) == NBVAL_SECONDS:
        config.option.nbval_cell_timeout = float(CELL_SECONDS)
    wanted = os.environ.get(perturb.VARIABLE)
    if not wanted or not config.getoption("--nbval", default=False):
        return
    from nbval import kernel

    config.perturbed = perturb.seed_of(wanted)
    folder, start = Path(tempfile.mkdtemp(prefix="perturbed-")), kernel.start_new_kernel
    perturb.write_startup(folder, config.perturbed)

    def start_perturbed(**options):
        return start(**options, env={**os.environ, "IPYTHONDIR": str(folder)})

    def restore():
        kernel.start_new_kernel = start
        shutil.rmtree(folder, ignore_errors=True)

    kernel.start_new_kernel = start_perturbed
    config.add_cleanup(restore)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Cells of a notebook keep their order whatever is shuffled; folders with long files come first."""
    for item in items:
        if item.path.suffix == ".ipynb":
            item.add_marker(pytest.mark.random_order(disabled=True))
    items.sort(key=lambda item: place(item.path))


def place(path: Path) -> int:
    """Where a test's folder stands in LONG_FIRST; its length for all others."""
    folders = {parent.relative_to(ROOT).as_posix() for parent in path.parents if parent.is_relative_to(ROOT)}
    return next((number for number, folder in enumerate(LONG_FIRST) if folder in folders), len(LONG_FIRST))


def pytest_terminal_summary(terminalreporter, config):
    """Say which seed it was, at the end, where it is read."""
    if hasattr(config, "perturbed"):
        terminalreporter.write_line(f"chapters ran perturbed: {perturb.VARIABLE}={config.perturbed} repeats it")
