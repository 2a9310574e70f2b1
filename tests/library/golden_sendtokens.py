"""What Python finds for the figure that sends a digit by way of tokens, for Node's tests of js/engine/sendtokens.js."""

import base64
from functools import cache

from lvm_lib.figures import SendTokensFigure

STATES = [
    {},
    {"prior": "counted", "opened": "yes"},
    {"rank": 2, "place": 17},
    {"rank": 128, "digit": 7},
    {"prior": "counted", "rank": 3, "place": 0, "digit": 1},
    {"prior": "counted", "rank": 128, "place": 48, "digit": 9},
]


@cache
def figure() -> SendTokensFigure:
    return SendTokensFigure()


def at(**state) -> SendTokensFigure:
    return SendTokensFigure(**{key: getattr(figure(), key) for key in SendTokensFigure.carried}, **state)


def golden() -> dict:
    shown = figure()
    raw = {key: base64.b64encode(getattr(shown, key)).decode() for key in ("weights", "counted", "pixels")}
    plain = {key: getattr(shown, key) for key in ("nets", "files", "by_vae")}
    return {**raw, **plain, "states": [at(**state).numbers() for state in STATES]}
