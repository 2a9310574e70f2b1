"""Differentiating through a choice: gradients of E_{k ~ q}[f(1_k)] for a categorical q = softmax(logits).

    exact              sum_k f(1_k) dq_k/dlogits = q * (f - E_q f)     enumerates all K choices
    score function     (f(1_k) - b) (1_k - q),  k ~ q                  unbiased; needs only values of f
    Gumbel-softmax     df(y)/dlogits, y = softmax((logits + g) / t)    the gradient of another problem: biased, t -> 0
                                                                       takes the bias away and lets the variance grow
    straight-through   f'(1_k) dq/dlogits, k ~ q                       one-hot forward, softmax backward: biased,
                                                                       exact where f is linear

1_k is the one-hot vector of choice k, f a function of a point of the simplex y (n, K) to (n,): the last two need f (and
its slope) between and at the corners, the first two its values at the corners alone. Two more things are called
straight-through elsewhere: the identity copy in embedding space of a VQ-VAE, and a clipped identity for binary units.

Each sample's gradient is returned, (samples, K), so that bias and variance can be measured. Everything in nats and in
the dtype of logits (float32 at least). Williams (1992); Bengio, Leonard and Courville (2013); Jang, Gu and Poole
(2017); Maddison, Mnih and Teh (2017).
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from ._checks import count, describe, warmth
from ._torch import TensorLike, real_tensor, torch_generator
from .gradients import less_baseline

__all__ = [
    "choice_score_function_gradient",
    "enumerated_gradient",
    "gumbel_softmax",
    "gumbel_softmax_gradient",
    "straight_through_gradient",
]


def enumerated_gradient(f: Callable[[torch.Tensor], torch.Tensor], logits: TensorLike) -> torch.Tensor:
    """The gradient itself, by enumeration: q * (f - E_q f), (K,). [kmeans-enumerated]

    f: y (n, K) to (n,).  logits: (K,).  Raises TypeError or ValueError where an argument, or f's value, does not fit.
    """
    q = _logits(logits).softmax(0)
    with torch.no_grad():
        values = _values(f, torch.eye(len(q), dtype=q.dtype, device=q.device))
    return _through_softmax(q, values)


def choice_score_function_gradient(
    f: Callable[[torch.Tensor], torch.Tensor],
    logits: TensorLike,
    samples: int,
    generator: torch.Generator | int,
    *,
    baseline: torch.Tensor | float = 0.0,
) -> torch.Tensor:
    """(f(1_k) - b) d log q_k = (f(1_k) - b) (1_k - q), one row per draw k ~ q: (samples, K). Unbiased.

    baseline: a number, or "leave-one-out": for each draw the mean of f over all others (two samples at least).
    generator: or a seed.  Raises TypeError or ValueError.
    [kmeans-score-function]
    """
    logits = _logits(logits)
    one_hot, q = _draw(logits, samples, generator)
    with torch.no_grad():
        values = _values(f, one_hot)
    values = less_baseline(values, baseline, samples)
    return values[:, None] * torch.where(one_hot > 0, _rest(q), -q)


def gumbel_softmax(
    logits: TensorLike, temperature: float, samples: int, generator: torch.Generator | int
) -> torch.Tensor:
    """Relaxed choices y = softmax((logits + g) / temperature), g standard Gumbel: (samples, K); logits get gradients.

    argmax(logits + g) is a draw from softmax(logits), exactly, at every temperature.
    Raises TypeError or ValueError where logits, temperature, samples or generator cannot be right.
    [kmeans-gumbel-max]
    """
    logits = _computable(real_tensor("logits", logits, 1))
    shape, generator = (count("samples", samples), len(logits)), torch_generator("generator", generator, logits.device)
    noise = -torch.empty(shape, dtype=logits.dtype, device=logits.device).exponential_(generator=generator).log()
    return ((logits + noise) / warmth(temperature)).softmax(-1)


def gumbel_softmax_gradient(
    f: Callable[[torch.Tensor], torch.Tensor],
    logits: TensorLike,
    temperature: float,
    samples: int,
    generator: torch.Generator | int,
    *,
    hard: bool = False,
) -> torch.Tensor:
    """The gradient of f(y) at relaxed choices y, (samples, K): unbiased for E f(y), which is not E_q f(1_k).

    hard: f is asked at the corner argmax y going forward, and its slope there goes back through y (straight-through
    Gumbel-softmax): another bias.  generator: or a seed.  Raises TypeError or ValueError.
    """
    y = gumbel_softmax(_logits(logits), temperature, samples, generator)
    corner = torch.nn.functional.one_hot(y.argmax(-1), y.shape[-1]).to(y.dtype)
    return _through_softmax(y, _slope(f, corner if hard else y)) / warmth(temperature)


def straight_through_gradient(
    f: Callable[[torch.Tensor], torch.Tensor], logits: TensorLike, samples: int, generator: torch.Generator | int
) -> torch.Tensor:
    """f'(1_k) at the drawn corner, passed back as if the corner were q itself: (samples, K).

    q * (s - q s), s the slope of f at 1_k.  generator: or a seed.  Raises TypeError or ValueError.
    """
    one_hot, q = _draw(_logits(logits), samples, generator)
    return _through_softmax(q, _slope(f, one_hot))


# ---------------------------------------------------------------- inside


def _slope(f: Callable[[torch.Tensor], torch.Tensor], at: torch.Tensor) -> torch.Tensor:
    """The slope of f at the points `at`, (n, K)."""
    at = at.detach().requires_grad_()
    values = _values(f, at)
    if not values.requires_grad:
        raise ValueError("f must be differentiable by torch; for others there is choice_score_function_gradient")
    (slope,) = torch.autograd.grad(values.sum(), at)
    return slope


def _through_softmax(y: torch.Tensor, slope: torch.Tensor) -> torch.Tensor:
    """y * (slope - y slope): a slope (..., K) passed back through y = softmax(logits), (..., K), to the logits.

    Slopes are taken from that of the largest y, so that no entry is a difference of equals where y is nearly one-hot.
    """
    y, slope = torch.broadcast_tensors(y, slope)
    slope = slope - slope.gather(-1, y.argmax(-1, keepdim=True))
    return y * (slope - (y * slope).sum(-1, keepdim=True))


def _rest(q: torch.Tensor) -> torch.Tensor:
    """1 - q_k, (K,); at the largest q_k, where that would cancel, the sum of the others."""
    top = q.argmax()
    rest = 1 - q
    rest[top] = q.index_fill(0, top, 0.0).sum()
    return rest


def _draw(logits: torch.Tensor, samples: int, generator: torch.Generator | int) -> tuple[torch.Tensor, torch.Tensor]:
    """One-hot draws from q, (samples, K), and q (K,)."""
    q = logits.softmax(0)
    generator = torch_generator("generator", generator, q.device)
    k = torch.multinomial(q, count("samples", samples), replacement=True, generator=generator)
    return torch.nn.functional.one_hot(k, len(q)).to(q.dtype), q


def _logits(logits: TensorLike) -> torch.Tensor:
    return _computable(real_tensor("logits", logits, 1).detach())


def _computable(logits: torch.Tensor) -> torch.Tensor:
    """Logits in a type that gradients can be computed in: float32 instead of half precision, float64 for integers."""
    if not logits.is_floating_point():
        return logits.double()
    return logits.float() if logits.element_size() < 4 else logits


def _values(f: Callable[[torch.Tensor], torch.Tensor], y: torch.Tensor) -> torch.Tensor:
    if not callable(f):
        raise TypeError(f"f must be a function of points of the simplex (n, K), got {describe(f)}")
    values = f(y)
    if not isinstance(values, torch.Tensor) or values.shape != y.shape[:1]:
        raise ValueError(f"f must return one number per row of {tuple(y.shape)}, got {describe(values)}")
    if not torch.isfinite(values).all():
        raise ValueError("f must be finite at every point, got NaN or infinite values")
    return values
