"""One model, four ways to fit it: the same generator and data, four ways to deal with q and theta.

    way            q                                          theta
    em             the posterior, exact                       the M-step's maximum
    evidence       none: z is integrated out                  gradient of log p(x)
    per point      one Gaussian per data point, by gradient   gradient of the ELBO, together with q
    amortised      an encoder's Gaussian, by gradient         gradient of the ELBO, together with the encoder

Two models, both small enough that evidence and posterior are known: `LinearModel` (PPCA) and `CurveModel`, whose
generator is a curve B phi(z) with fixed bumps phi; there an integral over z is a sum over a grid, and the M-step is a
regression. `climb` follows one way; it records evidence and the way's own objective, on training and on test data.

Axes: x (n, D), a torch tensor in float64; q is a mean (n, q) and a lower-triangular factor L (n, q, q), S = L L^T.
Units: nats per data point.

Sources: Tipping and Bishop (1999); Bishop, Svensen and Williams, "GTM" (1998), whose model the curve is, with a normal
prior; Cremer, Li and Duvenaud, "Inference suboptimality in variational autoencoders" (2018).
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from ._checks import count, describe, real_array, real_number
from ._torch import real_tensor, seeded, torch_generator
from .autoencoder import _widths, mlp
from .densities import LOG_2PI
from .em import m_step_linear
from .ppca import LinearGaussian
from .quadrature import hermite, line

__all__ = ["Amortised", "CurveModel", "LinearModel", "PerPoint", "Record", "WAYS", "Climb", "best_gaussian", "climb"]

WAYS = ("em", "evidence", "per point", "amortised")
FLOOR = 1e-9  # no M-step makes the noise's variance smaller
INFER = 60  # gradient steps that per-point inference gets for points whose q is new


def _tensor(name, value, ndim) -> torch.Tensor:
    return torch.tensor(real_array(name, value.detach() if isinstance(value, torch.Tensor) else value, ndim))


def _points(name, value, columns, ndim=2) -> torch.Tensor:
    """`value` as a finite float64 tensor with so many columns, not so large that its sum of squares overflows."""
    value = real_tensor(name, value, ndim, like=torch.zeros((), dtype=torch.float64))
    if value.shape[-1] != columns:
        raise ValueError(f"{name} must have {columns} columns, got shape {tuple(value.shape)}")
    if not torch.isfinite((value.detach() ** 2).sum()):
        raise ValueError(
            f"{name} must have squares within float64, got entries up to {float(value.detach().abs().max()):g}"
        )
    return value


def _checked(model, x, mean, factor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Data (n, D), and the mean (n, q) and factor (n, q, q) of one Gaussian per row of it."""
    x, mean, factor = (
        _points("x", x, model.dimensions),
        _points("mean", mean, model.latents),
        _points("factor", factor, model.latents, 3),
    )
    if len(mean) != len(x):
        raise ValueError(f"mean must have one row per row of x, {len(x)}, got shape {tuple(mean.shape)}")
    if factor.shape != (*mean.shape, model.latents):
        raise ValueError(f"factor must have shape {(*mean.shape, model.latents)}, got {tuple(factor.shape)}")
    if not (factor.diagonal(dim1=1, dim2=2) > 0).all() or (factor.triu(1) != 0).any():
        raise ValueError("factor must be lower-triangular with a positive diagonal")
    return x, mean, factor


# ---------------------------------------------------------------- the two models


class LinearModel(nn.Module):
    """z ~ N(0, I), x | z ~ N(W z + mean, std^2 I): PPCA with parameters that torch can follow.

    loadings: W (D, q).  mean: (D,).  std: > 0.  Raises TypeError or ValueError where shapes do not fit.
    """

    def __init__(self, loadings, mean, std):
        super().__init__()
        loadings, mean = _tensor("loadings", loadings, 2), _tensor("mean", mean, 1)
        if len(mean) != len(loadings):
            raise ValueError(f"mean must have one entry per row of loadings {tuple(loadings.shape)}, got {len(mean)}")
        self.loadings, self.mean = nn.Parameter(loadings), nn.Parameter(mean)
        self.log_std = nn.Parameter(torch.tensor(math.log(real_number("std", std, positive=True)), dtype=torch.float64))

    @property
    def latents(self) -> int:
        """q, the number of latents."""
        return self.loadings.shape[1]

    @property
    def dimensions(self) -> int:
        """D, the number of columns of x."""
        return len(self.mean)

    def evidence(self, x) -> torch.Tensor:
        """log N(x; mean, W W^T + std^2 I), (n,), through the (q, q) matrix M = std^2 I + W^T W."""
        return self._evidence(_points("x", x, self.dimensions))

    def _evidence(self, x) -> torch.Tensor:
        dimensions, noise = len(self.mean), (2 * self.log_std).exp()
        apart = x - self.mean
        precision = noise * torch.eye(self.latents, dtype=x.dtype) + self.loadings.T @ self.loadings
        factor = torch.linalg.cholesky(precision)
        along = torch.linalg.solve_triangular(factor, (apart @ self.loadings).T, upper=False)
        distance = ((apart**2).sum(1) - (along**2).sum(0)) / noise
        log_det = 2 * factor.diagonal().log().sum() + (dimensions - self.latents) * 2 * self.log_std
        return -0.5 * (distance + log_det + dimensions * LOG_2PI)

    def elbo(self, x, mean, factor) -> torch.Tensor:
        """The ELBO of q = N(mean, L L^T), (n,), in closed form:

        log N(x; W m + mean, std^2 I) - |W L|^2 / (2 std^2) - KL(q || N(0, I))
        """
        return self._elbo(*_checked(self, x, mean, factor))

    def _elbo(self, x, mean, factor) -> torch.Tensor:
        noise, dimensions = (2 * self.log_std).exp(), len(self.mean)
        residual = ((x - self.mean - mean @ self.loadings.T) ** 2).sum(1) + ((self.loadings @ factor) ** 2).sum((1, 2))
        return -0.5 * (residual / noise + dimensions * (LOG_2PI + 2 * self.log_std)) - _kl_to_prior(mean, factor)

    @torch.no_grad()
    def em_step(self, x) -> LinearModel:
        """One exact EM step, E then M, in place; returns self."""
        x, fitted = _points("x", x, self.dimensions).numpy(), self.exact()
        moved = m_step_linear(x, fitted.posterior(x), floor=FLOOR)
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
    """

    latents = 1

    def __init__(self, weights, std, *, grid: int = 241):
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

    def features(self, z) -> torch.Tensor:
        """phi(z): (...) to (..., 2 + bumps)."""
        return self._features(real_tensor("z", z, like=self.grid))

    def _features(self, z) -> torch.Tensor:
        bumps = torch.exp(-0.5 * ((z[..., None] - self.centres) / self.width) ** 2)
        return torch.cat([torch.ones_like(z)[..., None], z[..., None], bumps], -1)

    def decode(self, z) -> torch.Tensor:
        """The curve: z (...) to (..., D)."""
        return self.features(z) @ self.weights

    def log_joint_on_grid(self, x) -> torch.Tensor:
        """log p(x, z) at the grid's points, (n, m)."""
        return self._log_joint_on_grid(_points("x", x, self.dimensions))

    def _log_joint_on_grid(self, x) -> torch.Tensor:
        curve = self.grid_features @ self.weights
        squares = (x**2).sum(1, keepdim=True) - 2 * x @ curve.T + (curve**2).sum(1)
        log_px_z = -0.5 * squares * (-2 * self.log_std).exp() - x.shape[1] * (self.log_std + 0.5 * LOG_2PI)
        return log_px_z - 0.5 * (self.grid**2 + LOG_2PI)

    def evidence(self, x) -> torch.Tensor:
        """log p(x), (n,), by the sum over the grid."""
        return self._evidence(_points("x", x, self.dimensions))

    def _evidence(self, x) -> torch.Tensor:
        return (self._log_joint_on_grid(x) + self.log_weights).logsumexp(1)

    def posterior(self, x) -> torch.Tensor:
        """p(z | x) as masses of the grid's points, (n, m); each row sums to 1."""
        return (self.log_joint_on_grid(x) + self.log_weights).softmax(1)

    def elbo(self, x, mean, factor) -> torch.Tensor:
        """The ELBO of q = N(mean, L^2), (n,), its expectation by 24 Gauss-Hermite nodes: no samples."""
        return self._elbo(*_checked(self, x, mean, factor))

    def _elbo(self, x, mean, factor) -> torch.Tensor:
        z = mean + factor[:, :, 0] * self.nodes  # (n, nodes)
        return self._log_px_z(x, z) @ self.node_weights - _kl_to_prior(mean, factor)

    def sampled_elbo(self, x, mean, factor, samples, generator) -> torch.Tensor:
        """The same from `samples` draws of q, one column each: (n, samples); their spread is Monte Carlo error."""
        x, mean, factor = _checked(self, x, mean, factor)
        samples, generator = count("samples", samples), torch_generator("generator", generator)
        z = mean + factor[:, :, 0] * torch.randn((len(x), samples), generator=generator, dtype=x.dtype)
        return self._log_px_z(x, z) - _kl_to_prior(mean, factor)[:, None]

    @torch.no_grad()
    def em_step(self, x) -> CurveModel:
        """One exact EM step in place: E, the posterior on the grid; M, a regression of x on phi(z) under it."""
        x = _points("x", x, self.dimensions)
        masses, phi = self.posterior(x), self.grid_features
        return self._regress(phi.T @ (masses.sum(0)[:, None] * phi), phi.T @ (masses.T @ x), x)

    @torch.no_grad()
    def m_step(self, x, mean, factor) -> CurveModel:
        """The theta that maximises the ELBO for q = N(mean, L^2), in place: the same regression, under that q."""
        x, mean, factor = _checked(self, x, mean, factor)
        phi = self._features(mean + factor[:, :, 0] * self.nodes)  # (n, nodes, F)
        weighted = phi * self.node_weights[:, None]
        second = torch.einsum("nkf,nkg->fg", weighted, phi)
        return self._regress(second, torch.einsum("nkf,nd->fd", weighted, x), x)

    def _regress(self, second, cross, x) -> CurveModel:
        """B = second^-1 cross, sigma^2 the mean square left; second = sum E[phi phi^T], cross = sum E[phi] x^T."""
        self.weights.copy_(torch.linalg.solve(second, cross))
        left = ((x**2).sum() - (self.weights * cross).sum()) / x.numel()
        self.log_std.fill_(0.5 * math.log(max(float(left), FLOOR)))
        return self

    def _log_px_z(self, x, z) -> torch.Tensor:
        squares = ((x[:, None] - self._features(z) @ self.weights) ** 2).sum(-1)
        return -0.5 * squares * (-2 * self.log_std).exp() - x.shape[1] * (self.log_std + 0.5 * LOG_2PI)


def _kl_to_prior(mean, factor) -> torch.Tensor:
    """KL(N(mean, L L^T) || N(0, I)), (n,)."""
    log_det = factor.diagonal(dim1=1, dim2=2).log().sum(1)
    return 0.5 * ((mean**2).sum(1) + (factor**2).sum((1, 2)) - mean.shape[1]) - log_det


# ---------------------------------------------------------------- two kinds of q


class PerPoint(nn.Module):
    """One Gaussian per data point, each with numbers of its own: `mean` (n, q) and a factor with log diagonal.

    `q(rows)` gives the distributions of some points. All begin at the prior, N(0, I). Gradients are sparse.
    """

    def __init__(self, points: int, latents: int):
        super().__init__()
        self.latents = latents = count("latents", latents)
        size = latents + latents * latents
        self.table = nn.Embedding(count("points", points), size, sparse=True, dtype=torch.float64)
        nn.init.zeros_(self.table.weight)

    def q(self, rows) -> tuple[torch.Tensor, torch.Tensor]:
        """(mean, factor) of the points `rows`."""
        return _unpack(self.table(self._rows(rows)), self.latents)

    def _rows(self, rows) -> torch.Tensor:
        array, points = np.asarray(rows), self.table.num_embeddings
        if array.dtype.kind not in "iu" or array.ndim != 1 or array.size == 0:
            raise TypeError(f"rows must be whole numbers along one axis, got {describe(rows)} with dtype {array.dtype}")
        if array.min() < 0 or array.max() >= points:
            raise ValueError(f"rows must lie in 0 ... {points - 1}, got from {array.min()} to {array.max()}")
        return torch.tensor(array.astype(np.int64))


class Amortised(nn.Module):
    """One encoder for all points: a linear map, or a net with `hidden` layers, from x to mean and factor.

    A linear encoder has one factor for all x, as the posterior of a linear-Gaussian model has. It begins at the prior.
    """

    def __init__(self, dimensions: int, latents: int, hidden=(), *, seed: int):
        super().__init__()
        dimensions, hidden = count("dimensions", dimensions), _widths("hidden", hidden)
        self.dimensions, self.latents = dimensions, count("latents", latents)
        size = latents + latents * latents
        with seeded(seed):
            self.net = mlp((dimensions, *hidden, size if hidden else latents)).double()
        last = [layer for layer in self.net.modules() if isinstance(layer, nn.Linear)][-1]
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.shared = None if hidden else nn.Parameter(torch.zeros(latents * latents, dtype=torch.float64))

    def q(self, x) -> tuple[torch.Tensor, torch.Tensor]:
        """(mean, factor) of q(z | x), for every row of x."""
        x = _points("x", x, self.dimensions)
        numbers = self.net(x)
        if self.shared is not None:
            numbers = torch.cat([numbers, self.shared.expand(len(x), -1)], 1)
        return _unpack(numbers, self.latents)


def _unpack(numbers, latents):
    """Mean (n, q) and lower-triangular factor (n, q, q) with a positive diagonal, from rows of free numbers."""
    mean, free = numbers[:, :latents], numbers[:, latents:].reshape(-1, latents, latents)
    return mean, free.tril(-1) + torch.diag_embed(free.diagonal(dim1=1, dim2=2).exp())


# ---------------------------------------------------------------- following one way


class Record(NamedTuple):
    """Where a way stands after so many passes over the training data; averages in nats per point.

    objective: what the way itself climbs: the evidence, or its ELBO. On test points per-point inference begins anew,
    and `test_passes` counts what that costs.
    """

    passes: float
    evidence: float
    evidence_test: float
    objective: float
    objective_test: float
    test_passes: int
    seconds: float


@dataclass(frozen=True, eq=False)
class Climb:
    """What `climb` did: its records, the model where it ended, and its q (None, PerPoint or Amortised)."""

    records: tuple[Record, ...]
    model: nn.Module
    inference: nn.Module | None

    def column(self, name: str) -> np.ndarray:
        """One field of all records, (r,)."""
        if name not in Record._fields:
            raise ValueError(f"name must be one of {', '.join(Record._fields)}, got {name!r}")
        return np.array([getattr(record, name) for record in self.records])


def climb(
    way: str,
    model: nn.Module,
    x,
    test,
    *,
    passes: int,
    rate: float = 1e-2,
    batch: int = 128,
    seed: int = 0,
    hidden=(),
    marks=None,
) -> Climb:
    """Fit a *copy* of `model` to x by one of WAYS, and record evidence and objective at `marks` passes.

    passes: over the training data; an EM step is one.  rate: the highest learning rate of Adam, which rises to it and
    falls to almost 0 ("one-cycle").  hidden: the encoder's hidden layers.  marks: passes at which to record (1, 2, 4
    ... and the last if None); pass 0 is always recorded. Raises TypeError, ValueError; FloatingPointError if it
    diverges.
    """
    if way not in WAYS:
        raise ValueError(f"way must be one of {', '.join(WAYS)}, got {way!r}")
    if not isinstance(model, LinearModel | CurveModel):
        raise TypeError(f"model must be a LinearModel or a CurveModel, got {describe(model)}")
    x, test = _points("x", x, model.dimensions).detach(), _points("test", test, model.dimensions).detach()
    passes, batch, seed = count("passes", passes), count("batch", batch), count("seed", seed, 0)
    hidden = _widths("hidden", hidden)
    rate, model = real_number("rate", rate, positive=True), _copy_of(model)
    marks = _marks(marks, passes)
    inference = {
        "per point": lambda: PerPoint(len(x), model.latents),
        "amortised": lambda: Amortised(x.shape[1], model.latents, hidden, seed=seed),
    }.get(way, lambda: None)()
    records, spent = [], 0.0
    epochs = _em_epochs(model, x) if way == "em" else _gradient_epochs(model, inference, x, passes, rate, batch, seed)
    for done in range(passes + 1):
        if done in marks:
            records.append(_record(done, model, inference, x, test, spent))
        if done < passes:
            start = time.perf_counter()
            next(epochs)
            spent += time.perf_counter() - start
    return Climb(tuple(records), model, inference)


def _em_epochs(model, x):
    while True:
        yield model.em_step(x)


def _gradient_epochs(model, inference, x, passes, rate, batch, seed):
    """Passes of Adam on minus the objective, averaged over each batch; theta and q together."""
    steps = passes * math.ceil(len(x) / batch)
    dense = list(model.parameters()) + (list(inference.parameters()) if isinstance(inference, Amortised) else [])
    optimisers = [torch.optim.Adam(dense, lr=rate)]
    if isinstance(inference, PerPoint):  # a point's q is seen once per pass: it may take longer steps than theta
        optimisers.append(torch.optim.SparseAdam(list(inference.parameters()), lr=min(10 * rate, 0.3)))
    cycles = [
        torch.optim.lr_scheduler.OneCycleLR(o, o.param_groups[0]["lr"], total_steps=steps, cycle_momentum=False)
        for o in optimisers
    ]
    generator = torch.Generator().manual_seed(seed)
    while True:
        for rows in torch.randperm(len(x), generator=generator).split(batch):
            value = _objective(model, inference, x[rows], rows).mean()
            for optimiser in optimisers:
                optimiser.zero_grad()
            (-value).backward()
            if not torch.isfinite(value):
                raise FloatingPointError(f"the objective became {float(value)}: try a rate below {rate:g}")
            for optimiser, cycle in zip(optimisers, cycles, strict=True):
                optimiser.step()
                cycle.step()
        yield


def _objective(model, inference, x, rows):
    if inference is None:
        return model._evidence(x)
    return model._elbo(x, *inference.q(rows if isinstance(inference, PerPoint) else x))


def _record(done, model, inference, x, test, spent) -> Record:
    with torch.no_grad():
        evidence, evidence_test = float(model._evidence(x).mean()), float(model._evidence(test).mean())
        objective = float(_objective(model, inference, x, torch.arange(len(x))).mean())
    if isinstance(inference, PerPoint):
        objective_test = float(_infer(model, test).mean())
    else:
        with torch.no_grad():
            objective_test = float(_objective(model, inference, test, None).mean())
    tests = INFER if isinstance(inference, PerPoint) else 1
    return Record(done, evidence, evidence_test, objective, objective_test, tests, spent)


def _infer(model, x, steps=INFER, rate=0.2):
    """The ELBO of new points after so many gradient steps on a q for each, theta fixed, from the prior; (n,)."""
    numbers = torch.zeros(len(x), model.latents * (1 + model.latents), dtype=x.dtype, requires_grad=True)
    optimiser = torch.optim.Adam([numbers], lr=rate)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps, cycle_momentum=False)
    for _ in range(steps):
        loss = -model._elbo(x, *_unpack(numbers, model.latents)).sum()
        optimiser.zero_grad()
        (numbers.grad,) = torch.autograd.grad(loss, numbers)
        optimiser.step()
        cycle.step()
    with torch.no_grad():
        return model._elbo(x, *_unpack(numbers, model.latents))


def _copy_of(model):
    if isinstance(model, LinearModel):
        return LinearModel(model.loadings, model.mean, float(model.log_std.detach().exp()))
    return CurveModel(model.weights, float(model.log_std.detach().exp()), grid=len(model.grid))


def _marks(marks, passes):
    if marks is None:
        marks = [2**i for i in range(passes.bit_length())]
    if not np.iterable(marks):
        raise TypeError(f"marks must be a list of passes, got {describe(marks)}")
    marks = {count("marks", mark, 0) for mark in marks} | {0, passes}
    if max(marks) > passes:
        raise ValueError(f"marks must lie in 0 ... {passes}, the passes, got {max(marks)}")
    return marks


# ---------------------------------------------------------------- the best q of the family


def best_gaussian(
    model: CurveModel, x, begin=None, rounds: int = 40, scan: bool = True
) -> tuple[torch.Tensor, torch.Tensor]:
    """The Gaussian q with the highest ELBO for each point, over the whole family: (mean (n, 1), factor (n, 1, 1)).

    First a scan of 61 means by 16 standard deviations, then ever finer looks around the best, each accepted only where
    it raises the ELBO. begin: a (mean, factor) that the result is never below (the encoder's, so that amortisation
    never gains). With q one-dimensional the scan finds the highest hill, not merely a near one. Theta is fixed.
    scan: False leaves the scan out, and climbs from `begin` alone: quick, but the hill is then the one it stands on.
    """
    if not isinstance(model, CurveModel):
        raise TypeError(f"model must be a CurveModel, got {describe(model)}")
    x, rounds = _points("x", x, model.dimensions), count("rounds", rounds)
    if begin is not None:
        if not isinstance(begin, (tuple, list)) or len(begin) != 2:
            raise TypeError(f"begin must be a (mean, factor), got {describe(begin)}")
        try:
            begin = _checked(model, x, *begin)[1:]
        except (TypeError, ValueError) as error:
            raise type(error)(f"begin must be a (mean, factor), one per row of x: {error}") from None
    with torch.no_grad():
        means, log_stds = torch.linspace(-4, 4, 61).double(), torch.linspace(-4.5, 0.3, 16).double()
        best = _Best(model, x)
        for log_std in log_stds if scan else ():
            for mean in means:
                best.offer(mean.expand(len(x)), log_std.expand(len(x)))
        if begin is not None:
            best.offer(begin[0][:, 0], begin[1][:, 0, 0].log())
        step = torch.tensor([float(means[1] - means[0]), float(log_stds[1] - log_stds[0])]).double() / 2
        for _ in range(rounds):
            improved = False
            for move in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1), (1, -1), (-1, 1)):
                improved |= best.offer(best.mean + move[0] * step[0], best.log_std + move[1] * step[1])
            if not improved:
                step = step / 2
            if step.max() < 1e-5:
                break
    return best.mean[:, None], best.log_std.exp()[:, None, None]


class _Best:
    """The best q so far of every point."""

    def __init__(self, model, x):
        self.model, self.x = model, x
        self.mean, self.log_std = torch.zeros(len(x)).double(), torch.zeros(len(x)).double()
        self.value = self.elbo(self.mean, self.log_std)

    def elbo(self, mean, log_std):
        return self.model._elbo(self.x, mean[:, None], log_std.exp()[:, None, None])

    def offer(self, mean, log_std) -> bool:
        value = self.elbo(mean, log_std)
        better = value > self.value
        self.mean, self.log_std = torch.where(better, mean, self.mean), torch.where(better, log_std, self.log_std)
        self.value = torch.where(better, value, self.value)
        return bool(better.any())
