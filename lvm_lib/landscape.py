"""The landscape of the bound, for a toy with one parameter: F(theta', theta), drawn over a plane.

    z ~ +1 or -1, each with probability 1/2,    x | z ~ N(z theta, std^2),    x on a line

F has one q per data point. To draw it over a plane, all of them are indexed by one number theta', the parameter for
which they are exact, q_theta'(z_n) = p(z_n | x_n; theta'):

    F(theta', theta) = sum_n { E_{q_theta'}[log p(x_n, z_n; theta)] + H(q_theta'(z_n)) }
                     = sum_n { log p(x_n; theta) - KL(q_theta'(z_n) || p(z_n | x_n; theta)) }

The diagonal theta' = theta is the evidence, and a ridge along theta'. An E-step moves onto the diagonal, an M-step
along theta. theta and -theta name the same density: the landscape is symmetric, and theta = 0 a saddle between two
equal tops. It is a toy (two numbers), and q can only be what some theta' makes of it.

Units: nats, *summed* over the points. theta' and theta are numbers or arrays that broadcast; results have their shape.

Source: Neal and Hinton, "A view of the EM algorithm that justifies incremental, sparse, and other variants" (1998).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from . import _checks
from .densities import LOG_2PI

__all__ = ["Landscape"]


@dataclass(frozen=True, eq=False)
class Landscape:
    """The bound of the mixture 1/2 N(theta, std^2) + 1/2 N(-theta, std^2) on given points.

    x: the points, (n,).  std: > 0, known.  Raises TypeError or ValueError if they are not.
    """

    x: np.ndarray
    std: float = 1.0

    def __post_init__(self) -> None:
        x = _checks.real_array("x", self.x, 1).copy()
        x.setflags(write=False)
        object.__setattr__(self, "x", x)
        object.__setattr__(self, "std", float(_checks.positive_array("std", self.std, 0)))

    def q(self, theta_q: ArrayLike) -> np.ndarray:
        """q_theta'(z_n = +1) = 1 / (1 + exp(-2 theta' x_n / std^2)), (..., n).

        Raises TypeError or ValueError where theta_q cannot be right.
        """
        return np.exp(-np.logaddexp(0.0, -self._log_odds("theta_q", theta_q)))

    def elbo(self, theta_q: ArrayLike, theta: ArrayLike) -> np.ndarray:
        """F(theta', theta): expectation of the log joint under q_theta', plus q's entropy. [em-landscape]

        E_q[log p(x_n, z_n; theta)] = -log 2 - log(2 pi std^2) / 2
                                      - [x_n^2 + theta^2 - 2 theta x_n tanh(theta' x_n / std^2)] / (2 std^2)

        Raises TypeError or ValueError where theta_q or theta cannot be right.
        """
        theta = self._theta("theta", theta)
        log_odds = self._log_odds("theta_q", theta_q)
        mean_z = np.tanh(log_odds / 2)  # E_q[z_n], (..., n)
        squares = self.x**2 + theta**2 - 2 * theta * self.x * mean_z  # E_q[(x_n - z_n theta)^2]
        energy = -np.log(2) - (LOG_2PI + 2 * np.log(self.std) + squares / self.std**2) / 2
        # H(q) = log(1 + e^-a) + a (1 - q),  a the log odds: no log of 0 far out
        size = np.abs(log_odds)
        entropy = np.log1p(np.exp(-size)) + size / (1 + np.exp(np.minimum(size, 700.0)))
        return (energy + entropy).sum(axis=-1)

    def evidence(self, theta: ArrayLike) -> np.ndarray:
        """sum_n log[N(x_n; theta, std^2) / 2 + N(x_n; -theta, std^2) / 2], with z summed out (never through F).

        Raises TypeError or ValueError where theta cannot be right.
        """
        theta = self._theta("theta", theta)
        ends = [-(((self.x - sign * theta) / self.std) ** 2) / 2 for sign in (1, -1)]
        return (np.logaddexp(*ends) - np.log(2) - LOG_2PI / 2 - np.log(self.std)).sum(axis=-1)

    def gap(self, theta_q: ArrayLike, theta: ArrayLike) -> np.ndarray:
        """sum_n KL(q_theta'(z_n) || p(z_n | x_n; theta)), found from the two distributions over z alone.

        Raises TypeError or ValueError where theta_q or theta cannot be right.
        """
        of_q, of_p = self._log_odds("theta_q", theta_q), self._log_odds("theta", theta)
        q, rest = np.exp(-np.logaddexp(0.0, -of_q)), np.exp(-np.logaddexp(0.0, of_q))  # 1 - q would lose its digits
        plus = np.logaddexp(0.0, -of_p) - np.logaddexp(0.0, -of_q)  # log q(+1) - log p(+1)
        minus = np.logaddexp(0.0, of_p) - np.logaddexp(0.0, of_q)
        return (q * plus + rest * minus).sum(axis=-1)

    def e_step(self, theta: ArrayLike) -> np.ndarray:
        """The theta' that raises F(., theta) most: theta itself, where the gap is 0."""
        return self._theta("theta", theta)[..., 0]

    def m_step(self, theta_q: ArrayLike) -> np.ndarray:
        """The theta that raises F(theta', .) most: mean_n x_n E_q[z_n] = mean_n x_n tanh(theta' x_n / std^2)."""
        return (self.x * np.tanh(self._log_odds("theta_q", theta_q) / 2)).mean(axis=-1)

    def slopes(self, theta_q: ArrayLike, theta: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """(dF/dtheta', dF/dtheta): the uphill direction, for the path that moves both at once.

        dF/dtheta  = n (m_step(theta') - theta) / std^2
        dF/dtheta' = sum_n (theta - theta') (x_n / std^2)^2 (1 - tanh^2(theta' x_n / std^2))

        Raises TypeError or ValueError where theta_q or theta cannot be right.
        """
        theta, of_q = self._theta("theta", theta), self._theta("theta_q", theta_q)
        half_odds = self.x * of_q / self.std**2
        mean_z, small = np.tanh(half_odds), np.exp(-2 * np.abs(half_odds))
        bend = 4 * small / (1 + small) ** 2  # 1 - tanh^2, to the last digit far out too
        along_q = ((theta - of_q) * (self.x / self.std**2) ** 2 * bend).sum(axis=-1)
        along = ((self.x * mean_z - theta) / self.std**2).sum(axis=-1)
        return along_q, along

    def em_path(self, theta_q: float, theta: float, steps: int) -> np.ndarray:
        """The staircase of EM from (theta', theta): E, M, E, M ..., (2 steps + 1, 2); F never falls along it.

        Raises TypeError or ValueError where theta_q, theta or steps cannot be right.
        """
        steps, path = _checks.count("steps", steps), [_start(theta_q, theta)]
        for _ in range(steps):
            path.append((float(self.e_step(path[-1][1])), path[-1][1]))
            path.append((path[-1][0], float(self.m_step(path[-1][0]))))
        return np.array(path)

    def gradient_path(self, theta_q: float, theta: float, steps: int, rate: float) -> np.ndarray:
        """Joint gradient ascent: both numbers move at once, by rate / n times their slopes, (steps + 1, 2).

        Its shape depends on the rate, and on how theta' is written down; F may fall if the rate is too large.
        Raises TypeError or ValueError where theta_q, theta, steps or rate cannot be right.
        """
        steps, rate = _checks.count("steps", steps), float(_checks.positive_array("rate", rate, 0))
        path = [np.array(_start(theta_q, theta))]
        for _ in range(steps):
            path.append(path[-1] + rate / len(self.x) * np.array(self.slopes(*path[-1])))
        return np.array(path)

    def _log_odds(self, name: str, theta: ArrayLike) -> np.ndarray:
        return 2 * self._theta(name, theta) * self.x / self.std**2

    def _theta(self, name: str, value: ArrayLike) -> np.ndarray:
        return _checks.real_array(name, value)[..., None]


def _start(theta_q: float, theta: float) -> tuple[float, float]:
    """Where a path begins: two finite numbers."""
    return float(_checks.real_array("theta_q", theta_q, 0)), float(_checks.real_array("theta", theta, 0))
