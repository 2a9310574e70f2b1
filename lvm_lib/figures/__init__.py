"""Live figures: what a reader touches. One Python class and one JavaScript module each.

The arithmetic of a figure runs in the reader's browser (js/engine) and, as an independent twin, in this library; tests
hold the two together. Nothing in the library's mathematics imports this package.
"""

from .ancestral import AncestralFigure
from .base import LiveFigure
from .elbo import ElboFigure
from .kl import KlFigure
from .plane import LatentPlaneFigure, shipped_vae
from .prior import PriorFigure
from .tokens import TokensFigure

__all__ = ["AncestralFigure", "ElboFigure", "KlFigure", "LatentPlaneFigure", "LiveFigure", "PriorFigure", "TokensFigure", "by_name", "shipped_vae"]


def by_name(name: str) -> type[LiveFigure]:
    """The class of a live figure by its name, that of its JavaScript module; raises KeyError, naming the choices."""
    known = {cls.name: cls for cls in LiveFigure.__subclasses__() if cls.name}
    if name not in known:
        raise KeyError(f"no live figure {name!r}; there are {', '.join(sorted(known))}")
    return known[name]
