"""What a one-point q over tokens wastes: the same model's log p(x), estimated with a q that is spread out.

A VQ-VAE's own q(z | x) is one grid, so its bound is log p(x | z) + log p(z) at that grid, and gets no bits back. The
model does not care which q is used to measure it. Spread each place over the codes near the encoder's vector,

    q'(z_m = k | x) proportional to exp(-|z_e,m - e_k|^2 / temperature),    places independent,

and weigh the drawn grids: log mean_s p(x, z_s) / q'(z_s | x) is, on average, a lower bound on log p(x). Nothing is
trained for it.

Axes: images x (n, D), tokens z (n, M), codes K. Results in nats per image, (n,).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from ._checks import count, describe, real_number
from ._torch import TensorLike, real_tensor, torch_generator, whole_numbers
from .token_priors import TokenPrior
from .vqvae import VQVAE

__all__ = ["SpreadBound", "log_weights", "spread_bound", "spread_log_q"]

ROWS = 4096  # grids that are decoded at a time
MOST = 2**32  # numbers in the differences of all vectors and all codes


class SpreadBound(NamedTuple):
    """Of each image, (n,): what a spread q says of log p(x), in nats, and how many samples the weights are worth."""

    value: torch.Tensor  # log of the mean weight: a lower bound on log p(x), on average
    elbo: torch.Tensor  # mean of the log weights: the ELBO of the spread q
    effective_size: torch.Tensor  # 1 ... samples


@torch.no_grad()
def spread_log_q(model: VQVAE, x: TensorLike, temperature: float) -> torch.Tensor:
    """log q'(z_m = k | x), (n, M, K): a softmax of minus the squared distances from the encoder's vectors to the codes.

    Raises TypeError or ValueError where model, x or temperature cannot be right.
    """
    if not isinstance(model, VQVAE):
        raise TypeError(f"model must be a VQVAE, got {describe(model)}")
    temperature = real_number("temperature", temperature, positive=True)
    pixels, training = model._pixels(x), model.training
    model.eval()
    vectors = model.encoder(model._inputs(pixels))  # (n, M, d)
    model.train(training)
    if vectors.numel() * model.quantiser.size > MOST:
        raise ValueError(
            f"model must have few enough codes to spread over, for {len(pixels)} images at most "
            f"{MOST // vectors.numel()}, got {model.quantiser.size}"
        )
    codes = model.quantiser.decode(torch.arange(model.quantiser.size))  # (K, d)
    far = (vectors[:, :, None] - codes).pow(2).sum(-1)  # (n, M, K)
    return (-far / temperature).log_softmax(-1)


@torch.no_grad()
def log_weights(model: VQVAE, prior: TokenPrior, x: TensorLike, tokens: TensorLike, log_q: TensorLike) -> torch.Tensor:
    """log p(x, z) - log q'(z | x) of one grid for each image: x (n, D), tokens (n, M), log_q (n, M, K); (n,).

    Raises TypeError or ValueError where model, prior, x, tokens or log_q cannot be right.
    [tok-importance]
    """
    if not isinstance(model, VQVAE):
        raise TypeError(f"model must be a VQVAE, got {describe(model)}")
    if not isinstance(prior, TokenPrior):
        raise TypeError(f"prior must be one of lvm_lib.token_priors, got {describe(prior)}")
    log_px_z = model.log_px_z(x, tokens)
    grids = whole_numbers("tokens", tokens, model.quantiser.size, 2)
    log_q = real_tensor("log_q", log_q, 3, like=log_px_z)
    if log_q.shape != (*grids.shape, model.quantiser.size):
        raise ValueError(f"log_q must have shape {(*grids.shape, model.quantiser.size)}, got {tuple(log_q.shape)}")
    of_q = log_q.gather(2, grids[:, :, None])[..., 0].sum(1)
    return (log_px_z + prior.log_prob(grids) - of_q).double()


@torch.no_grad()
def spread_bound(
    model: VQVAE,
    prior: TokenPrior,
    x: TensorLike,
    generator: torch.Generator | int,
    *,
    temperature: float,
    samples: int = 64,
) -> SpreadBound:
    """The bound with a q' of this temperature: `samples` grids for each image.

    Raises TypeError or ValueError for arguments that do not fit.
    [tok-importance]
    """
    log_q = spread_log_q(model, x, temperature)
    samples, generator = count("samples", samples, 2), torch_generator("generator", generator)
    pixels = model._pixels(x)
    found = []
    for image, table in zip(pixels.split(max(1, ROWS // samples)), log_q.split(max(1, ROWS // samples)), strict=True):
        n, places, _ = table.shape
        drawn = torch.multinomial(table.exp().flatten(0, 1), samples, replacement=True, generator=generator)
        grids = drawn.view(n, places, samples).transpose(1, 2).flatten(0, 1)  # (n samples, M)
        rows = (part.repeat_interleave(samples, 0) for part in (image, table))
        log_w = log_weights(model, prior, *(next(rows), grids, next(rows))).view(n, samples)
        total, squares = log_w.logsumexp(1), (2 * log_w).logsumexp(1)
        found.append((total - math.log(samples), log_w.mean(1), (2 * total - squares).exp()))
    return SpreadBound(*(torch.cat(parts) for parts in zip(*found, strict=True)))
