"""The spread q over tokens: a distribution, and bounds that lie where they must where all grids can be summed."""

import itertools

import pytest
import torch

from lvm_lib.quantize import VectorQuantizer
from lvm_lib.token_bounds import log_weights, spread_bound, spread_log_q
from lvm_lib.token_priors import UniformPrior
from lvm_lib.vqvae import conv_vqvae

GRIDS = torch.tensor(list(itertools.product(range(3), repeat=4)))
PRIOR = UniformPrior(3, 4)


@pytest.fixture(scope="module")
def net():
    return conv_vqvae(VectorQuantizer(3, 2, seed=0, start="random"), channels=4, side=8, seed=0).double().eval()


@pytest.fixture(scope="module")
def x():
    return torch.bernoulli(torch.full((5, 64), 0.4, dtype=torch.float64), generator=torch.Generator().manual_seed(1))


def evidence(net, x):
    log_joint = [net.log_px_z(x, grid.expand(len(x), -1)) + PRIOR.log_prob(grid[None]) for grid in GRIDS]
    return torch.stack(log_joint).logsumexp(0).detach()


def test_shares_sum_to_one_and_a_cold_q_is_the_models_own_point(net, x):
    assert torch.allclose(spread_log_q(net, x, 1.0).exp().sum(-1), torch.ones(5, 4, dtype=torch.float64))
    assert torch.equal(spread_log_q(net, x, 1e-6).argmax(-1), net.tokens(x))
    cold = spread_bound(net, PRIOR, x, 0, temperature=1e-6, samples=4)
    assert torch.allclose(cold.value, net.elbo_terms(x, PRIOR).elbo, atol=1e-6)
    assert torch.allclose(cold.effective_size, torch.full((5,), 4.0, dtype=torch.float64))


def test_many_samples_come_to_the_evidence_and_the_elbo_stays_below(net, x):
    found, truth = spread_bound(net, PRIOR, x, 0, temperature=2.0, samples=4000), evidence(net, x)
    assert (found.value - truth).abs().max() < 0.1
    assert (found.elbo <= found.value).all() and (found.effective_size <= 4000).all()


def test_weights_are_joint_over_q(net, x):
    tokens, log_q = net.tokens(x), spread_log_q(net, x, 1.0)
    by_hand = [log_q[n, range(4), tokens[n]].sum() for n in range(5)]
    expected = net.log_px_z(x, tokens).detach() + PRIOR.log_prob(tokens) - torch.stack(by_hand)
    assert torch.allclose(log_weights(net, PRIOR, x, tokens, log_q), expected)


def test_a_chunk_changes_nothing_but_the_draws(net, x, monkeypatch):
    monkeypatch.setattr("lvm_lib.token_bounds.ROWS", 8000)
    found = spread_bound(net, PRIOR, x, 0, temperature=2.0, samples=4000)
    assert (found.value - evidence(net, x)).abs().max() < 0.1
