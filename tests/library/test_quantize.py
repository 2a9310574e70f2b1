"""Quantisers: one contract, gradients that reach what they should, running means, dead codes, usage, errors."""

import copy
import math

import pytest
import torch

from lvm_lib import quantize
from lvm_lib.quantize import FSQ, VectorQuantizer


def rows(n=200, d=4, seed=0, dtype=torch.float64):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def layer(update="gradient", size=6, d=4, **options):
    options = {"revive": 0, "start": "random", **options}
    return VectorQuantizer(size, d, seed=1, update=update, **options).double().train()


def grad(value, of):
    """The gradient, with zeros where there is no path."""
    if not value.requires_grad:
        return torch.zeros_like(of)
    found = torch.autograd.grad(value, of, retain_graph=True, allow_unused=True)[0]
    return torch.zeros_like(of) if found is None else found


@pytest.mark.parametrize("shape", [(4,), (7, 4), (2, 3, 5, 4)])
@pytest.mark.parametrize("make", [layer, lambda: FSQ((3, 4, 5, 2)).double()])
def test_every_quantiser_returns_the_same_triple(make, shape):
    quantiser, z = make(), rows(30).flatten()[: math.prod(shape)].reshape(shape)
    codes, indices, losses = quantiser(z)
    assert codes.shape == shape and indices.shape == shape[:-1] and indices.dtype == torch.int64
    assert losses._fields == ("codebook", "commitment") and all(loss.shape == () for loss in losses)
    assert torch.allclose(quantiser.decode(indices), codes.detach(), atol=1e-12)
    assert int(indices.min()) >= 0 and int(indices.max()) < quantiser.size


def test_the_nearest_code_is_taken_also_under_autocast():
    quantiser, z = VectorQuantizer(64, 8, seed=0, start="random", revive=0).eval(), rows(500, 8, dtype=torch.float32)
    wanted = torch.cdist(z.double(), quantiser.codebook.double()).argmin(1)
    assert torch.equal(quantiser(z).indices, wanted)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(quantiser(z).indices, wanted)


def test_losses_are_sums_over_dimensions_and_means_over_rows():
    quantiser, z = layer(), rows()
    e = quantiser.codebook[quantiser(z).indices]
    by_hand = float(((z - e) ** 2).sum().detach() / len(z))
    assert [float(loss.detach()) for loss in quantiser(z).losses] == pytest.approx([by_hand, by_hand])


@pytest.mark.parametrize("update", quantize.UPDATES)
def test_each_term_trains_its_own_part_and_no_other(update):
    """Mistakes 20 and 21: codebook loss to the codes alone, commitment to z alone, the decoder's path to z alone."""
    quantiser, z = layer(update), rows().requires_grad_()
    if update == "ema":
        quantiser.codebook.requires_grad_()  # so that a path to it would be seen
        quantiser.eval()
    codes, _, losses = quantiser(z)
    book = quantiser.codebook
    assert grad(losses.codebook, z).abs().max() == 0 and grad(losses.commitment, book).abs().max() == 0
    assert grad(losses.codebook, book).abs().max() > 0 and grad(losses.commitment, z).abs().max() > 0
    assert grad((codes**2).sum(), book).abs().max() == 0


def test_the_copied_gradient_is_the_decoders_exactly():
    quantiser, z = layer(), rows().requires_grad_()
    codes, _, _ = quantiser(z)
    codes.retain_grad()
    (codes.sin() * torch.arange(4.0)).sum().backward()
    assert torch.equal(z.grad, codes.grad)


def test_straight_through_of_fsq_passes_the_slope_of_tanh_alone():
    z = rows(20, 3).requires_grad_()
    codes, _, losses = FSQ((5, 4, 3)).double()(z)
    codes.sum().backward()
    assert torch.allclose(z.grad, 1 - torch.tanh(z.detach()) ** 2)
    assert float(losses.codebook) == float(losses.commitment) == 0.0


def test_fsq_uses_every_point_of_its_grid_once():
    quantiser = FSQ((5, 4, 2))
    points = quantiser.decode(torch.arange(40))
    assert quantiser.size == 40 and len(torch.unique(points, dim=0)) == 40 and points.abs().max() == 1
    assert torch.equal(quantiser(torch.atanh(points * (1 - 1e-6))).indices, torch.arange(40))
    assert points[1].tolist() == [-0.5, -1.0, -1.0]  # the first dimension runs fastest


# ---------------------------------------------------------------- running means


def test_the_first_running_mean_is_the_mean_of_its_rows_whatever_the_decay():
    """Mistake 24: counts from zero, bias-corrected."""
    for decay in (0.0, 0.9, 0.999):
        quantiser, z = layer("ema", decay=decay, smoothing=0), rows()
        before = quantiser.codebook.clone()
        indices = quantiser(z).indices
        for k in range(6):
            own = z[indices == k]
            assert torch.allclose(quantiser.codebook[k], own.mean(0) if len(own) else before[k], atol=1e-12)


def test_nothing_is_updated_in_evaluation_mode():
    quantiser, z = layer("ema", revive=0.5, start="data"), rows()
    before = {name: value.clone() for name, value in quantiser.state_dict().items()}
    quantiser.eval()(z)
    assert all(torch.equal(value, before[name]) for name, value in quantiser.state_dict().items())


def test_codes_without_rows_stay_for_ever_and_stay_finite():
    quantiser = layer("ema", decay=0.5, smoothing=0).set_(torch.eye(6, 4) * 100 - 50)
    lost = quantiser.codebook.clone()
    for _ in range(1200):  # running counts underflow on the way
        quantiser(torch.full((5, 4), -50.0, dtype=torch.float64))
    nearest = quantize.nearest(torch.full((1, 4), -50.0, dtype=torch.float64), lost)
    others = torch.arange(6) != nearest
    assert torch.equal(quantiser.codebook[others], lost[others]) and torch.isfinite(quantiser.codebook).all()


def test_smoothing_pulls_towards_the_old_place():
    quantiser = layer("ema", size=1, d=1, smoothing=3.0, decay=0.9).set_(torch.zeros(1, 1))
    quantiser(torch.full((3, 1), 2.0, dtype=torch.float64))
    assert float(quantiser.codebook) == pytest.approx(3 * 2.0 / (3 + 3.0))


def test_a_running_mean_forgets():
    quantiser = layer("ema", size=1, d=1, decay=0.8, smoothing=0)
    for value in [5.0] + [1.0] * 60:
        quantiser(torch.full((2, 1), value, dtype=torch.float64))
    assert float(quantiser.codebook) == pytest.approx(1.0, abs=1e-4)


# ---------------------------------------------------------------- start and dead codes


@pytest.mark.parametrize("update", quantize.UPDATES)
def test_data_start_takes_distinct_rows_of_the_first_batch(update):
    quantiser, z = layer(update, start="data", decay=0.9999, smoothing=1e9), rows()
    quantiser(z)
    places = (torch.cdist(quantiser.codebook.detach(), z) < 1e-6).nonzero()[:, 1]
    assert len(places.unique()) == 6 and bool(quantiser.started)


@pytest.mark.parametrize("update", quantize.UPDATES)
def test_dead_codes_come_back_to_life_on_rows(update):
    away = torch.cat([torch.zeros(1, 4), torch.full((5, 4), 1e3)]).double()
    quantiser, z = layer(update, revive=0.1, decay=0.5).set_(away), rows()
    for _ in range(12):
        quantiser(z)
    assert (torch.cdist(quantiser.codebook.detach(), z).min(1).values < 10).all()
    without = layer(update, revive=0, decay=0.5).set_(away)
    for _ in range(12):
        without(z)
    assert torch.equal(without.codebook.detach()[1:], away[1:])
    assert quantiser(z).losses.commitment < without(z).losses.commitment


def test_a_stored_layer_goes_on_as_if_nothing_had_happened():
    one = layer("ema", start="data", revive=0.3, decay=0.7)
    for seed in range(3):
        one(rows(seed=seed))
    other = layer("ema", start="data", revive=0.3, decay=0.7)
    other.load_state_dict(copy.deepcopy(one.state_dict()))
    for seed in range(3, 8):
        one(rows(seed=seed)), other(rows(seed=seed))
    assert torch.equal(one.codebook, other.codebook)


# ---------------------------------------------------------------- usage


def test_usage_of_a_batch_is_not_that_of_an_epoch():
    """Mistake 23."""
    quantiser = layer("ema", size=4, d=1, decay=0.99).set_(torch.arange(4.0)[:, None])
    for value in range(4):
        quantiser(torch.full((10, 1), float(value), dtype=torch.float64))
    batch, epoch = quantiser.batch_usage(), quantiser.epoch_usage()
    assert (batch.used, epoch.used) == (1, 4)
    assert (batch.perplexity, epoch.perplexity) == (pytest.approx(1), pytest.approx(4))
    assert epoch.counts.tolist() == [10] * 4
    quantiser.new_epoch()
    assert quantiser.epoch_usage().used == 0


def test_perplexity_of_uneven_use():
    share = torch.tensor([0.5, 0.25, 0.25])
    found = quantize.usage(torch.tensor([[0, 0], [1, 2]]), 5)
    assert found.used == 3 and found.perplexity == pytest.approx(float(torch.exp(-(share * share.log()).sum())))


@pytest.mark.parametrize(
    "call, error, text",
    [
        (lambda: VectorQuantizer(4, 2, seed=0, update="sgd"), ValueError, "update must be one of"),
        (lambda: VectorQuantizer(4, 2, seed=0, decay=1.0), ValueError, r"decay must lie in \[0, 1\)"),
        (lambda: VectorQuantizer(4, 2, seed=0, start="zero"), ValueError, "start must be"),
        (lambda: VectorQuantizer(4, 2, seed=0, revive=-1), ValueError, "revive"),
        (lambda: VectorQuantizer(0, 2, seed=0), ValueError, "size"),
        (lambda: VectorQuantizer(9, 2, seed=0).train()(torch.zeros(8, 2)), ValueError, "at least 9 rows"),
        (lambda: layer()(rows(3, 5)), ValueError, r"shape \(..., 4\)"),
        (lambda: layer()([[1.0] * 4]), TypeError, "must be a tensor"),
        (lambda: layer()(rows() * math.nan), ValueError, "z must be finite"),
        (lambda: layer().decode(torch.tensor([6])), ValueError, "0 ... 5"),
        (lambda: layer().decode(torch.tensor([1.0])), TypeError, "indices must hold integers"),
        (lambda: layer().set_(torch.zeros(5, 4)), ValueError, "codebook must have shape"),
        (lambda: FSQ([]), ValueError, "at least one"),
        (lambda: FSQ((5, 1)), ValueError, "levels"),
        (lambda: quantize.usage(torch.tensor([3]), 3), ValueError, "0 ... 2"),
    ],
)
def test_bad_input_is_named(call, error, text):
    with pytest.raises(error, match=text):
        call()
