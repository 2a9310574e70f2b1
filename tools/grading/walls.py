"""Walls round a submission's process: what it may see and write, and that it cannot take them down again.

    unshare -U -r -m -n -p -f -i --mount-proc python -I -S walls.py WORK HIDDEN... -- COMMAND...

Runs as root of the namespaces that `unshare` made, which is nobody outside. It mounts a small disk on WORK, makes every
other mount read-only, covers what is HIDDEN, forbids further namespaces, gives up every capability, and becomes
COMMAND. Where one of these steps does not hold it ends with code 97, and nothing is run. Standard library alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import stat
import sys

FAILED = 97
DISK = "size=256m,mode=777"
RDONLY, NOSUID, NODEV, REMOUNT, BIND = 1, 2, 4, 32, 4096  # of mount(2)
KEPT = NOSUID | NODEV | 8  # flags that a mount in a namespace may not lose; statvfs has the same numbers
CAPBSET_DROP, NO_NEW_PRIVS, CAP_AMBIENT, AMBIENT_CLEAR_ALL = 24, 38, 47, 4  # of prctl(2)
CAPABILITIES = 0x20080522  # the version of capset(2) with 64 bits
WITHOUT = {"CapInh": 0, "CapPrm": 0, "CapEff": 0, "CapBnd": 0, "CapAmb": 0, "NoNewPrivs": 1}


class Standing(Exception):
    """A wall that does not hold."""


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


_libc = ctypes.CDLL(None, use_errno=True)


def points(text: bytes) -> list[bytes]:
    """The mount points of /proc/self/mounts, where blanks and others are written as octal numbers."""
    lines = [line.split(b" ") for line in text.splitlines()]
    return [re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8)]), line[1]) for line in lines]


def mount(source: bytes, target: bytes, kind: bytes | None, flags: int, options: str = "") -> bool:
    """Whether mount(2) did it."""
    return _libc.mount(source, target, kind, ctypes.c_ulong(flags), options.encode() or None) == 0


def walls(work: bytes, hidden: list[bytes]) -> None:
    """Put up the walls. Raises Standing where one does not hold."""
    if not mount(b"none", work, b"tmpfs", NOSUID | NODEV, DISK):
        raise Standing("no disk of its own")
    try:
        with open("/proc/sys/user/max_user_namespaces", "w") as file:
            file.write("0")  # in a namespace of its own it would have every capability again
    except OSError:
        raise Standing("namespaces within the namespace") from None
    for place in _mounted():
        with contextlib.suppress(OSError):
            if place != work:
                flags = os.statvfs(place).f_flag & KEPT
                mount(b"none", place, None, REMOUNT | BIND | RDONLY | flags)
    for place in hidden:
        try:
            folder = stat.S_ISDIR(os.stat(place).st_mode)
        except OSError:
            continue  # there is none, or this account cannot reach it
        covered = (
            mount(b"none", place, b"tmpfs", RDONLY | NOSUID | NODEV, "size=1m")
            if folder
            else mount(b"/dev/null", place, None, BIND)
        )
        if not covered and os.path.lexists(place):  # a socket may have been closed meanwhile
            raise Standing(f"{place!r} can be read")
    for place in _mounted():
        with contextlib.suppress(OSError):
            there = os.statvfs(place)  # the uppermost mount; nothing below it can be reached
            device = stat.S_ISCHR(os.stat(place).st_mode)
            if place != work and not device and not there.f_flag & RDONLY:
                raise Standing(f"{place!r} can be written")


def _mounted() -> list[bytes]:
    with open("/proc/self/mounts", "rb") as file:
        return points(file.read())


def powerless() -> None:
    """Give up every capability for good. Raises Standing where one is left."""
    for number in range(64):
        _libc.prctl(CAPBSET_DROP, number, 0, 0, 0)  # fails for numbers that this kernel does not know
    _libc.prctl(CAP_AMBIENT, AMBIENT_CLEAR_ALL, 0, 0, 0)
    _libc.capset(ctypes.byref(_Header(CAPABILITIES, 0)), (ctypes.c_uint32 * 6)())
    _libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0)
    with open("/proc/self/status") as file:
        said = dict(line.split(":\t", 1) for line in file if ":\t" in line)
    if {name: int(said.get(name, "-1"), 16) for name in WITHOUT} != WITHOUT:
        raise Standing("capabilities are left")


def main(words: list[str]) -> None:
    split = words.index("--")
    work, *hidden = [os.fsencode(word) for word in words[:split]]
    try:
        walls(work, hidden)
        powerless()
    except (Standing, OSError, ValueError) as error:
        print(f"no walls: {error}", file=sys.stderr)
        sys.exit(FAILED)
    os.chdir(work)
    os.execv(words[split + 1], words[split + 1 :])


if __name__ == "__main__":
    main(sys.argv[1:])
