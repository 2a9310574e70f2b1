"""Live figure 4: the gradient of E_q[f(z)], through the sample and through the density.

One expectation, two variances.
"""

from __future__ import annotations

import math

import numpy as np
from matplotlib.figure import Figure

from .. import counter
from ..bounds import GaussianQ
from ..curve import QuadraticCurve
from ..densities import log_normal
from ..plots.palette import colour
from ..quadrature import line
from .base import LiveFigure
from .state import found, number, one_of, size, whole

__all__ = ["GradientFigure"]

SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
SEEDS = 100
FUNCTIONS = ("joint", "wave")
X, CURVE = 1.0, QuadraticCurve(slope=1.0, bend=0.6, std=0.7)  # of the toy decoder behind "joint"
WAVES = 6.0  # f(z) = cos(6 z)
WITHIN = 7  # standard errors: a test sweeps all seeds and sizes over the plane of q
STREAM = 4  # of the counter: other figures draw from others
LINE = line(-13, 13, 2001)  # not the grid of js/engine/gradient.js: both are fine enough for the last digits
EPS = LINE.points[:, 0]
WEIGHTS = np.exp(log_normal(EPS, 0.0, 1.0) + LINE.log_weights)


class GradientFigure(LiveFigure):
    """The gradient of E_q[f(z)] with respect to mean and log std of q = N(mean, std^2), estimated in two ways.

    Traits (set from Python, or by the reader): f ("joint": log p(x, z) of the toy curve x | z ~ N(z + 0.3 z^2, 0.7^2)
    at x = 1, or "wave": cos(6 z)), mean and std of q, n (how many samples, one of 1, 2, 5, ... 1000), seed (which), and
    baseline (whether the score function uses f - E_q[f] in place of f).
    Read back: ratio_mean and ratio_log_std, the variance of one score-function sample over that of one
    reparameterised sample, both exact.
    Raises TypeError for a trait that it does not have, ValueError for a value that one cannot have.
    """

    name = "gradient"
    heights = (976, 940)
    unit, absolute = "", 0.0

    f = one_of("joint", FUNCTIONS, link="f", codes="jw", help="joint: log p(x, z) of a toy curve; or wave: cos(6 z)")
    mean = number(-0.4, -2, 2, link="m", home=0, help="mean of q")
    std = number(0.6, 0.1, 1.5, link="s", home=0.6, help="standard deviation of q")
    n = size(1, SIZES, link="n", help="how many samples")
    seed = whole(1, 0, SEEDS - 1, link="r", help="which samples")
    baseline = one_of(False, (False, True), link="b", help="score function: f - E_q[f] in place of f")
    ratio_mean = found("variance ratio along the mean")
    ratio_log_std = found("variance ratio along log std")

    @property
    def eps(self) -> np.ndarray:
        """The standard normal draws behind the samples, (n,): z = mean + std eps."""
        return counter.normals(self.seed, np.arange((self.n + 1) // 2), STREAM).reshape(-1)[: self.n]

    def samples(self, eps: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """One gradient per draw, {"re_mean", "re_log_std", "sf_mean", "sf_log_std"}: (n,) each.

        Raises TypeError or ValueError where eps cannot be right.
        """
        eps = self.eps if eps is None else eps
        z, std = self.mean + self.std * eps, self.std
        value, slope = _f(self.f, z), _slope(self.f, z)
        value = value - (expectation(self.f, self.mean, std) if self.baseline else 0.0)
        return {
            "re_mean": slope,
            "re_log_std": slope * std * eps,
            "sf_mean": value * eps / std,
            "sf_log_std": value * (eps**2 - 1),
        }

    def numbers(self) -> dict:
        """Exact gradient, both averages with their exact standard errors: the Python twin of js/engine/gradient.js."""
        n, exact = self.n, gradient(self.f, self.mean, self.std)
        averages = {key: values.mean() for key, values in self.samples().items()}
        at_nodes = self.samples(EPS)
        variances = {key: WEIGHTS @ (values - WEIGHTS @ values) ** 2 for key, values in at_nodes.items()}
        found = {
            "mean": self.mean,
            "std": self.std,
            "value": expectation(self.f, self.mean, self.std),
            "exact_mean": exact[0],
            "exact_log_std": exact[1],
            **averages,
            **{f"{key}_error": math.sqrt(variance / n) for key, variance in variances.items()},
            "ratio_mean": variances["sf_mean"] / variances["re_mean"],
            "ratio_log_std": variances["sf_log_std"] / variances["re_log_std"],
        }
        found["away"] = max(_distances(found))
        return {
            "f": self.f,
            "n": n,
            "seed": self.seed,
            "baseline": self.baseline,
            **{key: float(value) for key, value in found.items()},
        }

    @classmethod
    def broken(cls, numbers: dict) -> list[str]:
        """What must hold in every state: no bias, averages near the exact gradient, the ratios of the variances."""
        n = numbers
        figure = cls(**{key: n[key] for key in cls.state})
        expected = {key: WEIGHTS @ values for key, values in figure.samples(EPS).items()}  # by quadrature
        size = 1 + abs(n["exact_mean"]) + abs(n["exact_log_std"])
        rules = {
            "both estimators have the exact gradient as their expectation": all(
                abs(value - n["exact_" + key[3:]]) < 1e-6 * size for key, value in expected.items()
            ),
            f"both averages lie within {WITHIN} standard errors of the exact gradient": max(_distances(n)) < WITHIN,
            "the farthest average is as far away as the figure says": abs(max(_distances(n)) - n["away"]) < 1e-6,
        }
        for key in ("mean", "log_std"):
            squared = (n[f"sf_{key}_error"] / n[f"re_{key}_error"]) ** 2
            rules[f"the ratio of variances along {key} is that of the squared standard errors"] = (
                abs(squared / n[f"ratio_{key}"] - 1) < 1e-6
            )
        return [rule for rule, holds in rules.items() if not holds]

    # ---- static

    @property
    def alt(self) -> str:
        """A sentence with the numbers of the current state."""
        n = self.numbers()
        return (
            f"Gradients of E_q[f(z)] in the plane of mean and log std, f = {_name(self.f)}: the exact one is "
            f"({n['exact_mean']:.2f}, {n['exact_log_std']:.2f}); {self.n} reparameterised samples average "
            f"({n['re_mean']:.2f}, {n['re_log_std']:.2f}), as many score-function samples "
            f"({n['sf_mean']:.2f}, {n['sf_log_std']:.2f}). One of the latter has {n['ratio_mean']:.3g} times the "
            f"variance along the mean, {n['ratio_log_std']:.3g} times along log std."
        )

    def picture(self) -> Figure:
        """f and q above, the two clouds of gradient arrows below: the live figure's picture of the state."""
        n, samples = self.numbers(), self.samples()
        figure = Figure(figsize=(7.2, 6.0), layout="constrained")
        parts = figure.subplot_mosaic([["f", "f"], ["re", "sf"]], height_ratios=[3, 4])
        figure.suptitle("Two ways to one gradient: equal on average, not in variance", x=0.02, ha="left", weight="bold")
        _plane(parts["f"], self)
        reach = 1.1 * max(
            np.abs([n["exact_mean"], n["exact_log_std"]]).max(),
            *(np.quantile(np.abs(values), 0.9) for values in samples.values()),
        )
        for key, title in (("re", "reparameterised"), ("sf", "score function" + " − E f" * self.baseline)):
            _arrows(parts[key], samples[f"{key}_mean"], samples[f"{key}_log_std"], n, key, reach)
            parts[key].set_title(title, fontsize=10, loc="left", weight="bold")
        for axes in parts.values():
            axes.spines[["top", "right"]].set_visible(False)
            axes.tick_params(labelsize=9, colors=colour("muted"))
        return figure


# ---------------------------------------------------------------- f, its expectation, and the gradient of that


def _f(name, z):
    """f(z), (m,) to (m,)."""
    if name == "wave":
        return np.cos(WAVES * z)
    return log_normal(z, 0.0, 1.0) + log_normal(X, CURVE.decode(z[..., None])[..., 0], CURVE.std)


def _slope(name, z):
    """f'(z)."""
    if name == "wave":
        return -WAVES * np.sin(WAVES * z)
    rest = X - CURVE.decode(z[..., None])[..., 0]
    return rest * (CURVE.slope + CURVE.bend * z) / CURVE.std**2 - z


def expectation(name: str, mean: float, std: float) -> float:
    """E_q[f(z)] in closed form: a polynomial's by moments, E cos(k z) = cos(k mean) exp(-k^2 std^2 / 2).

    Raises TypeError or ValueError where name, mean or std cannot be right.
    """
    if name == "wave":
        return math.cos(WAVES * mean) * math.exp(-0.5 * (WAVES * std) ** 2)
    q = GaussianQ(np.array([[mean]]), np.array([[[std**2]]]))
    return float(CURVE.elbo_terms(q, np.array([[X]])).expected_log_joint[0])


def gradient(name: str, mean: float, std: float) -> tuple[float, float]:
    """The derivatives of E_q[f(z)] with respect to mean and log std, in closed form.

    With r = x - E_q g, t = g'(mean), b the bend, v = std^2, s the noise:

        d/d mean = (r t - t b v) / s^2 - mean,    d/d log std = v { (r b - t^2 - b^2 v) / s^2 - 1 }
    """
    if name == "wave":
        fall = math.exp(-0.5 * (WAVES * std) ** 2)
        return (-WAVES * math.sin(WAVES * mean) * fall, -((WAVES * std) ** 2) * math.cos(WAVES * mean) * fall)
    v, s2, b = std**2, CURVE.std**2, CURVE.bend
    r = X - (CURVE.slope * mean + b * (mean**2 + v) / 2)
    t = CURVE.slope + b * mean
    return (r * t - t * b * v) / s2 - mean, v * ((r * b - t**2 - b**2 * v) / s2 - 1)


def _distances(n) -> list[float]:
    """How far each of the four averages is from the exact gradient, in its exact standard error."""
    return [
        abs(n[f"{way}_{key}"] - n[f"exact_{key}"]) / n[f"{way}_{key}_error"]
        for way in ("re", "sf")
        for key in ("mean", "log_std")
    ]


# ---------------------------------------------------------------- the picture


def _name(f):
    return "log p(x, z)" if f == "joint" else "cos(6 z)"


def _plane(axes, figure):
    z = np.linspace(-3, 3, 601)
    values, q = _f(figure.f, z), np.exp(log_normal(z, figure.mean, figure.std))
    low, high = (-12, 0) if figure.f == "joint" else (-1.5, 1.5)
    axes.plot(z, values, color=colour("model"), lw=1.8, label=f"f(z) = {_name(figure.f)}")
    axes.fill_between(
        z,
        low,
        low + 0.45 * (high - low) * q / q.max(),
        color=colour("q"),
        alpha=0.2,
        lw=0,
        label=f"q = N({figure.mean:.2f}, {figure.std:.2f}²)",
    )
    drawn = figure.mean + figure.std * figure.eps
    axes.plot(
        drawn, np.full(figure.n, low), "|", ms=9, color=colour("q"), alpha=1 if figure.n <= 100 else 0.3, clip_on=False
    )
    axes.set(xlim=(-3, 3), ylim=(low, high), xlabel="z", ylabel="f(z)")
    axes.legend(fontsize=9, frameon=False, ncols=2, loc="lower left", bbox_to_anchor=(0, 0.98), borderaxespad=0)


def _arrows(axes, dx, dy, n, key, reach):
    options = {"angles": "xy", "scale_units": "xy", "scale": 1}
    shown = slice(0, 100)
    axes.quiver(
        np.zeros(len(dx[shown])),
        np.zeros(len(dx[shown])),
        dx[shown],
        dy[shown],
        color=colour("data"),
        alpha=0.3,
        width=0.004,
        **options,
    )
    axes.quiver(0, 0, n["exact_mean"], n["exact_log_std"], color=colour("evidence"), width=0.016, **options)
    axes.quiver(0, 0, n[f"{key}_mean"], n[f"{key}_log_std"], color=colour("q"), width=0.009, **options)
    axes.axhline(0, color=colour("line"), lw=0.8, zorder=0)
    axes.axvline(0, color=colour("line"), lw=0.8, zorder=0)
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="d / d mean", ylabel="d / d log std", aspect="equal")
