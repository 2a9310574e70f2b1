"""What torch finds for small networks of every kind, in float64 on the rounded weights.

`js/tests/network.test.mjs` compares.
"""

import base64

import numpy as np
import torch
from torch import nn

from lvm_lib import counter
from lvm_lib.autoencoder import conv_decoder, conv_encoder, mlp_decoder, mlp_encoder, seeded
from lvm_lib.figures.network import CausalSelfAttention, Positions, Residual, pack, unpack
from lvm_lib.vae import GaussianEncoder, LinearEncoder


class MaskedConv(nn.Conv2d):
    """A convolution whose taps from the centre on are shut."""

    def __init__(self, *sizes, **options):
        super().__init__(*sizes, **options)
        mask = torch.ones_like(self.weight)
        mask[:, :, 1, 1:] = mask[:, :, 2:] = 0
        self.register_buffer("mask", mask)

    def forward(self, x):
        return self._conv_forward(x, self.weight * self.mask, self.bias)


def moved(norm: nn.Module) -> nn.Module:
    """A norm with statistics and parameters that are not those it was made with."""
    with torch.no_grad():
        for tensor in (*norm.parameters(), *norm.buffers()):
            if tensor.is_floating_point():
                tensor.copy_(torch.rand_like(tensor) + 0.5)
    return norm


def block(width: int, heads: int) -> list[nn.Module]:
    return [
        Residual(
            moved(nn.LayerNorm(width)), CausalSelfAttention(nn.Linear(width, 3 * width), nn.Linear(width, width), heads)
        ),
        Residual(moved(nn.LayerNorm(width)), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)),
    ]


def transformer() -> nn.Sequential:
    return nn.Sequential(
        nn.Embedding(11, 12),
        Positions(nn.Embedding(9, 12)),
        *block(12, 3),
        *block(12, 3),
        moved(nn.LayerNorm(12)),
        nn.Linear(12, 10),
    )


def networks() -> dict[str, tuple[nn.Module, tuple[int, ...]]]:
    """Every kind of layer, alone and in company: name -> (module, shape of its input)."""
    activations = {
        "relu": nn.ReLU(),
        "sigmoid": nn.Sigmoid(),
        "tanh": nn.Tanh(),
        "silu": nn.SiLU(),
        "gelu": nn.GELU(),
        "gelu tanh": nn.GELU("tanh"),
        "softplus": nn.Softplus(),
        "softplus 2": nn.Softplus(2.0, 5.0),
    }
    linear = LinearEncoder(9, 2)
    nn.init.normal_(linear.log_std)
    return {
        **{name: (module, (3, 40)) for name, module in activations.items()},
        "dense": (nn.Linear(7, 5), (1, 7)),
        "dense, a batch": (nn.Linear(7, 5), (9, 7)),
        "dense without bias": (nn.Linear(5, 3, bias=False), (2, 5)),
        "dense on three axes": (nn.Linear(4, 6), (2, 3, 4)),
        "dense and batch norm": (nn.Sequential(nn.Linear(6, 4), moved(nn.BatchNorm1d(4)), nn.ReLU()), (5, 6)),
        "conv": (nn.Conv2d(2, 3, 3, padding=1), (2, 2, 5, 6)),
        "conv with stride": (nn.Conv2d(2, 5, (3, 2), stride=(2, 1), padding=(0, 1)), (1, 2, 7, 5)),
        "conv and batch norm": (nn.Sequential(nn.Conv2d(2, 3, 3), moved(nn.BatchNorm2d(3))), (2, 2, 5, 5)),
        "masked conv": (MaskedConv(3, 4, 3, padding=1), (1, 3, 6, 6)),
        "transposed conv": (nn.ConvTranspose2d(3, 2, 4, stride=4), (2, 3, 2, 3)),
        "transposed conv, overlapping": (
            nn.ConvTranspose2d(3, 2, (3, 4), stride=2, padding=1, output_padding=(1, 0)),
            (1, 3, 3, 4),
        ),
        "transposed conv and batch norm": (
            nn.Sequential(nn.ConvTranspose2d(3, 2, 2, bias=False), moved(nn.BatchNorm2d(2))),
            (1, 3, 3, 3),
        ),
        "layer norm": (moved(nn.LayerNorm(6)), (2, 3, 6)),
        "layer norm without gain": (nn.LayerNorm(6, elementwise_affine=False), (4, 6)),
        "residual": (Residual(nn.Linear(5, 5), nn.Dropout(0.5), nn.Tanh()), (2, 5)),
        "attention": (CausalSelfAttention(nn.Linear(8, 24), nn.Linear(8, 8), 2), (2, 5, 8)),
        "mlp encoder": (GaussianEncoder(mlp_encoder(4, (12, 9), 30)), (3, 30)),
        "mlp decoder": (mlp_decoder(2, (12, 9), 30), (5, 2)),
        "linear encoder": (linear, (3, 9)),
        "conv encoder": (conv_encoder(4, 6), (2, 784)),
        "conv decoder": (conv_decoder(2, 6), (2, 2)),
    }


def text(weights: bytes) -> str:
    return base64.b64encode(weights).decode("ascii")


def case(name, module, x) -> list[dict]:
    """One network in both precisions: its layers, its weights, an input, and what torch makes of it."""
    found = []
    for precision in ("float16", "int8"):
        layers, weights = pack(module.eval(), precision)
        x_ = x if x.dtype == torch.int64 else x.double()
        with torch.no_grad():
            y = unpack(layers, weights).double()(x_)
        found.append(
            {
                "name": f"{name}, {precision}",
                "layers": layers,
                "weights": text(weights),
                "x": x.flatten().tolist(),
                "xShape": list(x.shape),
                "y": y.flatten().tolist(),
                "yShape": list(y.shape),
            }
        )
    return found


def draws() -> list[dict]:
    """Categories that uniforms pick: sharp, flat and forbidden logits, and uniforms beside the borders."""
    generator, cases = np.random.default_rng(8), []
    for scale in (0.1, 1, 5, 40):
        logits = scale * generator.standard_normal((40, 7))
        logits[::5, 2] = logits[::7, 6] = -np.inf
        u = np.concatenate([counter.uniforms(3, np.arange(18)).ravel(), [2.0**-53, 1 - 2.0**-53, 0.5, 0.25]])
        cases += [
            {"logits": [None if v == -np.inf else v for v in row], "u": float(v), "k": int(k)}
            for row, v, k in zip(logits.tolist(), u, counter.categorical(logits, u), strict=True)
        ]
    return cases


def samples() -> dict:
    """A sequence drawn token by token from a Transformer: equal seed, equal sample, here and in the page."""
    with seeded(5):
        module = transformer()
    layers, weights = pack(module, "float16")
    reference, sequences = unpack(layers, weights).double(), []
    for seed in range(6):
        tokens = [10]  # the start
        for t in range(8):
            with torch.no_grad():
                logits = 3 * reference(torch.tensor([tokens]))[0, -1].numpy()
            tokens.append(int(counter.categorical(logits, counter.uniforms(seed, t)[0])))
        sequences.append({"seed": seed, "tokens": tokens})
    return {"layers": layers, "weights": text(weights), "sharpness": 3, "sequences": sequences}


def golden() -> dict:
    """All of it, ready for JSON."""
    with seeded(1):
        cases = [
            found
            for name, (module, shape) in networks().items()
            for found in case(name, module, 2 * torch.randn(shape))
        ]
        cases += case("embedding", nn.Embedding(6, 5), torch.tensor([[0, 5, 2], [3, 3, 1]]))
        cases += case("transformer", transformer(), torch.tensor([[10, 3, 0, 7], [1, 1, 2, 9]]))
    return {"cases": cases, "draws": draws(), "samples": samples()}
