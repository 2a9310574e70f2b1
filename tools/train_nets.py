"""Trains the small VAEs that come with the library (lvm_lib/figures/nets) and writes them: python -m tools.train_nets

One net for each beta, 784-128-64-2, 60 epochs on the 9,000 training digits, stored as float16. Equal seeds give equal
weights on one machine at one number of threads; elsewhere the bounds agree, not the bits.
"""

from __future__ import annotations

import torch

from lvm_lib import data, recipes
from lvm_lib.fit import fit, save_weights
from lvm_lib.shipped import NETS, VAES
from lvm_lib.vae import VAE

EPOCHS = recipes.SMALL_VAE["epochs"]


def trained(beta: float, epochs: int = EPOCHS) -> VAE:
    """A VAE of binary digits with that beta, trained from seed 0."""
    vae = recipes.first_vae(seed=0)
    pixels = data.unit(data.load("digits").train).reshape(-1, 784)
    told = {**recipes.SMALL_VAE, "epochs": epochs}
    fit(vae, pixels, seed=0, loss=lambda x, generator: vae.loss(x, generator, beta=beta), **told)
    return vae


def bound_on_test(vae: VAE) -> float:
    """The ELBO of the stored binary test digits, nats per image, 20 samples of z."""
    x = torch.tensor(data.flat(data.binarised("digits")), dtype=torch.float32)
    with torch.no_grad():
        return float(vae.elbo_terms(x, 0, samples=20).elbo.mean())


def main() -> None:
    torch.set_num_threads(1)
    for beta, name in VAES.items():
        vae = trained(beta)
        elbo = bound_on_test(vae)
        notes = {"beta": f"{beta:g}", "epochs": str(EPOCHS), "test ELBO": f"{elbo:.1f} nats"}
        save_weights(vae.half(), NETS / f"{name}.safetensors", notes)
        print(f"{name}: beta {beta:g}, test ELBO {elbo:.2f} nats")


if __name__ == "__main__":
    main()
