"""Two models that both EM and a gradient can fit: their parameters are torch's, and evidence and posterior are known.

    LinearModel    x | z ~ N(W z + mean, std^2 I)        PPCA; z of any size
    CurveModel     x | z ~ N(phi(z) B, std^2 I)          a curve bent by fixed bumps phi; z on a line

In `CurveModel` an integral over z is a sum over a grid, and the M-step is a regression. The functions of x check it and
then call one of the same name with an underscore, which training calls directly.

Axes: x (n, D), a torch tensor in float64; q is a mean (n, d) and a lower-triangular factor L (n, d, d), S = L L^T.
Units: nats per data point.

Sources: Tipping and Bishop (1999); Bishop, Svensen and Williams, "GTM" (1998), whose model the curve is, with a normal
prior.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from ._checks import count, real_array, real_number
from ._torch import real_tensor, torch_generator
from .bounds import GaussianQ, GridQ
from .densities import LOG_2PI
from .em import m_step_linear
from .ppca import LinearGaussian
from .quadrature import hermite, line

__all__ = ["CurveModel", "LinearModel"]

Reals = ArrayLike | torch.Tensor
FLOOR = 1e-9  # no M-step makes the noise's variance a smaller share of the data's


def _floor(x: np.ndarray | torch.Tensor) -> float:
    """The least variance of the noise: a share of the columns' average variance in x; FLOOR if they have none."""
    variance = float(((x - x.mean(0)) ** 2).mean())
    return FLOOR * (variance or 1.0)


class LinearModel(nn.Module):
    """z ~ N(0, I), x | z ~ N(W z + mean, std^2 I): PPCA with parameters that torch can follow.

    loadings: W (D, d).  mean: (D,).  std: > 0.  Raises TypeError or ValueError where shapes do not fit.
    """

    def __init__(self, loadings: Reals, mean: Reals, std: float):
        super().__init__()
        loadings, mean = _tensor("loadings", loadings, 2), _tensor("mean", mean, 1)
        if len(mean) != len(loadings):
            raise ValueError(f"mean must have one entry per row of loadings {tuple(loadings.shape)}, got {len(mean)}")
        self.loadings, self.mean = nn.Parameter(loadings), nn.Parameter(mean)
        self.log_std = nn.Parameter(torch.tensor(math.log(real_number("std", std, positive=True)), dtype=torch.float64))

    @property
    def latents(self) -> int:
        """d, the number of latents."""
        return self.loadings.shape[1]

    @property
    def dimensions(self) -> int:
        """D, the number of columns of x."""
        return len(self.mean)

    def evidence(self, x: Reals) -> torch.Tensor:
        """log N(x; mean, W W^T + std^2 I), (n,), through the (d, d) matrix M = std^2 I + W^T W.

        Raises TypeError, ValueError.
        """
        return self._evidence(as_points("x", x, self.dimensions))

    def _evidence(self, x: torch.Tensor) -> torch.Tensor:
        dimensions, noise = len(self.mean), (2 * self.log_std).exp()
        apart = x - self.mean  # (n, D)
        precision = noise * torch.eye(self.latents, dtype=x.dtype) + self.loadings.T @ self.loadings  # (d, d)
        factor = torch.linalg.cholesky(precision)
        along = torch.linalg.solve_triangular(factor, (apart @ self.loadings).T, upper=False)  # (d, n)
        distance = ((apart**2).sum(1) - (along**2).sum(0)) / noise
        log_det = 2 * factor.diagonal().log().sum() + (dimensions - self.latents) * 2 * self.log_std
        return -0.5 * (distance + log_det + dimensions * LOG_2PI)

    def posterior(self, x: Reals) -> GaussianQ:
        """p(z | x), exact, one covariance for all x. Raises TypeError, ValueError."""
        return self.exact().posterior(as_points("x", x, self.dimensions).detach().numpy())

    def elbo(self, x: Reals, mean: Reals, factor: Reals) -> torch.Tensor:
        """The ELBO of q = N(mean, L L^T), (n,), in closed form:

            log N(x; W m + mean, std^2 I) - |W L|^2 / (2 std^2) - KL(q || N(0, I))

        Raises TypeError or ValueError where x, mean or factor do not fit.
        """
        return self._elbo(*as_gaussians(self, x, mean, factor))

    def _elbo(self, x: torch.Tensor, mean: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
        noise, dimensions = (2 * self.log_std).exp(), len(self.mean)
        residual = ((x - self.mean - mean @ self.loadings.T) ** 2).sum(1) + ((self.loadings @ factor) ** 2).sum((1, 2))
        return -0.5 * (residual / noise + dimensions * (LOG_2PI + 2 * self.log_std)) - _kl_to_prior(mean, factor)

    @torch.no_grad()
    def em_step(self, x: Reals) -> LinearModel:
        """One exact EM step, E then M, in place; returns self. Raises TypeError, ValueError."""
        x, fitted = as_points("x", x, self.dimensions).numpy(), self.exact()
        moved = m_step_linear(x, fitted.posterior(x), floor=_floor(x))
        self.loadings.copy_(torch.tensor(moved.loadings))
        self.mean.copy_(torch.tensor(moved.mean))
        self.log_std.fill_(0.5 * math.log(moved.noise))
        return self

    @torch.no_grad()
    def exact(self) -> LinearGaussian:
        """The same model as lvm_lib.ppca knows it."""
        return LinearGaussian(self.loadings.numpy(), self.mean.numpy(), math.exp(2 * float(self.log_std)))


class CurveModel(nn.Module):
    """z ~ N(0, 1), x | z ~ N(phi(z) B, std^2 I): a curve through the data, bent by `bumps` fixed Gaussian bumps phi.

    phi(z) = (1, z, exp(-(z - c_1)^2 / (2 w^2)), ...), the centres c evenly over [-2.5, 2.5], w their distance.
    weights: B (2 + bumps, D).  std: > 0.  The generator is linear in B, so its M-step is a regression; in z it is not
    linear, so no posterior is Gaussian. Integrals over z are sums over `grid` points of [-6, 6].
    Raises TypeError or ValueError where an argument does not fit.
    [em-curve]
    """

    latents = 1

    def __init__(self, weights: Reals, std: float, *, grid: int = 241):
        super().__init__()
        self.weights = nn.Parameter(_tensor("weights", weights, 2))
        bumps = len(self.weights) - 2
        if bumps < 2:
            raise ValueError(f"weights must have at least 4 rows (1, z and two bumps), got {len(self.weights)}")
        self.log_std = nn.Parameter(torch.tensor(math.log(real_number("std", std, positive=True)), dtype=torch.float64))
        self.centres = torch.linspace(-2.5, 2.5, bumps, dtype=torch.float64)
        self.width = float(self.centres[1] - self.centres[0])
        rule, nodes = line(-6.0, 6.0, count("grid", grid, 51)), hermite(24)
        self.grid, self.log_weights = torch.tensor(rule.points[:, 0]), torch.tensor(rule.log_weights)
        self.nodes, self.node_weights = torch.tensor(nodes.points[:, 0]), torch.tensor(np.exp(nodes.log_weights))
        self.grid_features = self._features(self.grid)

    @property
    def dimensions(self) -> int:
        """D, the number of columns of x."""
        return self.weights.shape[1]

    def features(self, z: Reals) -> torch.Tensor:
        """phi(z): (...) to (..., 2 + bumps). Raises TypeError, ValueError."""
        return self._features(real_tensor("z", z, like=self.grid))

    def _features(self, z: torch.Tensor) -> torch.Tensor:
        bumps = torch.exp(-0.5 * ((z[..., None] - self.centres) / self.width) ** 2)
        return torch.cat([torch.ones_like(z)[..., None], z[..., None], bumps], -1)

    def decode(self, z: Reals) -> torch.Tensor:
        """The curve: z (...) to (..., D). Raises TypeError, ValueError."""
        return self.features(z) @ self.weights  # (..., F) @ (F, D)

    def log_joint_on_grid(self, x: Reals) -> torch.Tensor:
        """log p(x, z) at the grid's points, (n, m). Raises TypeError, ValueError."""
        return self._log_joint_on_grid(as_points("x", x, self.dimensions))

    def _log_joint_on_grid(self, x: torch.Tensor) -> torch.Tensor:
        curve = self.grid_features @ self.weights  # (m, D)
        squares = (x**2).sum(1, keepdim=True) - 2 * x @ curve.T + (curve**2).sum(1)  # (n, 1), (n, m), (m,)
        log_px_z = -0.5 * squares * (-2 * self.log_std).exp() - x.shape[1] * (self.log_std + 0.5 * LOG_2PI)
        return log_px_z - 0.5 * (self.grid**2 + LOG_2PI)

    def evidence(self, x: Reals) -> torch.Tensor:
        """log p(x), (n,), by the sum over the grid. Raises TypeError, ValueError."""
        return self._evidence(as_points("x", x, self.dimensions))

    def _evidence(self, x: torch.Tensor) -> torch.Tensor:
        return (self._log_joint_on_grid(x) + self.log_weights).logsumexp(1)

    def masses_on_grid(self, x: Reals) -> torch.Tensor:
        """p(z | x) as masses of the grid's points, (n, m); each row sums to 1. Raises TypeError, ValueError."""
        return (self.log_joint_on_grid(x) + self.log_weights).softmax(1)

    @torch.no_grad()
    def posterior(self, x: Reals) -> GridQ:
        """p(z | x), one density on a line for each x, straight between the grid's points.

        Raises TypeError, ValueError.
        """
        return GridQ(self.grid.numpy(), self.log_joint_on_grid(x).numpy())

    def elbo(self, x: Reals, mean: Reals, factor: Reals) -> torch.Tensor:
        """The ELBO of q = N(mean, L^2), (n,), its expectation by 24 Gauss-Hermite nodes: no samples.

        Raises TypeError, ValueError.
        """
        return self._elbo(*as_gaussians(self, x, mean, factor))

    def _elbo(self, x: torch.Tensor, mean: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
        z = mean + factor[:, :, 0] * self.nodes  # (n, nodes)
        return self._log_px_z(x, z) @ self.node_weights - _kl_to_prior(mean, factor)  # (n, nodes) @ (nodes,) - (n,)

    def sampled_elbo(
        self, x: Reals, mean: Reals, factor: Reals, samples: int, generator: torch.Generator | int
    ) -> torch.Tensor:
        """The same from `samples` draws of q, one column each: (n, samples); their spread is Monte Carlo error.

        Raises TypeError, ValueError.
        """
        x, mean, factor = as_gaussians(self, x, mean, factor)
        samples, generator = count("samples", samples), torch_generator("generator", generator)
        z = mean + factor[:, :, 0] * torch.randn((len(x), samples), generator=generator, dtype=x.dtype)
        return self._log_px_z(x, z) - _kl_to_prior(mean, factor)[:, None]  # (n, samples) - (n, 1)

    @torch.no_grad()
    def em_step(self, x: Reals) -> CurveModel:
        """One exact EM step in place: E, the posterior on the grid; M, a regression of x on phi(z) under it.

        Raises TypeError, ValueError.
        """
        x = as_points("x", x, self.dimensions)
        masses, phi = self.masses_on_grid(x), self.grid_features  # (n, m), (m, F)
        return self._regress(phi.T @ (masses.sum(0)[:, None] * phi), phi.T @ (masses.T @ x), x)

    @torch.no_grad()
    def m_step(self, x: Reals, mean: Reals, factor: Reals) -> CurveModel:
        """The theta that maximises the ELBO for q = N(mean, L^2), in place: the same regression, under that q.

        Raises TypeError, ValueError.
        """
        x, mean, factor = as_gaussians(self, x, mean, factor)
        phi = self._features(mean + factor[:, :, 0] * self.nodes)  # (n, nodes, F)
        weighted = phi * self.node_weights[:, None]  # (n, nodes, F) * (nodes, 1)
        second = torch.einsum("nkf,nkg->fg", weighted, phi)  # (F, F)
        return self._regress(second, torch.einsum("nkf,nd->fd", weighted, x), x)

    def _regress(self, second: torch.Tensor, cross: torch.Tensor, x: torch.Tensor) -> CurveModel:
        """B = second^-1 cross, sigma^2 the mean square left; second = sum E[phi phi^T], cross = sum E[phi] x^T."""
        self.weights.copy_(torch.linalg.solve(second, cross))
        left = ((x**2).sum() - (self.weights * cross).sum()) / x.numel()
        self.log_std.fill_(0.5 * math.log(max(float(left), _floor(x))))
        return self

    def _log_px_z(self, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        squares = ((x[:, None] - self._features(z) @ self.weights) ** 2).sum(-1)  # (n, nodes, D) to (n, nodes)
        return -0.5 * squares * (-2 * self.log_std).exp() - x.shape[1] * (self.log_std + 0.5 * LOG_2PI)


def _kl_to_prior(mean: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    """KL(N(mean, L L^T) || N(0, I)), (n,)."""
    log_det = factor.diagonal(dim1=1, dim2=2).log().sum(1)
    return 0.5 * ((mean**2).sum(1) + (factor**2).sum((1, 2)) - mean.shape[1]) - log_det


# ---------------------------------------------------------------- arguments


def _tensor(name: str, value: Reals, ndim: int) -> torch.Tensor:
    return torch.tensor(real_array(name, value.detach() if isinstance(value, torch.Tensor) else value, ndim))


def as_points(name: str, value: Reals, columns: int, ndim: int = 2) -> torch.Tensor:
    """`value` as a finite float64 tensor with so many columns, not so large that its sum of squares overflows.

    Raises TypeError or ValueError otherwise.
    """
    value = real_tensor(name, value, ndim, like=torch.zeros((), dtype=torch.float64))
    if value.shape[-1] != columns:
        raise ValueError(f"{name} must have {columns} columns, got shape {tuple(value.shape)}")
    if not torch.isfinite((value.detach() ** 2).sum()):
        raise ValueError(
            f"{name} must have squares within float64, got entries up to {float(value.detach().abs().max()):g}"
        )
    return value


def as_gaussians(
    model: LinearModel | CurveModel, x: Reals, mean: Reals, factor: Reals
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Data (n, D), and the mean (n, d) and factor (n, d, d) of one Gaussian per row of it.

    Raises TypeError, ValueError.
    """
    x, mean, factor = (
        as_points("x", x, model.dimensions),
        as_points("mean", mean, model.latents),
        as_points("factor", factor, model.latents, 3),
    )
    if len(mean) != len(x):
        raise ValueError(f"mean must have one row per row of x, {len(x)}, got shape {tuple(mean.shape)}")
    if factor.shape != (*mean.shape, model.latents):
        raise ValueError(f"factor must have shape {(*mean.shape, model.latents)}, got {tuple(factor.shape)}")
    if not (factor.diagonal(dim1=1, dim2=2) > 0).all() or (factor.triu(1) != 0).any():
        raise ValueError("factor must be lower-triangular with a positive diagonal")
    return x, mean, factor
