"""What the network modules share: checks of tensors, generators, seeded initialisation. The rest is `_checks`."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import torch

from ._checks import count, describe


def real_tensor(name: str, value, ndim: int | None = None, *, like: torch.Tensor | None = None) -> torch.Tensor:
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


def whole_numbers(name: str, value, below: int, ndim: int | None = None, *, empty: bool = False) -> torch.Tensor:
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


def real_number(name: str, value, *, least: float = 0.0, positive: bool = False) -> float:
    """`value` as a finite float of at least `least` (above 0 if `positive`); raises TypeError or ValueError."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} must be a number, got {describe(value)}")
    if not np.isfinite(value) or value < least or (positive and value <= 0):
        raise ValueError(
            f"{name} must be {'a positive' if positive else f'at least {least:g} and a'} finite number, got {value!r}"
        )
    return float(value)


def warmth(value) -> float:
    """A temperature: a positive number, not so small that logits divided by it overflow."""
    if real_number("temperature", value, positive=True) < 1e-6:
        raise ValueError(f"temperature must be at least 1e-06, got {value!r}")
    return float(value)


def torch_generator(name: str, value, device="cpu") -> torch.Generator:
    """A torch generator: `value` itself if it is one, or a new one on `device` from an integer seed >= 0."""
    if isinstance(value, torch.Generator):
        return value
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= 0:
        return torch.Generator(device).manual_seed(int(value))
    raise TypeError(f"{name} must be a torch.Generator or a seed (an integer >= 0), got {describe(value)}")


def seeded(seed: int):
    """Inside, weights of new layers are drawn from `seed`; outside, torch's own chance is as if nothing happened.

        with seeded(0):
            decoder = mlp_decoder(2)

    The same seed gives the same weights. Raises TypeError or ValueError unless `seed` is an integer >= 0.
    """
    return _seeded(count("seed", seed, 0))


def less_baseline(values: torch.Tensor, baseline, samples: int) -> torch.Tensor:
    """f at the draws, (samples,), less a baseline: a number, or "leave-one-out", for each draw the mean of the others.

    Raises TypeError or ValueError for any other baseline, and for leave-one-out with a single draw.
    """
    if baseline == "leave-one-out":
        others = count("samples", samples, 2) - 1
        return values - (values.sum() - values) / others
    if isinstance(baseline, str):
        raise ValueError(f"baseline must be a number or 'leave-one-out', got {baseline!r}")
    return values - real_number("baseline", baseline, least=-float("inf"))


@contextmanager
def _seeded(seed):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
