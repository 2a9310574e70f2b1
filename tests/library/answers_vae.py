"""Answers to the exercises of "The variational autoencoder", by hand. See test_answers."""

import math

import numpy as np
import torch
from late import Late
from scipy import special
from torch.nn import functional

from lvm_lib import data

RATES = [0.5 * math.log(8), 0.5 * math.log(2), 0.0]
OWN_FORMS: set[str] = set()


# ---------------------------------------------------------------- exercise 3


def gradients(values, eps, std):
    return np.array([(value - np.delete(values, k).mean()) * eps[k] / std for k, value in enumerate(values)])


def in_torch(values, eps, std):
    values, eps = torch.as_tensor(values), torch.as_tensor(eps)
    return (values - (values.sum() - values) / (len(values) - 1)) * eps / std


# ---------------------------------------------------------------- exercise 4


def reconstruction(x, logits):
    return (x * special.log_expit(logits) + (1 - x) * special.log_expit(-logits)).sum(axis=1)


def kl(mean, log_std):
    return 0.5 * (np.exp(2 * log_std) + mean**2 - 1 - 2 * log_std)


def elbo(x, logits, mean, log_std):
    return reconstruction(x, logits) - kl(mean, log_std).sum(axis=1)


def elbo_in_torch(x, logits, mean, log_std):
    """As the chapter's language has it: NumPy arrays make it raise, so it is called with tensors."""
    rate = 0.5 * (torch.exp(2 * log_std) + mean**2 - 1 - 2 * log_std).sum(1)
    return -functional.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1) - rate


def elbo_by_distributions(x, logits, mean, log_std):
    q = torch.distributions.Normal(mean, log_std.exp())
    rate = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0)).sum(1)
    return torch.distributions.Bernoulli(logits=logits).log_prob(x).sum(1) - rate


def naive(x, logits, mean, log_std):
    with np.errstate(all="ignore"):
        return (x * logits - np.log(1 + np.exp(logits))).sum(axis=1) - kl(mean, log_std).sum(axis=1)


# ---------------------------------------------------------------- exercise 6


def sigma(images, alive):
    """A sigma at which so many directions have more variance: between two principal standard deviations."""
    x = data.load(images).train.reshape(9000, -1) / 255.0
    values = np.linalg.eigvalsh(np.cov(x.T, bias=True))[::-1]
    return float(np.sqrt(values[alive - 1 : alive + 1].mean()))


GRADIENTS, ELBO, SEVEN = "vae_score_gradients", "vae_elbo", "vae_seven_latents"
ROWS = [
    # 1, 2, 5
    ("vae_linear_rates", (RATES, 4.0), True, "lies under the water"),
    ("vae_linear_rates", ("1.04, 0.35, 0", 4), True, ""),
    ("vae_linear_rates", ("1,04, 0,35, 0", 4), True, ""),
    ("vae_linear_rates", ("[1,04, 0,35, 0]", 4), True, ""),
    ("vae_linear_rates", ("1,04 0,35 0", 4), True, ""),
    ("vae_linear_rates", ("1,04,0,35,0", 4), False, "should be 3 finite numbers, but got shape (5,)"),
    ("vae_linear_rates", ("1,040, 0,350, 0", 4), False, "1,040, which may mean two things"),
    ("vae_linear_rates", ([1.04, 0.35], 4), False, "should be 3 finite numbers"),
    ("vae_hidden_sigma", (0.5, 392), True, "a choice of noise"),
    ("vae_hidden_sigma", (0.5, 1 / 784), False, "1 / 784, the factor before the error"),
    ("vae_information", (math.log(1000), 7.5 - math.log(1000)), True, "the rest is misfit"),
    ("vae_information", (6.9, 0.6), False, "close"),
    ("vae_information", (6.91, 0.59), True, ""),
    ("vae_prior_share", (0.911, 0.475), True, "shares of independent dimensions multiply"),
    ("vae_prior_share", ("0.9545^2", "0,47"), True, ""),
    ("vae_prior_share", (0.95, 0.47), False, "the share of one dimension"),
    ("vae_prior_share", (0.91, 0.27), False, "the outsides overlap"),
    ("vae_prior_share", (91.11, 0.47), False, "a percentage"),
    ("vae_prior_share", (0.86, 0.47), False, "a disc of radius 2"),
    # 3
    (GRADIENTS, gradients, True, "none against itself"),
    (GRADIENTS, in_torch, True, ""),
    (GRADIENTS, lambda v, e, s: v.mul(len(v)).sub(v.sum()).div(len(v) - 1).mul(e).div(s), True, ""),
    (GRADIENTS, lambda v, e, s: ..., None, "the gradients"),
    (GRADIENTS, lambda v, e, s: v * e / s, False, "without a baseline"),
    (GRADIENTS, lambda v, e, s: (v - v.mean()) * e / s, False, "own one included: that is biased"),
    (GRADIENTS, lambda v, e, s: (v - (v.sum() - v)) * e / s, False, "divide by K - 1"),
    (GRADIENTS, lambda v, e, s: gradients(v, e, s) * s, False, "without the division by std"),
    (GRADIENTS, lambda v, e, s: gradients(v, e, s) / s, False, "divided by the variance"),
    (GRADIENTS, lambda v, e, s: gradients(v, e, s) / e * s * (e**2 - 1), False, "gradients by log s"),
    (GRADIENTS, lambda v, e, s: gradients(v, e, s).mean(), False, "their average: return all K"),
    (GRADIENTS, lambda v, e, s: gradients(v, e, s).sum(), False, "their sum: return all K"),
    (GRADIENTS, lambda v, e, s: gradients(v, e, s) / e * s, False, "the score, eps / std, is missing"),
    (GRADIENTS, lambda v, e, s: -gradients(v, e, s), False, "look like the right size with the sign flipped"),
    (GRADIENTS, lambda v, e, s: gradients(v, e, s) if len(v) == 6 else v, False, "(K = 2)"),
    (GRADIENTS, lambda v, e: v, False, "TypeError"),
    # 4
    (ELBO, elbo, True, "what a VAE trains on"),
    (ELBO, elbo_in_torch, True, ""),
    (ELBO, elbo_by_distributions, True, ""),
    (ELBO, lambda *a: ..., None, "the ELBO"),
    (ELBO, lambda *a: -elbo(*a), False, "the loss: the ELBO with its sign flipped"),
    (ELBO, lambda x, g, m, s: reconstruction(x, g) + kl(m, s).sum(1), False, "the sign of the KL flipped"),
    (ELBO, lambda x, g, m, s: reconstruction(x, g), False, "the KL is forgotten"),
    (ELBO, lambda x, g, m, s: -kl(m, s).sum(1), False, "the reconstruction is forgotten"),
    (ELBO, lambda x, g, m, s: (x * g).sum(1) - kl(m, s).sum(1), False, "x * logits alone"),
    (ELBO, lambda x, g, m, s: reconstruction(x, g) - kl(m, s).mean(1), False, "the KL averaged over latents"),
    (ELBO, lambda x, g, m, s: reconstruction(x, g) / g.shape[1] - kl(m, s).sum(1), False, "averaged over pixels"),
    (ELBO, lambda x, g, m, s: reconstruction(x, g) / g.shape[1] - kl(m, s).mean(1), False, "with both parts averaged"),
    (ELBO, lambda x, g, m, s: elbo(x, g, m, s / 2), False, "log_std taken for a log variance"),
    (ELBO, lambda x, g, m, s: elbo(x, g, m, 2 * s), False, "square it once"),
    (ELBO, lambda x, g, m, s: reconstruction(x, g) - 2 * kl(m, s).sum(1), False, "lacks the factor 1/2"),
    (ELBO, lambda x, g, m, s: elbo(1 - x, g, m, s), False, "ones and zeros the other way round"),
    (ELBO, lambda *a: elbo(*a).mean(), False, "averaged over the images: keep one per image"),
    (ELBO, lambda *a: elbo(*a).sum(), False, "summed over the images: keep one per image"),
    (ELBO, lambda *a: elbo(*a)[:, None], False, "a column of shape (n, 1)"),
    (ELBO, lambda x, g, m, s: reconstruction(x, g) - kl(m, s).sum(), False, "whose KL is summed over the images too"),
    (ELBO, naive, False, "exp overflows there; np.logaddexp(0, logits) does not"),
    (ELBO, lambda x, g, m, s: elbo(x, g.clip(-30, 30), m, s), False, "too high"),
    (ELBO, lambda *a: elbo(*a) + 0.5, False, "too high"),
    (ELBO, lambda x, g: x, False, "TypeError"),
    # 6
    ("vae_one_draw", (1.8, -2.7, -3.0375), True, "the exact gradients are 3 and 0.8"),
    ("vae_one_draw", ("2*0.9", "-2,7", "0.81*(-1.5)/0.4"), True, ""),
    ("vae_one_draw", (3, -2.7, -3.04), False, "the exact gradient, 2 m"),
    ("vae_one_draw", (1.8, -1.08, -3.04), False, "the gradient by log s"),
    ("vae_one_draw", (1.8, -2.7, -6.75), False, "takes f(z) itself"),
    ("vae_one_draw", (1.8, -2.7, 3.04), False, "the sign flipped"),
    # 7
    (SEVEN, 1.28, True, "seven principal directions"),
    (SEVEN, Late(lambda: sigma("digits", 7)), True, ""),
    (SEVEN, Late(lambda: (sigma("clothing", 7), "clothing")), True, "seven principal directions"),
    (SEVEN, Late(lambda: (sigma("clothing", 7), "digits")), False, "and not 7"),
    (SEVEN, 1.64, False, "is it sigma^2 that you gave"),
    (SEVEN, 0.5, False, "sigma is too small"),
    (SEVEN, 1e-3, False, "more than 30 latents live"),
    (SEVEN, 2.2, False, "sigma is too large"),
    (SEVEN, 100, False, "0 latents live and not 7: sigma is too large"),
    (SEVEN, Late(lambda: sigma("digits", 1)), False, "1 latent lives and not 7"),
    (SEVEN, ..., None, "sigma"),
    (SEVEN, -1, False, "be a positive number"),
    (SEVEN, "big", False, "one finite number"),
]
