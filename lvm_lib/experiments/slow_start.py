"""How long a VAE whose q tells nothing at the start lags behind, and what warm-up and free bits change.

A VAE with sixteen latents, 784-64-32-16 and back, is trained on digits, binarised afresh in each epoch, for 6, 24 and
48 epochs (batches of 128, Adam at 2e-3 at most); each budget is the end of its own schedule. Four ways, all from the
same weights but for the encoder's last layer:

speaking: the start of `mlp_vae`: means four times as far apart, standard deviations e^-2.
mute: both taken back, which is torch's own start with biases of log std at zero: q is near the prior for every x.
warm-up: mute, and the KL's weight rises from 0 to 1 over the first half of training.
free bits: mute, and a latent pays only for what its average KL has above 0.25 nats, until half of training is over.

Measured on the 1,000 test images, one stored binarisation: -ELBO (from 4 draws of q), the KL, and how many latents
have an average KL above 0.05 nats, and above 0.5. "mute less speaking" is the difference within a run.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from .. import data
from ..fit import fit
from ..vae import VAE, kl_to_prior, mlp_vae

SEEDS = (0, 1, 2, 3)
EPOCHS = (6, 24, 48)
WAYS = ("mute", "warm-up", "free bits", "speaking")
HIDDEN, BATCH, RATE = (64, 32), 128, 2e-3
FREE, ACTIVE, SPEAKS = 0.25, 0.05, 0.5  # nats: free for each latent; above which it is active; above which it speaks


def net(way: str, seed: int) -> VAE:
    """The untrained net of one of WAYS.

    Raises TypeError or ValueError where an argument cannot be right.
    """
    model = mlp_vae(16, HIDDEN, seed=seed)
    if way != "speaking":
        layers = model.encoder.get_submodule("net")
        assert isinstance(layers, nn.Sequential) and isinstance(layers[-1], nn.Linear)
        last = layers[-1]  # 16 means, then 16 log stds
        with torch.no_grad():
            last.weight[:16] /= 4
            last.bias[16:] = 0
    return model


def loss(model: VAE, way: str, steps: int) -> Callable[..., torch.Tensor]:
    """What is made small in each of `steps` steps."""
    done = iter(range(steps))

    def of_batch(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        share = min(1.0, next(done) / (steps / 2))  # of the first half that is over
        terms = model.elbo_terms(x, generator)
        assert terms.kl_per_dimension is not None
        of_latents = terms.kl_per_dimension.mean(0)
        if way == "warm-up":
            return share * of_latents.sum() - terms.reconstruction.mean()
        if way == "free bits" and share < 1:
            return of_latents.clamp(min=FREE).sum() - terms.reconstruction.mean()
        return of_latents.sum() - terms.reconstruction.mean()

    return of_batch


def scores(model: VAE, x: torch.Tensor) -> dict[str, float]:
    """-ELBO and KL of images, nats, and how many latents carry more than ACTIVE and SPEAKS nats on average.

    Raises TypeError or ValueError where an argument cannot be right.
    """
    with torch.no_grad():
        terms = model.elbo_terms(x, 0, samples=4)
        rates = kl_to_prior(model.q(x)).mean(0)
    return {
        "-ELBO": -terms.elbo.mean().item(),
        "KL": rates.sum().item(),
        "above 0.05": float((rates > ACTIVE).sum()),
        "above 0.5": float((rates > SPEAKS).sum()),
    }


def trained(way: str, epochs: int, seed: int) -> dict[str, float]:
    """One net, trained; its scores.

    Raises TypeError or ValueError where an argument cannot be right.
    """
    grey = torch.tensor(data.unit(data.load("digits").train).reshape(9000, -1), dtype=torch.float32)
    test = torch.tensor(data.binarised("digits").reshape(1000, -1), dtype=torch.float32)
    model = net(way, seed)
    steps = epochs * -(-len(grey) // BATCH)
    fit(
        model,
        grey,
        epochs=epochs,
        seed=seed,
        batch=BATCH,
        learning_rate=RATE,
        binarise_fresh=True,
        loss=loss(model, way, steps),
    )
    return scores(model, test)


def measure(seed: int) -> dict[str, float]:
    """Every way at every budget.

    Raises TypeError or ValueError where an argument cannot be right.
    """
    found = {}
    for epochs in EPOCHS:
        for way in WAYS:
            for name, value in trained(way, epochs, seed).items():
                found[f"{way}, {epochs}: {name}"] = value
        lost = found[f"mute, {epochs}: -ELBO"] - found[f"speaking, {epochs}: -ELBO"]
        found[f"mute less speaking, {epochs}: -ELBO"] = lost
    return found
