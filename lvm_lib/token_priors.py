"""Priors over grids of tokens: how likely each grid is, and how to draw a new one, token by token.

    log p(z) = sum_i log p(z_i | z_1 ... z_{i-1}),    tokens row by row from the top left

    UniformPrior         p(z_i | ...) = 1 / K                      what a VQ-VAE has by default: M log K nats
    IndependentPrior     p_i(z_i)                                  a table of shares, place by place: counted
    PixelCNNPrior        masked convolutions                       each place sees those above it, and to its left
    TransformerPrior     causal attention                          each place sees all before it

All but the first may know a class c. Then log_prob(z, c) is log p(z | c), and log_prob(z) is the mixture over classes,

    log p(z) = log sum_c p(z | c) / C

Only the second compares with a prior that knows no class: the class is worth up to log C nats an image.

Chance in `sample` is counted: a token is the inverse of the distribution function at a uniform number, both from
lvm_lib.counter. A prior in float64 therefore draws the same grids on every machine, and in a page, from the same
weights.

Axes: tokens (n, M), whole numbers 0 ... K - 1; labels (n,), 0 ... C - 1; log probabilities in nats.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from . import counter
from ._checks import count, describe, probabilities, real_number, warmth
from ._torch import LogSoftmax, TensorLike, real_tensor, seeded, whole_numbers
from .vqvae import Block

__all__ = [
    "Drawn",
    "IndependentPrior",
    "MaskedConv2d",
    "PixelCNNPrior",
    "TokenPrior",
    "TransformerPrior",
    "UniformPrior",
    "pixelcnn_prior",
    "training_rows",
    "transformer_prior",
]

Whole = np.ndarray | torch.Tensor  # of whole numbers
LABELS = 1  # the stream of chance that classes are drawn from; tokens have stream 0
TABLE = 2**28  # numbers in a table of every code at every place: 2 GB


class Drawn(NamedTuple):
    """Grids that a prior drew."""

    tokens: np.ndarray  # (n, M)
    labels: np.ndarray  # (n,), the class that each was drawn for; of a prior without classes, zeros
    log_probs: np.ndarray  # (n, M), log of the conditional of each token, at the temperature that it was drawn with


class TokenPrior(nn.Module):
    """What all priors share.

    A subclass gives `_logits(tokens, labels)`, (n, M, K), of which row i may depend on
    tokens 1 ... i - 1 alone; labels (n,) are zeros where classes = 0.

    codes: K.  places: M.  classes: C, or 0 for a prior that knows none.
    Raises TypeError or ValueError where codes, places or classes cannot be right.
    """

    def __init__(self, codes: int, places: int, classes: int = 0):
        super().__init__()
        self.codes, self.places = count("codes", codes), count("places", places)
        self.classes = count("classes", classes, 0)

    def _logits(self, tokens: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError(f"{type(self).__name__} must give its logits")

    def logits(self, tokens: TensorLike, labels: TensorLike) -> torch.Tensor:
        """What the softmax of each place is taken of, (n, M, K); labels (n,), zeros for a prior without classes.

        Raises TypeError or ValueError where tokens or labels cannot be right.
        """
        tokens = self._tokens(tokens)
        return self._logits(tokens, _one_each(labels, tokens, max(self.classes, 1)))

    # ------------------------------------------------ probabilities

    def conditionals(
        self, tokens: TensorLike, label: TensorLike | int | None = None, *, temperature: float = 1.0
    ) -> torch.Tensor:
        """log p(z_i = k | z_1 ... z_{i-1}, c) for every place and code: (n, M, K). [tok-chain] [tok-temperature]

        `label` as in `log_prob`, but a prior that knows classes needs one here: of the mixture, conditionals are not
        one pass of the network.
        Raises TypeError or ValueError where tokens, label or temperature cannot be right.
        """
        tokens = self._tokens(tokens)
        if self.classes and label is None:
            raise ValueError("label must be given, since this prior is one for each class; got None")
        return self._conditionals(tokens, self._labels(label, len(tokens)), warmth(temperature))

    def log_prob(
        self, tokens: TensorLike, label: TensorLike | int | None = None, *, temperature: float = 1.0
    ) -> torch.Tensor:
        """log p(z | c), nats per image, (n,): the sum of the conditionals of the tokens that are there. [tok-classes]

        label: the class, one or (n,); None: the mixture over classes, log sum_c p(z | c) / C.
        temperature: of the distribution that is meant. At T other than 1 each conditional is p^(1/T), normalised anew:
        another distribution, with its own log_prob.
        Raises TypeError or ValueError where tokens cannot be right.
        """
        if label is None and self.classes:
            each = [self.log_prob(tokens, c, temperature=temperature) for c in range(self.classes)]
            return torch.stack(each).logsumexp(0) - math.log(self.classes)
        table = self.conditionals(tokens, label, temperature=temperature)
        tokens = whole_numbers("tokens", tokens, self.codes, 2).to(table.device)
        return table.gather(2, tokens[:, :, None])[..., 0].sum(1)

    def loss(self, tokens: Whole, labels: Whole, generator: torch.Generator | None = None) -> torch.Tensor:
        """What training makes small: -log p(z | c) in nats per *token*, averaged over tokens (n, M) of classes (n,).

        labels: zeros for a prior that knows no classes. `generator` is there so that one training loop serves every
        model: no chance enters. The class is given here; to be compared with a prior that knows none, it must be summed
        out: `log_prob(z)`. Raises TypeError or ValueError where tokens or labels do not fit.
        """
        tokens = self._tokens(tokens)
        logits = self._logits(tokens, _one_each(labels, tokens, max(self.classes, 1)))  # (n, M, K)
        return functional.cross_entropy(logits.flatten(0, 1), tokens.flatten())

    # ------------------------------------------------ drawing

    @torch.no_grad()
    def sample(
        self,
        n: int,
        seed: int,
        *,
        temperature: float = 1.0,
        prefix: TensorLike | None = None,
        label: TensorLike | int | None = None,
    ) -> Drawn:
        """n grids, token by token: each token from its conditional, given those drawn before it.

        Token i of grid r is the inverse distribution function at uniform number r M + i of `seed`, in float64.
        prefix: tokens (m,) or (n, m), m <= M, that stand already, at the *first* places: what follows is then a draw
            of p(rest | prefix). (A later token cannot be locked in this way: what comes before would not know of it.)
        label: the class, one or (n,); None: for each grid a class is drawn first, from p(c | prefix).
        Raises TypeError or ValueError for arguments that do not fit.
        """
        n, seed = count("n", n), count("seed", seed, 0)
        temperature, fixed = warmth(temperature), self._prefix(prefix, n)
        tokens = torch.zeros(n, self.places, dtype=torch.long)
        tokens[:, : fixed.shape[1]] = fixed
        labels = (
            self._labels(label, n)
            if label is not None or not self.classes
            else self._draw_labels(tokens, fixed.shape[1], seed, temperature)
        )
        chance = counter.uniforms(seed, np.arange(n * self.places).reshape(n, -1))[..., 0]
        log_probs = np.zeros((n, self.places))
        for place in range(self.places):
            table = self._conditionals(tokens, labels, temperature)[:, place].double().cpu().numpy()
            if place >= fixed.shape[1]:
                tokens[:, place] = torch.from_numpy(counter.categorical(table, chance[:, place]))
            log_probs[:, place] = np.take_along_axis(table, tokens[:, place, None].numpy(), axis=1)[:, 0]
        return Drawn(tokens.numpy(), labels.numpy(), log_probs)

    def _draw_labels(self, tokens: torch.Tensor, known: int, seed: int, temperature: float) -> torch.Tensor:
        """A class for each row from p(c | first tokens), which is proportional to p(first tokens | c)."""
        scores = np.zeros((len(tokens), self.classes))
        if known:
            for c in range(self.classes):
                table = self._conditionals(tokens, torch.full((len(tokens),), c), temperature).double()
                scores[:, c] = table.gather(2, tokens[:, :, None])[:, :known, 0].sum(1).cpu().numpy()
        return torch.from_numpy(
            counter.categorical(scores, counter.uniforms(seed, np.arange(len(tokens)), LABELS)[:, 0])
        )

    # ------------------------------------------------ arguments

    def _tokens(self, tokens: TensorLike) -> torch.Tensor:
        tokens = whole_numbers("tokens", tokens, self.codes, 2)
        if tokens.shape[1] != self.places:
            raise ValueError(f"tokens must have M = {self.places} columns, got shape {tuple(tokens.shape)}")
        return tokens

    def _conditionals(self, tokens: torch.Tensor, labels: torch.Tensor, temperature: float) -> torch.Tensor:
        logits = self._logits(tokens, labels)
        return LogSoftmax.apply(logits / temperature)

    def _labels(self, label: TensorLike | int | None, n: int) -> torch.Tensor:
        """Labels as (n,): one for all, or one each; zeros for a prior without classes."""
        if label is None:
            return torch.zeros(n, dtype=torch.long)
        if not self.classes:
            raise ValueError(f"label must be None for a prior that knows no classes, got {describe(label)}")
        label = whole_numbers("label", label, self.classes)
        if label.shape not in ((), (1,), (n,)):
            raise ValueError(f"label must be one class or {n} of them, one per row, got shape {tuple(label.shape)}")
        return label.expand(n)

    def _prefix(self, prefix: TensorLike | None, n: int) -> torch.Tensor:
        prefix = whole_numbers("prefix", [] if prefix is None else prefix, self.codes, empty=True)
        if prefix.numel() == 0:
            return torch.zeros(n, 0, dtype=torch.long)
        if prefix.ndim not in (1, 2) or prefix.shape[-1] > self.places or (prefix.ndim == 2 and len(prefix) != n):
            raise ValueError(
                f"prefix must have shape (m,) or ({n}, m) with m <= {self.places}, got {tuple(prefix.shape)}"
            )
        return prefix.expand(n, -1)


def training_rows(tokens: Whole, labels: Whole | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """What `fit` is given to train a prior: tokens (n, M), and a class for each row (n,), 0 where there is none.

    Raises TypeError or ValueError where they are no whole numbers, or not as many.
    """
    tokens = whole_numbers("tokens", tokens, 2**20, 2)
    return tokens, torch.zeros(len(tokens), dtype=torch.long) if labels is None else _one_each(labels, tokens, 2**20)


def _one_each(labels: TensorLike, tokens: torch.Tensor, below: int) -> torch.Tensor:
    """Labels (n,), whole numbers 0 ... below - 1, or an error: one for each row of tokens (n, M)."""
    labels = whole_numbers("labels", labels, below, 1)
    if len(labels) != len(tokens):
        raise ValueError(f"labels must be {len(tokens)}, one for each row of tokens, got {len(labels)}")
    return labels


def _small_table(codes: int, rows: int) -> None:
    """ValueError where a table of so many rows of codes is too large."""
    if codes * rows > TABLE:
        raise ValueError(f"codes must be at most {TABLE // rows} for a table of {rows} rows of every code, got {codes}")


def _dropout(value: float) -> float:
    if not real_number("dropout", value) < 1:
        raise ValueError(f"dropout must lie in [0, 1), got {value!r}")
    return float(value)


# ---------------------------------------------------------------- without a network


class UniformPrior(TokenPrior):
    """p(z) = K^-M: every grid costs M log K nats, whatever it shows. [tok-uniform-rate]

    Raises TypeError or ValueError where codes, places or classes cannot be right.
    """

    def log_prob(
        self, tokens: TensorLike, label: TensorLike | int | None = None, *, temperature: float = 1.0
    ) -> torch.Tensor:
        """-M log K, (n,), of every grid, class and temperature; K may be of any size.

        Raises TypeError or ValueError where tokens, label or temperature cannot be right.
        """
        n = len(self._tokens(tokens))
        self._labels(label, n)
        warmth(temperature)
        return torch.full((n, self.places), -math.log(self.codes), dtype=torch.float64).sum(1)

    def _logits(self, tokens: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        _small_table(self.codes, len(tokens) * self.places)
        return torch.zeros(len(tokens), self.places, self.codes, dtype=torch.float64)


class IndependentPrior(TokenPrior):
    """p(z) = prod_i p_i(z_i): each place has shares of its own, and knows nothing of its neighbours. [tok-independent]

    shares: (M, K), or (C, M, K) for one table per class; rows sum to one. (The prior has no weights to train.)

    Raises TypeError or ValueError where shares cannot be right.
    """

    log_shares: torch.Tensor

    def __init__(self, shares: TensorLike):
        given = real_tensor("shares", shares).detach()
        if given.ndim not in (2, 3) or (given <= 0).any():
            raise ValueError(
                "shares must be (M, K) or (C, M, K), positive, and sum to 1 along the last axis; got shape "
                f"{tuple(given.shape)} with a smallest entry of {given.min():g}"
            )
        shares = torch.from_numpy(probabilities("shares", given))
        super().__init__(shares.shape[-1], shares.shape[-2], len(shares) if shares.ndim == 3 else 0)
        self.register_buffer("log_shares", shares.log())

    @classmethod
    def counted(
        cls, tokens: TensorLike, codes: int, labels: TensorLike | None = None, *, classes: int = 10, amount: float = 0.1
    ) -> IndependentPrior:
        """Shares counted in tokens (n, M), for each class if `labels` (n,) are given:

            share = (count + amount) / (n + K amount)

        amount > 0 stands for what was never seen, and might be. At amount -> 0 it is the maximum of the likelihood.
        Raises TypeError or ValueError for arguments that do not fit.
        """
        tokens = whole_numbers("tokens", tokens, count("codes", codes), 2)
        amount = real_number("amount", amount, positive=True)
        if labels is None:
            which, tables = torch.zeros(len(tokens), dtype=torch.long), 1
        else:
            which, tables = _one_each(labels, tokens, count("classes", classes)), classes
        places = tokens.shape[1]
        _small_table(codes, tables * places)
        row = which.to(tokens.device)[:, None] * places + torch.arange(places, device=tokens.device)
        cells = row * codes + tokens  # (n, M)
        counts = torch.bincount(cells.flatten(), minlength=tables * places * codes).view(tables, places, codes)
        shares = counts.double() + amount
        shares = shares / shares.sum(-1, keepdim=True)
        return cls(shares[0] if labels is None else shares)

    def _logits(self, tokens: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        table = self.log_shares if self.classes else self.log_shares[None]
        return table[labels.to(table.device)]


# ---------------------------------------------------------------- with one


class MaskedConv2d(nn.Conv2d):
    """A convolution that sees only what comes before in reading order: rows above, and the same row to the left.

    centre: whether it may see its own place. The first layer of a prior must not; the others must.
    Raises TypeError or ValueError where inputs, outputs, kernel or centre cannot be right.
    """

    mask: torch.Tensor

    def __init__(self, inputs: int, outputs: int, kernel: int, *, centre: bool):
        inputs, outputs, kernel = count("inputs", inputs), count("outputs", outputs), count("kernel", kernel)
        if not isinstance(centre, bool):
            raise TypeError(f"centre must be True or False, got {describe(centre)}")
        if kernel % 2 == 0:
            raise ValueError(f"kernel must be odd, so that it has a centre, got {kernel}")
        super().__init__(inputs, outputs, kernel, padding=kernel // 2)
        order = torch.arange(kernel * kernel).view(kernel, kernel)
        middle = order[kernel // 2, kernel // 2]
        self.register_buffer("mask", (order <= middle if centre else order < middle).float(), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Convolve with what lies before (and, where told, the centre): (n, inputs, h, w) to (n, outputs, h, w)."""
        return functional.conv2d(x, self.weight * self.mask, self.bias, padding=self.padding)


class PixelCNNPrior(TokenPrior):
    """Masked convolutions on the grid of tokens: van den Oord, Kalchbrenner and Kavukcuoglu (2016).

    The first has no centre, and is wide; then come residual ones of 3 x 3; last, at each place alone, the logits.
    Where it stands and which class is asked, each place is told by an offset of its own. `classes`: 0 for none.
    Raises TypeError or ValueError for arguments that do not fit.
    """

    def __init__(
        self,
        codes: int,
        side: int,
        classes: int = 0,
        *,
        channels: int = 64,
        layers: int = 3,
        embedding: int = 16,
        dropout: float = 0.1,
    ):
        super().__init__(codes, count("side", side) ** 2, classes)
        self.side, dropout = side, _dropout(dropout)
        self.embed = nn.Embedding(codes, count("embedding", embedding))
        self.first = MaskedConv2d(embedding, count("channels", channels), 2 * min(side - 1, 3) + 1, centre=False)
        self.place = nn.Parameter(torch.zeros(channels, side, side))
        self.label = nn.Embedding(max(self.classes, 1), channels)
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.ReLU(),
                MaskedConv2d(channels, channels, 3, centre=True),
                nn.ReLU(),
                nn.Dropout2d(dropout),
                nn.Conv2d(channels, channels, 1),
            )
            for _ in range(count("layers", layers))
        )
        self.out = nn.Sequential(nn.ReLU(), nn.Dropout2d(dropout), nn.Conv2d(channels, codes, 1))

    def _logits(self, tokens: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        maps = self.embed(tokens).transpose(1, 2).unflatten(2, (self.side, self.side))  # (n, e, 7, 7)
        x = self.first(maps) + self.place + self.label(labels)[:, :, None, None]  # (n, c, 7, 7)
        for layer in self.layers:
            x = x + layer(x)
        return self.out(x).flatten(2).transpose(1, 2)  # (n, K, 7, 7) to (n, M, K)


class TransformerPrior(TokenPrior):
    """Causal attention over the tokens before.

    The class (or a start sign) stands first, and the last token is not read. Radford et al. (2018) for text; here a
    grid, row by row.
    Raises TypeError or ValueError where width, layers or dropout cannot be right.
    """

    def __init__(
        self,
        codes: int,
        places: int,
        classes: int = 0,
        *,
        width: int = 64,
        layers: int = 2,
        heads: int = 4,
        dropout: float = 0.1,
    ):
        super().__init__(codes, places, classes)
        self.embed = nn.Embedding(codes + max(self.classes, 1), count("width", width))
        self.place = nn.Parameter(0.02 * torch.randn(places, width))
        self.dropout = nn.Dropout(_dropout(dropout))
        self.blocks = nn.Sequential(*[Block(width, heads, causal=True) for _ in range(count("layers", layers))])
        self.norm, self.out = nn.LayerNorm(width), nn.Linear(width, codes)

    def _logits(self, tokens: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        seen = torch.cat([self.codes + labels[:, None], tokens[:, :-1]], dim=1)  # (n, M)
        return self.out(self.norm(self.blocks(self.dropout(self.embed(seen) + self.place))))


def pixelcnn_prior(codes: int, side: int = 7, classes: int = 0, *, seed: int, **sizes: int) -> PixelCNNPrior:
    """A PixelCNN over side x side tokens; weights from `seed`.

    Raises TypeError or ValueError where seed cannot be right.
    """
    with seeded(seed):
        return PixelCNNPrior(codes, side, classes, **sizes)


def transformer_prior(codes: int, places: int = 49, classes: int = 0, *, seed: int, **sizes: int) -> TransformerPrior:
    """A causal Transformer over M tokens; weights from `seed`.

    Raises TypeError or ValueError where seed cannot be right.
    """
    with seeded(seed):
        return TransformerPrior(codes, places, classes, **sizes)
