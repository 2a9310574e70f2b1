"""An image, q(z | x) as an ellipse, z in the reader's hand, and what is decoded there: what two figures share.

`OnePlaneFigure` carries what `packed` makes: nets, codes of the test images, images to pick. js/engine/plane.js finds
the same numbers in the page.
"""

from __future__ import annotations

import json
import math
from functools import cached_property, lru_cache

import numpy as np
import torch
import traitlets
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Ellipse
from numpy.typing import ArrayLike
from torch import nn

from .. import data as images
from .. import plots
from .._checks import describe
from ..autoencoder import AE
from ..likelihoods import Bernoulli
from ..plots.numerals import numerals
from ..plots.palette import colour
from ..quadrature import hermite, product
from ..shipped import shipped_vae
from ..vae import VAE
from .base import LiveFigure
from .drawing import CENTRE, PIXELS, SIDE, read_image, written
from .network import pack_all, planar_vae, unpack
from .state import found, number, one_of, text, whole

__all__ = ["POINT", "REACH", "STEPS", "OnePlaneFigure", "checksum", "packed"]

REACH = 4.0  # of the plane, in standard deviations of the prior
STEPS = 40  # of a path
POINTS = 5  # of the Gauss-Hermite rule, per dimension
THIN = 1e-6  # the smallest variance of an autoencoder's codes that serves as a unit
NUMERAL = 4.5  # points, the height of a code in the still picture
PICKS = 6  # stored test images per class that a reader may pick
POINT = ("z1", "z2", "a1", "a2", "b1", "b2")


class OnePlaneFigure(LiveFigure):
    """A figure of nets over a plane, with an image and a handle on it; what it is called is its subclass's.

    vae, ae, data, precision: as for `packed`. Raises TypeError or ValueError where one of them cannot be right.
    """

    heights_with_ae = (1660, 1130)  # where an autoencoder stands beside the VAE
    carried = ("nets", "weights", "codes", "labels", "images", "names")

    nets: traitlets.List[dict] = traitlets.List(help="the nets: name, kind, layers").tag(sync=True)
    weights = traitlets.Bytes(help="their rounded weights").tag(sync=True)
    codes = traitlets.Bytes(help="codes of the test images, float32, (nets, n, 2)").tag(sync=True)
    labels = traitlets.Bytes(help="their classes, (n,)").tag(sync=True)
    images = traitlets.Bytes(help="images to pick, 98 bytes each, as many for each class").tag(sync=True)
    names: traitlets.List[str] = traitlets.List(help="names of the classes").tag(sync=True)

    room: traitlets.List[int] = traitlets.List(help="heights that the page keeps free, if not those of the class").tag(
        sync=True
    )

    net = one_of("", lambda figure: figure.vae_names, link="n", help="which VAE")
    x = text("", read=lambda _, value: written(read_image(value)), link="x", help="the image, 98 bytes in base64")
    follow = one_of(True, (False, True), link="f", help="z stands at the mean of q(z | x)")
    z1 = number(0.0, -REACH, REACH, link="z1", home=0, help="first coordinate of z")
    z2 = number(0.0, -REACH, REACH, link="z2", home=0, help="second coordinate of z")
    a1 = number(0.0, -REACH, REACH, link="a1", home=0, help="where the path begins")
    a2 = number(0.0, -REACH, REACH, link="a2", home=0, help="where the path begins")
    b1 = number(0.0, -REACH, REACH, link="b1", home=0, help="where the path ends")
    b2 = number(0.0, -REACH, REACH, link="b2", home=0, help="where the path ends")
    step = whole(0, 0, STEPS, link="t", home=0, leap=5, help="how far along the path")
    reconstruction = found("E_q log p(x | z), nats")
    kl = found("KL(q || prior), nats")
    elbo = found("the ELBO, nats")
    log_px_z = found("log p(x | z) at the handle, nats")

    def __init__(
        self,
        vae: VAE | dict[str, VAE] | None = None,
        ae: AE | None = None,
        *,
        data: str = "digits",
        precision: str = "mixed",
        **traits: object,
    ):
        self._known_traits(traits, "vae", "ae", "data", "precision")
        given: dict = {key: traits.pop(key) for key in self.carried if key in traits} or packed(
            vae, ae, data, precision
        )
        beside = any(net["kind"] == "ae" for net in given["nets"])
        room = list(self.heights_with_ae) if beside else []
        super().__init__(**{**given, "room": room, **_start(given), **traits})

    # ---- what it shows

    @property
    def z(self) -> np.ndarray:
        """Where the handle stands, (2,)."""
        mean = self._about()[0]
        return np.clip(mean, -REACH, REACH) if self.follow else np.array([self.z1, self.z2])

    @property
    def drawing(self) -> np.ndarray:
        """The black and white image that the encoder sees, (28, 28), of 0 and 1."""
        return read_image(self.x).reshape(SIDE, SIDE)

    @drawing.setter
    def drawing(self, image: ArrayLike) -> None:
        self.x = written(image)

    @property
    def q(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of q(z | x), each (2,)."""
        return self._about()[:2]

    @property
    def decoded(self) -> np.ndarray:
        """The mean of p(x | z) at the handle, (28, 28): a picture, no sample."""
        with torch.no_grad():
            return torch.sigmoid(self._modules[self.net][1](torch.tensor(self.z)[None]))[0].numpy().reshape(SIDE, SIDE)

    def numbers(self) -> dict:
        """All numbers of the current state, by torch in float64.

        The Python twin of `numbers` in js/engine/plane.js.
        """
        mean, std, reconstruction, kl = self._about()
        z, x, image = self.z, torch.tensor(self.drawing.ravel(), dtype=torch.float64), self.decoded.ravel()
        found = {
            "mean1": mean[0],
            "mean2": mean[1],
            "std1": std[0],
            "std2": std[1],
            "reconstruction": reconstruction,
            "kl": kl,
            "elbo": reconstruction - kl,
            "z1": z[0],
            "z2": z[1],
            "brightness": image.mean(),
            "checksum": checksum(image),
            "centre": image[CENTRE],
        }
        with torch.no_grad():
            logits = self._modules[self.net][1](torch.tensor(z)[None])
            found["log_px_z"] = Bernoulli()(logits).log_prob(x[None])[0]
            if self.ae_name is not None:
                encoder, decoder = self._modules[self.ae_name]
                code = encoder(x[None])
                found["ae_checksum"] = checksum(decoder(torch.tensor(z)[None])[0].numpy())
                found["ae_code1"], found["ae_code2"] = code[0]
                found["ae_error"] = ((x - decoder(code)[0]) ** 2).sum()
        path = {key: getattr(self, key) for key in POINT[2:]}
        return {
            "net": self.net,
            "x": self.x,
            "follow": self.follow,
            "step": self.step,
            **{key: float(value) for key, value in {**path, **found}.items()},
        }

    @classmethod
    def broken(cls, numbers: dict) -> list[str]:
        """What must hold in every state."""
        n = numbers
        closed = sum(0.5 * (n[f"std{i}"] ** 2 + n[f"mean{i}"] ** 2 - 1) - math.log(n[f"std{i}"]) for i in (1, 2))
        rules = {
            "the terms sum to the ELBO": abs(n["reconstruction"] - n["kl"] - n["elbo"]) < 1e-9,
            "KL to the prior is its closed form, and not negative": abs(n["kl"] - closed) < 1e-9 and n["kl"] >= 0,
            "log p(x | z) of binary pixels is a log mass": max(n["reconstruction"], n["log_px_z"], n["elbo"]) <= 0,
            "a mean of binary pixels lies in [0, 1]": 0 <= n["brightness"] <= 1 and 0 <= n["centre"] <= 1,
            "z stays on the plane": max(abs(n["z1"]), abs(n["z2"])) <= REACH,
            "z follows the mean of q if it is told to": not n["follow"]
            or all(abs(n[f"z{i}"] - min(max(n[f"mean{i}"], -REACH), REACH)) < 1e-9 for i in (1, 2)),
        }
        return [rule for rule, holds in rules.items() if not holds]

    @cached_property
    def _modules(self) -> dict[str, tuple[nn.Module, nn.Module]]:
        """name -> (encoder, decoder), with the rounded weights, in float64."""
        return _unpacked(json.dumps(self.nets), self.weights)

    @property
    def ae_name(self) -> str | None:
        """The name of the autoencoder, if there is one."""
        return next((net["name"] for net in self.nets if net["kind"] == "ae"), None)

    @property
    def vae_names(self) -> list[str]:
        """The names of the VAEs, between which the reader chooses."""
        return [net["name"] for net in self.nets if net["kind"] == "vae"]

    def _about(self):
        """Mean and std of q(z | x), reconstruction and KL in nats."""
        return _bound(json.dumps(self.nets), self.weights, self.net, self.x)

    # ---- static

    @property
    def alt(self) -> str:
        """A sentence with the numbers of the current state."""
        n = self.numbers()
        return (
            f"An image, the plane of z with the codes of {len(self.labels):,} test images, and the image decoded at "
            f"z = ({n['z1']:.2f}, {n['z2']:.2f}). q(z|x) has mean ({n['mean1']:.2f}, {n['mean2']:.2f}) and standard "
            f"deviations ({n['std1']:.2f}, {n['std2']:.2f}); reconstruction {n['reconstruction']:.2f} nats, "
            f"KL {n['kl']:.2f}, ELBO {n['elbo']:.2f}."
        )

    def picture(self) -> Figure:
        """Left the input, in the middle the plane, right what is decoded: the live figure's picture of the state."""
        n = self.numbers()
        figure = Figure(figsize=(7.2, 4.5), layout="constrained")
        left, middle, right = figure.subplots(1, 3, width_ratios=[1, 2.4, 1])
        for axes, image, title in ((left, self.drawing, "x"), (right, self.decoded, "mean of p(x | z)")):
            plots.images(axes, image[None], columns=1, high=1.0)
            axes.set(title=title)
        codes = np.frombuffer(self.codes, "<f4").reshape(len(self.nets), -1, 2)
        which = [net["name"] for net in self.nets].index(self.net)
        numerals(middle, codes[which], np.frombuffer(self.labels, np.uint8), size=NUMERAL)
        for radius in (1, 2, 3):
            middle.add_patch(Circle((0, 0), radius, fill=False, ls="--", color=colour("prior"), lw=1))
        middle.add_patch(
            Ellipse((n["mean1"], n["mean2"]), 4 * n["std1"], 4 * n["std2"], fill=False, lw=2, color=colour("q"))
        )
        middle.plot(n["z1"], n["z2"], "o", ms=7, color=colour("model"), mec=colour("ground"))
        middle.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), aspect="equal", xlabel="$z_1$", ylabel="$z_2$")
        figure.suptitle(
            f"ELBO {n['elbo']:.2f} = reconstruction {n['reconstruction']:.2f} - KL {n['kl']:.2f} nats".replace(
                "-", "−"
            ),
            fontsize=11,
        )
        return figure


# ---------------------------------------------------------------- from models to traits


def packed(vae: VAE | dict[str, VAE] | None, ae: AE | None, data: str, precision: str) -> dict:
    """The traits that do not change: nets and weights, the cloud of codes, and the images to pick.

    Raises TypeError or ValueError where an argument cannot be right.
    """
    vaes = _vaes(vae)
    stored = images.load(data)
    x = torch.tensor(images.flat(images.binarised(data)), dtype=torch.float32)
    parts, codes = {}, []
    for name, model in vaes.items():
        parts[f"{name} encoder"], parts[f"{name} decoder"] = model.encoder, model.decoder
        with torch.no_grad():
            codes.append(model.q(x).mean.double().numpy())
    if ae is not None:
        parts["ae encoder"], parts["ae decoder"], of_ae = _in_own_unit(ae, x)
        codes.append(of_ae)
    layers, weights = pack_all(parts, precision)
    nets = [
        {
            "name": name,
            "kind": "ae" if name == "ae" else "vae",
            "encoder": layers[f"{name} encoder"],
            "decoder": layers[f"{name} decoder"],
        }
        for name in [*vaes, *(["ae"] if ae is not None else [])]
    ]
    picks = _picks(next(iter(vaes.values())), x, stored.test_labels, len(stored.names))
    return {
        "nets": nets,
        "weights": weights,
        "codes": np.stack(codes).astype("<f4").tobytes(),
        "labels": stored.test_labels.astype(np.uint8).tobytes(),
        "names": list(stored.names),
        "images": np.packbits(x[picks].numpy().astype(np.uint8), axis=1).tobytes(),
    }


@torch.no_grad()
def _picks(vae, x, labels, classes) -> np.ndarray:
    """The first test images of each class, those that the VAE reconstructs best in front."""
    found = []
    for c in range(classes):
        first = np.flatnonzero(labels == c)[:PICKS]
        log_px_z = vae.log_px_z(x[first], vae.q(x[first]).mean)
        found.append(first[log_px_z.argsort(descending=True).numpy()])
    return np.concatenate(found)


def _vaes(vae) -> dict[str, VAE]:
    """Checked VAEs by name."""
    given = vae if isinstance(vae, dict) else {"vae": vae if vae is not None else shipped_vae()}
    for name, model in given.items():
        if not isinstance(name, str) or name == "ae":
            raise ValueError(f"vae must name each model by a text other than 'ae', got {name!r}")
        planar_vae(model)
    if not given:
        raise ValueError("vae must name at least one model, got none")
    return given


@torch.no_grad()
def _in_own_unit(ae, x):
    """The autoencoder with its codes in the unit of the Gaussian that fits them: encoder, decoder, codes (n, 2)."""
    if not isinstance(ae, AE):
        raise TypeError(f"ae must be an AE, got {describe(ae)}")
    codes = ae.encode(x).double()
    if codes.shape[1] != 2:
        raise ValueError(f"ae must have 2 latent dimensions, got {codes.shape[1]}")
    centre, covariance = codes.mean(0), torch.cov(codes.T)
    if torch.linalg.eigvalsh(covariance)[0] < THIN:  # codes on a line, or all in one point, have no unit across it
        covariance = covariance + THIN * torch.eye(2)
    factor = torch.linalg.cholesky(covariance)
    there, back = nn.Linear(2, 2), nn.Linear(2, 2)
    inverse = torch.linalg.inv(factor)
    for layer, gain, bias in ((there, inverse, -inverse @ centre), (back, factor, centre)):
        layer.weight.copy_(gain)
        layer.bias.copy_(bias)
    end = [nn.Sigmoid()] if ae.squash else []
    return (
        nn.Sequential(ae.encoder, there),
        nn.Sequential(back, ae.decoder, *end),
        ((codes - centre) @ inverse.T).numpy(),
    )


def _start(given: dict) -> dict:
    """The state in which a figure begins.

    The first image of class 3, and a path from the middle of class 1 to that of class 0.
    """
    codes = np.frombuffer(given["codes"], "<f4").reshape(len(given["nets"]), -1, 2)[0].astype(float)
    labels = np.frombuffer(given["labels"], np.uint8)
    middle = {c: np.clip(np.median(codes[labels == c], axis=0), -REACH, REACH).round(2) for c in (0, 1)}
    picks = np.frombuffer(given["images"], np.uint8).reshape(len(given["names"]), -1, PIXELS // 8)[3]
    (a1, a2), (b1, b2) = middle[1].tolist(), middle[0].tolist()
    return {
        "net": given["nets"][0]["name"],
        "x": written(np.unpackbits(picks[0])),
        "z1": a1,
        "z2": a2,
        "a1": a1,
        "a2": a2,
        "b1": b1,
        "b2": b2,
    }


# ---------------------------------------------------------------- arithmetic, on the rounded weights


@lru_cache(maxsize=8)
def _unpacked(nets: str, weights: bytes):
    return {
        net["name"]: tuple(unpack(net[part], weights).double() for part in ("encoder", "decoder"))
        for net in json.loads(nets)
    }


@lru_cache(maxsize=256)
def _bound(nets: str, weights: bytes, name: str, text: str):
    """q(z | x) and the ELBO's terms: mean (2,), std (2,), reconstruction by quadrature, KL in closed form."""
    encoder, decoder = _unpacked(nets, weights)[name]
    x = torch.tensor(read_image(text), dtype=torch.float64)
    with torch.no_grad():
        mean, log_std = encoder(x[None])[0].chunk(2)
        std = log_std.exp()
        grid = product(hermite(POINTS), hermite(POINTS))
        z = mean + std * torch.tensor(grid.points)
        log_px_z = Bernoulli()(decoder(z)).log_prob(x)
        reconstruction = float(torch.tensor(np.exp(grid.log_weights)) @ log_px_z)
        kl = float((0.5 * (std**2 + mean**2 - 1) - log_std).sum())
    return mean.numpy(), std.numpy(), reconstruction, kl


def checksum(pixels: np.ndarray) -> float:
    """One number that hangs on every pixel: sum of cos(d) times pixel d."""
    return float(np.cos(np.arange(PIXELS)) @ pixels)
