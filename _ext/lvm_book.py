"""The book's Sphinx extension: seventeen small parts, each in its own file.

alone.py       lets one build run at a time
run.py         renders chapters from their stored runs (tools.runs) and keeps no stale page
live.py        puts live figures into pages: a host element each, state and weights in side files
panels.py      finds the panels of a picture, which narrow screens stack
answers.py     puts fields into the boxes of exercises that the page can judge, and their tables beside it
reading.py     folds the code that does not teach
downloads.py   puts each chapter's notebook beside its page
formulas.py    renders formulas at build time, so that pages carry no formula script
identities.py  lists every numbered equation with its tests, and links the two
bench.py       fills the page "Benchmarks" from stored results
status.py      says what the stored runs took, and what they were made with
front.py       puts minutes and places into the cards of the front page
search_index.py  writes what the page "Search" looks through, from the built pages
previews.py    names what links lead to, and writes what they show before they are followed
cards.py       lets narrow screens show the rows of a wide table as cards
minus.py       puts real minus signs into text, tables and what code printed
symbols.py     writes plain text's theta^2, E_q and 1e-12 as symbols, powers and indices
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
    files += [HERE.parent / "tools" / f"{name}.py" for name in ("exercises", "folded", "plain", "quick", "references")]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def without_places(app) -> None:
    """Have `.buildinfo` hash the settings alone, not where this machine keeps templates and files of packages."""
    if app.builder.format != "html":
        return
    everywhere = {name: getattr(app.config, name) for name in ("templates_path", "html_static_path")}
    for name, paths in everywhere.items():
        setattr(app.config, name, [path for path in paths if not Path(path).is_absolute()])
    app.builder.build_info = app.builder.create_build_info()
    for name, paths in everywhere.items():
        setattr(app.config, name, paths)


def setup(app):
    import alone
    import answers
    import bench
    import downloads
    import formulas
    import front
    import identities
    import page
    import previews
    import run
    import search_index
    import status

    from tools import references

    references.register()
    app.add_config_value("lvm_machinery", machinery(), "env")
    first = (alone, run, answers, downloads, formulas, identities, bench, status, page, front)
    for part in (*first, previews, search_index):
        part.setup(app)
    app.connect("builder-inited", without_places)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
