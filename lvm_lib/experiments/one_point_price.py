"""What a one-point q wastes: VQ-VAEs of binary digits with more and more codes, each bound beside an estimate.

Tokenizers with 4 to 32 codes, two epochs each, a PixelCNN without classes over the tokens of one binarisation of the
training digits, one epoch; that with 8 codes once more with three times the epochs; and a VAE with 16 latents, ten
epochs. Ruler B, nats per test image. "one point" is the model's own bound, over all 1,000 test digits; the other
numbers are of the first 200: "here" the same bound, "spread" that of a q' spread over the codes (lvm_lib.token_bounds),
64 grids an image, at the temperature, 0.5 or 1, that is better for 50 training digits; "gap" their difference, "size"
the median effective sample size. For the VAE "one point" is its ELBO, and "spread" the importance-weighted estimate.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from .. import data
from ..fit import fit
from ..quantize import VectorQuantizer
from ..token_bounds import spread_bound
from ..token_priors import PixelCNNPrior, pixelcnn_prior, training_rows
from ..vae import mlp_vae
from ..vqvae import VQVAE, conv_vqvae

SEEDS = (0, 1, 2)
CODES = (4, 8, 16, 32)
LONGER = "K = 8, three times as long"
TEMPERATURES, SAMPLES, IMAGES = (0.5, 1.0), 64, 200
PARTS = ("train", "test")


def digits() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Training digits in [0, 1], and training and test digits in their stored binarisation."""
    train = torch.tensor(data.unit(data.flat(data.load("digits").train)), dtype=torch.float32)
    known, test = (torch.tensor(data.binarised("digits", part).reshape(-1, 784).astype(np.float32)) for part in PARTS)
    return train, known, test


def trained(codes: int, seed: int, times: int = 1) -> tuple[VQVAE, PixelCNNPrior]:
    """A tokenizer of binary digits and its prior; `times`: how many times the epochs.

    Raises TypeError or ValueError where an argument cannot be right.
    """
    train, *_ = digits()
    net = conv_vqvae(VectorQuantizer(codes, 16, decay=0.95, seed=seed), channels=24, seed=seed)
    fit(net, train, epochs=2 * times, seed=seed, batch=64, learning_rate=5e-3, binarise_fresh=True)
    tokens = net.tokens(torch.bernoulli(train, generator=torch.Generator().manual_seed(seed)))
    prior = pixelcnn_prior(codes, 7, channels=32, layers=1, dropout=0, seed=seed)
    fit(prior, training_rows(tokens), epochs=times, seed=seed, learning_rate=1e-2)
    return net, prior


def measured(net: VQVAE, prior: PixelCNNPrior) -> dict[str, float]:
    """Both columns of one model.

    Raises TypeError or ValueError where an argument cannot be right.
    """
    _, known, test = digits()
    terms = net.elbo_terms(test, prior)
    best = max(TEMPERATURES, key=lambda t: spread_bound(net, prior, known[:50], 0, temperature=t).value.mean().item())
    spread = spread_bound(net, prior, test[:IMAGES], 1, temperature=best, samples=SAMPLES)
    here = terms.elbo[:IMAGES].mean().item()
    return {
        "one point": terms.elbo.mean().item(),
        "distortion": -terms.reconstruction.mean().item(),
        "rate": terms.kl.mean().item(),
        "here": here,
        "spread": spread.value.mean().item(),
        "gap": spread.value.mean().item() - here,
        "size": spread.effective_size.median().item(),
        "temperature": best,
        "images": spread.value.std().item() / math.sqrt(IMAGES),
    }


def measured_vae(seed: int) -> dict[str, float]:
    """The same numbers of a VAE.

    Raises TypeError or ValueError where an argument cannot be right.
    """
    train, _, test = digits()
    vae = mlp_vae(16, (400,), seed=seed)
    fit(vae, train, epochs=10, seed=seed, binarise_fresh=True, batch=200, learning_rate=6e-3)
    with torch.no_grad():
        terms = vae.elbo_terms(test, seed, samples=10)
    estimate = vae.evidence(test[:IMAGES], seed, samples=200)
    here = terms.elbo[:IMAGES].mean().item()
    assert estimate.effective_sample_size is not None
    return {
        "one point": terms.elbo.mean().item(),
        "distortion": -terms.reconstruction.mean().item(),
        "rate": terms.kl.mean().item(),
        "here": here,
        "spread": float(estimate.value.mean()),
        "gap": float(estimate.value.mean()) - here,
        "size": float(np.median(estimate.effective_sample_size)),
        "images": float(estimate.value.std() / math.sqrt(IMAGES)),
    }


def measure(seed: int) -> dict[str, float]:
    """All models from one seed.

    Raises TypeError or ValueError where an argument cannot be right.
    """
    found = {f"K = {codes}": measured(*trained(codes, seed)) for codes in CODES}
    found[LONGER] = measured(*trained(8, seed, times=3))
    found["VAE"] = measured_vae(seed)
    return {f"{model}: {name}": value for model, numbers in found.items() for name, value in numbers.items()}
