"""A prior over the VQ-VAE's tokens, alone.

Nats per token on 1,000 test digits, class given, and the seconds of training.

The tokenizer is that of vqvae.py; its training is not timed here.
"""

from __future__ import annotations

from functools import partial

import torch

from lvm_lib import fit
from lvm_lib.token_priors import pixelcnn_prior, training_rows

from .row import Aim, Limit, Measured, sized
from .vqvae import CODES, digits, trained

# The recipe, as in the chapter on tokenizers.
SIDE, CLASSES = 7, 10
PRIOR = partial(pixelcnn_prior, CODES, SIDE, CLASSES, channels=48, layers=2, dropout=0.0, seed=0)
TRAINING = {"epochs": 5, "batch": 64, "learning_rate": 1.2e-2, "seed": 0}
RATE = "nats per token, class given"


def ours(target):
    (x, labels), (test, test_labels) = digits("train"), digits("test")
    tokenizer, _ = trained(x)
    rows, test_tokens = training_rows(tokenizer.tokens(x), labels), tokenizer.tokens(test)

    def run():
        prior = PRIOR()
        history = fit.fit(prior, rows, **{**TRAINING, "epochs": sized(TRAINING["epochs"], 1)})
        with torch.no_grad():
            rate = -prior.log_prob(test_tokens, test_labels).mean().item() / SIDE**2
        return Measured(rate, history.records[-1].seconds)

    return run


ROWS = [Aim("prior over the VQ-VAE's tokens", RATE, ours, (Limit(RATE, "below", 1.90), Limit("seconds", "below", 35)))]
