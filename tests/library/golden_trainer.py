"""Gradients and twenty steps of a small VAE by torch, and numbers of figures, for tests of js/engine/trainer.js."""

import base64

import numpy as np
import torch

from lvm_lib import data
from lvm_lib.figures import TrainerFigure, trainer
from lvm_lib.figures.drawing import written
from lvm_lib.likelihoods import Gaussian
from lvm_lib.vae import mlp_vae

HIDDEN, ROWS, STEPS, RATE = (24, 16), 20, 20, 2e-3
PARTS = ("given", "pixels", "grey")
CASES = (
    {"latents": 2, "likelihood": "bernoulli", "sigma": 1.0, "start": "speaking", "beta": 1.0, "seed": 3},
    {"latents": 3, "likelihood": "gaussian", "sigma": 0.3, "start": "mute", "beta": 4.0, "seed": 999},
)


def encoded(array, kind) -> str:
    """The numbers of an array as base64 of that type."""
    return base64.b64encode(np.ascontiguousarray(array, kind).tobytes()).decode()


def case(about) -> dict:
    grey = data.load("digits").train[:50].reshape(50, -1)  # two batches an epoch, ten rows left out
    start = trainer.start_of(about["seed"], about["latents"], about["start"], HIDDEN)
    shape = {key: about[key] for key in ("latents", "likelihood", "sigma")}

    def loss(vae, x, eps):
        mean, log_std = vae.encoder.net(x).chunk(2, dim=-1)
        rate = 0.5 * (mean**2 + (2 * log_std).exp() - 1) - log_std
        x_z = vae.likelihood(vae.decoder(mean + log_std.exp() * eps)).log_prob(x)
        return (about["beta"] * rate.sum(-1) - x_z).mean()

    def batch(step, dtype):
        x, eps = trainer.batch_of(step, grey, ROWS, seed=about["seed"], **shape)
        return torch.tensor(x, dtype=dtype), torch.tensor(eps, dtype=dtype)

    exact = trainer.module_of(start, HIDDEN, **shape).double()
    x, eps = batch(3, torch.float64)
    loss(exact, x, eps).backward()
    twin = trainer.module_of(start, HIDDEN, **shape)
    adam = torch.optim.Adam(twin.parameters(), lr=RATE)
    losses = []
    for step in range(STEPS):
        value = loss(twin, *batch(step, torch.float32))
        adam.zero_grad()
        value.backward()
        adam.step()
        losses.append(value.item())
    slopes = trainer.flat_of(exact, lambda weight: weight.grad)
    return {
        **about,
        "hidden": HIDDEN,
        "rows": ROWS,
        "rate": RATE,
        "images": encoded(grey, np.uint8),
        "weights": encoded(start, "<f4"),
        "x": encoded(x, "<f4"),
        "eps": encoded(eps, "<f4"),
        "slopes": encoded(slopes, "<f8"),
        "losses": losses,
        "trained": encoded(trainer.flat_of(twin), "<f4"),
    }


def states() -> dict:
    """The numbers of some states, and what a page has of their figures."""
    carried, found = {}, []
    vae = mlp_vae(4, HIDDEN, likelihood=Gaussian(0.3), seed=3)
    for own in (
        {"latents": 2, "likelihood": "bernoulli", "start": "speaking", "seed": 5},
        {"latents": 8, "likelihood": "gaussian", "start": "mute", "seed": 9999, "beta": 4.0},
        {"drawn": written(data.binarised("digits")[3])},  # the given net
    ):
        figure = TrainerFigure(vae, **own)
        carried = {name: encoded(np.frombuffer(getattr(figure, name), np.uint8), np.uint8) for name in PARTS}
        found.append({"state": {name: getattr(figure, name) for name in figure.state}, "expected": figure.numbers()})
    return {**carried, "hidden": HIDDEN, "found": found}


def golden() -> dict:
    return {"cases": [case(about) for about in CASES], "numbers": states()}
