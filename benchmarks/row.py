"""What a row of the benchmark is: one of four kinds.

Row        this library beside another: time, and the quality reached
Aim        this library alone, against limits: a score within a time
Growth     this library alone, its time at several sizes: how fast it grows
Reading    numbers that a function brings home: builds of the book, the page's own engine
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

SMALL = "LVM_BENCH_SMALL"
Value = TypeVar("Value")


def sized(full: Value, small: Value) -> Value:
    """`full`, or `small` where the bench is only tried out (`python -m benchmarks --small`): for sizes and counts."""
    return small if os.environ.get(SMALL) else full


class Measured(NamedTuple):
    """One run. quality: the number that is compared.  seconds: None means the whole call is timed.

    also: further numbers by name, for an `Aim` with more limits than one.
    """

    quality: float
    seconds: float | None = None
    also: Mapping[str, float] = {}


class Limit(NamedTuple):
    """What is aimed at: a number that must stay below, or above, another. what: the name of the number."""

    what: str
    sense: str  # "below" or "above"
    bound: float

    def met(self, value: float) -> bool:
        """Is `value` on the right side? NaN never is."""
        return value < self.bound if self.sense == "below" else value > self.bound


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


@dataclass(frozen=True)
class Aim:
    """This library alone, against limits.

    quality: what `Measured.quality` is.  ours: `prepare(None)`, as in `Row`.
    limits: one for "seconds", one for the quality by its name, one for each further number of `Measured.also`.
    threads: at which numbers of threads it runs; the faster one counts.
    """

    name: str
    quality: str
    ours: Callable
    limits: tuple[Limit, ...]
    repeats: int = 2
    warm: bool = False
    threads: tuple[int, ...] = (2,)


class Knob(NamedTuple):
    """A size that is varied, all others kept. expected: the exponent that counting operations gives."""

    sizes: tuple[int, ...]
    expected: float


@dataclass(frozen=True)
class Growth:
    """Seconds at several sizes, at one thread. at: (knob, size) -> run(), prepared and untimed; run() is timed."""

    name: str
    knobs: Mapping[str, Knob]
    at: Callable[[str, int], Callable]
    repeats: int = 5


@dataclass(frozen=True)
class Reading:
    """Numbers by name, all in one unit. read: () -> {what: number}.

    heading: of the column that names them.  limits: by name; what has none is only reported.
    """

    name: str
    heading: str
    unit: str
    read: Callable[[], dict[str, float]]
    limits: Mapping[str, Limit] = field(default_factory=dict)


def within(tolerance: float) -> Callable[[float, float], str]:
    """Agreement up to `tolerance`."""
    return lambda ours, theirs: "" if abs(ours - theirs) <= tolerance else f"differs by {abs(ours - theirs):.2g}"


def at_most(slack: float = 0.0) -> Callable[[float, float], str]:
    """Ours is at most the peer's, up to `slack`: for a loss."""
    return lambda ours, theirs: "" if ours <= theirs + slack else f"is worse by {ours - theirs:.3g}"
