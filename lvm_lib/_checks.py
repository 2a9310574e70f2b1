"""Checks of arguments: every public function of the library begins with these.

Each raises an error that names the argument, says what came and what was expected, and returns
the checked value as float64 (or int64), so that no NaN travels on in silence.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np

HALF = {"float16": 2.0**-10, "bfloat16": 2.0**-7}  # rounding units of half precision
EXACT = 1e-8  # what sums, symmetries and angles in float64 may be off by
P = ParamSpec("P")
T = TypeVar("T")


def describe(value: object) -> str:
    """A short account of what came: type, and shape where there is one."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return f"{type(value).__name__} {value!r}"
    shape = getattr(value, "shape", None)
    return f"{type(value).__name__} of shape {tuple(shape)}" if shape is not None else type(value).__name__


def plain(name: str, value: Any) -> Any:
    """What NumPy can read: a torch tensor as an array (bfloat16 as float32), everything else as it is.

    Raises TypeError for a tensor that carries a gradient, which would be lost without a word.
    """
    if not hasattr(value, "detach"):
        return value
    if value.requires_grad:
        raise TypeError(f"{name} must be without gradient here (pass {name}.detach()), got {describe(value)}")
    return (value.float() if str(value.dtype) == "torch.bfloat16" else value).cpu().numpy()


def precision(value: Any) -> float:
    """The rounding unit of the type that came: eps of float32, float16 or bfloat16; of float64 for everything else.

    Numbers in float64 that float32 holds exactly are taken for what they most likely were: float32.
    """
    dtype = str(getattr(value, "dtype", "")).removeprefix("torch.")
    if dtype in HALF:
        return HALF[dtype]
    array = np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
    if array.dtype.kind != "f" or array.dtype.itemsize > 8:
        return float(np.finfo(np.float64).eps)
    with np.errstate(over="ignore", under="ignore"):
        single = array.dtype == np.float32 or bool((array.astype(np.float32) == array).all())
    return float(np.finfo(np.float32 if single else np.float64).eps)


def float_array(name: str, value: Any) -> np.ndarray:
    """`value` as a float64 array, whatever its numbers are; TypeError if they are no real numbers."""
    value = plain(name, value)
    try:
        given = np.asarray(value)
        if given.dtype.kind not in "fiub":
            raise TypeError(f"dtype {given.dtype}")
        return given.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be an array of real numbers, got {describe(value)} ({error})") from None


def real_array(name: str, value: Any, ndim: int | None = None, *, empty: bool = False) -> np.ndarray:
    """`value` as a finite float64 array, with `ndim` axes if that is given.

    Raises TypeError if it is not numeric, ValueError if it is empty (unless allowed), has another number
    of axes, or holds NaN or an infinity.
    """
    array = float_array(name, value)
    if ndim is not None and array.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} axes, got shape {array.shape}")
    if array.size == 0 and not empty:
        raise ValueError(f"{name} must not be empty, got shape {array.shape}")
    if not np.isfinite(array).all():
        bad = int((~np.isfinite(array)).sum())
        raise ValueError(f"{name} must be finite, got {bad} NaN or infinite of {array.size} entries")
    return array


def positive_array(name: str, value: Any, ndim: int | None = None) -> np.ndarray:
    """`value` as a finite float64 array of strictly positive entries; raises as `real_array` does."""
    array = real_array(name, value, ndim)
    if (array <= 0).any():
        raise ValueError(f"{name} must be positive, got a smallest entry of {array.min():g}")
    return array


def square(name: str, value: Any) -> np.ndarray:
    """The squares of a positive array.

    ValueError where float64 cannot hold one (a std beyond 1e154, or below 1e-154).
    """
    array = positive_array(name, value)
    with np.errstate(over="ignore", under="ignore"):
        squares = array**2
    if not np.isfinite(squares).all() or (squares < np.finfo(float).tiny).any():
        raise ValueError(
            f"{name} must have squares within float64, got entries from {array.min():g} to {array.max():g}"
        )
    return squares


def explained(value: Any, codes: int) -> float:
    """What rounding explains of a sum of K = `codes` probabilities off 1, if they, or their logs, came as `value`.

    1e-8 in float64, about 4 eps sqrt(K) in a narrower type; about eps in float64 that half precision holds exactly.
    """
    allowed = max(EXACT, min(4 * precision(value) * codes**0.5, 0.05))
    return max(allowed, min(_half(value) * max(1.0, float(np.log(codes))), 0.05))


def _half(value: Any) -> float:
    """The rounding unit of the half precision that holds all these numbers exactly, or 0."""
    given = np.asarray(value.detach().double().cpu() if hasattr(value, "detach") else value, dtype=np.float64)
    with np.errstate(over="ignore", under="ignore"):
        single, half = given.astype(np.float32), given.astype(np.float16)
    if (single == given).all() and not (np.atleast_1d(single).view(np.uint32) & 0xFFFF).any():
        return HALF["bfloat16"]  # float32 without its last 16 bits
    return HALF["float16"] if (half == given).all() else 0.0


def probabilities(name: str, value: Any, ndim: int | None = None, *, came: Any = None) -> np.ndarray:
    """`value` as an array of probabilities that sum to one along the last axis, (..., K); ValueError otherwise.

    The sum may be off by what the rounding of the type that came explains (that of `came` if they were computed from
    it); such rows are divided by their sum, so that what follows computes with a distribution.
    """
    array = np.atleast_1d(real_array(name, value, ndim))
    sums = array.sum(axis=-1, keepdims=True)
    off = float(np.abs(sums - 1).max())
    allowed = explained(value if came is None else came, array.shape[-1]) if off > EXACT else EXACT
    if (array < 0).any() or off > allowed:
        raise ValueError(
            f"{name} must be non-negative and sum to 1 along the last axis, got sums from {sums.min():g} to "
            f"{sums.max():g}, off by up to {off:.2g} where rounding explains {allowed:.2g}; smallest {array.min():g}"
        )
    return array if off <= EXACT else array / sums


def count(name: str, value: Any, least: int = 1) -> int:
    """`value` as an integer of at least `least`; raises TypeError or ValueError otherwise."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be an integer, got {describe(value)}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return int(value)


def real_number(name: str, value: Any, *, least: float = 0.0, positive: bool = False) -> float:
    """`value` as a finite float of at least `least` (above 0 if `positive`); raises TypeError or ValueError."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} must be a number, got {describe(value)}")
    if not np.isfinite(value) or value < least or (positive and value <= 0):
        raise ValueError(
            f"{name} must be {'a positive' if positive else f'at least {least:g} and a'} finite number, got {value!r}"
        )
    return float(value)


def warmth(value: Any) -> float:
    """A temperature: a positive number, not so small that logits divided by it overflow."""
    if real_number("temperature", value, positive=True) < 1e-6:
        raise ValueError(f"temperature must be at least 1e-06, got {value!r}")
    return float(value)


def rng(name: str, value: Any) -> np.random.Generator:
    """A NumPy generator: `value` itself if it is one, or a new one from an integer seed."""
    if isinstance(value, np.random.Generator):
        return value
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= 0:
        return np.random.default_rng(int(value))
    raise TypeError(f"{name} must be a numpy.random.Generator or a seed (an integer >= 0), got {describe(value)}")


# ---------------------------------------------------------------- points and their codes


def points(name: str, value: Any) -> np.ndarray:
    """`value` (n, D) as a finite contiguous array: float32 stays, everything else becomes float64; else as real_array.

    Raises TypeError or ValueError otherwise.
    """
    if isinstance(value, np.ndarray) and value.dtype == np.float32 and value.ndim == 2 and value.size:
        if not np.isfinite(value.sum()) and not np.isfinite(value).all():
            raise ValueError(f"{name} must be finite, got {int((~np.isfinite(value)).sum())} NaN or infinite entries")
        return np.ascontiguousarray(value)
    return np.ascontiguousarray(real_array(name, value, 2))


def same_width(x: np.ndarray, centroids: np.ndarray) -> None:
    """ValueError where centroids (K, D) have other columns than x (n, D)."""
    if x.shape[1] != centroids.shape[1]:
        raise ValueError(f"centroids must have D = {x.shape[1]} columns as x has, got shape {centroids.shape}")


def codes_of(value: Any, n: int, k: int) -> np.ndarray:
    """`value` as the codes of n points, (n,), whole numbers in 0 ... k - 1; TypeError or ValueError otherwise."""
    try:
        codes = np.asarray(value)
    except ValueError as error:  # rows of different lengths
        raise TypeError(f"codes must hold integers, got {describe(value)} ({error})") from None
    if codes.dtype.kind not in "iu":
        raise TypeError(f"codes must hold integers, got {describe(value)} with dtype {codes.dtype}")
    if codes.shape != (n,) or codes.min() < 0 or codes.max() >= k:
        raise ValueError(
            f"codes must be {n} integers in 0 ... {k - 1}, got shape {codes.shape}"
            + (f" from {codes.min()} to {codes.max()}" if codes.size else "")
        )
    return codes.astype(np.intp)


def clusters(k: int, x: np.ndarray) -> int:
    """`k` as a number of clusters for the points x (n, D), 1 ... n; raises as `count` does."""
    k = count("k", k)
    if k > len(x):
        raise ValueError(f"k must be no more than the {len(x)} points, got {k}")
    return k


# ---------------------------------------------------------------- old names


def refuses_q(function: Callable[P, T]) -> Callable[P, T]:
    """`function`, which takes `latents`, and says so where it is called with the keyword q: TypeError."""

    @functools.wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> T:
        if "q" in kwargs:
            raise TypeError(f"q is the density; say latents={kwargs['q']!r}")
        return function(*args, **kwargs)

    return called
