"""The rotation trick: a gradient past the lookup that turns with the step from z to its code.

The straight-through copy gives z the gradient at the code as it is. Here z is carried to its code e by a rotation and a
stretch that are held fixed, so that going back the gradient is turned and stretched the other way:

    e = k Q z,    k = |e| / |z|,    Q = I - 2 u u^T + 2 e' z'^T,    dL/dz = k Q^T dL/de

with z' = z / |z|, e' = e / |e| and u the unit vector along z' + e'. Q turns in the plane of z and e and leaves the rest
alone. Axes: rows (n, d). Fifty, Junkins, Duan, Iyengar, Liu, Amid, Thrun and Ré (2025).
"""

from __future__ import annotations

import torch
from torch.nn.functional import normalize

from ._checks import describe
from ._torch import TensorLike, real_tensor
from .quantize import Quantised, VectorQuantizer

__all__ = ["RotatingQuantizer", "rotated"]


def rotated(z: TensorLike, codes: TensorLike) -> torch.Tensor:
    """`codes` (n, d) going forward; going back, to z (n, d), the gradient turned from the codes to z, and rescaled.

    A row of z that is zero has no direction and gets no gradient.
    Raises TypeError or ValueError where the two do not fit.
    [kmeans-rotation]
    """
    z = real_tensor("z", z, 2)
    z = z if z.is_floating_point() else z.double()
    e = real_tensor("codes", codes, 2, like=z).detach()
    if e.shape != z.shape:
        raise ValueError(f"codes must have the shape of z, {tuple(z.shape)}, got {describe(codes)}")
    with torch.no_grad():
        z_hat, e_hat = normalize(z, dim=1), normalize(e, dim=1)  # (n, d)
        r = normalize(z_hat + e_hat, dim=1)
        length = z.norm(dim=1, keepdim=True)  # (n, 1)
        stretch = torch.where(length > 0, e.norm(dim=1, keepdim=True) / length.clamp(min=1e-30), 0.0)

    def along(direction: torch.Tensor) -> torch.Tensor:
        return (z * direction).sum(1, keepdim=True)  # (n, 1)

    turned = stretch * (z - 2 * along(r) * r + 2 * along(z_hat) * e_hat)
    return turned + (e - turned).detach()  # e to the last digit


class RotatingQuantizer(VectorQuantizer):
    """A `VectorQuantizer` whose gradient to z is rotated in place of copied; rows z (n, d), all else the same.

    Raises TypeError or ValueError for arguments, or rows, that do not fit.
    """

    def forward(self, z: torch.Tensor) -> Quantised:
        """Codes, indices and losses of rows z (n, d). Raises TypeError or ValueError where z cannot be right."""
        codes, indices, losses = super().forward(z)
        return Quantised(rotated(z, codes.detach()), indices, losses)
