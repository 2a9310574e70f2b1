"""Live figure 8: EM on points that the reader places, and the landscape F(theta', theta) of a toy beside it."""

from __future__ import annotations

import math
import re

import numpy as np
import traitlets
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from .. import counter
from .._checks import describe
from ..em import e_step, m_step_gaussian
from ..landscape import Landscape
from ..mixture import GaussianMixture
from ..plots.palette import colour
from .base import FigureError, LiveFigure
from .em_points import PRESETS
from .state import found, number, one_of, text, whole

__all__ = ["EmFigure"]

X, Y = (-4, 4), (-3, 3)  # the plane
MOST, MOVES = 60, 60  # points; half steps
FLOOR = 0.15**2  # under which no eigenvalue of a covariance may fall
START_STD, JITTER = 0.7, 0.25
NOTHING = 1e-30  # a responsibility below it counts as 0
STREAM = 8  # of the counter: other figures draw from others
TOY = Landscape(np.array([-2.6, -2.1, -1.7, -1.2, -0.4, 0.5, 1.1, 1.6, 2.2, 2.9]), 1.0)
MARKS = "os^D*"


class EmFigure(LiveFigure):
    """A mixture of k Gaussians on points of a plane, by EM in half steps.

    Beside it a toy with two numbers, by the same moves.

    Traits (set from Python, or by the reader): points (n, 2), up to 60, in -4 ... 4 times -3 ... 3, rounded to 0.01;
    k, the number of components; seed of the start; moves, the half steps taken so far, such as "EMEM" (E first, at most
    60); start_q and start_theta, where the toy's paths begin; rate of its gradient path.
    wrong is a mistake: in the M-step ("stale"), or in what the figure then claims ("entropy", "label").
    A state is a function of these alone: one move fewer is exactly one step back. `PRESETS` holds the figure's points.
    Read back, in nats summed over the points: f, evidence and gap.
    Raises TypeError for a trait that it does not have, ValueError for a value that one cannot have.
    """

    name = "em"
    heights = (1476, 906)

    points = text(None, read=lambda _, value: _placed(value), of=None, link="p", help="the points, (n, 2)")
    k = whole(3, 1, 5, link="k", leap=2, help="number of components")
    seed = whole(4, 1, 999, link="r", help="which start")
    moves = text("EMEM", read=lambda _, value: _moved(value), link="m", help="the half steps taken: E or M, an E first")
    start_q = number(-1.6, -3, 3, link="a", help="the toy's first theta'")
    start_theta = number(0.5, -3, 3, link="b", help="the toy's first theta")
    rate = number(0.2, 0.02, 0.4, link="s", step=0.02, leap=0.1, help="step size of the toy's gradient path")
    wrong = one_of(
        "none",
        ("none", "stale", "entropy", "label"),
        link="w",
        codes="0sel",
        help="what goes wrong: an M-step with the responsibilities of the E-step before, E log p(x, z) called the "
        "bound, the bound called the evidence",
    )
    presets = traitlets.Dict(help="points to choose from").tag(sync=True)
    f = found("F(q, theta), nats")
    evidence = found("log p(x; theta) summed over the points, nats")
    gap = found("KL(q || posterior) summed over the points, nats")

    @traitlets.default("presets")
    def _presets(self):
        return {name: [list(map(float, point)) for point in points] for name, points in PRESETS.items()}

    @traitlets.default("points")
    def _first_points(self):
        return self._presets()["digits"]

    def start(self) -> GaussianMixture:
        """The mixture before the first move: means near k points that the seed chooses, one width, equal weights."""
        x, means = (
            np.array(self.points).reshape(-1, 2),
            JITTER * counter.normals(self.seed, np.arange(self.k), STREAM + 1),
        )
        if len(x):
            order = np.argsort(counter.uniforms(self.seed, np.arange(len(x)), STREAM)[:, 0], kind="stable")
            means = means + x[order[np.arange(self.k) % len(x)]]
        return GaussianMixture.spherical(np.full(self.k, 1 / self.k), means, START_STD)

    def run(self) -> list[tuple[str, np.ndarray, GaussianMixture]]:
        """(move, q, model) before the first move ("") and after each one; q is (n, k)."""
        x, model = np.array(self.points).reshape(-1, 2), self.start()
        q = np.full((len(x), self.k), 1 / self.k)
        states, before = [("", q, model)], q
        for move in self.moves:
            if len(x) and move == "E":
                before = q
                q = np.asarray(e_step(model, x))
                q = np.where(q < NOTHING, 0.0, q)
            elif len(x):
                model = m_step_gaussian(x, before if self.wrong == "stale" else q, floor=FLOOR)
            states.append((move, q, model))
        return states

    def history(self) -> list[dict]:
        """move, f, evidence and gap of every state of the run, summed over the points, and what is claimed of them."""
        x, rows = np.array(self.points).reshape(-1, 2), []
        for move, q, model in self.run():
            f, evidence, gap = (
                (0.0, 0.0, 0.0)
                if not len(x)
                else (float(part.sum()) for part in (model.elbo(q, x), model.evidence(x), model.kl_to_posterior(q, x)))
            )
            entropy = -(q * np.log(np.where(q > 0, q, 1.0))).sum() if self.wrong == "entropy" else 0.0
            claimed = {"claimed_f": f - entropy, "claimed_evidence": f if self.wrong == "label" else evidence}
            rows.append({"move": move, "f": f, "evidence": evidence, "gap": gap, **claimed})
        return rows

    def toy_path(self) -> np.ndarray:
        """EM's corners (theta', theta) in the toy, (moves + 1, 2)."""
        path = [(self.start_q, self.start_theta)]
        for move in self.moves:
            q, theta = path[-1]
            path.append((float(TOY.e_step(theta)), theta) if move == "E" else (q, float(TOY.m_step(q))))
        return np.array(path)

    def gradient_path(self) -> np.ndarray:
        """As many steps of joint gradient ascent from the same start, (moves + 1, 2)."""
        if not self.moves:
            return np.array([[self.start_q, self.start_theta]])
        return TOY.gradient_path(self.start_q, self.start_theta, len(self.moves), self.rate)

    def numbers(self) -> dict:
        """All quantities of the current state, in nats: the Python twin of `numbers` in js/engine/em.js."""
        history, model = self.history(), self.run()[-1][2]
        eigenvalues = np.linalg.eigvalsh(model.covariances)  # ascending
        em, gradient = self.toy_path(), self.gradient_path()
        (toy_q, toy_theta), (gradient_q, gradient_theta) = em[-1], gradient[-1]
        after_e = [i for i, move in enumerate(["", *self.moves]) if move == "E"]
        found = {
            "f": history[-1]["f"],
            "evidence": history[-1]["evidence"],
            "gap": history[-1]["gap"],
            "least_rise": _least([row["f"] for row in history]),
            "least_evidence": _least([row["evidence"] for row in history]),
            "claimed_f": history[-1]["claimed_f"],
            "claimed_evidence": history[-1]["claimed_evidence"],
            "claimed_least_rise": _least([row["claimed_f"] for row in history]),
            "off": history[-1]["claimed_f"] + history[-1]["gap"] - history[-1]["claimed_evidence"],
            "rise": history[-1]["f"] - history[-2]["f"] if self.moves else 0.0,
            "lift": history[-1]["evidence"] - history[-2]["evidence"] if self.moves else 0.0,
            "gap_after_e": max([0.0, *(abs(history[i]["gap"]) for i in after_e)]),
            "toy_q": toy_q,
            "toy_theta": toy_theta,
            "toy_f": TOY.elbo(toy_q, toy_theta),
            "toy_evidence": TOY.evidence(toy_theta),
            "toy_gap": TOY.gap(toy_q, toy_theta),
            "toy_least_rise": _least(TOY.elbo(*em.T)),
            "toy_off_diagonal": max([0.0, *np.abs(em[after_e, 0] - em[after_e, 1])]),
            "gradient_q": gradient_q,
            "gradient_theta": gradient_theta,
            "gradient_f": TOY.elbo(gradient_q, gradient_theta),
            "gradient_least_rise": _least(TOY.elbo(*gradient.T)),
            "start_q": self.start_q,
            "start_theta": self.start_theta,
            "rate": self.rate,
        }
        for i in range(self.k):
            found |= {
                f"weight{i + 1}": model.weights[i],
                f"x{i + 1}": model.means[i, 0],
                f"y{i + 1}": model.means[i, 1],
                f"major{i + 1}": eigenvalues[i, 1] ** 0.5,
                f"minor{i + 1}": eigenvalues[i, 0] ** 0.5,
            }
        return {
            "points": self.points,
            "k": self.k,
            "seed": self.seed,
            "moves": self.moves,
            "wrong": self.wrong,
            "n": len(self.points),
            "at_floor": int((eigenvalues[:, 0] < FLOOR + 1e-9).sum()),
            "empty": int((model.weights == 0).sum()),
            **{key: float(value) for key, value in found.items()},
        }

    @classmethod
    def broken(cls, numbers: dict) -> list[str]:
        """What must hold in every state: the sum, no fall of F or of the evidence, no gap after an E-step.

        The same in the toy.
        """
        n, size = numbers, 1e-9 * max(1, abs(numbers["evidence"]), abs(numbers["f"]))
        widths = [n[f"minor{i + 1}"] for i in range(n["k"])]
        weights = [n[f"weight{i + 1}"] for i in range(n["k"])]
        rules = {
            "evidence = F + gap": abs(n["f"] + n["gap"] - n["evidence"]) < size,
            "the gap is not negative": n["gap"] > -1e-9,
            "F never falls on an E- or M-step": n["wrong"] == "stale" or n["least_rise"] > -size,
            "the evidence never falls": n["wrong"] == "stale" or n["least_evidence"] > -size,
            "what is claimed is off by what the mistake says": {
                "none": abs(n["off"]) < size,
                "stale": abs(n["off"]) < size,
                "entropy": -size - n["n"] * math.log(n["k"]) < n["off"] < size,
                "label": abs(n["off"] - n["gap"]) < size,
            }[n["wrong"]],
            "after an E-step the gap is 0": n["gap_after_e"] < 1e-9
            and not (n["moves"].endswith("E") and n["gap"] > 1e-9),
            "no width is below the floor": min(widths) > FLOOR**0.5 - 1e-9,
            "the weights sum to one": not n["n"] or abs(sum(weights) - 1) < 1e-9,
            "the toy's evidence = F + gap": abs(n["toy_f"] + n["toy_gap"] - n["toy_evidence"]) < 1e-9,
            "the toy's F never falls on an E- or M-step": n["toy_least_rise"] > -1e-9,
            "after an E-step the toy stands on the diagonal": n["toy_off_diagonal"] == 0
            and not (n["moves"].endswith("E") and n["toy_q"] != n["toy_theta"]),
        }
        return [rule for rule, holds in rules.items() if not holds]

    # ---- static

    @property
    def alt(self) -> str:
        """A sentence with the numbers of the current state."""
        n = self.numbers()
        points = (
            f"{n['n']} points and {self.k} Gaussians as ellipses after {len(self.moves)} half steps of EM: the "
            f"evidence {n['evidence']:.3f} nats is F {n['f']:.3f} plus a gap of {n['gap']:.3f}."
            if n["n"]
            else "An empty plane: there are no points, so there is nothing to sum and nothing to explain."
        )
        return (
            f"{points} Beside it the landscape of a toy "
            f"with two numbers: EM stands at θ′ = {n['toy_q']:.2f}, θ = {n['toy_theta']:.2f}, joint gradient ascent "
            f"at θ′ = {n['gradient_q']:.2f}, θ = {n['gradient_theta']:.2f}."
        )

    def picture(self) -> Figure:
        """Points with ellipses, the toy's landscape, and F and evidence after each half step."""
        figure = Figure(figsize=(7.2, 5.6), layout="constrained")
        grid = figure.add_gridspec(2, 2, width_ratios=[1.35, 1], height_ratios=[1.6, 1])
        plane, toy, below = (figure.add_subplot(grid[spot]) for spot in ((0, 0), (0, 1), (1, slice(None))))
        _plane(plane, self)
        _landscape(toy, self)
        _steps(below, self.history() if len(self.points) else [])
        for axes in (plane, toy, below):
            axes.spines[["top", "right"]].set_visible(False)
            axes.tick_params(labelsize=9, colors=colour("muted"))
        return figure


def _least(values) -> float:
    """The smallest rise from one value to the next, 0 if all rise."""
    return float(min([0.0, *np.diff(values)]))


def _moved(moves) -> str:
    """The half steps; raises FigureError unless an E comes first and they are not too many."""
    if not re.fullmatch("(E[EM]*)?", moves) or len(moves) > MOVES:
        raise FigureError(f"moves must be up to {MOVES} letters E or M, an E first, got {moves[:80]!r}")
    return moves


def _placed(value) -> list[list[float]]:
    """The points as [[x, y], ...], rounded to 0.01.

    Raises FigureError unless they are (n, 2), n <= 60, in the plane.
    """
    try:
        x = np.asarray(value, dtype=float).reshape(-1, 2) if len(value) == 0 else np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise FigureError(f"points must be numbers of shape (n, 2), got {describe(value)}") from None
    if x.ndim != 2 or x.shape[1] != 2 or len(x) > MOST:
        raise FigureError(f"points must have shape (n, 2) with n up to {MOST}, got {x.shape}")
    low, high = zip(X, Y, strict=True)
    if not ((x >= low) & (x <= high)).all():  # NaN fails too
        raise FigureError(f"points must lie in {X} times {Y}, got {x.min():g} to {x.max():g}")
    return (np.round(x, 2) + 0.0).tolist()


# ---------------------------------------------------------------- the picture


def _plane(axes, figure):
    x, (_, q, model) = np.array(figure.points).reshape(-1, 2), figure.run()[-1]
    best = q.argmax(axis=1)
    undecided = figure.k > 1 and len(q) and np.ptp(q, axis=1).max() < 1e-9
    for k in range(figure.k):
        mine = x[best == k]
        if undecided:
            continue
        axes.plot(
            mine[:, 0], mine[:, 1], MARKS[k], ms=5, mec=colour("q"), mew=1.2, mfc=colour("q") if k % 2 == 0 else "white"
        )
    if undecided:
        axes.plot(x[:, 0], x[:, 1], ".", ms=6, color=colour("data"))
    components = zip(model.means, model.covariances, strict=True) if len(x) else ()  # of no points there is no mixture
    for k, (mean, covariance) in enumerate(components):
        (minor, major), vectors = np.linalg.eigh(covariance)
        angle = np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1]))
        axes.add_patch(
            Ellipse(mean, 4 * major**0.5, 4 * minor**0.5, angle=angle, fill=False, ec=colour("model"), lw=1.8)
        )
        axes.text(
            *mean,
            f"{k + 1}",
            ha="center",
            va="center",
            color=colour("model"),
            weight="bold",
            fontsize=10,
            bbox={"fc": "white", "ec": colour("model"), "boxstyle": "circle,pad=0.2", "lw": 0.8},
        )
    axes.set(xlim=X, ylim=Y, aspect="equal")
    if not len(x):
        axes.text(sum(X) / 2, sum(Y) / 2, "no points", ha="center", va="center", color=colour("muted"))
    steps = f"{figure.k} Gaussians after {len(figure.moves)} half steps (ellipses: 2 std)"
    axes.set_title(steps if len(x) else "Without points there is no mixture", fontsize=10, loc="left")


def _landscape(axes, figure):
    grid = np.linspace(-3.2, 3.2, 161)
    height = TOY.elbo(grid[None, :], grid[:, None])
    top = TOY.evidence(grid).max()
    axes.contour(
        grid,
        grid,
        height,
        levels=top - np.array([64, 32, 16, 8, 4, 2, 1, 0.4]),
        colors=[colour("elbo")],
        linewidths=0.8,
        linestyles="solid",
    )
    axes.plot(grid, grid, color=colour("evidence"), lw=1.4)
    axes.plot(grid, TOY.m_step(grid), "--", color=colour("model"), lw=1.2)
    axes.plot(*figure.gradient_path().T, ":", marker=".", ms=4, color=colour("data"), lw=1)
    axes.plot(*figure.toy_path().T, "-o", ms=4, color=colour("q"), lw=1.8)
    axes.set(xlim=(-3.2, 3.2), ylim=(-3.2, 3.2), aspect="equal", xlabel="θ′ (indexes q)", ylabel="θ")
    axes.set_title("A toy’s F(θ′, θ): EM and gradient", fontsize=10, loc="left")


def _steps(axes, history):
    axes.set_title("evidence (ink) = F (green) + gap (hatched), after each half step", fontsize=10, loc="left")
    if not history:
        axes.set(xticks=[], yticks=[])
        axes.text(0.5, 0.5, "nothing to sum", ha="center", va="center", color=colour("muted"))
        return
    f, gap = np.array([row["f"] for row in history]), np.array([row["gap"] for row in history])
    counted = f[1:] if len(f) > 2 else f  # the first q knows nothing: its F may lie below the axis
    room = max((f + gap).max() - counted.min(), 1.0)
    at, low = np.arange(len(f)), counted.min() - 0.25 * room
    axes.bar(
        at,
        f + gap - np.maximum(f, low),
        0.8,
        bottom=np.maximum(f, low),
        fc="white",
        ec=colour("gap"),
        hatch="////",
        lw=0.8,
    )
    axes.hlines(f, at - 0.4, at + 0.4, color=colour("elbo"), lw=4)  # levels: no column stands on an axis without zero
    axes.hlines(f + gap, at - 0.4, at + 0.4, color=colour("evidence"), lw=2.5)
    axes.set(xticks=at, xticklabels=["start", *(row["move"] for row in history[1:])], ylabel="nats", ylim=(low, None))
