"""The variational autoencoder: a prior, a generator that is a network, and a q that is a network too.

    z ~ N(0, I_d),    x | z ~ likelihood(decoder(z)),    q(z | x) = N(mean(x), covariance(x)) by an encoder

    ELBO(x) = E_q[log p(x | z)] - KL(q(z | x) || p(z)) = log p(x) - KL(q(z | x) || p(z | x))

The reconstruction is estimated with z = mean + std * eps, so that gradients pass through z; the KL is in closed form.
Nats per image throughout: log p(x | z) is a *sum* over pixels and KL a sum over latent dimensions. A mean over either
would be another beta, in silence.

Axes: x (n, D); z (n, d), or (k, n, d) for k samples per image; results (n,) or (k, n). `generator` is a
torch.Generator or an integer seed. Kingma and Welling (2014); Rezende, Mohamed and Wierstra (2014).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.distributions import Distribution, Independent, MultivariateNormal, Normal

from ._checks import count, describe, real_number
from ._torch import TensorLike, real_tensor, seeded, single, torch_generator
from .autoencoder import conv_decoder, conv_encoder, mlp_decoder, mlp_encoder, weight
from .bounds import ElboTerms, Estimate
from .densities import LOG_2PI
from .likelihoods import Bernoulli, Gaussian, Likelihood
from .ppca import LinearGaussian

__all__ = [
    "GaussianEncoder",
    "LinearEncoder",
    "LinearVAE",
    "VAE",
    "conv_vae",
    "kl_to_prior",
    "linear_vae",
    "mlp_vae",
    "reparameterise",
]

LOG_STD = (-30.0, 20.0)  # of q, whose unit is the prior's: far beyond what a posterior has
BLOCK = 2**22  # pixels that one call of the decoder may write when the evidence is estimated: 16 MB in float32


# ---------------------------------------------------------------- q(z | x)


class GaussianEncoder(nn.Module):
    """q(z | x) with independent dimensions: a network from x to d means and d log standard deviations, (n, 2 d).

    Raises TypeError where net cannot be right.
    """

    def __init__(self, net: nn.Module):
        super().__init__()
        if not isinstance(net, nn.Module):
            raise TypeError(f"net must be a torch module, got {describe(net)}")
        self.net = net

    def forward(self, x: torch.Tensor) -> Independent:
        """x (n, D): a torch distribution of n points, each with event (d,)."""
        mean, log_std = self.net(x).chunk(2, dim=-1)
        return Independent(Normal(mean, _bounded(log_std).exp(), validate_args=False), 1, validate_args=False)


class LinearEncoder(nn.Module):
    """q(z | x) = N(V x + b, S) with one S for all x, as the posterior of a linear-Gaussian model has.

    covariance: "diagonal" (S = diag(std^2)) or "full" (S = L L^T; L lower triangular, its diagonal as logs).
    Raises TypeError or ValueError where pixels, latents or covariance cannot be right.
    """

    def __init__(self, pixels: int, latents: int, covariance: str = "diagonal"):
        super().__init__()
        if covariance not in ("diagonal", "full"):
            raise ValueError(f"covariance must be 'diagonal' or 'full', got {covariance!r}")
        self.mean = nn.Linear(count("pixels", pixels), count("latents", latents))
        self.log_std = nn.Parameter(torch.zeros(latents))
        self.below = nn.Parameter(torch.zeros(latents, latents)) if covariance == "full" else None

    def factor(self) -> torch.Tensor:
        """L, (d, d), lower triangular with a positive diagonal: S = L L^T."""
        diagonal = torch.diag(_bounded(self.log_std).exp())
        return diagonal if self.below is None else diagonal + self.below.tril(-1)

    def forward(self, x: torch.Tensor) -> Distribution:
        """x (n, D): a torch distribution of n points, each with event (d,)."""
        mean = self.mean(x)
        if self.below is None:
            std = _bounded(self.log_std).exp().expand_as(mean)
            return Independent(Normal(mean, std, validate_args=False), 1, validate_args=False)
        return MultivariateNormal(mean, scale_tril=self.factor().expand(len(mean), -1, -1), validate_args=False)

    @torch.no_grad()
    def set_(self, gain: TensorLike, bias: TensorLike, factor: TensorLike) -> None:
        """Take V (d, D), b (d,) and L (d, d) from arrays; of L its diagonal alone if the covariance is diagonal.

        Raises TypeError or ValueError where factor cannot be right.
        """
        d, pixels = self.mean.weight.shape
        gain, bias, factor = (
            _shaped(name, value, shape, self.log_std)
            for name, value, shape in (("gain", gain, (d, pixels)), ("bias", bias, (d,)), ("factor", factor, (d, d)))
        )
        if (factor.diagonal() <= 0).any():
            raise ValueError(f"factor must have a positive diagonal, got {factor.diagonal().min():g}")
        self.mean.weight.copy_(gain)
        self.mean.bias.copy_(bias)
        self.log_std.copy_(factor.diagonal().log())
        if self.below is not None:
            self.below.copy_(factor.tril(-1))


def _bounded(log_std: torch.Tensor) -> torch.Tensor:
    """log std of q within LOG_STD, where its square and the square's inverse are numbers in float32.

    The slope goes on beyond: a net that was thrown there finds its way back.
    """
    return log_std + (log_std.clamp(*LOG_STD) - log_std).detach()


def _shaped(name: str, value: TensorLike, shape: tuple[int, ...], like: torch.Tensor) -> torch.Tensor:
    """`value` as a finite tensor of that shape."""
    value = real_tensor(name, value, len(shape), like=like)
    if tuple(value.shape) != shape:
        raise ValueError(f"{name} must have shape {shape}, got {tuple(value.shape)}")
    return value


def _gaussian(q: Distribution) -> MultivariateNormal | Independent[Normal]:
    """q, if it is one of the two kinds of Gaussian that an encoder gives."""
    if not (isinstance(q, MultivariateNormal) or (isinstance(q, Independent) and isinstance(q.base_dist, Normal))):
        raise TypeError(f"q must be an Independent Normal or a MultivariateNormal, got {describe(q)}")
    return q


def reparameterise(q: Distribution, samples: int, generator: torch.Generator | int) -> torch.Tensor:
    """z = mean + L eps, eps ~ N(0, I): (samples, n, d), with gradients to q. q: Independent Normal, or Multivariate.

    Raises TypeError or ValueError where q, samples or generator cannot be right.
    """
    samples, normal = count("samples", samples), _gaussian(q)
    mean = normal.mean
    eps = torch.randn(
        (samples, *mean.shape),
        generator=torch_generator("generator", generator, mean.device),
        dtype=mean.dtype,
        device=mean.device,
    )
    if isinstance(normal, MultivariateNormal):
        return mean + (normal.scale_tril @ eps.unsqueeze(-1)).squeeze(-1)  # (n, d, d) on (k, n, d, 1)
    return mean + normal.base_dist.scale * eps


def kl_to_prior(q: Distribution) -> torch.Tensor:
    """KL(q || N(0, I)) by dimension, (n, d), closed form; its sum over the last axis is the whole. [vae-kl]

        1/2 (sum_j L_ij^2 + mean_i^2 - 1) - log L_ii

    For independent dimensions (L = diag(std)) it is the KL of each marginal. With a full covariance it is the chain
    rule's: the average KL of q(z_i | z_1 ... z_{i-1}) to N(0, 1). Either way no entry is negative.
    Raises TypeError where q cannot be right.
    """
    normal = _gaussian(q)
    if isinstance(normal, MultivariateNormal):
        second = (normal.scale_tril**2).sum(-1)
        log_diagonal = normal.scale_tril.diagonal(dim1=-2, dim2=-1).log()
    else:
        second, log_diagonal = normal.base_dist.scale**2, normal.base_dist.scale.log()
    return 0.5 * (second + normal.mean**2 - 1) - log_diagonal


# ---------------------------------------------------------------- the model


class VAE(nn.Module):
    """A latent variable model p(x, z) = N(z; 0, I) p(x | z) with an inference network q(z | x).

    encoder: module, x (n, D) to a torch distribution over z (n, d).  decoder: module, z (n, d) to outputs (n, D).
    likelihood: what the outputs mean, one of lvm_lib.likelihoods.  Computes in the dtype of its weights.
    Raises TypeError or ValueError where latents cannot be right.
    """

    encoder: nn.Module
    decoder: nn.Module
    likelihood: Likelihood

    def __init__(self, encoder: nn.Module, decoder: nn.Module, likelihood: Likelihood, latents: int):
        super().__init__()
        for name, part in (("encoder", encoder), ("decoder", decoder), ("likelihood", likelihood)):
            if not isinstance(part, nn.Module):
                raise TypeError(f"{name} must be a torch module, got {describe(part)}")
        self.encoder, self.decoder, self.likelihood = encoder, decoder, likelihood
        self.latents = count("latents", latents)

    # ------------------------------------------------ its distributions

    def q(self, x: TensorLike) -> Distribution:
        """q(z | x), a torch distribution of n points with event (d,).

        Raises TypeError or ValueError where x cannot be right.
        """
        return self._q(self._pixels(x))

    def px_z(self, z: TensorLike) -> Distribution:
        """p(x | z), a torch distribution with event (D,): z (n, d) or (k, n, d).

        Raises TypeError or ValueError where z cannot be right.
        """
        return self._px_z(self._codes(z))

    def log_px_z(self, x: TensorLike, z: TensorLike) -> torch.Tensor:
        """log p(x | z), summed over pixels: (n,) for z (n, d), (k, n) for z (k, n, d). Exact, normaliser included.

        Raises TypeError or ValueError where x or z cannot be right.
        """
        x, z = self._pixels(x), self._codes(z)
        if z.shape[-2] != len(x):
            raise ValueError(f"z must have shape (n, d) or (k, n, d) with n = {len(x)} as in x, got {tuple(z.shape)}")
        return self._px_z(z).log_prob(x)

    def log_joint(self, x: TensorLike, z: TensorLike) -> torch.Tensor:
        """log p(x, z) = log p(x | z) + log N(z; 0, I): (n,) for z (n, d), (k, n) for z (k, n, d).

        Raises TypeError or ValueError where z cannot be right.
        """
        return self.log_px_z(x, z) + _log_prior(self._codes(z))

    def decode(self, z: TensorLike) -> torch.Tensor:
        """The mean of p(x | z), (n, D): a picture to look at, and no sample of x.

        Raises TypeError or ValueError where z cannot be right.
        """
        return self.px_z(z).mean

    @torch.no_grad()
    def sample(
        self, n: int, generator: torch.Generator | int, *, mean: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """n images and their codes (x, z): z from the *prior*, then x from p(x | z), or its mean if `mean`.

        Raises TypeError or ValueError where n or generator cannot be right.
        """
        generator = torch_generator("generator", generator, weight(self).device)
        shape = (count("n", n), self.latents)
        z = torch.randn(shape, generator=generator, dtype=weight(self).dtype, device=weight(self).device)
        px_z = self.px_z(z)
        return (px_z.mean if mean else _draw(px_z, generator)), z

    # ------------------------------------------------ bounds

    def elbo_terms(self, x: TensorLike, generator: torch.Generator | int, samples: int = 1) -> ElboTerms[torch.Tensor]:
        """The ELBO's terms, per image, with gradients: the reconstruction from `samples` draws of q, KL exact.

        Its expectation is the ELBO at any number of samples. (At the mean of q it would be no bound at all.)

        Raises TypeError or ValueError where x cannot be right.
        """
        x = self._pixels(x)
        q = self._q(x)
        z = reparameterise(q, samples, generator)
        return _terms(self._px_z(z).log_prob(x).mean(0), q)

    def elbo(self, x: TensorLike, generator: torch.Generator | int, samples: int = 1) -> torch.Tensor:
        """The ELBO estimated from `samples` draws of q, nats per image, (n,).

        Raises TypeError or ValueError where x, generator or samples cannot be right.
        """
        return self.elbo_terms(x, generator, samples).elbo

    def loss(self, x: TensorLike, generator: torch.Generator | int, beta: float = 1.0) -> torch.Tensor:
        """What training makes small: average over images of -reconstruction + beta KL; at beta = 1, -ELBO.

        With a Gaussian likelihood of std s, beta stands for the VAE of std s sqrt(beta):

            loss(s, beta) = beta loss(s sqrt(beta), 1) + constant of s, beta and D alone

        so beta is a choice of noise. A mass such as Bernoulli's has no such std: beta above 1 then gives a looser bound
        on -log p(x), by (beta - 1) KL, and beta below 1 gives none.
        Raises TypeError or ValueError where x, generator or beta cannot be right.
        [vae-objective] [vae-beta-sigma] [vae-beta-bound]
        """
        terms = self.elbo_terms(x, generator)
        return -(terms.reconstruction - real_number("beta", beta) * terms.kl).mean()

    @torch.no_grad()
    def evidence(self, x: TensorLike, generator: torch.Generator | int, samples: int = 500) -> Estimate:
        """An estimate (mark it ~) of log p(x), nats per image, by importance sampling from q:

            log p(x) ~ log mean_k w_k,    w_k = p(x, z_k) / q(z_k | x),    z_k ~ q(z | x)

        Low on average (its expectation is the bound L_K), and by how much the standard error does not tell: see
        whether it still rises when `samples` doubles. Standard error by the delta method, too small where the
        effective sample size is small; both (n,). The work goes in blocks, so that memory stays small.
        Burda, Grosse and Salakhutdinov (2016).
        Raises TypeError or ValueError where x, generator or samples cannot be right.
        """
        x, samples = self._pixels(x), count("samples", samples, 2)
        generator = torch_generator("generator", generator, x.device)
        rows = max(1, BLOCK // (samples * x.shape[1]))
        log_w = torch.cat([self._log_weights(block, samples, generator) for block in x.split(rows)], dim=1).double()
        total, squares = log_w.logsumexp(0), (2 * log_w).logsumexp(0)
        size = (2 * total - squares).exp()
        error = ((samples / size - 1).clamp(min=0) / (samples - 1)).sqrt()
        value = total - math.log(samples)
        return Estimate(*(tensor.cpu().numpy() for tensor in (value, error, size)))

    def _log_weights(self, x: torch.Tensor, samples: int, generator: torch.Generator) -> torch.Tensor:
        """log p(x, z) - log q(z | x), (samples, n), a few samples at a time where one row alone would be too many."""
        q, most = self._q(x), max(1, BLOCK // x.numel())
        draws = (reparameterise(q, min(most, samples - done), generator) for done in range(0, samples, most))
        return torch.cat([self._px_z(z).log_prob(x) + _log_prior(z) - q.log_prob(z) for z in draws])

    # ------------------------------------------------ the same without checks, for arguments that had theirs

    def _q(self, x: torch.Tensor) -> Distribution:
        return self.encoder(self.likelihood.inputs(x).to(weight(self)))

    def _px_z(self, z: torch.Tensor) -> Distribution:
        outputs = self.decoder(z.flatten(0, -2))  # (k, n, d) to (k n, d) to (k n, D)
        return self.likelihood(outputs.unflatten(0, z.shape[:-1]))  # (k n, D) to (k, n, D)

    def _pixels(self, x: TensorLike) -> torch.Tensor:
        x = real_tensor("x", x, 2, like=single(weight(self)))
        self.likelihood.check(x)
        return x

    def _codes(self, z: TensorLike) -> torch.Tensor:
        z = real_tensor("z", z, like=weight(self))
        if z.ndim not in (2, 3) or z.shape[-1] != self.latents:
            raise ValueError(f"z must have shape (n, {self.latents}) or (k, n, {self.latents}), got {tuple(z.shape)}")
        return z


def _log_prior(z: torch.Tensor) -> torch.Tensor:
    """log N(z; 0, I), summed over the last axis."""
    return -0.5 * (z**2 + LOG_2PI).sum(-1)


def _terms(reconstruction: torch.Tensor, q: Distribution) -> ElboTerms[torch.Tensor]:
    per_dimension = kl_to_prior(q)
    return ElboTerms(reconstruction, per_dimension.sum(-1), per_dimension)


def _draw(distribution: Distribution, generator: torch.Generator) -> torch.Tensor:
    """A draw from p(x | z) with an explicit generator, which torch's own `sample` does not take."""
    if isinstance(distribution, Independent):
        base = distribution.base_dist
        if isinstance(base, Normal):
            return torch.normal(base.mean, base.stddev, generator=generator)
        return torch.bernoulli(base.probs, generator=generator)
    return distribution.sample(generator=generator)  # type: ignore[call-arg]  # as those of `likelihoods` do


def _telling(net: nn.Sequential) -> GaussianEncoder:
    """An encoder whose q tells images apart from the first step: means spread out, standard deviations near e^-2.

    With torch's own start q is close to the prior for every x; the decoder then learns to ignore z, and many latents
    take long to wake up, or never do.
    """
    last = net[-1]
    assert isinstance(last, nn.Linear)
    latents = len(last.bias) // 2
    with torch.no_grad():
        last.weight[:latents] *= 4
        last.bias[latents:] = -2
    return GaussianEncoder(net)


def mlp_vae(
    latents: int = 2,
    hidden: Sequence[int] = (400, 200),
    pixels: int = 784,
    likelihood: Likelihood | None = None,
    *,
    seed: int,
) -> VAE:
    """A VAE of fully connected layers, D-400-200-d-200-400-D unless told otherwise; Bernoulli unless told otherwise.

    Raises TypeError or ValueError where latents or seed cannot be right.
    """
    latents = count("latents", latents)
    with seeded(seed):
        encoder = _telling(mlp_encoder(2 * latents, hidden, pixels))
        return VAE(encoder, mlp_decoder(latents, hidden, pixels), likelihood or Bernoulli(), latents)


def conv_vae(
    latents: int = 2, channels: int = 32, side: int = 28, likelihood: Likelihood | None = None, *, seed: int
) -> VAE:
    """A VAE of convolutions on 4 x 4 patches; Bernoulli unless told otherwise; weights from `seed`.

    Raises TypeError or ValueError where latents or seed cannot be right.
    """
    latents = count("latents", latents)
    with seeded(seed):
        encoder = _telling(conv_encoder(2 * latents, channels, side))
        return VAE(encoder, conv_decoder(latents, channels, side), likelihood or Bernoulli(), latents)


# ---------------------------------------------------------------- the VAE whose optimum is known


class LinearVAE(VAE):
    """A VAE with linear decoder, linear encoder and Gaussian likelihood: probabilistic PCA, trained as a VAE.

    Its optimum is PCA's: at noise variance s^2 directions with variance lambda_j <= s^2 collapse (their q is the
    prior), the others cost 1/2 log(lambda_j / s^2) nats of KL on average. A diagonal q is enough, since the optimal
    decoder may have orthogonal columns. Lucas, Tucker, Grosse and Norouzi (2019).
    Raises TypeError or ValueError where an argument cannot be right.
    [vae-linear-rate] [vae-linear-aggregate]
    """

    encoder: LinearEncoder
    decoder: nn.Linear
    likelihood: Gaussian

    def exact_elbo_terms(self, x: TensorLike) -> ElboTerms[torch.Tensor]:
        """The ELBO's terms without samples:

        E_q log p(x | z) = log N(x; W m + b, Psi) - 1/2 tr(W^T Psi^-1 W S)

        Raises TypeError or ValueError where x cannot be right.
        """
        x = self._pixels(x)
        q, loadings = self._q(x), self.decoder.weight
        unit, std = self.likelihood.unit.to(loadings), self.likelihood.std.to(loadings)
        scaled = unit * loadings / std.expand(len(loadings))[:, None]  # (D, d) / (D, 1)
        spread = ((scaled @ self.encoder.factor()) ** 2).sum()  # tr(W^T Psi^-1 W L L^T) = |Psi^-1/2 W L|^2
        return _terms(self._px_z(q.mean).log_prob(x) - 0.5 * spread, q)

    def exact_loss(self, x: TensorLike, generator: torch.Generator | int | None = None) -> torch.Tensor:
        """-ELBO, averaged over images, without samples (`generator` is not used).

        Raises TypeError or ValueError where x cannot be right.
        """
        return -self.exact_elbo_terms(x).elbo.mean()

    @torch.no_grad()
    def linear_gaussian(self) -> LinearGaussian:
        """The same generative model as lvm_lib.ppca knows it, with evidence and posterior in closed form."""
        noise = (self.likelihood.std**2).cpu().numpy()
        centre, unit = float(self.likelihood.centre), float(self.likelihood.unit)
        loadings, mean = unit * self.decoder.weight.cpu().numpy(), centre + unit * self.decoder.bias.cpu().numpy()
        return LinearGaussian(loadings, mean, noise)

    @torch.no_grad()
    def copy_(self, model: LinearGaussian) -> LinearVAE:
        """Take the generator from `model`, and for q the best that this encoder can express.

        That is the posterior itself (full covariance), or its mean with variances 1 / M_jj (diagonal), M the
        posterior's precision. Returns self.
        Raises TypeError or ValueError where model cannot be right.
        """
        if not isinstance(model, LinearGaussian):
            raise TypeError(f"model must be a LinearGaussian, got {describe(model)}")
        if model.loadings.shape != self.decoder.weight.shape:
            raise ValueError(
                f"model must have loadings of shape {tuple(self.decoder.weight.shape)}, got {model.loadings.shape}"
            )
        noise, std = np.sqrt(model.noise), self.likelihood.log_std
        if noise.ndim > std.ndim:
            raise ValueError(f"model must have one noise for all pixels, as this VAE has, got shape {noise.shape}")
        precision = model.posterior_precision
        gain = np.linalg.solve(precision, (model.loadings / np.reshape(model.noise, (-1, 1))).T)  # V, (d, D)
        full = self.encoder.below is not None
        factor = np.linalg.cholesky(np.linalg.inv(precision)) if full else np.diag(np.diag(precision) ** -0.5)
        centre, unit = float(self.likelihood.centre), float(self.likelihood.unit)
        self.encoder.set_(unit * gain, -gain @ (model.mean - centre), factor)
        self.decoder.weight.copy_(torch.tensor(model.loadings / unit))
        self.decoder.bias.copy_(torch.tensor((model.mean - centre) / unit))
        std.copy_(torch.tensor(noise).log())
        return self


def linear_vae(
    latents: int, pixels: int, std: float = 1.0, *, covariance: str = "diagonal", learned: bool = False, seed: int
) -> LinearVAE:
    """The linear VAE: decoder W z + b, encoder N(V x + c, S) with S shared, "diagonal" or "full"; Gaussian noise.

    std: of the noise, a number or one per pixel (D,), fixed, or `learned` from there. Weights from `seed`.
    Raises TypeError or ValueError where seed cannot be right.
    """
    with seeded(seed):
        encoder = LinearEncoder(pixels, latents, covariance)
        return LinearVAE(encoder, nn.Linear(latents, pixels), Gaussian(std, learned=learned), latents)
