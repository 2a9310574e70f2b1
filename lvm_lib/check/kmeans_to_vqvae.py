"""Self-checks of the chapter "From K-means to VQ-VAE"."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from .. import data
from .. import kmeans as km
from ._judge import Exercise, Follows, Number, Odd, Verdict, ask, call, came, guarded, pieces, read, tell, unanswered

__all__ = ["kmeans_beat", "kmeans_layer", "kmeans_rate", "kmeans_round", "kmeans_step"]


# ---------------------------------------------------------------- exercise 1


@guarded
def kmeans_rate(one: object, many: object) -> bool | None:
    """Exercise 1: the rate of one of K = 512 codes under a uniform prior, and of 49, in nats."""
    return ask(_rate(), one, many)


def _rate():
    rate = math.log(512)
    of_one = {
        "K itself: take its logarithm": 512.0,
        "a probability, 1 / K: take minus its logarithm": 1 / 512,
        "the rate of 49 codes (are the two swapped?)": 49 * rate,
    }
    of_many = {
        "the rate of one code": rate,
        "log (49 K): the codes are separate, so their rates add": math.log(49 * 512),
        "the 49th power of the rate: rates add": rate**49,
        "49 K, without a logarithm": 49 * 512,
    }
    return Exercise(
        "log K for each code, whatever the image.",
        Number("rate of one code", rate, of_one),
        Number("rate of 49 codes", 49 * rate, of_many, follows=Follows(0, 49.0)),
    )


# ---------------------------------------------------------------- exercise 2


@guarded
def kmeans_round(left: object, right: object, error: object) -> bool | None:
    """Exercise 2: points 0, 2, 4, 12 and centroids 0, 5; one round of Lloyd's algorithm."""
    return ask(_round(), left, right, error)


def _round():
    points, start = np.array([[0.0], [2.0], [4.0], [12.0]]), np.array([[0.0], [5.0]])
    codes = km.assign(points, start).codes
    moved, last = km.update(points, codes, start), km.lloyd(points, start)
    truth = km.inertia(points, moved, codes)
    of_error = {
        "J before the update, at the old centroids": km.inertia(points, start, codes),
        "J after the next assignment: keep this round's codes": km.inertia(points, moved),
        "J at the end of the algorithm: one round is asked": last.inertia,
        "the mean over the points: J is the sum": truth / len(points),
        "a sum of distances: they are squared": float(np.abs(points - moved[codes]).sum()),
    }
    (old_left, old_right), (end_left, end_right) = start[:, 0], last.centroids[:, 0]
    before = "the centroid before the round: move it to the mean of its points"
    of_left = {
        before: old_left,
        "the place where the algorithm ends, or 4 was given to it: one round is asked, and 4 is nearer to 5": end_left,
        "the mean of all points": points.mean(),
    }
    of_right = {
        before: old_right,
        "the place where the algorithm ends, or 4 was left out: one round is asked, and 4 is nearer to 5": end_right,
        "the mean of 2, 4 and 12: 2 is nearer to 0": 6.0,
        "the mean of all points": points.mean(),
    }
    return Exercise(
        "2 is nearer to 0, 4 is nearer to 5; then two means.",
        Number("left centroid", moved[0, 0], of_left, unit=""),
        Number("right centroid", moved[1, 0], of_right, unit=""),
        Number("J", truth, of_error, unit="", symbol=True),
    )


# ---------------------------------------------------------------- exercise 3


@guarded
def kmeans_layer(function: object) -> bool | None:
    """Exercise 3: z (n, d) and codebook (K, d) to straight-through codes, codebook loss and commitment, in torch."""
    import torch

    generator = torch.Generator().manual_seed(3)
    for n, k, d, scale in ((12, 4, 3, 1.0), (7, 6, 2, 100.0), (5, 3, 5, 0.01)):
        with torch.inference_mode(False), torch.enable_grad():  # whatever the notebook has set
            z, book, weight = (
                size * torch.randn(rows, d, generator=generator, dtype=torch.float64)
                for rows, size in ((n, scale), (k, scale), (n, 1.0))
            )
            own = (z.clone().requires_grad_(), book.clone().requires_grad_())  # the function's, which it may change
            try:
                answer = call(function, *own)
                parts = pieces(answer, ("codes", "codebook loss", "commitment"))
                if any(map(unanswered, parts)):
                    return tell("", Verdict("layer", None))
                fault = _fault_of_layer(parts, own, z, book, weight, torch)
            except Odd as odd:
                fault = str(odd)
        if fault and not (torch.equal(own[0], z) and torch.equal(own[1], book)):
            fault = f"{fault} (your function changes its inputs, and is judged by what they were)"
        if fault:
            return tell("", Verdict("layer", False, fault))
    return tell("values and gradients agree: each term trains its own part, and no other.", Verdict("layer", True))


def _fault_of_layer(parts, own, at, book, weight, torch):
    """What is wrong with (codes, codebook loss, commitment) for z = at, or with their gradients by `own`, or ""."""
    nearest = torch.cdist(at, book).argmin(1)
    e = book[nearest]
    names = ("codes", "codebook loss", "commitment")
    for name, part, shape in zip(names, parts, (at.shape, (), ()), strict=True):
        if not isinstance(part, torch.Tensor) or (part.shape != shape and (shape or part.numel() != 1)):
            if name == "codes" and isinstance(part, torch.Tensor) and part.shape == (len(at),):
                return "your codes are their numbers: look up the rows, codebook[numbers]"
            return f"your {name} should be a tensor of shape {tuple(shape)}, but got {came(part)}"
    codes, losses = parts[0], [loss.reshape(()) for loss in parts[1:]]
    value = ((at - e) ** 2).sum(1).mean()
    if not _near(codes.detach().double(), e):
        if _near(codes.detach().double(), at):
            return "your codes are z itself: look up the nearest rows of the codebook"
        return "your codes are not the nearest rows of the codebook"
    for name, loss in zip(names[1:], losses, strict=True):
        fault = _fault_of_value(float(loss.detach().double() / value), *at.shape)
        if fault:
            return f"your {name} {fault}"

    def reach(part):
        """The gradients by z and by the codebook; zeros where there is none."""
        if not part.requires_grad:
            return torch.zeros_like(at), torch.zeros_like(book)
        found = torch.autograd.grad(part, own, retain_graph=True, allow_unused=True)
        return tuple(torch.zeros_like(of) if g is None else g for g, of in zip(found, (at, book), strict=True))

    to_z = 2 * (at - e) / len(at)  # what a commitment gives the encoder
    to_book = torch.zeros_like(book).index_add(0, nearest, -to_z)  # what a codebook loss gives the codebook
    pulls = call(lambda: [reach(loss) for loss in losses] + [reach((codes * weight).sum())])
    codebook, commitment, (by_z, by_book) = pulls
    return _fault_of_losses(codebook, commitment, to_z, to_book) or _fault_of_codes(by_z, by_book, weight)


def _fault_of_value(ratio, n, d):
    """What is wrong with a loss that is `ratio` times the right one, or ""."""
    if abs(ratio - 1) < 1e-4:
        return ""
    slips = {
        1 / d: "is averaged over the dimensions: sum over them, average over rows",
        float(n): "is a sum over rows: average it",
        n / d: "is a sum over rows averaged over dimensions: sum over dimensions, average over rows",
        0.25: "holds beta: leave it out",
        0.0: "is zero: compute it from z and e before the straight-through line",
        0.5: "has a factor 1/2: leave it out",
        -1.0: "has its sign flipped",
    }
    for slip, says in slips.items():
        if abs(ratio - slip) < 1e-4 * max(1.0, abs(slip)):
            return says
    return (
        f"has {ratio:.3g} times the right value: it is the squared distance, summed over dimensions, averaged over rows"
    )


def _fault_of_losses(codebook, commitment, to_z, to_book):
    """What is wrong with the gradients (by z, by the codebook) of the two losses, or ""."""
    if _near(codebook[0], to_z) and _nothing(codebook[1]) and _nothing(commitment[0]) and _near(commitment[1], to_book):
        return (
            "codebook loss and commitment have changed places: the codebook loss comes first, and trains the codebook"
        )
    return _fault_of_loss("codebook loss", "codebook", "z", codebook[::-1], (to_book, to_z)) or _fault_of_loss(
        "commitment", "z", "the codes", commitment, (to_z, to_book)
    )


def _fault_of_loss(name, own, other, pulls, right):
    """What is wrong with the gradients of one loss, by its own part (z or codebook) and by the other one, or ""."""
    mine, theirs = pulls
    if _near(mine, right[0]) and _nothing(theirs):
        return ""
    if _nothing(mine) and _nothing(theirs):
        return f"your {name} has no gradient: detach {other} in it, and nothing else"
    if own == "codebook" and _nothing(mine) and _near(theirs, -right[1]):
        return (
            "your codebook loss is computed after the straight-through line, where its gradient goes to z and not "
            "to the codebook: compute it from e = codebook[numbers], before that line"
        )
    mean, wrong, keep = ("the codebook", "z", "the codes") if own == "codebook" else ("z", "the codebook", "z")
    if _nothing(mine) and _near(theirs, right[1]):
        return f"your {name} trains {wrong}, and not {mean}: detach {other} in it, not {keep}"
    if not _nothing(theirs):
        return f"your {name} gives {wrong} a gradient: detach {other} in it"
    if _near(mine, -right[0]):
        return f"your {name} has the right value, and its gradient with the sign flipped"
    times = float((mine * right[0]).sum() / (right[0] ** 2).sum())
    if _near(mine, times * right[0]):
        return f"your {name} has the right value, and {times:.3g} times the right gradient"
    return f"your {name} has the right value, but its gradient is not that of a squared distance"


def _fault_of_codes(to_z, to_book, weight):
    """What is wrong with the gradients of a weighted sum of the codes, or ""."""
    if not _nothing(to_book):
        return "the codebook gets a gradient through your codes: detach the difference, z + (e - z).detach()"
    if _near(to_z, weight):
        return ""
    if _nothing(to_z):
        return "your codes pass no gradient to z: let it through unchanged, z + (e - z).detach()"
    return "your codes do not pass the gradient to z unchanged: z + (e - z).detach()"


def _near(given, value):
    """Equal up to the rounding of float32."""
    scale = float(value.abs().max())
    return bool((given - value).abs().max() <= 1e-4 * max(scale, 1e-12))


def _nothing(gradient):
    return float(gradient.abs().max()) == 0


# ---------------------------------------------------------------- exercise 4


@guarded
def kmeans_step(summed: object, averaged: object) -> bool | None:
    """Exercise 4: N = 1000, n_k = 40, D = 16: the steps along the gradient that land on the mean."""
    return ask(_step(), summed, averaged)


def _step():
    truth = 1000 / (2 * 40)
    of_summed = {
        "N / n: the 2 of the square is missing": 2 * truth,
        "n / 2N, the inverse ratio": 40 / 2000,
        "2 n / N, the inverse": 80 / 1000,
        "1 / 2: the loss is averaged over all N rows, not over the 40": 0.5,
        "the step for a loss averaged over dimensions": 16 * truth,
    }
    of_averaged = {
        "the step for a sum over dimensions": truth,
        "a step divided by D: the gradient is smaller, so the step is larger": truth / 16,
    }
    return Exercise(
        "N / 2n, and D times that where the loss averages over D dimensions.",
        Number("step", truth, of_summed, unit=""),
        Number("step for the average over both", 16 * truth, of_averaged, unit="", follows=Follows(0, 16.0)),
    )


# ---------------------------------------------------------------- exercise 5

ROWS, CODES, GAIN = 1000, 50, 0.015  # training digits, images, and the share of J by which the best of three is beaten


@guarded
def kmeans_beat(centroids: object) -> bool | None:
    """Exercise 5: fifty images whose J on a thousand digits is 1.5 % below that of the best of three K-means++ runs."""
    if unanswered(centroids):
        return tell("", Verdict("array of images", None))
    try:
        found = read(centroids)
        if found.shape != (CODES, 784):
            raise Odd(f"shape {found.shape}")
    except Odd as odd:
        fault = f"your array of images should hold {CODES} x 784 finite grey levels, but got {odd}"
        return tell("", Verdict("array of images", False, fault))
    if found.min() < 0 or found.max() > 1:
        fault = f"your grey levels should lie in [0, 1], but go from {found.min():.4g} to {found.max():.4g}"
        return tell("", Verdict("array of images", False, fault))
    x, three = _digits(), _best_of_three()
    reached = km.inertia(x, found.astype(np.float32)) / ROWS
    gain = 100 * (1 - reached / three)
    beside = f"{abs(gain):.2f} % {'below' if gain > 0 else 'above'} the {three:.3f} of the best of three runs"
    if gain >= 100 * GAIN:
        return tell(f"J/N = {reached:.3f}, {beside}.", Verdict("array of images", True))
    fault = f"your array of images reaches J/N = {reached:.3f}, {beside}, and {100 * GAIN:g} % below are asked"
    return tell("", Verdict("array of images", False, fault))


def _digits():
    return data.unit(data.load("digits").train[:ROWS]).reshape(-1, 784).astype(np.float32)


@lru_cache(maxsize=1)
def _best_of_three():
    return km.kmeans(_digits(), CODES, 0, restarts=3).inertia / ROWS


NUMBERS = {"kmeans_rate": _rate, "kmeans_round": _round, "kmeans_step": _step}
