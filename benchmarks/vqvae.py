"""A VQ-VAE on digits, alone: squared error and perplexity on 1,000 test digits, and the seconds of training.

Grey digits, 28 x 28, become 7 x 7 tokens of 128 codes. Scoring is not timed.
"""

from __future__ import annotations

import torch

from lvm_lib import data, fit, recipes
from lvm_lib.quantize import usage

from .row import Aim, Limit, Measured, sized

CODES = 128
ERROR, PERPLEXITY = "squared error per pixel", "perplexity"


def digits(part):
    """Grey digits in [0, 1], and their classes."""
    images = data.load("digits")
    pixels, labels = (images.train, images.train_labels) if part == "train" else (images.test, images.test_labels)
    keep = sized(None, 512)
    return (torch.tensor(data.unit(data.flat(pixels)), dtype=torch.float32)[:keep], torch.tensor(labels)[:keep])


def trained(x):
    """A tokenizer by the recipe, and the seconds that its training took."""
    tokenizer, told = recipes.wide_tokenizer(CODES, seed=0), recipes.WIDE_TOKENIZER
    history = fit.fit(tokenizer, x, seed=0, **{**told, "epochs": sized(told["epochs"], 1)})
    return tokenizer, history.records[-1].seconds


def ours(target):
    (x, _), (test, _) = digits("train"), digits("test")

    def run():
        tokenizer, seconds = trained(x)
        with torch.no_grad():
            tokens = tokenizer.tokens(test)
            error = ((tokenizer.decode(tokens) - test) ** 2).mean().item()
        return Measured(error, seconds, {PERPLEXITY: usage(tokens, CODES).perplexity})

    return run


ROWS = [
    Aim(
        "VQ-VAE, 128 codes",
        ERROR,
        ours,
        (Limit(ERROR, "below", 0.0060), Limit(PERPLEXITY, "above", 80), Limit("seconds", "below", 12)),
    )
]
