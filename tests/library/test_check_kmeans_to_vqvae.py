"""The self-checks of the chapter on K-means and VQ-VAE: right answers pass, each slip is named, nothing raises."""

import math

import numpy as np
import pytest
import torch

from lvm_lib import check, data, kmeans

ODD = ["one", float("nan"), [1, 2, 3], {"a": 1}, 1j, object(), np.zeros((2, 2)), True]
RATE = 9 * math.log(2)
TABLES = {  # check: right answers, and {wrong answers: what the message says}
    check.kmeans_rate: (
        (RATE, 49 * RATE),
        {
            (9.0, 49 * RATE): "bits",
            (512, 49 * RATE): "logarithm",
            (RATE, RATE): "of one code",
            (RATE, math.log(49 * 512)): "rates add",
            (-RATE, 49 * RATE): "sign",
        },
    ),
    check.kmeans_round: (
        (1, 8, 34),
        {
            (1, 8, 8.5): "mean over the points",
            (1, 8, 54): "old centroids",
            (1, 8, 27): "this round's codes",
            (1, 8, 10): "squared",
            (1, 8, 8): "end of the algorithm",
            (0, 8, 34): "before the round",
            (1, 5, 34): "before the round",
            (2, 8, 34): "where the algorithm ends",
            (1, 12, 34): "where the algorithm ends",
            (1, 6, 34): "2 is nearer to 0",
        },
    ),
    check.kmeans_step: (
        (12.5, 200),
        {
            (25, 200): "2 of the square",
            (200, 12.5): "over dimensions",
            (0.02, 200): "inverse",
            (12.5, 12.5 / 16): "larger",
        },
    ),
}


@pytest.mark.parametrize("function", TABLES, ids=lambda function: function.__name__)
def test_right_answers_pass_also_rounded(said, function):
    right = TABLES[function][0]
    assert said(function(*right), True).startswith("Right")
    assert said(function(*(round(value, 2) for value in right)), True).startswith("Right")
    assert said(function(..., *right[1:]), None).startswith("Not answered")


@pytest.mark.parametrize(
    "function, wrong, name",
    [(function, wrong, name) for function, (_, slips) in TABLES.items() for wrong, name in slips.items()],
)
def test_slips_are_named(said, function, wrong, name):
    assert name in said(function(*wrong), False)


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: type(odd).__name__)
@pytest.mark.parametrize("function", TABLES, ids=lambda function: function.__name__)
def test_odd_answers_are_refused_in_words(said, function, odd):
    right = TABLES[function][0]
    for place in range(len(right)):
        said(function(*(odd if i == place else value for i, value in enumerate(right))), False)


def layer(z, codebook):
    e = codebook[torch.cdist(z, codebook).argmin(1)]
    return z + (e - z).detach(), ((z.detach() - e) ** 2).sum(1).mean(), ((z - e.detach()) ** 2).sum(1).mean()


def test_a_right_layer_passes(said):
    assert said(check.kmeans_layer(layer), True).startswith("Right")
    assert said(check.kmeans_layer(lambda z, codebook: (..., ..., ...)), None).startswith("Not answered")


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


def squared(a, b):
    return ((a - b) ** 2).sum(1).mean()


RIGHT_LAYERS = [
    layer,
    lambda z, b: list(layer(z, b)),
    lambda z, b: tuple(part.reshape(1) if part.ndim == 0 else part for part in layer(z, b)),
    lambda z, b: tuple(part.float() for part in layer(z, b)),
    parts(first=lambda z, e, c, part: (z.detach() - e).pow(2).sum(1).mean()),
    parts(second=lambda z, e, c, part: squared(z, c.detach())),  # the codes' values are those of e
]


@pytest.mark.parametrize("function", RIGHT_LAYERS)
def test_right_layers_pass(said, function):
    assert said(check.kmeans_layer(function), True).startswith("Right")


@pytest.mark.parametrize(
    "wrong, name",
    [
        (parts(first=lambda z, e, c, part: squared(z.detach(), c)), "computed after the straight-through line"),
        (parts(second=lambda z, e, c, part: squared(z, c)), "commitment has no gradient"),
        (parts(first=lambda z, e, c, part: part * 0), "codebook loss is zero"),
        (lambda z, b: (layer(z, b)[0], *layer(z, b)[:0:-1]), "changed places"),
        (parts(first=lambda z, e, c, part: squared(z, e)), "codebook loss gives z a gradient: detach z"),
        (
            parts(second=lambda z, e, c, part: squared(z, e)),
            "commitment gives the codebook a gradient: detach the codes",
        ),
        (parts(first=lambda z, e, c, part: squared(z, e.detach())), "codebook loss trains z, and not the codebook"),
        (parts(second=lambda z, e, c, part: squared(z.detach(), e)), "commitment trains the codebook, and not z"),
        (parts(first=lambda z, e, c, part: part.detach()), "codebook loss has no gradient"),
        (parts(first=times(3.0)), "codebook loss has the right value, and 3 times the right gradient"),
        (parts(second=times(-1.0)), "commitment has the right value, and its gradient with the sign flipped"),
        (
            parts(first=lambda z, e, c, part: part + (e**3).sum() - (e**3).sum().detach()),
            "not that of a squared distance",
        ),
        (
            lambda z, b: (layer(z, b)[0], *(loss / z.shape[1] for loss in layer(z, b)[1:])),
            "averaged over the dimensions",
        ),
        (lambda z, b: (layer(z, b)[0], *(loss * len(z) for loss in layer(z, b)[1:])), "sum over rows: average it"),
        (lambda z, b: (layer(z, b)[0], *(loss * len(z) / z.shape[1] for loss in layer(z, b)[1:])), "averaged over dim"),
        (parts(second=lambda z, e, c, part: 0.25 * part), "holds beta"),
        (parts(second=lambda z, e, c, part: 0.5 * part), "factor 1/2"),
        (parts(second=lambda z, e, c, part: -part), "sign flipped"),
        (parts(first=lambda z, e, c, part: 0.3 * part), "0.3 times the right value"),
        (parts(codes=lambda z, e, c, part: e), "through your codes"),
        (parts(codes=lambda z, e, c, part: e.detach()), "pass no gradient to z"),
        (parts(codes=lambda z, e, c, part: z.detach() + (e - z).detach() + 2 * (z - z.detach())), "to z unchanged"),
        (parts(codes=lambda z, e, c, part: z), "z itself"),
        (lambda z, b: (b[torch.cdist(z, b).argmax(1)], *layer(z, b)[1:]), "not the nearest"),
        (lambda z, b: (torch.cdist(z, b).argmin(1), *layer(z, b)[1:]), "their numbers"),
        (lambda z, b: (torch.zeros(z.shape), torch.tensor(0.0), torch.tensor(0.0)), "not the nearest"),
        (lambda z, b: (torch.zeros(z.shape, dtype=torch.int64), *layer(z, b)[1:]), "not the nearest"),
        (lambda z, b: layer(z, b)[0], "three things, codes, codebook loss and commitment"),
        (lambda z, b: (layer(z, b)[0], 1.0, 2.0), "should be a tensor"),
        (lambda z, b: (z[:2], *layer(z, b)[1:]), "of shape (12, 3)"),
        (lambda z, b: layer(z, b) if len(z) == 12 else (z, z.sum(), z.sum()), "z itself"),  # right for one shape
        (lambda z, b: 1 / 0, "ZeroDivisionError"),
        (7, "function is asked"),
    ],
)
def test_wrong_layers_are_named(said, wrong, name):
    assert name in said(check.kmeans_layer(wrong), False)


@pytest.mark.slow
def test_images_that_beat_three_runs_pass_and_others_do_not(said):
    x = data.unit(data.load("digits").train[:1000]).reshape(-1, 784).astype(np.float32)
    three = kmeans.kmeans(x, 50, 0, restarts=3)
    assert "0.00 %" in said(check.kmeans_beat(three.centroids), False)
    ten = kmeans.kmeans(x, 50, 0, restarts=10)  # restarts alone do not do it
    assert "and 1.5 % below are asked" in said(check.kmeans_beat(ten.centroids), False)
    assert "should lie in [0, 1]" in said(check.kmeans_beat(three.centroids * 255), False)
    assert "should lie in [0, 1], but go from -" in said(check.kmeans_beat(three.centroids - 0.5), False)
    assert "50 x 784" in said(check.kmeans_beat(np.zeros((784, 50))), False)
    assert said(check.kmeans_beat(...), None).startswith("Not answered")
