"""Likelihoods p(x | z): how a decoder's outputs become a distribution over pixels. Each says what pixels it is for.

    Bernoulli             x in {0, 1}              mass       outputs are logits
    Gaussian              x real                   density    outputs are means; the std is explicit
    DiscretisedNormal     x in {0, ..., 255}       mass       outputs are means / 255; std in grey levels
    DiscretisedLogistic   x in {0, ..., 255}       mass       the same, with heavier tails

A mass and a density, or masses on different sets of pixels, do not go on one axis. All share one interface:

    likelihood(outputs)     the distribution over pixels: outputs (..., D), a torch distribution with event (D,)
    likelihood.check(x)     a ValueError for pixels that it is no likelihood for
    likelihood.inputs(x)    the same pixels as an encoder should see them: of order one
    likelihood.meet(x)      called by training, once, with all of x: Gaussian pixels take their unit from it

Log densities and log masses are sums over pixels, in nats, every normaliser included. They and their gradients are
right far out in the tail too: no mass or slope is a difference of equals. Outputs in half precision are taken up to
float32 first; the masses of cut curves are computed in float64 whatever the outputs are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Protocol

import numpy as np
import torch
from torch import nn
from torch.distributions import Bernoulli as BernoulliPixels
from torch.distributions import Distribution, Independent, Normal, constraints
from torch.nn import functional

from ._checks import count
from ._torch import TensorLike, Units, real_tensor, single
from .densities import LOG_2PI

__all__ = ["Bernoulli", "DiscretisedLogistic", "DiscretisedNormal", "DiscretisedPixels", "Gaussian", "Likelihood"]


class Likelihood(Protocol):
    """What a model asks of a likelihood; it is a torch module besides, so that its weights are trained and saved."""

    def __call__(self, outputs: torch.Tensor) -> Distribution:
        """The distribution over pixels, event (D,), for outputs (..., D)."""
        ...

    def check(self, x: torch.Tensor) -> None:
        """Raises ValueError for pixels that this is no likelihood for."""
        ...

    def inputs(self, x: torch.Tensor) -> torch.Tensor:
        """The same pixels as an encoder should see them: of order one."""
        ...


class Bernoulli(nn.Module):
    """Independent binary pixels, p(x_d = 1 | z) = sigmoid(output_d). A likelihood for 0 and 1 only. [vae-bernoulli]

    Binary cross-entropy on grey pixels is no log-likelihood of anything that sums to one: `check` refuses them.
    """

    def forward(self, outputs: torch.Tensor) -> Independent:
        """outputs (..., D): logits."""
        return Independent(_BinaryPixels(logits=single(outputs), validate_args=False), 1, validate_args=False)

    def check(self, x: torch.Tensor) -> None:
        """Raises ValueError unless every pixel is 0 or 1."""
        if not torch.equal(x * x, x):  # of finite numbers only 0 and 1 are their own squares
            raise ValueError(
                "x must hold only 0 and 1 under a Bernoulli likelihood (binarise grey pixels: "
                "binarise_fresh=True in fit, lvm_lib.data.binarised for a test; or choose a likelihood "
                f"for grey pixels), got values from {x.min():g} to {x.max():g}"
            )

    def inputs(self, x: torch.Tensor) -> torch.Tensor:
        """The pixels themselves, 0 and 1."""
        return x


class _BinaryPixels(BernoulliPixels):
    """torch's Bernoulli, but the slope of log p at x = 1 is sigmoid(-l): sigmoid(l) - 1 would be 0 from l = 17 on."""

    def log_prob(self, value: torch.Tensor) -> torch.Tensor:
        return functional.logsigmoid((2 * value - 1) * self.logits)


class Gaussian(Units):
    """x | z ~ N(output, diag(std^2)), a density, with its normaliser: -1/2 |x - output|^2 / std^2 - D log std - ...

    std: in the units of x, a number shared by all pixels, or one per pixel, (D,). The smaller it is, the more the
    reconstruction weighs against the KL: beta at std s is beta = 1 at std s sqrt(beta), up to scale and constant.
    learned: whether training fits it (from the value given).

    A network wants numbers of order one, whatever the units of x are. So x is read as (x - centre) / unit, and an
    output stands for the mean centre + unit * output: round numbers that `meet` finds, 0 and 1 for the book's images.
    Raises TypeError or ValueError where std cannot be right.
    [vae-gaussian]
    """

    log_std: torch.Tensor

    def __init__(self, std: float | Sequence[float] | np.ndarray | torch.Tensor, *, learned: bool = False):
        super().__init__()
        _spread(self, std, learned)

    @property
    def std(self) -> torch.Tensor:
        """() or (D,), in the units of x."""
        return self.log_std.exp()

    def forward(self, outputs: torch.Tensor) -> Independent:
        """outputs (..., D): the means, less the centre, in units."""
        outputs = single(outputs)
        std = self.std.to(outputs.dtype).expand_as(outputs)
        return Independent(Normal(self._outputs(outputs), std, validate_args=False), 1, validate_args=False)

    def check(self, x: torch.Tensor) -> None:
        """Every finite x will do."""

    def inputs(self, x: torch.Tensor) -> torch.Tensor:
        """The pixels less the centre, in units."""
        return self._inputs(x)


class _Discretised(nn.Module):
    """Integer pixels 0..levels-1: a curve around 255 * output, cut into bins of width one, open at both ends."""

    logistic: bool
    log_std: torch.Tensor

    def __init__(
        self, std: float | Sequence[float] | np.ndarray | torch.Tensor, *, learned: bool = False, levels: int = 256
    ):
        super().__init__()
        self.levels = count("levels", levels, 2)
        _spread(self, std, learned)

    @property
    def std(self) -> torch.Tensor:
        """() or (D,), in grey levels: the standard deviation of the curve before it is cut into bins."""
        return self.log_std.exp()

    def forward(self, outputs: torch.Tensor) -> DiscretisedPixels:
        """outputs (..., D): the curve's means on a scale where 0 is white and 1 is black; they may lie outside."""
        mean = outputs.double() * (self.levels - 1)
        dtype = single(outputs).dtype
        return DiscretisedPixels(mean, self.std.double(), logistic=self.logistic, levels=self.levels, dtype=dtype)

    def check(self, x: torch.Tensor) -> None:
        """Raises ValueError unless x holds whole numbers 0..levels-1."""
        if (x != x.round()).any() or x.min() < 0 or x.max() > self.levels - 1:
            raise ValueError(
                f"x must hold whole grey levels 0..{self.levels - 1} under a discretised likelihood, "
                f"got values from {x.min():g} to {x.max():g}; are they scaled already?"
            )

    def inputs(self, x: torch.Tensor) -> torch.Tensor:
        return x / (self.levels - 1)


class DiscretisedNormal(_Discretised):
    """P(x | z) = Phi((x + 1/2 - m) / std) - Phi((x - 1/2 - m) / std), m = 255 * output; edge bins open.

    std: in grey levels, a number or one per pixel (D,); learned: whether training fits it; levels: 256 for 8 bits.
    Raises TypeError or ValueError where std or levels cannot be right.
    """

    logistic = False


class DiscretisedLogistic(_Discretised):
    """As `DiscretisedNormal` with the logistic curve of that *standard deviation* (its scale is std sqrt(3) / pi).

    Raises TypeError or ValueError where std or levels cannot be right.
    Salimans et al. (2017), PixelCNN++, section 2.1.
    """

    logistic = True


class DiscretisedPixels(Distribution):
    """Independent integer pixels, each a normal or logistic curve cut into bins; the last axis is the event.

    mean (..., D) and std > 0 (broadcasts), in grey levels. log_prob sums over pixels: a log mass, in nats. Results have
    the given dtype, that of `mean` (float32 at least) if none is given; what leads to them is float64.
    """

    arg_constraints: ClassVar = {}
    support = constraints.independent(constraints.nonnegative_integer, 1)
    has_rsample = False

    def __init__(
        self,
        mean: torch.Tensor,
        std: torch.Tensor,
        *,
        logistic: bool = False,
        levels: int = 256,
        dtype: torch.dtype | None = None,
    ):
        self.dtype = single(mean).dtype if dtype is None else dtype
        self.location, self.spread = torch.broadcast_tensors(mean.double(), std.double())
        self.logistic, self.levels = logistic, levels
        super().__init__(mean.shape[:-1], mean.shape[-1:], validate_args=False)

    def log_prob(self, x: torch.Tensor) -> torch.Tensor:
        """log P(x), summed over the last axis: x (..., D) whole numbers 0..levels-1, to (...)."""
        x, darkest, brightest = x.double(), x == 0, x == self.levels - 1
        centre, width = torch.broadcast_tensors((x - self.location) / self.spread, 1 / self.spread)
        # Mirrored where needed, so that the bin's edge nearer to the mean is at its left: all further away is the tail.
        outward = torch.where(brightest | (~darkest & (centre >= 0)), centre, -centre)
        log_tail, log_inside = _LOGISTIC_CURVE if self.logistic else _NORMAL_CURVE
        log_mass = log_tail(outward - width / 2)
        inside = (~(darkest | brightest)).expand_as(log_mass)  # the others are open outwards: their mass is the tail
        log_mass = log_mass.masked_scatter(inside, log_inside(outward[inside], width[inside]))
        return log_mass.sum(-1).to(self.dtype)

    @property
    def mean(self) -> torch.Tensor:
        """E[x] = sum_{k >= 1} P(x >= k), exact: it differs from the curve's mean, since the edge bins are open."""
        total = torch.zeros_like(self.location)
        for k in range(1, self.levels):
            score = (self.location - (k - 0.5)) / self.spread
            total = total + (torch.sigmoid(score * LOGISTIC) if self.logistic else torch.special.ndtr(score))
        return total.to(self.dtype)

    def sample(
        self,
        sample_shape: torch.Size | list[int] | tuple[int, ...] = torch.Size(),
        generator: torch.Generator | None = None,
    ) -> torch.Tensor:
        """Whole numbers: a draw of the curve, rounded, and clipped to 0..levels-1."""
        shape, device = self._extended_shape(sample_shape), self.location.device
        with torch.no_grad():
            if self.logistic:  # the curve's inverse cdf; a uniform of exactly 0 would give -inf, which is clipped
                uniform = torch.rand(shape, generator=generator, dtype=self.dtype, device=device)
                noise = torch.logit(uniform) / LOGISTIC
            else:
                noise = torch.randn(shape, generator=generator, dtype=self.dtype, device=device)
            return (self.location + self.spread * noise).round().clamp(0, self.levels - 1).to(self.dtype)


LOGISTIC = math.pi / math.sqrt(3)  # the standard deviation of the logistic curve of scale 1


ROOT2 = math.sqrt(2)


# Two curves of standard deviation 1, with Q(z) the mass above z: log Q(near), and log [Q(near) - Q(far)] for a bin with
# middle c >= 0 and width w, so that its edges are near = c - w/2 and far = c + w/2. All in float64.


def _log_normal_tail(near: torch.Tensor) -> torch.Tensor:
    """log Q(near): -near^2 / 2 + t(near) where near > 0, so that neither it nor its slope loses digits far out."""
    scaled = torch.special.erfcx(near.abs() / ROOT2) / 2  # Q(|near|) exp(near^2 / 2)
    square = near**2 / 2
    return torch.where(near > 0, torch.log(scaled) - square, torch.log1p(-scaled * torch.exp(-square)))


def _log_normal_inside(centre: torch.Tensor, width: torch.Tensor) -> torch.Tensor:
    """log Q(near) + log(1 - Q(far) / Q(near)), the ratio as exp(t(far) - t(near) - c w): no large squares cancel.

    A bin that is narrow against the curve's bend is the curve at its middle, w phi(c) [1 + (c^2 - 1) w^2 / 24].
    """
    near, far = centre - width / 2, centre + width / 2
    narrow = width * centre.clamp(min=1) < 1e-3
    scaled_near, scaled_far = torch.special.erfcx(near.clamp(min=0) / ROOT2), torch.special.erfcx(far / ROOT2)
    log_near = _log_normal_tail(near)
    log_far = torch.log(scaled_far / 2) - far**2 / 2
    log_ratio = torch.where(near > 0, torch.log(scaled_far / scaled_near) - centre * width, log_far - log_near)
    wide = log_near + torch.log(-torch.expm1(torch.where(narrow, -1.0, log_ratio)))  # where unused, a finite slope
    bend = torch.where(narrow, (centre**2 - 1) * width**2 / 24, 0.0)
    return torch.where(narrow, torch.log(width) - 0.5 * (centre**2 + LOG_2PI) + torch.log1p(bend), wide)


def _log_logistic_tail(near: torch.Tensor) -> torch.Tensor:
    """log Q(near) = log sigmoid(-near), in units of the curve's scale."""
    return functional.logsigmoid(-LOGISTIC * near)


def _log_logistic_inside(centre: torch.Tensor, width: torch.Tensor) -> torch.Tensor:
    """log [sigmoid(-near) sigmoid(far) (1 - exp(-w))], in units of the curve's scale: nothing cancels."""
    near, far = centre - width / 2, centre + width / 2
    sides = functional.logsigmoid(-LOGISTIC * near) + functional.logsigmoid(LOGISTIC * far)
    return sides + torch.log(-torch.expm1(-LOGISTIC * width))


_NORMAL_CURVE = (_log_normal_tail, _log_normal_inside)
_LOGISTIC_CURVE = (_log_logistic_tail, _log_logistic_inside)


def _spread(module: nn.Module, std: TensorLike, learned: bool) -> None:
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
