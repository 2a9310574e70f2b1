"""What a row of the benchmark is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple


class Measured(NamedTuple):
    """One run. quality: the number by which the two sides are compared.  seconds: None means the whole call is timed."""

    quality: float
    seconds: float | None = None


@dataclass(frozen=True)
class Row:
    """One comparison.

    name: as the table prints it.  peer: the other library.  quality: what `Measured.quality` is, with its unit.
    aim: our time over the peer's, at most; None if there is no aim.
    ours, theirs: functions `prepare(target)` that get everything ready, untimed, and return `run()`, which returns a
        `Measured` (or just the quality) and is timed. `target` is the peer's quality for ours, None for the peer's.
        Each lives in a process of its own, so import the peer inside `theirs`.
    agree: (our quality, the peer's) -> "" if ours is as good, or what is wrong, in words.
    repeats: runs per process, after one run that is not counted if `warm`.
    """

    name: str
    peer: str
    quality: str
    ours: Callable
    theirs: Callable
    agree: Callable[[float, float], str]
    aim: float | None = None
    repeats: int = 5
    warm: bool = True


def within(tolerance: float) -> Callable[[float, float], str]:
    """Agreement up to `tolerance`."""
    return lambda ours, theirs: "" if abs(ours - theirs) <= tolerance else f"differs by {abs(ours - theirs):.2g}"


def at_most(slack: float = 0.0) -> Callable[[float, float], str]:
    """Ours is at most the peer's, up to `slack`: for a loss."""
    return lambda ours, theirs: "" if ours <= theirs + slack else f"is worse by {ours - theirs:.3g}"
