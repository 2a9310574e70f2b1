"""The autoencoder, and the small networks that it shares with the VAE.

    z = f(x),   x_hat = g(z),   loss = |x - x_hat|^2, summed over pixels, averaged over images

An autoencoder is no latent variable model: it has no prior, its code is a point, and a point mass on a continuous z
has an infinite KL to any density, so that there is no ELBO to speak of. A density for its codes must be fitted after.

Images are rows of pixels: x (n, D); codes z (n, d). A network takes its weights from an explicit seed (`seeded`).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import nn

from ._checks import count, describe
from ._torch import TensorLike, Units, real_tensor, seeded, single

__all__ = [
    "AE",
    "conv_autoencoder",
    "conv_decoder",
    "conv_encoder",
    "mlp",
    "mlp_autoencoder",
    "mlp_decoder",
    "mlp_encoder",
    "seeded",
]

PATCH = 4  # a convolutional net reads and writes patches of 4 x 4 pixels


class AE(Units):
    """Encoder and decoder trained on squared error.

    encoder: module, pixels (n, D) to codes (n, d).  decoder: module, codes (n, d) to outputs (n, D).
    squash: the reconstruction is the output itself (then the loss is a Gaussian VAE's at beta = 0 and encoder std 0,
    up to scale and constant), or, if True, sigmoid(output), inside [0, 1]. Squared error behind a sigmoid may get
    stuck where every pixel is 0 and the gradient is gone: the convolutional net did, the other did not.

    As under a Gaussian likelihood, x is read as (x - centre) / unit, and an output stands for centre + unit * output:
    round numbers that `meet` finds, 0 and 1 for the book's images, and wherever outputs are squashed.
    Raises TypeError where encoder, decoder or squash cannot be right.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module, *, squash: bool = False):
        super().__init__()
        for name, part in (("encoder", encoder), ("decoder", decoder)):
            if not isinstance(part, nn.Module):
                raise TypeError(f"{name} must be a torch module, got {describe(part)}")
        self.encoder, self.decoder, self.squash = encoder, decoder, bool(squash)

    def meet(self, x: TensorLike) -> None:
        """Take centre and unit from data x (n, D), the first time, unless outputs are squashed.

        Raises TypeError or ValueError where x cannot be right.
        """
        x = real_tensor("x", x)
        if not self.squash:
            super().meet(x)

    def encode(self, x: TensorLike) -> torch.Tensor:
        """Codes z = f(x): (n, D) to (n, d).

        Raises TypeError or ValueError where x cannot be right.
        """
        return self.encoder(self._inputs(self._pixels(x)).to(weight(self)))

    def decode(self, z: TensorLike) -> torch.Tensor:
        """Reconstructions g(z): (n, d) to (n, D).

        Raises TypeError or ValueError where z cannot be right.
        """
        output = self.decoder(real_tensor("z", z, 2, like=weight(self)))
        return torch.sigmoid(output) if self.squash else self._outputs(single(output))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """g(f(x)): (n, D) to (n, D). Raises TypeError or ValueError where x cannot be right."""
        return self.decode(self.encode(x))

    def squared_error(self, x: TensorLike) -> torch.Tensor:
        """|x - g(f(x))|^2, summed over pixels, per image: (n,).

        Raises TypeError or ValueError where x cannot be right.
        """
        x = self._pixels(x)
        return ((x - self(x)) ** 2).sum(-1)

    def loss(self, x: TensorLike, generator: torch.Generator | int | None = None) -> torch.Tensor:
        """What training makes small: the squared error in squared units, averaged over images.

        No chance enters; `generator` is there so that one training loop serves every model.
        Raises TypeError or ValueError where x or generator cannot be right.
        """
        x = self._pixels(x)
        return (((x - self(x)) / self.unit.to(x)) ** 2).sum(-1).mean()

    def _pixels(self, x: TensorLike) -> torch.Tensor:
        return real_tensor("x", x, 2, like=single(weight(self)))


def weight(module: nn.Module) -> torch.Tensor:
    """The first parameter of a module: it tells the dtype and the device on which the module computes."""
    return next(module.parameters()).detach()


# ---------------------------------------------------------------- networks


def mlp(sizes: Sequence[int]) -> nn.Sequential:
    """Linear layers with ReLU between them: sizes (784, 400, 200, 2) makes three. Raises TypeError, ValueError."""
    sizes = _widths("sizes", sizes)
    if len(sizes) < 2:
        raise ValueError(f"sizes must name at least the inputs and the outputs, got {sizes}")
    layers = [layer for i, o in itertools.pairwise(sizes) for layer in (nn.Linear(i, o), nn.ReLU())]
    return nn.Sequential(*layers[:-1])


def mlp_encoder(outputs: int, hidden: Sequence[int] = (400, 200), pixels: int = 784) -> nn.Sequential:
    """Pixels (n, D) to `outputs` numbers: d for an autoencoder, 2 d (mean and log std) for a VAE.

    Raises TypeError or ValueError where outputs, hidden or pixels cannot be right.
    """
    return mlp((count("pixels", pixels), *_widths("hidden", hidden), count("outputs", outputs)))


def mlp_decoder(latents: int, hidden: Sequence[int] = (400, 200), pixels: int = 784) -> nn.Sequential:
    """Codes (n, d) to pixels (n, D). `hidden` is given in the encoder's order, and used backwards.

    Raises TypeError or ValueError where latents, hidden or pixels cannot be right.
    """
    return mlp((count("latents", latents), *reversed(_widths("hidden", hidden)), count("pixels", pixels)))


def conv_encoder(outputs: int, channels: int = 32, side: int = 28) -> nn.Sequential:
    """Square images, as rows (n, side^2), to `outputs` numbers: patches of 4 x 4, then 3 x 3 convolutions on them.

    Raises TypeError or ValueError where outputs, channels or side cannot be right.
    """
    channels, grid = count("channels", channels), _grid(side)
    side = grid * PATCH
    return nn.Sequential(
        nn.Unflatten(1, (1, side, side)),  # (n, 1, 28, 28)
        nn.Conv2d(1, channels, PATCH, stride=PATCH),
        nn.ReLU(),  # (n, c, 7, 7)
        nn.Conv2d(channels, channels, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(channels, channels, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(channels * grid**2, count("outputs", outputs)),
    )


def conv_decoder(latents: int, channels: int = 32, side: int = 28) -> nn.Sequential:
    """Codes (n, d) to square images, as rows (n, side^2): the encoder's layers in reverse.

    Raises TypeError or ValueError where latents, channels or side cannot be right.
    """
    channels, grid = count("channels", channels), _grid(side)
    return nn.Sequential(
        nn.Linear(count("latents", latents), channels * grid**2),
        nn.ReLU(),
        nn.Unflatten(1, (channels, grid, grid)),  # (n, c, 7, 7)
        nn.Conv2d(channels, channels, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(channels, channels, 3, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(channels, 1, PATCH, stride=PATCH),  # (n, 1, 28, 28)
        nn.Flatten(),
    )


def mlp_autoencoder(
    latents: int = 2, hidden: Sequence[int] = (400, 200), pixels: int = 784, *, squash: bool = False, seed: int
) -> AE:
    """An autoencoder of fully connected layers, D-400-200-d-200-400-D unless told otherwise; weights from `seed`.

    Raises TypeError or ValueError where latents or seed cannot be right.
    """
    latents = count("latents", latents)
    with seeded(seed):
        return AE(mlp_encoder(latents, hidden, pixels), mlp_decoder(latents, hidden, pixels), squash=squash)


def conv_autoencoder(latents: int = 2, channels: int = 32, side: int = 28, *, squash: bool = False, seed: int) -> AE:
    """An autoencoder of convolutions on 4 x 4 patches; weights from `seed`.

    Raises TypeError or ValueError where latents or seed cannot be right.
    """
    latents = count("latents", latents)
    with seeded(seed):
        return AE(conv_encoder(latents, channels, side), conv_decoder(latents, channels, side), squash=squash)


def _widths(name: str, sizes: Sequence[int]) -> list[int]:
    """Widths of layers, as integers."""
    if isinstance(sizes, str) or not hasattr(sizes, "__iter__"):
        raise TypeError(f"{name} must be a sequence of integers, got {describe(sizes)}")
    return [count(name, size) for size in sizes]


def _grid(side: int) -> int:
    """Patches along one side of an image."""
    side = count("side", side)
    if side % PATCH:
        raise ValueError(f"side must be a multiple of {PATCH}, got {side}")
    return side // PATCH
