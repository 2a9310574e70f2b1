"""How the time of one step grows with the sizes of data and model.

At one thread, on random numbers, all other sizes kept.

What is expected is what counting multiplications gives where the varied size dominates. A size that does not dominate
(the latents of a VAE beside its hidden layers) is expected not to show: exponent 0.
"""

from __future__ import annotations

import numpy as np
import torch

from lvm_lib import em, kmeans
from lvm_lib.ppca import fit_ppca
from lvm_lib.quantize import VectorQuantizer
from lvm_lib.vae import mlp_vae

from .row import Growth, Knob, sized


def sizes(*full):
    return sized(full, tuple(size // 4 for size in full))


def normal(*shape):
    return np.random.default_rng(0).standard_normal(shape)


def kmeans_step(knob, size):
    n, d, k = {"N": 8000, "D": 128, "K": 64, knob: size}.values()
    x = normal(n, d).astype(np.float32)
    return lambda: kmeans.lloyd_step(x, x[:k]).sum()


def mixture_steps(knob, size):
    n, d, k = {"N": 8000, "D": 24, "K": 8, knob: size}.values()
    x = normal(n, d)
    start = em.start_mixture(x, k, 0)
    return lambda: em.fit_mixture(x, start=start, iterations=4, tolerance=0, floor=1e-6).trace[-1]


def ppca(knob, size):
    n, d, latents = {"N": 16000, "D": 256, "latents": 8, knob: size}.values()
    x = normal(n, d)
    return lambda: fit_ppca(x, latents).mean.sum()


def vae_step(knob, size):
    n, d, latents = {"N": 512, "D": 784, "latents": 8, knob: size}.values()
    model = mlp_vae(latents, (400, 200), d, seed=0)
    x = (torch.rand(n, d, generator=torch.Generator().manual_seed(0)) < 0.3).float()
    generator = torch.Generator().manual_seed(0)
    optimiser = torch.optim.Adam(model.parameters(), fused=True)

    def run():
        for _ in range(2):
            optimiser.zero_grad()
            model.loss(x, generator).backward()
            optimiser.step()

    return run


def quantiser_step(knob, size):
    n, d, k = {"N": 8192, "D": 64, "K": 256, knob: size}.values()
    z = torch.randn(n, d, generator=torch.Generator().manual_seed(0)).requires_grad_()
    layer = VectorQuantizer(k, d, seed=0, start="random").train()

    def run():
        z.grad = None
        passed, _, losses = layer(z)
        ((passed**2).mean() + 0.25 * losses.commitment).backward()

    return run


ROWS = [
    Growth(
        "K-means, one iteration",
        {
            "N": Knob(sizes(8000, 16000, 32000, 64000), 1),
            "D": Knob(sizes(128, 256, 512, 1024), 1),
            "K": Knob(sizes(64, 128, 256, 512), 1),
        },
        kmeans_step,
    ),
    Growth(
        "Gaussian mixture, four EM steps, full covariances",
        {
            "N": Knob(sizes(8000, 16000, 32000, 64000), 1),
            "D": Knob(sizes(24, 48, 96, 192), 2),
            "K": Knob(sizes(8, 16, 32, 64), 1),
        },
        mixture_steps,
    ),
    Growth(
        "PPCA, closed form",
        {
            "N": Knob(sizes(8000, 16000, 32000, 64000), 1),
            "D": Knob(sizes(64, 128, 256, 512), 2),
            "latents": Knob(sizes(8, 16, 32, 64), 0),
        },
        ppca,
    ),
    Growth(
        "VAE, two training steps",
        {
            "N": Knob(sizes(256, 512, 1024, 2048), 1),
            "D": Knob(sizes(784, 1568, 3136, 6272), 1),
            "latents": Knob(sizes(8, 16, 32, 64), 0),
        },
        vae_step,
    ),
    Growth(
        "quantiser, one training step",
        {
            "N": Knob(sizes(8192, 16384, 32768, 65536), 1),
            "D": Knob(sizes(64, 128, 256, 512), 1),
            "K": Knob(sizes(128, 256, 512, 1024), 1),
        },
        quantiser_step,
    ),
]
