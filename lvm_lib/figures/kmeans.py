"""Live figure 9: one sigma from soft EM to K-means to a codebook, with cells, usage and straight-through arrows."""

from __future__ import annotations

import math

import numpy as np
import traitlets
from matplotlib.figure import Figure

from .. import counter
from .._checks import describe
from ..kmeans import inertia, update
from ..mixture import GaussianMixture
from ..plots.palette import colour
from .base import FigureError, LiveFigure
from .em_points import PRESETS
from .state import found, number, one_of, text, whole

__all__ = ["KmeansFigure"]

X, Y, MOST = (-4, 4), (-3, 3), 8  # the plane; codes
STREAM = 9  # of the counter: other figures draw from others
# A toy: 40 points in one cloud, 8 in a wider one.
UNEVEN = (
    (-1.99, -0.4),
    (-0.6, 0.06),
    (-2.58, -0.3),
    (-1.97, -0.22),
    (-2.56, -0.17),
    (-1.46, 0.57),
    (-1.41, -0.02),
    (-2.5, 0.94),
    (-2.75, 0.31),
    (-1.8, -0.78),
    (-1.99, -0.67),
    (-1.37, -0.36),
    (-0.71, -1.31),
    (-1.6, -0.79),
    (-1.13, -1.46),
    (-1.81, -0.18),
    (-2.49, 0.24),
    (-1.49, 0.25),
    (-1.02, -0.84),
    (-2.08, -0.41),
    (-1.15, 0.17),
    (-2.03, -0.63),
    (-2.08, -0.62),
    (-1.74, -0.37),
    (-0.37, -0.58),
    (-1.77, -0.05),
    (-2.17, -0.5),
    (-1.59, 0.13),
    (-2.39, 0.45),
    (-1.81, -0.21),
    (-1.09, 0.06),
    (-0.96, -0.2),
    (-1.61, -0.13),
    (-2.2, 0.37),
    (-2.07, -0.99),
    (-0.37, -0.38),
    (-2.31, 0.72),
    (-1.8, 0.28),
    (-2.1, -0.44),
    (-2.61, -1.35),
    (1.57, 0.85),
    (2.9, 2.6),
    (1.53, 1.61),
    (1.85, 0.79),
    (1.19, -0.14),
    (1.72, 0.06),
    (2.3, 0.41),
    (3.24, 1.01),
)
SETS = {"digits": PRESETS["digits"], "clouds": PRESETS["clouds"], "uneven": UNEVEN}


def scattered(seed: int, k: int) -> list[list[float]]:
    """Codes anywhere in the plane, (k, 2), to two decimals: number j of a seed is always the same.

    Raises TypeError or ValueError where seed or k cannot be right.
    """
    u = counter.uniforms(seed, np.arange(k), STREAM)
    return (np.floor(100 * (u * [8, 6] - [4, 3]) + 0.5) / 100 + 0.0).tolist()  # rounds halves up, as JavaScript does


def _codes(value) -> list[list[float]]:
    """Codes as [[x, y], ...]; raises FigureError unless they are (K, 2), K from 1 to 8, in the plane."""
    try:
        codes = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise FigureError(f"codes must be numbers of shape (K, 2), got {describe(value)}") from None
    if codes.ndim != 2 or codes.shape[1] != 2 or not 1 <= len(codes) <= MOST:
        raise FigureError(f"codes must have shape (K, 2) with K from 1 to {MOST}, got {codes.shape}")
    low, high = zip(X, Y, strict=True)
    if not ((codes >= low) & (codes <= high)).all():  # NaN fails too
        raise FigureError(f"codes must lie in {X} times {Y}, got {codes.min():g} to {codes.max():g}")
    return codes.tolist()


class KmeansFigure(LiveFigure):
    """Codes as centres of Gaussians of one fixed width sigma and equal weights, on fixed points; sigma = 0 is K-means.

    With r_nk proportional to exp(-|x_n - c_k|^2 / (2 sigma^2)), at sigma = 0 all on the nearest code, a step moves each
    code to the mean of what it holds; one that holds nothing stays. No step raises
        energy = mean_n {sum_k r_nk |x_n - c_k|^2 + 2 sigma^2 KL(r_n || uniform)}, 2 sigma^2 times -F, up to a constant.
    Traits (set from Python, or by the reader): data ("digits", "clouds" or "uneven"); codes (K, 2), K up to 8, where
    the run begins; sigma; steps taken from there; seed, which codes New start scatters (`scattered(seed, k)`); wrong,
    a mistake in the step ("counts") or in what is called the energy ("rate").
    A state is a function of these alone: one step fewer is exactly one step back.
    Read back: distortion (mean squared distance to the nearest code), energy, perplexity of the codes' use.
    Raises TypeError for a trait that it does not have, ValueError for a value that one cannot have.
    """

    name = "kmeans"
    heights = (1430, 918)
    unit = ""

    data = one_of("digits", tuple(SETS), link="d", codes=tuple(SETS), help="the points: digits, clouds or uneven")
    codes = text(None, read=lambda _, value: _codes(value), of=None, link="c", help="where the codes begin, (K, 2)")
    sigma = number(
        0.5, 0, 1.5, link="s", home=0, step=0.05, leap=0.25, help="the width of every Gaussian; 0 is K-means"
    )
    seed = whole(44, 1, 999, link="r", help="which codes New start scatters")
    steps = whole(2, 0, 40, link="n", help="steps from the codes")
    wrong = one_of(
        "none",
        ("none", "counts", "rate"),
        link="w",
        codes="0cr",
        help="what goes wrong: a code divides by an even share of the points, or the rate is left out of the energy",
    )
    sets = traitlets.Dict(help="the points to choose from").tag(sync=True)
    distortion = found("mean squared distance to the nearest code")
    energy = found("what no step raises")
    perplexity = found("exp of the entropy of the codes' use")

    @traitlets.default("sets")
    def _sets(self):
        return {name: [list(map(float, point)) for point in points] for name, points in SETS.items()}

    @traitlets.default("codes")
    def _first_codes(self):
        return scattered(44, 5)

    @property
    def points(self) -> np.ndarray:
        """The data, (n, 2)."""
        return np.array(SETS[self.data], dtype=float)

    def responsibilities(self, codes: np.ndarray) -> np.ndarray:
        """r (n, K) for given codes: the posterior of a spherical mixture; at sigma = 0 one-hot, the first of equals."""
        if self.sigma > 0.02:
            return GaussianMixture.spherical(np.full(len(codes), 1 / len(codes)), codes, self.sigma).responsibilities(
                self.points
            )
        d = ((self.points[:, None] - codes) ** 2).sum(axis=2)
        if self.sigma == 0:
            return np.eye(len(codes))[d.argmin(axis=1)]
        ratio = np.exp(
            (d.min(axis=1, keepdims=True) - d) / (2 * self.sigma**2)
        )  # a variance so small suits no Cholesky
        return ratio / ratio.sum(axis=1, keepdims=True)

    def run(self) -> list[np.ndarray]:
        """The codes (K, 2) before the first step and after each one."""
        x, path = self.points, [np.array(self.codes)]
        for _ in range(self.steps):
            codes = path[-1]
            r = self.responsibilities(codes)
            if self.wrong == "counts":
                sums, held = r.T @ x, r.sum(axis=0)
                path.append(np.where((held > 1e-12)[:, None], sums * len(codes) / len(x), codes))
                continue
            if self.sigma == 0:
                path.append(update(x, r.argmax(axis=1), codes))
                continue
            held = r.sum(axis=0)
            means = (r[:, :, None] * x[:, None]).sum(axis=0) / np.maximum(held, 1e-300)[:, None]
            path.append(np.where((held > 1e-12)[:, None], means, codes))
        return path

    def measure(self, codes: np.ndarray) -> dict:
        """Distortions, rate and energy of codes with their own responsibilities, averaged over the points.

        Raises TypeError or ValueError where codes cannot be right.
        """
        x, r, k = self.points, self.responsibilities(codes), len(codes)
        d, sure = ((x[:, None] - codes) ** 2).sum(axis=2), np.where(r > 0, r, 1.0)
        counts, held = np.bincount(d.argmin(axis=1), minlength=k), r.sum(axis=0)
        soft, rate, use = (r * d).sum() / len(x), (r * np.log(k * sure)).sum() / len(x), held / len(x)
        return {
            "r": r,
            "counts": counts,
            "held": held,
            "distortion": inertia(x, codes) / len(x),
            "soft": soft,
            "rate": rate,
            "energy": soft + 2 * self.sigma**2 * rate,
            "firm": r[np.arange(len(x)), d.argmin(axis=1)].min(),
            "perplexity": math.exp(-(use * np.log(np.where(use > 0, use, 1.0))).sum()),
        }

    def numbers(self) -> dict:
        """All quantities of the current state: the Python twin of `numbers` in js/engine/kmeans.js."""
        run = self.run()
        measured = [self.measure(codes) for codes in run]
        now, k = measured[-1], len(self.codes)
        found = {
            "sigma": self.sigma,
            "claimed_energy": now["soft" if self.wrong == "rate" else "energy"],
            "off": 2 * self.sigma**2 * now["rate"] if self.wrong == "rate" else 0.0,
            "fall": measured[-2]["energy"] - now["energy"] if self.steps else 0.0,
            **{key: now[key] for key in ("distortion", "soft", "rate", "energy", "firm", "perplexity")},
            "largest_rise": max([0.0, *np.diff([m["energy"] for m in measured])]),
            "largest_distortion_rise": max([0.0, *np.diff([m["distortion"] for m in measured])]),
        }
        for j, (x, y) in enumerate(run[-1]):
            found |= {f"x{j + 1}": x, f"y{j + 1}": y, f"held{j + 1}": now["held"][j]}
        used = int((now["counts"] > 0).sum())
        return {
            "data": self.data,
            "codes": self.codes,
            "seed": self.seed,
            "steps": self.steps,
            "wrong": self.wrong,
            "n": len(self.points),
            "k": k,
            "used": used,
            "dead": k - used,
            **{f"count{j + 1}": int(now["counts"][j]) for j in range(k)},
            **{key: float(value) for key, value in found.items()},
        }

    @classmethod
    def broken(cls, numbers: dict) -> list[str]:
        """What must hold in every state: no step raises the energy, one-hots at sigma = 0, perplexity at most K."""
        n, hard = numbers, numbers["sigma"] == 0
        counts, held = ([n[f"{key}{j + 1}"] for j in range(n["k"])] for key in ("count", "held"))
        rules = {
            "no step raises the energy": n["wrong"] == "counts" or n["largest_rise"] < 1e-9,
            "at sigma = 0 no step raises the distortion": n["wrong"] == "counts"
            or not hard
            or n["largest_distortion_rise"] < 1e-9,
            "what is claimed is off by the rate, where it is left out": abs(
                n["off"] - (2 * n["sigma"] ** 2 * n["rate"] if n["wrong"] == "rate" else 0)
            )
            < 1e-9,
            "distortion + 2 sigma^2 rate = energy": abs(n["soft"] + 2 * n["sigma"] ** 2 * n["rate"] - n["energy"])
            < 1e-9,
            "at sigma = 0 every r is one-hot": not hard or (n["firm"] == 1 and held == counts),
            "at sigma = 0 the energy is the distortion": not hard or abs(n["energy"] - n["distortion"]) < 1e-9,
            "the rate lies between 0 and log K": -1e-9 < n["rate"] < math.log(n["k"]) + 1e-9,
            "the nearest code is the cheapest": n["distortion"] < n["soft"] + 1e-9,
            "the perplexity lies between 1 and K": 1 - 1e-9 < n["perplexity"] < n["k"] + 1e-9,
            "each point is held once": abs(sum(held) - n["n"]) < 1e-9 and sum(counts) == n["n"],
            "used and dead codes are all codes": n["used"] + n["dead"] == n["k"] and n["dead"] == counts.count(0),
        }
        return [rule for rule, holds in rules.items() if not holds]

    # ---- static

    @property
    def alt(self) -> str:
        """A sentence with the numbers of the current state."""
        n = self.numbers()
        kind = "K-means" if self.sigma == 0 else f"soft assignment of width {self.sigma:.2f}"
        return (
            f"{n['n']} points, {n['k']} codes with their cells after {self.steps} steps of {kind}: distortion "
            f"{n['distortion']:.3f}, energy {n['energy']:.3f}, perplexity {n['perplexity']:.2f} of {n['k']}, "
            f"{n['dead']} dead."
        )

    def picture(self) -> Figure:
        """Points, codes, threads and cells; what each code holds; the energy after each step."""
        figure = Figure(figsize=(7.2, 5.4), layout="constrained")
        grid = figure.add_gridspec(2, 2, width_ratios=[1.5, 1], height_ratios=[1.8, 1])
        plane, use, below = (figure.add_subplot(grid[spot]) for spot in ((0, 0), (0, 1), (1, slice(None))))
        run = self.run()
        measured = [self.measure(codes) for codes in run]
        _plane(plane, self, run[-1], measured[-1])
        _usage(use, measured[-1], len(self.points))
        _steps(below, measured)
        for axes in (plane, use, below):
            axes.spines[["top", "right"]].set_visible(False)
            axes.tick_params(labelsize=9, colors=colour("muted"))
        return figure


# ---------------------------------------------------------------- the picture


def _plane(axes, figure, codes, now):
    x = figure.points
    across = np.stack(np.meshgrid(np.linspace(-4, 4, 321), np.linspace(-3, 3, 241)), axis=-1)
    owner = ((across[:, :, None] - codes) ** 2).sum(axis=3).argmin(axis=2)
    for k in range(len(codes)):
        if (owner == k).any() and (owner != k).any():
            axes.contour(
                across[:, :, 0],
                across[:, :, 1],
                owner == k,
                levels=[0.5],
                colors=[colour("model")],
                linewidths=0.9,
                linestyles="solid" if figure.sigma == 0 else "dotted",
            )
    for n, k in zip(*np.nonzero(now["r"] > 0.05), strict=True):
        axes.plot(*zip(x[n], codes[k], strict=True), color=colour("q"), lw=0.8, alpha=min(1.0, now["r"][n, k] + 0.1))
    axes.plot(*x.T, ".", ms=5, color=colour("data"))
    for k, code in enumerate(codes):
        dead = now["counts"][k] == 0
        axes.text(
            *code,
            f"{k + 1}",
            ha="center",
            va="center",
            fontsize=10,
            weight="bold",
            color=colour("model") if dead else "white",
            bbox={
                "fc": "white" if dead else colour("model"),
                "ec": colour("model"),
                "boxstyle": "square,pad=0.25",
                "ls": "--" if dead else "-",
            },
        )
    axes.set(xlim=X, ylim=Y, aspect="equal")
    axes.set_title(f"{len(codes)} codes, σ = {figure.sigma:.2f}, after {figure.steps} steps", fontsize=10, loc="left")


def _usage(axes, now, n):
    at = np.arange(1, len(now["held"]) + 1)
    axes.barh(at, now["held"], color=colour("q"), alpha=0.85)
    axes.axvline(n / len(at), color=colour("prior"), ls="--", lw=1.2)
    axes.set(yticks=at, ylim=(len(at) + 0.6, 0.4), xlabel="points held (dashed: even)")
    axes.set_title(f"perplexity {now['perplexity']:.2f} of {len(at)}", fontsize=10, loc="left")


def _steps(axes, measured):
    soft, energy = (np.array([m[key] for m in measured]) for key in ("soft", "energy"))
    at = np.arange(len(soft))
    axes.bar(at, soft, 0.8, color=colour("data"))
    axes.bar(at, energy - soft, 0.8, bottom=soft, fc="white", ec=colour("prior"), hatch="////", lw=0.8)
    axes.hlines(energy, at - 0.4, at + 0.4, color=colour("elbo"), lw=2.5)
    axes.set(xlabel="steps", ylabel="per point", xticks=at[:: max(1, len(at) // 12)])
    axes.set_title("energy (line) = distortion (solid) + 2σ² rate (hatched): it never rises", fontsize=10, loc="left")
