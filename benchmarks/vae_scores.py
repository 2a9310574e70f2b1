"""VAEs on binarised digits, alone: the test -ELBO that is reached, and the seconds of training that it takes.

Trained on 9,000 digits, binarised afresh in every epoch; scored, untimed, on one stored binarisation of 1,000 others.
"""

from __future__ import annotations

from functools import partial

import torch

from lvm_lib import data, fit
from lvm_lib.vae import mlp_vae

from .row import Aim, Limit, Measured, sized
from .vae import minus_elbo, test_digits

# The recipes, as in the chapter on VAEs; with 16 latents, two epochs more.
PLANE = {"epochs": 24, "batch": 192, "learning_rate": 7e-3, "binarise_fresh": True}
WIDE = {"epochs": 22, "batch": 128, "learning_rate": 3e-3, "binarise_fresh": True}
# latents, hidden layers, what `fit` is told, nats and seconds at most
RECIPES = {
    "VAE, 2-D": (2, (256, 128), PLANE, 150, 10),
    "VAE, 16-D": (16, (400, 200), WIDE, 108, 12),
    "VAE, 16-D, products in bfloat16": (16, (400, 200), {**WIDE, "bf16": True}, 108, 12),
}
SCORE = "test -ELBO, nats per image"


def ours(latents, hidden, options, target):
    x = torch.tensor(data.unit(data.load("digits").train).reshape(-1, 784), dtype=torch.float32)[: sized(9000, 512)]
    options = {**options, "epochs": sized(options["epochs"], 1)}
    test = test_digits()

    def run():
        model = mlp_vae(latents, hidden, seed=0)
        history = fit.fit(model, x, seed=0, **options)
        mean, log_std = model.encoder.net(test).detach().chunk(2, dim=1)
        return Measured(minus_elbo(mean, log_std, model.decoder, test), history.records[-1].seconds)

    return run


ROWS = [
    Aim(
        name,
        SCORE,
        partial(ours, latents, hidden, options),
        (Limit(SCORE, "below", nats), Limit("seconds", "below", seconds)),
    )
    for name, (latents, hidden, options, nats, seconds) in RECIPES.items()
]
