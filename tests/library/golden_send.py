"""What Python finds for the figure that sends a digit, for Node's tests of js/engine/send.js (nets: golden_ans)."""

from functools import cache

import golden_ans
import numpy as np

from lvm_lib.figures import SendItFigure

STATES = [
    {},
    {"width": 0.0, "opened": "yes"},
    {"width": 0.0, "bits": 14, "digit": 1},
    {"width": 4.0, "bits": 9, "seed": 999},
    {"width": 0.05, "bits": 14, "digit": 7},
    {"width": 1.3, "bits": 1, "digit": 4},
]


@cache
def figure() -> SendItFigure:
    return SendItFigure()


def at(**state) -> SendItFigure:
    return SendItFigure(**{key: getattr(figure(), key) for key in SendItFigure.carried}, **state)


def golden() -> dict:
    assert figure().weights == golden_ans.nets()[1]
    images = np.frombuffer(figure().pixels, np.uint8).tolist()
    return {"images": images, "files": figure().files, "states": [at(**state).numbers() for state in STATES]}
