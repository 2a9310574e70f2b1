"""Claims about trained numbers: printed, bounded, and the same sentence on every machine.

A net trained elsewhere ends elsewhere: other processors add in another order, and training carries the last bit into
the first digit. So a chapter prints what its own run found and claims only a bound that such runs keep, in one line:

    holds("lead of the VAE at N(0, I)", ahead, at_least=5, unit="nats")

    lead of the VAE at N(0, I): 11.1 nats (claimed: at least 5)

`python -m tools.elsewhere` runs chapters as other machines would and measures the room between values and bounds.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from decimal import Decimal
from numbers import Integral
from typing import SupportsFloat

from ._checks import describe, float_array

__all__ = ["holds"]

SHORTEST = 1e-5  # a number below this is printed with a power of ten
RECORD = "LVM_CLAIMS"  # environment variable: a file to which every claim is added, as one line of JSON


def holds(
    name: str, value: SupportsFloat, *, at_least: float | None = None, at_most: float | None = None, unit: str = ""
) -> None:
    """Print `value` with the bound that is claimed of it, at_least <= value <= at_most, or fail.

    name: what the number is, one line, the same in every run.  value: one real number, or an array or tensor of one.
    at_least, at_most: the claimed bounds, finite; one of them or both.  unit: printed after the number, say "nats".
    The number has at least three digits, and one decimal more than its bounds; a count, of type int, has none.
    Where the environment variable LVM_CLAIMS names a file, the claim is added to it as a line of JSON, held or not.

    Raises AssertionError, with name, value and bounds, where the claim does not hold (NaN never does); TypeError or
    ValueError for arguments that do not fit.
    """
    name, unit, found = _line("name", name), _line("unit", unit, empty=True), _number("value", value)
    low, high = _bound("at_least", at_least), _bound("at_most", at_most)
    if low is None and high is None:
        raise ValueError("at_least or at_most must be given: a claim needs a bound, got None for both")
    if low is not None and high is not None and low > high:
        raise ValueError(f"at_least must not lie above at_most, got {low:g} and {high:g}")
    _record({"name": name, "value": found, "at_least": low, "at_most": high})
    unit = f" {unit}" if unit else ""
    parts = [f"{word} {bound:g}" for word, bound in (("at least", low), ("at most", high)) if bound is not None]
    claimed = " and ".join(parts)
    shown = str(value) if isinstance(value, Integral) else _shown(found, [b for b in (low, high) if b is not None])
    if not ((low is None or found >= low) and (high is None or found <= high)):
        raise AssertionError(f"{name}: {found!r}{unit}, but {claimed}{unit} is claimed")
    print(f"{name}: {shown}{unit} (claimed: {claimed})")


def _line(name: str, value: object, *, empty: bool = False) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {describe(value)}")
    if len(value.splitlines()) > 1 or not (empty or value.strip()):
        raise ValueError(f"{name} must be one line{'' if empty else ' that is not empty'}, got {value!r}")
    return value.strip()


def _number(name: str, value: object) -> float:
    """One real number, of whatever array type; NaN and infinities pass, for the claim to fail on them."""
    value = value.detach() if hasattr(value, "detach") else value
    array = float_array(name, value)
    if isinstance(value, bool) or array.size != 1:
        raise TypeError(f"{name} must be one number, got {describe(value)}")
    return array.item()


def _bound(name: str, value: object) -> float | None:
    if value is None:
        return None
    bound = _number(name, value)
    if not math.isfinite(bound):
        raise ValueError(f"{name} must be finite, got {bound}")
    return bound


def _shown(value: float, bounds: Iterable[float]) -> str:
    """At least three digits, and a decimal more than the bounds have: 11.1 beside 5, 1.000 beside 0.99.

    Exactly zero is 0; only what is smaller than SHORTEST is written with a power of ten.
    """
    if not 0 < abs(value) < math.inf:
        return f"{value:g}"
    if abs(value) < SHORTEST:
        return f"{value:.3g}"
    of_bounds = max(-int(Decimal(f"{bound:g}").as_tuple().exponent) for bound in bounds)
    of_value = 2 - math.floor(math.log10(abs(value)))
    return f"{value:.{max(0, of_bounds + 1, of_value)}f}"


def _record(claim: Mapping[str, object]) -> None:
    path = os.environ.get(RECORD)
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(claim) + "\n")
