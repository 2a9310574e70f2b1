"""Labs: controls that train a model in Jupyter, Colab or VS Code and hand it to a live figure.

A lab needs a running kernel; the built page says so, and how to get one. Nothing else in the library imports this
package.
"""

from .base import Lab
from .four_ways import FourWays, four_ways_lab
from .tokens import TrainedTokens, tokens_lab
from .vae import Trained, vae_lab

__all__ = ["FourWays", "Lab", "Trained", "TrainedTokens", "four_ways_lab", "tokens_lab", "vae_lab"]
