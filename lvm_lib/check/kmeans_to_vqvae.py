"""Self-checks of the chapter "From K-means to VQ-VAE"."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from .. import data
from .. import kmeans as km
from ._judge import Odd, Verdict, call, came, judge, read, tell, unanswered

__all__ = ["kmeans_rate", "kmeans_round", "kmeans_layer", "kmeans_step", "kmeans_beat"]


def kmeans_rate(one, many) -> bool | None:
    """Exercise 1: the rate of one of K = 512 codes under a uniform prior, and of 49, in nats."""
    rate = math.log(512)
    return tell(
        "log K for each code, whatever the image.",
        judge(
            one,
            rate,
            "rate of one code",
            {"K itself: take its logarithm": 512.0, "a probability, 1 / K: take minus its logarithm": 1 / 512},
        ),
        judge(
            many,
            49 * rate,
            "rate of 49 codes",
            {
                "the rate of one code": rate,
                "log (49 K): the codes are separate, so their rates add": math.log(49 * 512),
                "the 49th power of the rate: rates add": rate**49,
            },
            tolerance=0.02,
        ),
    )


def kmeans_round(left, right, error) -> bool | None:
    """Exercise 2: points 0, 2, 3, 9 and centroids 1, 4; one round of Lloyd's algorithm."""
    points, start = np.array([[0.0], [2.0], [3.0], [9.0]]), np.array([[1.0], [4.0]])
    codes = km.assign(points, start).codes
    moved = km.update(points, codes, start)
    truth = km.inertia(points, moved, codes)
    last = km.lloyd(points, start)
    of_error = {
        "J before the update, at the old centroids": km.inertia(points, start, codes),
        "J after the next assignment: keep this round's codes": km.inertia(points, moved),
        "J at the end of the algorithm: one round is asked": last.inertia,
        "the mean over the points: J is the sum": truth / 4,
        "a sum of distances: they are squared": float(np.abs(points - moved[codes]).sum()),
    }
    return tell(
        "2 is nearer to 1, 3 is nearer to 4; then two means.",
        judge(
            left,
            moved[0, 0],
            "left centroid",
            {
                "the centroid before the round... or was 3 given to it?": 5 / 3,
                "the place where the algorithm ends: one round is asked": last.centroids[0, 0],
            },
            unit="",
        ),
        judge(
            right,
            moved[1, 0],
            "right centroid",
            {
                "the place where the algorithm ends: one round is asked": last.centroids[1, 0],
                "the mean of 2, 3 and 9: 2 is nearer to 1": 14 / 3,
            },
            unit="",
        ),
        judge(error, truth, "J", of_error, unit=""),
    )


def kmeans_layer(function) -> bool | None:
    """Exercise 3: z (n, d) and codebook (K, d) to straight-through codes, codebook loss and commitment, in torch."""
    import torch

    generator = torch.Generator().manual_seed(3)
    z = torch.randn(12, 3, generator=generator, dtype=torch.float64).requires_grad_()
    book = torch.randn(4, 3, generator=generator, dtype=torch.float64).requires_grad_()
    try:
        answer = call(function, z, book)
        if unanswered(answer):
            return tell("", Verdict("layer", None))
        fault = _fault_of_layer(answer, z, book, torch)
    except Odd as odd:
        fault = str(odd)
    return tell(
        "values and gradients agree: each term trains its own part, and no other.",
        Verdict("layer", fault is None, fault or ""),
    )


def _fault_of_layer(answer, z, book, torch):
    """What is wrong with (codes, codebook loss, commitment), or None."""
    if not isinstance(answer, (tuple, list)) or len(answer) != 3:
        return f"your function should return three tensors, but got {came(answer)}"
    for what, part, shape in zip(("codes", "codebook loss", "commitment"), answer, (z.shape, (), ()), strict=True):
        if not isinstance(part, torch.Tensor) or part.shape != shape:
            return f"your {what} should be a tensor of shape {tuple(shape)}, but got {came(part)}"
    codes, codebook_loss, commitment = answer
    nearest = torch.cdist(z, book).argmin(1)
    e = book[nearest].detach()
    if not torch.allclose(codes.detach(), e):
        return "your codes are not the nearest rows of the codebook"
    value = float(((z - e) ** 2).sum(1).mean().detach())
    for what, loss in (("codebook loss", codebook_loss), ("commitment", commitment)):
        ratio = float(loss.detach()) / value
        if abs(ratio - 1 / 3) < 1e-6:
            return f"your {what} is averaged over the dimensions: sum over them, average over rows"
        if abs(ratio - 12) < 1e-6:
            return f"your {what} is a sum over rows: average it"
        if abs(ratio - 1) > 1e-6:
            where = " (is it computed after the straight-through line?)" if ratio < 1e-6 else ""
            return f"your {what} has {ratio:.3g} times the right value{where}"

    def reach(loss, of):
        if not loss.requires_grad:
            return torch.zeros_like(of)
        found = torch.autograd.grad(loss, of, retain_graph=True, allow_unused=True)[0]
        return torch.zeros_like(of) if found is None else found

    if reach(codebook_loss, z).abs().max() > 0:
        return "your codebook loss gives z a gradient: detach z in it"
    if reach(commitment, book).abs().max() > 0:
        return "your commitment gives the codebook a gradient: detach the codes in it"
    if reach(codebook_loss, book).abs().max() == 0:
        return "your codebook loss gives the codebook no gradient: detach z in it, not the codes"
    if reach(commitment, z).abs().max() == 0:
        return "your commitment gives z no gradient: detach the codes in it, not z"
    if reach(codes.sum(), book).abs().max() > 0:
        return "the codebook gets a gradient through your codes: detach the difference, z + (e - z).detach()"
    if not torch.allclose(reach(codes.sum(), z), torch.ones_like(z)):
        return "your codes do not pass the gradient to z unchanged: z + (e - z).detach()"
    return None


def kmeans_step(summed, averaged) -> bool | None:
    """Exercise 4: N = 1000, n_k = 40, D = 16: the steps along the gradient that land on the mean."""
    truth = 1000 / (2 * 40)
    return tell(
        "N / 2n, and D times that where the loss averages over D dimensions.",
        judge(
            summed,
            truth,
            "step",
            {
                "N / n: the 2 of the square is missing": 2 * truth,
                "n / 2N, the inverse ratio": 40 / 2000,
                "1 / 2: the loss is averaged over all N rows, not over the 40": 0.5,
                "the step for a loss averaged over dimensions": 16 * truth,
            },
            unit="",
        ),
        judge(
            averaged,
            16 * truth,
            "step for the average over both",
            {
                "the step for a sum over dimensions": truth,
                "a step divided by D: the gradient is smaller, so the step is larger": truth / 16,
            },
            unit="",
        ),
    )


def kmeans_beat(centroids) -> bool | None:
    """Exercise 5: sixteen images with a smaller J on the training digits than the best of three K-means++ runs."""
    what = "array of images"
    if unanswered(centroids):
        return tell("", Verdict(what, None))
    try:
        found = read(centroids)
        if found.shape != (16, 784):
            raise Odd(f"shape {found.shape}")
    except Odd as odd:
        return tell("", Verdict(what, False, f"your {what} should hold 16 x 784 finite grey levels, but got {odd}"))
    x, limit = _digits(), _best_of_three()
    hint = " (grey levels are in [0, 1] here)" if found.max() > 10 else ""
    reached = km.inertia(x, found.astype(np.float32)) / len(x)
    seen = f"J/N = {reached:.3f}, and the best of three runs has {limit:.3f}"
    if reached < limit - 1e-4:
        return tell(f"{seen}.", Verdict(what, True))
    return tell("", Verdict(what, False, f"your {what} reaches {seen}{hint}"))


def _digits():
    return data.unit(data.load("digits").train).reshape(-1, 784).astype(np.float32)


@lru_cache(maxsize=1)
def _best_of_three():
    return km.kmeans(_digits(), 16, 0, restarts=3).inertia / 9000
