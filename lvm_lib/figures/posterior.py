"""Live figure 6: the true posterior of a two-dimensional VAE on a grid, against the encoder's ellipse."""

from __future__ import annotations

import json

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from .. import plots
from ..plots.palette import colour
from .drawing import SIDE, written
from .one_posterior import COARSE, HALF, OnePosteriorFigure, contours, ellipse, posterior_of, posterior_of_drawn
from .state import found, text, whole

__all__ = ["TruePosteriorFigure"]

STEPS = 30  # refinement steps that a reader may take
MISSING = 15  # nats below log p(x), where the axis of the bar ends


COARSE_WORDS = (
    " The grid is coarse: its {points} points stand {spacing:.2g} posterior standard deviations apart, so these "
    "numbers are those of the grid, not of the integrals."
)


class TruePosteriorFigure(OnePosteriorFigure):
    """p(z | x) of a VAE by quadrature with its decoder, the encoder's q, and what refining q for this one x gains.

    vae: a VAE with two latent dimensions, 784 binary pixels, a Bernoulli likelihood, layers that a page can run; None:
        the small one that comes with the library.
    images: black and white images (k, 784) or (k, 28, 28), k <= 20, between which the reader chooses; None: the first
        stored test image of each class. names: what each is called. data: "digits" or "clothing": whose test images.
    precision: of the weights in the page, "mixed", "int8" or "float16", as lvm_lib.figures.network explains.
    Each image gets its grid when the figure is made: it holds all within 18 nats of the posterior's peak and 5.5
    standard deviations of q, its spacing is at most 0.4 posterior standard deviations; how much log p(x) moves when
    every second point is left out is among the numbers. Where that takes more than 6,400 points, the spacing grows
    until 6,400 do; beyond half a posterior standard deviation the grid is `coarse`, and the figure says so. An image
    that a reader draws gets its grid in the page by the same search, with at most 20,000 points; FigureError where
    they are too few.

    Traits (set from Python, or by the reader): digit (which image), drawn (a black and white image that stands in its
    place, as text, see `drawing`; "" where the given one stands), step (refinement steps, 0 to 30: natural-gradient
    steps on the ELBO over that grid, which start at the encoder's q and are taken only if the ELBO rises).
    Read back, in nats: evidence, amortised, refined, best (of two searches for the best q of the family).
    """

    name = "posterior"
    heights = (1140, 815)

    digit = whole(0, 0, lambda figure: len(figure.grids) - 1, link="d", help="which image")
    drawn = text("", read=lambda figure, value: figure._resolved(value), link="x", help="a drawn image in its place")
    step = whole(0, 0, STEPS, link="k", home=0, leap=5, help="refinement steps")
    evidence = found("log p(x), nats")
    amortised = found("ELBO of the encoder's q, nats")
    refined = found("ELBO after the steps, nats")
    best = found("the largest ELBO found, nats")

    @property
    def q(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of q after the steps, each (2,)."""
        mean, log_std, _ = self._path[min(self.step, len(self._path) - 1)]
        return mean, np.exp(log_std)

    @property
    def drawing(self) -> np.ndarray:
        """The black and white image whose posterior is shown, (28, 28), of 0 and 1; set, it is drawn."""
        return self._posterior.x.reshape(SIDE, SIDE)

    @drawing.setter
    def drawing(self, image: ArrayLike) -> None:
        self.drawn = written(image)

    @property
    def _posterior(self):
        if self.drawn:
            return posterior_of_drawn(json.dumps(self.nets), self.weights, self.drawn)
        return posterior_of(json.dumps(self.nets), self.weights, self.pixels, json.dumps(self.grids), self.digit)

    @property
    def _path(self):
        return self._posterior.path

    def numbers(self) -> dict:
        """All numbers of the current state: the Python twin of `numbers` in js/engine/posterior.js."""
        p, (mean, std) = self._posterior, self.q
        taken = min(self.step, len(p.path) - 1)
        refined, before = p.path[taken].elbo, p.path[max(taken - 1, 0)].elbo
        found = {
            "evidence": p.evidence,
            "amortised": p.path[0].elbo,
            "before": before,
            "refined": refined,
            "best": p.best,
            "kl": p.kl(mean, np.log(std)),
            "mean1": mean[0],
            "mean2": mean[1],
            "std1": std[0],
            "std2": std[1],
            "posterior_mean1": p.mean[0],
            "posterior_mean2": p.mean[1],
            "posterior_std1": p.std[0],
            "posterior_std2": p.std[1],
            "spacing": p.spacing,
            "halving": p.halving,
        }
        return {
            "digit": self.digit,
            "drawn": self.drawn,
            "step": self.step,
            "taken": taken,
            "points": len(p.grid),
            "coarse": p.coarse,
            **{key: float(value) for key, value in found.items()},
        }

    @classmethod
    def broken(cls, numbers: dict) -> list[str]:
        """What must hold in every state: the chain of bounds, the gap as a KL, steps that never fall, a fine grid."""
        n = numbers
        rules = {
            "log p(x) >= best ELBO found": n["evidence"] >= n["best"] - 1e-9,
            "best ELBO found >= refined ELBO": n["best"] >= n["refined"] - 1e-9,
            "refined ELBO >= amortised ELBO": n["refined"] >= n["amortised"] - 1e-12,
            "no step lowers the ELBO": n["refined"] >= n["before"] - 1e-12,
            "refined ELBO + KL = log p(x)": abs(n["refined"] + n["kl"] - n["evidence"])
            < 1e-6 + 1e-12 * abs(n["refined"]),
            "the grid's spacing is at most half the posterior's standard deviation, or it is called coarse": n["coarse"]
            or n["spacing"] <= HALF,
            "a grid of twice the spacing finds the same log p(x), or it is called coarse": n["coarse"]
            or abs(n["halving"]) < COARSE,
            "no more steps were taken than asked for": n["taken"] <= n["step"],
        }
        return [rule for rule, holds in rules.items() if not holds]

    def _resolved(self, drawn):
        """`drawn`, "" or an image as text; raises FigureError if no grid resolves its posterior."""
        if drawn:
            posterior_of_drawn(json.dumps(self.nets), self.weights, drawn)
        return drawn

    # ---- static

    @property
    def _called(self) -> str:
        return "a drawn image" if self.drawn else f"a {self.labels[self.digit]}"

    @property
    def alt(self) -> str:
        """A sentence with the numbers of the current state."""
        n = self.numbers()
        return (
            f"The true posterior of z for {self._called}, as contours, and q as an ellipse after "
            f"{n['taken']} refinement steps. log p(x) = {n['evidence']:.2f} nats, the ELBO of the encoder’s q is "
            f"{n['amortised']:.2f}, that of the refined q {n['refined']:.2f}, the best found {n['best']:.2f}."
            + COARSE_WORDS.format(**n)
            * n["coarse"]
        )

    def picture(self) -> Figure:
        """Contours and ellipses on the left, the image on the right, the chain of bounds below."""
        n, p = self.numbers(), self._posterior
        figure = Figure(figsize=(7.2, 5.4), layout="constrained")
        parts = figure.subplot_mosaic([["plane", "x"], ["bar", "bar"]], height_ratios=[5, 1.2], width_ratios=[2.2, 1])
        title = "The encoder’s ellipse, the true posterior, and what refining gains"
        figure.suptitle(title, x=0.02, ha="left", weight="bold")
        _plane(parts["plane"], p, self.q)
        plots.images(parts["x"], self.drawing[None], columns=1, high=1.0)
        parts["x"].set_title(f"x: {self._called}", fontsize=10, loc="left")
        _bar(parts["bar"], n)
        return figure


# ---------------------------------------------------------------- the picture


def _plane(axes, p, q):
    z1, z2 = (own.points[:, 0] for own in p.lines)
    contours(axes, p, colour("posterior"))
    guess = p.path[0].mean, np.exp(p.path[0].log_std)
    for (mean, std), style, name in ((guess, "--", "encoder’s q"), (q, "-", "refined q")):
        ellipse(axes, mean, std, shade=colour("q"), style=style, name=name)
    axes.plot([], [], color=colour("posterior"), label="p(z | x)")
    axes.set(xlim=(z1[0], z1[-1]), ylim=(z2[0], z2[-1]), xlabel="z₁", ylabel="z₂")
    axes.legend(fontsize=9, frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0, 0.98), borderaxespad=0)


def _bar(axes, n):
    """What is missing below log p(x), from 0: the twin of js/figures/posterior/bar.js."""
    missing = {key: n["evidence"] - n[key] for key in ("best", "refined", "amortised")}
    parts = (
        ("approximation", 0.0, missing["best"], "gap", "xxxx"),
        ("amortisation left", missing["best"], missing["refined"], "q", "////"),
        ("won by refining", missing["refined"], missing["amortised"], "elbo", None),
    )
    for name, low, high, quantity, hatch in parts:
        axes.barh(
            0,
            high - low,
            left=low,
            height=0.7,
            fc="white" if hatch else colour(quantity),
            ec=colour(quantity),
            hatch=hatch,
            lw=1 if high > low else 0,
            label=f"{name} {high - low:.2f}",
        )
    axes.axvline(0, color=colour("evidence"), lw=2.5, clip_on=False)
    if missing["amortised"] > MISSING:
        axes.plot(MISSING, 0, marker=">", color=colour("ink"), clip_on=False)
    axes.set(yticks=[], xlim=(0, MISSING), ylim=(-0.6, 0.6), xlabel="nats below log p(x)")
    title = f"log p(x) = {n['evidence']:.2f}, encoder’s ELBO {n['amortised']:.2f} nats".replace("-", "−")
    axes.set_title(title, fontsize=10, loc="left")
    axes.legend(fontsize=9, frameon=False, ncols=3, loc="upper left", bbox_to_anchor=(0, -0.6))
    axes.spines[["top", "right", "left"]].set_visible(False)
