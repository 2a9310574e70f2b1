"""Live figure 3: log p(x) = ELBO(q) + KL(q || p(z|x)), a bar of cost whose solid part q cannot move."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.figure import Figure

from ..bounds import GaussianQ
from ..curve import QuadraticCurve
from ..densities import log_normal
from ..plots.palette import colour
from ..quadrature import line, moments
from ..refine import refine
from .base import LiveFigure
from .costs import cost_bar
from .state import found, number, one_of

__all__ = ["ElboFigure"]

WIDE = line(-20, 20, 2001)  # evidence
COMMON = line(-28, 28, 4481)  # q and posterior together: holds 12 std of the widest q, steps of 1/4 of the narrowest
STARTS, START_STD = 9, 0.4  # where the search for the best Gaussian begins


class ElboFigure(LiveFigure):
    """The toy generator z ~ N(0, 1), x | z ~ N(slope z + bend z^2 / 2, std_noise^2), and a q that the reader shapes.

    Traits (set from Python, or by the reader): x, slope, bend, std_noise, mean and std of q, kind ("gaussian", or
    "exact": q is the posterior itself, and mean and std are its moments; setting either makes q Gaussian again), wrong
    (a mistake in what is then called the ELBO).
    Read back, in nats: evidence, elbo, kl. They are right with or without a front end.
    Raises TypeError for a trait that it does not have, ValueError for a value that one cannot have.
    """

    name = "elbo"
    heights = (1207, 1015)

    x = number(0.5, -3, 4, link="x", home=0, help="the observation")
    slope = number(1.0, 1, 1.5, link="a", help="slope of the generator at z = 0")
    bend = number(1.2, -1.5, 1.5, link="b", home=0, help="theta, the bend of the generator")
    std_noise = number(0.5, 0.4, 1, link="n", help="standard deviation of x given z")
    mean = number(-0.9, -4, 4, link="m", home=0, help="mean of q")
    std = number(0.75, 0.05, 2, link="s", home=1, help="standard deviation of q")
    kind = one_of(
        "gaussian", ("gaussian", "exact"), link="k", codes="ge", help="gaussian, or exact: q is the posterior"
    )
    wrong = one_of(
        "none",
        ("none", "normaliser", "sign", "mean"),
        link="w",
        codes="0nsm",
        help="what goes wrong: the normaliser of p(x | z) is dropped, the KL is added, one z in place of E_q",
    )
    evidence = found("log p(x), nats")
    elbo = found("ELBO(q), nats")
    kl = found("KL(q || p(z|x)), nats")

    @property
    def model(self) -> QuadraticCurve:
        """The toy generator as a model of the library."""
        return QuadraticCurve(self.slope, self.bend, self.std_noise)

    @property
    def q(self) -> GaussianQ:
        """q as a Gaussian; for kind "exact" the one with the posterior's moments."""
        return GaussianQ(np.array([[self.mean]]), np.array([[[self.std**2]]]))

    def numbers(self) -> dict:
        """All quantities of the current state, in nats: the Python twin of `numbers` in js/engine/elbo.js."""
        x = np.array([[self.x]])
        evidence = self.model.evidence(x, WIDE)[0]
        of_q = self._of_posterior(x, evidence) if self.kind == "exact" else self._of_gaussian(x)
        of_q |= self._beside_posterior(x, of_q)
        claimed = self._claimed(x, of_q)
        found = {**of_q, "evidence": evidence, "claimed_elbo": claimed, "off": claimed + of_q["kl"] - evidence}
        found["std_noise"] = self.std_noise
        return {"kind": self.kind, "wrong": self.wrong, **{key: float(value) for key, value in found.items()}}

    def _beside_posterior(self, x, of_q):
        """How wide q is, and how far its mean lies away, in standard deviations of the posterior."""
        if self.kind == "exact":
            return {"wide": 1.0, "away": 0.0}
        centre, covariance = moments(self.model.log_posterior_on(x, COMMON)[0], COMMON)
        std = math.sqrt(covariance[0, 0])
        return {"wide": of_q["std"] / std, "away": abs(of_q["mean"] - centre[0]) / std}

    def _claimed(self, x, of_q):
        """What is called the ELBO, by mistake or rightly."""
        if self.wrong == "normaliser":
            return of_q["elbo"] + math.log(self.std_noise * math.sqrt(2 * math.pi))
        if self.wrong == "sign":
            return of_q["reconstruction"] + of_q["kl_prior"]
        if self.wrong == "mean":
            decoded = self.model.decode(np.array([[of_q["mean"]]]))[0, 0]
            return log_normal(self.x, decoded, self.std_noise) - of_q["kl_prior"]
        return of_q["elbo"]

    def _of_gaussian(self, x):
        terms = self.model.elbo_terms(self.q, x)  # closed form
        reconstruction, kl_prior = terms.reconstruction[0], terms.kl[0]
        energy, entropy = terms.expected_log_joint[0], terms.entropy[0]
        kl = self.model.kl_to_posterior(self.q, x, COMMON)[0]  # quadrature
        return {
            "mean": self.mean,
            "std": self.std,
            "elbo": reconstruction - kl_prior,
            "kl": kl,
            "reconstruction": reconstruction,
            "kl_prior": kl_prior,
            "energy": energy,
            "entropy": entropy,
        }

    def _of_posterior(self, x, evidence):
        z, log_joint = COMMON.points[:, 0], self.model.log_joint_on(x, COMMON)[0]
        log_q = self.model.log_posterior_on(x, COMMON)[0]
        mass = np.exp(log_q + COMMON.log_weights)
        centre, covariance = moments(log_q, COMMON)
        log_prior = log_normal(z, 0.0, 1.0)
        return {
            "mean": centre[0],
            "std": math.sqrt(covariance[0, 0]),
            "elbo": mass @ (log_joint - log_q),
            "kl": mass @ (log_q - (log_joint - evidence)),
            "reconstruction": mass @ (log_joint - log_prior),
            "kl_prior": mass @ (log_q - log_prior),
            "energy": mass @ log_joint,
            "entropy": -mass @ log_q,
        }

    @classmethod
    def broken(cls, numbers: dict) -> list[str]:
        """What must hold in every state: the sum, the sign of the gap, the three forms, no gap for the exact q."""
        n = numbers
        rules = {
            "ELBO + KL = log p(x)": abs(n["elbo"] + n["kl"] - n["evidence"]) < 1e-6,
            "the gap is not negative": n["kl"] > -1e-9,
            "reconstruction - KL to the prior = ELBO": abs(n["reconstruction"] - n["kl_prior"] - n["elbo"]) < 1e-6,
            "E log p(x, z) + entropy = ELBO": abs(n["energy"] + n["entropy"] - n["elbo"]) < 1e-6,
            "what is claimed is off by what the mistake says": {
                "none": abs(n["off"]) < 1e-6,
                "normaliser": abs(n["off"] - math.log(n["std_noise"] * math.sqrt(2 * math.pi))) < 1e-6,
                "sign": abs(n["off"] - 2 * n["kl_prior"]) < 1e-6,
                "mean": True,
            }[n["wrong"]],
            "an exact q leaves no gap": n["kind"] != "exact" or abs(n["kl"]) < 1e-9,
        }
        return [rule for rule, holds in rules.items() if not holds]

    def best_gaussian(self) -> ElboFigure:
        """Make q the Gaussian with the largest ELBO, searched from starts along the whole axis; returns self."""
        log_joint = self.model.log_joint_on(np.array([[self.x]]), COMMON)[0]
        within = (low, high), stds = self.bounds()["mean"], self.bounds()["std"]
        starts = np.linspace(low, high, STARTS)
        ends = (refine(log_joint, COMMON, [mean], [START_STD], within=within)[-1] for mean in starts)
        best = max(ends, key=lambda end: end.elbo)
        with self.hold_sync():
            self.kind = "gaussian"
            self.mean, self.std = float(best.mean[0]), float(np.clip(np.exp(best.log_std[0]), *stds))
        return self

    # ---- traits

    def _on_input(self, change):
        if not self._settling and self.kind == "exact" and change["name"] in ("mean", "std"):
            moment = self.numbers()[change["name"]]
            if abs(change["new"] - moment) > 1e-9:  # not the echo of a front end: q is shaped by hand again
                self.kind = "gaussian"
        super()._on_input(change)

    def _settle(self):
        """Of an exact q mean and std are read back too."""
        self.settle(("mean", "std", *self.read_back) if self.kind == "exact" else self.read_back)

    # ---- static

    @property
    def alt(self) -> str:
        """A sentence with the numbers of the current state."""
        n = self.numbers()
        q = (
            "q is the posterior itself"
            if n["kind"] == "exact"
            else f"q is a Gaussian, mean {n['mean']:.2f}, standard deviation {n['std']:.2f}"
        )
        return (
            f"For x = {self.x:.2f} a bar of cost goes from 0 to log p(x) = {n['evidence']:.3f} nats, "
            f"and on by the KL from q to the posterior, {abs(n['kl']):.3f}, to the ELBO, {n['elbo']:.3f}; {q}."
        )

    def picture(self) -> Figure:
        """Generator above, densities below, and the bar: the live figure's picture of the same state."""
        n, model = self.numbers(), self.model
        z = np.linspace(-4.5, 4.5, 721)
        figure = Figure(figsize=(7.2, 5.6), layout="constrained")
        upper, lower, bar = figure.subplots(3, 1, height_ratios=[4, 3.4, 1.3])
        figure.suptitle("log p(x) = ELBO + KL: q moves the split, not the sum", x=0.02, ha="left", weight="bold")
        _generator(upper, z, self, n)
        _densities(lower, z, model, self, n)
        _bar(bar, n)
        for axes in (upper, lower, bar):
            axes.spines[["top", "right"]].set_visible(False)
            axes.tick_params(labelsize=9, colors=colour("muted"))
        bar.spines["left"].set_visible(False)
        return figure


def _generator(axes, z, figure, n):
    g = figure.model.decode(z[:, None])[:, 0]
    near = np.abs(z - n["mean"]) <= 2 * n["std"]
    axes.fill_between(z, g - figure.std_noise, g + figure.std_noise, color=colour("model"), alpha=0.14, lw=0)
    axes.plot(z, g, color=colour("model"), lw=1.8, label="generator g(z) ± s")
    axes.plot(z[near], g[near], color=colour("q"), lw=4, solid_capstyle="round", label="where q (± 2 std) lands")
    axes.axhline(figure.x, color=colour("data"), lw=1.8, label=f"observed x = {figure.x:.2f}")
    axes.set(xlim=(-4.5, 4.5), ylim=(-3.6, 4.6), ylabel="x")
    axes.tick_params(labelbottom=False)
    axes.legend(fontsize=9, frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0, 0.98), borderaxespad=0)


def _densities(axes, z, model, figure, n):
    log_joint = model.log_joint_on(np.array([[figure.x]]), _points(z))[0]
    posterior = np.exp(log_joint - n["evidence"])
    q = posterior if n["kind"] == "exact" else np.exp(log_normal(z, n["mean"], n["std"]))
    label = "q = the posterior" if n["kind"] == "exact" else f"q = N({n['mean']:.2f}, {n['std']:.2f}²)"
    axes.fill_between(z, posterior, color=colour("posterior"), alpha=0.22, lw=0)
    axes.plot(z, posterior, color=colour("posterior"), lw=1.5, label="posterior p(z | x)")
    axes.plot(z, np.exp(log_normal(z, 0.0, 1.0)), color=colour("prior"), lw=1.4, ls="--", label="prior p(z)")
    axes.plot(z, q, color=colour("q"), lw=2.4, label=label)
    axes.set(xlim=(-4.5, 4.5), ylim=(0, max(1.0, 1.2 * posterior.max())), xlabel="z", ylabel="density")
    axes.legend(fontsize=9, frameon=False, loc="upper left")


def _bar(axes, n):
    """The cost from 0 nats to the left: solid to log p(x), the KL hatched from there to the ELBO."""
    cost_bar(axes, 0, n["elbo"], n["elbo"] + n["kl"], solid="evidence", ink="elbo")
    axes.axvline(n["evidence"], color=colour("evidence"), lw=2.5)
    words = [f"log p(x) = {n['evidence']:.3f}", f"= ELBO {n['elbo']:.3f}", f"+ KL {abs(n['kl']):.3f} nats"]
    axes.set_title("   ".join(words).replace("-", "−"), fontsize=10, loc="left", color=colour("ink"), weight="bold")
    axes.set(ylim=(-0.6, 0.6), yticks=[], xlabel="nats, from 0: log p(x) solid, the KL hatched, the ELBO at the end")


def _points(z):
    """The plot's z as a rule of the library, so that the model draws what it integrates."""
    return line(z[0], z[-1], len(z))
