"""The rotation trick: the code itself going forward, the angle to the vector kept going back, errors."""

import pytest
import torch

from lvm_lib.quantize import VectorQuantizer
from lvm_lib.rotation import RotatingQuantizer, rotated


def rows(n, d, seed):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_forward_it_is_the_code_to_the_last_digit():
    z, e = rows(20, 5, 0), 100 * rows(20, 5, 1)
    assert torch.equal(rotated(z, e), e)
    assert torch.equal(rotated(z.float(), e.float()), e.float())


@pytest.mark.parametrize("d", [2, 3, 16])
def test_back_it_keeps_the_angle_and_scales_the_length(d):
    z, e, slope = rows(30, d, 2).requires_grad_(), rows(30, d, 3), rows(30, d, 4)
    (found,) = torch.autograd.grad(rotated(z, e), z, slope)
    cosine, stretch = torch.nn.functional.cosine_similarity, e.norm(dim=1) / z.norm(dim=1)
    assert torch.allclose(cosine(found, z), cosine(slope, e))
    assert torch.allclose(found.norm(dim=1), stretch * slope.norm(dim=1))


def test_where_z_is_its_code_or_along_it_the_gradient_is_copied_up_to_the_stretch():
    z, slope = rows(6, 4, 5).requires_grad_(), rows(6, 4, 6)
    (same,) = torch.autograd.grad(rotated(z, z.detach()), z, slope)
    (longer,) = torch.autograd.grad(rotated(z, 3 * z.detach()), z, slope)
    assert torch.allclose(same, slope) and torch.allclose(longer, 3 * slope)


def test_a_row_without_direction_and_one_opposite_to_its_code_stay_finite():
    z = torch.tensor([[0.0, 0.0], [1.0, 0.0]], dtype=torch.float64, requires_grad=True)
    e = torch.tensor([[1.0, 2.0], [-2.0, 0.0]], dtype=torch.float64)
    passed = rotated(z, e)
    (found,) = torch.autograd.grad(passed.sum(), z)
    assert torch.equal(passed, e) and torch.isfinite(found).all() and (found[0] == 0).all()


def test_the_layer_differs_from_the_plain_one_in_the_gradient_alone():
    plain, turning = (kind(6, 4, seed=1, start="random").double() for kind in (VectorQuantizer, RotatingQuantizer))
    z = rows(40, 4, 7).requires_grad_()
    one, other = plain(z), turning(z)
    assert torch.allclose(one.codes, other.codes) and torch.equal(one.indices, other.indices)
    assert one.losses == other.losses and torch.equal(plain.codebook, turning.codebook)
    slope = rows(40, 4, 8)
    copied, turned = (torch.autograd.grad(found.codes, z, slope)[0] for found in (one, other))
    assert torch.equal(copied, slope) and not torch.allclose(turned, slope)
