"""Chapters as tests (`pytest --nbval book`): LVM_PERTURB has their nets start a hair's breadth elsewhere.

    LVM_PERTURB=7 python -m pytest --nbval book           seed 7
    LVM_PERTURB=commit python -m pytest --nbval book      the seed is made from the commit's hash, and printed

Only the kernels that nbval starts for chapters are told; a kernel that a test starts by itself is not.
`tools/elsewhere.py` says what for, `tools/perturb.py` how. What all tests share stands in tests/conftest.py.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from tools import perturb


def pytest_configure(config):
    """Have nbval start its kernels with IPython's startup file for this seed, and undo it at the end."""
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


def pytest_terminal_summary(terminalreporter, config):
    """Say which seed it was, at the end, where it is read."""
    if hasattr(config, "perturbed"):
        terminalreporter.write_line(f"chapters ran perturbed: {perturb.VARIABLE}={config.perturbed} repeats it")
