r"""The form of a test of an equation. To add an equation to the book:

1. In the chapter, name it: `<a id="elbo-decomposition"></a>` before the formula, `\tag{elbo-decomposition}` as its last
   line. The name begins with the chapter's prefix.
2. In tests/identities/<chapter>.py write a function of `rng`, with `@identity("elbo-decomposition", tolerance=1e-8)`.
3. Its docstring's first line names the two routes: "low-rank evidence against closed-form ELBO plus KL". The page
   "Identities" prints it. The routes must be independent: no shared formula, or an error in it stands on both sides.
4. Return `Equal(left, right)`: each side a dict of named terms, as the equation prints them; a side is their sum.
   For an inequality `AtMost(left, right, equality)`, with a strict case and a case of equality; for an average of
   samples `Sampled(left, right, error)`, with `sigmas=` in the decorator. A list of these is also fine.
5. Every term is then given a wrong sign, doubled and halved, and each side a spare log(2 pi)/2. If the test would not
   notice, its data have no power, and it fails. A term that is zero for a reason is named in `zero=`.
6. `python -m tools.identities` says whether labels and tests match; `pytest tests/identities` checks everything.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

SPARE = math.log(2 * math.pi) / 2  # what a forgotten or doubled normaliser of one dimension costs
WRONG = {"with its sign flipped": -1.0, "doubled": 2.0, "halved": 0.5}


@dataclass(frozen=True)
class Equal:
    """left = right, each the sum of its named terms (numbers or arrays of one shape). `zero`: terms that vanish."""

    left: dict
    right: dict
    zero: tuple[str, ...] = ()
    power = 100  # a wrong version must miss by this many tolerances
    unit = "tolerance"

    def miss(self) -> float:
        """The largest |left - right|, relative to the larger side (absolute where both are below one)."""
        left, right = self.sides()
        return float(np.max(np.abs(left - right) / np.maximum(1.0, np.maximum(np.abs(left), np.abs(right)))))

    def sides(self):
        left, right = total(self.left), total(self.right)
        if np.shape(left) != np.shape(right):
            raise ValueError(
                f"left {list(self.left)} and right {list(self.right)} must have one shape, "
                f"got {np.shape(left)} and {np.shape(right)}"
            )
        return left, right

    def faults(self, limit: float) -> Iterator[str]:
        """What does not hold."""
        miss = self.miss()
        if not miss <= limit:
            yield f"{' + '.join(self.left)} = {' + '.join(self.right)} misses by {miss:.3g}, allowed {limit:g}"
        for name in self.zero:
            worst = float(np.max(np.abs({**self.left, **self.right}[name])))
            if not worst <= limit:
                yield f"term {name} is said to be zero and is {worst:.3g}"

    def mutants(self) -> Iterator[tuple[str, Equal]]:
        """Wrong versions, each with what is wrong with it."""
        for side in ("left", "right"):
            terms = getattr(self, side)
            for name in terms:
                if name not in self.zero:
                    for how, factor in WRONG.items():
                        wrong = {**terms, name: factor * np.asarray(terms[name], dtype=float)}
                        yield f"term {name} ({side}) {how}", replace(self, **{side: wrong})
            yield f"log(2 pi)/2 added on the {side}", replace(self, **{side: {**terms, "spare constant": SPARE}})

    def weak(self, limit: float) -> Iterator[str]:
        """The wrong versions that this comparison would let pass, or nearly."""
        for what, mutant in self.mutants():
            miss = mutant.miss()
            if not miss >= self.power * limit:
                yield f"no power: with {what} the sides differ by {miss:.3g}, less than {self.power} x {limit:g}"


@dataclass(frozen=True)
class Sampled(Equal):
    """left = right up to chance: `error` is the standard error of left - right, one number or an array of its shape."""

    error: float | np.ndarray = field(kw_only=True)
    power = 5
    unit = "sigmas"

    def miss(self) -> float:
        """The largest |left - right|, in standard errors."""
        left, right = self.sides()
        if not np.all(np.asarray(self.error) > 0):
            raise ValueError("error must be positive: a side without chance belongs in Equal")
        return float(np.max(np.abs(left - right) / self.error))


@dataclass(frozen=True)
class AtMost:
    """left <= right: strictly for the given terms, while `equality` is a case in which both are equal.

    The strict case shows the direction, the equality case that nothing is missing: there a wrong term is seen.
    """

    left: dict
    right: dict
    equality: Equal

    power = 100
    unit = "tolerance"

    def faults(self, limit: float) -> Iterator[str]:
        left, right = Equal(self.left, self.right).sides()
        slack = float(np.min((right - left) / np.maximum(1.0, np.maximum(np.abs(left), np.abs(right)))))
        if not slack > self.power * limit:
            yield (
                f"{' + '.join(self.left)} < {' + '.join(self.right)}: slack {slack:.3g}, "
                f"expected > {self.power * limit:g}"
            )
        yield from self.equality.faults(limit)

    def weak(self, limit: float) -> Iterator[str]:
        yield from self.equality.weak(limit)


class Identity(NamedTuple):
    """A registered test."""

    label: str
    function: Callable
    tolerance: float | None
    sigmas: float | None

    def claims(self, seed: int) -> list:
        """What the test claims, for one seed."""
        claims = self.function(np.random.default_rng(seed))
        claims = list(claims) if isinstance(claims, (list, tuple)) else [claims]
        if not claims:
            raise ValueError(f"{self.label}: the test returns no claim")
        for claim in claims:
            if getattr(self, claim.unit) is None:
                raise ValueError(f"{self.label}: a claim is {type(claim).__name__}, so @identity needs {claim.unit}=")
        return claims

    def said(self, claims: list, what: str) -> str:
        """What is wrong (what="faults"), or which errors would go unseen (what="weak"), a line each."""
        return "\n".join(
            f"claim {number}: {sentence}"
            for number, claim in enumerate(claims, start=1)
            for sentence in getattr(claim, what)(getattr(self, claim.unit))
        )


REGISTERED: list[Identity] = []


def identity(label: str, *, tolerance: float | None = None, sigmas: float | None = None, registry: list | None = None):
    """Register a test of the equation `label`. tolerance: for Equal and AtMost; sigmas: for Sampled."""
    if (tolerance is None or not 0 < tolerance <= 1e-4) and sigmas is None:
        raise ValueError(f"{label}: give a tolerance in (0, 1e-4], or sigmas for a statistical test, got {tolerance}")

    def register(function):
        if list(inspect.signature(function).parameters) != ["rng"]:
            raise TypeError(f"{label}: the test must be a function of rng, got {inspect.signature(function)}")
        (REGISTERED if registry is None else registry).append(Identity(label, function, tolerance, sigmas))
        return function

    return register


def total(terms: dict):
    """The sum of named terms, as an array of float64; each must be finite."""
    if not terms:
        raise ValueError("a side must have at least one term")
    for name, value in terms.items():
        if not np.all(np.isfinite(np.asarray(value, dtype=float))):
            raise ValueError(f"term {name} is not finite")
    return sum(np.asarray(value, dtype=float) for value in terms.values())
