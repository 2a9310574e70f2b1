"""Priors over tokens: each sums to one, sees only what came before, and draws what it says, by enumeration."""

import itertools
import math

import numpy as np
import pytest
import torch

from lvm_lib import counter
from lvm_lib.fit import fit
from lvm_lib.token_priors import (
    IndependentPrior,
    MaskedConv2d,
    PixelCNNPrior,
    TransformerPrior,
    UniformPrior,
    pixelcnn_prior,
    training_rows,
    transformer_prior,
)

CODES, SIDE = 3, 2
PLACES = SIDE * SIDE
GRIDS = torch.tensor(list(itertools.product(range(CODES), repeat=PLACES)))  # all 81
NAMES = (
    "uniform",
    "independent",
    "independent, by class",
    "pixelcnn",
    "pixelcnn, by class",
    "transformer",
    "transformer, by class",
)


def shares(*shape, seed=0):
    """Random rows that sum to one, none of them small."""
    return np.random.default_rng(seed).dirichlet(np.full(shape[-1], 3.0), shape[:-1])


def shaken(prior, seed=0):
    """In float64 and eval mode, with weights large enough for conditionals far from even."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in prior.parameters():
            weight.add_(0.3 * torch.randn(weight.shape, generator=generator))
    return prior.double().eval()


def make(name, codes=CODES, side=SIDE):
    places, classes = side * side, 2 * name.endswith("by class")
    if name == "uniform":
        return UniformPrior(codes, places)
    if name.startswith("independent"):
        return IndependentPrior(shares(*([classes] if classes else []), places, codes))
    if name.startswith("pixelcnn"):
        return shaken(pixelcnn_prior(codes, side, classes, channels=8, layers=2, embedding=4, seed=0))
    return shaken(transformer_prior(codes, places, classes, width=8, layers=2, heads=2, seed=0))


@pytest.fixture(params=NAMES)
def prior(request):
    return make(request.param)


def labels_of(prior):
    return range(prior.classes) if prior.classes else [None]


# ------------------------------------------------------------------ probabilities


@pytest.mark.parametrize("temperature", [1.0, 0.5, 2.0])
def test_all_grids_together_have_probability_one(prior, temperature):
    for label in [None, *labels_of(prior)]:
        total = prior.log_prob(GRIDS, label, temperature=temperature).logsumexp(0).item()
        assert total == pytest.approx(0.0, abs=1e-12)


def test_log_prob_is_the_sum_of_the_conditionals_of_the_tokens_there(prior):
    for label in labels_of(prior):
        table = prior.conditionals(GRIDS, label).detach().numpy()
        np.testing.assert_allclose(np.exp(table).sum(-1), 1.0, rtol=1e-12)
        by_hand = [
            sum(row[i, token] for i, token in enumerate(grid)) for row, grid in zip(table, GRIDS.tolist(), strict=True)
        ]
        np.testing.assert_allclose(prior.log_prob(GRIDS, label).detach(), by_hand, rtol=1e-12)


def test_without_a_label_the_class_is_summed_out(prior):
    if prior.classes:
        each = [prior.log_prob(GRIDS, c).detach().exp().numpy() for c in range(prior.classes)]
        np.testing.assert_allclose(prior.log_prob(GRIDS).detach().exp(), np.mean(each, axis=0), rtol=1e-12)
        mixed = prior.log_prob(GRIDS, torch.arange(len(GRIDS)) % 2).detach()
        np.testing.assert_allclose(mixed.exp(), np.where(np.arange(81) % 2, each[1], each[0]), rtol=1e-12)


def test_the_uniform_prior_costs_the_same_for_every_grid():
    log_probs = UniformPrior(128, 49).log_prob(torch.randint(128, (5, 49), generator=torch.Generator().manual_seed(0)))
    np.testing.assert_allclose(log_probs, -49 * math.log(128), rtol=1e-14)


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith(("pixelcnn", "transformer"))])
@pytest.mark.parametrize("side", [3, 7])
def test_a_conditional_depends_on_no_token_at_its_place_or_later(name, side):
    """d logits[i] / d input[j] is 0 for all j >= i, and for some j < i it is not.

    The input is the embedding's output.
    """
    prior = make(name, codes=5, side=side)
    tokens = torch.randint(5, (1, side * side), generator=torch.Generator().manual_seed(1))
    kept = {}

    def leaf(module, inputs, output):  # the sum over channels of what is added to each place of the input
        kept["nudge"] = torch.zeros(output.shape[:2], dtype=output.dtype, requires_grad=True)
        return output + kept["nudge"][..., None]

    prior.embed.register_forward_hook(leaf)
    logits = prior.logits(tokens, torch.zeros(1, dtype=torch.long))
    reach = torch.zeros(side * side, side * side, dtype=torch.float64)
    for i in range(side * side):
        gradient = sum(
            torch.autograd.grad(logits[0, i, k], kept["nudge"], retain_graph=True)[0][0].abs() for k in range(5)
        )
        if name.startswith("transformer"):  # its inputs are the class and all tokens but the last
            gradient = torch.cat([gradient[1:], gradient.new_zeros(1)])
        reach[i] = gradient
    assert (reach.triu(0) == 0).all()
    assert (reach.diagonal(-1) > 0).sum() >= side * side - side  # its neighbour to the left, but for line starts


@pytest.mark.parametrize("name", NAMES)
def test_changing_a_token_leaves_earlier_conditionals_as_they_are(name):
    prior = make(name, codes=5, side=3)
    tokens = torch.randint(5, (1, 9), generator=torch.Generator().manual_seed(2))
    label = 0 if prior.classes else None
    before = prior.conditionals(tokens, label).detach()
    for place in range(9):
        changed = tokens.clone()
        changed[0, place] = (changed[0, place] + 1) % 5
        after = prior.conditionals(changed, label).detach()
        np.testing.assert_array_equal(before[:, : place + 1], after[:, : place + 1])


@pytest.mark.parametrize("centre", [False, True])
def test_the_mask_is_the_reading_order(centre):
    layer = MaskedConv2d(1, 1, 3, centre=centre)
    np.testing.assert_array_equal(layer.mask, [[1, 1, 1], [1, centre, 0], [0, 0, 0]])


def test_the_temperature_is_a_power():
    prior = make("independent")
    powered = IndependentPrior(shares(PLACES, CODES) ** 2 / (shares(PLACES, CODES) ** 2).sum(-1, keepdims=True))
    np.testing.assert_allclose(prior.log_prob(GRIDS, temperature=0.5), powered.log_prob(GRIDS), rtol=1e-12)


# ------------------------------------------------------------------ counting


def test_counted_shares():
    tokens, labels = torch.tensor([[0, 1], [0, 2], [1, 2]]), torch.tensor([0, 0, 1])
    together = IndependentPrior.counted(tokens, 3, amount=0.5)
    np.testing.assert_allclose(together.log_shares.exp()[0], np.array([2.5, 1.5, 0.5]) / 4.5)
    each = IndependentPrior.counted(tokens, 3, labels, classes=2, amount=1.0)
    np.testing.assert_allclose(each.log_shares.exp()[1, 1], np.array([1, 1, 2]) / 4)


def test_each_class_is_counted_on_its_own_rows():
    rng = np.random.default_rng(0)
    tokens, labels = torch.from_numpy(rng.integers(0, 5, (60, 4))), torch.from_numpy(rng.integers(0, 3, 60))
    each = IndependentPrior.counted(tokens, 5, labels, classes=3)
    for c in range(3):
        alone = IndependentPrior.counted(tokens[labels == c], 5)
        np.testing.assert_allclose(each.log_shares[c], alone.log_shares, rtol=1e-12)
    with pytest.raises(ValueError, match="labels must be 60, one for each row of tokens, got 59"):
        IndependentPrior.counted(tokens, 5, labels[:59], classes=3)


def test_shares_counted_are_the_best_shares():
    tokens = torch.from_numpy(np.random.default_rng(0).integers(0, 3, (50, 4)) ** 2 % 3)
    best = IndependentPrior.counted(tokens, 3, amount=1e-9).log_prob(tokens).mean()
    for seed in range(20):
        counts = torch.nn.functional.one_hot(tokens, 3).double().mean(0) + 1e-9
        other = 0.9 * counts / counts.sum(-1, keepdim=True) + 0.1 * torch.tensor(shares(4, 3, seed=seed))
        assert IndependentPrior(other).log_prob(tokens).mean() < best


# ------------------------------------------------------------------ drawing


@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_draws_have_the_probabilities_that_the_prior_states(prior, temperature):
    """Frequencies of the 81 grids among 40 000 draws against exp log_prob: a chi-square statistic."""
    n = 40_000
    drawn = prior.sample(n, 3, temperature=temperature)
    expected = n * prior.log_prob(GRIDS, temperature=temperature).detach().exp().numpy()
    counts = np.bincount(drawn.tokens @ CODES ** np.arange(PLACES)[::-1], minlength=len(GRIDS))
    chi_square = ((counts - expected) ** 2 / expected).sum()
    assert chi_square < 80 + 5 * math.sqrt(160)


def test_a_sample_says_how_likely_it_was(prior):
    drawn = prior.sample(20, 0, temperature=0.8)
    label = torch.from_numpy(drawn.labels) if prior.classes else None
    by_hand = prior.log_prob(torch.from_numpy(drawn.tokens), label, temperature=0.8).detach()
    np.testing.assert_allclose(drawn.log_probs.sum(1), by_hand, rtol=1e-10)


def test_equal_seeds_equal_grids_and_a_grid_does_not_depend_on_how_many_follow(prior):
    first, again = prior.sample(6, 5), prior.sample(6, 5)
    np.testing.assert_array_equal(first.tokens, again.tokens)
    np.testing.assert_array_equal(prior.sample(2, 5).tokens, first.tokens[:2])
    assert (prior.sample(6, 6).tokens != first.tokens).any()


def test_token_i_is_the_inverse_distribution_function_at_uniform_i():
    prior = make("independent")
    drawn = prior.sample(3, 11).tokens
    edges = np.cumsum(shares(PLACES, CODES), axis=-1)
    for grid in range(3):
        for place in range(PLACES):
            u = counter.uniforms(11, grid * PLACES + place)[0]
            assert drawn[grid, place] == np.searchsorted(edges[place], u, side="right")


def test_a_prefix_stays_and_what_follows_is_drawn_given_it(prior):
    """Frequencies of the last two places, the first two locked, against p(grid) / p(prefix) by enumeration."""
    n, lock = 20_000, [2, 0]
    drawn = prior.sample(n, 8, prefix=lock)
    assert (drawn.tokens[:, :2] == lock).all()
    fitting = (GRIDS[:, :2] == torch.tensor(lock)).all(1)
    joint = prior.log_prob(GRIDS[fitting]).detach().exp().numpy()
    expected = n * joint / joint.sum()
    counts = np.bincount(drawn.tokens[:, 2] * CODES + drawn.tokens[:, 3], minlength=9)
    assert ((counts - expected) ** 2 / expected).sum() < 8 + 5 * 4


def test_a_whole_prefix_leaves_nothing_to_draw():
    grid = GRIDS[17]
    np.testing.assert_array_equal(make("transformer").sample(2, 0, prefix=grid).tokens, [grid.tolist()] * 2)


# ------------------------------------------------------------------ training, and arguments


@pytest.mark.parametrize(
    "make_prior",
    [
        lambda: pixelcnn_prior(4, 3, 2, channels=16, layers=1, seed=0),
        lambda: transformer_prior(4, 9, 2, width=16, layers=1, seed=0),
    ],
)
def test_training_learns_a_copy_of_the_token_before(make_prior):
    """Each row repeats one code: all but the first token are certain, and the first is worth log 2 given the class."""
    codes = torch.randint(2, (600,), generator=torch.Generator().manual_seed(0))
    labels = torch.randint(2, (600,), generator=torch.Generator().manual_seed(1))
    tokens = (2 * labels + codes)[:, None].expand(-1, 9)
    prior = make_prior()
    fit(prior, training_rows(tokens, labels), epochs=25, seed=0, learning_rate=1e-2, batch=50)
    with torch.no_grad():
        assert -prior.log_prob(tokens, labels).mean() < math.log(2) + 0.3
        assert -prior.log_prob(tokens).mean() < math.log(4) + 0.3  # the class, summed out, costs log 2


def test_the_loss_is_nats_per_token_with_the_class_given():
    prior = make("pixelcnn, by class")
    labels = torch.arange(len(GRIDS)) % 2
    by_hand = -prior.log_prob(GRIDS, labels).mean() / PLACES
    assert prior.loss(*training_rows(GRIDS, labels)).item() == pytest.approx(by_hand.item(), rel=1e-12)


def test_equal_seeds_equal_weights():
    for made in (pixelcnn_prior, transformer_prior):
        one, two, other = (made(5, 3, seed=seed).state_dict() for seed in (0, 0, 1))
        assert all(torch.equal(one[key], two[key]) for key in one)
        assert any(not torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda p: p.log_prob(torch.full((2, 4), 3)), ValueError, "tokens must lie in 0 ... 2"),
        (lambda p: p.log_prob(torch.zeros(2, 4)), TypeError, "tokens must hold integers"),
        (lambda p: p.log_prob(torch.zeros(2, 5, dtype=int)), ValueError, "M = 4 columns"),
        (lambda p: p.log_prob(GRIDS, temperature=0.0), ValueError, "temperature must be a positive"),
        (lambda p: p.log_prob(GRIDS, 2), ValueError, "label must lie in 0 ... 1"),
        (lambda p: p.conditionals(GRIDS), ValueError, "label must be given"),
        (lambda p: p.log_prob(GRIDS, torch.zeros(3, dtype=int)), ValueError, "label must be one class or 81"),
        (lambda p: p.sample(0, 0), ValueError, "n must be at least 1"),
        (lambda p: p.sample(2, -1), ValueError, "seed must be at least 0"),
        (lambda p: p.sample(2, 0, prefix=[0] * 5), ValueError, "prefix must have shape"),
        (lambda p: p.sample(2, 0, prefix=[[0, 1]] * 3), ValueError, "prefix must have shape"),
    ],
)
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call(make("transformer, by class"))


def test_bad_priors_are_refused():
    with pytest.raises(ValueError, match="label must be None"):
        make("uniform").log_prob(GRIDS, 0)
    with pytest.raises(ValueError, match="sum to 1"):
        IndependentPrior(np.full((4, 3), 0.3))
    with pytest.raises(ValueError, match="amount must be a positive"):
        IndependentPrior.counted(GRIDS, 3, amount=0.0)
    with pytest.raises(ValueError, match="kernel must be odd"):
        MaskedConv2d(1, 1, 4, centre=True)
    with pytest.raises(ValueError, match="width must be a multiple"):
        TransformerPrior(3, 4, width=10, heads=4)
    with pytest.raises(ValueError, match="side must be at least 1"):
        PixelCNNPrior(3, 0)
    with pytest.raises(ValueError, match="labels must be 81"):
        training_rows(GRIDS, torch.zeros(3, dtype=int))
