"""The front page's live figure: the latent plane on a map of what each z decodes to, with z drawn from the prior.

A draw has three beats: z from the prior, the mean of p(x | z), and a sample of it. js/figures/plane/build.js draws it.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

from .. import counter
from .._checks import describe
from ..likelihoods import Bernoulli
from ..vae import VAE
from .drawing import PIXELS, SIDE, written
from .one_plane import REACH, OnePlaneFigure, checksum, packed
from .state import one_of, whole

__all__ = ["FrontFigure"]

CHANCES = 1000
STREAM = 11  # of the counter: other figures draw from others
FIRST = (0, 2)  # class and place of the stored image that it begins with: a clean one, less probable than an empty page


class FrontFigure(OnePlaneFigure):
    """The latent plane (see LatentPlaneFigure), with samples: z from the prior, x from p(x | z).

    vae: a VAE with two latent dimensions and a Bernoulli likelihood; None: the small one that comes with the library.
    first: class and place of the stored image that it begins with.

    Traits beside those of the plane: chance (which chance draws z and tosses the pixels' coins), ground (what lies
    under the plane: "pictures", what each place decodes to, or "codes" of test images).
    Raises TypeError or ValueError where vae or first cannot be right.
    """

    name = "front"
    heights = (1250, 745)

    chance = whole(1, 0, CHANCES - 1, link="c", home=1, help="which chance draws z and tosses the pixels' coins")
    ground = one_of("pictures", ("codes", "pictures"), link="g", codes=("c", "p"), help="what lies under the plane")

    def __init__(self, vae: VAE | None = None, *, first: tuple[int, int] = FIRST, **traits: object):
        self._known_traits(traits, "vae", "first")
        given: dict = {key: traits.pop(key) for key in self.carried if key in traits} or packed(
            vae, None, "digits", "mixed"
        )
        super().__init__(**{**given, "x": _picked(given, first), **traits})

    @property
    def sample(self) -> np.ndarray:
        """A sample of p(x | z) at the handle, (28, 28) of 0 and 1: pixel d is black where coin d falls below its mean.

        The coins hang on `chance` alone, so the same chance at another z tosses the same coins.
        """
        return (_coins(self.chance) < self.decoded.ravel()).astype(int).reshape(SIDE, SIDE)

    def draw_z(self) -> np.ndarray:
        """Ancestral sampling: the next chance, z from the prior N(0, I), and the handle there. Returns z, (2,)."""
        self.chance = (self.chance + 1) % CHANCES
        self.z1, self.z2 = np.clip(drawn_z(self.chance), -REACH, REACH).tolist()
        self.follow = False
        return self.z

    def numbers(self) -> dict:
        """All numbers of the current state: those of the plane, and those of the draw."""
        sample, (first, second) = self.sample.ravel(), drawn_z(self.chance)
        with torch.no_grad():
            logits = self._modules[self.net][1](torch.tensor(self.z)[None])
            log_ps_z = Bernoulli()(logits).log_prob(torch.tensor(sample, dtype=torch.float64)[None])[0]
        return {
            **super().numbers(),
            "chance": self.chance,
            "ground": self.ground,
            "drawn1": float(first),
            "drawn2": float(second),
            "sample_ink": int(sample.sum()),
            "sample_checksum": checksum(sample),
            "log_ps_z": float(log_ps_z),
        }

    @classmethod
    def broken(cls, numbers: dict) -> list[str]:
        """What must hold in every state."""
        n = numbers
        rules = {
            "log p of a sample of binary pixels is a log mass": n["log_ps_z"] <= 0,
            "a sample of binary pixels is black or white": n["sample_ink"] in range(PIXELS + 1),
        }
        return [*super().broken(n), *(rule for rule, holds in rules.items() if not holds)]


def _picked(given: dict, first: tuple[int, int]) -> str:
    """The stored image `first` (class, place), as text."""
    picks = np.frombuffer(given["images"], np.uint8).reshape(len(given["names"]), -1, PIXELS // 8)
    if not (isinstance(first, tuple) and len(first) == 2 and all(isinstance(i, int) for i in first)):
        raise TypeError(f"first must be two whole numbers, a class and the place of a pick, got {describe(first)}")
    if not all(0 <= i < n for i, n in zip(first, picks.shape, strict=False)):
        raise ValueError(f"first must lie below {picks.shape[:2]}, the classes and the picks of each, got {first}")
    return written(np.unpackbits(picks[first]))


def drawn_z(chance: int) -> np.ndarray:
    """The z that a chance draws from the prior N(0, I), (2,). Raises TypeError or ValueError as the counter does."""
    return counter.normals(chance, 0, STREAM)


@lru_cache(maxsize=8)
def _coins(chance: int) -> np.ndarray:
    """A uniform number for each pixel, (784,): pixel d is black where its coin falls below its mean."""
    return counter.uniforms(chance, np.arange(1, PIXELS + 1), STREAM)[:, 0]
