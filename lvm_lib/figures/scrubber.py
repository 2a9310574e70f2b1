"""Live figure 7: a training that can be wound back. At each checkpoint the manifold, the codes, and the bound."""

from __future__ import annotations

import base64
import copy
import json
import zlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
import traitlets
from matplotlib.figure import Figure

from .. import data, plots
from .._checks import describe, real_array
from ..counter import normal_quantile
from ..likelihoods import Bernoulli
from ..plots.numerals import numerals
from ..plots.palette import colour
from ..quadrature import hermite, product
from ..vae import VAE, kl_to_prior
from .base import LiveFigure
from .network import pack_all, planar_vae, unpack
from .state import found, whole

__all__ = ["ScrubberFigure"]

CLOUD = 200  # test digits whose codes are shown, as many of each class, classes in turn
BOUND = 60  # of them, the first, on which the bound is computed
POINTS = 6  # of the Gauss-Hermite rule, per dimension
SIDE = 12  # of the manifold, in images
MOST = 700_000  # bytes of weights that a page should load, as a server sends them: base64, compressed
PIXELS = 784


class ScrubberFigure(LiveFigure):
    """The checkpoints of one training, between which the reader moves.

    vae: the trained VAE (two latent dimensions, 784 binary pixels, Bernoulli likelihood): its layers.
    checkpoints: {epoch: state_dict} as `fit(..., checkpoints=...)` keeps them, 2 to 20 of them.
    loss: the training loss of each epoch from 1, `history.loss`; None: not shown. data: "digits" or "clothing".
    precision: of the weights in the page, "int8" or "float16". Where all of them, compressed, are beyond 700 kB, some
        of the checkpoints between the first and the last are left out, and the figure says how many (`note`).

    At each checkpoint: the means of p(x | z) on the 12 x 12 grid of the prior's normal quantiles; the means of q(z | x)
    of 200 test images; and -ELBO, averaged over the first 60 of these in their stored binarisation, by Gauss-Hermite
    quadrature with 6 x 6 points. The curve was computed when the figure was made; the page computes each value again.

    Trait (set from Python, or by the reader): checkpoint, 0 to the last. Read back: negative_elbo, nats per image.
    Raises TypeError or ValueError where vae, checkpoints, loss, data or precision cannot be right.
    """

    name = "scrubber"
    heights = (815, 895)
    carried = ("nets", "weights", "pixels", "labels", "epochs", "curve", "losses", "note")

    nets = traitlets.Dict(help="layers of encoder and decoder, the same at every checkpoint").tag(sync=True)
    weights = traitlets.Bytes(help="rounded weights: of the first checkpoint, then what each adds, modulo 256").tag(
        sync=True
    )
    pixels = traitlets.Bytes(help="the test images, 98 bytes each").tag(sync=True)
    labels: traitlets.List[int] = traitlets.List(help="the classes of the test images").tag(sync=True)
    epochs: traitlets.List[int] = traitlets.List(help="of the checkpoints").tag(sync=True)
    curve: traitlets.List[float] = traitlets.List(help="-ELBO at each checkpoint, nats per image").tag(sync=True)
    note = traitlets.Unicode("", help="what the figure must say about its checkpoints").tag(sync=True)
    losses: traitlets.List[float] = traitlets.List(help="training loss of each epoch, nats per image").tag(sync=True)

    checkpoint = whole(0, 0, lambda figure: len(figure.epochs) - 1, link="k", home=0, leap=3, help="which checkpoint")
    negative_elbo = found("-ELBO of the shown test images, nats per image")

    def __init__(
        self,
        vae: VAE | None = None,
        checkpoints: dict[int, dict[str, torch.Tensor]] | None = None,
        loss: Sequence[float] | None = None,
        *,
        data: str = "digits",
        precision: str = "int8",
        **traits: object,
    ):
        self._known_traits(traits, "vae", "checkpoints", "loss", "data", "precision")
        if not set(self.carried) <= set(traits):
            carried = _carried(vae, checkpoints, loss, data, precision)
            traits = {"checkpoint": len(carried["epochs"]) - 1, **carried, **traits}
        super().__init__(**traits)

    def _at(self, checkpoint=None):
        k = self.checkpoint if checkpoint is None else checkpoint
        return _measured(json.dumps(self.nets), unfolded(self.weights, len(self.epochs))[k], self.pixels)

    def numbers(self) -> dict:
        """All numbers of the current state, by torch in float64: the Python twin of js/engine/scrubber.js."""
        at, epoch = self._at(), self.epochs[self.checkpoint]
        mean, std = at["codes"].mean(0), at["codes"].std(0)
        found = {
            "curve": self.curve[self.checkpoint],
            "negative_elbo": at["distortion"] + at["rate"],
            "distortion": at["distortion"],
            "rate": at["rate"],
            "brightness": at["manifold"].mean(),
            "code_mean1": mean[0],
            "code_mean2": mean[1],
            "code_std1": std[0],
            "code_std2": std[1],
        }
        loss = float(self.losses[epoch - 1]) if 1 <= epoch <= len(self.losses) else None
        return {
            "checkpoint": self.checkpoint,
            "epoch": epoch,
            "loss": loss,
            **{key: float(value) for key, value in found.items()},
        }

    @classmethod
    def broken(cls, numbers: dict) -> list[str]:
        """What must hold in every state: the curve is what the checkpoint gives, and its parts sum to it."""
        n = numbers
        rules = {
            "the curve's value is the one recomputed from the checkpoint": abs(n["curve"] - n["negative_elbo"]) < 1e-6,
            "distortion + rate = -ELBO": abs(n["distortion"] + n["rate"] - n["negative_elbo"]) < 1e-9,
            "a rate is not negative": n["rate"] >= 0,
            "the distortion of binary pixels is not negative": n["distortion"] >= 0,
            "a mean of binary pixels lies in [0, 1]": 0 <= n["brightness"] <= 1,
        }
        return [rule for rule, holds in rules.items() if not holds]

    # ---- static

    @property
    def alt(self) -> str:
        """A sentence with the numbers of the current state."""
        n = self.numbers()
        return (
            f"A VAE after {n['epoch']} epochs of training: a sheet of {SIDE} by {SIDE} decoded images on the prior’s "
            f"quantiles, the codes of {CLOUD} test images, and the curve of -ELBO, which is "
            f"{n['negative_elbo']:.1f} nats per image here: distortion {n['distortion']:.1f}, "
            f"rate {n['rate']:.1f}. It began at {self.curve[0]:.1f}." + f" {self.note}" * bool(self.note)
        )

    def picture(self) -> Figure:
        """The manifold, the cloud of codes and the curves: the live figure's picture of the state."""
        n, at = self.numbers(), self._at()
        figure = Figure(figsize=(7.2, 6.2), layout="constrained")
        parts = figure.subplot_mosaic([["sheet", "cloud"], ["curve", "curve"]], height_ratios=[4, 2])
        title = f"After {n['epoch']} epochs: what is decoded, where codes lie, what it costs"
        figure.suptitle(title, x=0.02, ha="left", weight="bold")
        plots.images(parts["sheet"], at["manifold"].reshape(-1, 28, 28), columns=SIDE, high=1.0, gap=0)
        numerals(parts["cloud"], at["codes"], self.labels)
        parts["cloud"].set(xlim=(-4, 4), ylim=(-4, 4), xlabel="z₁", ylabel="z₂", aspect="equal")
        _curves(parts["curve"], self, n)
        for axes in parts.values():
            axes.spines[["top", "right"]].set_visible(False)
            axes.tick_params(labelsize=9, colors=colour("muted"))
        return figure


# ---------------------------------------------------------------- what a figure carries


def _carried(vae, checkpoints, loss, name, precision) -> dict:
    """The traits that do not change."""
    planar_vae(vae)
    if not isinstance(checkpoints, dict) or not 2 <= len(checkpoints) <= 20:
        raise ValueError(f"checkpoints must map 2 to 20 epochs to weights, got {describe(checkpoints)}")
    losses = [] if loss is None else real_array("loss", loss, 1).tolist()
    epochs, buffers, scratch = sorted(int(epoch) for epoch in checkpoints), [], copy.deepcopy(vae)
    for epoch in epochs:
        scratch.load_state_dict(checkpoints[epoch])
        nets, buffer = pack_all({"encoder": scratch.encoder, "decoder": scratch.decoder}, precision)
        buffers.append(buffer)
    kept, weights, note = _lighter(buffers)
    epochs, buffers = [epochs[k] for k in kept], [buffers[k] for k in kept]
    pixels, labels = _images(name)
    curve = [
        at["distortion"] + at["rate"] for at in (_measured(json.dumps(nets), buffer, pixels) for buffer in buffers)
    ]
    return {
        "nets": nets,
        "weights": weights,
        "pixels": pixels,
        "labels": labels,
        "epochs": epochs,
        "curve": curve,
        "losses": losses,
        "note": note,
    }


def _lighter(buffers) -> tuple[list[int], bytes, str]:
    """Which of the buffers a page carries (first and last, others evenly between), folded; and what to say of it.

    All of them if they take at most MOST bytes, compressed; otherwise as many as do, and two in any case.
    """
    for many in range(len(buffers), 1, -1):
        kept = [round(k * (len(buffers) - 1) / (many - 1)) for k in range(many)]
        weights = folded([buffers[k] for k in kept])
        size = len(zlib.compress(base64.b64encode(weights), 6))
        if size <= MOST:
            break
    left_out = len(buffers) - many
    said = [
        f"{left_out} of {len(buffers)} checkpoints are left out: all would take more than {MOST // 1000} kB."
        * bool(left_out),
        f"These take {size // 1000} kB, which a page loads slowly." * (size > MOST),
    ]
    return kept, weights, " ".join(filter(None, said))


def folded(buffers: list[bytes]) -> bytes:
    """Buffers of equal length as one: the first, then what each adds to the one before, byte by byte modulo 256.

    Late in training little changes, so the differences are small numbers, and small numbers compress.
    """
    rows = np.stack([np.frombuffer(buffer, np.uint8) for buffer in buffers])
    return np.concatenate([rows[:1], rows[1:] - rows[:-1]]).tobytes()


def unfolded(weights: bytes, count: int) -> list[bytes]:
    """The buffers that `folded` made one of."""
    return [
        row.tobytes() for row in np.cumsum(np.frombuffer(weights, np.uint8).reshape(count, -1), axis=0, dtype=np.uint8)
    ]


def _images(name) -> tuple[bytes, list[int]]:
    """The first test images of each class in their stored binarisation, classes in turn, and their classes."""
    labels = data.load(name).test_labels
    of_class = [np.flatnonzero(labels == label)[: CLOUD // 10] for label in range(10)]
    chosen = np.stack(of_class, axis=1).ravel()
    return np.packbits(data.binarised(name)[chosen].reshape(len(chosen), -1), axis=1).tobytes(), labels[chosen].tolist()


@lru_cache(maxsize=32)
@torch.no_grad()
def _measured(net, weights, pixels) -> dict:
    """What one checkpoint gives: codes (200, 2), manifold (144, 784), distortion and rate in nats per image."""
    encoder, decoder = (unpack(json.loads(net)[part], weights).double() for part in ("encoder", "decoder"))
    x = torch.tensor(
        np.unpackbits(np.frombuffer(pixels, np.uint8).reshape(-1, PIXELS // 8), axis=1), dtype=torch.float64
    )
    mean, log_std = encoder(x).chunk(2, dim=-1)
    some, q_std = x[:BOUND], log_std[:BOUND].exp()
    rate = kl_to_prior(torch.distributions.Independent(torch.distributions.Normal(mean[:BOUND], q_std), 1)).sum(-1)
    rule = product(hermite(POINTS), hermite(POINTS))
    z = mean[:BOUND, None] + q_std[:, None] * torch.tensor(rule.points)  # (60, 36, 2)
    logits = decoder(z.flatten(0, 1)).unflatten(0, z.shape[:2])
    log_px_z = Bernoulli()(logits).log_prob(some[:, None].expand(logits.shape))
    distortion = -(log_px_z @ torch.tensor(np.exp(rule.log_weights)))
    return {
        "codes": mean.numpy(),
        "manifold": torch.sigmoid(decoder(torch.tensor(manifold_points()))).numpy(),
        "distortion": float(distortion.mean()),
        "rate": float(rate.mean()),
    }


def manifold_points() -> np.ndarray:
    """The z of the manifold, (144, 2): normal quantiles of (i + 1/2) / 12.

    z1 to the right, z2 upwards, top row first.
    """
    at = normal_quantile((np.arange(SIDE) + 0.5) / SIDE)
    return np.array([(z1, z2) for z2 in at[::-1] for z1 in at])


# ---------------------------------------------------------------- the picture


def _curves(axes, figure, n):
    if figure.losses:
        axes.plot(
            range(1, len(figure.losses) + 1),
            figure.losses,
            color=colour("data"),
            lw=1.4,
            label="training loss (fresh binarisation)",
        )
    axes.plot(
        figure.epochs, figure.curve, "o--", color=colour("elbo"), ms=4, lw=1.2, label=f"−ELBO of {BOUND} test images"
    )
    axes.axvline(n["epoch"], color=colour("ink"), lw=1)
    low = min([*figure.curve, *figure.losses])
    axes.set(xlabel="epoch", ylabel="nats per image", ylim=(low - 4, low + 60), xlim=(-0.3, max(figure.epochs) + 0.3))
    axes.set_xticks(figure.epochs)
    axes.legend(fontsize=9, frameon=False)
    title = f"distortion {n['distortion']:.1f} + rate {n['rate']:.1f} = −ELBO {n['negative_elbo']:.1f} nats per image"
    axes.set_title(title, fontsize=10, loc="left", color=colour("elbo"))
