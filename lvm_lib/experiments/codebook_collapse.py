"""Collapse of a codebook, with and without the batch norm on the encoder's vectors, and what is done against it.

Each case trains the same small tokenizer of grey digits, 7 x 7 tokens from 128 codes, for three epochs; the start of
the codes, the rescue of dead ones, the norm and the quantiser change. Measured on the 1,000 test digits: how many codes
occur, their perplexity, and the squared error per pixel, in thousandths. Without the norm the codes are as wide as they
start (variance one) and the encoder's vectors as wide as they come.

The three quantisers of today, each with codes that start at random and no rescue: codes and vectors of length one in
four dimensions (Yu et al. 2022); the entropy of the average assignment added to the loss, and that of each assignment
taken off, as in Yu et al. 2024; one linear map of a fixed random codebook, trained, so that every code moves when one
does (Zhu et al. 2024).
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from .. import data
from .._torch import TensorLike, seeded
from ..fit import fit
from ..likelihoods import Gaussian
from ..quantize import Losses, Quantised, Quantiser, VectorQuantizer, nearest, straight_through, usage
from ..vqvae import VQVAE, conv_vqvae

SEEDS = (0, 1, 2)
CODES, DIMENSIONS, EPOCHS = 128, 16, 3
CASES = {
    "norm, five times too wide": (True, "wide"),
    "norm, data and revived": (True, "both"),
    "random": (False, "random"),
    "data": (False, "data"),
    "data and revived": (False, "both"),
    "length one": (False, "length one"),
    "entropy": (False, "entropy"),
    "one map": (False, "one map"),
}


class Codes(nn.Module):
    """A codebook moved by gradients, in one of three ways of today; the contract of `quantize.VectorQuantizer`.

    Raises TypeError or ValueError where an argument cannot be right.
    """

    def __init__(self, kind: str, *, seed: int):
        super().__init__()
        self.kind, self.size = kind, CODES
        self.dimensions = 4 if kind == "length one" else DIMENSIONS
        with seeded(seed):
            table = torch.randn(CODES, self.dimensions)
        self.table = nn.Parameter(table, requires_grad=kind != "one map")
        self.map: nn.Module = nn.Identity()
        if kind == "one map":
            with seeded(seed):
                one = nn.Linear(self.dimensions, self.dimensions, bias=False)
            nn.init.eye_(one.weight)
            self.map = one

    def codes(self) -> torch.Tensor:
        """The codes as they are used, (K, d)."""
        return functional.normalize(self.table, dim=1) if self.kind == "length one" else self.map(self.table)

    def forward(self, z: torch.Tensor) -> Quantised:
        """The nearest codes of z (..., d), straight-through.

        Raises TypeError or ValueError where an argument cannot be right.
        """
        rows, codes = z.reshape(-1, self.dimensions), self.codes()
        if self.kind == "length one":
            rows = functional.normalize(rows, dim=1)
        index = nearest(rows.detach(), codes.detach())
        chosen = codes[index]
        pull = (chosen - rows.detach()).pow(2).sum(1).mean()
        if self.kind == "entropy":
            far = rows.pow(2).sum(1, keepdim=True) - 2 * rows @ codes.T + codes.pow(2).sum(1)  # |z - e_k|^2
            log_soft = (-far).log_softmax(1)  # temperature one
            average = log_soft.exp().mean(0) + 1e-9
            pull = pull + (average * average.log()).sum() - (log_soft.exp() * log_soft).sum(1).mean()
        losses = Losses(pull, (rows - chosen.detach()).pow(2).sum(1).mean())
        return Quantised(straight_through(rows, chosen.detach()).view(z.shape), index.view(z.shape[:-1]), losses)

    def decode(self, indices: TensorLike) -> torch.Tensor:
        """The codes themselves: indices (...) to (..., d)."""
        return self.codes()[torch.as_tensor(indices)]


def tokenizer(case: str, *, seed: int) -> VQVAE:
    """The untrained net of a case.

    Raises TypeError or ValueError where an argument cannot be right.
    """
    norm, kind = CASES[case]
    quantiser: Quantiser = Codes(kind, seed=seed)
    if kind in ("wide", "random", "data", "both"):
        start, revive = "data" if kind in ("data", "both") else "random", 0.1 if kind == "both" else 0.0
        learned = VectorQuantizer(CODES, DIMENSIONS, decay=0.95, start=start, revive=revive, seed=seed)
        quantiser = learned.set_(5 * learned.codebook) if kind == "wide" else learned
    net = conv_vqvae(quantiser, channels=16, likelihood=Gaussian(0.15), seed=seed)
    layers = net.encoder.net
    assert isinstance(layers, nn.Sequential)
    if not norm:
        layers[-1] = nn.Identity()
    return net


def trained(case: str, seed: int) -> dict[str, float]:
    """One case: codes in use, perplexity, squared error in thousandths.

    Raises TypeError or ValueError where an argument cannot be right.
    """
    images = data.load("digits")
    train, test = (
        torch.tensor(data.unit(data.flat(part)), dtype=torch.float32) for part in (images.train, images.test)
    )
    net = tokenizer(case, seed=seed)
    fit(net, train, epochs=EPOCHS, seed=seed)
    found = usage(net.tokens(test), CODES)
    with torch.no_grad():
        error = ((net(test) - test) ** 2).mean()
    return {"codes": found.used, "perplexity": found.perplexity, "error": 1000 * error.item()}


def measure(seed: int) -> dict[str, float]:
    """All cases from one seed.

    Raises TypeError or ValueError where an argument cannot be right.
    """
    return {f"{case}: {name}": value for case in CASES for name, value in trained(case, seed).items()}
