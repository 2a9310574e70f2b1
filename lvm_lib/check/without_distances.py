"""Checks that tell a wrong number its side alone, "too high", and not how far off it is.

    from lvm_lib.check import without_distances

    without_distances.begin()

The notebooks that `make book SOLUTIONS=no` hands out begin so: told distances, a student finds a number by halving.
It is a courtesy, no lock: who restarts the kernel without these lines is told distances again.

No chapter imports this module, and `_judge`, which every chapter reaches, does not know of it: so whether distances
are told makes no stored run stale.
"""

from __future__ import annotations

import numpy as np

from . import _judge

__all__ = ["begin"]


def begin() -> None:
    """From now on, in this process, no check tells a distance."""
    _judge._how_far = side


def side(given: np.ndarray, asked: _judge.Number) -> str:
    """On which side of the truth a wrong answer lies, in the words that `_judge` begins with."""
    with np.errstate(over="ignore"):
        differences = np.ravel(given - asked.truth)
        excess = np.abs(differences) / np.ravel(asked.tolerance)
    worst = differences[np.argmax(excess)]
    where = f" in {'their' if asked.plural else 'its'} worst entry" if differences.size > 1 else ""
    told = f"{'too high' if worst > 0 else 'too low'}{where}"
    return f"{told}: a whole number is asked" if asked.exact and abs(worst) < 1 else told
