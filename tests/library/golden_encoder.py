"""What Python finds when a reader is the encoder of a small trained VAE, for Node's tests of js/engine/encoder.js."""

import base64
from functools import cache

import golden_posterior
import numpy as np

from lvm_lib import data
from lvm_lib.figures.encoder import BeTheEncoderFigure

ANSWERS = "2,0.5000,-1.2500,-1.3000,-1.1000_0,-0.7000,0.2000,-0.5000,-2.0000"


@cache
def figure() -> BeTheEncoderFigure:
    return BeTheEncoderFigure(golden_posterior.small_vae(), data.binarised("digits")[[3, 50, 200]])


def like(shown: BeTheEncoderFigure, **state) -> BeTheEncoderFigure:
    """The same figure in another state."""
    return BeTheEncoderFigure(**{key: getattr(shown, key) for key in shown.carried}, **state)


def states() -> list[BeTheEncoderFigure]:
    """Hidden and revealed; q far off and where the encoder and the best Gaussian stand, too narrow, too wide."""
    shown, made = figure(), []
    for digit in range(3):
        at = like(shown, digit=digit)
        for mean, std in (at.q, at.encoder_q, at.best_q, (at.best_q[0], at.best_q[1] / 30), ([-4, 4], [2.7, 0.02])):
            q = dict(zip(("mean1", "mean2"), map(float, mean), strict=True))
            logs = [max(min(float(v), 1.0), -4.0) for v in np.log(std)]
            q |= dict(zip(("log_std1", "log_std2"), logs, strict=True))
            made += [like(shown, digit=digit, **q), like(shown, digit=digit, answers=ANSWERS, zoom=digit, **q)]
    return made


def golden() -> dict:
    shown = figure()
    cases = [{"state": {key: getattr(at, key) for key in at.state}, "expected": at.numbers()} for at in states()]
    return {
        "nets": shown.nets,
        "weights": base64.b64encode(shown.weights).decode(),
        "images": base64.b64encode(shown.pixels).decode(),
        "grids": shown.grids,
        "table": shown.reach["state"],
        "states": cases,
    }
