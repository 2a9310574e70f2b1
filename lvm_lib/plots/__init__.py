"""Static figures and the one palette."""

from .palette import colour, css

__all__ = ["colour", "css"]
