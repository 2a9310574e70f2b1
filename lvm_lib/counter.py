"""Chance that can be counted: draw number i of seed s is a function of (s, i), the same in Python and in a page.

A counter-based generator has no state. It scrambles a counter with a key, so draw 1000 needs no draw 999, "one back"
is exact, and two programs that agree on seed and number agree on the draw. The live figures use the JavaScript twin
(js/engine/counter.js); tests hold the two together, so that a sample seen in a page can be made again here.

    words(seed, index)      four 32-bit words, Philox4x32-10: counter (index, 0, stream, 0), key (seed, 0)
    uniforms(seed, index)   two numbers in (0, 1): the middles of 2^52 equal bins
    normals(seed, index)    two draws of N(0, 1): normal quantiles of the two uniforms
    categorical(logits, u)  the category that a uniform picks: inverse-CDF sampling

Sources: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC (2011);
Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied Statistics 37 (1988).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from . import _checks

__all__ = ["categorical", "normal_quantile", "normals", "philox", "uniforms", "words"]

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)  # what the key grows by in a round: fractions of the golden ratio and of sqrt(3)
ROUNDS = 10
WORD = 0xFFFFFFFF

# Wichura's coefficients, highest power first: (numerator, denominator) in the middle, in the tail, in the far tail.
MIDDLE = (
    (
        2509.0809287301226727,
        33430.575583588128105,
        67265.770927008700853,
        45921.953931549871457,
        13731.693765509461125,
        1971.5909503065514427,
        133.14166789178437745,
        3.387132872796366608,
    ),
    (
        5226.495278852854561,
        28729.085735721942674,
        39307.89580009271061,
        21213.794301586595867,
        5394.1960214247511077,
        687.1870074920579083,
        42.313330701600911252,
        1.0,
    ),
)
TAIL = (
    (
        7.7454501427834140764e-4,
        0.0227238449892691845833,
        0.24178072517745061177,
        1.27045825245236838258,
        3.64784832476320460504,
        5.7694972214606914055,
        4.6303378461565452959,
        1.42343711074968357734,
    ),
    (
        1.05075007164441684324e-9,
        5.475938084995344946e-4,
        0.0151986665636164571966,
        0.14810397642748007459,
        0.68976733498510000455,
        1.6763848301838038494,
        2.05319162663775882187,
        1.0,
    ),
)
FAR = (
    (
        2.01033439929228813265e-7,
        2.71155556874348757815e-5,
        0.0012426609473880784386,
        0.026532189526576123093,
        0.29656057182850489123,
        1.7848265399172913358,
        5.4637849111641143699,
        6.6579046435011037772,
    ),
    (
        2.04426310338993978564e-15,
        1.4215117583164458887e-7,
        1.8463183175100546818e-5,
        7.868691311456132591e-4,
        0.0148753612908506148525,
        0.13692988092273580531,
        0.59983220655588793769,
        1.0,
    ),
)


def philox(counter: ArrayLike, key: ArrayLike) -> np.ndarray:
    """Philox4x32-10: four 32-bit words for each counter. counter (..., 4), key (2,) or (..., 2); uint32 (..., 4).

    Ten rounds; in each, two words are multiplied by constants and the halves of the products mixed into the others:
    (c0, c1, c2, c3) -> (hi(M1 c2) ^ c1 ^ k0, lo(M1 c2), hi(M0 c0) ^ c3 ^ k1, lo(M0 c0)).
    Raises TypeError or ValueError where counter or key cannot be right.
    """
    counter, key = _words("counter", counter, 4), _words("key", key, 2)
    c0, c1, c2, c3 = np.moveaxis(counter, -1, 0)
    k0, k1 = np.moveaxis(key, -1, 0)
    for _ in range(ROUNDS):
        first, second = c0 * np.uint64(MULTIPLIERS[0]), c2 * np.uint64(MULTIPLIERS[1])  # 64 bits hold both halves
        c0, c1, c2, c3 = (second >> 32) ^ c1 ^ k0, second & WORD, (first >> 32) ^ c3 ^ k1, first & WORD
        k0, k1 = (k0 + WEYL[0]) & WORD, (k1 + WEYL[1]) & WORD
    return np.stack(np.broadcast_arrays(c0, c1, c2, c3), axis=-1).astype(np.uint32)


def words(seed: int, index: ArrayLike, stream: int = 0) -> np.ndarray:
    """The four words of draw number `index`: a whole number, or an array of them; uint32 (..., 4).

    seed, index, stream: whole numbers from 0 to 2^32 - 1. Different streams of one seed are independent.
    Raises TypeError for what is no whole number, ValueError for one out of range.
    """
    index = _words("index", index)
    seed, stream = int(_words("seed", seed, axes=0)), int(_words("stream", stream, axes=0))
    counter = np.zeros((*index.shape, 4), dtype=np.uint64)
    counter[..., 0], counter[..., 2] = index, stream
    return philox(counter, (seed, 0))


def uniforms(seed: int, index: ArrayLike, stream: int = 0) -> np.ndarray:
    """Two uniform numbers of draw `index`, (..., 2), never 0 and never 1: (k + 1/2) / 2^52, k from 26 + 26 bits.

    The middles of equal bins: u and 1 - u are equally likely to the last bit, and both are exact.
    Raises TypeError or ValueError where seed, index or stream cannot be right.
    """
    high, low = np.split(words(seed, index, stream).astype(np.float64), [2], axis=-1)
    return (np.floor(high / 64) * 2.0**26 + np.floor(low / 64) + 0.5) * 2.0**-52


def normals(seed: int, index: ArrayLike, stream: int = 0) -> np.ndarray:
    """Two independent draws of N(0, 1) of draw `index`, (..., 2): the normal quantiles of its two uniforms.

    Raises TypeError or ValueError where seed, index or stream cannot be right.
    """
    return normal_quantile(uniforms(seed, index, stream))


def normal_quantile(u: ArrayLike) -> np.ndarray:
    """The z with Phi(z) = u, elementwise, for u in (0, 1): the inverse of the standard normal's distribution function.

    Wichura's PPND16: three rational approximations, relative error about 1e-16. Raises ValueError outside (0, 1).
    """
    u = _checks.real_array("u", u)
    if not ((u > 0) & (u < 1)).all():
        raise ValueError(f"u must lie strictly between 0 and 1, got from {u.min():g} to {u.max():g}")
    away = u - 0.5
    near = np.abs(away) <= 0.425
    middle = np.where(near, 0.180625 - away**2, 0.0)
    tail = np.sqrt(-np.log(np.where(near, 0.5, np.minimum(u, 1 - u))))
    outer = np.where(tail <= 5, _ratio(TAIL, tail - 1.6), _ratio(FAR, tail - 5))
    return np.where(near, away * _ratio(MIDDLE, middle), np.copysign(outer, away))


def categorical(logits: ArrayLike, u: ArrayLike) -> np.ndarray:
    """Inverse-CDF sampling: the category that each uniform picks. logits (..., K), u (...) in (0, 1); int64 (...).

        the first k with w_0 + ... + w_k > u (w_0 + ... + w_(K-1)),    w = exp(logit - largest logit)

    In float64 the sums run from the left, in JavaScript too; an exact tie belongs to the category above; a logit of
    -inf (probability 0) is never picked. exp may differ in its last bit between the two languages, so that they could
    disagree only where u lies within about 1e-15 of a border. Raises TypeError or ValueError for what is no logit
    (NaN, +inf, nothing finite) or outside (0, 1).
    [tok-inverse-cdf]
    """
    logits, u = _checks.float_array("logits", logits), _checks.real_array("u", u)
    if logits.ndim == 0 or logits.size == 0:
        raise TypeError(f"logits must be an array of real numbers with categories last, got {_checks.describe(logits)}")
    top = logits.max(axis=-1, keepdims=True)
    if not np.isfinite(top).all():
        raise ValueError(
            "logits must be below infinity, none NaN, at least one finite for each draw, "
            f"got a largest of {top.flat[int(np.argmin(np.isfinite(top)))]}"
        )
    if not ((u > 0) & (u < 1)).all():
        raise ValueError(f"u must lie strictly between 0 and 1, got from {u.min():g} to {u.max():g}")
    try:
        np.broadcast_shapes(u.shape, logits.shape[:-1])
    except ValueError:
        raise ValueError(
            f"u must broadcast with the draws of logits {logits.shape[:-1]}, got shape {u.shape}"
        ) from None
    sums = np.cumsum(np.exp(logits - top), axis=-1)
    return (sums <= u[..., None] * sums[..., -1:]).sum(axis=-1, dtype=np.int64)


def _ratio(coefficients: tuple[Sequence[float], Sequence[float]], r: np.ndarray) -> np.ndarray:
    """numerator(r) / denominator(r) by Horner's rule, in the same order as the JavaScript twin."""
    over, under = coefficients
    top, bottom = np.full_like(r, over[0]), np.full_like(r, under[0])
    for a, b in zip(over[1:], under[1:], strict=True):
        top, bottom = top * r + a, bottom * r + b
    return top / bottom


def _words(name: str, value: ArrayLike, columns: int | None = None, axes: int | None = None) -> np.ndarray:
    """`value` as uint64 holding whole numbers from 0 to 2^32 - 1, with `columns` entries along the last axis."""
    array = np.asarray(value)
    if array.dtype.kind not in "iu" or array.size == 0:
        raise TypeError(f"{name} must hold whole numbers from 0 to 2^32 - 1, got {_checks.describe(value)}")
    if axes is not None and array.ndim != axes:
        raise ValueError(f"{name} must be one whole number, got shape {array.shape}")
    if columns and array.shape[-1:] != (columns,):
        raise ValueError(f"{name} must have {columns} entries along its last axis, got shape {array.shape}")
    if (array < 0).any() or (array > WORD).any():
        raise ValueError(f"{name} must lie from 0 to 2^32 - 1, got from {array.min()} to {array.max()}")
    return array.astype(np.uint64)
