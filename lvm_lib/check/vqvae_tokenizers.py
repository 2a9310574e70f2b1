"""Self-checks of the chapter "Tokenizers: many one-hots"."""

from __future__ import annotations

import math

import numpy as np

from ._judge import (
    Exercise,
    Follows,
    Number,
    ask,
    ask_function,
    guarded,
)

__all__ = [
    "tok_levels",
    "tok_perplexity",
    "tok_rate",
]


# ---------------------------------------------------------------- exercise 1


@guarded
def tok_rate(nats: object, bits_per_pixel: object) -> bool | None:
    """Exercise 1: a 256 x 256 image as 32 x 32 tokens, K = 8192, uniform prior: nats, and bits per pixel."""
    return ask(_rate(), nats, bits_per_pixel)


def _rate():
    places, codes, pixels = 32 * 32, 8192, 256 * 256
    truth = places * math.log(codes)
    bits = truth / math.log(2) / pixels
    of_nats = {
        "the rate of one token: there are 32 x 32 of them": math.log(codes),
        "M K, without a logarithm": places * codes,
        "K log M: it is M log K": codes * math.log(places),
        "32 log K: the grid has 32 x 32 places": 32 * math.log(codes),
        "a rate per pixel: the tokens alone are sent": pixels * math.log(codes),
    }
    of_bits = {
        "nats per pixel: a bit is log 2 nats": truth / pixels,
        "bits per token: divide by the number of pixels": truth / math.log(2) / places,
        "bits for the whole image: divide by the number of pixels": truth / math.log(2),
        "bits divided by 3 colours as well: a pixel is asked": bits / 3,
    }
    return Exercise(
        "49 places or 1024, the price of a grid is M log K as long as nothing is known about it.",
        Number("rate", truth, of_nats, decimals=0),
        Number("number of bits per pixel", bits, of_bits, unit="bits", follows=Follows(0, 1 / math.log(2) / pixels)),
    )


# ---------------------------------------------------------------- exercise 2


@guarded
def tok_levels(nats: object, codes: object) -> bool | None:
    """Exercise 2: 49 places, four levels of 16 codes: the rate, and the size of one codebook with this rate."""
    return ask(_levels(), nats, codes)


def _levels():
    places, levels, each = 49, 4, 16
    truth = places * levels * math.log(each)
    of_nats = {
        "the rate of one level: there are four": places * math.log(each),
        "the rate of 64 codes: levels multiply, since every combination is a code": places * math.log(levels * each),
        "the rate of one place: there are 49": levels * math.log(each),
        "the rate in bits: nats are asked": truth / math.log(2),
    }
    of_codes = {
        "the sum of the codebooks: every combination of four codes is a code": float(levels * each),
        "the codes of one level": float(each),
        "4 to the power of 16: four levels of 16 make 16 to the power of 4": 4.0**16,
    }
    return Exercise(
        "64 vectors are stored, and 65536 codes are spoken; the rate is that of 784 fair coins, 784 log 2.",
        Number("rate", truth, of_nats, decimals=1),
        Number(
            "number of codes",
            float(each**levels),
            of_codes,
            unit="",
            decimals=0,
            follows=Follows(0, 1 / places, exp=True),
        ),
    )


# ---------------------------------------------------------------- exercise 3


@guarded
def tok_perplexity(function: object) -> bool | None:
    """Exercise 3: a function of tokens (any shape, whole numbers) that returns their perplexity."""
    rng = np.random.default_rng(0)
    cases = [np.array([[0, 1, 2, 3]]), rng.choice(9, (40, 7), p=rng.dirichlet(np.ones(9))), np.full(12, 5)]
    cases += [10**6 * rng.choice(3, (2, 3, 4)), np.array([7])]
    right = "codes that do not occur add nothing, and evenly used codes count in full."
    return ask_function(function, right, [((case,), _perplexity(case)) for case in cases])


def _perplexity(tokens):
    counts = np.unique(tokens, return_counts=True)[1]
    share = counts / counts.sum()
    entropy = float(-(share * np.log(share)).sum())
    slips = {
        "the entropy itself: take its exponential": entropy,
        "2 to the entropy in nats: either bits and 2, or nats and e": 2**entropy,
        "exp of the entropy in bits: either bits and 2, or nats and e": math.exp(entropy / math.log(2)),
        "the number of codes that occur: weigh them by their shares": float(len(share)),
        "exp of minus the entropy: mind the sign": math.exp(-entropy),
        "one over the sum of squared shares: another measure of the same kind": 1 / (share**2).sum(),
        "the average over rows: count over all tokens": _row_by_row(tokens),
    }
    return Number("perplexity", math.exp(entropy), slips, unit="", decimals=None, at=f"tokens of shape {tokens.shape}")


def _row_by_row(tokens):
    rows = tokens.reshape(len(tokens), -1) if tokens.ndim > 1 else tokens[None]
    share = [np.unique(row, return_counts=True)[1] / row.size for row in rows]
    return float(np.mean([np.exp(-(s * np.log(s)).sum()) for s in share]))


NUMBERS = {"tok_rate": _rate, "tok_levels": _levels}
