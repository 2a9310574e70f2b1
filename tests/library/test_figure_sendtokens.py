"""A message by way of tokens from the Python side: its invariants, its bytes, its bound, and what is refused."""

import math

import golden_sendtokens
import numpy as np
import pytest
import torch
from torch import nn

from lvm_lib import coding, data, token_coding
from lvm_lib.figures import SendTokensFigure
from lvm_lib.figures.token_nets import rebuilt
from lvm_lib.shipped import shipped_tokens


def test_invariants_hold_in_every_state_and_numbers_are_found_again():
    carried = {key: getattr(golden_sendtokens.figure(), key) for key in SendTokensFigure.carried}
    for state in golden_sendtokens.STATES:
        shown = golden_sendtokens.at(**state)
        n = shown.numbers()
        assert SendTokensFigure.broken(n) == []
        assert SendTokensFigure.recomputed(n, carried) == n
        assert (shown.length, shown.minus_bound) == (n["length"], n["minus_bound"])
        assert SendTokensFigure.broken({**n, "same": 783}) and SendTokensFigure.broken({**n, "back": 1.0})
        read = shown.codec.receive(coding.Stack.of(shown.message))
        assert (read.x == shown.picture_sent.ravel()).all() and (np.array(read.tokens) == shown.tokens).all()


def test_the_length_is_the_bound_of_the_shipped_nets():
    """-log p(x | z) - log p(z) by the library's decoder and priors, at the tokens that were sent."""
    decoder, priors = rebuilt(*shipped_tokens())
    by_class = priors["independent"]
    for state in golden_sendtokens.STATES:
        shown = golden_sendtokens.at(**state)
        z = torch.tensor(shown.tokens)[None]
        with torch.no_grad():
            p = decoder(z)[0].clamp(0.005, 0.995).numpy()
            if shown.prior == "uniform":
                rate = 49 * math.log(128)
            else:  # each place by itself, its class summed out
                table = torch.stack([by_class.conditionals(z, torch.tensor([c]))[0] for c in range(10)])
                chosen = table.exp().mean(0)[torch.arange(49), z[0]]
                rate = -float(chosen.log().sum())
        x = shown.picture_sent.ravel()
        expected = rate - np.log(np.where(x == 1, p, 1 - p)).sum()
        assert shown.length == pytest.approx(expected, abs=0.05)


def test_a_chain_of_any_pictures_by_any_tokens_comes_back():
    codec, chance = golden_sendtokens.at(prior="counted").codec, np.random.default_rng(0)
    pictures = [*data.binarised("digits")[:3].reshape(3, 784), chance.integers(0, 2, 784), np.ones(784)]
    stack, sent = coding.Stack(), []
    for x in pictures:
        z = chance.integers(0, 128, 49)
        sent.append((x, z, codec.send(x, z, stack)))
    assert stack.bits - 32 == pytest.approx(sum(one.net for _, _, one in sent), abs=0.5)
    line = coding.Stack.of(stack.to_bytes())
    for x, z, _ in sent[::-1]:
        read = codec.receive(line)
        assert (read.x == x).all() and (np.array(read.tokens) == z).all()
    assert line.words == [] and line.state == coding.LOW


def test_shares_are_whole_and_none_is_empty():
    p = np.random.default_rng(1).dirichlet(np.full(128, 0.05), 49)
    shares = token_coding.whole_shares(p)
    assert (shares >= 1).all() and (shares.sum(1) == 2**24).all()
    assert np.abs(shares / 2**24 - p).max() < 1e-5


def test_what_cannot_be_sent_is_refused():
    codec, stack = golden_sendtokens.at().codec, coding.Stack()
    x, z, shares = np.zeros(784), [0] * 49, np.full((4, 2), 2**23)
    conv = nn.Conv2d(3, 1, 3, padding=1)
    for call, error, words in [
        (lambda: SendTokensFigure(images=np.full((1, 784), 0.5)), ValueError, "images must be 1 to 20 images"),
        (lambda: SendTokensFigure(beta=1), TypeError, "SendTokensFigure takes images"),
        (lambda: golden_sendtokens.at().codec_of("Transformer"), ValueError, "prior must be"),
        (lambda: golden_sendtokens.at().encode(x + 0.5), ValueError, "images must hold 0 and 1"),
        (lambda: golden_sendtokens.at().encode(x, rank=129), ValueError, "rank a number of a code"),
        (lambda: codec.send(x + 2, z, stack), ValueError, "x must hold 784 pixels"),
        (lambda: codec.send(x, z[1:], stack), ValueError, "tokens must be 49"),
        (lambda: codec.send(x, [128] * 49, stack), ValueError, "tokens must be below 128"),
        (lambda: codec.send(x, z, None), TypeError, "stack must be a Stack"),
        (lambda: codec.receive(coding.Stack()), ValueError, "stack is empty"),
        (lambda: token_coding.TokenCode(np.ones((2, 3)), "net", shares), TypeError, "decoder must be a torch module"),
        (lambda: token_coding.TokenCode(np.ones((2, 3)), nn.Tanh(), shares), TypeError, "got Tanh"),
        (lambda: token_coding.TokenCode(np.ones((2, 3)), nn.Conv2d(3, 1, 3), shares), TypeError, "keep the grid"),
        (lambda: token_coding.TokenCode(np.ones((2, 9)), conv, shares), ValueError, "decoder must take maps of 9"),
        (lambda: token_coding.TokenCode(np.ones((2, 3)), conv, shares[:3] * 1), ValueError, "square grid"),
        (lambda: token_coding.TokenCode(np.ones((2, 3)), conv, shares + 1), ValueError, "add up to 2"),
        (lambda: token_coding.TokenCode(np.ones((3, 3)), conv, shares), ValueError, "a column for each"),
        (lambda: token_coding.whole_shares([[0.5, 0.6]]), ValueError, "rows that add up to one"),
        (lambda: token_coding.whole_shares(np.ones(3) / 3), ValueError, "rows that add up to one"),
    ]:
        with pytest.raises(error, match=words):
            call()
