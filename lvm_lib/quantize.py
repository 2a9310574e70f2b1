"""Quantisers: layers that replace each vector by one of finitely many codes, and let gradients pass all the same.

Every quantiser takes z of shape (..., d), rows of d numbers, and returns the same named triple `Quantised`:

    codes     (..., d)   what the decoder reads: the code's value going forward, the identity going back
    indices   (...)      int64, which code, 0 ... size - 1
    losses               `codebook` and `commitment`, apart from each other and without their weights

    codebook    mean over rows of |sg[z] - e|^2      moves the codes, and gives the encoder no gradient
    commitment  mean over rows of |z - sg[e]|^2      moves the encoder, and gives the codes no gradient

with sg the stop-gradient: squared distances are *summed* over the d dimensions and averaged over rows. The weight
beta belongs to the commitment: loss = reconstruction + losses.codebook + beta * losses.commitment.

"Straight-through" here is the identity copy in embedding space, codes = z + sg[e - z]: d loss / d z from the decoder's
path is d loss / d codes, exactly. Both losses are computed before that line. Behind it the codebook loss would train no
code, and push the encoder away from the one it chose wherever beta is below 1.

van den Oord, Vinyals and Kavukcuoglu (2017), running means in appendix A.1; Razavi et al. (2019), who use
them; Dhariwal et al. (2020), start from data and revival; Mentzer et al. (2024), FSQ.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import nn

from ._checks import count, describe, real_number
from ._nearest import nearest_of_tensors
from ._torch import TensorLike, real_tensor, seeded, single, whole_numbers

__all__ = [
    "FSQ",
    "Losses",
    "Quantised",
    "Quantiser",
    "Usage",
    "VectorQuantizer",
    "nearest",
    "straight_through",
    "usage",
]

COUNTED = 2**28  # codes of which `usage` makes a table: 2 GB
MOST = 2**63 - 1  # grid points of an FSQ: its indices are int64
UPDATES = ("ema", "gradient")


class Losses(NamedTuple):
    """Numbers, 0-dimensional; zero for a quantiser that does not need them."""

    codebook: torch.Tensor
    commitment: torch.Tensor


class Quantised(NamedTuple):
    """What every quantiser returns."""

    codes: torch.Tensor  # (..., d), straight-through
    indices: torch.Tensor  # (...), int64
    losses: Losses


class Quantiser(Protocol):
    """What a model asks of a quantiser; it is a torch module besides, so that its codes are trained and saved."""

    size: int  # how many codes
    dimensions: int  # numbers in each

    def __call__(self, z: torch.Tensor) -> Quantised:
        """Codes, indices and losses of rows z (..., d)."""
        ...

    def decode(self, indices: TensorLike) -> torch.Tensor:
        """The codes (..., d) of indices (...)."""
        ...


class Usage(NamedTuple):
    """How a set of indices uses a codebook: of one batch, or of an epoch, which is another number.

    [kmeans-perplexity] [tok-perplexity]
    """

    used: int  # codes that occur at all
    perplexity: float  # exp of the entropy of their frequencies, 1 ... size: how many evenly used codes would match it
    counts: torch.Tensor  # (size,), int64


def usage(indices: TensorLike, size: int) -> Usage:
    """Usage of a codebook of `size` codes by `indices`, any shape. Raises TypeError or ValueError for bad indices."""
    if count("size", size) > COUNTED:
        raise ValueError(f"size must be at most 2^28 for a count of every code, got {size}")
    return _usage(torch.bincount(whole_numbers("indices", indices, size).flatten(), minlength=size))


def nearest(z: TensorLike, codebook: TensorLike) -> torch.Tensor:
    """argmin_k |z - e_k|^2 for rows z (n, d) and codes e (K, d): int64 (n,), no gradient.

    Raises TypeError or ValueError if they do not fit.
    """
    z = _floating(real_tensor("z", z, 2))
    codebook = real_tensor("codebook", codebook, 2, like=z)
    if codebook.shape[1] != z.shape[1]:
        raise ValueError(f"codebook must have d = {z.shape[1]} columns as z has, got shape {tuple(codebook.shape)}")
    return nearest_of_tensors(z, codebook)


def straight_through(z: TensorLike, codes: TensorLike) -> torch.Tensor:
    """`codes` going forward, the identity to z going back: z + sg[codes - z]. Raises TypeError or ValueError.

    [kmeans-straight-through]
    """
    z = _floating(real_tensor("z", z))
    codes = real_tensor("codes", codes, like=z)
    if codes.shape != z.shape:
        raise ValueError(f"codes must have the shape of z, {tuple(z.shape)}, got {tuple(codes.shape)}")
    return _passed(z, codes)


def _passed(z: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
    return z + (codes - z).detach()


# ---------------------------------------------------------------- a learned codebook


class VectorQuantizer(nn.Module):
    """A codebook of `size` learned vectors; each row of z is replaced by the nearest one.

    size, dimensions: K and d.  seed: of the start and of revivals.
    update: who moves the codes. "gradient": an optimiser, through losses.codebook. "ema": the layer itself, in training
        mode only, to running means of the rows that chose them; losses.codebook is then reported and trains nothing:

            count_k <- decay count_k + (1 - decay) n_k        total_k <- decay total_k + (1 - decay) sum of its rows
            e_k     <- (total_k + smoothing' e_k) / (count_k + smoothing')

        Both start at zero, so both carry the factor 1 - decay^t; it cancels in the ratio, and `smoothing` (in rows) is
        scaled by it too. A code without any rows stays where it is. decay = 0, smoothing = 0 is a step of Lloyd's.
    start: "random" (normal, unit variance) or "data": the first training batch gives distinct rows of its own.
    revive: in training mode, a code whose running share of the rows is below revive / K is dead, and moves to a random
        row of the batch (that batch's losses still belong to the old place). 0 leaves the dead where they are.

    In training mode it counts indices: `batch_usage()` of the last batch, `epoch_usage()` since `new_epoch()`.
    Raises TypeError or ValueError for arguments, or rows, that do not fit.
    [kmeans-ema] [kmeans-codebook-gradient]
    """

    codebook: torch.Tensor
    started: torch.Tensor
    steps: torch.Tensor
    count: torch.Tensor
    total: torch.Tensor
    share: torch.Tensor
    batch_counts: torch.Tensor
    epoch_counts: torch.Tensor

    def __init__(
        self,
        size: int,
        dimensions: int,
        *,
        seed: int,
        update: str = "ema",
        decay: float = 0.99,
        smoothing: float = 1e-5,
        start: str = "data",
        revive: float = 0.1,
    ):
        super().__init__()
        self.size, self.dimensions = count("size", size), count("dimensions", dimensions)
        self.seed = count("seed", seed, 0)
        if update not in UPDATES:
            raise ValueError(f"update must be one of {UPDATES}, got {update!r}")
        if start not in ("data", "random"):
            raise ValueError(f"start must be 'data' or 'random', got {start!r}")
        if not 0 <= real_number("decay", decay) < 1:
            raise ValueError(f"decay must lie in [0, 1), got {decay!r}")
        self.update, self.decay = update, float(decay)
        self.smoothing, self.revive = real_number("smoothing", smoothing), real_number("revive", revive)
        with seeded(seed):
            codebook = torch.randn(size, dimensions)
        if update == "gradient":
            self.codebook = nn.Parameter(codebook)
        else:
            self.register_buffer("codebook", codebook)
        self.register_buffer("started", torch.tensor(start == "random"))
        self.register_buffer("steps", torch.tensor(0))  # training batches seen
        self.register_buffer("count", torch.zeros(size))  # running means, not yet bias-corrected
        self.register_buffer("total", torch.zeros(size, dimensions))
        self.register_buffer("share", torch.full((size,), 1 / size))  # running share of the rows, from an even start
        self.register_buffer("batch_counts", torch.zeros(size, dtype=torch.int64))
        self.register_buffer("epoch_counts", torch.zeros(size, dtype=torch.int64))

    def forward(self, z: torch.Tensor) -> Quantised:
        """z (..., d): the nearest codes, straight-through, with their indices and losses.

        Raises TypeError or ValueError where z cannot be right.
        """
        rows = self._rows(z).reshape(-1, self.dimensions)  # (n, d)
        with torch.autocast(rows.device.type, enabled=False):  # in low precision the nearest code is another one
            if self.training and not self.started:
                self.start_from(rows)
            indices = nearest_of_tensors(rows, self.codebook)  # (n,)
            codes = self.codebook[indices]  # (n, d); a copy, so later updates leave it alone
            losses = Losses(
                codebook=_mean_square(codes - rows.detach()), commitment=_mean_square(rows - codes.detach())
            )
            if self.training:
                self._learn(rows.detach(), indices)
            passed = _passed(rows, codes.detach())  # behind the losses, not before them
        return Quantised(passed.reshape(z.shape), indices.reshape(z.shape[:-1]), losses)  # (..., d), (...)

    def decode(self, indices: TensorLike) -> torch.Tensor:
        """The codes themselves: indices (...) to (..., d).

        Raises TypeError or ValueError where indices cannot be right.
        """
        return self.codebook[whole_numbers("indices", indices, self.size).to(self.codebook.device)]

    @torch.no_grad()
    def set_(self, codebook: TensorLike) -> VectorQuantizer:
        """Take the codes from `codebook` (K, d); running means start anew. Returns self.

        Raises TypeError or ValueError where codebook cannot be right.
        """
        codebook = real_tensor("codebook", codebook, 2, like=self.codebook)
        if codebook.shape != self.codebook.shape:
            raise ValueError(f"codebook must have shape {tuple(self.codebook.shape)}, got {tuple(codebook.shape)}")
        self.codebook.copy_(codebook)
        self.started.fill_(True)
        self.steps.zero_()
        self.count.zero_()
        self.total.zero_()
        self.share.fill_(1 / self.size)
        return self

    @torch.no_grad()
    def start_from(self, z: TensorLike) -> VectorQuantizer:
        """Start the codes at K random rows of z (..., d), without repetition. Returns self.

        Raises TypeError or ValueError where z cannot be right.
        """
        rows = self._rows(real_tensor("z", z, like=self.codebook)).detach().reshape(-1, self.dimensions)  # (n, d)
        if len(rows) < self.size:
            raise ValueError(
                f"z must have at least {self.size} rows to start {self.size} codes from, got {len(rows)}; "
                "call start_from with more rows before training"
            )
        return self.set_(rows[torch.randperm(len(rows), generator=self._generator(0))[: self.size]])

    def batch_usage(self) -> Usage:
        """Usage by the last training batch."""
        return _usage(self.batch_counts)

    def epoch_usage(self) -> Usage:
        """Usage by all training batches since `new_epoch`."""
        return _usage(self.epoch_counts)

    def new_epoch(self) -> None:
        """Begin to count usage anew."""
        self.epoch_counts.zero_()

    # ------------------------------------------------ in training mode, after the codes were chosen

    @torch.no_grad()
    def _learn(self, rows: torch.Tensor, indices: torch.Tensor) -> None:
        counts = torch.bincount(indices, minlength=self.size)  # (K,)
        self.batch_counts.copy_(counts)
        self.epoch_counts += counts
        self.steps += 1
        if self.update == "ema":
            self._average(rows, indices, counts)
        if self.revive:
            self.share.lerp_(counts.to(self.share) / len(rows), 1 - self.decay)
            dead = (self.share < self.revive / self.size).nonzero()[:, 0]
            if len(dead):
                self._revive(dead, rows)

    def _average(self, rows: torch.Tensor, indices: torch.Tensor, counts: torch.Tensor) -> None:
        new = 1 - self.decay
        sums = torch.zeros_like(self.total).index_add_(0, indices, rows)  # (K, d), from rows (n, d)
        self.count.mul_(self.decay).add_(counts, alpha=new)
        self.total.mul_(self.decay).add_(sums, alpha=new)
        pull = self.smoothing * (1 - self.decay ** int(self.steps))  # in rows, on the scale of the counts
        seen = (self.count > torch.finfo(self.count.dtype).tiny)[:, None]  # (K, 1)
        means = (self.total + pull * self.codebook) / (self.count + pull)[:, None]  # (K, d) / (K, 1)
        self.codebook.copy_(torch.where(seen, means, self.codebook))

    def _revive(self, dead: torch.Tensor, rows: torch.Tensor) -> None:
        chosen = torch.randint(len(rows), (len(dead),), generator=self._generator(int(self.steps)))  # (dead,)
        self.codebook[dead] = rows[chosen.to(rows.device)]
        self.count[dead] = 0.0
        self.total[dead] = 0.0
        self.share[dead] = 1 / self.size

    def _generator(self, step: int) -> torch.Generator:
        """The chance of one training batch depends on the seed and the step alone, so a stored model goes on alike."""
        return torch.Generator().manual_seed((self.seed * 1_000_003 + step) % 2**63)

    def _rows(self, z: TensorLike) -> torch.Tensor:
        return _rows(z, self.dimensions, self.codebook)


# ---------------------------------------------------------------- no codebook at all


class FSQ(nn.Module):
    """Finite scalar quantisation: each of the d = len(levels) dimensions is squashed and rounded to its own levels.

        u = (L - 1) (tanh z + 1) / 2 in (0, L - 1),    code = 2 round(u) / (L - 1) - 1 in [-1, 1]

    The codebook is the grid of all combinations, size = product of levels; nothing is learned, both losses are zero.
    Straight-through is past the rounding only: d code / d z is the slope of tanh, not 1.
    index = sum_i level_i * (product of the levels before i): the first dimension runs fastest.
    In half precision indices are exact all the same; codes are rounded to it, so that near ones may coincide.
    Raises TypeError or ValueError where levels cannot be right.
    [tok-fsq]
    """

    top: torch.Tensor
    most: torch.Tensor
    basis: torch.Tensor

    def __init__(self, levels: Sequence[int]):
        super().__init__()
        if isinstance(levels, str) or not hasattr(levels, "__iter__"):
            raise TypeError(f"levels must be a sequence of integers, got {describe(levels)}")
        levels = [count("levels", level, 2) for level in levels]
        if not levels:
            raise ValueError("levels must name at least one dimension, got none")
        self.levels, self.dimensions, self.size = tuple(levels), len(levels), math.prod(levels)
        if self.size > MOST:
            raise ValueError(f"levels must have a product below 2^63, so that int64 holds an index, got {self.size}")
        if max(levels) > 2**24:
            raise ValueError(f"levels must be at most 2^24 each, which float32 tells apart, got {max(levels)}")
        self.register_buffer("top", torch.tensor(levels) - 1.0, persistent=False)  # (d,), in the type of the codes
        self.register_buffer("most", torch.tensor(levels) - 1, persistent=False)  # (d,), L - 1, exact in every type
        self.register_buffer(
            "basis", torch.tensor([math.prod(levels[:i]) for i in range(len(levels))]), persistent=False
        )  # (d,), int64

    def forward(self, z: torch.Tensor) -> Quantised:
        """z (..., d): the grid's points, with their indices; losses are zero.

        Raises TypeError or ValueError where z cannot be right.
        """
        rows = _rows(z, self.dimensions, self.top)
        with torch.autocast(rows.device.type, enabled=False):
            wide = single(rows)  # in half precision neighbouring levels would be one
            top = self.most.to(wide)
            u = top * (torch.tanh(wide) + 1) / 2  # (d,) * (..., d)
            level = u.detach().round()
            codes = (2 * _passed(u, level) / top - 1).to(rows)  # (..., d) / (d,)
        zero = codes.new_zeros(())
        return Quantised(codes, (level.long() * self.basis).sum(-1), Losses(zero, zero))  # indices (...)

    def decode(self, indices: TensorLike) -> torch.Tensor:
        """The grid's points: indices (...) to (..., d).

        Raises TypeError or ValueError where indices cannot be right.
        """
        indices = whole_numbers("indices", indices, self.size).to(self.basis.device)
        level = indices[..., None] // self.basis % (self.most + 1)  # (..., 1) // (d,) % (d,)
        return (2 * level / self.most.to(single(self.top)) - 1).to(self.top)


# ---------------------------------------------------------------- shared


def _usage(counts: torch.Tensor) -> Usage:
    total = counts.sum().clamp(min=1)
    frequency = counts.double() / total
    return Usage(int((counts > 0).sum()), float(torch.special.entr(frequency).sum().exp()), counts.clone())


def _mean_square(difference: torch.Tensor) -> torch.Tensor:
    """Squared length of each row, averaged over rows."""
    return (difference**2).sum() / len(difference)


def _floating(z: torch.Tensor) -> torch.Tensor:
    return z if z.is_floating_point() else z.double()


def _rows(z: TensorLike, dimensions: int, like: torch.Tensor) -> torch.Tensor:
    """z (..., d) in the dtype of the codes; checked without a copy."""
    if not isinstance(z, torch.Tensor):
        raise TypeError(f"z must be a tensor, got {describe(z)}")
    if z.ndim < 1 or z.shape[-1] != dimensions or z.numel() == 0:
        raise ValueError(f"z must have shape (..., {dimensions}) and at least one row, got {tuple(z.shape)}")
    return real_tensor("z", z, like=like)
