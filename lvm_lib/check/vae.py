"""Self-checks of the chapter "The variational autoencoder"."""

from __future__ import annotations

import math

import numpy as np

from .. import data
from ..densities import kl_normal_diag, log_bernoulli
from ._judge import Odd, Verdict, call, judge, read, tell, unanswered, within

__all__ = [
    "vae_linear_rates",
    "vae_hidden_sigma",
    "vae_score_gradients",
    "vae_elbo",
    "vae_information",
    "vae_seven_latents",
]


def vae_linear_rates(rates, noise) -> bool | None:
    """Exercise 1: the average KL of three latents, and the sigma^2 at which all collapse.

    sigma^2 = 0.5, variances 4, 1, 0.3.
    """
    variances, sigma2 = np.array([4.0, 1.0, 0.3]), 0.5
    log_ratio = np.log(variances / sigma2)
    truth = np.maximum(log_ratio, 0) / 2
    of_rates = {
        "half the log ratio for the collapsed latent too: a rate is a KL, and never negative": log_ratio / 2,
        "rates without the factor 1/2": np.maximum(log_ratio, 0),
        "rates of all three without the factor 1/2": log_ratio,
        "rates with sigma = 0.5 taken for its square": np.maximum(np.log(variances / sigma2**2), 0) / 2,
        "half the log of the variances, without sigma^2": np.log(variances) / 2,
        "1/2 log(1 + lambda / sigma^2), the formula for a signal to which noise is *added*": np.log1p(
            variances / sigma2
        )
        / 2,
        "one number, the total: give one rate per latent": truth.sum(),
    }
    of_noise = {
        "the smallest variance: there only the first latent to die has died": variances.min(),
        "the sum of the variances: each direction is judged by itself": variances.sum(),
        "a standard deviation: sigma^2 is asked": math.sqrt(variances.max()),
    }
    return tell(
        "a direction pays half its log ratio, or lies under the water.",
        judge(rates, truth, "rates", of_rates),
        judge(noise, variances.max(), "sigma^2", of_noise, unit=""),
    )


def vae_hidden_sigma(of_sum, of_mean) -> bool | None:
    """Exercise 2: the sigma^2 hidden in |x - x_hat|^2 + KL, and in the mean squared error over 784 pixels + KL."""
    truth_sum, truth_mean = 0.5, 784 / 2
    slips_sum = {
        "1, but the exponent has 2 sigma^2 below it": 1.0,
        "sigma: its square is asked": math.sqrt(truth_sum),
        "the other program's (are the two swapped?)": truth_mean,
    }
    slips_mean = {
        "784, but the exponent has 2 sigma^2 below it": 784.0,
        "sigma: its square is asked": math.sqrt(truth_mean),
        "1 / (2 x 784): a mean *divides* the error, so sigma^2 is multiplied": 1 / (2 * 784),
        "the other program's (are the two swapped?)": truth_sum,
    }
    return tell(
        "averaging over pixels is a choice of noise, and a wild one: every variance lies below it.",
        judge(of_sum, truth_sum, "sigma^2 of the sum", slips_sum, unit=""),
        judge(of_mean, truth_mean, "sigma^2 of the mean", slips_mean, unit=""),
    )


def vae_score_gradients(function) -> bool | None:
    """Exercise 3: function(values, eps, std) -> single-draw score-function gradients by the mean, leave-one-out."""
    rng = np.random.default_rng(0)
    for draws, std in ((6, 0.5), (2, 1.7), (40, 0.2)):
        values, eps = rng.normal(size=draws) - 20, rng.normal(size=draws)
        try:
            answer = call(function, values.copy(), eps.copy(), std)
        except Odd as odd:
            return tell("", Verdict("gradients", False, str(odd)))
        others = (values.sum() - values) / (draws - 1)
        truth = (values - others) * eps / std
        slips = {
            "gradients without a baseline": values * eps / std,
            "gradients whose baseline is the mean of all values, own one included: that is biased": (
                values - values.mean()
            )
            * eps
            / std,
            "the sum of the others where their average is asked: divide by K - 1": (values - (values.sum() - values))
            * eps
            / std,
            "gradients without the division by std: d log q / dm = eps / std": (values - others) * eps,
            "gradients divided by the variance: z - m is already std * eps": (values - others) * eps / std**2,
            "gradients by log s: those by the mean are asked": (values - others) * (eps**2 - 1),
            "their average: return all K": truth.mean(),
        }
        verdict = judge(
            answer,
            truth,
            "gradients" if unanswered(answer) else f"gradients for K = {draws}",
            slips,
            unit="",
            tolerance=1e-4,
        )
        if not verdict.right:
            return tell("", verdict)
    return tell("each value is judged against the others, and none against itself.", verdict)


def vae_elbo(function) -> bool | None:
    """Exercise 4: function(x, logits, mean, log_std) -> the ELBO of each image from one draw, in nats."""
    rng = np.random.default_rng(0)
    for n, pixels, latents in ((4, 7, 2), (1, 5, 3), (3, 3, 3)):
        x, logits = rng.integers(0, 2, (n, pixels)).astype(float), rng.normal(size=(n, pixels)) * 2
        mean, log_std = rng.normal(size=(n, latents)), rng.normal(size=(n, latents)) * 0.5 - 0.7
        try:
            answer = call(function, x.copy(), logits.copy(), mean.copy(), log_std.copy())
        except Odd as odd:
            return tell("", Verdict("ELBO", False, str(odd)))
        reconstruction = log_bernoulli(x, logits)
        kl = kl_normal_diag(mean, np.exp(log_std))
        slips = {
            "the loss: the ELBO with its sign flipped": kl - reconstruction,
            "an ELBO with the sign of the KL flipped: it is subtracted": reconstruction + kl,
            "the reconstruction alone: the KL is forgotten": reconstruction,
            "minus the KL: the reconstruction is forgotten": -kl,
            "an ELBO with the KL averaged over latents: it is a sum": reconstruction - kl / latents,
            "an ELBO with the reconstruction averaged over pixels: it is a sum": reconstruction / pixels - kl,
            "an ELBO with both parts averaged: they are sums": reconstruction / pixels - kl / latents,
            "an ELBO with log_std taken for a log variance": reconstruction - kl_normal_diag(mean, np.exp(log_std / 2)),
            "an ELBO with log_std taken for std^2's square": reconstruction - kl_normal_diag(mean, np.exp(2 * log_std)),
            "an ELBO whose KL lacks the factor 1/2": reconstruction - 2 * kl,
            "an ELBO whose pixels are ones and zeros the other way round": log_bernoulli(1 - x, logits) - kl,
            "one number, averaged over the images: keep one per image": (reconstruction - kl).mean(),
            "one number, summed over the images: keep one per image": (reconstruction - kl).sum(),
        }
        what = "ELBO" if unanswered(answer) else f"ELBO (x of shape {x.shape}, mean of shape {mean.shape})"
        verdict = judge(answer, reconstruction - kl, what, slips, tolerance=1e-4)
        if not verdict.right:
            return tell("", verdict)
    return tell("that is the whole of what a VAE trains on.", verdict)


def vae_information(information, misfit) -> bool | None:
    """Exercise 5: 1000 images, average KL 7.5 nats: the largest I_q, and the least KL(q(z) || p(z))."""
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
    }
    return tell(
        "a code for 1000 images cannot carry more than log 1000 nats; the rest is misfit.",
        judge(information, largest, "information", of_information),
        judge(misfit, rate - largest, "misfit", of_misfit),
    )


def vae_seven_latents(sigma) -> bool | None:
    """Exercise 6: a sigma at which the best linear VAE of the training digits, in [0, 1], keeps seven latents."""
    verdict = within(sigma, "sigma", (0.01, 10.0))
    if not verdict.right:
        return tell("", verdict)
    x = data.unit(data.load("digits").train).reshape(9000, -1)
    centred = x - x.mean(axis=0)
    variances = np.linalg.eigvalsh(centred.T @ centred / len(x))
    alive = int((variances > read(sigma).item() ** 2).sum())
    squared = int((variances > read(sigma).item()).sum())
    if alive == 7:
        return tell("seven principal directions have a variance above sigma^2.", verdict)
    hint = (
        "; is it sigma^2 that you gave?" if squared == 7 else f", so sigma is too {'small' if alive > 7 else 'large'}"
    )
    count = f"{alive} latents live" if alive != 1 else "1 latent lives"
    return tell("", Verdict("sigma", False, f"at your sigma {count} and not 7{hint}"))
