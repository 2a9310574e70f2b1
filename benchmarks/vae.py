"""A VAE on binarised digits, two latent dimensions: time until the test -ELBO of pythae's 20 epochs is reached.

Both sides get the same 9,000 training digits and are scored on the same stored binarisation of 1,000 test digits by one
function. pythae trains its own 784-512-2 net with its own trainer, at its default learning rate; this library trains
its own net in its own way (fresh binarisation, one-cycle schedule). What is compared is the time to a score, not the
net. Scoring is not timed.
"""

from __future__ import annotations

import tempfile
import time

import numpy as np
import torch

from lvm_lib import data, fit
from lvm_lib.vae import mlp_vae

from .row import Measured, Row, at_most, sized

EPOCHS, BATCH, PLAN = sized(20, 1), 128, sized(6, 1)


def minus_elbo(mean, log_std, logits_of, x, samples=5) -> float:
    """Test -ELBO in nats per image, from the encoder's numbers and a function from z to logits."""
    generator = torch.Generator().manual_seed(0)
    total = 0.0
    with torch.no_grad():
        for _ in range(samples):
            z = mean + log_std.exp() * torch.randn(mean.shape, generator=generator)
            total += torch.nn.functional.binary_cross_entropy_with_logits(logits_of(z), x, reduction="sum").item()
        kl = 0.5 * (mean**2 + (2 * log_std).exp() - 1 - 2 * log_std).sum().item()
    return (total / samples + kl) / len(x)


def test_digits():
    return torch.tensor(data.flat(data.binarised("digits", "test")), dtype=torch.float32)


def ours(target):
    x = torch.tensor(data.unit(data.load("digits").train).reshape(-1, 784), dtype=torch.float32)
    test = test_digits()

    def run():
        model = mlp_vae(seed=0)
        history = fit.fit(model, x, epochs=PLAN, seed=0, batch=BATCH, binarise_fresh=True)
        mean, log_std = model.encoder.net(test).detach().chunk(2, dim=1)
        return Measured(minus_elbo(mean, log_std, model.decoder, test), history.records[-1].seconds)

    return run


def theirs(target):
    from pythae.models import VAE, VAEConfig
    from pythae.pipelines import TrainingPipeline
    from pythae.trainers import BaseTrainerConfig

    x = np.asarray(data.binarised("digits", "train"), dtype=np.float32).reshape(-1, 1, 28, 28)
    test = test_digits()

    def run():
        model = VAE(VAEConfig(input_dim=(1, 28, 28), latent_dim=2, reconstruction_loss="bce"))
        with tempfile.TemporaryDirectory() as folder:
            config = BaseTrainerConfig(
                output_dir=folder,
                num_epochs=EPOCHS,
                per_device_train_batch_size=BATCH,
                learning_rate=1e-3,
                no_cuda=True,
            )
            start = time.perf_counter()
            TrainingPipeline(training_config=config, model=model)(train_data=x)
            seconds = time.perf_counter() - start
        model.eval()
        encoded = model.encoder(test.reshape(-1, 1, 28, 28))

        def logits(z):
            return torch.logit(model.decoder(z).reconstruction.reshape(len(z), -1), eps=1e-6)

        return Measured(
            minus_elbo(encoded.embedding.detach(), encoded.log_covariance.detach() / 2, logits, test), seconds
        )

    return run


ROWS = [
    Row(
        "VAE to the peer's test -ELBO",
        "pythae",
        "test -ELBO, nats per image",
        ours,
        theirs,
        at_most(),
        0.4,
        repeats=2,
        warm=False,
    )
]
