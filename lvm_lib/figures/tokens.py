"""Live figure 10: the tokens of a digit, given or drawn, to be painted over.

What is decoded, and how far one token reaches.
"""

from __future__ import annotations

import itertools
import json
import math
from functools import lru_cache

import numpy as np
import torch
import traitlets
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from .. import data as images
from .. import plots
from .._checks import describe, real_array
from ..autoencoder import PATCH
from ..plots.palette import colour
from ..quantize import nearest
from ..shipped import shipped_tokens
from ..vqvae import VQVAE
from .base import FigureError, LiveFigure
from .drawing import CENTRE, PIXELS, SIDE, read_grey, written_grey
from .network import unpack
from .state import found, text, whole
from .token_nets import packed, rebuilt

__all__ = ["TokensFigure"]

PICKS = 2  # stored test images per class that a reader may pick
MOVED = 1e-9  # a pixel that differs by more has changed


class TokensFigure(LiveFigure):
    """An image, its grid of tokens under the reader's brush, and the image that the tokens decode to.

    tokenizer: a VQVAE of 28 x 28 grey images with a convolutional decoder; None: the small one that comes with the
        library.  data: "digits" or "clothing": the stored test images to pick from.

    Traits (set from Python, or by the reader): image (its number among the picks), drawn (an image that stands in its
    place, as text, see `drawing`; "" where the picked one stands), edits (what was painted, as text: "24:17,30:5",
    places rising), place (where the brush stands, 0 ... M - 1), brush (the code that it paints).
    Read back: rate, M log K nats, which no edit changes.
    Raises TypeError or ValueError where tokenizer or data cannot be right, FigureError for a trait.
    """

    name = "tokens"
    heights = (995, 850)
    carried = ("nets", "weights", "images", "names")

    nets = traitlets.Dict(help="the tokenizer: its layers").tag(sync=True)
    weights = traitlets.Bytes(help="its rounded weights").tag(sync=True)
    images = traitlets.Bytes(help="images to pick, one byte a pixel").tag(sync=True)
    names: traitlets.List[str] = traitlets.List(help="names of the classes").tag(sync=True)

    image = whole(0, 0, lambda figure: len(figure.images) // PIXELS - 1, link="i", help="which of the images to pick")
    drawn = text("", read=lambda _, value: _drawn(value), link="x", help="a drawn image that stands in its place")
    edits = text("", read=lambda figure, value: figure._painted(value), link="e", help="what was painted")
    place = whole(24, 0, lambda figure: figure.nets["grid"] ** 2 - 1, link="p", help="where the brush stands")
    brush = whole(
        0, 0, lambda figure: figure.nets["size"] - 1, link="b", home=0, leap=16, help="the code that it paints"
    )
    rate = found("M log K, nats")

    def __init__(self, tokenizer: VQVAE | None = None, *, data: str = "digits", **traits: object):
        self._known_traits(traits, "tokenizer", "data")
        given: dict = {key: traits.pop(key) for key in self.carried if key in traits}
        if not given:
            nets, weights = shipped_tokens() if tokenizer is None else packed(tokenizer)
            stored = images.load(data)
            picks = np.concatenate([np.flatnonzero(stored.test_labels == c)[:PICKS] for c in range(len(stored.names))])
            given = {
                "nets": {**nets, "priors": []},
                "weights": weights,
                "images": stored.test[picks].tobytes(),
                "names": list(stored.names),
            }
        super().__init__(**{**given, "image": min(3 * PICKS, len(given["images"]) // PIXELS - 1), **traits})

    # ---- what it shows

    @property
    def tokens(self) -> np.ndarray:
        """The tokens after the edits, (M,)."""
        tokens = self._encoded().copy()
        for place, code in read_edits(self.edits):
            tokens[place] = code
        return tokens

    @property
    def pixels(self) -> np.ndarray:
        """The image that is encoded, (784,), in [0, 1]."""
        levels = (
            read_grey(self.drawn)
            if self.drawn
            else np.frombuffer(self.images, np.uint8).reshape(-1, PIXELS)[self.image]
        )
        return levels / 255

    @property
    def drawing(self) -> np.ndarray:
        """The image that is encoded, (28, 28), in [0, 1].

        Set, it is drawn, in 256 levels, and nothing of it is painted; ValueError unless it is 784 numbers in [0, 1].
        """
        return self.pixels.reshape(SIDE, SIDE)

    @drawing.setter
    def drawing(self, image: ArrayLike) -> None:
        """Raises TypeError or ValueError unless image is 784 numbers in [0, 1]."""
        values = real_array("drawing", image)
        if values.size != PIXELS or not 0 <= values.min() <= values.max() <= 1:
            raise ValueError(f"drawing must hold 784 numbers from 0 to 1, got {describe(image)}")
        text = written_grey(np.round(255 * values))
        self.edits = ""
        self.drawn = text

    def numbers(self) -> dict:
        """All numbers of the current state, by torch in float64.

        The Python twin of `numbers` in js/figures/tokens.js.
        """
        before, after = self._decoded(self._encoded()), self._decoded(self.tokens)
        moved, field = np.abs(after - before) > MOVED, np.zeros(PIXELS, bool)
        for place, _ in read_edits(self.edits):
            field |= field_of(place, self.nets["grid"], self.nets["reach"])
        found = {
            "rate": self.nets["grid"] ** 2 * math.log(self.nets["size"]),
            "brightness": after.mean(),
            "centre": after[CENTRE],
            "error": ((after - self.pixels) ** 2).mean(),
        }
        return {
            "image": self.image,
            "drawn": self.drawn,
            "edits": self.edits,
            "place": self.place,
            "brush": self.brush,
            "tokens": ",".join(map(str, self.tokens.tolist())),
            "painted": len(read_edits(self.edits)),
            "moved": int(moved.sum()),
            "outside": int((moved & ~field).sum()),
            "field": int(field_of(self.place, self.nets["grid"], self.nets["reach"]).sum()),
            **{key: float(value) for key, value in found.items()},
        }

    @classmethod
    def broken(cls, numbers: dict) -> list[str]:
        """What must hold in every state. Raises TypeError or ValueError where numbers cannot be right."""
        n = numbers
        tokens, edits = n["tokens"].split(","), read_edits(n["edits"])
        rules = {
            "an edit changes pixels inside its field only": n["outside"] == 0,
            "no edit, no change": n["painted"] > 0 or n["moved"] == 0,
            "what was painted stands": all(int(tokens[place]) == code for place, code in edits),
            "the field is smaller than the image": 0 < n["field"] < PIXELS,
            "the rate is M log K, whatever is painted": n["rate"] > 0 and len(tokens) == 49,
        }
        return [rule for rule, holds in rules.items() if not holds]

    def _encoded(self) -> np.ndarray:
        return _encoded(json.dumps(self.nets), self.weights, self.pixels.tobytes())

    def _decoded(self, tokens) -> np.ndarray:
        return _decoded(json.dumps(self.nets), self.weights, tuple(int(token) for token in tokens))

    # ---- traits

    def _painted(self, text):
        """`text`, if it paints places of the grid with codes of the book; raises FigureError otherwise."""
        edits = read_edits(text)
        if any(place >= self.nets["grid"] ** 2 or code >= self.nets["size"] for place, code in edits):
            raise FigureError(
                f"edits must name places below {self.nets['grid'] ** 2} and codes below {self.nets['size']}, "
                f"got {text[:60]!r}"
            )
        return text

    # ---- static

    @property
    def alt(self) -> str:
        """A sentence with the numbers of the current state."""
        n = self.numbers()
        return (
            f"A {'drawn' if self.drawn else 'test'} image, its {self.nets['grid']} by {self.nets['grid']} tokens, "
            f"{n['painted']} of them painted over, and the image they decode to. "
            f"A token reaches {n['field']} of 784 pixels; {n['moved']} pixels have changed. The rate "
            f"is {n['rate']:.1f} nats."
        )

    def picture(self) -> Figure:
        """Image, tokens and what they decode to, with the field of one token.

        The live figure's picture of the state.
        """
        grid, reach = self.nets["grid"], self.nets["reach"]
        figure = Figure(figsize=(7.2, 3.3), layout="constrained")
        left, middle, right = figure.subplots(1, 3)
        plots.images(left, self.pixels.reshape(1, SIDE, SIDE), columns=1, high=1.0)
        left.set(title="a drawn image" if self.drawn else "a test image")
        plots.images(middle, np.zeros((1, grid, grid)), columns=1, high=1.0)
        painted = dict(read_edits(self.edits))
        for place, token in enumerate(self.tokens.tolist()):
            middle.text(
                place % grid,
                place // grid,
                str(token),
                ha="center",
                va="center",
                fontsize=7,
                color=colour("q") if place in painted else colour("ink"),
            )
        middle.set(title="its tokens")
        plots.images(right, self._decoded(self.tokens).reshape(1, SIDE, SIDE), columns=1, high=1.0)
        row, column = divmod(self.place, grid)
        top, left_edge = max(row - reach, 0) * PATCH, max(column - reach, 0) * PATCH
        tall = min(row + reach + 1, grid) * PATCH - top
        wide = min(column + reach + 1, grid) * PATCH - left_edge
        right.add_patch(Rectangle((left_edge - 0.5, top - 0.5), wide, tall, fill=False, lw=2, color=colour("q")))
        right.set(title="what they decode to")
        return figure


def _drawn(text: str) -> str:
    """`text`, "" or an image in grey; raises FigureError if it is neither."""
    if text:
        read_grey(text)
    return text


def read_edits(text: str) -> list[tuple[int, int]]:
    """(place, code) pairs from text, "24:17,30:5", places rising; raises FigureError if it is none."""
    parts = [part.split(":") for part in text.split(",")] if text else []
    plain = all(
        len(part) == 2 and all(word.isascii() and word.isdigit() and len(word) < 7 for word in part) for part in parts
    )
    edits = [(int(place), int(code)) for place, code in parts] if plain else []
    if not plain or any(a[0] >= b[0] for a, b in itertools.pairwise(edits)):
        raise FigureError(f"edits must be place:code pairs with commas between them, places rising, got {text[:60]!r}")
    return edits


def field_of(place: int, grid: int, reach: int) -> np.ndarray:
    """The pixels that a token can change, (784,) of bool."""
    row, column = divmod(place, grid)
    at = np.arange(PATCH * grid) // PATCH
    return ((np.abs(at - row) <= reach)[:, None] & (np.abs(at - column) <= reach)[None, :]).ravel()


@lru_cache(maxsize=4)
def _nets(nets: str, weights: bytes):
    layers = json.loads(nets)
    encoder, codebook = (unpack(layers[part], weights).double() for part in ("encoder", "codebook"))
    return encoder, codebook[0].weight, rebuilt(layers, weights)[0]


@lru_cache(maxsize=64)
def _encoded(nets: str, weights: bytes, pixels: bytes) -> np.ndarray:
    """The tokens of an image: at each place the nearest code, the first of equals."""
    encoder, codes, _ = _nets(nets, weights)
    with torch.no_grad():
        vectors = encoder(torch.tensor(np.frombuffer(pixels))[None]).flatten(2)[0].T  # (M, d)
        return nearest(vectors, codes).numpy()


@lru_cache(maxsize=256)
def _decoded(nets: str, weights: bytes, tokens: tuple) -> np.ndarray:
    with torch.no_grad():
        return _nets(nets, weights)[2](torch.tensor(tokens)[None])[0].numpy()
