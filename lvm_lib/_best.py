"""The best Gaussian q with one latent dimension, point by point: the search of two modules. It follows no slope."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Elbo = Callable[[np.ndarray, np.ndarray], np.ndarray]
MOVES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1), (1, -1), (-1, 1))  # in mean and log std


class Best:
    """The best q = N(mean, std^2) of each point so far: `mean` and `log_std`, and its ELBO, `value`, each (n,).

    elbo: of each point from mean and log std, each (n,).
    """

    def __init__(self, elbo: Elbo, mean: np.ndarray, log_std: np.ndarray) -> None:
        self.elbo, self.mean, self.log_std = elbo, mean, log_std
        self.value = elbo(mean, log_std)

    def offer(self, mean: np.ndarray, log_std: np.ndarray) -> bool:
        """Take these where they raise the ELBO; whether any did."""
        value = self.elbo(mean, log_std)
        better = value > self.value
        self.mean, self.log_std = np.where(better, mean, self.mean), np.where(better, log_std, self.log_std)
        self.value = np.where(better, value, self.value)
        return bool(better.any())

    def search(self, step: np.ndarray, finest: float, rounds: int) -> None:
        """Look around the best by steps (in mean, in log std), and halve them after a round that raised nothing.

        It ends after so many rounds, or where both steps are below `finest`.
        """
        for _ in range(rounds):
            improved = False
            for along, wider in MOVES:
                improved |= self.offer(self.mean + along * step[0], self.log_std + wider * step[1])
            if not improved:
                step = step / 2
            if step.max() < finest:
                break
