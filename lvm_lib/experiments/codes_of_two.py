"""An autoencoder and a VAE of the same layers, with the same densities fitted to their codes; and the VAE's two gaps.

Both nets have two latents, 784-128-64-2 and back, and see digits, binarised afresh in each epoch, for 24 epochs
(`recipes.PLANE_VAE`). The autoencoder is trained on the same cross-entropy, with a code that is a point.

Measured on the 1,000 test images, one stored binarisation, nats per image. -log P(x) by quadrature over the plane of
codes, under three densities of codes: N(0, I); one Gaussian; a mixture of thirty, by EM. The two were fitted to the
codes of the training images (the VAE's: one draw from each q). "gain" is what the mixture brings over N(0, I), "misfit"
KL(q(z) || p(z)) over the training images, "bound's gain" the rise of the VAE's training bound when the mixture takes
the prior's place. The two gaps are those of the VAE on 100 test images, drawn at random.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from .. import data, latent_plane, recipes
from ..autoencoder import AE, mlp_autoencoder
from ..em import fit_mixture
from ..fit import fit
from ..likelihoods import Bernoulli
from ..mixture import GaussianMixture
from ..vae import VAE, reparameterise

SEEDS = (0, 1, 2)
HIDDEN = (128, 64)
SIDES = {"VAE": 321, "AE": 401}  # grid lines that each plane of codes needs
SOME = 100  # test images whose gaps are split
UNIT = GaussianMixture(np.ones(1), np.zeros((1, 2)), np.eye(2)[None])  # N(0, I)


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    """Grey training digits in [0, 1], (9000, 784), and the stored binary test digits, (1000, 784)."""
    grey = torch.tensor(data.unit(data.load("digits").train).reshape(9000, -1), dtype=torch.float32)
    return grey, torch.tensor(data.binarised("digits").reshape(1000, -1), dtype=torch.float32)


def trained(grey: torch.Tensor, seed: int) -> tuple[VAE, AE]:
    """Both nets.

    Raises TypeError or ValueError where an argument cannot be right.
    """
    vae, ae = recipes.plane_vae(2, HIDDEN, seed=seed), mlp_autoencoder(2, HIDDEN, seed=seed)
    pixels = Bernoulli()

    def cross_entropy(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return -pixels(ae.decoder(ae.encoder(x))).log_prob(x).mean()

    fit(vae, grey, seed=seed, **recipes.PLANE_VAE)
    fit(ae, grey, seed=seed, loss=cross_entropy, **recipes.PLANE_VAE)
    return vae, ae


@torch.no_grad()
def codes(vae: VAE, ae: AE, x: torch.Tensor) -> dict[str, np.ndarray]:
    """The codes of images: a draw from each q of the VAE, and the autoencoder's points; (n, 2) each.

    Raises TypeError or ValueError where an argument cannot be right.
    """
    return {
        "VAE": reparameterise(vae.q(x), 1, 0)[0].double().numpy(),
        "AE": ae.encoder(x).double().numpy(),
    }


def densities(z: np.ndarray) -> dict[str, GaussianMixture]:
    """The three densities of codes z (n, 2).

    Raises TypeError or ValueError where an argument cannot be right.
    """
    one = GaussianMixture(np.ones(1), z.mean(0)[None], np.cov(z.T)[None])
    mixture = fit_mixture(z, 30, seed=0, iterations=100).model
    assert isinstance(mixture, GaussianMixture)
    return {"N(0, I)": UNIT, "Gaussian": one, "mixture": mixture}


def corners(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A rectangle that holds the codes z (n, 2), a tenth of their range around them, and all of N(0, I)."""
    room = 0.1 * np.ptp(z, axis=0)
    return np.minimum(z.min(0) - room, -4.5), np.maximum(z.max(0) + room, 4.5)


@torch.no_grad()
def misfit(vae: VAE, x: torch.Tensor, rho: GaussianMixture, draws: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """log q(z) - log p(z) and log rho(z) - log p(z), for a draw z from the q of each of `draws` images.

    q(z) is the aggregate over all x. Averaged, the two are KL(q(z) || p(z)), and what the bound gains with rho as its
    prior. [vae-prior-gain]

    Raises TypeError or ValueError where an argument cannot be right.
    """
    q = vae.q(x)
    some = torch.randperm(len(x), generator=torch.Generator().manual_seed(2))[:draws]
    z = reparameterise(q, 1, 3)[0][some]
    log_q = torch.cat([q.log_prob(part[:, None]).logsumexp(1) for part in z.split(200)]) - math.log(len(x))
    log_p = -0.5 * z.square().sum(1) - math.log(2 * math.pi)
    return (log_q - log_p).double().numpy(), rho.evidence(z.double().numpy()) - log_p.double().numpy()


def measure(seed: int) -> dict[str, float]:
    """One pair of nets.

    Raises TypeError or ValueError where an argument cannot be right.
    """
    grey, test = digits()
    vae, ae = trained(grey, seed)
    binary = torch.bernoulli(grey, generator=torch.Generator().manual_seed(1))
    found, nats = {}, {}
    for name, z in codes(vae, ae, binary).items():
        decoder, rhos = (vae if name == "VAE" else ae).decoder, densities(z)
        low, high = corners(z)
        values = latent_plane.evidence(decoder, test, rhos, low=low, high=high, side=SIDES[name])
        for density, (value, halved) in values.items():
            nats[name, density] = -value
            found[f"{name}, {density}"] = -value.mean()
            found[f"{name}, {density}: halving the grid"] = np.abs(value - halved).mean()
        found[f"{name}: gain"] = (nats[name, "N(0, I)"] - nats[name, "mixture"]).mean()
        if name == "VAE":
            parts = misfit(vae, binary, rhos["mixture"])
            found["misfit"], found["bound's gain"] = (part.mean() for part in parts)
    for density in ("N(0, I)", "Gaussian", "mixture"):
        found[f"AE less VAE, {density}"] = (nats["AE", density] - nats["VAE", density]).mean()
    with torch.no_grad():
        found["ELBO"] = vae.elbo(test, 0, samples=20).mean().item()
    rows = np.random.default_rng(seed).permutation(len(test))[:SOME].tolist()
    each = [latent_plane.gaps(vae, test[n : n + 1]) for n in rows]
    found["approximation"] = np.mean([gap.approximation for gap in each])
    found["approximation, turned axes"] = np.mean([gap.evidence - gap.turned for gap in each])
    found["amortisation"] = np.mean([gap.amortisation for gap in each])
    return {name: float(value) for name, value in found.items()}
