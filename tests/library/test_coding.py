"""Bits back from the Python side: exact round trips, the length of messages against the bound, and the twin's bytes."""

import math

import golden_ans
import numpy as np
import pytest
import torch
from scipy.stats import norm
from torch import nn

from lvm_lib import coding


def test_the_arithmetic_is_exp_and_the_normal_distribution_function():
    x = np.linspace(-36, 36, 5001)
    np.testing.assert_allclose(coding.exact_exp(x), np.exp(x), rtol=4e-16)
    np.testing.assert_allclose(coding.exact_cdf(x), norm.cdf(x), rtol=2e-15, atol=2e-12)
    inner = coding._quantiles()[1:-1]
    np.testing.assert_allclose(norm.cdf(inner), np.arange(1, 2**15) / 2**15, atol=4e-7)
    assert (np.diff(coding._quantiles()) > 0).all()


@pytest.mark.parametrize("seed", range(12))
def test_any_chain_of_images_comes_back_with_the_first_bits(seed):
    """Any images, any q, any precision: the bytes alone give back all of it, in a stack that knows nothing else."""
    chance = np.random.default_rng(seed)
    bits = int(chance.integers(1, 15))
    width = [0.0, 1.0, float(chance.uniform(0, 8))][seed % 3]
    codec = golden_ans.codec(bits, width)
    images = golden_ans.images()[chance.integers(0, len(golden_ans.images()), 5)]
    stack, before = coding.Stack(seed), coding.Stack(seed)
    sent = [codec.send(x, stack) for x in images]
    while before.borrowed < stack.borrowed:
        before.words.insert(0, before._borrow())
    received = coding.Stack.of(stack.to_bytes())
    for x in images[::-1]:
        assert (codec.receive(received) == x).all()
    assert (received.state, received.words) == (before.state, before.words)
    grown = stack.bits - before.bits
    assert grown == pytest.approx(sum(one.net for one in sent), abs=0.5)  # what ANS itself costs, in bits
    if width == 0:
        assert all(one.back == 0 for one in sent)


def test_a_chain_is_as_long_as_the_bound():
    """Within 1 % of the VAE's own -ELBO, over two hundred digits; and one by one it is what the parts say."""
    written, sent, borrowed = golden_ans.chain(12, 1.0, golden_ans.images()[: golden_ans.MANY], 1)
    nats = sum(one.net for one in sent) / golden_ans.MANY * math.log(2)
    assert nats == pytest.approx(golden_ans.minus_elbo(), rel=0.01)
    assert 8 * len(written) - borrowed == pytest.approx(sum(one.net for one in sent), abs=17)  # whole words


def test_the_length_of_a_message_is_that_of_its_densities():
    """With fine bins -log p(x | z) - log p(z) + log q(z | x) of the densities at the z that was drawn, by torch."""
    x, modules = golden_ans.images()[7], golden_ans.nets()[2]
    codec = golden_ans.codec(14, 1.0)
    one = codec.send(x, coding.Stack(3))
    z = torch.tensor(codec.middles[list(one.bins)])
    mean, log_std = modules["encoder"](torch.tensor(x, dtype=torch.float64)).chunk(2)
    pixels = torch.distributions.Bernoulli(logits=modules["decoder"](z))
    log_q = torch.distributions.Normal(mean, log_std.exp()).log_prob(z).sum()
    log_prior = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum()
    expected = -pixels.log_prob(torch.tensor(x, dtype=torch.float64)).sum() - log_prior + log_q
    assert one.net * math.log(2) == pytest.approx(float(expected), abs=0.05)


def test_wider_q_gets_more_back_and_one_point_nothing():
    x = golden_ans.images()[3]
    back = [
        np.mean([golden_ans.codec(10, width).send(x, coding.Stack(seed)).back for seed in range(6)])
        for width in (0.0, 0.25, 1.0, 4.0)
    ]
    assert back[0] == 0 and (np.diff(back) > 0.5).all()


def test_the_twin_and_this_module_share_every_frequency():
    """Frequencies of each bin add up to 2^24 and leave none empty."""
    for bits, width in golden_ans.SETTINGS:
        for starts in golden_ans.codec(bits, width).q(golden_ans.images()[0]):
            assert (starts[0], starts[-1], len(starts)) == (0, 2**24, 2**bits + 1)
            assert (np.diff(starts) >= (1 if width else 0)).all()


def test_bytes_that_are_no_message_are_refused():
    codec = golden_ans.codec(8, 1.0)
    stack = coding.Stack(0)
    codec.send(golden_ans.images()[0], stack)
    for wrong in (b"", b"1234567", bytes(8), 3):
        with pytest.raises(ValueError, match="message"):
            coding.Stack.of(wrong)
    with pytest.raises(ValueError, match="message"):
        codec.receive(coding.Stack.of(stack.to_bytes()[:6]))


def test_arguments_that_cannot_be_right_are_refused():
    encoder, decoder = nn.Linear(4, 4), nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 4))
    for one, other, error, words in [
        (nn.Sequential(nn.Linear(4, 4), nn.Tanh()), decoder, TypeError, "encoder must be linear layers"),
        (nn.Linear(4, 6), decoder, ValueError, "encoder must map 4 pixels to 4 numbers"),
        (encoder, "net", TypeError, "decoder must be a torch module"),
    ]:
        with pytest.raises(error, match=words):
            coding.BitsBack(one, other)
    codec, stack, x = golden_ans.codec(3, 1.0), coding.Stack(1), golden_ans.images()[0]
    for call, error, words in [
        (lambda: coding.Stack("seed"), TypeError, "seed"),
        (lambda: coding.Stack(-1), ValueError, "seed"),
        (lambda: stack.push(0.5, 1), TypeError, "start"),
        (lambda: stack.push(2**24, 1), ValueError, r"start \+ frequency"),
        (lambda: stack.push(0, 0), ValueError, "frequency"),
        (lambda: stack.pop((stack.peek() + 1) % 2**24, 1), ValueError, "start and frequency"),
        (lambda: golden_ans.codec(15, 1.0), ValueError, "bits must be at most 14"),
        (lambda: golden_ans.codec(3, -1.0), ValueError, "width"),
        (lambda: codec.send(x + 1, stack), ValueError, "x must hold 784 pixels"),
        (lambda: codec.q(None), TypeError, "x must"),
        (lambda: codec.send(x, None), TypeError, "stack must be a Stack"),
        (lambda: codec.receive(b""), TypeError, "stack must be a Stack"),
        (lambda: codec.of_pixels([1]), ValueError, "bins must be 2"),
        (lambda: codec.of_pixels([1, 8]), ValueError, "bins must be below 8"),
    ]:
        with pytest.raises(error, match=words):
            call()
