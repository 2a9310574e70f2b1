"""Self-checks of the chapter "Every model on its ruler"."""

from __future__ import annotations

import math

from ._judge import Exercise, Number, ask, guarded

__all__ = ["ruler_paired", "ruler_waste"]


# ---------------------------------------------------------------- exercise 1


@guarded
def ruler_waste(first: object, second: object, bits: object) -> bool | None:
    """Exercise 1: what two models' own q waste, from bounds and better ones; and a bound in bits per pixel."""
    return ask(_waste(), first, second, bits)


def _waste():
    own, better, second_own, second_better, pixels = -122.0, -111.5, -116.0, -111.4, 784
    of_first = {
        "the difference of the two models' bounds: compare a model with itself": second_own - own,
        "the waste of model B (are the two swapped?)": second_better - second_own,
    }
    of_second = {"the waste of model A (are the two swapped?)": better - own}
    of_bits = {
        "nats per pixel: a bit is log 2 nats": -better / pixels,
        "the bound of A's own q in bits per pixel: the better one is asked": -own / pixels / math.log(2),
        "bits for the whole image: divide by 784": -better / math.log(2),
    }
    return Exercise(
        "A's q wastes more than twice as much; which model is better these numbers do not say.",
        Number("waste of A", better - own, of_first, decimals=1),
        Number("waste of B", second_better - second_own, of_second, decimals=1),
        Number("number of bits per pixel", -better / pixels / math.log(2), of_bits, unit="bits"),
    )


# ---------------------------------------------------------------- exercise 2


@guarded
def ruler_paired(unpaired: object, paired: object) -> bool | None:
    """Exercise 2: the standard error of a difference of two averages of 1,000 digits, unpaired and paired."""
    return ask(_paired(), unpaired, paired)


def _paired():
    spread, digits, correlation = 24.0, 1000, 0.98
    apart, together = spread * math.sqrt(2 / digits), spread * math.sqrt(2 * (1 - correlation) / digits)
    of_unpaired = {
        "the error of one score: two of them are subtracted": spread / math.sqrt(digits),
        "the spread of one digit's difference: divide by the root of 1000": spread * math.sqrt(2),
        "the paired error (are the two swapped?)": together,
    }
    of_paired = {
        "the error with 1 - rho once: both scores vary": spread * math.sqrt((1 - correlation) / digits),
        "the variance: take its root": together**2,
        "the unpaired error (are the two swapped?)": apart,
    }
    return Exercise(
        "on the same digits a difference of one nat is six errors; on different digits it is none.",
        Number("unpaired error", apart, of_unpaired),
        Number("paired error", together, of_paired),
    )


NUMBERS = {"ruler_waste": _waste, "ruler_paired": _paired}
