"""Chapters as tests (`pytest --nbval book`): LVM_PERTURB has their nets start a hair's breadth elsewhere.

    LVM_PERTURB=7 python -m pytest --nbval book           seed 7
    LVM_PERTURB=commit python -m pytest --nbval book      the seed is made from the commit's hash

`tools/elsewhere.py` says what for, `tools/perturb.py` how. Tests share nothing else here; see tests/conftest.py.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from tools import perturb


def pytest_configure(config):
    wanted = os.environ.get(perturb.VARIABLE)
    if not wanted or not config.getoption("--nbval", default=False):
        return
    folder = Path(tempfile.mkdtemp(prefix="perturbed-"))
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    config.perturbed = perturb.seed_of(wanted)
    os.environ.update(perturb.write_startup(folder, config.perturbed))


def pytest_report_header(config):
    if hasattr(config, "perturbed"):
        return f"chapters run perturbed: {perturb.VARIABLE}={config.perturbed} repeats it"


def pytest_terminal_summary(terminalreporter, config):
    if hasattr(config, "perturbed"):
        terminalreporter.write_line(f"chapters ran perturbed: {perturb.VARIABLE}={config.perturbed} repeats it")
