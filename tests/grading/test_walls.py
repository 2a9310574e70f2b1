"""The walls round a submission stand against the submission itself; where they cannot, the report says so."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from test_unusual_answers import IMPORT, LIMITS, verdicts

from tools.grading import prison, walls

walled = pytest.mark.skipif(not prison.means().namespaces, reason="this machine allows no namespaces")
ATTACK = """
import ctypes, os, subprocess
said = []
libc = ctypes.CDLL(None, use_errno=True)
libc.umount2(CHECK.encode(), 2)
said += ["sees the checks"] if os.path.exists(CHECK + "/elbo.py") else []
said += ["has a namespace"] if libc.unshare(0x10000000) == 0 else []
for line in open("/proc/self/mounts"):
    subprocess.run(["mount", "-o", "remount,bind,rw", line.split()[1]], capture_output=True)
disk = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64g", "none", "/mnt"], capture_output=True)
said += ["mounts a disk"] if disk.returncode == 0 else []
for place in (OUTSIDE, "/proc/self/oom_score_adj"):
    try:
        open(place, "a").write("0")
        said.append("writes " + place)
    except OSError:
        pass
said += ["has capabilities"] if "CapEff:\\t0000000000000000" not in open("/proc/self/status").read() else []
said += ["reads answers"] if "BY_HAND" in open(HANDOUT).read() else []
raise RuntimeError("; ".join(said) or "held")
"""
SPOKEN = "import socket\ns = socket.socket(socket.AF_UNIX)\ns.connect({!r})\nanswer = 0.85\ncheck.elbo_gap(answer)"
FORKS = """
import os, time
for _ in range(6):
    if os.fork() == 0:
        held = bytearray(b"x") * (400 * 2**20)
        time.sleep(20)
        os._exit(0)
time.sleep(15)
check.elbo_gap(0.85)"""


@walled
def test_a_submission_cannot_take_its_walls_down(tmp_path):
    tmp_path.chmod(0o777)
    places = {
        "CHECK": str(prison.ROOT / "lvm_lib" / "check"),
        "OUTSIDE": str(tmp_path / "written"),
        "HANDOUT": str(prison.ROOT / "tools" / "handout.py"),
    }
    code = "".join(f"{name} = {place!r}\n" for name, place in places.items()) + ATTACK
    said = verdicts(tmp_path, {"check-gap": IMPORT + code})["elbo_gap"]
    assert said == ("raised", "The cell raised RuntimeError: held")


@walled
def test_a_socket_on_disk_is_not_to_be_spoken_to(tmp_path):
    tmp_path.chmod(0o755)
    place = f"/tmp/lvm-{os.getpid()}.sock"
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(place)
        os.chmod(place, 0o777)
        listener.listen()
        assert place in prison._sockets()
        said = verdicts(tmp_path, {"check-gap": IMPORT + SPOKEN.format(place)})["elbo_gap"]
    finally:
        listener.close()
        os.unlink(place)
    assert said[0] == "raised" and "Error" in said[1]


@pytest.mark.skipif(sys.platform != "linux", reason="the memory of a group is watched on Linux")
def test_the_memory_of_all_processes_together_is_limited(tmp_path):
    said = verdicts(tmp_path, {"check-gap": IMPORT + FORKS}, limits={**LIMITS, "memory": 1.0})["elbo_gap"]
    assert said == ("raised", "The cell used more than 1 GB of memory and was stopped.")


def test_signs_in_the_path_of_a_mount_are_read():
    text = b"/dev/a /mnt/my\\040disk\\134x ext4 rw 0 0\nproc /proc proc rw 0 0\n"
    assert walls.points(text) == [b"/mnt/my disk\\x", b"/proc"]


@walled
def test_a_mount_with_a_blank_in_its_path_cannot_be_written(tmp_path):
    disk, work = tmp_path / "my disk", tmp_path / "work"
    for folder in (disk, work):
        folder.mkdir()
    tmp_path.chmod(0o777)
    code = f"open({str(disk / 'x')!r}, 'w')"
    command = prison.walled([sys.executable, "-c", code], work, [])
    script = 'mount -t tmpfs -o mode=777 none "$0" || exit 7; shift 0; exec "$@"'
    done = subprocess.run(
        ["unshare", "-U", "-r", "-m", "sh", "-c", script, str(disk), *command], capture_output=True, text=True
    )
    assert done.returncode == 1 and "Read-only file system" in done.stderr, done.stderr


def test_walls_that_do_not_hold_run_nothing(tmp_path):
    command = [sys.executable, "-I", "-S", walls.__file__, str(tmp_path), "--", "/bin/echo", "ran"]
    if os.geteuid() == 0:  # as root this would mount on the machine itself
        command = ["unshare", "-U", *command]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == walls.FAILED and "ran" not in done.stdout


def test_root_in_a_submission_is_not_called_isolated():
    assert prison.Means(True, True).said().startswith("isolated")
    assert prison.Means(True, False, root=True).said().startswith("not isolated: the account nobody cannot start")
    assert prison.Means(False, False).said().startswith("not isolated")


def test_what_a_submission_needs_is_not_hidden(tmp_path):
    """Where it lies in a folder that is hidden, all that lies beside it is."""
    for name in ("work", "anna", "bo"):
        (tmp_path / name).mkdir()
    found = [place for place in prison._hidden(tmp_path / "work", [tmp_path]) if place.startswith(str(tmp_path))]
    assert sorted(map(Path, found)) == [tmp_path / "anna", tmp_path / "bo"]
