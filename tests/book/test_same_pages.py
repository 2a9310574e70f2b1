"""The same commit gives the same pages, byte for byte: of the whole book, on other arithmetic and another Python."""

import os
import shutil
import subprocess
import sys

import pytest

from tools import chapters

# Packages are taken from a link, so that no page may hang on the folder in which an environment lies.
BUILD = """
import os, sys, sysconfig
link, site = sys.argv.pop(1), sysconfig.get_path("purelib")
os.symlink(site, link)
sys.path[:] = [link if path == site else path for path in sys.path]
from jupyter_book.cli.main import main
import sphinx_book_theme
assert sphinx_book_theme.__file__.startswith(link)
main()
"""
LEFT_OUT = shutil.ignore_patterns("_build", ".venv*", "node_modules", ".git", "__pycache__", ".pytest_cache", "tests")
OTHERS = sorted(chapters.ROOT.glob(".venv-3.*/bin/python"))  # `make book VENV=.venv-3.12 PYTHON=python3.12` makes one


def build(python, folder, **variables):
    """A strict build in `folder`; what it said."""
    link = str(folder.with_name(f"{folder.name}, packages"))
    done = subprocess.run(
        [python, "-c", BUILD, link, "build", ".", "-n", "-W", "--keep-going"],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def copied(folder):
    """A copy of the book that was never built."""
    shutil.copytree(chapters.ROOT, folder, ignore=LEFT_OUT)
    (folder / "tests").symlink_to(chapters.ROOT / "tests")
    return folder


def pages(folder):
    """Every file of the built book and its bytes."""
    site = folder / "_build" / "html"
    return {path.relative_to(site).as_posix(): path.read_bytes() for path in site.rglob("*") if path.is_file()}


@pytest.mark.slow
@pytest.mark.parametrize("python", [sys.executable, *map(str, OTHERS)])
def test_a_build_elsewhere_gives_the_same_pages_and_runs_nothing(python, tmp_path):
    elsewhere = copied(tmp_path / "else where")
    said = build(python, elsewhere, OPENBLAS_CORETYPE="Prescott", PYTHONHASHSEED="3", OMP_NUM_THREADS="2")
    assert "running" not in said
    ours, theirs = pages(chapters.ROOT), pages(elsewhere)
    if ours != theirs:  # built before something changed, or brought up to date: an index then keeps words that are gone
        here = copied(tmp_path / "here")
        assert "running" not in build(sys.executable, here)
        ours = pages(here)
    assert set(ours) == set(theirs)
    assert [name for name in ours if ours[name] != theirs[name]] == []
