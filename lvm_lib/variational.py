"""One model, four ways to fit it: the same generator and data, four ways to deal with q and theta.

    way            q                                          theta
    em             the posterior, exact                       the M-step's maximum
    evidence       none: z is integrated out                  gradient of log p(x)
    per point      one Gaussian per data point, by gradient   gradient of the ELBO, together with q
    amortised      an encoder's Gaussian, by gradient         gradient of the ELBO, together with the encoder

The model is one of `lvm_lib.trainable_models`, whose evidence and posterior are known. `climb` follows one way; at some
passes it records evidence and the way's own objective, on training and on test data.

Axes: x (n, D), a torch tensor in float64; q is a mean (n, d) and a lower-triangular factor L (n, d, d), S = L L^T.
Units: nats per data point.

Source: Cremer, Li and Duvenaud, "Inference suboptimality in variational autoencoders" (2018).
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from ._best import Best
from ._checks import count, describe, real_number
from ._torch import TensorLike, round_units, seeded
from .autoencoder import _widths, mlp
from .trainable_models import CurveModel, LinearModel, _floor, as_gaussians, as_points

__all__ = ["Amortised", "Climb", "ClimbRecord", "PerPoint", "WAYS", "best_gaussian", "climb"]

WAYS = ("em", "evidence", "per point", "amortised")
LEAST = 0.5  # of the standard deviation of x, in its unit
FEW = 10  # steps below which a learning rate has no room for a cycle, and is constant
FINE = 1e-5  # steps in mean and log std below which the search for the best Gaussian ends
INFER = 60  # gradient steps that per-point inference gets for points whose q is new


# ---------------------------------------------------------------- two kinds of q


class PerPoint(nn.Module):
    """One Gaussian per data point, each with numbers of its own: `mean` (n, d) and a factor with log diagonal.

    `q(rows)` gives the distributions of some points. All begin at the prior, N(0, I). Gradients are sparse.
    Raises TypeError or ValueError where points or latents cannot be right.
    """

    def __init__(self, points: int, latents: int):
        super().__init__()
        self.latents = latents = count("latents", latents)
        size = latents + latents * latents
        self.table = nn.Embedding(count("points", points), size, sparse=True, dtype=torch.float64)
        nn.init.zeros_(self.table.weight)

    def q(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(mean, factor) of the points `rows`.

        Raises TypeError or ValueError where rows cannot be right.
        """
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
    What it reads is (x - centre) / unit, round numbers that `meet` takes from the data: a power of ten, and a multiple.
    Raises TypeError or ValueError where dimensions, latents or seed cannot be right.
    """

    def __init__(self, dimensions: int, latents: int, hidden: Sequence[int] = (), *, seed: int):
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
        self.centre, self.unit = 0.0, 1.0

    def meet(self, x: TensorLike) -> Amortised:
        """Take centre and unit from data x (n, D); returns self. Raises TypeError, ValueError."""
        self.centre, self.unit = round_units(as_points("x", x, self.dimensions).detach(), LEAST)
        return self

    def q(self, x: TensorLike) -> tuple[torch.Tensor, torch.Tensor]:
        """(mean, factor) of q(z | x), for every row of x. Raises TypeError or ValueError where x cannot be right."""
        x = as_points("x", x, self.dimensions)
        numbers = self.net((x - self.centre) / self.unit)
        if self.shared is not None:
            numbers = torch.cat([numbers, self.shared.expand(len(x), -1)], 1)
        return _unpack(numbers, self.latents)


def _unpack(numbers, latents):
    """Mean (n, d) and lower-triangular factor (n, d, d) with a positive diagonal, from rows of free numbers."""
    mean, free = numbers[:, :latents], numbers[:, latents:].reshape(-1, latents, latents)  # (n, d), (n, d, d)
    return mean, free.tril(-1) + torch.diag_embed(free.diagonal(dim1=1, dim2=2).exp())


# ---------------------------------------------------------------- following one way


class ClimbRecord(NamedTuple):
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
    """What `climb` did: its records, the model where it ended, and its q (None, PerPoint or Amortised).

    on_floor: whether EM's noise ended on the floor that keeps its variance above 0, a share of 1e-9 of the data's: the
    evidence is then the floor's, not the data's. Gradient ways have no floor.
    """

    records: tuple[ClimbRecord, ...]
    model: nn.Module
    inference: nn.Module | None
    on_floor: bool = False

    def column(self, name: str) -> np.ndarray:
        """One field of all records, (r,).

        Raises ValueError where name cannot be right.
        """
        if name not in ClimbRecord._fields:
            raise ValueError(f"name must be one of {', '.join(ClimbRecord._fields)}, got {name!r}")
        return np.array([getattr(record, name) for record in self.records])


def climb(
    way: str,
    model: LinearModel | CurveModel,
    x: TensorLike,
    test: TensorLike,
    *,
    passes: int,
    rate: float = 1e-2,
    batch: int = 128,
    seed: int = 0,
    hidden: Sequence[int] = (),
    marks: Sequence[int] | None = None,
    search: int = INFER,
) -> Climb:
    """Fit a *copy* of `model` to x by one of WAYS, and record evidence and objective at `marks` passes.

    passes: over the training data; an EM step is one. rate: the highest learning rate of Adam, which rises to it and
    falls to almost 0 ("one-cycle"; constant where there are fewer than 10 steps); for parameters in the units of x,
    times the unit of x, a power of ten (1 for a standard deviation of 0.5 to 5). hidden: the encoder's hidden layers.
    marks: passes at which to record (1, 2, 4 ... and the last if None); pass 0 is always recorded. search: gradient
    steps that per-point inference gets for test points, whose q is new.
    Raises TypeError, ValueError; FloatingPointError if it diverges.
    """
    if way not in WAYS:
        raise ValueError(f"way must be one of {', '.join(WAYS)}, got {way!r}")
    if not isinstance(model, LinearModel | CurveModel):
        raise TypeError(f"model must be a LinearModel or a CurveModel, got {describe(model)}")
    x, test = as_points("x", x, model.dimensions).detach(), as_points("test", test, model.dimensions).detach()
    passes, batch, seed = count("passes", passes), count("batch", batch), count("seed", seed, 0)
    hidden, search = _widths("hidden", hidden), count("search", search)
    rate, model = real_number("rate", rate, positive=True), _copy_of(model)
    marks = _marks(marks, passes)
    inference = {
        "per point": lambda: PerPoint(len(x), model.latents),
        "amortised": lambda: Amortised(x.shape[1], model.latents, hidden, seed=seed).meet(x),
    }.get(way, lambda: None)()
    records, spent = [], 0.0
    epochs = _em_epochs(model, x) if way == "em" else _gradient_epochs(model, inference, x, passes, rate, batch, seed)
    for done in range(passes + 1):
        if done in marks:
            records.append(_record(done, model, inference, x, test, spent, search))
        if done < passes:
            start = time.perf_counter()
            next(epochs)
            spent += time.perf_counter() - start
    on_floor = way == "em" and math.exp(2 * float(model.log_std.detach())) <= (1 + 1e-6) * _floor(x)
    return Climb(tuple(records), model, inference, on_floor)


def _em_epochs(model: LinearModel | CurveModel, x: torch.Tensor) -> Iterator[object]:
    while True:
        yield model.em_step(x)


def _gradient_epochs(model, inference, x, passes, rate, batch, seed):
    """Passes of Adam on minus the objective, averaged over each batch; theta and q together."""
    steps = passes * math.ceil(len(x) / batch)
    _, unit = round_units(x, LEAST)
    in_units = [parameter for parameter in model.parameters() if parameter is not model.log_std]
    without = [model.log_std, *(inference.parameters() if isinstance(inference, Amortised) else ())]
    groups = [{"params": in_units, "lr": rate * unit, "eps": 1e-8 / unit}, {"params": without}]
    optimisers: list[torch.optim.Optimizer] = [torch.optim.Adam(groups, lr=rate)]
    if isinstance(inference, PerPoint):  # a point's q is seen once per pass: it may take longer steps than theta
        optimisers.append(torch.optim.SparseAdam(list(inference.parameters()), lr=min(10 * rate, 0.3)))
    cycles = [
        torch.optim.lr_scheduler.OneCycleLR(
            o, [group["lr"] for group in o.param_groups], total_steps=steps, cycle_momentum=False
        )
        for o in (optimisers if steps >= FEW else ())
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
            for optimiser in optimisers:
                optimiser.step()
            for cycle in cycles:
                cycle.step()
        yield


def _objective(model, inference, x, rows):
    if inference is None:
        return model._evidence(x)
    return model._elbo(x, *inference.q(rows if isinstance(inference, PerPoint) else x))


def _record(done, model, inference, x, test, spent, search) -> ClimbRecord:
    with torch.no_grad():
        evidence, evidence_test = float(model._evidence(x).mean()), float(model._evidence(test).mean())
        objective = float(_objective(model, inference, x, torch.arange(len(x))).mean())
    if isinstance(inference, PerPoint):
        objective_test = float(_infer(model, test, search).mean())
    else:
        with torch.no_grad():
            objective_test = float(_objective(model, inference, test, None).mean())
    tests = search if isinstance(inference, PerPoint) else 1
    return ClimbRecord(done, evidence, evidence_test, objective, objective_test, tests, spent)


def _infer(model, x, steps, rate=0.2):
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
    return type(model)(model.weights, float(model.log_std.detach().exp()), grid=len(model.grid))


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
    model: CurveModel,
    x: TensorLike,
    begin: tuple[torch.Tensor, torch.Tensor] | None = None,
    rounds: int = 40,
    scan: bool = True,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The Gaussian q with the highest ELBO for each point, over the whole family: (mean (n, 1), factor (n, 1, 1)).

    First a scan of 61 means by 16 standard deviations, then ever finer looks around the best, each accepted only where
    it raises the ELBO. begin: a (mean, factor) that the result is never below (the encoder's, so that amortisation
    never gains). With q one-dimensional the scan finds the highest hill, not merely a near one. Theta is fixed.
    It follows no slope, and so is the other route to what `refine` climbs to.
    scan: False leaves the scan out, and climbs from `begin` alone: quick, but the hill is then the one it stands on.
    [em-gap-parts] [vae-two-gaps]
    """
    if not isinstance(model, CurveModel):
        raise TypeError(f"model must be a CurveModel, got {describe(model)}")
    x, rounds = as_points("x", x, model.dimensions), count("rounds", rounds)
    if begin is not None:
        if not isinstance(begin, (tuple, list)) or len(begin) != 2:
            raise TypeError(f"begin must be a (mean, factor), got {describe(begin)}")
        try:
            begin = as_gaussians(model, x, *begin)[1:]
        except (TypeError, ValueError) as error:
            raise type(error)(f"begin must be a (mean, factor), one per row of x: {error}") from None
    means, log_stds = torch.linspace(-4, 4, 61).double().numpy(), torch.linspace(-4.5, 0.3, 16).double().numpy()

    @torch.no_grad()
    def elbo(mean, log_std):  # (n,), (n,) -> (n,)
        return model._elbo(x, torch.tensor(mean)[:, None], torch.tensor(log_std).exp()[:, None, None]).numpy()

    best = Best(elbo, np.zeros(len(x)), np.zeros(len(x)))
    for log_std in log_stds if scan else ():
        for mean in means:
            best.offer(np.full(len(x), mean), np.full(len(x), log_std))
    if begin is not None:
        mean, factor = begin[0].detach(), begin[1].detach()
        best.offer(mean[:, 0].numpy(), factor[:, 0, 0].log().numpy())
    best.search(np.array([means[1] - means[0], log_stds[1] - log_stds[0]]) / 2, FINE, rounds)
    return torch.tensor(best.mean)[:, None], torch.tensor(best.log_std).exp()[:, None, None]
