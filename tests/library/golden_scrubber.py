"""A short training with checkpoints, and what Python finds for it, for Node's tests of js/engine/scrubber.js."""

import base64
from functools import cache

from lvm_lib import data
from lvm_lib.figures import ScrubberFigure
from lvm_lib.fit import fit
from lvm_lib.vae import mlp_vae


@cache
def training():
    """784-24-12-2, three epochs on 1,800 digits, with its history."""
    vae = mlp_vae(2, (24, 12), seed=1)
    x = data.unit(data.load("digits").train[::5]).reshape(-1, 784)
    return vae, fit(vae, x, epochs=3, seed=0, binarise_fresh=True, checkpoints=(0, 1, 3))


def made() -> ScrubberFigure:
    vae, history = training()
    return ScrubberFigure(vae, history.checkpoints, history.loss)


figure = cache(made)


def golden() -> dict:
    shown = figure()
    states = []
    for k in range(3):
        n = ScrubberFigure(**{key: getattr(shown, key) for key in shown.carried}, checkpoint=k).numbers()
        states.append({"checkpoint": k, "expected": n})
    return {
        "nets": shown.nets,
        "weights": base64.b64encode(shown.weights).decode(),
        "epochs": shown.epochs,
        "curve": shown.curve,
        "losses": shown.losses,
        "pixels": base64.b64encode(shown.pixels).decode(),
        "states": states,
    }
