"""Shared by all tests: the root of the project on the path, hypothesis without chance."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("MPLBACKEND", "Agg")
settings.register_profile("book", deadline=None, derandomize=True)  # a busy machine is no fault of what is tested
settings.load_profile("book")


def pytest_sessionfinish(session, exitstatus):
    """In CI nothing may be skipped: a skipped test fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if os.environ.get("CI") and skipped and exitstatus == 0:
        session.exitstatus = 1
        reporter.write_line(f"{len(skipped)} tests were skipped, and in CI none may be", red=True)


@pytest.fixture
def said(capsys):
    """said(result, expected): the one line that a self-check printed, after asserting what it returned."""

    def line(result, expected):
        text = capsys.readouterr().out
        assert result is expected, text
        assert text.count("\n") == 1 and text.endswith("\n") and len(text) > 10
        return text.strip()

    return line
