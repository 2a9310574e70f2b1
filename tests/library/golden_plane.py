"""What Python finds for states of the latent plane, and test digits redrawn as strokes.

`js/tests/plane.test.mjs` compares.
"""

import base64

import numpy as np

from lvm_lib import data
from lvm_lib.autoencoder import mlp_autoencoder
from lvm_lib.figures import LatentPlaneFigure
from lvm_lib.figures.drawing import written
from lvm_lib.figures.one_plane import POINT, REACH, STEPS
from lvm_lib.shipped import shipped_vae

NEIGHBOURS = 15  # codes that vote for the class of a point


def figure(**state) -> LatentPlaneFigure:
    """Two small VAEs and an autoencoder that nobody trained."""
    vaes = {"one": shipped_vae(1), "four": shipped_vae(4)}
    return LatentPlaneFigure(vaes, mlp_autoencoder(2, (16, 8), seed=1, squash=True), **state)


def carried(shown: LatentPlaneFigure) -> dict:
    """The traits that the page is given, bytes as base64."""
    values = {name: getattr(shown, name) for name in shown.carried}
    return {name: base64.b64encode(v).decode("ascii") if isinstance(v, bytes) else v for name, v in values.items()}


def states(shown: LatentPlaneFigure) -> list[dict]:
    """Random states and the numbers that Python finds in them; the first is the start, one image is empty."""
    generator, cases = np.random.default_rng(4), []
    stored = data.binarised("digits")
    for i in range(16):
        if i:
            shown.drawing = stored[generator.integers(len(stored))] if i > 1 else np.zeros((28, 28))
            shown.net, shown.follow, shown.step = (
                ("one", "four")[i % 2],
                bool(i % 3 == 0),
                int(generator.integers(STEPS + 1)),
            )
            for key in POINT:
                setattr(shown, key, float(generator.uniform(-REACH, REACH)))
        state = {name: getattr(shown, name) for name in shown.state}
        cases.append({"state": state, "expected": shown.numbers()})
    return cases


def votes(codes, labels, point) -> np.ndarray:
    """How many of the nearest codes each class has, (10,)."""
    near = np.linalg.norm(codes - point, axis=1).argsort()[:NEIGHBOURS]
    return np.bincount(labels[near], minlength=10)


def thinned(ink: np.ndarray) -> np.ndarray:
    """The skeleton of a black and white image (Zhang and Suen, 1984).

    Pixels are taken off the edge until one is left.
    """
    image = np.pad(ink.astype(np.uint8), 1)
    while True:
        before = image.copy()
        for first in (True, False):
            p = [
                np.roll(image, shift, (0, 1))
                for shift in ((1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1))
            ]
            total = sum(p)  # p[0] is the neighbour above, then clockwise
            turns = sum((a == 0) & (b == 1) for a, b in zip(p, p[1:] + p[:1], strict=True))
            n, e, s, w = p[0], p[2], p[4], p[6]
            open_ = (n * e * s == 0) & (e * s * w == 0) if first else (n * e * w == 0) & (n * s * w == 0)
            image[(image == 1) & (total >= 2) & (total <= 6) & (turns == 1) & open_] = 0
        if (image == before).all():
            return image[1:-1].astype(bool)


def strokes(digit: np.ndarray) -> list:
    """A digit redrawn: its skeleton, seen at another size and place, as short strokes between pixels, [x, y] each."""
    points = {tuple(p) for p in np.argwhere(thinned(digit > 127))}
    steps = ((0, 1), (1, 0), (1, 1), (1, -1))
    pairs = [((r, c), (r + dr, c + dc)) for r, c in sorted(points) for dr, dc in steps if (r + dr, c + dc) in points]
    return [[[0.11 + 0.021 * c, 0.2 + 0.021 * r] for r, c in pair] for pair in pairs]


def drawings(shown: LatentPlaneFigure) -> list[dict]:
    """Twenty test digits redrawn: of each class the two that lie deepest among their own, by the nearest codes."""
    codes = np.frombuffer(shown.codes, "<f4").reshape(-1, 1000, 2)[0]
    stored = data.load("digits")
    found = []
    for digit in range(10):
        own = np.flatnonzero(stored.test_labels == digit)
        depth = np.array([votes(codes, stored.test_labels, codes[i])[digit] for i in own])
        found += [
            {"label": digit, "strokes": strokes(stored.test[i])} for i in own[np.argsort(-depth, kind="stable")[:2]]
        ]
    return found


def golden() -> dict:
    """All of it, ready for JSON."""
    shown = figure()
    text = written(data.binarised("digits")[5])
    pixels = data.binarised("digits")[5].ravel().tolist()
    return {
        "carried": carried(shown),
        "states": states(shown),
        "drawings": drawings(shown),
        "neighbours": NEIGHBOURS,
        "image": {"text": text, "pixels": pixels},
        "reach": REACH,
        "steps": STEPS,
    }
