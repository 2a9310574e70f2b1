"""One training step of a quantiser on 12,544 x 32 rows, against vector-quantize-pytorch.

Forward, losses, backward, EMA.

Both start from the same codes, with the same decay. Quality is the share of rows that get the code which is truly the
nearest, in float64, at that start.
"""

from __future__ import annotations

from functools import partial

import torch

from lvm_lib.quantize import VectorQuantizer

from .row import Row, sized, within

ROWS_OF_Z, DIMENSIONS, DECAY, BETA = 12_544, 32, 0.99, 0.25
STEPS = sized(10, 1)  # per run


def setting(size):
    """Rows z with a gradient, codes, and the truly nearest code of each row."""
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(ROWS_OF_Z, DIMENSIONS, generator=generator)
    codes = torch.randn(size, DIMENSIONS, generator=generator)
    nearest = torch.cdist(z.double(), codes.double(), compute_mode="donot_use_mm_for_euclid_dist").argmin(1)
    return z.requires_grad_(), codes, nearest


def ours(size, target):
    z, codes, nearest = setting(size)
    layer = VectorQuantizer(size, DIMENSIONS, seed=0, decay=DECAY, start="random")
    agreed = float((layer.set_(codes).eval()(z).indices == nearest).double().mean())
    layer.train()

    def run():
        for _ in range(STEPS):
            z.grad = None
            passed, _, losses = layer(z)
            ((passed**2).mean() + BETA * losses.commitment).backward()
        return agreed

    return run


def theirs(size, target):
    from vector_quantize_pytorch import VectorQuantize

    z, codes, nearest = setting(size)
    layer = VectorQuantize(dim=DIMENSIONS, codebook_size=size, decay=DECAY, commitment_weight=BETA)
    with torch.no_grad():
        layer._codebook.embed.copy_(codes[None])
    agreed = float((layer.eval()(z[None])[1][0] == nearest).double().mean())
    layer.train()

    def run():
        for _ in range(STEPS):
            z.grad = None
            passed, _, loss = layer(z[None])
            ((passed**2).mean() + loss.sum()).backward()
        return agreed

    return run


ROWS = [
    Row(
        f"quantiser, {STEPS} training steps on 12,544 x 32, K = {size}",
        "vector-quantize-pytorch",
        "share of nearest codes",
        partial(ours, size),
        partial(theirs, size),
        within(0.0005),
        aim,
    )
    for size, aim in ((128, 0.35), (512, 0.15))
]
