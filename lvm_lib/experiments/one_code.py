"""From Lloyd to a VQ-VAE with one code for an image: errors, and what the gradient past the lookup is worth.

9,000 digits, K = 32, squared error per image. Codebooks alone, from one K-means++ start: Lloyd's algorithm, eight
passes of mini-batch running means, eight of Adam on the gradient. Nets 784-400-200-16: 16 epochs with the copied
gradient, and 16 with the rotated one ("rotation trick"); "choice" is what the encoder's choice costs against the best
code, "images" what the images cost against the best of 12 K-means runs.

Of the copied net after one epoch ("young") and after 16 ("trained"), on 3,000 images: the change of the error, codes
chosen anew, after a step of a given length in the encoder's weights, along the copied and along the rotated gradient;
and for images whose code is not the best one the cosine of the copied -dL/de with the way from the code to another
one: to a random one, to the one nearest to the code, to the second nearest to z_e, to the best; and from z_e itself to
the best.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch

from .. import data, kmeans
from ..fit import fit
from ..likelihoods import Gaussian
from ..quantize import VectorQuantizer
from ..rotation import RotatingQuantizer, rotated
from ..single_code import SingleCodeVQVAE, single_code_vqvae

SEEDS = tuple(range(12))
CODES, LATENTS, EPOCHS, BATCH = 32, 16, 16, 256
LENGTHS = (0.01, 0.1, 0.3)
HALF = Gaussian(math.sqrt(0.5))  # -log p = squared error + constant


@lru_cache(maxsize=1)
def pixels() -> np.ndarray:
    """The training digits, (9000, 784) in [0, 1], float32."""
    return data.unit(data.load("digits").train).reshape(-1, 784).astype(np.float32)


@lru_cache(maxsize=1)
def best_of_twelve() -> float:
    """Squared error per image of the best of 12 K-means runs."""
    return kmeans.kmeans(pixels(), CODES, 0, restarts=12).inertia / len(pixels())


def net(seed: int, rotate: bool = False) -> SingleCodeVQVAE:
    """The untrained VQ-VAE of one code.

    Raises TypeError or ValueError where seed cannot be right.
    """
    model = single_code_vqvae(CODES, LATENTS, seed=seed, likelihood=HALF, decay=0.95)
    if rotate:
        model.quantiser = RotatingQuantizer(CODES, LATENTS, seed=seed, decay=0.95)
    return model


def train(model: SingleCodeVQVAE, seed: int, epochs: int = EPOCHS) -> SingleCodeVQVAE:
    """The same model after so many epochs, in evaluation mode.

    Raises TypeError or ValueError where seed or epochs cannot be right.
    """
    fit(model, pixels(), epochs=epochs, seed=seed, batch=BATCH)
    return model.eval()


def codebooks(seed: int) -> dict[str, float]:
    """Errors of codebooks without nets, from one start.

    Raises TypeError or ValueError where seed cannot be right.
    """
    x = pixels()
    start = kmeans.kmeans_plus_plus(x, CODES, seed)
    running = VectorQuantizer(CODES, 784, seed=seed, decay=0.9, revive=0).set_(start).train()
    generator, rows = torch.Generator().manual_seed(seed), torch.tensor(x)
    for _ in range(8):
        for batch in torch.randperm(len(rows), generator=generator).split(BATCH):
            running(rows[batch])
    layer = VectorQuantizer(CODES, 784, seed=seed, update="gradient", revive=0).set_(start)
    by_gradient = SingleCodeVQVAE(torch.nn.Identity(), layer, torch.nn.Identity(), HALF)
    fit(by_gradient, x, epochs=8, seed=seed, batch=BATCH, learning_rate=1e-2)
    return {
        "Lloyd, one start": kmeans.lloyd(x, start).inertia / len(x),
        "mini-batch running means": kmeans.inertia(x, running.codebook.numpy()) / len(x),
        "gradient codebook": kmeans.inertia(x, layer.codebook.detach().numpy()) / len(x),
    }


@torch.no_grad()
def errors(model: SingleCodeVQVAE) -> dict[str, float]:
    """Squared error per image with the encoder's choice, and its two parts.

    Raises TypeError or ValueError where the model's outputs cannot be right.
    """
    x = torch.tensor(pixels())
    drawn = model.images()
    own = float(((drawn[model.encode(x)] - x) ** 2).sum(1).mean())
    nearest = kmeans.inertia(pixels(), drawn.numpy()) / len(x)
    return {"error": own, "choice": own - nearest, "images": nearest - best_of_twelve()}


def descent(model: SingleCodeVQVAE) -> dict[str, float]:
    """Change of the error after steps of the encoder, of LENGTHS, along the copied and the rotated gradient.

    Raises TypeError or ValueError where the model's outputs cannot be right.
    """
    batch, weights = torch.tensor(pixels()[:3000]), list(model.encoder.parameters())

    @torch.no_grad()
    def error() -> float:
        drawn = model.decoder(model.quantiser.decode(model.encode(batch)))
        return float(((drawn - batch) ** 2).sum(1).double().mean())

    z = model.encoder(batch)
    e = model.quantiser.decode(model.encode(batch)).detach()
    ways = {"copied": z + (e - z).detach(), "rotated": rotated(z, e)}
    slopes = {}
    for name, codes in ways.items():
        loss = ((model.decoder(codes) - batch) ** 2).sum(1).mean()
        slopes[name] = torch.autograd.grad(loss, weights, retain_graph=True)
    found, before = {}, error()
    for name, slope in slopes.items():
        size = math.sqrt(sum(float((part**2).sum()) for part in slope))
        found[f"{name}, slope"] = size
        for length in LENGTHS:
            move(weights, slope, -length / size)
            found[f"{name}, step {length:g}"] = error() - before
            move(weights, slope, length / size)
    return found


@torch.no_grad()
def move(weights: list[torch.nn.Parameter], slope: tuple[torch.Tensor, ...], by: float) -> None:
    """weights + by * slope, in place."""
    for weight, part in zip(weights, slope, strict=True):
        weight += by * part  # type: ignore[misc]  # in place, it stays a parameter


def alignment(model: SingleCodeVQVAE) -> dict[str, float]:
    """Cosines of the copied -dL/de with the way to other codes, where the choice was not the best."""
    batch = torch.tensor(pixels()[:3000])
    indices = model.encode(batch)
    e = model.quantiser.decode(indices).detach().requires_grad_()
    (slope,) = torch.autograd.grad(((model.decoder(e) - batch) ** 2).sum(), e)
    with torch.no_grad():
        z, book = model.encoder(batch), model.quantiser.decode(torch.arange(CODES))
        best = model.log_px_z_all(batch).argmax(1)
        wrong = best != indices
        shift = torch.randint(1, CODES, indices.shape, generator=torch.Generator().manual_seed(0))
        own = torch.nn.functional.one_hot(indices, CODES).bool()
        second = torch.cdist(z, book).masked_fill(own, torch.inf).argmin(1)
        others = {
            "a random code": (indices + shift) % CODES,
            "the code nearest to it": torch.cdist(e, book).masked_fill(own, torch.inf).argmin(1),
            "the second nearest to z_e": second,
            "the best code": best,
        }

        def cosine(way: torch.Tensor) -> float:
            return float(torch.cosine_similarity(-slope, way, dim=1)[wrong].mean())

        return {
            "wrong": float(wrong.double().mean()),
            "second is best": float((second == best)[wrong].double().mean()),
            **{f"to {name}": cosine(book[k] - e) for name, k in others.items()},
            "from z_e to the best code": cosine(book[best] - z),
        }


def measure(seed: int) -> dict[str, float]:
    """All of it for one seed.

    Raises TypeError or ValueError where seed cannot be right.
    """
    found = {"best of 12": best_of_twelve(), **codebooks(seed)}
    young, trained = train(net(seed), seed, epochs=1), train(net(seed), seed)
    turned = train(net(seed, rotate=True), seed)
    for name, model in (("copied", trained), ("rotated", turned)):
        found |= {f"{name}: {key}": value for key, value in errors(model).items()}
    for name, model in (("young", young), ("trained", trained)):
        found |= {f"{name}: {key}": value for key, value in (descent(model) | alignment(model)).items()}
    found["rotated - copied"] = found["rotated: error"] - found["copied: error"]
    return found
