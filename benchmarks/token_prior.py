"""A prior over the VQ-VAE's tokens, alone.

Nats per token on 1,000 test digits, class given, and the seconds of training.

The tokenizer is that of vqvae.py; its training is not timed here.
"""

from __future__ import annotations

import torch

from lvm_lib import fit, recipes
from lvm_lib.token_priors import training_rows

from .row import Aim, Limit, Measured, sized
from .vqvae import CODES, digits, trained

RATE = "nats per token, class given"


def ours(target):
    (x, labels), (test, test_labels) = digits("train"), digits("test")
    tokenizer, _ = trained(x)
    rows, test_tokens = training_rows(tokenizer.tokens(x), labels), tokenizer.tokens(test)

    def run():
        prior, told = recipes.wide_pixelcnn(CODES, seed=0), recipes.WIDE_PIXELCNN
        history = fit.fit(prior, rows, seed=0, **{**told, "epochs": sized(told["epochs"], 1)})
        with torch.no_grad():
            rate = -prior.log_prob(test_tokens, test_labels).mean().item() / prior.places
        return Measured(rate, history.records[-1].seconds)

    return run


ROWS = [Aim("prior over the VQ-VAE's tokens", RATE, ours, (Limit(RATE, "below", 1.90), Limit("seconds", "below", 35)))]
