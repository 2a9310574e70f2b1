"""The lab of the chapter on EM and the VAE: one model, fitted in four ways, on other settings."""

from __future__ import annotations

import html
import io
from collections.abc import Callable
from typing import NamedTuple

import ipywidgets
import numpy as np
from matplotlib.figure import Figure

from .._checks import describe, real_array
from ..plots.palette import colour
from ..trainable_models import CurveModel, LinearModel
from ..variational import WAYS, Climb, climb
from .base import Lab

__all__ = ["FourWays", "four_ways_lab"]

NAMES = {
    "em": "EM",
    "evidence": "gradient of the evidence",
    "per point": "a q for each point",
    "amortised": "amortised",
}
LOOKS = {"em": ("evidence", "o-"), "evidence": ("model", "s--"), "per point": ("q", "^-."), "amortised": ("elbo", "D:")}
BUMPS = 8  # of the curve


class FourWays(NamedTuple):
    """What the lab found: a `Climb` for each way that was followed to its end, and the settings."""

    climbs: dict[str, Climb]
    settings: dict

    def table(self) -> list[tuple]:
        """(way, evidence, test evidence, own objective, test objective) where each way ended, nats per point."""
        ends = {way: found.records[-1] for way, found in self.climbs.items()}
        return [(way, end.evidence, end.evidence_test, end.objective, end.objective_test) for way, end in ends.items()]


def four_ways_lab(sets: dict, show: Callable[..., object] | None = None) -> Lab:
    """A lab that fits one model in four ways from one start: choose data, model, encoder, rate and passes; then Train.

    sets: {name: (x, test)}, two arrays (n, D) and (m, D) each.
    show: called with a `FourWays`; returns what is to be shown. None: a table, and evidence and objective as curves.
    The start is a plane (or a line) through the mean, its direction drawn from `seed`, with the data's width as noise.
    Stop is heard after each way. Raises TypeError or ValueError where an argument does not fit.
    """
    if not isinstance(sets, dict) or not sets:
        raise TypeError(f"sets must be a dict of (x, test) by name, got {describe(sets)}")
    checked = {name: _pair(name, pair) for name, pair in sets.items()}
    style, names = {"description_width": "150px"}, list(checked)
    controls = {
        "data": ipywidgets.Dropdown(options=names, description="data", style=style),
        "model": ipywidgets.Dropdown(options=["linear", "curve"], description="generator", style=style),
        "latents": ipywidgets.IntSlider(2, 1, 6, description="size of z (linear)", style=style),
        "hidden": ipywidgets.Dropdown(
            options=[0, 4, 16, 64], value=16, description="encoder's hidden units", style=style
        ),
        "rate": ipywidgets.SelectionSlider(
            options=[0.003, 0.01, 0.03, 0.1], value=0.03, description="learning rate", style=style
        ),
        "passes": ipywidgets.SelectionSlider(
            options=[4, 8, 16, 32, 64, 128], value=32, description="passes", style=style
        ),
        "seed": ipywidgets.IntSlider(0, 0, 20, description="seed", style=style),
    }
    return Lab(controls, lambda *heard: _four(checked, *heard), show or _shown, name="fit in four ways")


def _pair(name, pair):
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise TypeError(f"sets[{name!r}] must be a pair (x, test), got {describe(pair)}")
    x, test = (
        real_array(f"{part} of sets[{name!r}]", array, 2) for part, array in zip(("x", "test"), pair, strict=True)
    )
    if x.shape[1] != test.shape[1]:
        raise ValueError(
            f"x and test of sets[{name!r}] must have the same columns, got {x.shape[1]} and {test.shape[1]}"
        )
    return x, test


def _start(x, settings):
    """The model where every way begins."""
    draw = np.random.default_rng(settings["seed"])
    width = float(x.std())
    if settings["model"] == "linear":
        size = x.shape[1], settings["latents"]
        return LinearModel(width * draw.normal(size=size) / np.sqrt(x.shape[1]), x.mean(axis=0), width)
    weights = np.zeros((2 + BUMPS, x.shape[1]))
    direction = draw.normal(size=x.shape[1])
    weights[0], weights[1] = x.mean(axis=0), width * direction / np.linalg.norm(direction)
    return CurveModel(weights, width)


def _four(sets, settings, progress, stopped) -> FourWays | None:
    """The four climbs, one after the other; None where it was stopped before the first had ended."""
    x, test = sets[settings["data"]]
    start, climbs = _start(x, settings), {}
    hidden = (settings["hidden"],) if settings["hidden"] else ()
    for number, way in enumerate(WAYS):
        if stopped():
            break
        progress(number / len(WAYS), f"{NAMES[way]} ...")
        climbs[way] = climb(
            way, start, x, test, passes=settings["passes"], rate=settings["rate"], seed=settings["seed"], hidden=hidden
        )
    progress(len(climbs) / len(WAYS), f"{len(climbs)} of {len(WAYS)} ways, {settings['passes']} passes each.")
    return FourWays(climbs, dict(settings)) if climbs else None


# ---------------------------------------------------------------- what is shown


def _shown(found: FourWays) -> ipywidgets.VBox:
    out = io.BytesIO()
    _curves(found).savefig(out, format="png", dpi=150, facecolor=colour("ground"))
    return ipywidgets.VBox(
        [ipywidgets.HTML(_rows(found)), ipywidgets.Image(value=out.getvalue(), layout={"max_width": "760px"})]
    )


def _rows(found) -> str:
    heads = ("way", "evidence", "evidence, test", "own objective", "own objective, test")
    rows = "".join(
        f"<tr><td>{html.escape(NAMES[way])}</td>"
        + "".join(f"<td style='text-align:right'>{v:.3f}</td>" for v in values)
        + "</tr>"
        for way, *values in found.table()
    )
    return (
        "<table><caption>Nats per point, after the last pass</caption><tr>"
        + "".join(f"<th scope='col'>{head}</th>" for head in heads)
        + f"</tr>{rows}</table>"
    )


def _curves(found) -> Figure:
    """Evidence (marked) and own objective (thin) against passes, on training and on test data."""
    figure = Figure(figsize=(7.6, 3.7), layout="constrained")
    for axes, which, title in zip(
        figure.subplots(1, 2, sharey=True), ("", "_test"), ("training data", "test data"), strict=True
    ):
        for way, run in found.climbs.items():
            ink, mark = colour(LOOKS[way][0]), LOOKS[way][1]
            axes.plot(run.column("passes"), run.column("evidence" + which), mark, ms=4, color=ink, label=NAMES[way])
            axes.plot(run.column("passes"), run.column("objective" + which), lw=0.8, color=ink)
        axes.set(xscale="symlog", xlabel="passes over the data", title=title)
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("nats per point (thin: own objective)")
    top = max(end for run in found.climbs.values() for end in run.column("evidence"))
    low = min(run.column("evidence")[min(3, len(run.records) - 1)] for run in found.climbs.values())
    figure.axes[0].set_ylim(low - 0.2 * (top - low) - 0.1, top + 0.1 * (top - low) + 0.1)
    figure.legend(
        *figure.axes[0].get_legend_handles_labels(), fontsize=8, frameon=False, ncols=4, loc="outside lower center"
    )
    return figure
