"""Self-checks of the chapter "What a VAE optimises"; three of its exercises came from "vae" and stand there."""

from __future__ import annotations

import math

import numpy as np

from ._judge import Exercise, Follows, Number, ask, guarded

__all__ = [
    "vae_learned_prior",
    "vae_louder_pixels",
]


# ---------------------------------------------------------------- exercise 3


@guarded
def vae_louder_pixels(alive: object, rate: object, factor: object) -> bool | None:
    """Exercise 3: exercise 1 with pixels twice as large: how many latents live, their rate, the beta that undoes it."""
    return ask(_louder_pixels(), alive, rate, factor)


def _louder_pixels():
    variances, sigma2 = 4 * np.array([4.0, 1.0, 0.3]), 0.5
    rate = 0.5 * np.log(variances / sigma2).sum()
    before = 0.5 * np.maximum(np.log(variances / 4 / sigma2), 0).sum()
    of_alive = {
        "the number before the change: the third variance is 1.2 now": 2.0,
    }
    of_rate = {
        "the rate before the change": before,
        "the rate before the change and log 2 for each of the two latents that lived: the third lives now too": before
        + 2 * math.log(2),
        "the rate with variances doubled: twice the pixel is four times the variance": 0.5
        * np.maximum(np.log(variances / 2 / sigma2), 0).sum(),
        "the rate without the factor 1/2": 2 * rate,
        "the rate of one latent: the sum over all is asked": 0.5 * math.log(variances[0] / sigma2),
    }
    of_factor = {
        "2: beta multiplies sigma^2, and variances have grown by a square": 2.0,
        "1/4: a larger beta raises the water level": 0.25,
    }
    return Exercise(
        "a beta, like a sigma, means nothing without the unit of the pixels.",
        Number("number of latents", 3.0, of_alive, unit="", exact=True),
        Number("rate", rate, of_rate),
        Number("beta", 4.0, of_factor, unit="", symbol=True),
    )


# ---------------------------------------------------------------- exercise 4


@guarded
def vae_learned_prior(gain: object, left: object, rate: object) -> bool | None:
    """Exercise 4: KL 6.1, I_q 5.7, the bound rises by 0.3: the most a prior can bring, the misfit left, the rate."""
    return ask(_learned_prior(), gain, left, rate)


def _learned_prior():
    rate, information, gained = 6.1, 5.7, 0.3
    misfit = rate - information
    of_gain = {
        "the whole KL: the information kept cannot be saved by any prior": rate,
        "the information: what no prior can save": information,
        "what this mixture brings: the best possible prior is asked": gained,
        "zero: the aggregate is not the prior": 0.0,
    }
    of_left = {
        "the misfit of N(0, I): the mixture has taken a part of it away": misfit,
        "what the mixture brings: what it leaves is asked": gained,
        "zero: that takes the aggregate itself": 0.0,
        "the misfit and the gain added: the gain is taken off": misfit + gained,
    }
    of_rate = {
        "the information kept: the rate holds the misfit that is left, too": information,
        "the rate with N(0, I): the bound rose because the KL fell": rate,
        "the old rate and the gain added: a bound that rises pays less": rate + gained,
        "the misfit left: the rate is that and the information": misfit - gained,
    }
    return Exercise(
        "a better prior saves misfit, and misfit alone.",
        Number("largest gain", misfit, of_gain),
        Number("misfit that is left", misfit - gained, of_left, follows=Follows(0, 1.0, -gained)),
        Number("rate", rate - gained, of_rate),
    )


NUMBERS = {
    "vae_louder_pixels": _louder_pixels,
    "vae_learned_prior": _learned_prior,
}
