"""How a submission's process is isolated and limited.

Where the system allows it (Linux, namespaces for users): no network, its own processes, a tree that cannot be written,
a small disk in memory of its own, neither submissions nor solutions nor this machine's sockets to be seen, and no
capability with which that could be undone (walls.py); root becomes nobody first. Limits of processor time, file size
and of the memory of a process hold on every POSIX system; on Linux the memory of a submission's processes together is
watched, too.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import NamedTuple

from tools.keys import ROOT

NOBODY = 65534
FILE = 64 * 2**20  # bytes of a file that it may write
HIDDEN = ("lvm_lib/check", "book", "tests", "_build", ".git", "tools/handout.py", "tools/__pycache__")
RUNNING = ("/run", "/var/run")  # where daemons keep their sockets
LOOK = 0.1  # seconds between two looks at the memory


class Means(NamedTuple):
    """What this machine allows: namespaces, becoming nobody, and whether submissions run as root all the same."""

    namespaces: bool
    nobody: bool
    root: bool = False

    @property
    def isolated(self) -> bool:
        """Whether a submission can read no solution, write no file and reach no network."""
        return self.namespaces and not self.root

    def said(self) -> str:
        """One sentence for the report."""
        if self.isolated:
            return (
                "isolated: each submission ran without a network and the sockets of this machine, and could write no "
                "file of it"
            )
        if self.root:
            return (
                f"not isolated: the account nobody cannot start {sys.executable}, so submissions ran as root; grade "
                "from an account of its own, or with a Python that everybody may read"
            )
        return (
            "not isolated: this machine allows no namespaces, or not all that they need, so submissions ran with the "
            f"network and the files of {'nobody' if self.nobody else 'the account that graded'}; grade in a container"
        )


@functools.cache
def means() -> Means:
    """What this machine allows, tried out."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    nobody = root and _runs([], user=NOBODY)
    tries = 2  # on a busy machine sockets come and go while the walls are put up
    walls = bool(shutil.which("unshare")) and any(
        _runs(["walls"], user=NOBODY if nobody else None) for _ in range(tries)
    )
    return Means(walls, nobody, root and not nobody)


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
    space = ["unshare", "-U", "-r", "-m", "-n", "-p", "-f", "-i", "--mount-proc", "--kill-child"]
    walls = [sys.executable, "-I", "-S", str(ROOT / "tools" / "grading" / "walls.py"), os.path.realpath(work)]
    return [*space, *walls, *_hidden(work, hidden), "--", *command]


def _hidden(work: Path, more: list[Path]) -> list[str]:
    """What a submission does not see: each place once, those that lie in another one left out."""
    needed = [os.path.realpath(path) for path in (work, ROOT, sys.executable, sys.prefix, sys.base_prefix)]
    wanted = [*(ROOT / name for name in HIDDEN), *more, Path("/dev/shm")]
    wanted += [Path(path) / "lvm_lib" / "check" for path in sys.path if path and Path(path).is_absolute()]
    wanted += [Path(place) for place in RUNNING]
    found: list[str] = []
    for place in [*map(os.path.realpath, wanted), *sorted(_sockets())]:
        found += [one for one in _around(place, needed) if not any(one == o or one.startswith(f"{o}/") for o in found)]
    return found


def _around(place: str, needed: list[str]) -> list[str]:
    """A place; where something that is needed lies in it, all that lies beside that; [] where there is none."""
    if not os.path.exists(place) or place in needed:
        return []
    if not any(one.startswith(f"{place}/") for one in needed):
        return [place]
    with os.scandir(place) as entries:
        return [one for entry in entries if not entry.is_symlink() for one in _around(entry.path, needed)]


def _sockets() -> set[str]:
    """The sockets on disk: a mount that cannot be written does not keep anybody from speaking through them."""
    try:
        lines = Path("/proc/net/unix").read_bytes().splitlines()[1:]
    except OSError:
        return set()
    paths = (os.fsdecode(line.split(maxsplit=7)[7]) for line in lines if len(line.split(maxsplit=7)) == 8)
    return {os.path.realpath(path) for path in paths if path.startswith("/")}


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


def _children(pid: int) -> list[int]:
    """The processes that a process started and that live."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError):
                found += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
    return found


def _family(pid: int) -> list[int]:
    """A process and all below it. What daemonises stays in it: the first process of the namespace takes it over."""
    found = [pid]
    for one in found:
        found += _children(one)
    return found


def _held(pid: int, kind: str, file: str) -> int:
    """Bytes of memory of a process, 0 for one that is gone."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
            if line.startswith(f"{kind}:"):
                return int(line.split()[1]) * 1024
    return 0


def held(pid: int, enough: int) -> int:
    """Bytes of memory of a process and all below it. Pages that they share count once, where `enough` is passed."""
    family = _family(pid)
    resident = [_held(one, "VmRSS", "status") for one in family]
    if sum(resident) <= enough:
        return sum(resident)
    return sum(_held(one, "Pss", "smaps_rollup") or size for one, size in zip(family, resident, strict=True))


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
        self.full = False  # ended because its processes together took more memory than they may
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, args=(memory,), daemon=True)
        if sys.platform == "linux":
            self._watcher.start()

    def _watch(self, memory: int) -> None:
        while not self._over.wait(LOOK):
            if held(self.process.pid, memory) > memory:
                self.full = True
                self._kill()
                return

    def _kill(self) -> None:
        import signal

        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def end(self) -> None:
        """End it with all that it started, and remove what it wrote."""
        self._over.set()
        if self._watcher.is_alive():
            self._watcher.join()  # before the process is reaped, and its number another's
        self._kill()
        self.process.wait()
        os.close(self.source)
        os.close(self.target)
        shutil.rmtree(self.work, ignore_errors=True)
