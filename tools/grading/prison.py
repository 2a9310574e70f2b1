"""How a submission's process is isolated and limited.

Where the system allows it (Linux, namespaces for users): no network, its own processes, a tree that cannot be written,
a small disk in memory of its own, and neither submissions nor solutions to be seen; root becomes nobody first. Limits
of memory, processor time and file size hold on every POSIX system.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tools.keys import ROOT

NOBODY = 65534
FILE = 64 * 2**20  # bytes of a file that it may write
HIDDEN = ("lvm_lib/check", "book", "tests", "_build", ".git")
WALLS = """
work=$1; shift
mount -t tmpfs -o size=256m,mode=777 none "$work" || exit 97
while read -r _ point type _; do
  case $type in proc|sysfs|cgroup*|devpts|devtmpfs|mqueue) continue;; esac
  case $point in "$work") continue;; esac
  mount -o remount,bind,ro "$point" 2>/dev/null
done < /proc/self/mounts
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mount -t tmpfs -o size=1m,ro none "$1" || exit 97; fi
  shift
done
shift
if ( : > /lvm-probe ) 2>/dev/null; then exit 97; fi
cd "$work" && exec "$@"
"""


class Means(NamedTuple):
    """What this machine allows: names for whoever reads the report."""

    namespaces: bool
    nobody: bool

    def said(self) -> str:
        """One sentence for the report."""
        if self.namespaces:
            return "isolated: each submission ran without a network, and could write no file of this machine"
        return (
            "not isolated: this machine allows no namespaces, so submissions ran with the network and the files "
            f"of {'nobody' if self.nobody else 'the account that graded'}; grade in a container"
        )


@functools.cache
def means() -> Means:
    """What this machine allows, tried out."""
    nobody = hasattr(os, "geteuid") and os.geteuid() == 0 and _runs([], user=NOBODY)
    walls = bool(shutil.which("unshare")) and _runs(["walls"], user=NOBODY if nobody else None)
    return Means(walls, nobody)


def _runs(how: list, user: int | None) -> bool:
    """Whether an isolated Python starts and finds the library."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        command = [sys.executable, "-c", "import numpy, lvm_lib"]
        command = walled(command, Path(folder), []) if how else command
        try:
            done = subprocess.run(
                command, capture_output=True, timeout=120, cwd=folder, env=environment(Path(folder)), **_as(user)
            )
        except (OSError, subprocess.SubprocessError):
            return False
        return done.returncode == 0


def _as(user: int | None) -> dict:
    return {} if user is None else {"user": user, "group": user, "extra_groups": []}


def walled(command: list[str], work: Path, hidden: list[Path]) -> list[str]:
    """The command within namespaces of its own."""
    places = [str(ROOT / name) for name in HIDDEN] + [str(path) for path in hidden] + ["/dev/shm"]
    space = ["unshare", "-U", "-r", "-m", "-n", "-p", "-f", "-i", "--mount-proc", "--kill-child"]
    return [*space, "sh", "-c", WALLS, "sh", str(work), *places, "--", *command]


def environment(work: Path) -> dict[str, str]:
    """What the process is told of this machine."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(work),
        "TMPDIR": str(work),
        "PYTHONPATH": str(ROOT),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "PASSIVE",
    }


def limits(memory: int, seconds: int) -> None:
    """Set the limits of this process, before it becomes the submission's."""
    import ctypes
    import resource
    import signal

    for which, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, FILE),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(which)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (value, value))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # it ends with the judge


class Cell:
    """A running submission: its pipe's two ends, and how to end it."""

    def __init__(self, *, memory: int, seconds: int, hidden: list[Path]):
        allowed = means()
        self.work = Path(tempfile.mkdtemp(prefix="submission-"))
        os.chmod(self.work, 0o777)
        from_us, to_us = os.pipe(), os.pipe()
        command = [sys.executable, "-m", "tools.grading.inside", str(from_us[0]), str(to_us[1])]
        command.append("walled" if allowed.namespaces else "open")
        if allowed.namespaces:
            command = walled(command, self.work, hidden)
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(from_us[0], to_us[1]),
            cwd=self.work,
            env=environment(self.work),
            start_new_session=True,
            preexec_fn=functools.partial(limits, memory, seconds),
            **_as(NOBODY if allowed.nobody else None),
        )
        os.close(from_us[0])
        os.close(to_us[1])
        self.source, self.target = to_us[0], from_us[1]
        os.set_blocking(self.target, False)

    def end(self) -> None:
        """End it with all that it started, and remove what it wrote."""
        import signal

        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.source)
        os.close(self.target)
        shutil.rmtree(self.work, ignore_errors=True)
