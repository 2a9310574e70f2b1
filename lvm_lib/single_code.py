"""A VQ-VAE whose whole image is one code: "deep K-means".

    z_e = encoder(x) (n, d),    k = argmin_j |z_e - e_j|^2,    image = g(e_k)

Its decoder reads one of K codes, so it emits K images, whatever its depth: its training error cannot be below that of
the globally best K-means with K centroids. As a generative model it is a mixture of K components with the codes as z,

    p(x) = sum_k prior_k p(x | e_k),    log p(x) >= log p(x | e_k) + log prior_k    for every k

and with the encoder's choice as a one-hot q and the uniform prior the KL is log K nats, a constant. All of it can be
enumerated, so that evidence and gap are exact. Nats per image: sums over pixels.

Axes: x (n, D), codes k int64 (n,). van den Oord, Vinyals and Kavukcuoglu (2017).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn

from ._checks import count, describe, explained, real_number
from ._torch import TensorLike, real_tensor, seeded, single
from .autoencoder import mlp_decoder, mlp_encoder, weight
from .likelihoods import Bernoulli, Likelihood
from .quantize import Quantised, Quantiser, VectorQuantizer

__all__ = ["SingleCodeVQVAE", "single_code_vqvae"]

MOST = 2**24  # images that a decoder draws at once


class SingleCodeVQVAE(nn.Module):
    """An autoencoder with one code per image, the nearest one.

    encoder: x (n, D) to z (n, d).  quantiser: (n, d) to one code each.  decoder: codes (n, d) to outputs (n, D).
    likelihood: what the outputs mean, one of lvm_lib.likelihoods.  beta: weight of the commitment.
    Raises TypeError or ValueError where beta cannot be right.
    """

    encoder: nn.Module
    quantiser: Quantiser
    decoder: nn.Module
    likelihood: Likelihood

    def __init__(
        self, encoder: nn.Module, quantiser: Quantiser, decoder: nn.Module, likelihood: Likelihood, beta: float = 0.25
    ):
        super().__init__()
        for name, part in (
            ("encoder", encoder),
            ("quantiser", quantiser),
            ("decoder", decoder),
            ("likelihood", likelihood),
        ):
            if not isinstance(part, nn.Module):
                raise TypeError(f"{name} must be a torch module, got {describe(part)}")
        self.encoder, self.quantiser, self.decoder, self.likelihood = encoder, quantiser, decoder, likelihood
        self.beta = real_number("beta", beta)

    @property
    def size(self) -> int:
        """K."""
        return self.quantiser.size

    def quantise(self, x: TensorLike) -> Quantised:
        """Codes (n, d), indices (n,) and losses for x (n, D).

        Raises TypeError or ValueError where x cannot be right.
        """
        return self.quantiser(self.encoder(self.likelihood.inputs(self._pixels(x)).to(weight(self))))

    def encode(self, x: TensorLike) -> torch.Tensor:
        """The code of each image, int64 (n,). Raises TypeError or ValueError where x cannot be right."""
        return self.quantise(x).indices

    def loss(self, x: TensorLike, generator: torch.Generator | int | None = None) -> torch.Tensor:
        """What training makes small, averaged over images: -log p(x | e_k) + codebook + beta commitment.

        The two last terms are surrogates for a choice that has no gradient; they belong to no bound. `generator` is
        there so that one training loop serves every model: no chance enters.
        Raises TypeError or ValueError where x cannot be right.
        """
        x = self._pixels(x)
        codes, _, losses = self.quantise(x)
        log_px_z = self.likelihood(self.decoder(codes)).log_prob(x).mean()
        return -log_px_z + losses.codebook + self.beta * losses.commitment

    def images(self) -> torch.Tensor:
        """The K means of p(x | e_k), (K, D): all the pictures that this decoder can draw."""
        return self.likelihood(self._outputs()).mean

    def log_px_z_all(self, x: TensorLike) -> torch.Tensor:
        """log p(x | e_k) for every k, (n, K).

        Raises TypeError or ValueError where x cannot be right.
        """
        x = self._pixels(x)
        outputs = self._outputs()
        return torch.stack([self.likelihood(row.expand_as(x)).log_prob(x) for row in outputs], dim=1)

    def elbo(self, x: TensorLike, log_prior: TensorLike | None = None) -> torch.Tensor:
        """log p(x | e_k) + log prior_k at the encoder's k, (n,): a bound on `evidence`. Prior: uniform if none.

        Raises TypeError or ValueError where log_prior cannot be right.
        [kmeans-gap]
        """
        codes = self.encode(x)
        return (self.log_px_z_all(x) + self._log_prior(log_prior)).gather(1, codes[:, None])[:, 0]

    def evidence(self, x: TensorLike, log_prior: TensorLike | None = None) -> torch.Tensor:
        """log p(x) = log sum_k prior_k p(x | e_k), exact, (n,). log_prior: (K,) log probabilities, or uniform.

        Raises TypeError or ValueError where log_prior cannot be right.
        """
        return (self.log_px_z_all(x) + self._log_prior(log_prior)).logsumexp(1)

    def _outputs(self) -> torch.Tensor:
        if self.size > MOST:
            raise ValueError(f"quantiser must have at most 2^24 codes for an image of each, got {self.size}")
        return self.decoder(self.quantiser.decode(torch.arange(self.size, device=weight(self).device)))

    def _log_prior(self, log_prior: TensorLike | None) -> torch.Tensor:
        if log_prior is None:
            return torch.full((self.size,), -math.log(self.size), dtype=weight(self).dtype, device=weight(self).device)
        given, log_prior = log_prior, real_tensor("log_prior", log_prior, 1, like=weight(self))
        off = abs(float(log_prior.logsumexp(0)))
        if len(log_prior) != self.size or (off > 1e-4 and off > explained(given, self.size)):
            raise ValueError(
                f"log_prior must be {self.size} log probabilities of sum 1, got {len(log_prior)} "
                f"of sum {float(log_prior.exp().sum()):g}"
            )
        return log_prior if off <= 1e-4 else log_prior - log_prior.logsumexp(0)

    def _pixels(self, x: TensorLike) -> torch.Tensor:
        x = real_tensor("x", x, 2, like=single(weight(self)))
        self.likelihood.check(x)
        return x


def single_code_vqvae(
    size: int,
    dimensions: int = 16,
    hidden: Sequence[int] = (400, 200),
    pixels: int = 784,
    likelihood: Likelihood | None = None,
    *,
    seed: int,
    beta: float = 0.25,
    **quantiser: float | bool | str,
) -> SingleCodeVQVAE:
    """Fully connected, D-400-200-d | K codes | d-200-400-D unless told otherwise; Bernoulli unless told otherwise.

    quantiser: what else `VectorQuantizer` takes (update, decay, start, revive ...).
    Raises TypeError or ValueError where a size, beta or seed cannot be right.
    """
    dimensions = count("dimensions", dimensions)
    with seeded(seed):
        encoder = mlp_encoder(dimensions, hidden, pixels)
        codes = VectorQuantizer(size, dimensions, seed=seed, **quantiser)  # type: ignore[arg-type]  # checked there, name by name
        return SingleCodeVQVAE(encoder, codes, mlp_decoder(dimensions, hidden, pixels), likelihood or Bernoulli(), beta)
