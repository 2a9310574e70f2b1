"""Differentiating through a choice: gradients of E_{k ~ q}[f(e_k)] for a categorical q = softmax(logits).

    exact              sum_k f(e_k) dq_k/dlogits = q * (f - E_q f)     enumerates all K choices
    score function     (f(e_k) - b) (e_k - q),  k ~ q                  unbiased; needs only values of f
    Gumbel-softmax     df(y)/dlogits, y = softmax((logits + g) / t)    the gradient of another problem: biased, t -> 0
                                                                       takes the bias away and lets the variance grow
    straight-through   f'(e_k) dq/dlogits, k ~ q                       one-hot forward, softmax backward: biased,
                                                                       exact where f is linear

e_k is the one-hot vector of choice k, f a function of a point of the simplex y (n, K) to (n,): the last two need f (and
its slope) between and at the corners, the first two its values at the corners alone. Two more things are called
straight-through elsewhere: the identity copy in embedding space of a VQ-VAE, and a clipped identity for binary units.

Each sample's gradient is returned, (samples, K), so that bias and variance can be measured. Everything in nats and in
the dtype of logits. Williams (1992); Bengio, Leonard and Courville (2013); Jang, Gu and Poole (2017); Maddison, Mnih
and Teh (2017).
"""

from __future__ import annotations

import torch

from ._checks import count, describe, warmth
from ._torch import real_tensor, torch_generator
from .gradients import less_baseline

__all__ = [
    "enumerated_gradient",
    "gumbel_softmax",
    "gumbel_softmax_gradient",
    "score_function_gradient",
    "straight_through_gradient",
]


def enumerated_gradient(f, logits) -> torch.Tensor:
    """The gradient itself, by enumeration: q * (f - E_q f), (K,).

    f: y (n, K) to (n,).  logits: (K,).  Raises TypeError or ValueError where an argument, or f's value, does not fit.
    """
    logits = _logits(logits)
    q = logits.softmax(0)
    with torch.no_grad():
        values = _values(f, torch.eye(len(q), dtype=q.dtype, device=q.device))
    return q * (values - q @ values)


def score_function_gradient(f, logits, samples: int, generator, *, baseline=0.0) -> torch.Tensor:
    """(f(e_k) - b) d log q_k = (f(e_k) - b) (e_k - q), one row per draw k ~ q: (samples, K). Unbiased.

    baseline: a number, or "leave-one-out": for each draw the mean of f over all others (two samples at least).
    generator: or a seed.  Raises TypeError or ValueError.
    """
    logits = _logits(logits)
    one_hot, q = _draw(logits, samples, generator)
    with torch.no_grad():
        values = _values(f, one_hot)
    values = less_baseline(values, baseline, samples)
    return values[:, None] * (one_hot - q)


def gumbel_softmax(logits, temperature: float, samples: int, generator) -> torch.Tensor:
    """Relaxed choices y = softmax((logits + g) / temperature), g standard Gumbel: (samples, K); logits get gradients.

    argmax(logits + g) is a draw from softmax(logits), exactly, at every temperature.
    """
    logits = real_tensor("logits", logits, 1)
    logits = logits if logits.is_floating_point() else logits.double()
    shape, generator = (count("samples", samples), len(logits)), torch_generator("generator", generator, logits.device)
    noise = -torch.empty(shape, dtype=logits.dtype, device=logits.device).exponential_(generator=generator).log()
    return ((logits + noise) / warmth(temperature)).softmax(-1)


def gumbel_softmax_gradient(f, logits, temperature: float, samples: int, generator, *, hard: bool = False):
    """The gradient of f(y) at relaxed choices y, (samples, K): unbiased for E f(y), which is not E_q f(e_k).

    hard: f is asked at the corner argmax y going forward, and its slope there goes back through y (straight-through
    Gumbel-softmax): another bias.  generator: or a seed.  Raises TypeError or ValueError.
    """
    rows = _logits(logits).expand(count("samples", samples), -1).clone().requires_grad_()
    noise_free = torch.zeros_like(rows[0])
    shift = gumbel_softmax(noise_free, 1.0, samples, generator).log()  # g up to a constant per row, which cancels
    y = ((rows + shift) / warmth(temperature)).softmax(-1)
    corner = torch.nn.functional.one_hot(y.argmax(-1), y.shape[-1]).to(y.dtype)
    return _through(f, corner if hard else y.detach(), y, rows)


def straight_through_gradient(f, logits, samples: int, generator) -> torch.Tensor:
    """f'(e_k) at the drawn corner, passed back as if the corner were q itself: (samples, K).

    q * (s - q s), s the slope of f at e_k.  generator: or a seed.  Raises TypeError or ValueError.
    """
    logits = _logits(logits)
    one_hot, _ = _draw(logits, samples, generator)
    rows = logits.expand(len(one_hot), -1).clone().requires_grad_()
    return _through(f, one_hot, rows.softmax(-1), rows)


# ---------------------------------------------------------------- inside


def _through(f, at, y, rows):
    """The slope of f at the points `at` (n, K), passed back through y (n, K) to its logits `rows`."""
    at = at.detach().requires_grad_()
    values = _values(f, at)
    if not values.requires_grad:
        raise ValueError("f must be differentiable by torch; for others there is score_function_gradient")
    (slope,) = torch.autograd.grad(values.sum(), at)
    (gradient,) = torch.autograd.grad(y, rows, slope)
    return gradient


def _draw(logits, samples, generator):
    """One-hot draws from q, (samples, K), and q (K,)."""
    q = logits.softmax(0)
    generator = torch_generator("generator", generator, q.device)
    k = torch.multinomial(q, count("samples", samples), replacement=True, generator=generator)
    return torch.nn.functional.one_hot(k, len(q)).to(q.dtype), q


def _logits(logits):
    logits = real_tensor("logits", logits, 1).detach()
    return logits if logits.is_floating_point() else logits.double()


def _values(f, y):
    if not callable(f):
        raise TypeError(f"f must be a function of points of the simplex (n, K), got {describe(f)}")
    values = f(y)
    if not isinstance(values, torch.Tensor) or values.shape != y.shape[:1]:
        raise ValueError(f"f must return one number per row of {tuple(y.shape)}, got {describe(values)}")
    if not torch.isfinite(values).all():
        raise ValueError("f must be finite at every point, got NaN or infinite values")
    return values
