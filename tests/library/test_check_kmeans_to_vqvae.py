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
        (1, 6, 20),
        {
            (1, 6, 5): "mean over the points",
            (1, 6, 28): "old centroids",
            (1, 6, 15): "this round's codes",
            (1, 6, 8): "squared",
            (5 / 3, 6, 20): "left centroid",
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


def late(z, codebook):
    codes = layer(z, codebook)[0]
    return codes, ((z.detach() - codes) ** 2).sum(1).mean(), ((z - codes.detach()) ** 2).sum(1).mean()


def swapped(z, codebook):
    codes, first, second = layer(z, codebook)
    return codes, second, first


def without_stops(z, codebook):
    e = codebook[torch.cdist(z, codebook).argmin(1)]
    both = ((z - e) ** 2).sum(1).mean()
    return z + (e - z).detach(), both, both


@pytest.mark.parametrize(
    "wrong, name",
    [
        (late, "gives z a gradient"),
        (swapped, "gives z a gradient"),
        (without_stops, "gives z a gradient"),
        (lambda z, c: (layer(z, c)[0], *(loss / 3 for loss in layer(z, c)[1:])), "averaged over the dimensions"),
        (lambda z, c: (layer(z, c)[0], *(loss * 12 for loss in layer(z, c)[1:])), "sum over rows"),
        (lambda z, c: (layer(z, c)[0], 0.25 * layer(z, c)[1], layer(z, c)[2]), "0.25 times"),
        (lambda z, c: (c[torch.cdist(z, c).argmin(1)], *layer(z, c)[1:]), "through your codes"),
        (lambda z, c: (c[torch.cdist(z, c).argmin(1)].detach(), *layer(z, c)[1:]), "unchanged"),
        (lambda z, c: (c[torch.cdist(z, c).argmax(1)], *layer(z, c)[1:]), "not the nearest"),
        (lambda z, c: layer(z, c)[0], "three tensors"),
        (lambda z, c: (z, 1.0, 2.0), "should be a tensor"),
        (lambda z, c: 1 / 0, "ZeroDivisionError"),
        (7, "function is asked"),
    ],
)
def test_wrong_layers_are_named(said, wrong, name):
    assert name in said(check.kmeans_layer(wrong), False)


@pytest.mark.slow
def test_images_that_beat_three_runs_pass_and_others_do_not(said):
    x = data.unit(data.load("digits").train).reshape(-1, 784).astype(np.float32)
    three = kmeans.kmeans(x, 16, 0, restarts=3)
    good = kmeans.kmeans(x, 16, 0, restarts=14)
    assert good.inertia < three.inertia - 9  # the first three runs are among the fourteen
    assert "J/N" in said(check.kmeans_beat(good.centroids), True)
    assert "reaches J/N" in said(check.kmeans_beat(three.centroids), False)
    assert "[0, 1]" in said(check.kmeans_beat(three.centroids * 255), False)
    assert "16 x 784" in said(check.kmeans_beat(np.zeros((784, 16))), False)
    assert said(check.kmeans_beat(...), None).startswith("Not answered")
