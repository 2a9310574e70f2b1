"""Messages that Python writes with the shipped VAE, for Node's tests of js/engine/exact.js and ans.js: bit for bit."""

import base64
from functools import cache

import numpy as np
import torch

from lvm_lib import coding, data
from lvm_lib.figures.network import pack_all, unpack
from lvm_lib.shipped import shipped_vae

SETTINGS = [(1, 1.0), (4, 0.0), (6, 2.5), (8, 1.0), (12, 0.25), (12, 1.0), (14, 1.0), (14, 8.0), (14, 1e-4)]
MANY = 200  # images of the chain whose length is compared with the bound


@cache
def nets():
    """Layers and weights as a page gets them, and the torch modules with the same rounded weights."""
    vae = shipped_vae()
    layers, weights = pack_all({"encoder": vae.encoder, "decoder": vae.decoder}, "mixed")
    return layers, weights, {name: unpack(layers[name], weights).double() for name in layers}


def codec(bits: int, width: float) -> coding.BitsBack:
    modules = nets()[2]
    return coding.BitsBack(modules["encoder"], modules["decoder"], bits, width)


@cache
def images() -> np.ndarray:
    """Digits, and what no digit is: noise, all black, all white."""
    digits = data.binarised("digits").reshape(-1, 784)
    noise = np.random.default_rng(0).integers(0, 2, (2, 784))
    return np.concatenate([digits[:MANY], noise, np.zeros((1, 784)), np.ones((1, 784))]).astype(int)


def chain(bits: int, width: float, chosen: np.ndarray, seed: int) -> tuple[bytes, list[coding.Sent], int]:
    """A chain of images as bytes, what each took, and the first bits."""
    stack = coding.Stack(seed)
    sent = [codec(bits, width).send(x, stack) for x in chosen]
    return stack.to_bytes(), sent, stack.borrowed


@cache
def minus_elbo() -> float:
    """-ELBO of the first MANY images, nats, the mean of 500 draws for each, by the library's VAE."""
    vae, (_, _, modules) = shipped_vae().double(), nets()
    vae.encoder.net, vae.decoder = modules["encoder"], modules["decoder"]
    with torch.no_grad():
        return -float(vae.elbo(torch.tensor(images()[:MANY], dtype=torch.float64), samples=500, generator=0).mean())


def golden() -> dict:
    generator = np.random.default_rng(1)
    x = np.concatenate(
        [generator.uniform(-40, 40, 300), generator.normal(size=300), [0.0, -0.0, 7.0, -7.0, 699.5, -900]]
    )
    layers, weights, _ = nets()
    chosen = [0, 1, 2, MANY, MANY + 1, MANY + 2, MANY + 3]
    messages = []
    for i, (bits, width) in enumerate(SETTINGS):
        written, sent, borrowed = chain(bits, width, images()[chosen], i)
        row = {"bits": bits, "width": width, "seed": i, "images": chosen, "bytes": written.hex(), "borrowed": borrowed}
        messages.append({**row, "sent": [{**one._asdict(), "net": one.net} for one in sent]})
    return {
        "x": x.tolist(),
        "exp": coding.exact_exp(x).tolist(),
        "cdf": coding.exact_cdf(x).tolist(),
        "quantiles": coding._quantiles().tolist(),
        "nets": layers,
        "weights": base64.b64encode(weights).decode(),
        "images": base64.b64encode(np.packbits(images().astype(np.uint8), axis=1).tobytes()).decode(),
        "many": MANY,
        "minus_elbo": minus_elbo(),
        "messages": messages,
    }
