"""Recipes: the nets that chapter, lab, benchmark and tool train alike, and what `fit` is told, each in one place.

    net = recipes.tokenizer(seed=0)
    fit(net, images, seed=0, **recipes.TOKENIZER)

A recipe is a function that makes the net from a seed, and a dict of the same name in capitals for `fit`. All are for
square images of 28 x 28 pixels in [0, 1]; a setting that is varied somewhere is an argument. A chapter that writes its
net or its training out, for its readers, writes this recipe; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from ._checks import count
from .likelihoods import Gaussian
from .quantize import VectorQuantizer
from .token_priors import PixelCNNPrior, TransformerPrior, pixelcnn_prior, transformer_prior
from .vae import VAE, mlp_vae
from .vqvae import VQVAE, conv_vqvae

__all__ = [
    "FIRST_HIDDEN",
    "FIRST_VAE",
    "PIXELCNN",
    "PLANE_HIDDEN",
    "PLANE_VAE",
    "SMALL_PIXELCNN",
    "SMALL_TOKENIZER",
    "SMALL_TRANSFORMER",
    "SMALL_VAE",
    "TOKENIZER",
    "TRANSFORMER",
    "WIDE_PIXELCNN",
    "WIDE_TOKENIZER",
    "WIDE_VAE",
    "first_vae",
    "pixelcnn",
    "plane_vae",
    "small_tokenizer",
    "small_transformer",
    "tokenizer",
    "transformer",
    "wide_pixelcnn",
    "wide_tokenizer",
    "wide_vae",
]

FIRST_HIDDEN = (128, 64)
PLANE_HIDDEN = (256, 128)
DIMENSIONS = 16  # of a code
NOISE = 0.15  # standard deviation of the tokenizer's Gaussian likelihood, pixels in [0, 1]


class Training(TypedDict, total=False):
    """What `fit` is told, by keyword."""

    epochs: int
    batch: int
    learning_rate: float
    schedule: str | None
    binarise_fresh: bool


# ---------------------------------------------------------------- what a chapter and its lab train

FIRST_VAE: Training = {"epochs": 15, "batch": 100, "learning_rate": 3e-3, "schedule": None, "binarise_fresh": True}
PLANE_VAE: Training = {"epochs": 24, "batch": 192, "learning_rate": 7e-3, "binarise_fresh": True}
TOKENIZER: Training = {"epochs": 2, "batch": 64, "learning_rate": 4e-3}
PIXELCNN: Training = {"epochs": 1, "batch": 64, "learning_rate": 1e-2}
TRANSFORMER: Training = {"epochs": 3, "batch": 64, "learning_rate": 1.2e-2}


def first_vae(latents: int = 2, hidden: Sequence[int] = FIRST_HIDDEN, *, seed: int) -> VAE:
    """The VAE of binary images that `vae` writes out, 784-128-64-2 by default. Raises TypeError, ValueError."""
    return mlp_vae(latents, hidden, seed=seed)


def plane_vae(latents: int = 2, hidden: Sequence[int] = PLANE_HIDDEN, *, seed: int) -> VAE:
    """The VAE of binary images whose z can be drawn: 784-256-128-2 by default. Raises TypeError, ValueError."""
    return mlp_vae(latents, hidden, seed=seed)


def tokenizer(
    codes: int = 128, *, channels: int = 24, decay: float = 0.95, commitment: float = 0.25, seed: int
) -> VQVAE:
    """The tokenizer of grey images: 7 x 7 tokens of `codes` codes in 16 dimensions. Raises TypeError, ValueError."""
    quantiser = VectorQuantizer(count("codes", codes), DIMENSIONS, decay=decay, seed=seed)
    return conv_vqvae(quantiser, channels, likelihood=Gaussian(NOISE), commitment=commitment, seed=seed)


def pixelcnn(codes: int = 128, classes: int = 10, *, seed: int) -> PixelCNNPrior:
    """The PixelCNN over 7 x 7 tokens, class by class, with dropout. Raises TypeError, ValueError."""
    return pixelcnn_prior(codes, 7, classes, channels=48, layers=2, seed=seed)


def transformer(codes: int = 128, classes: int = 10, *, seed: int) -> TransformerPrior:
    """The causal Transformer over 49 tokens, class by class. Raises TypeError, ValueError."""
    return transformer_prior(codes, 49, classes, width=48, layers=1, heads=2, dropout=0, seed=seed)


# ---------------------------------------------------------------- what the benchmarks train, for a better score

WIDE_VAE: Training = {"epochs": 22, "batch": 128, "learning_rate": 3e-3, "binarise_fresh": True}
WIDE_TOKENIZER: Training = {"epochs": 4, "batch": 64, "learning_rate": 4e-3}
WIDE_PIXELCNN: Training = {"epochs": 5, "batch": 64, "learning_rate": 1.2e-2}


def wide_vae(*, seed: int) -> VAE:
    """The VAE of binary images with 16 latents, 784-400-200-16. Raises TypeError, ValueError."""
    return mlp_vae(16, (400, 200), seed=seed)


def wide_tokenizer(codes: int = 128, *, seed: int) -> VQVAE:
    """A tokenizer with twice the channels, which follows its codes more closely. Raises TypeError, ValueError."""
    return tokenizer(codes, channels=48, decay=0.97, commitment=2.0, seed=seed)


def wide_pixelcnn(codes: int = 128, classes: int = 10, *, seed: int) -> PixelCNNPrior:
    """The PixelCNN over its tokens, without dropout. Raises TypeError, ValueError."""
    return pixelcnn_prior(codes, 7, classes, channels=48, layers=2, dropout=0, seed=seed)


# ---------------------------------------------------------------- the nets that come with the library (`shipped`), of
# which the VAE and the PixelCNN are the chapters' own, trained longer

SMALL_VAE: Training = {"epochs": 60, "binarise_fresh": True}
SMALL_TOKENIZER: Training = {"epochs": 10}
SMALL_PIXELCNN: Training = {"epochs": 14}
SMALL_TRANSFORMER: Training = {"epochs": 10}


def small_tokenizer(*, seed: int) -> VQVAE:
    """The tokenizer that a page can carry. Raises TypeError, ValueError."""
    return tokenizer(channels=48, seed=seed)


def small_transformer(codes: int = 128, classes: int = 10, *, seed: int) -> TransformerPrior:
    """The causal Transformer over its tokens, with dropout. Raises TypeError, ValueError."""
    return transformer_prior(codes, 49, classes, width=32, seed=seed)
