"""Live figure 7: a VAE that the reader trains in the page: the terms, the rate of each latent, the plane, the codes."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import torch
import traitlets
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from torch import nn

from .. import counter, data, plots
from .._checks import describe
from ..autoencoder import mlp_decoder, mlp_encoder
from ..data.deflated import STEP, beside, coarse
from ..likelihoods import Bernoulli, Gaussian, Likelihood
from ..plots.numerals import numerals
from ..plots.palette import colour
from ..vae import VAE, GaussianEncoder
from .base import LiveFigure
from .drawing import read_image, written
from .state import found, number, one_of, size, text, whole

__all__ = ["TrainerFigure"]

PIXELS = 784
HIDDEN = (128, 64)
TEST = 500  # test images on which the terms stand
CLOUD = 200  # of them, the first, whose codes are shown
SIDE = 10  # of the plane, in images
STREAMS = {"start": 1, "order": 2, "pixels": 3, "noise": 4, "test": 5}  # of the counted chance
BATCH = 100
SET = "digits"


class TrainerFigure(LiveFigure):
    """A VAE that is trained where it is shown, on the 9,000 embedded digits or on 4,500 pieces of clothing.

    vae: a trained VAE to go on from: layers 784-...-d-...-784 with ReLU between, the decoder's the encoder's mirrored,
        hidden widths multiples of 8, a Bernoulli likelihood or a Gaussian one with one fixed std; None: no such
        net; then the layers are 784-128-64-d-64-128-784. In a page the given weights are rounded to float16.

    Traits (set from Python, or by the reader): beta, log_rate (log10 of the learning rate) and images (how many of the
    set), from the next step on; latents, likelihood ("bernoulli" on fresh binarisations, "gaussian" on grey levels),
    sigma (of the Gaussian), data ("digits", or "clothing" in 16 levels of grey), start ("speaking" or "mute", as
    `mlp_vae` and torch begin, or "given", from `vae`) and seed, which begin a new run. Read back: minus_elbo, in nats
    per image, averaged over the first 500 test images (their stored binarisation, or their grey levels), one draw of z
    for each, always the same. step: steps taken. drawn: an image of the reader's own, as text (see `drawing`), which is
    followed and not trained on. `weights()` gives the net as it stands.
    Raises TypeError or ValueError where vae cannot be right.
    """

    name = "trainer"
    heights = (1295, 1113)
    carried = ("hidden", "given", "pixels", "grey", "labels")

    hidden: traitlets.List[int] = traitlets.List(list(HIDDEN), help="widths of the encoder's hidden layers").tag(
        sync=True
    )
    given = traitlets.Bytes(b"", help="weights to go on from, float16; none where empty").tag(sync=True)
    pixels = traitlets.Bytes(b"", help="the test images in their stored binarisation, 98 bytes each").tag(sync=True)
    grey = traitlets.Bytes(b"", help="the test images' grey levels, deflated").tag(sync=True)
    labels: traitlets.List[int] = traitlets.List(help="classes of the images whose codes are shown").tag(sync=True)
    own = traitlets.Bytes(b"", help="the weights after `step` steps, float32; those of the start where empty").tag(
        sync=True
    )
    step = traitlets.Int(0, help="steps taken").tag(sync=True)

    beta = number(1.0, 0, 16, link="b", home=1, step=0.5, leap=2, help="weight of the rate in the loss")
    log_rate = number(-2.5, -4, 1, link="r", step=0.1, leap=0.5, help="log10 of Adam's learning rate")
    latents = size(2, (2, 4, 8, 16), link="d", help="dimensions of z")
    likelihood = one_of("bernoulli", ("bernoulli", "gaussian"), link="l", codes="bg", help="what pixels are")
    sigma = number(0.2, 0.05, 1, link="s", step=0.05, leap=0.2, help="standard deviation of a Gaussian pixel")
    start = one_of("speaking", lambda figure: _starts(figure), link="a", help="the weights at step 0")
    seed = whole(1, 0, 9999, link="n", help="of the start, the batches and all noise")
    images = size(9000, (1500, 9000), link="i", help="images to train on")
    data = one_of("digits", ("digits", "clothing"), link="c", codes="dc", help="the images")
    drawn = text("", read=lambda _, value: _drawn(value), link="x", help="a drawn image that is followed")
    minus_elbo = found("-ELBO of the test images, nats per image")

    def __init__(self, vae: VAE | None = None, **traits: object):
        self._known_traits(traits, "vae", "own", "step")
        if not set(self.carried) <= set(traits):
            traits = {**_carried(vae), **traits}
        super().__init__(**traits)
        self.on_msg(self._asked)

    def _known_traits(self, traits, *arguments):
        super()._known_traits({key: value for key, value in traits.items() if key not in ("own", "step")}, *arguments)

    def _asked(self, _, content, buffers):
        """A front end wants a set's images: they travel once, deflated."""
        if content in ("images digits", "images clothing"):
            parts, about = beside(content.split()[1])
            self.send({"images": content.split()[1], "parts": list(parts), **about}, list(parts.values()))

    def _current(self) -> tuple[np.ndarray, int]:
        """The weights that are shown, flat, and the steps that led to them."""
        shape = _shapes(self.latents, self.hidden)
        if self.step and len(self.own) == 4 * _count(shape):
            return np.frombuffer(self.own, "<f4"), self.step
        if self.start == "given" and len(self.given) == 2 * _count(shape):
            return np.frombuffer(self.given, "<f2").astype(np.float32), 0
        start = "mute" if self.start == "mute" else "speaking"  # as where the given weights have other sizes
        return start_of(self.seed, self.latents, start, tuple(self.hidden)), 0

    @property
    def drawing(self) -> np.ndarray | None:
        """The drawn image that is followed, (28, 28), of 0 and 1; None: none is."""
        return read_image(self.drawn).reshape(28, 28) if self.drawn else None

    @drawing.setter
    def drawing(self, image: ArrayLike | None) -> None:
        """Raises ValueError unless image is None or 784 pixels of 0 and 1."""
        self.drawn = "" if image is None else written(image)

    def weights(self) -> VAE:
        """The net as it stands, a torch module in eval mode."""
        flat, _ = self._current()
        return module_of(flat, tuple(self.hidden), self.latents, self.likelihood, self.sigma).eval()

    def _found(self) -> dict:
        flat, _ = self._current()
        about = (tuple(self.hidden), self.latents, self.likelihood, self.sigma)
        return _measured(flat.tobytes(), *about, self.pixels, self.grey, self.drawn, self.data)

    def numbers(self) -> dict:
        """All numbers of the current state, by torch in float64: the Python twin of js/engine/trainer.js."""
        at = self._found()
        return {
            **{name: getattr(self, name) for name in self.state},
            "step": self._current()[1],
            "minus_elbo": at["distortion"] + float(at["rates"].sum()),
            "distortion": at["distortion"],
            "rate": float(at["rates"].sum()),
            "rate_most": float(at["rates"].max()),
            "rate_least": float(at["rates"].min()),
            **at["own"],
        }

    @classmethod
    def recomputed(cls, numbers: dict, traits: dict | None = None) -> dict:
        """What this library finds in the state of `numbers`; `traits` holds the page's own weights as `own`."""
        traits = traits or {}
        beside = {name: traits[name] for name in (*cls.carried, "own") if name in traits}
        state = {name: numbers[name] for name in (*cls.state, "step")}
        return cls(**beside, **state).numbers()

    @classmethod
    def broken(cls, numbers: dict) -> list[str]:
        """What must hold in every state."""
        n = numbers
        close = 1e-9 * max(1.0, abs(n["minus_elbo"]))
        rules = {
            "distortion + rate = -ELBO": abs(n["distortion"] + n["rate"] - n["minus_elbo"]) <= close,
            "the rate of a latent is not negative": n["rate_least"] >= -1e-6,
            "the distortion of binary pixels is not negative": n["likelihood"] == "gaussian" or n["distortion"] >= 0,
            "the drawn image's terms stand there where one is drawn": (n["own_minus_elbo"] is None) == (not n["drawn"]),
            "no latent has more rate than all": n["rate_most"] <= n["rate"] + close + 1e-6 * n["latents"],
        }
        return [rule for rule, holds in rules.items() if not holds]

    # ---- static

    @property
    def alt(self) -> str:
        """A sentence with the numbers of the current state."""
        n = self.numbers()
        return (
            f"A VAE with {n['latents']} latents after {n['step']:,} steps of training: a sheet of {SIDE} by {SIDE} "
            f"decoded images on the prior’s quantiles, the codes of {CLOUD} test images, and the terms of -ELBO, which "
            f"is {n['minus_elbo']:.1f} nats per test image: distortion {n['distortion']:.1f}, rate {n['rate']:.1f}."
        )

    def picture(self) -> Figure:
        """The plane, the codes and the rate of each latent: the live figure's picture of the state."""
        n, at = self.numbers(), self._found()
        figure = Figure(figsize=(7.2, 5.6), layout="constrained")
        parts = figure.subplot_mosaic([["sheet", "cloud"], ["rates", "rates"]], height_ratios=[4, 1.4])
        figure.suptitle("A VAE to train: press Train in the page", x=0.02, ha="left", weight="bold")
        plots.images(parts["sheet"], at["sheet"].reshape(-1, 28, 28), columns=SIDE, high=1.0, gap=0)
        labels = self.labels if self.data == SET else data.load(self.data).test_labels[:CLOUD].tolist()
        numerals(parts["cloud"], at["codes"][:CLOUD], labels)
        first, second = (int(j) + 1 for j in at["plane"])
        parts["cloud"].set(xlim=(-4, 4), ylim=(-4, 4), xlabel=f"z{first}", ylabel=f"z{second}", aspect="equal")
        parts["rates"].bar(np.arange(len(at["rates"])) + 1, at["rates"], color=colour("q"))
        parts["rates"].set(xlabel="latent", ylabel="rate, nats", xticks=np.arange(len(at["rates"])) + 1)
        title = f"distortion {n['distortion']:.1f} + rate {n['rate']:.1f} = −ELBO {n['minus_elbo']:.1f} nats per image"
        parts["rates"].set_title(title, fontsize=10, loc="left", color=colour("elbo"))
        for axes in parts.values():
            axes.spines[["top", "right"]].set_visible(False)
            axes.tick_params(labelsize=9, colors=colour("muted"))
        return figure


def _drawn(value: str) -> str:
    """A black and white image as text, or an empty one; raises FigureError if it is neither."""
    return written(read_image(value, "drawn")) if value else ""


def _starts(figure) -> tuple[str, ...]:
    """What a run may begin with."""
    return ("speaking", "mute", "given") if figure.given else ("speaking", "mute")


# ---------------------------------------------------------------- nets as one row of weights


def _shapes(latents, hidden) -> list[tuple[int, int]]:
    """(inputs, outputs) of each layer, encoder's first."""
    down = [PIXELS, *hidden, 2 * latents]
    up = [latents, *reversed(hidden), PIXELS]
    return [*itertools.pairwise(down), *itertools.pairwise(up)]


def _count(shapes) -> int:
    return sum((inputs + 1) * outputs for inputs, outputs in shapes)


def start_of(seed: int, latents: int, start: str, hidden: tuple[int, ...] = HIDDEN) -> np.ndarray:
    """The weights with which a run begins, by counted chance: for each layer its matrix (inputs, outputs), its bias.

    Raises TypeError or ValueError where seed cannot be right.
    """
    shapes, at = _shapes(latents, hidden), 0
    many = _count(shapes)
    flat = counter.uniforms(seed, np.arange((many + 1) // 2), STREAMS["start"]).reshape(-1)[:many].astype(np.float32)
    for layer, (inputs, outputs) in enumerate(shapes):
        end = at + (inputs + 1) * outputs
        flat[at:end] = (2 * flat[at:end].astype(float) - 1) / np.sqrt(inputs)
        if layer == len(hidden) and start == "speaking":
            flat[at : end - outputs].reshape(inputs, outputs)[:, :latents] *= 4
            flat[end - latents : end] = -2
        at = end
    return flat


def module_of(flat: np.ndarray, hidden: Sequence[int], latents: int, likelihood: str, sigma: float) -> VAE:
    """The VAE whose weights stand in a row. Raises TypeError or ValueError where sizes or sigma cannot be right."""
    about: Likelihood = Bernoulli() if likelihood == "bernoulli" else Gaussian(sigma)
    vae = VAE(GaussianEncoder(mlp_encoder(2 * latents, hidden)), mlp_decoder(latents, hidden), about, latents)
    at = 0
    with torch.no_grad():
        for layer in _linear(vae):
            many = layer.weight.numel()
            layer.weight.copy_(torch.tensor(flat[at : at + many].reshape(layer.weight.shape[::-1]).T.copy()))
            layer.bias.copy_(torch.tensor(flat[at + many : at + many + len(layer.bias)].copy()))
            at += many + len(layer.bias)
    return vae


def flat_of(vae: VAE, of: Callable[[torch.Tensor], torch.Tensor] = lambda weight: weight) -> np.ndarray:
    """All weights of a VAE in a row, or what `of` gives for each."""
    parts = [part for layer in _linear(vae) for part in (of(layer.weight).T, of(layer.bias))]
    return np.concatenate([part.detach().cpu().numpy().ravel() for part in parts])


def _linear(vae) -> list[nn.Linear]:
    return [layer for part in _parts(vae) for layer in part if isinstance(layer, nn.Linear)]


def _parts(vae) -> list[nn.Sequential]:
    """Encoder and decoder, where both are plain rows of layers; otherwise none."""
    parts = [vae.encoder.net if isinstance(vae.encoder, GaussianEncoder) else vae.encoder, vae.decoder]
    plain = all(isinstance(part, nn.Sequential) for part in parts)
    return parts if plain and all(isinstance(layer, (nn.Linear, nn.ReLU)) for part in parts for layer in part) else []


def batch_of(
    step: int, grey: np.ndarray, rows: int = BATCH, *, latents: int, likelihood: str, sigma: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The images and the noise of a step (from 0), as js/engine/trainer.js draws them: (rows, 784) and (rows, d).

    Raises TypeError or ValueError where seed or step cannot be right.
    """
    n, pairs = len(grey), (latents + 1) // 2
    epoch, place = divmod(step, n // rows)
    order = np.argsort(counter.words(seed, epoch * n + np.arange(n), STREAMS["order"])[:, 0], kind="stable")
    chosen = order[place * rows : (place + 1) * rows]
    x = grey[chosen] / 255
    if likelihood == "bernoulli":
        block = (epoch * n + chosen[:, None]) * (PIXELS // 4) + np.arange(PIXELS // 4)
        x = (counter.words(seed, block, STREAMS["pixels"]).reshape(rows, PIXELS) < x * 2.0**32).astype(float)
    index = (step * rows + np.arange(rows))[:, None] * pairs + np.arange(pairs)
    return x, counter.normals(seed, index, STREAMS["noise"]).reshape(rows, -1)[:, :latents]


# ---------------------------------------------------------------- what a figure carries, and what it shows


def _carried(vae) -> dict:
    """The traits that do not change, and the state that a given VAE brings with it."""
    images, binary = data.load(SET), data.binarised(SET)
    carried = {
        "hidden": list(HIDDEN),
        "given": b"",
        "pixels": np.packbits(binary[:TEST].reshape(TEST, -1), axis=1).tobytes(),
        "grey": _deflate(images.test[:TEST].tobytes()),
        "labels": images.test_labels[:CLOUD].tolist(),
    }
    return carried if vae is None else {**carried, **_taken(vae)}


def _taken(vae) -> dict:
    """What a figure takes from a VAE."""
    if not isinstance(vae, VAE):
        raise TypeError(f"vae must be a VAE, got {describe(vae)}")
    likelihood = vae.likelihood
    shapes = [(layer.in_features, layer.out_features) for layer in _linear(vae)]
    widths = [outputs for _, outputs in shapes[: len(shapes) // 2 - 1]]
    gaussian = isinstance(vae.encoder, GaussianEncoder)
    if (
        not gaussian
        or shapes != _shapes(vae.latents, widths)
        or any(width % 8 for width in widths)
        or vae.latents not in (2, 4, 8, 16)
    ):
        raise ValueError(
            "vae must have linear layers 784-...-2d and d-...-784 with ReLU between, the decoder's widths the "
            f"encoder's mirrored and multiples of 8, d one of 2, 4, 8, 16; got {shapes or describe(vae.encoder)}"
        )
    taken = {
        "hidden": widths,
        "given": flat_of(vae).astype("<f2").tobytes(),
        "latents": vae.latents,
        "start": "given",
    }
    if isinstance(likelihood, Bernoulli):
        return taken
    if not isinstance(likelihood, Gaussian) or likelihood.std.ndim or (likelihood.centre, likelihood.unit) != (0, 1):
        raise ValueError(f"vae must have a Bernoulli likelihood or a Gaussian one with one std, got {likelihood}")
    return {**taken, "likelihood": "gaussian", "sigma": float(likelihood.std)}


def _deflate(raw: bytes) -> bytes:
    work = zlib.compressobj(9, zlib.DEFLATED, -15)
    return work.compress(raw) + work.flush()


def plane_points() -> np.ndarray:
    """Two coordinates of the sheet's z, (100, 2): normal quantiles of (i + 1/2) / 10; z1 right, z2 up, top first."""
    at = counter.normal_quantile((np.arange(SIDE) + 0.5) / SIDE)
    return np.array([(z1, z2) for z2 in at[::-1] for z1 in at])


@lru_cache(maxsize=16)
@torch.no_grad()
def _measured(flat, hidden, latents, likelihood, sigma, pixels, grey, drawn, which) -> dict:
    """Distortion, rate of each latent, codes, and the sheet of decoded images on the plane of the two largest rates."""
    vae = module_of(np.frombuffer(flat, np.float32), hidden, latents, likelihood, sigma).double()
    if which == "clothing":  # its images come beside the page, in 16 levels of grey
        binary = likelihood == "bernoulli"
        seen = data.binarised(which) if binary else coarse(data.load(which).test) * (STEP / 255)
        seen = seen[:TEST].reshape(TEST, PIXELS).astype(float)
    elif likelihood == "bernoulli":
        seen = np.unpackbits(np.frombuffer(pixels, np.uint8).reshape(-1, PIXELS // 8), axis=1).astype(float)
    else:
        seen = np.frombuffer(zlib.decompress(grey, -15), np.uint8).reshape(-1, PIXELS) / 255
    x, pairs = torch.tensor(seen), (latents + 1) // 2
    index = np.arange(len(x))[:, None] * pairs + np.arange(pairs)
    eps = torch.tensor(counter.normals(0, index, STREAMS["test"]).reshape(len(x), -1)[:, :latents])
    encoder, decoder = _parts(vae)
    mean, log_std = encoder(x).chunk(2, dim=-1)
    rates = (0.5 * (mean**2 + (2 * log_std).exp() - 1) - log_std).mean(0).numpy()
    log_px_z = vae.likelihood(decoder(mean + log_std.exp() * eps)).log_prob(x)
    plane = np.sort(np.argsort(-rates, kind="stable")[:2])
    z = np.zeros((SIDE * SIDE, latents))
    z[:, plane] = plane_points()
    own = dict.fromkeys(("own_minus_elbo", "own_rate", "own_z1", "own_z2"))
    if drawn:
        x = torch.tensor(read_image(drawn), dtype=torch.float64)[None]
        at, log_s = encoder(x).chunk(2, dim=-1)
        kl = float((0.5 * (at**2 + (2 * log_s).exp() - 1) - log_s).sum())
        log_px = float(vae.likelihood(decoder(at + log_s.exp() * eps[:1])).log_prob(x))
        own = {"own_minus_elbo": kl - log_px, "own_rate": kl, "own_z1": float(at[0, plane[0]])}
        own["own_z2"] = float(at[0, plane[1]])
    return {
        "own": own,
        "distortion": -float(log_px_z.mean()),
        "rates": rates,
        "plane": plane,
        "codes": mean.numpy()[:, plane],
        "sheet": vae.decode(torch.tensor(z)).numpy(),
    }
