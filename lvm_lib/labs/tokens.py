"""The lab of the chapter on tokenizers: train a tokenizer, then a prior over its tokens; see what the prior draws."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import ipywidgets
import torch

from .. import data, recipes
from .._checks import count
from ..fit import fit
from ..quantize import usage
from ..token_priors import TokenPrior, training_rows
from ..vqvae import VQVAE
from .base import Lab

__all__ = ["TrainedTokens", "tokens_lab"]

SIZES = (16, 32, 64, 128, 256)
PRIORS = {
    "PixelCNN": (recipes.pixelcnn, recipes.PIXELCNN),
    "Transformer": (recipes.transformer, recipes.TRANSFORMER),
}
WITHOUT_PRIOR = "Nothing to show: only a prior draws, and none is trained. Press Train, and Stop when it says Prior."


class TrainedTokens(NamedTuple):
    """What a lab trained, and what it is worth on the test images."""

    tokenizer: VQVAE
    prior: TokenPrior
    settings: dict
    squared_error: float  # per pixel in [0, 1]
    perplexity: float  # of the codes that the test images use
    nats_per_token: float  # of the prior on test tokens, the class summed out


def tokens_lab(show: Callable[..., object], *, channels: int = 24, seed: int = 0) -> Lab:
    """A lab that trains a convolutional tokenizer of grey images, then a class-conditional prior over its tokens.

    It begins with the tokenizer and the PixelCNN of the chapters (`recipes.tokenizer`, `recipes.pixelcnn`).
    show: called with a `TrainedTokens` when both are trained, or the prior was stopped; returns what is to be shown.
    Stopped before its prior, the lab shows nothing and says why: a tokenizer alone draws nothing. channels: of the
    tokenizer's nets. seed: of weights and training. Raises TypeError or ValueError where an argument does not fit.
    """
    channels, seed = count("channels", channels), count("seed", seed, 0)

    def train(settings, progress, stopped):
        return _train(settings, progress, stopped, channels, seed)

    style = {"description_width": "130px"}
    epochs, prior_epochs = recipes.TOKENIZER["epochs"], recipes.PIXELCNN["epochs"]
    controls = {
        "data": ipywidgets.Dropdown(options=["digits", "clothing"], description="data", style=style),
        "codes": ipywidgets.Dropdown(options=SIZES, value=128, description="codes K", style=style),
        "epochs": ipywidgets.IntSlider(epochs, 1, 30, description="epochs, tokenizer", style=style),
        "prior": ipywidgets.Dropdown(options=list(PRIORS), description="prior", style=style),
        "prior_epochs": ipywidgets.IntSlider(prior_epochs, 1, 40, description="epochs, prior", style=style),
    }
    return Lab(controls, train, show, name="training of a tokenizer and a prior")


def _train(
    settings: dict, progress: Callable[[float, str], None], stopped: Callable[[], bool], channels: int, seed: int
) -> TrainedTokens | None:
    """Both trainings, one after the other; None where Stop came before the prior's began."""
    images = data.load(settings["data"])
    x, x_test = (torch.tensor(data.unit(data.flat(part)), dtype=torch.float32) for part in (images.train, images.test))
    labels = torch.tensor(images.train_labels)
    both = settings["epochs"] + settings["prior_epochs"]

    def after(first, name):
        def after_epoch(_, record):
            progress((first + record.epoch) / both, f"{name}, epoch {record.epoch}: loss {record.loss:.2f}.")
            return stopped()

        return after_epoch

    if stopped():
        progress(0.0, WITHOUT_PRIOR)
        return None
    tokenizer = recipes.tokenizer(settings["codes"], channels=channels, seed=seed)
    training: recipes.Training = {**recipes.TOKENIZER, "epochs": settings["epochs"]}
    reached = fit(tokenizer, x, seed=seed, callback=after(0, "Tokenizer"), **training)
    if stopped():
        progress(len(reached.records) / both, WITHOUT_PRIOR)
        return None
    tokens = tokenizer.tokens(x)  # (n, M)
    make, training = PRIORS[settings["prior"]]
    prior = make(settings["codes"], len(images.names), seed=seed)
    training = {**training, "epochs": settings["prior_epochs"]}
    fit(prior, training_rows(tokens, labels), seed=seed, callback=after(settings["epochs"], "Prior"), **training)
    with torch.no_grad():
        test_tokens = tokenizer.tokens(x_test)
        error = float(((tokenizer.decode(test_tokens) - x_test) ** 2).mean())
        nats = float(-prior.log_prob(test_tokens).mean() / tokens.shape[1])
    progress(1.0, f"Test: squared error {error:.4f} per pixel, {nats:.2f} nats per token.")
    return TrainedTokens(
        tokenizer, prior, dict(settings), error, usage(test_tokens, settings["codes"]).perplexity, nats
    )
