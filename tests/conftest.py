"""Shared by all tests: the root of the project on the path, hypothesis without chance, an end to a test that hangs."""

import faulthandler
import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("MPLBACKEND", "Agg")
settings.register_profile("book", deadline=None, derandomize=True)  # a busy machine is no fault of what is tested
settings.load_profile("book")

HANGS = 900  # seconds: several times what the longest test takes on a busy machine


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """A test that hangs fails, shows where it stood, and the others go on."""
    if not hasattr(signal, "SIGALRM"):  # Windows
        return (yield)

    def hangs(number, frame):
        faulthandler.dump_traceback(file=sys.__stderr__)
        pytest.fail(f"{item.nodeid} did not end within {HANGS} s")

    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(HANGS)
    try:
        return (yield)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


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
