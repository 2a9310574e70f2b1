"""What holds a learner's code: a limit of time, a deaf ear for its prints, and nothing that ends the notebook.

A check has 10 s of processor time and 30 s in all for everything that a learner wrote (ten times that for trained
networks). The limit is kept by a timer of the system (POSIX, main thread); where there is none, the verdict says so.
Only Ctrl-C goes through. What ends the whole process from C, as os.abort or a crash does, is out of reach; os._exit and
a notebook's own `exit` only raise here.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import signal
import sys
import threading
import time
import warnings
from typing import Any

import numpy as np

__all__ = ["Overtime", "contained", "guarded", "notes", "safely"]

CPU_SECONDS, WALL_SECONDS = 10.0, 30.0  # of what a learner wrote, in one check
TICK = 0.2  # seconds between two looks at the clock
DEFAULT: dict[str, Any] = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}  # as NumPy begins


class Overtime(BaseException):
    """Raised in a learner's code when its time is over; no Exception, so that `except Exception` lets it through."""


class _Clock:
    """What learners' code has used of its time, and what else the verdict should tell."""

    def __init__(self):
        self.checks = 0  # how deep we are in checks
        self.armed = False
        self.patience = 1.0
        self.cpu = self.wall = 0.0  # used up before the present start
        self.started = (0.0, 0.0)
        self.notes: list[str] = []

    def start(self, patience):
        self.patience = patience
        self.started, self.armed = (time.process_time(), time.monotonic()), True

    def stop(self):
        self.armed = False
        self.cpu, self.wall = self.used()

    def used(self):
        return self.cpu + time.process_time() - self.started[0], self.wall + time.monotonic() - self.started[1]

    def why(self):
        """Which limit is passed, in words, or ""."""
        (cpu, wall), (most_cpu, most_wall) = self.used(), (CPU_SECONDS * self.patience, WALL_SECONDS * self.patience)
        if cpu > most_cpu:
            return f"used more than {most_cpu:g} s of processor time and was stopped"
        return f"took more than {most_wall:g} s and was stopped" if wall > most_wall else ""

    def note(self, text):
        if text not in self.notes:
            self.notes.append(text)


_clock = _Clock()


def notes() -> str:
    """What else is to be told of the run, in whole sentences, each with a space before it."""
    return "".join(f" {text}" for text in _clock.notes)


def guarded(check):
    """A check that never raises and never stops a notebook, whatever its answers are; Ctrl-C goes through.

    It judges under NumPy's own settings for errors and without warnings, whatever the notebook has set.
    """

    @functools.wraps(check)
    def safe(*answers, **named):
        if _clock.checks == 0:
            _clock.cpu = _clock.wall = 0.0
            _clock.notes = []
        _clock.checks += 1
        try:
            with np.errstate(**DEFAULT), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return check(*answers, **named)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            print(f"Not yet: this answer could not be judged ({type(error).__name__}).")
            return False
        finally:
            _clock.checks -= 1

    return safe


def contained(thunk, *, patience: float = 1.0):
    """thunk() within `patience` times the limits, quiet and unable to exit; raises what it raises."""
    with _quiet(), _staying(), np.errstate(all="ignore"):
        return _bounded(thunk, patience)


def safely(thunk, instead=None):
    """thunk() within the limits, or `instead` where it raises anything but Ctrl-C."""
    try:
        return contained(thunk)
    except KeyboardInterrupt:
        raise
    except BaseException:
        return instead


# ---------------------------------------------------------------- time


def _bounded(thunk, patience):
    """thunk(), until the time of this check is over: then Overtime, again and again, comes from its own lines.

    What a learner's code raises in its place, as a lock does that was interrupted in its `with`, is Overtime too.
    """
    if _clock.armed:  # inside another one
        return thunk()
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        _clock.note("(No limit of time can be kept here.)")
        return thunk()
    trace = sys.gettrace()
    handler = signal.signal(signal.SIGALRM, _look)
    began, before = time.monotonic(), signal.setitimer(signal.ITIMER_REAL, TICK, TICK)
    try:
        _clock.start(patience)
        return thunk()
    except Exception:
        why = _clock.why()
        if why:
            raise Overtime(why) from None
        raise
    finally:
        sys.settrace(trace)
        _clock.stop()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL if handler is None else handler)
        if before[0]:
            signal.setitimer(signal.ITIMER_REAL, max(before[0] - (time.monotonic() - began), 1e-3), before[1])


def _look(signum, frame):
    """Raise Overtime where the time is over; and from the next line on once more, if a bare `except:` takes it."""
    why = _clock.armed and _clock.why()
    if not why:
        return

    def again(frame, event, argument):
        if event == "line":  # not "exception", which comes while the first one is still on its way to that `except:`
            raise Overtime(why)
        return again

    while frame is not None and frame.f_code is not _bounded.__code__:
        frame.f_trace = again
        frame = frame.f_back
    sys.settrace(again)
    raise Overtime(why)


# ---------------------------------------------------------------- prints and exits


class _Sink(io.TextIOBase):
    """Takes what is printed, and keeps none of it."""

    def write(self, text):
        if text:
            _clock.note("(What your function printed is not shown here.)")
        return len(text)


@contextlib.contextmanager
def _quiet():
    with warnings.catch_warnings(), contextlib.redirect_stdout(_Sink()), contextlib.redirect_stderr(_Sink()):
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _staying():
    """Inside, os._exit and the `exit` of IPython raise SystemExit, and nobody can close the real stdin."""

    def leave(*arguments, **named):
        raise SystemExit(*arguments)

    shell = sys.modules["IPython"].get_ipython() if hasattr(sys.modules.get("IPython"), "get_ipython") else None
    end, source = os._exit, sys.stdin
    own = vars(shell).get("ask_exit") if shell is not None else None  # of the shell itself, or of a call around this
    os._exit, sys.stdin = leave, io.StringIO()
    if shell is not None:
        shell.ask_exit = leave
    try:
        yield
    finally:
        os._exit, sys.stdin = end, source
        if shell is not None:
            vars(shell).pop("ask_exit", None)
            if own is not None:
                shell.ask_exit = own
