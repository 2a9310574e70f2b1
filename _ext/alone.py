"""One build of this book at a time: a second one waits, and then finds the chapters that the first one ran."""

from __future__ import annotations

import os
import time
from pathlib import Path

from sphinx.util import logging

log = logging.getLogger(__name__)
held = []  # the lock is this process's own, and goes with it


def try_lock(file) -> bool:
    """Take the lock of an open file without waiting; the operating system lets it go when the process ends."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def setup(app) -> None:
    """Runs before Sphinx reads what earlier builds left, so that two builds never write into each other's files."""
    place = Path(app.outdir).parent
    place.mkdir(parents=True, exist_ok=True)
    held.append((place / "build.lock").open("a"))
    said = False
    while not try_lock(held[-1]):
        if not said:
            log.info("another build of this book is running; waiting for it to end ...")
            said = True
        time.sleep(0.2)
