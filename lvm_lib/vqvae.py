"""The VQ-VAE: an image becomes a grid of tokens, each the number of a code in one shared codebook.

    z_e = encoder(x),    z_m = the code nearest to z_e,m  (m = 1 ... M),    x | z ~ likelihood(decoder(codes of z))

It is a latent variable model whose z is M discrete numbers: a prior p(z), uniform by default, and a generator
p(x | z). Its q(z | x) is one point, so the bound has no expectation and no entropy,

    log p(x) >= log p(x | z) + log p(z),    z = tokens of x,    and the gap is -log p(z | x)

Training does not climb that bound. The choice of the nearest code has no gradient, so it is skipped on the way back
(straight-through), and two terms pull codes and encoder together. van den Oord, Vinyals and Kavukcuoglu (2017).

Axes: pixels x (n, D), rows of a square image; tokens z (n, M), row by row from the top; codes (n, M, d). Distortion,
rate and bound are sums over pixels and tokens: nats per image, (n,).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.distributions import Distribution

from ._checks import count, describe, real_number
from ._torch import TensorLike, real_tensor, seeded, single, whole_numbers
from .autoencoder import PATCH, _grid, weight
from .bounds import ElboTerms
from .likelihoods import Bernoulli, Likelihood
from .quantize import Quantiser

if TYPE_CHECKING:
    from .token_priors import TokenPrior

__all__ = [
    "ConvDecoder",
    "ConvEncoder",
    "TransformerDecoder",
    "TransformerEncoder",
    "VQVAE",
    "conv_vqvae",
    "parameters",
    "transformer_vqvae",
]


# ---------------------------------------------------------------- encoders and decoders


class _Lone(nn.modules.batchnorm._BatchNorm):
    """Batch norm that takes its running moments where the batch is a single value, which has no variance."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training and x.numel() == x.shape[1]:
            return nn.functional.batch_norm(x, self.running_mean, self.running_var, training=False, eps=self.eps)
        return super().forward(x)


class _Standardised1d(_Lone, nn.BatchNorm1d):
    pass


class _Standardised2d(_Lone, nn.BatchNorm2d):
    pass


class ConvEncoder(nn.Module):
    """Square images, as rows (n, side^2), to vectors (n, M, d): patches of 4 x 4, then 3 x 3 convolutions on the grid.

    Each vector sees its own patch and, through two convolutions, those at most two patches away. The last layer keeps
    every dimension at variance one over the training batches, so that a codebook started from data tells them apart;
    in eval mode it is a fixed shift and scale.
    Raises TypeError or ValueError where dimensions or channels cannot be right.
    """

    def __init__(self, dimensions: int, channels: int = 64, side: int = 28):
        super().__init__()
        channels, self.grid = count("channels", channels), _grid(side)
        side = PATCH * self.grid
        self.net = nn.Sequential(
            nn.Unflatten(1, (1, side, side)),  # (n, 1, 28, 28)
            nn.Conv2d(1, channels, PATCH, stride=PATCH),
            nn.ReLU(),  # (n, c, 7, 7)
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, count("dimensions", dimensions), 1),  # (n, d, 7, 7)
            _Standardised2d(dimensions, affine=False),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images as rows (n, side^2) to vectors (n, M, d)."""
        return self.net(x).flatten(2).transpose(1, 2)  # (n, d, 7, 7) to (n, M, d)


class ConvDecoder(nn.Module):
    """Codes (n, M, d) to images, as rows (n, side^2): 3 x 3 convolutions on the grid, then patches of 4 x 4.

    There is no norm across the grid, so a token reaches only the patches within `reach` of its own: its field.
    Raises TypeError or ValueError where dimensions or channels cannot be right.
    """

    def __init__(self, dimensions: int, channels: int = 64, side: int = 28):
        super().__init__()
        channels, self.grid = count("channels", channels), _grid(side)
        self.net = nn.Sequential(  # from (n, d, 7, 7)
            nn.Conv2d(count("dimensions", dimensions), channels, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(channels, 1, PATCH, stride=PATCH),  # (n, 1, 28, 28)
            nn.Flatten(),
        )

    @property
    def reach(self) -> int:
        """How many patches away from its own a token still changes pixels: the convolutions' half widths, summed."""
        return sum(layer.kernel_size[0] // 2 for layer in self.net if type(layer) is nn.Conv2d)

    def field(self, token: int) -> np.ndarray:
        """The pixels that token number `token` can change: (side, side) of bool. All others stay as they are.

        Raises TypeError or ValueError where token cannot be right.
        [tok-field]
        """
        row, column = divmod(count("token", token, 0), self.grid)
        if row >= self.grid:
            raise ValueError(f"token must lie in 0 ... {self.grid**2 - 1}, got {token}")
        at = np.arange(PATCH * self.grid) // PATCH
        near = [np.abs(at - place) <= self.reach for place in (row, column)]
        return near[0][:, None] & near[1][None, :]

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """Codes (n, M, d) to outputs (n, side^2)."""
        return self.net(codes.transpose(1, 2).unflatten(2, (self.grid, self.grid)))  # from (n, d, 7, 7)


class Block(nn.Module):
    """One layer of a Transformer, norms first: x + attention(norm(x)), then x + mlp(norm(x)); (n, M, width).

    causal: position i sees only positions up to i.
    Raises TypeError or ValueError where width, heads or hidden cannot be right.
    """

    def __init__(self, width: int, heads: int = 4, hidden: int | None = None, *, causal: bool = False):
        super().__init__()
        if count("width", width) % count("heads", heads):
            raise ValueError(f"width must be a multiple of heads = {heads}, got {width}")
        hidden = 4 * width if hidden is None else count("hidden", hidden)
        self.heads, self.causal = heads, bool(causal)
        self.norm, self.attend, self.out = nn.LayerNorm(width), nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, m, width = x.shape
        q, k, v = self.attend(self.norm(x)).view(n, m, 3, self.heads, -1).permute(2, 0, 3, 1, 4)  # (n, heads, m, .)
        y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        x = x + self.out(y.transpose(1, 2).reshape(n, m, width))
        return x + self.mlp(x)


class TransformerEncoder(nn.Module):
    """Square images, as rows (n, side^2), to vectors (n, M, d): every patch of 4 x 4 sees every other.

    The last layer keeps every dimension at variance one, as in `ConvEncoder`.
    Raises TypeError or ValueError where dimensions, width or layers cannot be right.
    """

    def __init__(self, dimensions: int, width: int = 48, layers: int = 2, side: int = 28):
        super().__init__()
        width, self.grid = count("width", width), _grid(side)
        self.patch, self.place = nn.Linear(PATCH**2, width), nn.Parameter(0.02 * torch.randn(self.grid**2, width))
        self.blocks = nn.Sequential(*[Block(width) for _ in range(count("layers", layers))])
        self.out = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, count("dimensions", dimensions)))
        self.scale = _Standardised1d(dimensions, affine=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images as rows (n, side^2) to vectors (n, M, d)."""
        grids = x.view(len(x), self.grid, PATCH, self.grid, PATCH).transpose(2, 3)  # (n, 7, 7, 4, 4)
        patches = grids.reshape(len(x), -1, PATCH**2)  # (n, M, 16)
        vectors = self.out(self.blocks(self.patch(patches) + self.place))
        return self.scale(vectors.transpose(1, 2)).transpose(1, 2)


class TransformerDecoder(nn.Module):
    """Codes (n, M, d) to images, as rows (n, side^2): every token reaches every pixel.

    Raises TypeError or ValueError where dimensions, width or layers cannot be right.
    """

    def __init__(self, dimensions: int, width: int = 48, layers: int = 2, side: int = 28):
        super().__init__()
        width, self.grid = count("width", width), _grid(side)
        self.code = nn.Linear(count("dimensions", dimensions), width)
        self.place = nn.Parameter(0.02 * torch.randn(self.grid**2, width))
        self.blocks = nn.Sequential(*[Block(width) for _ in range(count("layers", layers))])
        self.out = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, PATCH**2))

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """Codes (n, M, d) to outputs (n, side^2)."""
        patches = self.out(self.blocks(self.code(codes) + self.place))  # (n, M, 16)
        grids = patches.unflatten(1, (self.grid, self.grid)).unflatten(3, (PATCH, PATCH))  # (n, 7, 7, 4, 4)
        return grids.transpose(2, 3).flatten(1)  # rows of pixels, (n, side^2)


# ---------------------------------------------------------------- the model


class VQVAE(nn.Module):
    """Encoder, quantiser, decoder, and the likelihood that says what the decoder's outputs mean.

    encoder: module, pixels (n, D) to vectors (n, M, d).  quantiser: module of lvm_lib.quantize, rows (..., d).
    decoder: module, codes (n, M, d) to outputs (n, D).  likelihood: one of lvm_lib.likelihoods.
    commitment: how hard the encoder is held to the codes that it chose (beta in the paper, on *that* term).
    Raises TypeError or ValueError where commitment cannot be right.
    """

    encoder: nn.Module
    quantiser: Quantiser
    decoder: nn.Module
    likelihood: Likelihood

    def __init__(
        self,
        encoder: nn.Module,
        quantiser: Quantiser,
        decoder: nn.Module,
        likelihood: Likelihood,
        *,
        commitment: float = 0.25,
    ):
        super().__init__()
        for name, part in (
            ("encoder", encoder),
            ("quantiser", quantiser),
            ("decoder", decoder),
            ("likelihood", likelihood),
        ):
            if not isinstance(part, nn.Module):
                raise TypeError(f"{name} must be a torch module, got {describe(part)}")
        self.encoder, self.quantiser, self.decoder, self.likelihood = encoder, quantiser, decoder, likelihood
        self.commitment = real_number("commitment", commitment)

    # ------------------------------------------------ its distributions

    @torch.no_grad()
    def tokens(self, x: TensorLike) -> torch.Tensor:
        """z(x), (n, M): the one point of q(z | x). In eval mode, whatever mode the model is in.

        Raises TypeError or ValueError where x cannot be right.
        """
        with _evaluating(self):
            return self.quantiser(self.encoder(self._inputs(self._pixels(x)))).indices

    def px_z(self, tokens: TensorLike) -> Distribution:
        """p(x | z), a torch distribution with event (D,): tokens (n, M).

        Raises TypeError or ValueError where tokens cannot be right.
        """
        return self.likelihood(self.decoder(self.quantiser.decode(self._tokens(tokens))))

    def log_px_z(self, x: TensorLike, tokens: TensorLike) -> torch.Tensor:
        """log p(x | z), summed over pixels, normaliser included: (n,).

        Raises TypeError or ValueError where x or tokens cannot be right.
        """
        x, px_z = self._pixels(x), self.px_z(tokens)
        if px_z.batch_shape[0] != len(x):
            raise ValueError(f"tokens must have n = {len(x)} rows as x has, got {px_z.batch_shape[0]}")
        return px_z.log_prob(x)

    def decode(self, tokens: TensorLike) -> torch.Tensor:
        """The mean of p(x | z), (n, D): a picture to look at, and no sample of x.

        Raises TypeError or ValueError where tokens cannot be right.
        """
        return self.px_z(tokens).mean

    def forward(self, x: TensorLike) -> torch.Tensor:
        """The mean of p(x | z(x)): the reconstruction, (n, D).

        Raises TypeError or ValueError where x cannot be right.
        """
        return self.decode(self.tokens(x))

    # ------------------------------------------------ the bound, and what training makes small instead

    @torch.no_grad()
    def elbo_terms(
        self, x: TensorLike, prior: TokenPrior, label: TensorLike | int | None = None
    ) -> ElboTerms[torch.Tensor]:
        """The ELBO's terms at z = tokens of x: reconstruction log p(x | z), and kl -log p(z), the rate. [tok-bound]

        Exact: q is one point, so there is nothing to average over.

        prior: one of lvm_lib.token_priors; its class, if it knows classes, is summed out unless `label` is given.
        Raises TypeError where prior cannot be right.
        """
        if not callable(getattr(prior, "log_prob", None)):
            raise TypeError(f"prior must be one of lvm_lib.token_priors, got {describe(prior)}")
        tokens = self.tokens(x)
        log_px_z, log_pz = self.log_px_z(x, tokens), prior.log_prob(tokens, label)
        return ElboTerms(log_px_z, -log_pz.to(log_px_z))

    def loss(self, x: TensorLike, generator: torch.Generator | int | None = None) -> torch.Tensor:
        """What training makes small, averaged over images:

            -log p(x | codes, straight-through) + sum_m [ |sg z_e,m - e_m|^2 + commitment |z_e,m - sg e_m|^2 ]

        sg: no gradient. It is no bound: the rate, M log K, is constant, and the last two terms are no log probability.
        Raises TypeError or ValueError where x cannot be right.
        """
        x = self._pixels(x)
        vectors = self.encoder(self._inputs(x))
        found = self.quantiser(vectors)
        distortion = -self.likelihood(self.decoder(found.codes)).log_prob(x).mean()
        return distortion + vectors.shape[1] * (found.losses.codebook + self.commitment * found.losses.commitment)

    def _pixels(self, x: TensorLike) -> torch.Tensor:
        x = real_tensor("x", x, 2, like=single(weight(self)))
        self.likelihood.check(x)
        return x

    def _inputs(self, x: torch.Tensor) -> torch.Tensor:
        return self.likelihood.inputs(x).to(weight(self))

    def _tokens(self, tokens: TensorLike) -> torch.Tensor:
        return whole_numbers("tokens", tokens, self.quantiser.size, 2).to(weight(self).device)


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Inside, `module` is in eval mode: it then learns nothing from what it sees."""
    mode = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(mode)


def parameters(module: nn.Module) -> int:
    """How many trained numbers a module holds.

    Raises TypeError where module cannot be right.
    """
    if not isinstance(module, nn.Module):
        raise TypeError(f"module must be a torch module, got {describe(module)}")
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def conv_vqvae(
    quantiser: Quantiser,
    channels: int = 64,
    side: int = 28,
    likelihood: Likelihood | None = None,
    *,
    commitment: float = 0.25,
    seed: int,
) -> VQVAE:
    """A VQ-VAE of convolutions on 4 x 4 patches; Bernoulli unless told otherwise; weights from `seed`.

    The weights lie in memory with their channels last: a processor multiplies them so in 0.8 to 0.9 of the time.
    Raises TypeError or ValueError where quantiser or seed cannot be right.
    """
    d = _dimensions(quantiser)
    with seeded(seed):
        net = VQVAE(
            ConvEncoder(d, channels, side),
            quantiser,
            ConvDecoder(d, channels, side),
            likelihood or Bernoulli(),
            commitment=commitment,
        )
    return net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks it


def transformer_vqvae(
    quantiser: Quantiser,
    width: int = 48,
    layers: int = 2,
    side: int = 28,
    likelihood: Likelihood | None = None,
    *,
    commitment: float = 0.25,
    seed: int,
) -> VQVAE:
    """A VQ-VAE of Transformers over patches of 4 x 4; Bernoulli unless told otherwise; weights from `seed`.

    Raises TypeError or ValueError where quantiser or seed cannot be right.
    """
    d = _dimensions(quantiser)
    with seeded(seed):
        return VQVAE(
            TransformerEncoder(d, width, layers, side),
            quantiser,
            TransformerDecoder(d, width, layers, side),
            likelihood or Bernoulli(),
            commitment=commitment,
        )


def _dimensions(quantiser: Quantiser) -> int:
    """How many numbers a quantiser's rows have."""
    if not isinstance(quantiser, nn.Module) or not hasattr(quantiser, "dimensions"):
        raise TypeError(f"quantiser must be a module of lvm_lib.quantize, got {describe(quantiser)}")
    return quantiser.dimensions
