"""What a VAE gives for a nat of rate, as beta turns: after a short training and a longer one.

A VAE with sixteen latents, 784-64-32-16 and back, is trained on digits, binarised afresh in each epoch, with beta times
the KL in its loss, for 6 and for 24 epochs (batches of 128, Adam at 2e-3 at most, each budget the end of its own
schedule). Rate is the KL, distortion is -E_q log P(x | z) from 4 draws of q, nats per image: on the 1,000 test images,
one stored binarisation, and on 1,000 training images, binarised once. Their sum, unweighted, is -ELBO whatever beta
was.
"less beta 1" are differences to the net of beta 1 within a run.
"""

from __future__ import annotations

import torch

from .. import data
from ..fit import fit
from ..vae import VAE, mlp_vae

SEEDS = (0, 1, 2)
EPOCHS = (6, 24)
BETAS = (0.2, 0.5, 1.0, 2.0, 5.0)


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    """Grey training digits in [0, 1], (9000, 784), and the stored binary test digits, (1000, 784)."""
    grey = torch.tensor(data.unit(data.load("digits").train).reshape(9000, -1), dtype=torch.float32)
    return grey, torch.tensor(data.binarised("digits").reshape(1000, -1), dtype=torch.float32)


def trained(beta: float, epochs: int, seed: int) -> VAE:
    """The net of one beta.

    Raises TypeError or ValueError where an argument cannot be right.
    """
    model = mlp_vae(16, (64, 32), seed=seed)
    fit(
        model,
        digits()[0],
        epochs=epochs,
        seed=seed,
        batch=128,
        learning_rate=2e-3,
        binarise_fresh=True,
        loss=lambda x, generator: model.loss(x, generator, beta=beta),
    )
    return model


@torch.no_grad()
def costs(model: VAE, x: torch.Tensor) -> tuple[float, float]:
    """Rate and distortion, nats per image."""
    terms = model.elbo_terms(x, 0, samples=4)
    return terms.kl.mean().item(), -terms.reconstruction.mean().item()


def measure(seed: int) -> dict[str, float]:
    """Rate, distortion and their sum for every beta at both budgets.

    Raises TypeError or ValueError where an argument cannot be right.
    """
    grey, test = digits()
    train = torch.bernoulli(grey[:1000], generator=torch.Generator().manual_seed(0))
    found = {}
    for epochs in EPOCHS:
        for beta in BETAS:
            model = trained(beta, epochs, seed)
            rate, distortion = costs(model, test)
            found[f"beta {beta:g}, {epochs}: rate"] = rate
            found[f"beta {beta:g}, {epochs}: distortion"] = distortion
            found[f"beta {beta:g}, {epochs}: sum"] = rate + distortion
            found[f"beta {beta:g}, {epochs}: sum, training images"] = sum(costs(model, train))
        for beta in BETAS:
            for part in ("sum", "sum, training images"):
                less = found[f"beta {beta:g}, {epochs}: {part}"] - found[f"beta 1, {epochs}: {part}"]
                found[f"beta {beta:g} less beta 1, {epochs}: {part}"] = less
    return found
