"""Live figure 13: the message of one picture, the bits that come back, and what other codes take."""

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
from ..plots.palette import colour
from ..quadrature import hermite, product
from ..shipped import shipped_vae
from ..vae import VAE
from .base import LiveFigure
from .bits import chosen, images_of, packed
from .drawing import PIXELS, SIDE
from .network import pack_all, planar_vae, unpack
from .state import found, number, one_of, whole

__all__ = ["SendItFigure"]

CHAIN = 20  # messages of the same picture, one upon the other, over which the length is averaged
POINTS = 9  # of the Gauss-Hermite rule for -ELBO, per dimension
BIT = math.log(2)  # nats


class SendItFigure(LiveFigure):
    """A digit as a message: bits for z and for x given z, bits back, and the bytes themselves.

    The message is made by bits back with ANS (lvm_lib.coding) and decoded from its bytes alone. Sender and receiver
    share the VAE, the bins and the width of q; these are not counted. The first bits are.

    vae: a VAE with two latent dimensions, 784 binary pixels, a Bernoulli likelihood, linear layers with a ReLU between
        them; None: the small one that comes with the library.
    images: black and white images (k, 784), k <= 20; None: the first stored test image of each digit.
    precision: of the weights in the page, as lvm_lib.figures.network explains.

    Traits (set from Python, or by the reader): digit (which image), width (factor on the standard deviations of q, 0 to
    4; at 0 q is one bin), bits (2^bits bins of equal prior mass for each z), seed (of the first bits), opened ("yes":
    what a receiver decodes is shown).
    Read back, in nats: length (what this message takes), minus_elbo (Gauss-Hermite, 9 x 9 points; of the bins where q
    is one bin), mean (over a chain of 20 messages).
    Raises TypeError or ValueError where vae, images or precision cannot be right.
    """

    name = "send"
    heights = (1080, 800)
    carried = ("nets", "weights", "pixels", "files")

    nets = traitlets.Dict(help="layers of encoder and decoder").tag(sync=True)
    weights = traitlets.Bytes(help="their rounded weights").tag(sync=True)
    pixels = traitlets.Bytes(help="the images, 98 bytes each").tag(sync=True)
    files: traitlets.List[int] = traitlets.List(help="bytes of each image as PNG with one bit for a pixel").tag(
        sync=True
    )

    digit = whole(2, 0, lambda figure: len(figure.files) - 1, link="d", help="which image")
    width = number(1.0, 0, 4, link="w", home=1, step=0.1, leap=0.5, help="factor on the standard deviations of q")
    bits = whole(12, 1, 14, link="b", home=12, leap=3, help="bins of each z are 2^bits")
    seed = whole(1, 1, 999, link="s", home=1, leap=10, help="of the first bits")
    opened = one_of("no", ("no", "yes"), link="o", codes="ny", help="whether what is decoded is shown")
    length = found("what the message takes, nats")
    minus_elbo = found("-ELBO, nats")
    mean = found("what a message of the chain takes on average, nats")

    def __init__(
        self, vae: VAE | None = None, images: ArrayLike | None = None, *, precision: str = "mixed", **traits: object
    ):
        self._known_traits(traits, "vae", "images", "precision")
        if not set(self.carried) <= set(traits):
            traits = {**_carried(shipped_vae() if vae is None else vae, images, precision), **traits}
        super().__init__(**traits)

    @property
    def picture_sent(self) -> np.ndarray:
        """The image that is sent, (28, 28), of 0 and 1."""
        return images_of(self.pixels)[self.digit].reshape(SIDE, SIDE)

    @property
    def codec(self) -> coding.BitsBack:
        """The codec of the present state: `codec.receive(Stack.of(message))` is the picture."""
        return _codec(json.dumps(self.nets), self.weights, self.bits, self.width)

    @property
    def message(self) -> bytes:
        """What goes over the line."""
        return bytes.fromhex(self.numbers()["bytes"])

    def numbers(self) -> dict:
        """All numbers of the current state: the Python twin of `numbers` in js/engine/send.js."""
        key = json.dumps(self.nets), self.weights, self.pixels, self.digit, self.width, self.bits, self.seed
        state = {name: getattr(self, name) for name in ("digit", "width", "bits", "seed", "opened")}
        return {**state, **_numbers(*key), "png": 8 * self.files[self.digit], "fixed": PIXELS}

    @classmethod
    def broken(cls, numbers: dict) -> list[str]:
        """What must hold in every state: the round trip, what comes back, and lengths that add up."""
        n = numbers
        net = n["x"] + n["z"] - n["back"]
        rules = {
            "every pixel is decoded as it was sent": n["same"] == PIXELS,
            "every picture of the chain is decoded": n["chain"] == CHAIN,
            "the first bits come back": n["returned"] == 1,
            "bits for x + bits for z - bits back = length": abs(net * BIT - n["length"]) < 1e-9 * max(1, n["length"]),
            "the bytes hold the first bits and the message, to a word": -1 < n["wire"] - n["first"] - net < 18,
            "z takes its bits": n["z"] == 2 * n["bits"],
            "a q of one bin gets nothing back": n["back"] == 0 or n["width"] > 0,
            "distortion + rate = -ELBO": abs(n["distortion"] + n["rate"] - n["minus_elbo"]) < 1e-9 * n["minus_elbo"],
        }
        return [rule for rule, holds in rules.items() if not holds]

    # ---- static

    @property
    def alt(self) -> str:
        """A sentence with the numbers of the current state."""
        n = self.numbers()
        return (
            f"The message of one digit: {n['x']:.1f} bits for x given z and {n['z']:.0f} bits for z, of which "
            f"{n['back']:.1f} come back: {n['x'] + n['z'] - n['back']:.1f} bits or {n['length']:.1f} nats, where "
            f"-ELBO is {n['minus_elbo']:.1f} nats. One bit for each pixel takes 784 bits, a PNG file {n['png']:,}."
        )

    def picture(self) -> Figure:
        """The picture on the left, the tape and the other codes on the right."""
        n = self.numbers()
        figure = Figure(figsize=(7.2, 3.4), layout="constrained")
        parts = figure.subplot_mosaic([["x", "tape"], [".", "codes"]], width_ratios=[1, 3.2], height_ratios=[1.25, 1])
        figure.suptitle("The message of one digit, and the bits that come back", x=0.02, ha="left", weight="bold")
        plots.images(parts["x"], self.picture_sent[None], columns=1, high=1.0)
        _tape(parts["tape"], n)
        _codes(parts["codes"], n)
        return figure


# ---------------------------------------------------------------- what a figure carries


def _carried(vae, images, precision) -> dict:
    """The traits that do not change: nets, weights, images, the lengths of their PNG files."""
    planar_vae(vae)
    pixels = chosen(images)
    nets, weights = pack_all({"encoder": vae.encoder, "decoder": vae.decoder}, precision)
    _codec(json.dumps(nets), weights, 1, 1.0)  # a net that no message can be made with is refused here
    return {
        "nets": nets,
        "weights": weights,
        **packed(pixels),
    }


@lru_cache(maxsize=4)
def _modules(nets: str, weights: bytes) -> dict:
    """Encoder and decoder with the rounded weights, in float64."""
    return {name: unpack(layers, weights).double() for name, layers in json.loads(nets).items()}


@lru_cache(maxsize=16)
def _codec(nets: str, weights: bytes, bits: int, width: float) -> coding.BitsBack:
    modules = _modules(nets, weights)
    return coding.BitsBack(modules["encoder"], modules["decoder"], bits, width)


# ---------------------------------------------------------------- numbers


@lru_cache(maxsize=64)
def _numbers(nets, weights, pixels, digit, width, bits, seed) -> dict:
    codec, decoder, x = _codec(nets, weights, bits, width), _modules(nets, weights)["decoder"], images_of(pixels)[digit]
    stack = coding.Stack(seed)
    all_sent = [codec.send(x, stack)]
    sent, wire, first = all_sent[0], stack.to_bytes(), stack.borrowed
    all_sent += [codec.send(x, stack) for _ in range(CHAIN - 1)]
    received, line = coding.Stack.of(wire), coding.Stack.of(stack.to_bytes())
    decoded = codec.receive(received)
    nets_of = np.array([one.net for one in all_sent]) * BIT
    bound = _bound(codec, decoder, x)
    return {
        "x": sent.x,
        "z": sent.z,
        "back": sent.back,
        "length": sent.net * BIT,
        "bin1": sent.bins[0],
        "bin2": sent.bins[1],
        "first": first,
        "wire": 8 * len(wire),
        "bytes": wire.hex(),
        "same": int((decoded == x).sum()),
        "returned": int(received.to_bytes() == _first_bits(seed, first)),
        **bound,
        "mean": float(nets_of.mean()),
        "error": float(nets_of.std(ddof=1) / math.sqrt(CHAIN)),
        "chain": sum(int((codec.receive(line) == x).all()) for _ in range(CHAIN)),
    }


def _first_bits(seed: int, first: int) -> bytes:
    """What lay on the sender's stack before: the bits that it borrowed, and nothing else."""
    stack = coding.Stack(seed)
    while stack.borrowed < first:
        stack.words.insert(0, stack._borrow())
    return stack.to_bytes()


@torch.no_grad()
def _bound(codec, decoder, x) -> dict:
    """-ELBO of q and its two terms, and the rate over bins in whole frequencies; all in nats."""
    image = torch.tensor(x, dtype=torch.float64)

    def distortion_at(z):
        logits = decoder(torch.tensor(z))
        return (torch.nn.functional.softplus(logits, threshold=40).sum(1) - logits @ image).numpy()

    mean, std = codec.gaussian(x)
    masses = [np.diff(starts) / 2**coding.PRECISION for starts in codec.q(x)]
    rate_of_bins = sum(float((m[m > 0] * np.log(m[m > 0])).sum()) + codec.bits * BIT for m in masses)
    if codec.width == 0:
        at = [codec.middles[int(m.argmax())] for m in masses]
        distortion, rate = float(distortion_at(np.array([at]))[0]), rate_of_bins
    else:
        rule = product(*(hermite(POINTS, m, s) for m, s in zip(mean, std, strict=True)))
        distortion = float(np.exp(rule.log_weights) @ distortion_at(rule.points))
        rate = float((0.5 * (mean**2 + std**2 - 1) - np.log(std)).sum())
    return {
        "mean1": float(mean[0]),
        "mean2": float(mean[1]),
        "std1": float(std[0]),
        "std2": float(std[1]),
        "distortion": distortion,
        "rate": rate,
        "minus_elbo": distortion + rate,
        "binned": rate_of_bins - rate,
    }


# ---------------------------------------------------------------- the picture


def _tape(axes, n):
    net = n["x"] + n["z"] - n["back"]
    bars = (
        (2, 0, n["x"], "model", f"x given z: {n['x']:.1f} bits"),
        (2, n["x"], n["z"], "prior", f"z: {n['z']:.0f} bits"),
        (1, net, n["back"], "q", f"back: {n['back']:.1f} bits"),
        (0, 0, net, "elbo", f"the message: {net:.1f} bits = {n['length']:.1f} nats"),
    )
    for row, left, wide, quantity, label in bars:
        axes.barh(
            row, wide, left=left, height=0.7, color=colour(quantity), alpha=0.55 if quantity == "q" else 1, label=label
        )
    axes.set(yticks=[], xlim=(0, 1.02 * (n["x"] + n["z"])), xlabel="bits")
    axes.legend(fontsize=8, frameon=False, ncols=2, loc="lower left", bbox_to_anchor=(0, 1))
    axes.spines[["top", "right", "left"]].set_visible(False)


def _codes(axes, n):
    net = n["x"] + n["z"] - n["back"]
    names = ["this message", "one bit a pixel", "PNG file"]
    axes.barh(names, [net, n["fixed"], n["png"]], color=[colour("elbo"), colour("muted"), colour("muted")], height=0.7)
    axes.invert_yaxis()
    axes.set(xlabel="bits")
    axes.spines[["top", "right"]].set_visible(False)
