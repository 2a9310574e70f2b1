"""What a trained two-dimensional VAE must show on its plane of normal quantiles: every class of the digits.

A fixed classifier, trained on real digits and on nothing else, looks at the decoded means.
"""

import numpy as np
import pytest
import torch
from torch.nn import functional

from lvm_lib import data
from lvm_lib.autoencoder import mlp, seeded
from lvm_lib.fit import fit
from lvm_lib.vae import mlp_vae

pytestmark = pytest.mark.slow  # nets are trained, or run in two languages

SIDE = 25  # pictures along a side of the plane


@pytest.fixture(scope="module")
def digits():
    images = data.load("digits")
    train, test = (
        torch.tensor(data.unit(part).reshape(len(part), -1), dtype=torch.float32)
        for part in (images.train, images.test)
    )
    return train, torch.tensor(images.train_labels), test, torch.tensor(images.test_labels)


@pytest.fixture(scope="module")
def classifier(digits):
    """784-64-10, ten epochs on grey digits; the label travels as a 785th column."""
    train, labels, test, test_labels = digits
    with seeded(0):
        net = mlp((784, 64, 10))
    rows = torch.cat([train, labels[:, None].float()], dim=1)
    fit(
        net,
        rows,
        epochs=10,
        seed=0,
        learning_rate=5e-3,
        loss=lambda x, generator: functional.cross_entropy(net(x[:, :784]), x[:, 784].long()),
    )
    with torch.no_grad():
        assert (net(test).argmax(1) == test_labels).float().mean() > 0.9
    return net


def test_all_ten_digits_are_on_the_normal_quantile_plane(digits, classifier):
    model = mlp_vae(2, hidden=(256, 128), seed=0)
    fit(model, digits[0], epochs=24, seed=0, batch=128, learning_rate=4e-3, binarise_fresh=True)
    line = torch.special.ndtri((torch.arange(SIDE) + 0.5) / SIDE)
    with torch.no_grad():
        confidence = classifier(model.decode(torch.cartesian_prod(line, line))).softmax(1)
    best = confidence.max(0).values.numpy()
    assert (best > 0.9).all(), f"best confidence by class: {np.round(best, 2)}"
