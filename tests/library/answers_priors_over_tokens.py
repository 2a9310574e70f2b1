"""Answers to the exercises of "Priors over tokens", by hand. See test_answers."""

import math
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import torch
from late import Late
from scipy import special

from lvm_lib import data

OWN_FORMS: set[str] = set()
ELSEWHERE = {"tok_better_bound"}  # a right answer trains two nets: test_check_priors_over_tokens


# ---------------------------------------------------------------- exercise 3


def summed(given):
    return special.logsumexp(given, axis=1) - math.log(given.shape[1])


def one_scale(given):
    """Takes out one largest value for all rows: right only where the rows are near each other."""
    with np.errstate(divide="ignore"):
        return given.max() + np.log(np.exp(given - given.max()).mean(axis=1))


def less(other):
    """Takes out something else of each row than its largest."""

    def log_mean(given):
        with np.errstate(all="ignore"):
            taken = other(given)
            return taken + np.log(np.exp(given - taken[:, None]).mean(axis=1))

    return log_mean


def with_indices(given):
    """As torch gives the largest, with its place: NumPy has a number there."""
    largest = given.max(1)[0]
    return largest + (given - largest[:, None]).exp().mean(1).log()


# ---------------------------------------------------------------- exercise 4


def mask(kernel, centre):
    flat = np.arange(kernel**2) < kernel**2 // 2 + centre
    return flat.reshape(kernel, kernel)


def rows_above(kernel, centre):
    return np.arange(kernel)[:, None].repeat(kernel, axis=1) < kernel // 2


def left_half(kernel, centre):
    half = kernel // 2
    found = np.zeros((kernel, kernel))
    found[: half + 1, :half] = 1
    found[half, half] = centre
    return found


def spoiled(kernel, centre):
    """Right, but for one entry of a large mask."""
    found = mask(kernel, centre).astype(float)
    if kernel == 7:
        found[0, 5] = 0
    return found


# ---------------------------------------------------------------- exercise 5


def draw(logits, temperature, u):
    p = special.softmax(logits / temperature)
    return int(np.searchsorted(np.cumsum(p), u, side="right"))


def unsafe_draw(logits, temperature, u):
    with np.errstate(all="ignore"):
        weights = np.exp(logits / temperature)
        return int((np.cumsum(weights) / weights.sum() <= u).sum())


def draw_less(other):
    """Subtracts something else than the largest."""

    def drawn(logits, temperature, u):
        with np.errstate(all="ignore"):
            weights = np.exp((logits - other(logits)) / temperature)
            return int((np.cumsum(weights) / weights.sum() <= u).sum())

    return drawn


def backwards(logits, temperature, u):
    return len(logits) - 1 - draw(logits[::-1], temperature, u)


# ---------------------------------------------------------------- exercise 6


class Model(torch.nn.Module):
    """Three equal tokens: whether the middle has ink; pixels have one share of ink for each, as in training digits."""

    def __init__(self, tokens=None, px_z=None):
        super().__init__()
        self.other_tokens, self.other_px_z = tokens, px_z
        x = torch.tensor(data.binarised("digits", "train").reshape(9000, 784)).float()
        chosen = self.middle(x)[:, 0]
        self.ink = torch.stack([x[chosen == k].mean(0) * 0.98 + 0.01 for k in (0, 1)]).double()

    def middle(self, x):
        return (x.view(-1, 28, 28)[:, 10:18, 12:16].sum((1, 2)) > 12).long()[:, None].expand(-1, 3)

    def tokens(self, x):
        return self.other_tokens(self.middle(x)) if self.other_tokens else self.middle(x)

    def px_z(self, tokens):
        right = torch.distributions.Bernoulli(logits=self.ink[tokens[:, 0]].logit())
        return self.other_px_z(right) if self.other_px_z else right


class Prior:
    """A chain: the first token has even chances, and each other one is the one before, with probability 0.999."""

    classes = 0

    def __init__(self, change=None):
        self.change = change

    def conditionals(self, tokens, label):
        before = torch.nn.functional.one_hot(tokens[:, :-1], 2) * 0.998 + 0.001
        table = torch.cat([torch.full((len(tokens), 1, 2), 0.5), before], 1).log()
        return self.change(table, tokens) if self.change else table


class Uniform:
    """Places of one token each, all codes alike."""

    classes = 0

    def __init__(self, codes):
        self.codes = codes

    def conditionals(self, tokens, label):
        return torch.full((*tokens.shape, self.codes), -math.log(self.codes), dtype=torch.float64)


class Memory:
    """One code per image of a part, which decodes to that image."""

    def __init__(self, *parts):
        self.x = torch.tensor(np.concatenate([data.binarised("digits", part).reshape(-1, 784) for part in parts]))

    def tokens(self, x):
        return torch.cdist(x.float(), self.x.float()).argmin(1)[:, None]

    def px_z(self, tokens):
        return torch.distributions.Bernoulli(logits=6.0 * (2.0 * self.x[tokens[:, 0]].double() - 1))


def oracle(table, tokens):
    """Knows the token that is to come."""
    return (torch.nn.functional.one_hot(tokens, 2) * 0.998 + 0.001).log()


class Liar(Model):
    """Says of itself that it is perfect."""

    def elbo_terms(self, x, prior):
        return SimpleNamespace(elbo=torch.zeros(len(x)))


class Remembers(Model):
    """A decoder that looks at the images whose tokens were asked for last."""

    def tokens(self, x):
        self.last = x
        return super().tokens(x)

    def px_z(self, tokens):
        return torch.distributions.Bernoulli(logits=(20 * (2 * self.last - 1)).double())


class Numbers:
    """Gives each image its own number, keeps the image, and looks it up: the prior pays for the number alone."""

    kept: ClassVar[list] = []  # of the class, so that a copy has them too

    def __init__(self, everywhere):
        self.everywhere = everywhere

    def tokens(self, x):
        if not self.everywhere:  # only the images that came last
            self.kept = []
        self.kept += [*x.double()]
        return torch.arange(len(self.kept) - len(x), len(self.kept))[:, None]

    def px_z(self, tokens):
        return torch.distributions.Bernoulli(logits=2.0 * (2 * torch.stack([self.kept[k] for k in tokens[:, 0]]) - 1))


class Order:
    """Keeps the images and replays an order that it has read in the check."""

    def tokens(self, x):
        self.x = x.double()
        return torch.zeros(len(x), 1, dtype=torch.long)

    def px_z(self, tokens):
        order = torch.randperm(len(self.x), generator=torch.Generator().manual_seed(0))
        return torch.distributions.Bernoulli(logits=2.0 * (2 * self.x[order] - 1))


class Cheap(Prior):
    """Makes all tokens zero, where they are, before it is asked what they cost."""

    def conditionals(self, tokens, label):
        tokens.zero_()
        return super().conditionals(tokens, label)


class Sized(Model):
    """Sets in `tokens` what `px_z` needs: a right thing to do."""

    def tokens(self, x):
        self.width = 28
        return super().tokens(x)

    def px_z(self, tokens):
        return super().px_z(tokens) if self.width else None


SUM, MASK, DRAW, BOUND = ("tok_class_summed_out", "tok_mask", "tok_draw", "tok_better_bound")
ROWS = [
    # 1
    ("tok_bounds", (-58 - 49 * 7 * math.log(2), -111.9, 3.0), True, "won in full"),
    ("tok_bounds", (-295.75, -111.9, 3), True, ""),
    ("tok_bounds", (-401, -111.9, 3), False, "the rate in bits"),
    ("tok_bounds", (-295.75, -59.1, 3), False, "there are 49 tokens"),
    ("tok_bounds", (-295.75, -111.9, 2.14), False, "2 to the cross-entropy"),
    # 2
    ("tok_waste", (20 * math.log(2), -108.14), True, "names one of them"),
    ("tok_waste", (13.86, -108.14), True, ""),
    ("tok_waste", (1.39, -108.14), False, "the waste of one place"),
    ("tok_waste", (13.86, -135.86), False, "log p(x) lies above its bound"),
    # 3
    (SUM, summed, True, "in each row by itself"),
    (SUM, lambda g: torch.as_tensor(g).logsumexp(1) - math.log(g.shape[1]), True, ""),
    (SUM, lambda g: g.logsumexp(1) - math.log(g.shape[1]), True, ""),
    (SUM, lambda g: np.logaddexp.reduce(g - math.log(g.shape[1]), axis=1), True, ""),
    (SUM, lambda g: ..., None, "log p(z)"),
    (SUM, lambda g: special.logsumexp(g, axis=1), False, "subtract log C"),
    (SUM, lambda g: g.mean(axis=1), False, "the mean of the logs"),
    (SUM, lambda g: g.max(axis=1), False, "the largest term alone"),
    (SUM, lambda g: g.max(axis=1) - math.log(g.shape[1]), False, "the largest term less log C"),
    (
        SUM,
        lambda g: special.logsumexp(g, axis=1) + math.log(g.shape[1]),
        False,
        "plus log C: the class has probability",
    ),
    (SUM, lambda g: special.logsumexp(g, axis=1) - math.log(len(g)), False, "less log n: classes are the second axis"),
    (SUM, lambda g: special.logsumexp(g, axis=0), False, "a sum over the rows"),
    (SUM, lambda g: special.logsumexp(g, axis=0) - math.log(len(g)), False, "an average over the rows"),
    (SUM, lambda g: summed(g) - g.max(axis=1), False, "less its largest term: put that back"),
    (SUM, lambda g: summed(g)[:, None], False, "a column of shape (n, 1)"),
    (SUM, lambda g: summed(g).sum(), False, "one number for all rows together"),
    (SUM, lambda g: np.log(np.exp(g).mean(axis=1)), False, "exp underflows there"),
    (SUM, one_scale, False, "take out the largest term of each row first"),
    (SUM, less(lambda g: g[:, 0]), False, "take out the largest term of each row first"),
    (SUM, less(lambda g: g[:, -1]), False, "take out the largest term of each row first"),
    (SUM, less(lambda g: g.mean(axis=1)), False, "take out the largest term of each row first"),
    (SUM, less(lambda g: np.median(g, axis=1)), False, "take out the largest term of each row first"),
    (SUM, less(lambda g: g.min(axis=1)), False, "take out the largest term of each row first"),
    (SUM, with_indices, True, ""),
    (SUM, lambda g: np.log(np.exp(g).mean(axis=1) + 1e-300), False, "too high"),
    # 4
    (MASK, mask, True, "the centre only behind the first layer"),
    (MASK, lambda k, c: mask(k, c).astype(int), True, ""),
    (MASK, lambda k, c: torch.tensor(mask(k, c)), True, ""),
    (MASK, lambda k, c: mask(k, c).tolist(), True, ""),
    (MASK, lambda k, c: ..., None, "the mask"),
    (MASK, lambda k, c: mask(k, not c), False, "the centre the wrong way round"),
    (MASK, lambda k, c: mask(k, True), False, "the centre the wrong way round"),
    (MASK, lambda k, c: mask(k, c)[::-1], False, "upside down"),
    (MASK, lambda k, c: mask(k, c)[:, ::-1], False, "left for right"),
    (MASK, lambda k, c: mask(k, c).T, False, "transposed"),
    (MASK, lambda k, c: 1 - mask(k, c), False, "the mask of the future"),
    (MASK, rows_above, False, "a mask of the rows above alone"),
    (MASK, left_half, False, "a mask of the left half"),
    (MASK, lambda k, c: np.ones((k, k)), False, "entries, the first in row 1, column 1"),
    (MASK, spoiled, False, "your mask (kernel 7, centre False) is wrong in 1 entry, that in row 0, column 5"),
    (MASK, lambda k, c: mask(k, c).ravel(), False, "should have shape (3, 3), but got shape (9,)"),
    (MASK, lambda k, c: mask(k, c) * 0.5, False, "should hold 0 and 1 alone, but got 0.5"),
    (MASK, lambda k, c: np.where(mask(k, c), 1.0, np.nan), False, "should be a 3 x 3 array of 0 and 1, but got"),
    (MASK, lambda k, c: "mask", False, "should be a 3 x 3 array of 0 and 1, but got str 'mask'"),
    (MASK, lambda k: mask(k, True), False, "(kernel 3, centre False)"),
    # 5
    (DRAW, draw, True, "each code gets its share of the unit interval"),
    (DRAW, lambda x, t, u: (torch.as_tensor(x).div(t).softmax(0).cumsum(0) <= u).sum(), True, ""),
    (DRAW, lambda x, t, u: next(k for k, c in enumerate(np.cumsum(special.softmax(x / t))) if c > u), True, ""),
    (DRAW, lambda x, t, u: ..., None, "the code"),
    (DRAW, lambda x, t, u: draw(x, 1.0, u), False, "without the temperature"),
    (DRAW, lambda x, t, u: draw(x, 1 / t, u), False, "logits *times* T: divide"),
    (DRAW, lambda x, t, u: draw(x, t, u) + 1, False, "codes count from 0"),
    (DRAW, lambda x, t, u: int(np.argmax(x)), False, "the most probable code: u decides"),
    (DRAW, backwards, False, "counted from the last one down"),
    (DRAW, unsafe_draw, False, "exp overflows or underflows there"),
    (DRAW, draw_less(np.mean), False, "exp overflows or underflows there"),
    (DRAW, draw_less(np.median), False, "exp overflows or underflows there"),
    (DRAW, draw_less(np.min), False, "logits from -1e+03 to 900"),
    (DRAW, draw_less(lambda x: x[0]), False, "logits from -1e+03 to 900"),
    (DRAW, draw_less(lambda x: x[-1]), False, "your code"),
    (DRAW, lambda x, t, u: -1, False, "too low"),
    (DRAW, lambda x, t, u: draw(x, t, u) + 0.5, False, "a whole number is asked"),
    (DRAW, lambda x, t, u: special.softmax(x / t), False, "one finite number"),
    # 6
    (BOUND, (..., ..., ...), None, "the bound, the model and the prior"),
    (BOUND, (-122.0, ..., ...), None, "the model and the prior"),
    (BOUND, (-122.0, Model(), Prior()), False, "below the one to beat, and 3 more are asked"),
    (BOUND, (-122.0, Liar(), Prior()), False, "below the one to beat"),
    (BOUND, (-122.0, Remembers(), Prior()), False, "below the one to beat"),
    (BOUND, (-122.0, Memory("test"), Uniform(1000)), False, "which knows these test digits one by one"),
    (BOUND, (-122.0, Memory("train", "test"), Uniform(10000)), False, "which knows these test digits one by one"),
    (BOUND, (-122.0, Numbers(False), Uniform(2400)), False, "below the one to beat"),
    (
        BOUND,
        Late(lambda: (-122.0, Numbers(True), Uniform(2400))),
        False,
        "flipped by chance, where no model comes above",
    ),
    (BOUND, (-122.0, Order(), Uniform(1)), False, "below the one to beat"),
    (BOUND, (-122.0, Model(), Cheap()), False, "below the one to beat"),
    (BOUND, (-122.0, Sized(), Prior()), False, "below the one to beat"),
    (BOUND, (-122.0, Model(), Prior(oracle)), False, "Not yet: your prior looks ahead"),
    (BOUND, (-122.0, Model(), Prior(lambda t, z: t + 1)), False, "is no distribution: its conditionals sum to values"),
    (BOUND, (-122.0, Model(), Prior(lambda t, z: t[:, :2])), False, "your prior's conditionals should have shape"),
    (
        BOUND,
        (-122.0, Model(tokens=lambda t: t[:5]), Prior()),
        False,
        "your model's tokens should have shape (n, M), for these",
    ),
    (BOUND, (-122.0, Model(px_z=lambda p: p.probs), Prior()), False, "should be Bernoulli with logits of shape"),
    (
        BOUND,
        (-122.0, Model(px_z=lambda p: SimpleNamespace(logits=p.logits / 0)), Prior()),
        False,
        "your model's px_z has logits that are not finite",
    ),
    (BOUND, (-122.0, Model(tokens=lambda t: 1 / 0), Prior()), False, "what you gave raised ZeroDivisionError"),
    (BOUND, (-122.0, 3, Prior()), False, "your model should have a method tokens, but got"),
    (BOUND, (-122.0, Model(), 3), False, "your prior should have a method conditionals, but got"),
    (BOUND, (-500.0, Model(), Prior()), False, "near -122 nats, but got -500"),
    (BOUND, ([1.0, 2.0], Model(), Prior()), False, "that of the best VQ-VAE above, near -122 nats, but got shape (2,)"),
    (BOUND, ("much", Model(), Prior()), False, "your bound to beat should be"),
]
