"""Four ways up one linear model, each budget as the end of its own schedule.

The model is PPCA with four latent dimensions on twenty principal axes of 3,000 digits, drawn by the seed, which also
draws the start. For 1, 2, 4 ... 32 passes over the data each way gets a run of its own, whose learning rate rises and
falls within that budget; of some rates the one with the best own objective at the end is kept. What is measured is how
far below the maximum (`ppca.fit_ppca` on the same digits) the evidence per digit then lies. Two EMs stand beside the
gradient ways: a full E-step and M-step per pass, and an M-step after each of as many blocks as there are minibatches.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .. import data
from ..bounds import GaussianQ
from ..em import m_step_linear
from ..ppca import LinearGaussian, fit_ppca
from ..trainable_models import LinearModel
from ..variational import climb

SEEDS = (0, 1, 2, 3)
BUDGETS = (1, 2, 4, 8, 16, 32)  # passes over the data
FAST = (0.03, 0.1, 0.2, 0.3)  # the highest rate of a run, of which the best is kept
RATES = {"evidence": FAST, "amortised": FAST, "per point": (0.03, 0.1)}
WAYS = ("em", "incremental", *RATES)
DIGITS, AXES, LATENTS, BATCH = 3000, 20, 4, 128


def problem(seed: int) -> tuple[np.ndarray, LinearModel, float]:
    """(digits (3000, 20) in units of 100 grey levels, a start, the maximum of the evidence per digit).

    Raises TypeError or ValueError where an argument cannot be right.
    """
    rng = np.random.default_rng(seed)
    pixels = data.flat(data.load("digits").train)
    train = pixels + rng.random(pixels.shape)
    mean = train.mean(axis=0)
    _, axes = np.linalg.eigh((train - mean).T @ (train - mean))
    chosen = rng.choice(len(train), DIGITS, replace=False)
    x = (train[chosen] - mean) @ axes[:, ::-1][:, :AXES] / 100  # (3000, 784) @ (784, 20)
    start = LinearModel(0.3 * rng.normal(size=(AXES, LATENTS)), x.mean(axis=0), x.std())
    return x, start, float(fit_ppca(x, LATENTS).evidence(x).mean())


def incremental(model: LinearGaussian, x: np.ndarray, passes: int, blocks: int) -> LinearGaussian:
    """Incremental EM: the q of one block, then an M-step with the q of all blocks seen so far.

    Raises TypeError or ValueError where an argument cannot be right.
    """
    rows = np.array_split(np.arange(len(x)), blocks)
    latents = model.loadings.shape[1]
    mean, cov = np.zeros((len(x), latents)), np.zeros((len(x), latents, latents))
    for number in range(passes * blocks):
        block = rows[number % blocks]
        q = model.posterior(x[block])
        mean[block], cov[block] = q.mean, q.cov
        seen = slice(0, block[-1] + 1 if number < blocks else len(x))
        model = m_step_linear(x[seen], GaussianQ(mean[seen], cov[seen]))
    return model


def measure(seed: int, budgets: Sequence[int] = BUDGETS) -> dict[str, float]:
    """Nats per digit below the maximum, under names like "em, 4 passes".

    Raises TypeError or ValueError where an argument cannot be right.
    """
    x, start, top = problem(seed)
    found = {}
    for passes in budgets:
        em = climb("em", start, x, x[:1], passes=passes, marks=[passes])
        found[f"em, {passes} passes"] = top - em.records[-1].evidence
        blocks = -(-len(x) // BATCH)
        found[f"incremental, {passes} passes"] = top - float(
            incremental(start.exact(), x, passes, blocks).evidence(x).mean()
        )
        for way, rates in RATES.items():
            runs = [
                climb(way, start, x, x[:1], passes=passes, rate=rate, batch=BATCH, seed=seed, marks=[passes], search=1)
                for rate in rates
            ]
            best = max((run.records[-1] for run in runs), key=lambda end: end.objective)
            found[f"{way}, {passes} passes"] = top - best.evidence
    return found
