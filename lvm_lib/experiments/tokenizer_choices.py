"""Choices inside a tokenizer of grey digits: the weight beta, a codebook or FSQ, convolutions or a Transformer.

Small tokenizers of 7 x 7 tokens, Gaussian pixels of noise 0.15. Measured on the 1,000 test digits: squared error per
pixel in thousandths, perplexity, and nats per image of the tokens under shares counted for each place. Beta and FSQ
(5 x 5 x 5 codes against 128): two epochs of the 9,000 training digits. Convolutions and Transformer: 3,000 training
digits, one and four epochs, each its own schedule; the ConvNet with 32 channels has as many weights as the Transformer,
to 4 %, and the one with 34 channels as many multiply-adds an image, to 3 %.
"""

from __future__ import annotations

import torch
from torch import nn

from .. import data
from ..fit import fit
from ..likelihoods import Gaussian
from ..quantize import FSQ, Quantiser, VectorQuantizer, usage
from ..token_priors import IndependentPrior
from ..vqvae import VQVAE, conv_vqvae, transformer_vqvae

SEEDS = (0, 1, 2)
NOISE, BUDGETS, FEWER = 0.15, (1, 4), 3000
BETAS = {"VQ, beta = 0.25": 0.25, "VQ, beta = 2": 2.0, "FSQ, 5 x 5 x 5": 0.25}  # FSQ has no commitment
NETS = ("ConvNet, 32 channels", "ConvNet, 34 channels", "Transformer, width 24")


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    """Training and test digits, grey, in [0, 1]."""
    images = data.load("digits")
    parts = (images.train, images.test)
    train, test = (torch.tensor(data.unit(data.flat(part)), dtype=torch.float32) for part in parts)
    return train, test


def error(net: VQVAE) -> float:
    """Squared error per pixel on test digits, in thousandths."""
    test = digits()[1]
    with torch.no_grad():
        return 1000 * ((net(test) - test) ** 2).mean().item()


def quantiser(seed: int) -> VectorQuantizer:
    """128 codes of 16 numbers.

    Raises TypeError or ValueError where an argument cannot be right.
    """
    return VectorQuantizer(128, 16, decay=0.95, seed=seed)


def chosen(name: str, seed: int) -> dict[str, float]:
    """One of BETAS, trained for two epochs.

    Raises TypeError or ValueError where an argument cannot be right.
    """
    train, test = digits()
    part: Quantiser = FSQ([5, 5, 5]) if "FSQ" in name else quantiser(seed)
    assert isinstance(part, nn.Module)
    net = conv_vqvae(part, channels=16, likelihood=Gaussian(NOISE), commitment=BETAS[name], seed=seed)
    fit(net, train, epochs=2, seed=seed, batch=64, learning_rate=4e-3)
    tokens = net.tokens(test)
    shares = IndependentPrior.counted(net.tokens(train), part.size)
    return {
        "error": error(net),
        "perplexity": usage(tokens, part.size).perplexity,
        "rate": -shares.log_prob(tokens).mean().item(),
    }


def net_of(name: str, seed: int) -> VQVAE:
    """One of NETS, untrained.

    Raises TypeError or ValueError where an argument cannot be right.
    """
    size = int(name.split()[-1]) if "width" in name else int(name.split()[1])
    make = transformer_vqvae if "width" in name else conv_vqvae
    return make(quantiser(seed), size, likelihood=Gaussian(NOISE), seed=seed)


def trained(name: str, epochs: int, seed: int) -> float:
    """The error of one of NETS after so many epochs of 3,000 digits.

    Raises TypeError or ValueError where an argument cannot be right.
    """
    net = net_of(name, seed)
    fit(net, digits()[0][:FEWER], epochs=epochs, seed=seed, batch=64)
    return error(net)


def measure(seed: int) -> dict[str, float]:
    """All choices from one seed.

    Raises TypeError or ValueError where an argument cannot be right.
    """
    found = {f"{name}: {what}": value for name in BETAS for what, value in chosen(name, seed).items()}
    found["FSQ, share of VQ's error"] = found["FSQ, 5 x 5 x 5: error"] / found["VQ, beta = 0.25: error"]
    found["beta = 2 saves"] = found["VQ, beta = 0.25: rate"] - found["VQ, beta = 2: rate"]
    for name in NETS:
        found |= {f"{name}: error, epochs {epochs}": trained(name, epochs, seed) for epochs in BUDGETS}
    return found
