"""Live figures: what a reader touches. One Python class and one JavaScript module each.

The arithmetic of a figure runs in the reader's browser (js/engine) and, as an independent twin, in this library; tests
hold the two together. Nothing in the library's mathematics imports this package.
"""

from .base import LiveFigure
from .elbo import ElboFigure

__all__ = ["LiveFigure", "ElboFigure"]
