"""Live figure 2: KL(p_data || p_theta) + E_data[log p_theta] = -H(p_data), two bars that mirror each other."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from matplotlib.figure import Figure

from .. import counter
from ..densities import kl_normal_diag, log_normal
from ..mixture import GaussianMixture
from ..plots.palette import colour
from ..quadrature import line
from ..refine import refine
from .base import LiveFigure
from .costs import cost_bar
from .state import found, number, one_of, size, whole

__all__ = ["KlFigure"]

SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
SEEDS = 1000
DATA = {
    "two": GaussianMixture.spherical([0.6, 0.4], [[-1.5], [1.7]], [0.7, 0.5]),
    "one": GaussianMixture.spherical([1.0], [[0.5]], 1.2),
}
NAMES = {"two": "two hills", "one": "one hill"}
WIDE = line(-45, 45, 4501)  # not the grid of js/engine/kl.js: both are fine enough for the last digits
STRIDE, STEPS = 0.1, 400  # of the way downhill: too short to leap into another valley
STREAM = 2  # of the counter: other figures draw from others


class KlFigure(LiveFigure):
    """A toy data density, and one Gaussian as its model, which the reader shapes.

    Traits (set from Python, or by the reader): data ("two": 0.6 N(-1.5, 0.7^2) + 0.4 N(1.7, 0.5^2), "one":
    N(0.5, 1.2^2)), direction ("forward": KL(p_data || p_theta), or "reverse"), mean and std of the model, n (how many
    draws of the data density are averaged, one of 1, 2, 5, ... 1000), seed (which draws), and wrong (a mistake in what
    the figure then claims).
    Read back, in nats: kl (of the direction), expected = E_data[log p_theta], average (of log p_theta over the draws).
    Raises TypeError for a trait that it does not have, ValueError for a value that one cannot have.
    """

    name = "kl"
    heights = (1160, 1003)

    data = one_of("two", tuple(DATA), link="d", codes="to", help="the data density: two or one (hills)")
    direction = one_of(
        "forward", ("forward", "reverse"), link="k", codes="fr", help="forward: KL(p_data || p_theta); or reverse"
    )
    mean = number(0.6, -4, 4, link="m", home=0, help="mean of the model")
    std = number(1.0, 0.2, 3, link="s", home=1, help="standard deviation of the model")
    n = size(20, SIZES, link="n", help="how many draws")
    seed = whole(1, 0, SEEDS - 1, link="r", help="which draws")
    wrong = one_of(
        "none",
        ("none", "normaliser", "sign", "average"),
        link="w",
        codes="0nsa",
        help="what goes wrong: the Gaussian's normaliser is dropped, the KL has the wrong sign, log of the average",
    )
    kl = found("the KL of the direction, nats")
    expected = found("E_data[log p_theta], nats")
    average = found("average of log p_theta over the draws, nats")

    @property
    def draws(self) -> np.ndarray:
        """The draws of the data density that the average runs over, (n,)."""
        return _draws(self.data, self.seed, self.n)

    def numbers(self) -> dict:
        """All quantities of the current state, in nats: the Python twin of `numbers` in js/engine/kl.js."""
        log_p, entropy = _on_grid(self.data)
        log_q = log_normal(WIDE.points[:, 0], self.mean, self.std)
        forward = np.exp(log_p + WIDE.log_weights) @ (log_p - log_q)
        reverse = np.exp(log_q + WIDE.log_weights) @ (log_q - log_p)
        centre, spread = _moments(self.data)
        at_mean = float(log_normal(centre, self.mean, self.std))
        expected = at_mean - 0.5 * (spread / self.std) ** 2
        average = float(log_normal(self.draws, self.mean, self.std).mean())
        spread_of_log = np.exp(log_p + WIDE.log_weights) @ (log_q - expected) ** 2
        kl, wide, away = forward if self.direction == "forward" else reverse, self.std / spread, abs(self.mean - centre)
        claimed_expected = {
            "normaliser": expected + math.log(self.std) + 0.5 * math.log(2 * math.pi),
            "average": float(np.log(np.exp(log_p + WIDE.log_weights) @ np.exp(log_q))),
        }.get(self.wrong, expected)
        sign = -1 if self.wrong == "sign" else 1
        found = {
            "kl_forward": forward,
            "kl_reverse": reverse,
            "expected": expected,
            "entropy": entropy,
            "average": average,
            "kl": kl,
            "wobble": average - expected,
            "error": math.sqrt(spread_of_log / self.n),
            "mean": self.mean,
            "std": self.std,
            "wide": wide,
            "away": away,
            "cost_width": math.log(wide) + 0.5 / wide**2 - 0.5,
            "cost_place": 0.5 * (away / self.std) ** 2,
            "claimed_kl": sign * kl,
            "claimed_expected": claimed_expected,
            "off": sign * forward + claimed_expected + entropy,
        }
        return {
            "data": self.data,
            "direction": self.direction,
            "wrong": self.wrong,
            "n": self.n,
            "seed": self.seed,
            **{key: float(value) for key, value in found.items()},
        }

    @classmethod
    def broken(cls, numbers: dict) -> list[str]:
        """What must hold in every state: the sum, the signs, zero only when equal, what N draws do to the sum.

        Raises TypeError or ValueError where numbers cannot be right.
        """
        n = numbers
        least = _least_forward(n["data"])
        rules = {
            "KL(p_data || p_theta) + E_data[log p_theta] = -H(p_data)": abs(
                n["kl_forward"] + n["expected"] + n["entropy"]
            )
            < 1e-6,
            "no KL is negative": min(n["kl_forward"], n["kl_reverse"]) > -1e-9,
            "no Gaussian has a smaller forward KL than the one with the data's moments": n["kl_forward"] > least - 1e-9,
            "the N-sample sum is off by average - expectation": abs(
                n["kl_forward"] + n["average"] + n["entropy"] - n["wobble"]
            )
            < 1e-6,
            "what the model costs over the best Gaussian is its width and its place": abs(
                n["kl_forward"] - least - n["cost_width"] - n["cost_place"]
            )
            < 1e-6,
            "what is claimed is off by what the mistake says": {
                "none": abs(n["off"]) < 1e-6,
                "normaliser": abs(n["off"] - math.log(n["std"]) - 0.5 * math.log(2 * math.pi)) < 1e-6,
                "sign": abs(n["off"] + 2 * n["kl_forward"]) < 1e-6,
                "average": n["off"] > -1e-9,
            }[n["wrong"]],
            "the KL shown is that of the direction": n["kl"]
            == n["kl_forward" if n["direction"] == "forward" else "kl_reverse"],
        }
        if n["data"] == "one":
            same = [[n["mean"]], [n["std"]], [0.5], [1.2]]
            closed = float(kl_normal_diag(*same[2:], *same[:2])), float(kl_normal_diag(*same))
            rules["between Gaussians both KLs have their closed forms"] = (
                abs(n["kl_forward"] - closed[0]) + abs(n["kl_reverse"] - closed[1]) < 1e-6
            )
            distance = abs(n["mean"] - 0.5) + abs(n["std"] - 1.2)
            rules["zero only when equal"] = max(n["kl_forward"], n["kl_reverse"]) > (distance / 10) ** 2 - 1e-9
        return [rule for rule, holds in rules.items() if not holds]

    def fit(self) -> KlFigure:
        """Move the model to where the KL of the direction is least; returns self.

        Forward: the moments of the data. Reverse: the *local* minimum downhill of where the model stands.
        """
        centre, spread = _moments(self.data)
        if self.direction == "forward":
            return self._to(centre, spread)
        bounds, log_p = self.bounds(), _on_grid(self.data)[0]
        within = bounds["mean"], bounds["std"]
        top = refine(log_p, WIDE, [self.mean], [self.std], stride=STRIDE, steps=STEPS, within=within)[-1]
        return self._to(top.mean[0], np.exp(top.log_std[0]))

    def fit_draws(self) -> KlFigure:
        """Move the model to the mean and standard deviation of the draws: maximum likelihood on them; returns self."""
        return self._to(self.draws.mean(), self.draws.std())

    def _to(self, mean, std):
        with self.hold_sync():
            bounds = self.bounds()
            self.mean, self.std = float(np.clip(mean, *bounds["mean"])), float(np.clip(std, *bounds["std"]))
        return self

    # ---- static

    @property
    def alt(self) -> str:
        """A sentence with the numbers of the current state."""
        n = self.numbers()
        which = "from data to model" if self.direction == "forward" else "from model to data"
        return (
            f"A data density with {NAMES[self.data]} and a Gaussian model, mean {self.mean:.2f}, standard deviation "
            f"{self.std:.2f}: the KL {which} is {abs(n['kl']):.3f} nats, the expected log-likelihood "
            f"{n['expected']:.3f}, and {self.n} draws average {n['average']:.3f}."
        )

    def picture(self) -> Figure:
        """Densities above, the integrand of the KL below, and the two bars: the live figure's picture of the state."""
        n = self.numbers()
        x = np.linspace(-6, 6, 721)
        figure = Figure(figsize=(7.2, 5.8), layout="constrained")
        upper, lower, bars = figure.subplots(3, 1, height_ratios=[4, 3, 2.2])
        title = (
            "What the model gains in log-likelihood, the KL loses"
            if self.direction == "forward"
            else "The reverse KL: nothing holds the sum in place"
        )
        figure.suptitle(title, x=0.02, ha="left", weight="bold")
        _densities(upper, x, self)
        _integrand(lower, x, self, n)
        _bars(bars, self, n)
        for axes in (upper, lower, bars):
            axes.spines[["top", "right"]].set_visible(False)
            axes.tick_params(labelsize=9, colors=colour("muted"))
        bars.spines["left"].set_visible(False)
        return figure


# ---------------------------------------------------------------- the data density


@cache
def _on_grid(data):
    """log p_data on the wide grid, and its entropy."""
    log_p = DATA[data].evidence(WIDE.points)
    return log_p, float(-np.exp(log_p + WIDE.log_weights) @ log_p)


@cache
def _moments(data):
    """Mean and standard deviation of a data density."""
    weights, means, variances = DATA[data].weights, DATA[data].means[:, 0], DATA[data].covariances[:, 0, 0]
    mean = weights @ means
    return float(mean), math.sqrt(weights @ (variances + (means - mean) ** 2))


@cache
def _least_forward(data):
    """The smallest forward KL that a Gaussian reaches: 1/2 log(2 pi e s^2) - H(p_data), at the moments of the data."""
    return 0.5 * math.log(2 * math.pi * math.e * _moments(data)[1] ** 2) - _on_grid(data)[1]


def _draws(data, seed, n):
    """n draws: of draw i one uniform chooses the component, the other becomes a normal.

    `draws` in js/engine/kl.js has the same.
    """
    u, mixture = counter.uniforms(seed, np.arange(n), STREAM), DATA[data]
    component = np.minimum(np.searchsorted(np.cumsum(mixture.weights), u[:, 0], side="right"), len(mixture.weights) - 1)
    std = np.sqrt(mixture.covariances[component, 0, 0])
    return mixture.means[component, 0] + std * counter.normal_quantile(u[:, 1])


# ---------------------------------------------------------------- the picture


def _densities(axes, x, figure):
    p = np.exp(DATA[figure.data].evidence(x[:, None]))
    q = np.exp(log_normal(x, figure.mean, figure.std))
    axes.fill_between(x, p, color=colour("data"), alpha=0.22, lw=0)
    axes.plot(x, p, color=colour("data"), lw=1.6, label="data density")
    axes.plot(x, q, color=colour("model"), lw=2.4, label=f"model N({figure.mean:.2f}, {figure.std:.2f}²)")
    axes.plot(
        figure.draws,
        np.full(figure.n, -0.03),
        "|",
        ms=9,
        color=colour("data"),
        label=f"{figure.n} draws",
        clip_on=False,
        alpha=1 if figure.n <= 100 else 0.3,
    )
    axes.set(xlim=(-6, 6), ylim=(-0.06, max(0.55, 1.1 * q.max())), ylabel="density")
    axes.tick_params(labelbottom=False)
    axes.legend(fontsize=9, frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0, 0.98), borderaxespad=0)


def _integrand(axes, x, figure, n):
    log_p, log_q = DATA[figure.data].evidence(x[:, None]), log_normal(x, figure.mean, figure.std)
    first, second = (log_p, log_q) if figure.direction == "forward" else (log_q, log_p)
    values = np.exp(first) * (first - second)
    axes.fill_between(x, np.maximum(values, 0), color=colour("gap"), alpha=0.3, lw=0)
    axes.fill_between(x, np.minimum(values, 0), fc="white", ec=colour("gap"), hatch="////", lw=0)
    axes.plot(x, values, color=colour("gap"), lw=1.6)
    axes.axhline(0, color=colour("muted"), lw=0.8)
    name = "p_data log(p_data / p_θ)" if figure.direction == "forward" else "p_θ log(p_θ / p_data)"
    axes.set(xlim=(-6, 6), xlabel="x", ylabel="nats per unit of x")
    axes.set_title(
        f"{name}: area above zero − area below = KL = {abs(n['kl']):.3f} nats",
        fontsize=10,
        loc="left",
        color=colour("gap"),
    )


def _bars(axes, figure, n):
    """Costs from 0 nats to the left: up to the sum solid, from there the KL hatched, as in js/figures/kl/bars.js."""
    rows = {"expected": n["expected"], f"N = {figure.n}": n["average"]}
    for row, value in enumerate(rows.values()):
        cost_bar(axes, -row, value, value + n["kl"], solid="data", ink="evidence")
    axes.axvline(-n["entropy"], color=colour("data"), lw=2.5)
    text = f"−H(p_data) = {-n['entropy']:.3f} nats;  with N = {figure.n} draws the sum is off by {n['wobble']:+.3f}"
    axes.set_title(text.replace("-", "−"), fontsize=10, loc="left", color=colour("ink"), weight="bold")
    axes.set(
        ylim=(-1.5, 0.5),
        yticks=[0, -1],
        yticklabels=list(rows),
        xlabel="nats, from 0: the sum solid, the KL hatched, the log-likelihood at the end",
    )
