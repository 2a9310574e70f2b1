"""The lab of the VAE chapter: choose data, size of z, beta and epochs; train; touch what came out."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import NamedTuple

import ipywidgets
import torch
from matplotlib.figure import Figure

from .. import data, recipes
from .._checks import count
from ..autoencoder import _widths
from ..figures import LatentPlaneFigure
from ..fit import History, fit
from ..plots import images
from ..vae import VAE
from .base import Lab

__all__ = ["Trained", "vae_lab"]

BETAS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


class Trained(NamedTuple):
    """What a lab trained: the model, how it went, and what it is worth on the stored test images."""

    model: VAE
    settings: dict
    history: History
    test_elbo: float  # nats per image, averaged over the set's stored binarisation


def vae_lab(
    show: Callable[..., object] | None = None, *, hidden: Sequence[int] = recipes.FIRST_HIDDEN, seed: int = 0
) -> Lab:
    """A lab that trains a VAE of fully connected layers with Bernoulli pixels, binarised afresh in each epoch.

    It begins with the net and the training that the chapter writes out (`recipes.first_vae`).
    show: called with a `Trained` when training ended or was stopped; returns the live figure, or whatever is to be
    shown. None: the latent plane for two latent dimensions, a sheet of decoded draws from the prior for more.
    hidden: widths of the encoder's layers, used backwards in the decoder. seed: of weights, training and draws.
    Raises TypeError or ValueError where an argument does not fit.
    """
    show = _plane_or_sheet if show is None else show
    hidden, seed = tuple(_widths("hidden", hidden)), count("seed", seed, 0)

    def train(settings, progress, stopped):
        return _train(settings, progress, stopped, hidden, seed)

    style = {"description_width": "110px"}
    controls = {
        "data": ipywidgets.Dropdown(options=["digits", "clothing"], description="data", style=style),
        "latents": ipywidgets.Dropdown(options=[2, 4, 8, 16], description="size of z", style=style),
        "beta": ipywidgets.SelectionSlider(options=BETAS, value=1.0, description="β", style=style),
        "epochs": ipywidgets.IntSlider(recipes.FIRST_VAE["epochs"], 1, 60, description="epochs", style=style),
    }
    return Lab(controls, train, show, name="training of a VAE")


def _train(settings, progress, stopped, hidden, seed) -> Trained | None:
    """One training; None where it was stopped before the first epoch had ended."""
    loaded = data.load(settings["data"])
    model = recipes.first_vae(settings["latents"], hidden, seed=seed)
    beta, epochs = settings["beta"], settings["epochs"]

    def after_epoch(_, record):
        progress(record.epoch / epochs, f"Epoch {record.epoch} of {epochs}: loss {record.loss:.1f} nats per image.")
        return stopped()

    if stopped():
        return None
    x = data.unit(loaded.train).reshape(len(loaded.train), -1)
    history = fit(
        model,
        x,
        seed=seed,
        callback=after_epoch,
        loss=lambda rows, generator: model.loss(rows, generator, beta),
        **{**recipes.FIRST_VAE, "epochs": epochs},
    )
    test_elbo = _test_elbo(model, settings["data"], seed)
    name = "β = 1" if beta == 1 else f"β = {beta:g} in training"
    progress(len(history.records) / epochs, f"Test ELBO {test_elbo:.1f} nats per image ({name}).")
    return Trained(model, dict(settings), history, test_elbo)


def _plane_or_sheet(trained: Trained):
    """The live latent plane where z has two dimensions; otherwise 60 means of p(x | z), z drawn from the prior."""
    if trained.settings["latents"] == 2:
        return LatentPlaneFigure(trained.model, data=trained.settings["data"])
    means, _ = trained.model.sample(60, 0, mean=True)
    figure = Figure(figsize=(7.2, 3.2), layout="constrained")
    axes = figure.subplots()
    images(axes, means.reshape(-1, 28, 28).numpy(), 15, high=1.0)
    axes.set_title("means of p(x | z), z drawn from the prior", fontsize=10, loc="left")
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=200)
    return ipywidgets.Image(value=out.getvalue(), format="png", width=720)


@torch.no_grad()
def _test_elbo(model, name, seed) -> float:
    """The ELBO, beta = 1 whatever was trained, on the stored binarised test images: 16 draws of z for each."""
    x = data.binarised(name, "test")
    return float(model.elbo(x.reshape(len(x), -1), seed, samples=16).mean())
