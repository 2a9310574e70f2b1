"""Answers to the exercises of "From K-means to VQ-VAE", by hand. See test_answers."""

import math
from functools import cache, lru_cache

import numpy as np
import torch
from late import Late
from scipy.spatial.distance import cdist

from lvm_lib import data, kmeans

RATE = 9 * math.log(2)
OWN_FORMS = {"kmeans_layer"}  # gradients are asked, so torch it must be


# ---------------------------------------------------------------- exercise 3


def layer(z, codebook):
    e = codebook[torch.cdist(z, codebook).argmin(1)]
    return z + (e - z).detach(), ((z.detach() - e) ** 2).sum(1).mean(), ((z - e.detach()) ** 2).sum(1).mean()


def by_embedding(z, codebook):
    """The same by one-hot rows, and the codes by a graph cut with no_grad."""
    hot = torch.nn.functional.one_hot(((z[:, None] - codebook) ** 2).sum(2).argmin(1), len(codebook)).to(z)
    e = hot @ codebook
    with torch.no_grad():
        step = e - z
    loss = torch.nn.functional.mse_loss
    return z + step, loss(e, z.detach()) * z.shape[1], loss(z, e.detach()) * z.shape[1]


def parts(codes=None, first=None, second=None):
    """The right layer in which single parts are replaced by functions of (z, e, straight-through codes, right part)."""

    def quantise(z, codebook):
        e = codebook[torch.cdist(z, codebook).argmin(1)]
        right = layer(z, codebook)
        changed = (codes, first, second)
        return tuple(
            part if new is None else new(z, e, right[0], part) for new, part in zip(changed, right, strict=True)
        )

    return quantise


class Turned(torch.autograd.Function):
    """The same value, and the gradient times a number."""

    @staticmethod
    def forward(ctx, value, times):
        ctx.times = times
        return value.clone()

    @staticmethod
    def backward(ctx, gradient):
        return ctx.times * gradient, None


def times(number):
    return lambda z, e, c, part: Turned.apply(part, number)


def spoiled(change, before):
    """The layer, which changes its inputs first, or at its end."""

    def quantise(z, codebook):
        right = None if before else layer(z, codebook)
        with torch.no_grad():
            change(z)
            change(codebook)
        return layer(z, codebook) if before else right

    return quantise


def squared(a, b):
    return ((a - b) ** 2).sum(1).mean()


def losses(factor):
    return lambda z, b: (layer(z, b)[0], *(loss * factor(*z.shape) for loss in layer(z, b)[1:]))


# ---------------------------------------------------------------- exercise 5


DIGITS = data.unit(data.load("digits").train[:1000]).reshape(-1, 784).astype(np.float32)


@cache
def restarted(restarts):
    return kmeans.kmeans(DIGITS, 50, 0, restarts=restarts).centroids


@lru_cache(maxsize=1)
def swapped():
    """Centroids that cost little are put where much is lost."""
    rng = np.random.default_rng(0)
    best = kmeans.kmeans(DIGITS, 50, rng=1)
    for _ in range(60):
        apart = np.sort(cdist(DIGITS, best.centroids, "sqeuclidean"), axis=1)
        costs = np.bincount(best.codes, apart[:, 0], 50)
        spared = np.bincount(best.codes, apart[:, 1] - apart[:, 0], 50)
        start = best.centroids.copy()
        start[np.argsort(spared)[rng.integers(5)]] = rng.choice(
            DIGITS[best.codes == np.argsort(-costs)[rng.integers(5)]]
        )
        best = min(best, kmeans.lloyd(DIGITS, start), key=lambda run: run.inertia)
    return best.centroids


LAYER, BEAT = "kmeans_layer", "kmeans_beat"
ROWS = [
    # 1, 2, 4
    ("kmeans_rate", (6.24, 305.68), True, "log K for each code"),
    ("kmeans_rate", (6.24, 305.76), True, ""),  # 49 times the rounded rate
    ("kmeans_rate", ("log(512)", "49 log(512)"), False, "not expected there"),
    ("kmeans_rate", ("log(512)", "49*log(512)"), True, ""),
    ("kmeans_round", (1, 8, 34), True, "2 is nearer to 0"),
    ("kmeans_round", (0, 8, 34), False, "the centroid before the round"),
    ("kmeans_round", (2, 8, 34), False, "the place where the algorithm ends"),
    ("kmeans_step", (12.5, 200), True, "N / 2n"),
    # 3
    (LAYER, layer, True, "each term trains its own part"),
    (LAYER, by_embedding, True, ""),
    (LAYER, lambda z, b: list(layer(z, b)), True, ""),
    (LAYER, lambda z, b: tuple(part.reshape(1) if part.ndim == 0 else part for part in layer(z, b)), True, ""),
    (LAYER, lambda z, b: tuple(part.float() for part in layer(z, b)), True, ""),
    (LAYER, lambda z, b: layer(z.float(), b.float()), True, ""),
    (LAYER, parts(second=lambda z, e, c, part: squared(z, c.detach())), True, ""),  # the codes' values are those of e
    (LAYER, spoiled(lambda a: a.zero_(), before=False), True, ""),
    (LAYER, spoiled(lambda a: a.mul_(0), before=True), False, "changes its inputs, and is judged by what they were"),
    (LAYER, spoiled(lambda a: a.div_(a.norm(dim=1, keepdim=True)), before=True), False, "judged by what they were"),
    (LAYER, lambda z, b: (..., ..., ...), None, "the layer"),
    (LAYER, parts(first=lambda z, e, c, part: squared(z.detach(), c)), False, "computed after the straight-through"),
    (LAYER, parts(second=lambda z, e, c, part: squared(z, c)), False, "commitment has no gradient"),
    (
        LAYER,
        parts(first=lambda z, e, c, part: part * 0),
        False,
        "codebook loss is zero: compute it from z and e before",
    ),
    (LAYER, lambda z, b: (layer(z, b)[0], *layer(z, b)[:0:-1]), False, "changed places: the codebook loss comes first"),
    (LAYER, parts(first=lambda z, e, c, part: squared(z, e)), False, "codebook loss gives z a gradient: detach z"),
    (
        LAYER,
        parts(second=lambda z, e, c, part: squared(z, e)),
        False,
        "gives the codebook a gradient: detach the codes",
    ),
    (
        LAYER,
        parts(first=lambda z, e, c, part: squared(z, e.detach())),
        False,
        "trains z, and not the codebook: detach z",
    ),
    (LAYER, parts(second=lambda z, e, c, part: squared(z.detach(), e)), False, "trains the codebook, and not z"),
    (LAYER, parts(first=lambda z, e, c, part: part.detach()), False, "codebook loss has no gradient: detach z in it"),
    (LAYER, parts(first=times(3.0)), False, "codebook loss has the right value, and 3 times the right gradient"),
    (LAYER, parts(second=times(-1.0)), False, "commitment has the right value, and its gradient with the sign flipped"),
    (
        LAYER,
        parts(first=lambda z, e, c, part: part + (e**3).sum() - (e**3).sum().detach()),
        False,
        "the right value, but its gradient is not that of a squared distance",
    ),
    (LAYER, losses(lambda n, d: 1 / d), False, "is averaged over the dimensions: sum over them"),
    (LAYER, losses(lambda n, d: n), False, "is a sum over rows: average it"),
    (LAYER, losses(lambda n, d: n / d), False, "is a sum over rows averaged over dimensions"),
    (LAYER, parts(second=lambda z, e, c, part: 0.25 * part), False, "commitment holds beta: leave it out"),
    (LAYER, parts(second=lambda z, e, c, part: 0.5 * part), False, "has a factor 1/2: leave it out"),
    (LAYER, parts(second=lambda z, e, c, part: -part), False, "has its sign flipped"),
    (LAYER, parts(first=lambda z, e, c, part: 0.3 * part), False, "has 0.3 times the right value: it is the squared"),
    (LAYER, parts(codes=lambda z, e, c, part: e), False, "the codebook gets a gradient through your codes"),
    (LAYER, parts(codes=lambda z, e, c, part: e.detach()), False, "your codes pass no gradient to z"),
    (
        LAYER,
        parts(codes=lambda z, e, c, part: z.detach() + (e - z).detach() + 2 * (z - z.detach())),
        False,
        "your codes do not pass the gradient to z unchanged",
    ),
    (LAYER, parts(codes=lambda z, e, c, part: z), False, "your codes are z itself"),
    (LAYER, lambda z, b: (b[torch.cdist(z, b).argmax(1)], *layer(z, b)[1:]), False, "are not the nearest rows"),
    (LAYER, lambda z, b: (torch.cdist(z, b).argmin(1), *layer(z, b)[1:]), False, "your codes are their numbers"),
    (LAYER, lambda z, b: (torch.zeros(z.shape), torch.tensor(0.0), torch.tensor(0.0)), False, "not the nearest"),
    (LAYER, lambda z, b: (torch.zeros(z.shape, dtype=torch.int64), *layer(z, b)[1:]), False, "not the nearest"),
    (LAYER, lambda z, b: layer(z, b)[0], False, "three things, codes, codebook loss and commitment"),
    (LAYER, lambda z, b: (layer(z, b)[0], 1.0, 2.0), False, "codebook loss should be a tensor of shape ()"),
    (LAYER, lambda z, b: (z[:2], *layer(z, b)[1:]), False, "should be a tensor of shape (12, 3)"),
    (LAYER, lambda z, b: layer(z, b) if len(z) == 12 else (z, z.sum(), z.sum()), False, "z itself"),  # for one shape
    (LAYER, lambda z, b: [part.detach().numpy() for part in layer(z, b)], False, "should be a tensor"),
    (LAYER, lambda z, b: 1 / 0, False, "ZeroDivisionError"),
    (LAYER, 7, False, "a function is asked"),
    # 5
    (BEAT, Late(swapped), True, "% below the"),
    (BEAT, Late(lambda: swapped().astype(np.float64).tolist()), True, ""),
    (BEAT, Late(lambda: torch.tensor(swapped(), requires_grad=True)), True, ""),
    (BEAT, ..., None, "the array of images"),
    (BEAT, Late(lambda: restarted(3)), False, "0.00 % above the"),
    (BEAT, Late(lambda: restarted(10)), False, "and 1.5 % below are asked"),
    (BEAT, Late(lambda: restarted(3) * 255), False, "should lie in [0, 1], but go from 0 to"),
    (BEAT, Late(lambda: restarted(3) - 0.5), False, "should lie in [0, 1], but go from -0.5"),
    (BEAT, np.zeros((784, 50)), False, "should hold 50 x 784 finite grey levels, but got shape (784, 50)"),
    (BEAT, np.full((50, 784), np.nan), False, "39200 nan or infinite of 39200 entries"),
    (BEAT, Late(lambda: swapped()[:49]), False, "shape (49, 784)"),
]
