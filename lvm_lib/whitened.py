"""The bent curve in a basis in which a gradient can move: the same family of densities, other coordinates.

    x | z ~ N(B^T phi(z), std^2 I)  =  N(C^T psi(z), std^2 I),    psi = R^-T phi,  C = R B,    E[phi phi^T] = R^T R

z ~ N(0, 1) in the expectation, so E[psi psi^T] = I: the regression behind the M-step is well conditioned where q lies
like the prior. EM does not notice (a regression spans the same curves in any basis); a gradient does.
"""

from __future__ import annotations

import numpy as np
import torch

from ._checks import describe
from .trainable_models import CurveModel, Reals

__all__ = ["WhitenedCurve", "prior_gram", "whitened"]


class WhitenedCurve(CurveModel):
    """A `CurveModel` whose features are uncorrelated under the prior, of mean square one; weights are C above.

    weights: (2 + bumps, D).  std: > 0.  Raises TypeError or ValueError where an argument does not fit.
    """

    turn: torch.Tensor | None = None  # R^-1, (F, F); None while the plain features are looked at

    def __init__(self, weights: Reals, std: float, *, grid: int = 241):
        super().__init__(weights, std, grid=grid)
        self.turn = torch.linalg.inv(torch.linalg.cholesky(prior_gram(self)).T)
        self.grid_features = self._features(self.grid)

    def _features(self, z: torch.Tensor) -> torch.Tensor:
        plain = super()._features(z)
        return plain if self.turn is None else plain @ self.turn  # (..., F) @ (F, F)


def prior_gram(model: CurveModel) -> torch.Tensor:
    """E[phi(z) phi(z)^T] under z ~ N(0, 1), (F, F), by the sum over the model's grid.

    Raises TypeError where model is no CurveModel.
    """
    _curve("model", model)
    mass = (-0.5 * model.grid**2 + model.log_weights).softmax(0)  # (m,)
    return model.grid_features.T @ (mass[:, None] * model.grid_features)  # (F, m) @ (m, F)


def whitened(model: CurveModel) -> WhitenedCurve:
    """The same density with whitened features: C = R B. Raises TypeError where model is no CurveModel."""
    _curve("model", model)
    root = torch.linalg.cholesky(prior_gram(model)).T  # R, upper
    std = float(np.exp(float(model.log_std.detach())))
    return WhitenedCurve(root @ model.weights.detach(), std, grid=len(model.grid))


def _curve(name: str, model: object) -> None:
    if not isinstance(model, CurveModel):
        raise TypeError(f"{name} must be a CurveModel, got {describe(model)}")
