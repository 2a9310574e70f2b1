"""Static figures and the one palette."""

from .palette import colour, css
from .show import images, show, subplots

__all__ = ["colour", "css", "images", "show", "subplots"]
