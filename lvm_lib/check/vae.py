"""Self-checks of the chapters "The variational autoencoder" and "What a VAE optimises"."""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise

import numpy as np

from .. import data
from ..densities import kl_normal_diag, log_bernoulli
from ._judge import Band, Choice, Exercise, Follows, Number, ask, ask_function, guarded

__all__ = [
    "vae_elbo",
    "vae_hidden_sigma",
    "vae_information",
    "vae_linear_rates",
    "vae_one_draw",
    "vae_prior_share",
    "vae_score_gradients",
    "vae_seven_latents",
]


# ---------------------------------------------------------------- who lives


@guarded
def vae_linear_rates(rates: object, noise: object) -> bool | None:
    """sigma^2 = 0.5, variances 4, 1, 0.3: the average KL of each latent, and the sigma^2 that kills all."""
    return ask(_linear_rates(), rates, noise)


def _linear_rates():
    variances, sigma2 = np.array([4.0, 1.0, 0.3]), 0.5
    log_ratio = np.log(variances / sigma2)
    truth = np.maximum(log_ratio, 0) / 2
    of_rates = {
        "half the log ratio for the collapsed latent too: a rate is a KL, and never negative": log_ratio / 2,
        "rates without the factor 1/2": np.maximum(log_ratio, 0),
        "rates of all three without the factor 1/2": log_ratio,
        "rates with sigma = 0.5 taken for its square": np.maximum(np.log(variances / sigma2**2), 0) / 2,
        "half the log of the variances, without sigma^2": np.log(variances) / 2,
        "1/2 log(1 + lambda / sigma^2), the formula for a signal to which noise is added": np.log1p(variances / sigma2)
        / 2,
        "one number, the total: give one rate per latent": truth.sum(),
        "the right rates in the reverse order": truth[::-1],
    }
    of_noise = {
        "the smallest variance: there only the first latent to die has died": variances.min(),
        "the sum of the variances: each direction is judged by itself": variances.sum(),
        "a standard deviation: sigma^2 is asked": math.sqrt(variances.max()),
    }
    return Exercise(
        "a direction pays half its log ratio, or lies under the water.",
        Number("rates", truth, of_rates, plural=True),
        Number("sigma^2", variances.max(), of_noise, unit="", symbol=True),
    )


# ---------------------------------------------------------------- the sigma that nobody chose


@guarded
def vae_hidden_sigma(of_sum: object, of_mean: object) -> bool | None:
    """The sigma^2 hidden in |x - x_hat|^2 + KL, and in the mean squared error over 784 pixels + KL."""
    return ask(_hidden_sigma(), of_sum, of_mean)


def _hidden_sigma():
    of_sum, of_mean = 0.5, 784 / 2
    slips_sum = {
        "1, but the exponent has 2 sigma^2 below it": 1.0,
        "2, the inverse: 1 / (2 sigma^2) stands before the error": 2.0,
        "sigma: its square is asked": math.sqrt(of_sum),
        "the other program's (are the two swapped?)": of_mean,
    }
    slips_mean = {
        "784, but the exponent has 2 sigma^2 below it": 784.0,
        "sigma: its square is asked": math.sqrt(of_mean),
        "1 / (2 x 784): a mean divides the error, so sigma^2 is multiplied": 1 / (2 * 784),
        "1 / 784, the factor before the error: it is 1 / (2 sigma^2)": 1 / 784,
        "the other program's (are the two swapped?)": of_sum,
    }
    return Exercise(
        "averaging over pixels is a choice of noise, and a wild one: every variance lies below it.",
        Number("sigma^2 of the sum", of_sum, slips_sum, unit=""),
        Number("sigma^2 of the mean", of_mean, slips_mean, unit=""),
    )


# ---------------------------------------------------------------- the score function


@guarded
def vae_score_gradients(function: object) -> bool | None:
    """function(values, eps, std) -> single-draw score-function gradients by the mean, leave-one-out."""
    rng = np.random.default_rng(0)
    cases = []
    for draws, std, scale in ((6, 0.5, 1.0), (2, 1.7, 1.0), (40, 0.2, 1.0), (5, 3.0, 1000.0)):
        values, eps = scale * rng.normal(size=draws) - 20, rng.normal(size=draws)
        cases.append(((values, eps, std), _score_gradients(values, eps, std)))
    return ask_function(function, "each value is judged against the others, and none against itself.", cases)


def _score_gradients(values, eps, std):
    draws = len(values)
    others = (values.sum() - values) / (draws - 1)
    truth = (values - others) * eps / std
    slips = {
        "gradients without a baseline": values * eps / std,
        "gradients whose baseline is the mean of all values, own one included: that is biased": (
            (values - values.mean()) * eps / std
        ),
        "the sum of the others where their average is asked: divide by K - 1": (2 * values - values.sum()) * eps / std,
        "gradients without the division by std: d log q / dm = eps / std": (values - others) * eps,
        "gradients divided by the variance: z - m is already std * eps": (values - others) * eps / std**2,
        "gradients by log s: those by the mean are asked": (values - others) * (eps**2 - 1),
        "their average: return all K": truth.mean(),
        "their sum: return all K": truth.sum(),
        "the values less their baseline alone: the score, eps / std, is missing": values - others,
    }
    return Number("gradients", truth, slips, unit="", decimals=None, plural=True, at=f"K = {draws}")


# ---------------------------------------------------------------- the ELBO in five lines


@guarded
def vae_elbo(function: object) -> bool | None:
    """function(x, logits, mean, log_std) -> the ELBO of each image from one draw, in nats."""
    rng = np.random.default_rng(0)
    cases = []
    for n, pixels, latents, scale in ((4, 7, 2, 2.0), (1, 5, 3, 2.0), (3, 3, 3, 2.0), (3, 6, 2, 500.0)):
        x = rng.integers(0, 2, (n, pixels)).astype(float)
        logits = scale * rng.normal(size=(n, pixels))
        if scale > 100:
            logits[0, :2], logits[1] = (1000.0, -1000.0), logits[1] / scale  # rows far apart
        mean, log_std = rng.normal(size=(n, latents)), rng.normal(size=(n, latents)) * 0.5 - 0.7
        cases.append(((x, logits, mean, log_std), _elbo(x, logits, mean, log_std)))
    return ask_function(function, "that is the whole of what a VAE trains on.", cases)


def _elbo(x, logits, mean, log_std):
    n, pixels = x.shape
    latents = mean.shape[1]
    reconstruction = log_bernoulli(x, logits)
    kl = kl_normal_diag(mean, np.exp(log_std))
    each = 0.5 * (np.exp(2 * log_std) + mean**2 - 1 - 2 * log_std)
    slips = {
        "the loss: the ELBO with its sign flipped": kl - reconstruction,
        "an ELBO with the sign of the KL flipped: it is subtracted": reconstruction + kl,
        "the reconstruction alone: the KL is forgotten": reconstruction,
        "minus the KL: the reconstruction is forgotten": -kl,
        "an ELBO with x * logits alone: log(1 + exp(logits)) is taken off": (x * logits).sum(axis=1) - kl,
        "an ELBO with the KL averaged over latents: it is a sum": reconstruction - kl / latents,
        "an ELBO with the reconstruction averaged over pixels: it is a sum": reconstruction / pixels - kl,
        "an ELBO with both parts averaged: they are sums": reconstruction / pixels - kl / latents,
        "an ELBO with log_std taken for a log variance": reconstruction - kl_normal_diag(mean, np.exp(log_std / 2)),
        "an ELBO with exp(log_std) taken for a standard deviation's root: square it once": reconstruction
        - kl_normal_diag(mean, np.exp(2 * log_std)),
        "an ELBO whose KL lacks the factor 1/2": reconstruction - 2 * kl,
        "an ELBO whose pixels are ones and zeros the other way round": log_bernoulli(1 - x, logits) - kl,
        "one number, averaged over the images: keep one per image": (reconstruction - kl).mean(),
        "one number, summed over the images: keep one per image": (reconstruction - kl).sum(),
        "the right numbers in a column of shape (n, 1), where shape (n,) is asked": (reconstruction - kl)[:, None],
        "an ELBO whose KL is summed over the images too": reconstruction - each.sum(),
    }
    if n == 1:
        del slips["an ELBO whose KL is summed over the images too"]
    at = f"x of shape {x.shape}, mean of shape {mean.shape}, logits from {logits.min():.3g} to {logits.max():.3g}"
    lost = "exp overflows there; np.logaddexp(0, logits) does not"
    return Number("ELBO", reconstruction - kl, slips, decimals=None, at=at, lost=lost)


# ---------------------------------------------------------------- how much a code can keep


@guarded
def vae_information(information: object, misfit: object) -> bool | None:
    """1000 images, average KL 7.5 nats: the largest I_q, and the least KL(q(z) || p(z))."""
    return ask(_information(), information, misfit)


def _information():
    rate, largest = 7.5, math.log(1000)
    of_information = {
        "the whole KL: I_q cannot exceed what names one image of 1000": rate,
        "1000 itself: its logarithm is asked": 1000.0,
        "the least misfit (are the two swapped?)": rate - largest,
    }
    of_misfit = {
        "the misfit with its sign flipped: a divergence is never negative": largest - rate,
        "zero: the aggregate of 1000 such narrow q cannot be the prior": 0.0,
        "the largest information (are the two swapped?)": largest,
        "the whole KL: the information is a part of it": rate,
    }
    return Exercise(
        "a code for 1000 images cannot carry more than log 1000 nats; the rest is misfit.",
        Number("information", largest, of_information),
        Number("misfit", rate - largest, of_misfit, follows=Follows(0, -1.0, rate)),
    )


# ---------------------------------------------------------------- two gradients from one draw


@guarded
def vae_one_draw(by_mean: object, by_std: object, by_score: object) -> bool | None:
    """f(z) = z^2, z = m + s eps, m = 1.5, s = 0.4, eps = -1.5: what this draw says of the gradients."""
    return ask(_one_draw(), by_mean, by_std, by_score)


def _one_draw():
    m, s, eps = 1.5, 0.4, -1.5
    z = m + s * eps
    by_mean, by_std, by_score = 2 * z, 2 * z * eps, z**2 * eps / s
    of_mean = {
        "the exact gradient, 2 m: what this one draw says of it is asked": 2 * m,
        "z itself: f(z) is differentiated": z,
        "f(z): it is differentiated": z**2,
        "the slope times s: m moves z one to one": 2 * z * s,
        "the gradient by s (are the two swapped?)": by_std,
        "the score function's (are the two swapped?)": by_score,
    }
    of_std = {
        "the exact gradient, 2 s: what this one draw says of it is asked": 2 * s,
        "the gradient by log s: there s multiplies once more": by_std * s,
        "the slope without epsilon: s moves z by epsilon": by_mean,
        "epsilon alone: f is differentiated too": eps,
        "f(z) times epsilon: f is differentiated": z**2 * eps,
    }
    of_score = {
        "f(z) times epsilon: d log q / dm = epsilon / s": z**2 * eps,
        "f(z) epsilon / s^2: z - m is already s epsilon": z**2 * eps / s**2,
        "the slope of f times the score: the score function's gradient takes f(z) itself": by_mean * eps / s,
        "the score alone: it is weighed by f(z)": eps / s,
        "the reparameterised gradient: this one knows no slope of f": by_mean,
    }
    return Exercise(
        "the exact gradients are 3 and 0.8, and one draw may be far from them, even in sign.",
        Number("gradient by m", by_mean, of_mean, unit=""),
        Number("gradient by s", by_std, of_std, unit="", follows=Follows(0, eps)),
        Number("gradient by the score function", by_score, of_score, unit=""),
    )


# ---------------------------------------------------------------- order exactly seven

MANY = 30  # living latents beyond which they are not counted


@guarded
def vae_seven_latents(sigma: object, images: str = "digits") -> bool | None:
    """A sigma at which the best linear VAE of the training images (pixels in [0, 1]) keeps seven latents.

    images: "digits" or "clothing", the data set that the chapter was run with.
    """
    return ask(_seven_latents("clothing" if images == "clothing" else "digits"), sigma)


@lru_cache(maxsize=2)
def _seven_latents(images="digits"):
    x = data.unit(data.load(images).train).reshape(9000, -1)
    centred = x - x.mean(axis=0)
    variances = np.sort(np.linalg.eigvalsh(centred.T @ centred / len(x)))[::-1]
    edges = np.sqrt(variances[: MANY + 1])  # below edges[k], more than k latents live
    squares = (variances[7], variances[6])  # a sigma that lies here is the square of a right one
    ends = sorted({0.0, math.inf, *edges.tolist(), *squares})
    bands = []
    for low, high in pairwise(ends):
        alive = int((edges > low).sum())
        says = _living(alive, squares[0] <= low < squares[1])
        bands.append(Band(math.nextafter(0.0, 1.0) if low == 0 else low, high, alive == 7, says))
    bands[-1] = bands[-1]._replace(high=1e308)
    return Exercise(
        "seven principal directions have a variance above sigma^2.",
        Choice("sigma", tuple(bands), "be a positive number", symbol=True),
    )


def _living(alive, square):
    """What is said of a sigma at which so many latents live."""
    if alive == 7:
        return ""
    count = (
        f"more than {MANY} latents live"
        if alive > MANY
        else f"{alive} latents live"
        if alive != 1
        else "1 latent lives"
    )
    hint = "is it sigma^2 that you gave (the number itself is asked)" if square else ""
    hint = hint or f"sigma is too {'small' if alive > 7 else 'large'}"
    return f"at your sigma {count} and not 7: {hint}"


# ---------------------------------------------------------------- how much of the prior


@guarded
def vae_prior_share(square: object, cube: object) -> bool | None:
    """The share of N(0, I) in [-2, 2]^2, and in [-2, 2]^16."""
    return ask(_prior_share(), square, cube)


def _prior_share():
    one = math.erf(2 / math.sqrt(2))
    square, cube = one**2, one**16
    of_square = {
        "the share of one dimension: both must lie inside": one,
        "what lies outside": 1 - square,
        "a percentage: a number between 0 and 1 is asked": 100 * square,
        "the share of a disc of radius 2: a square is asked": 1 - math.exp(-2),
        "the square of [-1, 1]": math.erf(1 / math.sqrt(2)) ** 2,
        "the share of the cube (are the two swapped?)": cube,
    }
    of_cube = {
        "the share of one dimension: all sixteen must lie inside": one,
        "what lies outside": 1 - cube,
        "a percentage: a number between 0 and 1 is asked": 100 * cube,
        "the share in eight dimensions": one**8,
        "1 - 16 times what one dimension leaves out: the outsides overlap": 1 - 16 * (1 - one),
        "the share of the square (are the two swapped?)": square,
    }
    return Exercise(
        "shares of independent dimensions multiply, and sixteen of them leave less than half.",
        Number("share of the square", square, of_square, unit=""),
        Number("share of the cube", cube, of_cube, unit=""),
    )


NUMBERS = {
    "vae_prior_share": _prior_share,
    "vae_linear_rates": _linear_rates,
    "vae_hidden_sigma": _hidden_sigma,
    "vae_information": _information,
    "vae_one_draw": _one_draw,
    "vae_seven_latents": _seven_latents,
}
