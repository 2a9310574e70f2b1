"""The Bernoulli mixture: K binary images, each pixel of which is flipped on its own.

    z ~ Categorical(weights),    x_d | z = k ~ Bernoulli(probabilities_kd)

A mass on {0, 1}^D, so its evidence stands on one ruler with every other model of the same binary images.
Data x is (n, D) of 0 and 1; results are in nats per image. EM for it: `lvm_lib.em`.

Source: Bishop, "Pattern Recognition and Machine Learning" (2006), section 9.3.3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from . import _checks
from .mixture import Mixture

__all__ = ["BernoulliMixture"]


@dataclass(frozen=True, eq=False)
class BernoulliMixture(Mixture):
    """p(x, z = k) = weights_k prod_d probabilities_kd^x_d (1 - probabilities_kd)^(1 - x_d).

    weights: (K,), non-negative, sum 1.  probabilities: (K, D), strictly between 0 and 1 (at 0 or 1 a single pixel
    would make an image impossible). The arrays are copied and cannot be written to. Raises TypeError or ValueError.
    """

    weights: np.ndarray
    probabilities: np.ndarray

    def __post_init__(self) -> None:
        weights = _checks.probabilities("weights", self.weights, 1).copy()
        probabilities = _checks.real_array("probabilities", self.probabilities, 2).copy()
        if len(weights) != len(probabilities):
            raise ValueError(
                f"weights must have one entry per row of probabilities {probabilities.shape}, got shape {weights.shape}"
            )
        if probabilities.min() <= 0 or probabilities.max() >= 1:
            raise ValueError(
                "probabilities must lie strictly between 0 and 1, got values from "
                f"{probabilities.min():g} to {probabilities.max():g}"
            )
        for name, array in (("weights", weights), ("probabilities", probabilities)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def log_px_z_all(self, x: ArrayLike) -> np.ndarray:
        """log p(x | z = k) = sum_d x_d log(p_kd / (1 - p_kd)) + sum_d log(1 - p_kd), (n, K), as one product.

        Raises ValueError where x cannot be right.
        """
        return self._log_px_z(self._points(x))

    def _log_px_z(self, x: np.ndarray) -> np.ndarray:
        """The same for x that had its checks, as EM asks for it in every step."""
        off = np.log1p(-self.probabilities)  # (K, D)
        return x @ (np.log(self.probabilities) - off).T + off.sum(axis=1)  # (n, D) (D, K) + (K,)

    def sample(self, n: int, rng: np.random.Generator | int) -> tuple[np.ndarray, np.ndarray]:
        """Ancestral sampling: z (n,) from the weights, then every pixel of x (n, D) on its own; returns (x, z).

        Raises TypeError or ValueError where n or rng cannot be right.
        """
        n, generator = _checks.count("n", n), _checks.rng("rng", rng)
        z = generator.choice(len(self.weights), size=n, p=self.weights / self.weights.sum())
        x = generator.random((n, self.probabilities.shape[1])) < self.probabilities[z]
        return x.astype(np.float64), z

    def _points(self, x: ArrayLike) -> np.ndarray:
        x = binary_points(x)
        if x.shape[1] != self.probabilities.shape[1]:
            raise ValueError(f"x must have D = {self.probabilities.shape[1]} columns, got shape {x.shape}")
        return x


def binary_points(x: ArrayLike) -> np.ndarray:
    """x as float64 (n, D) of 0 and 1; raises ValueError otherwise: grey pixels need another likelihood."""
    x = _checks.real_array("x", x, 2)
    if not ((x == 0) | (x == 1)).all():
        raise ValueError(
            "x must hold only 0 and 1 (binarise grey pixels, or use a likelihood for grey values), "
            f"got values from {x.min():g} to {x.max():g}"
        )
    return x
