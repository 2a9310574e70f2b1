"""What the network modules share: checks of tensors, generators, seeded initialisation. The rest is `_checks`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

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
        value = torch.as_tensor(_native(array))
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
        if array.dtype.kind == "u" and array.size and array.max() >= 2**63:  # int64 would wrap
            raise ValueError(f"{name} must lie in 0 ... {below - 1}, got up to {array.max()}")
        value = torch.as_tensor(np.ascontiguousarray(array, dtype=np.int64))
    if value.is_floating_point() or value.is_complex() or value.dtype == torch.bool:
        raise TypeError(f"{name} must hold integers, got dtype {value.dtype}")
    value = value.long()  # in a narrow type `below` would wrap, and torch compares few of the unsigned ones
    if ndim is not None and value.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} axes, got shape {tuple(value.shape)}")
    if value.numel() == 0:
        if empty:
            return value
        raise ValueError(f"{name} must not be empty, got shape {tuple(value.shape)}")
    if value.min() < 0 or value.max() >= below:
        raise ValueError(f"{name} must lie in 0 ... {below - 1}, got {int(value.min())} ... {int(value.max())}")
    return value


def _native(array: np.ndarray) -> np.ndarray:
    """`array` as torch can take it: a copy if it is read-only, runs backwards, or has foreign bytes or a long type."""
    wide = array.dtype.kind == "f" and array.dtype.itemsize > 8
    steps = all(step >= 0 and step % array.itemsize == 0 for step in array.strides)
    if array.flags.writeable and steps and not wide and array.dtype.isnative:
        return array
    return np.array(array, dtype=np.float64 if wide else array.dtype.newbyteorder("="), order="C")


def single(values: torch.Tensor) -> torch.Tensor:
    """`values`, in float32 if they came in half precision: pixels, and sums over them, need more digits than it has."""
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values


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


def round_units(x: torch.Tensor, least: float = 0.25) -> tuple[float, float]:
    """A round centre and unit for x: a power of ten, and a multiple of its tenth; of the book's images 0 and 1.

    Round, so that what is read stays readable, and so that another power of ten of the same data is read alike. x has
    a standard deviation of `least` to 10 `least` units; the centre is 0 where the mean is at most twice that deviation.
    """
    x = x.double()
    mean, std = float(x.mean()), float(x.std(correction=0))
    if not std > 1e-12 * abs(mean):  # one value only: nothing to take a unit from
        return 0.0, 1.0
    unit = 10.0 ** math.floor(math.log10(std / least))
    return (unit * round(10 * mean / unit) / 10 if abs(mean) > 2 * std else 0.0), unit


class LogSoftmax(torch.autograd.Function):
    """torch's log_softmax along the last axis, with slopes that keep their digits where one choice is nearly certain.

    Going back, entry i gets g_i - q_i sum_j g_j. At the largest q_i that is g_i (1 - q_i) less the others' share, and
    1 - q_i is the sum of the other q.
    """

    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor) -> torch.Tensor:
        """log q, (..., K), of logits (..., K)."""
        log_q = logits.log_softmax(-1)
        ctx.save_for_backward(log_q)
        return log_q

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
        """The slopes along the logits, for slopes g along log q."""
        (log_q,) = ctx.saved_tensors
        q, top = log_q.exp(), log_q.argmax(-1, keepdim=True)
        own, others = q.gather(-1, top), g.scatter(-1, top, 0.0).sum(-1, keepdim=True)
        rest = q.scatter(-1, top, 0.0).sum(-1, keepdim=True)
        return (g - q * g.sum(-1, keepdim=True)).scatter(-1, top, g.gather(-1, top) * rest - own * others)


class Units(nn.Module):
    """A module that reads x as (x - centre) / unit: round numbers, 0 and 1 until it meets data, kept with weights."""

    centre: torch.Tensor
    unit: torch.Tensor
    met: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros((), dtype=torch.float64))
        self.register_buffer("unit", torch.ones((), dtype=torch.float64))
        self.register_buffer("met", torch.tensor(False))

    @torch.no_grad()
    def meet(self, x: TensorLike) -> None:
        """Take centre and unit from data x (n, D), the first time; they stay as they are from then on.

        Raises TypeError or ValueError where x cannot be right.
        """
        x = real_tensor("x", x)
        if not self.met:
            centre, unit = round_units(x)
            self.centre.fill_(centre)
            self.unit.fill_(unit)
            self.met.fill_(True)

    def _inputs(self, x: torch.Tensor) -> torch.Tensor:
        """The numbers less the centre, in units."""
        return (x - self.centre.to(x)) / self.unit.to(x)

    def _outputs(self, numbers: torch.Tensor) -> torch.Tensor:
        """The way back: centre + unit * numbers."""
        return torch.addcmul(self.centre.to(numbers), self.unit.to(numbers), numbers)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
