"""Live figure 13, again: the message of one picture by way of tokens, of which nothing comes back."""

from __future__ import annotations

import json
import math
from functools import lru_cache

import numpy as np
import torch
import traitlets
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from .. import coding, plots
from .._checks import count, describe, real_array
from ..plots.palette import colour
from ..shipped import shipped_tokens, shipped_vae
from ..token_coding import TokenCode, whole_shares
from .base import LiveFigure
from .bits import chosen, images_of, packed
from .drawing import PIXELS, SIDE
from .network import unpack
from .state import found, one_of, whole
from .token_nets import rebuilt

__all__ = ["SendTokensFigure"]

BIT = math.log(2)  # nats
DRAWS = 2000  # of the VAE's z, for the bound beside it


class SendTokensFigure(LiveFigure):
    """A digit as a message by way of tokens: bits for the tokens, bits for the pixels, and none that come back.

    The message is made with ANS (lvm_lib.token_coding) and decoded from its bytes alone. Sender and receiver share the
    tokenizer that comes with the library and the prior; these are not counted.

    images: black and white images (k, 784), k <= 20; None: the first stored test image of each digit.

    Traits (set from Python, or by the reader): digit (which image), prior ("uniform": each code is equally probable;
    "counted": how often each stands at each place in training digits), place and rank (the token at this place is the
    rank-th nearest code; 1: the encoder's), opened ("yes": what a receiver decodes is shown).
    Read back, in nats: length (what this message takes), minus_bound (-log p(x | z) - log p(z)).
    Raises TypeError or ValueError where images cannot be right, FigureError for a trait.
    """

    name = "sendtokens"
    heights = (1080, 800)
    carried = ("nets", "weights", "counted", "pixels", "files", "by_vae")

    nets = traitlets.Dict(help="the tokenizer: its layers").tag(sync=True)
    weights = traitlets.Bytes(help="its rounded weights").tag(sync=True)
    counted = traitlets.Bytes(help="shares of the codes, place by place, of 2^24, four bytes each").tag(sync=True)
    pixels = traitlets.Bytes(help="the images, 98 bytes each").tag(sync=True)
    files: traitlets.List[int] = traitlets.List(help="bytes of each image as PNG with one bit for a pixel").tag(
        sync=True
    )
    by_vae: traitlets.List[float] = traitlets.List(help="-ELBO of each image under the small VAE, nats").tag(sync=True)

    digit = whole(2, 0, lambda figure: len(figure.files) - 1, link="d", help="which image")
    prior = one_of("uniform", ("uniform", "counted"), link="p", codes="uc", help="how tokens are coded")
    place = whole(24, 0, lambda figure: figure.nets["grid"] ** 2 - 1, link="m", home=24, help="one of the places")
    rank = whole(
        1, 1, lambda figure: figure.nets["size"], link="k", home=1, leap=10, help="which nearest code stands there"
    )
    opened = one_of("no", ("no", "yes"), link="o", codes="ny", help="whether what is decoded is shown")
    length = found("what the message takes, nats")
    minus_bound = found("minus the bound, nats")

    def __init__(self, images: ArrayLike | None = None, **traits: object):
        self._known_traits(traits, "images")
        if not set(self.carried) <= set(traits):
            traits = {**_carried(images), **traits}
        super().__init__(**traits)

    @property
    def picture_sent(self) -> np.ndarray:
        """The image that is sent, (28, 28), of 0 and 1."""
        return images_of(self.pixels)[self.digit].reshape(SIDE, SIDE)

    @property
    def tokens(self) -> np.ndarray:
        """The tokens that are sent, (M,)."""
        return np.array(_numbers(*self._key())["tokens"].split(",")).astype(int)

    @property
    def codec(self) -> TokenCode:
        """The codec of the present state: `codec.receive(Stack.of(message)).x` is the picture."""
        return self.codec_of(self.prior)

    def codec_of(self, prior: str) -> TokenCode:
        """The codec with the prior "uniform" or "counted". Raises ValueError for another."""
        if prior not in ("uniform", "counted"):
            raise ValueError(f"prior must be 'uniform' or 'counted', got {prior!r}")
        return _codec(json.dumps(self.nets), self.weights, self.counted, prior)

    def encode(self, images: ArrayLike, rank: int = 1) -> np.ndarray:
        """At each place the rank-th nearest code, (n, M): black and white images (n, 784) by the same tokenizer.

        Raises TypeError or ValueError where images or rank cannot be right.
        """
        pixels = real_array("images", images).reshape(-1, PIXELS)
        if not np.isin(pixels, (0, 1)).all() or not 1 <= count("rank", rank) <= self.nets["size"]:
            raise ValueError(f"images must hold 0 and 1, rank a number of a code, got {describe(images)} and {rank}")
        nets = json.dumps(self.nets)
        ranked = [_ranked(nets, self.weights, x.tobytes()) for x in pixels.astype(np.uint8)]
        return np.array([codes[:, rank - 1] for codes in ranked])

    @property
    def message(self) -> bytes:
        """What goes over the line."""
        return bytes.fromhex(self.numbers()["bytes"])

    def _key(self):
        nets = json.dumps(self.nets)
        return nets, self.weights, self.counted, self.pixels, self.digit, self.prior, self.place, self.rank

    def numbers(self) -> dict:
        """All numbers of the current state: the Python twin of `message` in js/engine/sendtokens.js."""
        state = {name: getattr(self, name) for name in ("digit", "prior", "place", "rank", "opened")}
        beside = {"png": 8 * self.files[self.digit], "fixed": PIXELS, "vae": self.by_vae[self.digit] / BIT}
        return {**state, **_numbers(*self._key()), **beside}

    @classmethod
    def broken(cls, numbers: dict) -> list[str]:
        """What must hold in every state: the round trip, an empty stack behind it, and the bound."""
        n = numbers
        tokens = n["tokens"].split(",")
        rules = {
            "every pixel is decoded as it was sent": n["same"] == PIXELS,
            "nothing is left on the stack": n["left"] == 0,
            "nothing comes back": n["back"] == 0,
            "bits for x + bits for z = length": abs((n["x"] + n["z"]) * BIT - n["length"]) < 1e-9 * n["length"],
            "distortion + rate = -bound": abs(n["distortion"] + n["rate"] - n["minus_bound"]) < 1e-9 * n["length"],
            "the message is as long as the bound": abs(n["length"] - n["minus_bound"]) < 0.05,
            "the bytes hold the message, to a word": 0 <= n["wire"] - 32 - n["x"] - n["z"] < 18,
            "a uniform prior takes M log K": n["prior"] != "uniform" or n["z"] == len(tokens) * math.log2(n["codes"]),
            "the token at the place is the one of that rank": int(tokens[n["place"]]) == n["code"],
            "the nearest code makes the length of the nearest": n["rank"] > 1 or n["nearest"] == n["length"],
        }
        return [rule for rule, holds in rules.items() if not holds]

    # ---- static

    @property
    def alt(self) -> str:
        """A sentence with the numbers of the current state."""
        n = self.numbers()
        return (
            f"The message of one digit by way of 49 tokens: {n['x']:.1f} bits for x given the tokens and {n['z']:.1f} "
            f"bits for the tokens, of which none come back: {n['length']:.1f} nats, where minus the bound is "
            f"{n['minus_bound']:.1f} nats. One bit for each pixel takes 784 bits, a VAE with bits back {n['vae']:.0f}."
        )

    def picture(self) -> Figure:
        """The picture on the left, the tape and the other codes on the right."""
        n = self.numbers()
        figure = Figure(figsize=(7.2, 3.4), layout="constrained")
        parts = figure.subplot_mosaic([["x", "tape"], [".", "codes"]], width_ratios=[1, 3.2], height_ratios=[1, 1])
        figure.suptitle("The message of one digit by way of tokens", x=0.02, ha="left", weight="bold")
        plots.images(parts["x"], self.picture_sent[None], columns=1, high=1.0)
        for row, left, wide, quantity, label in (
            (1, 0, n["x"], "model", f"x given z: {n['x']:.1f} bits"),
            (1, n["x"], n["z"], "prior", f"z: {n['z']:.1f} bits"),
            (0, 0, n["x"] + n["z"], "elbo", f"the message: {n['x'] + n['z']:.1f} bits = {n['length']:.1f} nats"),
        ):
            parts["tape"].barh(row, wide, left=left, height=0.7, color=colour(quantity), label=label)
        parts["tape"].set(yticks=[], xlim=(0, 1.02 * (n["x"] + n["z"])), xlabel="bits")
        parts["tape"].legend(fontsize=8, frameon=False, ncols=2, loc="lower left", bbox_to_anchor=(0, 1))
        names = ["this message", "VAE, bits back", "one bit a pixel", "PNG file"]
        lengths = [n["x"] + n["z"], n["vae"], n["fixed"], n["png"]]
        parts["codes"].barh(names, lengths, color=[colour("elbo")] + 3 * [colour("muted")], height=0.7)
        parts["codes"].invert_yaxis()
        parts["codes"].set(xlabel="bits")
        for axes in (parts["tape"], parts["codes"]):
            axes.spines[["top", "right"]].set_visible(False)
        return figure


# ---------------------------------------------------------------- what a figure carries


def _carried(images) -> dict:
    """The traits that do not change."""
    pixels = chosen(images)
    nets, weights = shipped_tokens()
    by_class = rebuilt(nets, weights)[1]["independent"].get_parameter("parts.table.0.weight")
    shares = by_class.unflatten(0, (-1, nets["grid"] ** 2)).softmax(2).mean(0)  # classes are equally probable
    with torch.no_grad():
        elbo = shipped_vae().double().eval().elbo(torch.tensor(pixels), samples=DRAWS, generator=0)
    return {
        "nets": {**nets, "priors": []},
        "weights": weights,
        "counted": whole_shares(shares.numpy()).astype("<u4").tobytes(),
        **packed(pixels),
        "by_vae": [round(-value, 1) for value in elbo.tolist()],
    }


@lru_cache(maxsize=4)
def _modules(nets: str, weights: bytes):
    """Encoder, codes and decoder with the rounded weights, in float64."""
    encoder, codebook, decoder = (
        unpack(json.loads(nets)[part], weights).double() for part in ("encoder", "codebook", "decoder")
    )
    return encoder, codebook.get_parameter("0.weight").numpy(), decoder


@lru_cache(maxsize=8)
def _codec(nets: str, weights: bytes, counted: bytes, prior: str) -> TokenCode:
    _, codes, decoder = _modules(nets, weights)
    shares = np.frombuffer(counted, "<u4").reshape(-1, len(codes))
    return TokenCode(codes, decoder, shares if prior == "counted" else np.full(shares.shape, 2**24 // len(codes)))


# ---------------------------------------------------------------- numbers


@lru_cache(maxsize=32)
def _ranked(nets: str, weights: bytes, x: bytes) -> np.ndarray:
    """The codes by their distance to the encoder's vector, the nearest first, place by place, (M, K)."""
    encoder, codes, _ = _modules(nets, weights)
    with torch.no_grad():
        vectors = encoder(torch.tensor(np.frombuffer(x, np.uint8).astype(float))[None]).flatten(2)[0].T.numpy()
    return ((vectors[:, None] - codes) ** 2).sum(2).argsort(1, kind="stable")


@lru_cache(maxsize=64)
def _numbers(nets, weights, counted, pixels, digit, prior, place, rank) -> dict:
    codec, x = _codec(nets, weights, counted, prior), images_of(pixels)[digit]
    ranked = _ranked(nets, weights, x.tobytes())
    nearest = codec.send(x, ranked[:, 0], coding.Stack()).net * BIT
    tokens = ranked[:, 0].copy()
    tokens[place] = ranked[place, rank - 1]
    stack = coding.Stack()
    sent, wire = codec.send(x, tokens, stack), stack.to_bytes()
    line = coding.Stack.of(wire)
    decoded = codec.receive(line)
    return {
        "tokens": ",".join(map(str, tokens.tolist())),
        "code": int(tokens[place]),
        "codes": len(codec.codes),
        "x": sent.x,
        "z": sent.z,
        "back": 0.0,
        "length": sent.net * BIT,
        "nearest": nearest,
        **_bound(nets, weights, codec, x, tokens),
        "wire": 8 * len(wire),
        "bytes": wire.hex(),
        "same": int((decoded.x == x).sum()),
        "left": 16 * len(line.words) + round(math.log2(line.state)) - 32,
    }


@torch.no_grad()
def _bound(nets, weights, codec, x, tokens) -> dict:
    """-log p(x | z) and -log p(z) in nats, in torch's order and without whole frequencies of pixels."""
    _, codes, decoder = _modules(nets, weights)
    maps = torch.tensor(codes[tokens]).T.reshape(1, -1, codec.grid, codec.grid)
    p = decoder(maps)[0].clamp(1 / 200, 1 - 1 / 200)
    image = torch.tensor(x, dtype=torch.float64)
    distortion = float(-(image * p.log() + (1 - image) * (1 - p).log()).sum())
    rate = -float(np.log(codec.shares[np.arange(codec.places), tokens] / 2**24).sum())
    return {"distortion": distortion, "rate": rate, "minus_bound": distortion + rate}
