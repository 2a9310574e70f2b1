"""A small trained VAE, and what Python finds for its true posteriors, for Node's tests of js/engine/posterior.js."""

import base64
from functools import cache

import numpy as np

from lvm_lib import data
from lvm_lib.figures.drawing import written
from lvm_lib.figures.one_posterior import MOST_DRAWN
from lvm_lib.figures.posterior import STEPS, TruePosteriorFigure
from lvm_lib.fit import fit
from lvm_lib.vae import mlp_vae


@cache
def small_vae():
    """784-24-12-2, three epochs on 3,000 digits: enough for posteriors that a grid resolves."""
    vae = mlp_vae(2, (24, 12), seed=0)
    x = data.unit(data.load("digits").train[::3]).reshape(-1, 784)
    fit(vae, x, epochs=3, seed=0, binarise_fresh=True)
    return vae


@cache
def figure() -> TruePosteriorFigure:
    return TruePosteriorFigure(small_vae(), data.binarised("digits")[[3, 50, 200]])


def to_draw() -> list[np.ndarray]:
    """Images that no digit of the data is: mirrored, turned, two in one, blank."""
    x = data.binarised("digits").reshape(-1, 28, 28)
    return [x[7][:, ::-1], np.rot90(x[12]), np.maximum(x[4], x[9]), np.zeros((28, 28), int)]


def golden() -> dict:
    shown = figure()
    states = []
    for digit in range(3):
        for step in (0, 1, 2, 5, STEPS):
            n = TruePosteriorFigure(
                **{key: getattr(shown, key) for key in shown.carried}, digit=digit, step=step
            ).numbers()
            states.append({"digit": digit, "drawn": "", "step": step, "expected": n})
    drawn = []
    for image in to_draw():
        at = TruePosteriorFigure(**{key: getattr(shown, key) for key in shown.carried}, drawn=written(image), step=3)
        drawn.append(
            {
                "state": {"digit": 0, "drawn": at.drawn, "step": 3},
                "box": at._posterior.box,
                "expected": at.numbers(),
            }
        )
    return {
        "drawn": drawn,
        "most": MOST_DRAWN,
        "nets": shown.nets,
        "weights": base64.b64encode(shown.weights).decode(),
        "images": base64.b64encode(shown.pixels).decode(),
        "grids": shown.grids,
        "states": states,
    }
