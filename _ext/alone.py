"""One build of this book at a time: a second one waits, and then finds the chapters that the first one ran."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout
from sphinx.util import logging

log = logging.getLogger(__name__)
held = []  # the lock is this process's own, and goes with it


def setup(app) -> None:
    """Runs before Sphinx reads what earlier builds left, so that two builds never write into each other's files."""
    place = Path(app.outdir).parent
    place.mkdir(parents=True, exist_ok=True)
    held.append(FileLock(place / "build.lock"))
    try:
        held[-1].acquire(blocking=False)
    except Timeout:
        log.info("another build of this book is running; waiting for it to end ...")
        held[-1].acquire()
