"""What the network modules share: checks of tensors, generators, seeded initialisation. The rest is `_checks`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import numpy as np
import torch
from numpy.typing import ArrayLike

from ._checks import count, describe

TensorLike = torch.Tensor | ArrayLike  # what `real_tensor` takes: a tensor, an array, nested lists of numbers


def real_tensor(
    name: str, value: TensorLike, ndim: int | None = None, *, like: torch.Tensor | None = None
) -> torch.Tensor:
    """`value` (tensor or array of real numbers) as a finite tensor with `ndim` axes, of the dtype and device of `like`.

    A float tensor keeps its gradient. Raises TypeError if it is not numeric, ValueError if it is empty, has another
    number of axes, or holds NaN or an infinity.
    """
    if not isinstance(value, torch.Tensor):
        try:
            array = np.asarray(value)
        except ValueError as error:  # rows of different lengths
            raise TypeError(
                f"{name} must be a tensor or array of real numbers, got {describe(value)} ({error})"
            ) from None
        if array.dtype.kind not in "fiub":
            raise TypeError(
                f"{name} must be a tensor or array of real numbers, got {describe(value)} of dtype {array.dtype}"
            )
        value = torch.as_tensor(array if array.flags.writeable else array.copy())
    if value.is_complex():
        raise TypeError(f"{name} must hold real numbers, got dtype {value.dtype}")
    value = value.to(like) if like is not None else value
    if ndim is not None and value.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} axes, got shape {tuple(value.shape)}")
    if value.numel() == 0:
        raise ValueError(f"{name} must not be empty, got shape {tuple(value.shape)}")
    if not torch.isfinite(value.sum()) and not torch.isfinite(value).all():  # the sum is quick, but may overflow
        bad = int((~torch.isfinite(value)).sum())
        raise ValueError(f"{name} must be finite, got {bad} NaN or infinite of {value.numel()} entries")
    return value


def whole_numbers(
    name: str, value: TensorLike, below: int, ndim: int | None = None, *, empty: bool = False
) -> torch.Tensor:
    """`value` as an int64 tensor of whole numbers 0 ... below - 1, with `ndim` axes if that is given.

    Raises TypeError or ValueError otherwise, and if it is empty (unless allowed).
    """
    if not isinstance(value, torch.Tensor):
        try:
            array = np.array(value)
        except ValueError as error:  # rows of different lengths
            raise TypeError(f"{name} must hold integers, got {describe(value)} ({error})") from None
        if array.dtype.kind not in "iu" and array.size:
            raise TypeError(f"{name} must hold integers, got {describe(value)} of dtype {array.dtype}")
        value = torch.as_tensor(array.astype(np.int64))
    if value.is_floating_point() or value.is_complex() or value.dtype == torch.bool:
        raise TypeError(f"{name} must hold integers, got dtype {value.dtype}")
    if ndim is not None and value.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} axes, got shape {tuple(value.shape)}")
    if value.numel() == 0:
        if empty:
            return value.long()
        raise ValueError(f"{name} must not be empty, got shape {tuple(value.shape)}")
    if value.min() < 0 or value.max() >= below:
        raise ValueError(f"{name} must lie in 0 ... {below - 1}, got {int(value.min())} ... {int(value.max())}")
    return value.long()


def torch_generator(name: str, value: torch.Generator | int, device: torch.device | str = "cpu") -> torch.Generator:
    """A torch generator: `value` itself if it is one, or a new one on `device` from an integer seed >= 0."""
    if isinstance(value, torch.Generator):
        return value
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= 0:
        return torch.Generator(device).manual_seed(int(value))
    raise TypeError(f"{name} must be a torch.Generator or a seed (an integer >= 0), got {describe(value)}")


def seeded(seed: int) -> AbstractContextManager[None]:
    """Inside, weights of new layers are drawn from `seed`; outside, torch's own chance is as if nothing happened.

        with seeded(0):
            decoder = mlp_decoder(2)

    The same seed gives the same weights. Raises TypeError or ValueError unless `seed` is an integer >= 0.
    """
    return _seeded(count("seed", seed, 0))


def round_units(x: torch.Tensor) -> tuple[float, float]:
    """A round centre and unit for x: 0 and 1 if x is of order one; else a power of ten, and a multiple of it.

    Round, so that what is read stays readable, and so that another power of ten of the same data is read alike.
    """
    x = x.double()
    mean, std = float(x.mean()), float(x.std(correction=0))
    of_order_one = 0.03 <= std <= 30 and abs(mean) <= 10 * max(std, 1.0)
    if of_order_one or not std > 1e-12 * abs(mean):  # one value only: nothing to take a unit from
        return 0.0, 1.0
    unit = 10.0 ** math.floor(math.log10(std) + 0.75)  # x has a standard deviation of 0.18 to 1.8 units
    return (unit * round(mean / unit) if abs(mean) > 3 * unit else 0.0), unit


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
