"""VAEs on binarised digits, alone: the test -ELBO that is reached, and the seconds of training that it takes.

Trained on 9,000 digits, binarised afresh in every epoch; scored, untimed, on one stored binarisation of 1,000 others.
"""

from __future__ import annotations

from functools import partial

import torch

from lvm_lib import data, fit, recipes

from .row import Aim, Limit, Measured, sized
from .vae import minus_elbo, test_digits

# what makes the net, what `fit` is told, nats and seconds at most
RECIPES = {
    "VAE, 2-D": (recipes.plane_vae, recipes.PLANE_VAE, 150, 10),
    "VAE, 16-D": (recipes.wide_vae, recipes.WIDE_VAE, 108, 12),
    "VAE, 16-D, products in bfloat16": (recipes.wide_vae, {**recipes.WIDE_VAE, "bf16": True}, 108, 12),
}
SCORE = "test -ELBO, nats per image"


def ours(make, options, target):
    x = torch.tensor(data.unit(data.load("digits").train).reshape(-1, 784), dtype=torch.float32)[: sized(9000, 512)]
    options = {**options, "epochs": sized(options["epochs"], 1)}
    test = test_digits()

    def run():
        model = make(seed=0)
        history = fit.fit(model, x, seed=0, **options)
        mean, log_std = model.encoder.net(test).detach().chunk(2, dim=1)
        return Measured(minus_elbo(mean, log_std, model.decoder, test), history.records[-1].seconds)

    return run


ROWS = [
    Aim(
        name,
        SCORE,
        partial(ours, make, options),
        (Limit(SCORE, "below", nats), Limit("seconds", "below", seconds)),
    )
    for name, (make, options, nats, seconds) in RECIPES.items()
]
