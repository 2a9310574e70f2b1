"""Live figures: what a reader touches. One Python class and one JavaScript module each.

The arithmetic of a figure runs in the reader's browser (js/engine) and, as an independent twin, in this library; tests
hold the two together. Nothing in the library's mathematics imports this package.
"""

from .ancestral import AncestralFigure
from .base import LiveFigure
from .elbo import ElboFigure
from .em import EmFigure
from .gradient import GradientFigure
from .kl import KlFigure
from .kmeans import KmeansFigure
from .plane import LatentPlaneFigure, shipped_vae
from .posterior import TruePosteriorFigure
from .prior import PriorFigure
from .scrubber import ScrubberFigure
from .tokens import TokensFigure

__all__ = [
    "AncestralFigure",
    "ElboFigure",
    "EmFigure",
    "GradientFigure",
    "KlFigure",
    "KmeansFigure",
    "LatentPlaneFigure",
    "LiveFigure",
    "PriorFigure",
    "ScrubberFigure",
    "TokensFigure",
    "TruePosteriorFigure",
    "by_name",
    "shipped_vae",
]


def by_name(name: str) -> type[LiveFigure]:
    """The class of a live figure by its name, that of its JavaScript module; raises KeyError, naming the choices."""
    known = {cls.name: cls for cls in LiveFigure.__subclasses__() if cls.name}
    if name not in known:
        raise KeyError(f"no live figure {name!r}; there are {', '.join(sorted(known))}")
    return known[name]
