"""The book's Sphinx extension: eight small parts, each in its own file.

alone.py       lets one build run at a time
run.py         renders chapters from their stored runs (tools.runs) and keeps no stale page
live.py        puts live figures into pages: a host element each, state and weights in side files
formulas.py    renders formulas at build time, so that pages carry no formula script
identities.py  lists every numbered equation with its tests, and links the two
bench.py       fills the page "Benchmarks" from stored results
status.py      says what the stored runs took, and what they were made with
page.py        what every page's head holds, and does not
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]


def machinery() -> str:
    """A key of what turns a chapter into a page: where it changes, every page is written anew."""
    files = sorted(path for folder in (HERE, HERE.parent / "_templates") for path in folder.glob("*.*"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def setup(app):
    import alone
    import bench
    import formulas
    import identities
    import page
    import run
    import status

    app.add_config_value("lvm_machinery", machinery(), "env")
    for part in (alone, run, formulas, identities, bench, status, page):
        part.setup(app)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
