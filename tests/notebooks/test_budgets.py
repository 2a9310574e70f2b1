"""What the book weighs stays within tools/budgets.toml; what was measured last met it too."""

import gzip
import json
import re
import subprocess
import sys

import pytest

from tools import audit, chapters
from tools.budgets import budget, budgets

ROOT = chapters.ROOT
sys.path.insert(0, str(ROOT / "_ext"))

HELD = re.compile(r'budget\(\s*"(\w+)",\s*"(\w+)"\s*\)')


def test_every_budget_is_held_by_something():
    files = [file for folder in ("tools", "tests") for file in (ROOT / folder).rglob("*.py")]
    held = {pair for file in files for pair in HELD.findall(file.read_text(encoding="utf-8"))}
    held |= {("page", name) for _, name, _ in audit.KINDS.values()}
    assert held == {(part, name) for part, all_ in budgets().items() for name in all_}


def test_the_history_stays_small():
    """What a clone brings, packed. A copy of a part of the history weighs less, and is no reason to leave this out."""
    if not (ROOT / ".git").exists():
        pytest.fail("the tests run in a clone, and this is none")
    pack = ["git", "pack-objects", "--revs", "--stdout", "--thin", "--delta-base-offset", "-q"]
    sent = subprocess.run(pack, cwd=ROOT, input=b"HEAD\n", capture_output=True, check=True).stdout
    assert len(sent) < budget("repository", "history")


def test_the_images_that_a_reader_trains_on_stay_small():
    import page as book_page

    assert len(gzip.compress(book_page.training_images().encode(), mtime=0)) < budget("scripts", "images")


def test_the_stored_audit_is_of_every_kind_and_met_its_aims():
    stored = json.loads((ROOT / "benchmarks" / "audit.json").read_text(encoding="utf-8"))
    seen = set()
    for page in stored["pages"].values():
        for what, whose, value in audit.rows(page):
            seen.add(what)
            assert audit.AIMS[what][2](value), f"{page['page']}: {what} {whose} is {value}"
    assert seen >= set(audit.KINDS)
