"""Modules packed for a page: what rounding costs, what is refused, and that the way back is exact."""

import numpy as np
import pytest
import torch
from golden_network import MaskedConv, moved, networks, transformer
from torch import nn

from lvm_lib import counter, data
from lvm_lib.autoencoder import conv_decoder, seeded
from lvm_lib.figures.network import CausalSelfAttention, pack, pack_all, unpack
from lvm_lib.fit import fit
from lvm_lib.vae import VAE, LinearEncoder, mlp_vae


@pytest.fixture(scope="module")
def trained():
    """A small VAE of digits, trained for two epochs, and stored binarised test digits."""
    vae = mlp_vae(2, (128, 64), seed=0)
    fit(vae, data.unit(data.load("digits").train).reshape(-1, 784)[:4000], epochs=2, seed=0, binarise_fresh=True)
    return vae, torch.tensor(data.flat(data.binarised("digits"))[:500], dtype=torch.float32)


@pytest.mark.parametrize("name", networks())
def test_float16_is_near_and_the_way_back_is_exact(name):
    with seeded(2):
        module, shape = networks()[name]
        x = torch.randn(shape)
    layers, weights = pack(module.eval())
    again = pack(unpack(layers, weights))
    assert again == (layers, weights), "packed once more the rounded weights are the same"
    with torch.no_grad():
        module = module.net if hasattr(module, "net") else module
        if isinstance(module, LinearEncoder):
            q = module(x)
            expected = torch.cat([q.mean, q.base_dist.scale.log()], 1)
        else:
            expected = module(x)
        assert (unpack(layers, weights)(x) - expected).abs().max() < 2e-3 * max(1, expected.abs().max())


def test_a_float16_vae_is_within_two_thousandths(trained):
    vae, x = trained
    nets, weights = pack_all({"encoder": vae.encoder, "decoder": vae.decoder})
    with torch.no_grad():
        q = vae.q(x)
        found = unpack(nets["encoder"], weights)(x)
        exact = torch.cat([q.mean, 2 * q.base_dist.scale.log()], 1)
        assert (torch.cat([found[:, :2], 2 * found[:, 2:]], 1) - exact).abs().max() < 2e-3 * max(1, exact.abs().max())
        rounded = torch.sigmoid(unpack(nets["decoder"], weights)(q.mean))
        assert (rounded - vae.decode(q.mean)).abs().max() < 2e-3


def test_int8_costs_less_than_two_hundredths_of_a_nat(trained):
    vae, x = trained
    nets, weights = pack_all({"net": vae.encoder, "decoder": vae.decoder}, "int8")
    encoder = type(vae.encoder)(unpack(nets["net"], weights))
    small = VAE(encoder, unpack(nets["decoder"], weights), vae.likelihood, 2)
    with torch.no_grad():
        before, after = (model.elbo_terms(x, 0, samples=20).elbo.mean() for model in (vae, small))
    assert abs(before - after) < 0.02
    assert len(weights) < 0.27 * 4 * sum(p.numel() for p in vae.parameters())


def test_int8_rows_have_their_own_scale():
    layer = nn.Linear(3, 3, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 0.5, -1.0], [1e-3, -5e-4, 0], [0, 0, 0]]))
    rounded = unpack(*pack(layer, "int8"))[0].weight
    assert torch.allclose(rounded, layer.weight, atol=0, rtol=0.01) and (rounded[2] == 0).all()


def test_mixed_keeps_small_matrices_in_float16():
    layers, weights = pack(nn.Sequential(nn.Linear(200, 60), nn.Linear(60, 4)), "mixed")
    assert [layer["weight"]["type"] for layer in layers] == ["int8", "float16"]
    assert pack(unpack(layers, weights), "mixed") == (layers, weights)


def test_several_modules_share_one_buffer():
    with seeded(0):
        first, second = nn.Linear(3, 2), nn.Sequential(nn.Linear(2, 5), nn.Tanh())
    nets, weights = pack_all({"a": first, "b": second}, "int8")
    x = torch.randn(4, 3)
    alone = unpack(*pack(second, "int8"))(unpack(*pack(first, "int8"))(x))
    assert torch.equal(unpack(nets["b"], weights)(unpack(nets["a"], weights)(x)), alone)


def test_a_module_may_say_how_it_is_built():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.part = nn.Linear(2, 2)

        def page_layers(self):
            return [self.part, nn.Tanh()]

    own = Own()
    assert pack(own) == pack(nn.Sequential(own.part, nn.Tanh()))


def test_the_mask_of_a_masked_convolution_is_packed():
    conv = MaskedConv(1, 1, 3, padding=1)
    weight = unpack(*pack(conv))[0].weight
    assert (weight[0, 0].flatten()[4:] == 0).all() and (weight[0, 0].flatten()[:4] != 0).all()


def test_attention_looks_back_only():
    with seeded(3):
        module = transformer().eval()
    one, other = torch.tensor([[10, 3, 0, 7]]), torch.tensor([[10, 3, 5, 1]])
    with torch.no_grad():
        assert torch.equal(module(one)[:, :2], module(other)[:, :2])
    with pytest.raises(ValueError, match="heads 5"):
        CausalSelfAttention(nn.Linear(8, 24), nn.Linear(8, 8), 5)


@pytest.mark.parametrize(
    "module, words",
    [
        (nn.Sequential(nn.Linear(2, 2), nn.LSTM(2, 2)), r"module\.1 must be a layer that a page can run .* got LSTM"),
        (nn.Conv2d(2, 2, 3, groups=2), "groups 1 to run in a page, got 2"),
        (nn.Conv2d(2, 2, 3, dilation=2), r"dilation \(1, 1\)"),
        (nn.Conv2d(2, 2, 3, padding="same"), "padding in numbers"),
        (nn.Conv2d(2, 2, 3, padding_mode="circular"), "padding_mode zeros"),
        (nn.Sequential(nn.BatchNorm1d(3)), "BatchNorm1d.* must follow"),
        (nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.BatchNorm1d(3)), "got ReLU before it"),
        (nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3, track_running_stats=False)), "running statistics"),
        (nn.LayerNorm((2, 3)), "last axis alone"),
        (nn.Flatten(0), "axes 1 to -1"),
        (nn.Unflatten(2, (1, 1)), "axis 1"),
        (LinearEncoder(4, 2, "full"), "diagonal covariance"),
        ("a net", "must be a torch module, got str"),
    ],
)
def test_what_a_page_cannot_run_is_named(module, words):
    with pytest.raises(TypeError, match=words):
        pack(module)


def test_wrong_values_are_named():
    layer = nn.Linear(2, 2)
    with pytest.raises(ValueError, match="precision must be one of 'float16', 'int8', 'mixed', got 'int4'"):
        pack(layer, "int4")
    with torch.no_grad():
        layer.weight[0, 0] = 1e5
    with pytest.raises(ValueError, match="beyond float16's 65504"):
        pack(layer)
    with torch.no_grad():
        layer.weight[0, 0] = torch.nan
    with pytest.raises(ValueError, match="1 weights that are NaN"):
        pack(layer)


def test_a_folded_norm_is_the_norm():
    with seeded(4):
        module = nn.Sequential(nn.Linear(4, 3), moved(nn.BatchNorm1d(3)), conv_decoder(3, 2)).eval()
        x = torch.randn(5, 4)
    with torch.no_grad():
        assert (unpack(*pack(module))(x) - module(x)).abs().max() < 2e-3


# ---- inverse-CDF sampling


def test_categories_come_as_often_as_they_should():
    logits = np.log([0.1, 0.2, 0.3, 0.4])
    u = (np.arange(1000) + 0.5) / 1000
    assert np.bincount(counter.categorical(np.tile(logits, (1000, 1)), u)).tolist() == [100, 200, 300, 400]


def test_ties_go_up_and_the_impossible_is_never_drawn():
    assert counter.categorical(np.zeros((4, 4)), [0.25, 0.5, 0.75, 0.1]).tolist() == [1, 2, 3, 0]
    never = np.array([[-np.inf, 0.0, -np.inf]] * 2)
    assert counter.categorical(never, [2.0**-53, 1 - 2.0**-53]).tolist() == [1, 1]
    assert counter.categorical([0.0, 1.0], 0.5).shape == ()


@pytest.mark.parametrize(
    "logits, u, error, words",
    [
        ([np.nan, 0.0], 0.5, ValueError, "none NaN"),
        ([np.inf, 0.0], 0.5, ValueError, "below infinity"),
        ([-np.inf, -np.inf], 0.5, ValueError, "at least one finite"),
        ([0.0], 1.0, ValueError, "strictly between 0 and 1"),
        (["a"], 0.5, TypeError, "real numbers"),
        ([], 0.5, TypeError, "real numbers"),
    ],
)
def test_what_is_no_logit_or_no_uniform_is_named(logits, u, error, words):
    with pytest.raises(error, match=words):
        counter.categorical(logits, u)
