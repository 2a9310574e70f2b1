"""Numbers to predict, for exercises that ask for a function: what that function gives for a small input.

A page cannot run a learner's Python; it can ask what the function should give. Each entry of `PREDICTIONS` is the name
of the exercise's check, the question, and a table of the same form as those of number exercises, so `_judge.ask` and
the page's judge take it alike. No chapter imports this module: `predict` serves whoever wants the same in a notebook.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..densities import kl_normal_diag, log_normal, logsumexp
from ._judge import Exercise, Number, ask, guarded

__all__ = ["PREDICTIONS", "predict"]


@guarded
def predict(name: str, *answers: object) -> bool | None:
    """Judge the prediction that belongs to an exercise: predict("elbo_kl_to_prior", 1.43).

    Raises nothing: a name without a prediction, or another count of answers, is told as one that cannot be judged.
    """
    return ask(PREDICTIONS[name][1](), *answers)


def _log_marginal():
    values = np.log([0.1, 0.5])
    truth = logsumexp(values, axis=0) - math.log(2)
    slips = {
        "the log of the sum: divide by the number of draws": logsumexp(values, axis=0),
        "the mean of the logs: average the densities first, then take the log": values.mean(),
        "the largest entry alone": values.max(),
        "the mean of the densities: its logarithm is asked": math.exp(truth),
    }
    return Exercise("the densities are averaged, 0.3, and then the log is taken.", Number("log marginal", truth, slips))


def _dequantised():
    spread = np.array([1.0, 2.0]) ** 3  # u runs over one unit: the distance from the mean from 1 to 2
    squares = float(np.diff(spread)[0]) / 3
    truth = -0.5 * math.log(2 * math.pi) - squares / 2
    slips = {
        "the log density at x itself, without the noise u": log_normal(3.0, 2.0, 1.0),
        "the log density in the middle of the pixel: the square's average is larger by 1/12": log_normal(3.5, 2.0, 1.0),
        "a score without the normaliser, 1/2 log 2 pi": -squares / 2,
    }
    return Exercise("the average square is (1.5)^2 + 1/12 = 7/3.", Number("score", truth, slips))


def _kl_to_prior():
    mean, std = np.array([[0.5, 1.0]]), np.array([[1.0, 2.0]])
    truth = float(kl_normal_diag(mean, std)[0])
    slips = {
        "the KL averaged over the dimensions: it adds up": truth / 2,
        "the KL without the factor 1/2": 2 * truth,
        "the KL the other way round: it is KL(q || prior)": kl_normal_diag(np.zeros(2), np.ones(2), mean, std)[0],
        "the KL with std taken for the variance: square it": kl_normal_diag(mean, np.sqrt(std))[0],
        "the KL without the mean": kl_normal_diag(0 * mean, std)[0],
        "the KL without its -1 per dimension": truth + 1,
    }
    return Exercise("each dimension gives 1/2 (m^2 + s^2 - 1 - log s^2), and they add up.", Number("KL", truth, slips))


def _vae_elbo():
    reconstruction, kl = -2 * math.log(2), 0.5
    slips = {
        "the reconstruction alone: the KL is forgotten": reconstruction,
        "an ELBO with the sign of the KL flipped: it is subtracted": reconstruction + kl,
        "an ELBO with the pixels averaged: they add up": reconstruction / 2 - kl,
        "an ELBO with a KL without its factor 1/2": reconstruction - 2 * kl,
    }
    return Exercise("each pixel costs log 2, and the KL is 1/2.", Number("ELBO", reconstruction - kl, slips))


def _score_gradients():
    slips = {
        "gradients without a baseline": [4.0, -12.0],
        "gradients with the average of all values for a baseline: leave the own one out": [-4.0, -4.0],
        "gradients that are not divided by std": [-2.0, -2.0],
        "gradients that are divided by the variance": [-32.0, -32.0],
    }
    truth = [-8.0, -8.0]
    right = "both draws say the same: down, where the value was smaller."
    return Exercise(right, Number("gradients", truth, slips, unit="", plural=True))


def _responsibilities():
    evidence = math.log(0.4)
    of_share = {"the joint probability: divide it by the sum over the components": 0.3}
    of_share |= {"the responsibility of the other component": 0.25, "a ratio of the two: divide by their sum": 3.0}
    of_evidence = {"the evidence: its logarithm is asked": 0.4, "the log of one component alone": math.log(0.3)}
    return Exercise(
        "0.3 of 0.4, and the log of their sum.",
        Number("responsibility", 0.75, of_share, unit=""),
        Number("log evidence", evidence, of_evidence),
    )


def _floor():
    along, across = 3.0, 2.0  # the eigenvalues of (1, 1) and (1, -1): 3 stays, 1 is raised to the floor
    of_corner = {"the entry as it was: the smaller eigenvalue, 1, is raised": 2.0, "the floor added to the entry": 4.0}
    of_side = {"the entry as it was: raising one eigenvalue changes every entry": 1.0, "an entry set to zero": 0.0}
    return Exercise(
        "the eigenvalues 3 and 1 become 3 and 2, their directions stay.",
        Number("entry (0, 0)", (along + across) / 2, of_corner, unit=""),
        Number("entry (0, 1)", (along - across) / 2, of_side, unit=""),
    )


def _perplexity():
    share = np.array([0.5, 0.25, 0.25])
    entropy = float(-(share * np.log(share)).sum())
    slips = {
        "the number of codes that occur: they are not equally frequent": 3.0,
        "the entropy in nats: its exponential is asked": entropy,
        "the entropy in bits: its power of two is asked": entropy / math.log(2),
        "2 to the power of nats: use exp": 2**entropy,
        "exp of bits: use nats": math.exp(entropy / math.log(2)),
    }
    return Exercise("the entropy is 1.5 bits.", Number("perplexity", math.exp(entropy), slips, unit=""))


def _class_summed_out():
    given = np.log([0.2, 0.4])
    slips = {
        "the log of the sum: each class has probability 1/2": logsumexp(given, axis=0),
        "the mean of the logs: average the probabilities first": given.mean(),
        "the probability: its logarithm is asked": 0.3,
        "the more likely class alone": given.max(),
    }
    return Exercise("the probabilities are averaged, 0.3.", Number("log p(z)", math.log(0.3), slips, symbol=True))


def _mask():
    of_first = {"a mask that sees its own place": 5, "a mask that sees all but its own place": 8}
    of_later = {"a mask that does not see its own place": 4, "a mask that sees everything": 9}
    return Exercise(
        "the row above, and what stands to the left.",
        Number("number of ones without the centre", 4, of_first, unit="", exact=True),
        Number("number of ones with it", 5, of_later, unit="", exact=True),
    )


def _draw():
    slips = {"the code counted from 1: codes begin at 0": 3, "the most probable code, whatever u is": 1}
    return Exercise("0.8 lies beyond 0.25 + 0.5.", Number("code", 2, slips, unit="", exact=True))


PREDICTIONS: dict[str, tuple[str, Callable[[], Exercise]]] = {
    "lvm_log_marginal": ("What should it give for the logarithms of 0.1 and 0.5?", _log_marginal),
    "kl_dequantised_score": ("One pixel: what should it give for x = 3, mean 2 and std 1?", _dequantised),
    "elbo_kl_to_prior": ("What should it give for one row, mean (0.5, 1) and std (1, 2)?", _kl_to_prior),
    "vae_elbo": (
        "What should it give for x = (1, 0), logits (0, 0), and one latent with mean 1 and log std 0?",
        _vae_elbo,
    ),
    "vae_score_gradients": ("What should it give for values (1, 3), eps (1, -1) and std 0.25?", _score_gradients),
    "em_responsibilities": (
        "A row holds the logarithms of 0.3 and 0.1. What is the first responsibility, and what the log evidence?",
        _responsibilities,
    ),
    "em_floor": ("S has rows (2, 1) and (1, 2), and the floor is 2. What are the entries of the result?", _floor),
    "tok_perplexity": ("What should it give for the tokens 1, 1, 2, 3?", _perplexity),
    "tok_class_summed_out": ("What should it give for a row with the logarithms of 0.2 and 0.4?", _class_summed_out),
    "tok_mask": ("How many ones should a kernel of 3 have, without its centre and with it?", _mask),
    "tok_draw": ("Three codes have probabilities 0.25, 0.5 and 0.25. What should u = 0.8 give, at T = 1?", _draw),
}
