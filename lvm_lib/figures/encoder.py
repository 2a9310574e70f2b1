"""Live figure 12: the reader as the encoder. A Gaussian q by hand, then what it, the network and the family miss."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .. import plots
from .._checks import describe
from ..densities import LOG_2PI
from ..plots.palette import colour
from ..quadrature import hermite, product
from ..refine import Refined, elbo_and_slopes
from .drawing import SIDE
from .one_posterior import OnePosteriorFigure, OnGrid, contours, decoder_of, ellipse, log_joint_of, posterior_of
from .state import FigureError, found, number, text, whole

__all__ = ["BeTheEncoderFigure"]

ROUND = 5  # digits
CLASSES = (3, 7, 5, 2, 4)  # of the digits where no images are given: the first test image of each
RULE = product(*[hermite(5)] * 2)  # against N(0, I), 5 x 5 points
HELD = 4.5  # standard deviations of q that the posterior's grid must hold, to answer for q
WIDEST = 1.5  # standard deviations of q between two of its points
MASKED = ("evidence", "amortised", "best", "yours_short", "network_short", "family_short")  # until the reader reveals
ANSWER = re.compile(r"\d{1,2}(,-?\d(\.\d{1,4})?){4}", re.ASCII)  # an image, and four numbers of q
AXIS = 15.0  # nats, of the bar of gaps


class Terms(NamedTuple):
    """What a q is worth, nats; exact: whether the posterior's grid answers for it."""

    reconstruction: float
    rate: float
    elbo: float
    exact: bool


class BeTheEncoderFigure(OnePosteriorFigure):
    """A round of five images: for each the reader gives q(z | x), as the encoder does, and then sees what it misses.

    vae: a VAE with two latent dimensions, 784 binary pixels, a Bernoulli likelihood, layers that a page can run; None:
        the small one that comes with the library.
    images: black and white images (k, 784) or (k, 28, 28), k <= 20, between which the reader chooses; None: five of the
        stored test images. names: what each is called. data: "digits" or "clothing": whose test images.
    precision: of the weights in the page, "mixed", "int8" or "float16", as lvm_lib.figures.network explains.

    q is of the encoder's family: N(mean, diag(std^2)), four numbers. Its ELBO is computed on the grid of the image's
    posterior, as `TruePosteriorFigure` describes it, where that grid holds q to 4.5 standard deviations and has points
    at most 1.5 standard deviations apart; there log p(x) >= ELBO is exact. Elsewhere, many nats below the best, it
    comes from a Gauss-Hermite rule of 5 x 5 points, and is called approximate.

    Traits (set from Python, or by the reader): digit (which image), mean1, mean2, log_std1, log_std2 (of q), zoom (of
    the plane, powers of two), answers (the q's given so far, see `reveal`).
    Read back, in nats: reconstruction, rate, elbo of q; score and network: by how much the answers, and the encoder for
    the same images, stayed below the best diagonal Gaussian, summed.
    Raises FigureError, TypeError or ValueError where an argument cannot be right.
    """

    name = "encoder"
    heights = (1180, 900)
    classes = CLASSES

    digit = whole(0, 0, lambda figure: len(figure.grids) - 1, link="d", help="which image")
    mean1 = number(0.0, -4, 4, link="m", home=0, help="first coordinate of q's mean")
    mean2 = number(0.0, -4, 4, link="n", home=0, help="second coordinate of q's mean")
    log_std1 = number(-1.0, -4, 1, link="s", home=-1, help="log standard deviation of q along the first axis")
    log_std2 = number(-1.0, -4, 1, link="t", home=-1, help="log standard deviation of q along the second axis")
    zoom = whole(0, 0, 4, link="v", home=0, leap=2, help="how often the plane's window is halved")
    answers = text("", read=lambda figure, value: figure._sound(value), link="a", help="what was revealed, as text")
    reconstruction = found("E_q[log p(x | z)], nats")
    rate = found("KL(q || p(z)), nats")
    elbo = found("ELBO(q), nats")
    score = found("nats by which the answers missed the best Gaussians, summed")
    network = found("nats by which the encoder missed them on the same images, summed")

    @property
    def q(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of the reader's q, each (2,)."""
        return np.array([self.mean1, self.mean2]), np.exp([self.log_std1, self.log_std2])

    @property
    def encoder_q(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of the encoder's q for this image, each (2,)."""
        start = self._posterior(self.digit).path[0]
        return start.mean, np.exp(start.log_std)

    @property
    def best_q(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of the best diagonal Gaussian that was found, each (2,)."""
        best = self._best(self.digit)
        return best.mean, np.exp(best.log_std)

    @property
    def revealed(self) -> bool:
        """Whether this image has been answered."""
        return self.digit in self._answered

    def reveal(self) -> None:
        """Answer this image with the q that stands now, and see the truth. What has been answered stays answered."""
        if self.revealed:
            return
        given = ",".join(f"{value:.4f}" for value in (self.mean1, self.mean2, self.log_std1, self.log_std2))
        self.answers = "_".join(filter(None, [self.answers, f"{self.digit},{given}"]))

    def numbers(self) -> dict:
        """All numbers of the current state: the Python twin of `numbers` in js/engine/encoder.js."""
        now = self._terms(self.digit, *self.q)
        p, best = self._posterior(self.digit), self._best(self.digit).elbo
        truth = (p.evidence, p.path[0].elbo, best, best - now.elbo, best - p.path[0].elbo, p.evidence - best)
        score = network = 0.0
        for digit, (mean, std) in self._answered.items():
            top = self._best(digit).elbo
            score += top - self._terms(digit, mean, std).elbo
            network += top - self._posterior(digit).path[0].elbo
        return {
            **{key: getattr(self, key) for key in self.state},
            **now._asdict(),
            "coarse": p.coarse,
            "revealed": self.revealed,
            **{key: float(value) if self.revealed else None for key, value in zip(MASKED, truth, strict=True)},
            "answered": len(self._answered),
            "score": float(score),
            "network": float(network),
        }

    @classmethod
    def broken(cls, numbers: dict) -> list[str]:
        """What must hold in every state: the sum of the terms; once revealed, the chain of bounds and the gaps."""
        n = numbers
        rules = {
            "reconstruction - rate = ELBO": abs(n["reconstruction"] - n["rate"] - n["elbo"])
            < 1e-9 * max(1, abs(n["elbo"])),
            "the rate is a KL": n["rate"] >= -1e-12,
            "nothing of the truth is told before it is revealed": n["revealed"]
            or all(n[key] is None for key in MASKED),
            "at most a round of answers": n["answered"] <= ROUND,
        }
        if n["revealed"]:
            rules |= {
                "log p(x) >= best ELBO found": n["evidence"] >= n["best"] - 1e-9,
                "best ELBO found >= yours": n["best"] >= n["elbo"] - 1e-4,
                "best ELBO found >= the encoder's": n["best"] >= n["amortised"] - 1e-9,
                "the gaps add up": abs(n["elbo"] + n["yours_short"] + n["family_short"] - n["evidence"])
                < 1e-9 * max(1, abs(n["elbo"]))
                and abs(n["amortised"] + n["network_short"] + n["family_short"] - n["evidence"])
                < 1e-9 * max(1, abs(n["evidence"])),
                "the score counts no gain over the best": n["score"] >= -1e-4 * n["answered"] and n["network"] >= -1e-9,
            }
        return [rule for rule, holds in rules.items() if not holds]

    # ---- one image

    @property
    def _packed(self) -> tuple[str, bytes]:
        return json.dumps(self.nets), self.weights

    def _posterior(self, digit: int) -> OnGrid:
        return posterior_of(*self._packed, self.pixels, json.dumps(self.grids), digit)

    def _best(self, digit: int) -> Refined:
        """The best end of three climbs: from the encoder's q, the posterior's moments, and its peak."""
        return max(self._posterior(digit).all_ends, key=lambda end: end.elbo)

    def _terms(self, digit: int, mean: np.ndarray, std: np.ndarray) -> Terms:
        p = self._posterior(digit)
        rate = float((0.5 * (std**2 + mean**2 - 1) - np.log(std)).sum())
        ends = np.array([[own.points[0, 0], own.points[-1, 0]] for own in p.lines])  # (2, 2)
        steps = np.array([own.points[1, 0] - own.points[0, 0] for own in p.lines])
        held = (mean - HELD * std >= ends[:, 0]).all() and (mean + HELD * std <= ends[:, 1]).all()
        if held and (steps <= WIDEST * std).all():
            elbo = elbo_and_slopes(p.log_joint, p.grid, mean, np.log(std))[0]
            return Terms(elbo + rate, rate, elbo, True)
        z = mean + std * RULE.points
        log_px = log_joint_of(*self._packed, p.x)(z) + 0.5 * (z**2).sum(1) + LOG_2PI
        reconstruction = float(np.exp(RULE.log_weights) @ log_px)
        return Terms(reconstruction, rate, reconstruction - rate, False)

    @property
    def _answered(self) -> dict[int, tuple[np.ndarray, np.ndarray]]:
        """Image -> mean and standard deviation that it was answered with."""
        parts = [part.split(",") for part in self.answers.split("_") if part]
        return {
            int(digit): (np.array([float(v) for v in rest[:2]]), np.exp([float(v) for v in rest[2:]]))
            for digit, *rest in parts
        }

    def _sound(self, value):
        """`value`, if it is a list of answers as `reveal` writes them; raises FigureError."""
        bounds = [self.traits()[name].bounds(self) for name in ("digit", "mean1", "mean2", "log_std1", "log_std2")]
        parts = value.split("_") if value else []
        sound = all(map(ANSWER.fullmatch, parts))
        rows = [[float(number_) for number_ in part.split(",")] for part in parts] if sound else []
        sound &= len({row[0] for row in rows}) == len(rows) <= ROUND
        sound &= all(low <= v <= high for row in rows for v, (low, high) in zip(row, bounds, strict=True))
        if not sound:
            raise FigureError(
                f"answers must be at most {ROUND} answers to different images, each an image and four numbers of q, "
                f'as in "0,0.5,-1.25,-2.3,-2.1", got {describe(value)}'
            )
        return value

    # ---- static

    @property
    def alt(self) -> str:
        """A sentence with the numbers of the current state."""
        n, (mean, std) = self.numbers(), self.q
        first = (
            f"A {self.labels[self.digit]}, and a plane of codes on which a Gaussian q stands: mean {mean[0]:.2f}, "
            f"{mean[1]:.2f}, standard deviations {std[0]:.2f} and {std[1]:.2f}, ELBO {n['elbo']:.1f} nats."
        )
        if not n["revealed"]:
            return first + " The true posterior is hidden until it is revealed."
        return first + (
            f" Revealed: the best Gaussian reaches {n['best']:.2f} of log p(x) = {n['evidence']:.2f} nats; this q is "
            f"{n['yours_short']:.2f} nats short of it, the encoder’s {n['network_short']:.2f}."
        )

    @torch.no_grad()
    def picture(self) -> Figure:
        """The image, the plane with q, what the centre of q decodes to; once revealed the posterior and the gaps."""
        n, p, mean = self.numbers(), self._posterior(self.digit), self.q[0]
        figure = Figure(figsize=(7.2, 4.6), layout="constrained")
        parts = figure.subplot_mosaic(
            [["x", "plane"], ["z", "plane"], ["bar", "bar"]], width_ratios=[1, 2.4], height_ratios=[2, 2, 1]
        )
        figure.suptitle("Can you beat the network? Shape q for this one image", x=0.02, ha="left", weight="bold")
        decoded = torch.sigmoid(decoder_of(*self._packed)(torch.tensor(mean)[None]))[0].numpy()
        for key, image, title in (("x", p.x, "x"), ("z", decoded, "what q’s centre decodes to")):
            plots.images(parts[key], image.reshape(1, SIDE, SIDE), columns=1, high=1.0)
            parts[key].set_title(title, fontsize=10, loc="left")
        self._plane(parts["plane"], n, p)
        _bar(parts["bar"], n)
        return figure

    def _plane(self, axes, n, p):
        mean, std = self.q
        half = 4 / 2**self.zoom
        centre = mean if self.zoom else np.zeros(2)
        if not n["revealed"]:
            axes.patch.set(facecolor=colour("panel"), hatch="///", edgecolor=colour("line"))  # a covered plane
        shown = [(mean, std, "-", "your q")]
        if n["revealed"]:
            contours(axes, p, colour("posterior"))
            shown += [(*self.encoder_q, "--", "encoder’s q"), (*self.best_q, ":", "best Gaussian")]
        for one, spread, style, name in shown:
            ellipse(axes, one, spread, shade=colour("q"), style=style, name=name)
        ends = [(v - half, v + half) for v in centre]
        axes.set(xlim=ends[0], ylim=ends[1], xlabel="z₁", ylabel="z₂", aspect="equal")
        axes.set_title("the plane of z" + ("" if n["revealed"] else ", the posterior covered"), fontsize=10, loc="left")


def _bar(axes, n):
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set(yticks=[], ylim=(-0.6, 0.6))
    if not n["revealed"]:
        for left, wide, quantity in ((0, -n["reconstruction"], "model"), (-n["reconstruction"], n["rate"], "q")):
            axes.add_patch(Rectangle((left, -0.35), wide, 0.7, fc=colour(quantity)))
        axes.set(xlim=(0, 400), xlabel="−ELBO = distortion + rate, nats")
        return
    lanes = (("family", "family_short", 0, 0.8, "gap"), ("you", "yours_short", 0.2, 0.35, "q"))
    family = n["family_short"]
    for name, key, y, tall, quantity in (*lanes, ("network", "network_short", -0.2, 0.35, "q")):
        left = 0 if name == "family" else family
        fill = (
            {"fc": "white", "ec": colour(quantity), "hatch": "////"} if name == "network" else {"fc": colour(quantity)}
        )
        axes.barh(y, n[key], left=left, height=tall, label=f"{name} {n[key]:.2f}", **fill)
    axes.set(xlim=(0, AXIS), xlabel="nats below log p(x)")
    axes.legend(fontsize=9, frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0, 0.98))
