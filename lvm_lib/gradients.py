"""Two ways to differentiate an expectation over a Gaussian q whose parameters are to be learned.

    d/d(mean, log std) E_{z ~ N(mean, diag(std^2))}[f(z)]

    reparameterised   z = mean + std eps:    df/dz, and df/dz * std eps     needs df/dz; small variance for smooth f
    score function    f(z) d log q(z):       f eps / std, and f (eps^2 - 1)  needs only f; its variance grows with f

Both are unbiased: averages over samples agree, variances do not. Each sample's gradient is returned, so that the
variance can be measured. f does not depend on mean and log std except through z. (In the ELBO it does, through
-log q(z); the expectation of that term's own gradient is zero, so it may be dropped.)

Kingma and Welling (2014), Rezende et al. (2014); Williams (1992), REINFORCE.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch

from ._checks import count, describe, real_number
from ._torch import TensorLike, real_tensor, torch_generator

__all__ = ["GradientSamples", "reparameterised_gradient", "score_function_gradient"]


class GradientSamples(NamedTuple):
    """One gradient per sample, (k, d) each: average over the first axis for the estimate."""

    mean: torch.Tensor  # with respect to the mean of q
    log_std: torch.Tensor  # with respect to the log of its standard deviation


def reparameterised_gradient(
    f: Callable[[torch.Tensor], torch.Tensor],
    mean: torch.Tensor,
    log_std: torch.Tensor,
    samples: int,
    generator: torch.Generator | int,
) -> GradientSamples:
    """Gradients through the sample: z = mean + std eps, so d/d mean = f'(z), d/d log std = f'(z) std eps.

    f: differentiable in torch, z (k, d) to (k,), each row on its own.  mean, log_std: (d,).  generator: or a seed.
    Raises TypeError or ValueError where an argument, or what f returns, does not fit.
    [vae-reparameterised]
    """
    eps, std, z = _draw(mean, log_std, samples, generator)
    z.requires_grad_()
    values = _values(f, z)
    if not values.requires_grad:
        raise ValueError("f must be differentiable in z by torch; for others there is score_function_gradient")
    (slope,) = torch.autograd.grad(values.sum(), z)
    return GradientSamples(slope, slope * std * eps)


def score_function_gradient(
    f: Callable[[torch.Tensor], torch.Tensor],
    mean: torch.Tensor,
    log_std: torch.Tensor,
    samples: int,
    generator: torch.Generator | int,
    *,
    baseline: torch.Tensor | float = 0.0,
) -> GradientSamples:
    """Gradients of the density: (f(z) - b) d log q(z), with d/d mean log q = eps / std, d/d log std log q = eps^2 - 1.

    A baseline b leaves the expectation alone, since E_q[d log q] = 0, so long as it does not see its own sample:
    baseline is a number, or "leave-one-out": for each sample the mean of f over all others (two samples at least).
    f: any function, z (k, d) to (k,).  mean, log_std: (d,).  generator: or a seed.  Raises TypeError, ValueError.
    [vae-score-function] [vae-baseline]
    """
    eps, std, z = _draw(mean, log_std, samples, generator)
    with torch.no_grad():
        values = _values(f, z)
    values = less_baseline(values, baseline, samples)
    return GradientSamples(values[:, None] * eps / std, values[:, None] * (eps**2 - 1))


def less_baseline(values: torch.Tensor, baseline: torch.Tensor | float, samples: int) -> torch.Tensor:
    """f at the draws, (samples,), less a baseline: a number, or "leave-one-out", for each draw the mean of the others.

    Raises TypeError or ValueError for any other baseline, and for leave-one-out with a single draw.
    """
    if baseline == "leave-one-out":
        others = count("samples", samples, 2) - 1
        return values - (values.sum() - values) / others
    if isinstance(baseline, str):
        raise ValueError(f"baseline must be a number or 'leave-one-out', got {baseline!r}")
    return values - real_number("baseline", baseline, least=-float("inf"))


def _draw(
    mean: TensorLike, log_std: TensorLike, samples: int, generator: torch.Generator | int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """eps ~ N(0, I) (k, d), std (d,), and z = mean + std eps (k, d), detached."""
    mean = real_tensor("mean", mean, 1).detach()
    mean = mean.double() if not mean.is_floating_point() else mean.float() if mean.element_size() < 4 else mean
    log_std = real_tensor("log_std", log_std, 1, like=mean).detach()
    if mean.shape != log_std.shape:
        raise ValueError(f"log_std must have mean's shape {tuple(mean.shape)}, got {tuple(log_std.shape)}")
    generator = torch_generator("generator", generator, mean.device)
    eps = torch.randn((count("samples", samples), len(mean)), generator=generator, dtype=mean.dtype, device=mean.device)
    std = log_std.exp()
    if not (torch.isfinite(std) & torch.isfinite(1 / std)).all():
        raise ValueError(
            f"log_std must be that of a standard deviation within {mean.dtype}, got {log_std.tolist()[:10]}"
        )
    return eps, std, mean + std * eps


def _values(f: Callable[[torch.Tensor], torch.Tensor], z: torch.Tensor) -> torch.Tensor:
    if not callable(f):
        raise TypeError(f"f must be a function of z (k, d), got {describe(f)}")
    values = f(z)
    if not isinstance(values, torch.Tensor) or values.shape != z.shape[:1]:
        raise ValueError(f"f must return one number per row of z {tuple(z.shape)}, got {describe(values)}")
    if not torch.isfinite(values).all():
        raise ValueError("f must be finite at every sample, got NaN or infinite values")
    return values
