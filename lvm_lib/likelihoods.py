"""Likelihoods p(x | z): how a decoder's outputs become a distribution over pixels. Each says what pixels it is for.

    Bernoulli             x in {0, 1}              mass       outputs are logits
    Gaussian              x real                   density    outputs are means; the std is explicit
    DiscretisedNormal     x in {0, ..., 255}       mass       outputs are means / 255; std in grey levels
    DiscretisedLogistic   x in {0, ..., 255}       mass       the same, with heavier tails

A mass and a density, or masses on different sets of pixels, do not go on one axis. All share one interface:

    likelihood(outputs)     the distribution over pixels: outputs (..., D), a torch distribution with event (D,)
    likelihood.check(x)     a ValueError for pixels that it is no likelihood for
    likelihood.inputs(x)    the same pixels as an encoder should see them: of order one

Log densities and log masses are sums over pixels, in nats, every normaliser included.
"""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import nn
from torch.distributions import Bernoulli as BernoulliPixels
from torch.distributions import Distribution, Independent, Normal, constraints
from torch.nn import functional

from ._checks import count
from ._torch import real_tensor
from .densities import LOG_2PI

__all__ = ["Bernoulli", "DiscretisedLogistic", "DiscretisedNormal", "DiscretisedPixels", "Gaussian"]


class Bernoulli(nn.Module):
    """Independent binary pixels, p(x_d = 1 | z) = sigmoid(output_d). A likelihood for 0 and 1 only.

    Binary cross-entropy on grey pixels is no log-likelihood of anything that sums to one: `check` refuses them.
    """

    def forward(self, outputs) -> Independent:
        """outputs (..., D): logits."""
        return Independent(BernoulliPixels(logits=outputs, validate_args=False), 1, validate_args=False)

    def check(self, x):
        """Raises ValueError unless every pixel is 0 or 1."""
        if not torch.equal(x * x, x):  # of finite numbers only 0 and 1 are their own squares
            raise ValueError(
                "x must hold only 0 and 1 under a Bernoulli likelihood (binarise grey pixels: "
                "binarise_fresh=True in fit, lvm_lib.data.binarised for a test; or choose a likelihood "
                f"for grey pixels), got values from {x.min():g} to {x.max():g}"
            )

    def inputs(self, x):
        """The pixels themselves, 0 and 1."""
        return x


class Gaussian(nn.Module):
    """x | z ~ N(output, diag(std^2)), a density, with its normaliser: -1/2 |x - output|^2 / std^2 - D log std - ...

    std: in the units of x, a number shared by all pixels, or one per pixel, (D,). The smaller it is, the more the
    reconstruction weighs against the KL: beta at std s is beta = 1 at std s sqrt(beta), up to scale and constant.
    learned: whether training fits it (from the value given).
    """

    def __init__(self, std, *, learned: bool = False):
        super().__init__()
        _spread(self, std, learned)

    @property
    def std(self) -> torch.Tensor:
        """() or (D,), in the units of x."""
        return self.log_std.exp()

    def forward(self, outputs) -> Independent:
        """outputs (..., D): the means."""
        std = self.std.to(outputs.dtype).expand_as(outputs)
        return Independent(Normal(outputs, std, validate_args=False), 1, validate_args=False)

    def check(self, x):
        """Every finite x will do."""

    def inputs(self, x):
        """The pixels themselves."""
        return x


class _Discretised(nn.Module):
    """Integer pixels 0..levels-1: a curve around 255 * output, cut into bins of width one, open at both ends."""

    logistic: bool

    def __init__(self, std, *, learned: bool = False, levels: int = 256):
        super().__init__()
        self.levels = count("levels", levels, 2)
        _spread(self, std, learned)

    @property
    def std(self) -> torch.Tensor:
        """() or (D,), in grey levels: the standard deviation of the curve before it is cut into bins."""
        return self.log_std.exp()

    def forward(self, outputs) -> DiscretisedPixels:
        """outputs (..., D): the curve's means on a scale where 0 is black and 1 is white; they may lie outside."""
        mean, std = outputs * (self.levels - 1), self.std.to(outputs.dtype)
        return DiscretisedPixels(mean, std, logistic=self.logistic, levels=self.levels)

    def check(self, x):
        """Raises ValueError unless x holds whole numbers 0..levels-1."""
        if (x != x.round()).any() or x.min() < 0 or x.max() > self.levels - 1:
            raise ValueError(
                f"x must hold whole grey levels 0..{self.levels - 1} under a discretised likelihood, "
                f"got values from {x.min():g} to {x.max():g}; are they scaled already?"
            )

    def inputs(self, x):
        return x / (self.levels - 1)


class DiscretisedNormal(_Discretised):
    """P(x | z) = Phi((x + 1/2 - m) / std) - Phi((x - 1/2 - m) / std), m = 255 * output; edge bins open.

    std: in grey levels, a number or one per pixel (D,); learned: whether training fits it; levels: 256 for 8 bits.
    """

    logistic = False


class DiscretisedLogistic(_Discretised):
    """As `DiscretisedNormal` with the logistic curve of that *standard deviation* (its scale is std sqrt(3) / pi).

    Salimans et al. (2017), PixelCNN++, section 2.1.
    """

    logistic = True


class DiscretisedPixels(Distribution):
    """Independent integer pixels, each a normal or logistic curve cut into bins; the last axis is the event.

    mean (..., D) and std > 0 (broadcasts), in grey levels. log_prob sums over pixels: a log mass, in nats.
    """

    arg_constraints: ClassVar = {}
    support = constraints.independent(constraints.nonnegative_integer, 1)
    has_rsample = False

    def __init__(self, mean, std, *, logistic: bool = False, levels: int = 256):
        self.location, self.spread = torch.broadcast_tensors(mean, std)
        self.logistic, self.levels = logistic, levels
        super().__init__(mean.shape[:-1], mean.shape[-1:], validate_args=False)

    def log_prob(self, x):
        """log P(x), summed over the last axis: x (..., D) whole numbers 0..levels-1, to (...)."""
        low, high = (x - 0.5 - self.location) / self.spread, (x + 0.5 - self.location) / self.spread
        inside, log_below, log_above = (_logistic_bin if self.logistic else _normal_bin)(low, high, 1 / self.spread)
        return torch.where(x == 0, log_below, torch.where(x == self.levels - 1, log_above, inside)).sum(-1)

    @property
    def mean(self):
        """E[x] = sum_{k >= 1} P(x >= k), exact: it differs from the curve's mean, since the edge bins are open."""
        total = torch.zeros_like(self.location)
        for k in range(1, self.levels):
            score = (self.location - (k - 0.5)) / self.spread
            total = total + (torch.sigmoid(score * LOGISTIC) if self.logistic else torch.special.ndtr(score))
        return total

    def sample(self, sample_shape=torch.Size(), generator=None):
        """Whole numbers: a draw of the curve, rounded, and clipped to 0..levels-1."""
        shape, like = self._extended_shape(sample_shape), self.location
        with torch.no_grad():
            if self.logistic:  # the curve's inverse cdf; a uniform of exactly 0 would give -inf, which is clipped
                uniform = torch.rand(shape, generator=generator, dtype=like.dtype, device=like.device)
                noise = torch.logit(uniform) / LOGISTIC
            else:
                noise = torch.randn(shape, generator=generator, dtype=like.dtype, device=like.device)
            return (like + self.spread * noise).round().clamp(0, self.levels - 1)


LOGISTIC = math.pi / math.sqrt(3)  # the standard deviation of the logistic curve of scale 1


def _logistic_bin(low, high, width):
    """Log masses of the bin from low to high, of all below high, of all above low; in standard deviations."""
    low, high, width = low * LOGISTIC, high * LOGISTIC, width * LOGISTIC
    log_below, log_above = functional.logsigmoid(high), functional.logsigmoid(-low)
    return log_below + log_above + torch.log(-torch.expm1(-width)), log_below, log_above


def _normal_bin(low, high, width):
    """The same for the normal curve: log[Phi(high) - Phi(low)], from the accurate side.

    Never as a difference of equals: where the bin is narrow against the curve's bend, the curve at its middle, with the
    bend's correction.
    """
    centre = (low + high) / 2
    narrow = width * centre.abs().clamp(min=1) < (1e-3 if low.dtype == torch.float64 else 3e-2)
    mirrored = centre > 0  # Phi is accurate on the left only: Phi(b) - Phi(a) = Phi(-a) - Phi(-b)
    near, far = torch.where(mirrored, -low, high), torch.where(mirrored, -high, low)
    log_near, log_far = torch.special.log_ndtr(near), torch.special.log_ndtr(far)
    step = torch.where(narrow, -1.0, log_far - log_near)  # where unused, a value with a finite gradient
    wide_mass = log_near + torch.log(-torch.expm1(step))
    bend = torch.where(narrow, (centre**2 - 1) * width**2 / 24, 0.0)
    narrow_mass = -0.5 * (centre**2 + LOG_2PI) + torch.log(width) + torch.log1p(bend)
    return torch.where(narrow, narrow_mass, wide_mass), torch.special.log_ndtr(high), torch.special.log_ndtr(-low)


def _spread(module, std, learned):
    """Give `module` its log std: a parameter if it is learned, a buffer (stored, not trained) if not.

    It is kept in float64 whatever the network computes in: a float32 logarithm would cost 1e-7 of the std.
    """
    std = real_tensor("std", std).detach().double()
    if std.ndim > 1 or (std <= 0).any():
        raise ValueError(
            "std must be a positive number, or one per pixel (D,), got shape "
            f"{tuple(std.shape)} with a smallest entry of {std.min():g}"
        )
    if learned:
        module.log_std = nn.Parameter(std.log())
    else:
        module.register_buffer("log_std", std.log())
