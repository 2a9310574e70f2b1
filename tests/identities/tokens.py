"""The equations of the chapters "vqvae_tokenizers" and "priors_over_tokens", each by two independent routes.

See gate.py for the form of a test.
"""

from __future__ import annotations

import itertools

import numpy as np
import torch
from gate import AtMost, Equal, identity
from scipy import special, stats

from lvm_lib import counter
from lvm_lib.likelihoods import Gaussian
from lvm_lib.quantize import FSQ, VectorQuantizer, usage
from lvm_lib.token_bounds import log_weights, spread_log_q
from lvm_lib.token_priors import IndependentPrior, UniformPrior, pixelcnn_prior, transformer_prior
from lvm_lib.vqvae import ConvDecoder, conv_vqvae

CODES, PLACES, SIDE = 3, 4, 8  # 8 x 8 pixels make 2 x 2 tokens: 81 grids, so that nothing need be estimated
GRIDS = np.array(list(itertools.product(range(CODES), repeat=PLACES)))


# ---------------------------------------------------------------- models, drawn anew for each seed


def tiny_vqvae(rng):
    """A VQ-VAE in float64 with weights large enough that tokens matter, and four binary images."""
    model = (
        conv_vqvae(
            VectorQuantizer(CODES, 2, seed=int(rng.integers(1000))), channels=4, side=SIDE, seed=int(rng.integers(1000))
        )
        .double()
        .eval()
    )
    with torch.no_grad():
        for weight in model.decoder.parameters():
            weight.mul_(2)
    return model, torch.tensor(rng.integers(0, 2, (4, SIDE**2)), dtype=torch.float64)


def tiny_prior(rng, kind):
    """A prior over the 81 grids, in float64, with conditionals far from even; two classes."""
    if kind == "independent":
        return IndependentPrior(rng.dirichlet(np.full(CODES, 3.0), (2, PLACES)))
    seed = int(rng.integers(1000))
    prior = (
        (
            pixelcnn_prior(CODES, 2, 2, channels=6, layers=1, embedding=3, seed=seed)
            if kind == "pixelcnn"
            else transformer_prior(CODES, PLACES, 2, width=8, layers=1, heads=2, seed=seed)
        )
        .double()
        .eval()
    )
    with torch.no_grad():
        for weight in prior.parameters():
            weight.add_(0.3 * torch.tensor(rng.normal(size=weight.shape)))
    return prior


def probabilities_by_hand(prior, label, log_weights=None):
    """p(z | c) of all 81 grids as products of softmaxes of the raw logits, in NumPy."""
    with torch.no_grad():
        logits = prior.logits(torch.tensor(GRIDS), torch.full((len(GRIDS),), label)).numpy()
    shares = special.softmax(logits, axis=-1)
    return np.prod(np.take_along_axis(shares, GRIDS[:, :, None], axis=2)[..., 0], axis=1)


def log_joint_by_hand(model, x, log_pz):
    """log p(x, z) for x (n, D) and all 81 grids, (n, 81): scipy's Bernoulli on the decoder's raw outputs."""
    with torch.no_grad():
        chance = special.expit(model.decoder(model.quantiser.decode(torch.tensor(GRIDS))).numpy())
    return stats.bernoulli(chance).logpmf(x.numpy()[:, None]).sum(-1) + log_pz


def places_of(tokens):
    """The row in GRIDS of each grid of tokens."""
    return np.asarray(tokens) @ CODES ** np.arange(PLACES)[::-1]


# ---------------------------------------------------------------- the model and its bound


@identity("tok-bound", tolerance=1e-10)
def bound(rng):
    """log p(x) summed over all 81 grids against the model's two terms and minus the log of the posterior's share"""
    model, x = tiny_vqvae(rng)
    prior = tiny_prior(rng, "pixelcnn")
    log_pz = np.log(sum(probabilities_by_hand(prior, c) for c in (0, 1)) / 2)
    log_joint = log_joint_by_hand(model, x, log_pz)
    terms, at = model.elbo_terms(x, prior), places_of(model.tokens(x))
    share = special.softmax(log_joint, axis=1)[np.arange(len(x)), at]
    return Equal(
        {"log p(x)": special.logsumexp(log_joint, axis=1)},
        {"log p(x | z)": terms.reconstruction.numpy(), "log p(z)": -terms.kl.numpy(), "- log p(z | x)": -np.log(share)},
    )


@identity("tok-importance", tolerance=1e-10)
def importance(rng):
    """The weights of all 81 grids, averaged under the spread q by hand, against log p(x) summed over all grids"""
    model, x = tiny_vqvae(rng)
    prior = tiny_prior(rng, "transformer")
    log_pz = np.log(sum(probabilities_by_hand(prior, c) for c in (0, 1)) / 2)
    evidence = special.logsumexp(log_joint_by_hand(model, x, log_pz), axis=1)
    log_q = spread_log_q(model, x, float(rng.uniform(0.5, 2)))
    with torch.no_grad():
        vectors, codes = model.encoder(x).numpy(), model.quantiser.codebook.numpy()
    far = ((vectors[:, :, None] - codes) ** 2).sum(-1)
    claims = []
    with torch.no_grad():
        log_w = np.stack([log_weights(model, prior, x, torch.tensor(g).expand(len(x), -1), log_q) for g in GRIDS])
    share = np.prod([log_q.exp().numpy()[:, m, GRIDS[:, m]] for m in range(PLACES)], axis=0).T  # (81, n)
    claims.append(
        Equal({"log E_q w": np.log((share * np.exp(log_w - log_w.max())).sum(0)) + log_w.max()}, {"log p(x)": evidence})
    )
    order = np.argsort(far, axis=2)
    falls = np.take_along_axis(log_q.numpy(), order, axis=2)
    assert (np.diff(falls, axis=2) <= 1e-12).all(), "a farther code has no larger share"
    mean = (share * log_w).sum(0)
    same = np.zeros(len(GRIDS)) + np.log(3.0)
    even = Equal({"E log w of equal weights": same.mean()}, {"log E w of equal weights": np.log(np.exp(same).mean())})
    return [*claims, AtMost({"E_q log w": mean}, {"log p(x)": evidence}, equality=even)]


@identity("tok-beta-unit", tolerance=1e-9)
def beta_unit(rng):
    """Gradients by autograd of two VQ-VAEs with the same weights: σ and β against c σ and β / c²"""
    c, noise, beta = float(rng.uniform(1.5, 3)), float(rng.uniform(0.1, 0.5)), float(rng.uniform(0.2, 2))
    seed, x = int(rng.integers(1000)), torch.tensor(rng.uniform(0, 1, (6, SIDE**2)))

    def gradient(noise, beta):
        part = VectorQuantizer(CODES, 2, seed=seed, start="random")
        model = conv_vqvae(part, channels=4, side=SIDE, likelihood=Gaussian(noise), commitment=beta, seed=seed)
        model = model.double().eval()
        model.loss(x).backward()
        return np.concatenate([weight.grad.numpy().ravel() for weight in model.parameters() if weight.grad is not None])

    return Equal({"gradient": gradient(noise, beta)}, {"c^2 gradient": c**2 * gradient(c * noise, beta / c**2)})


@identity("tok-residual-rate", tolerance=1e-12)
def residual_rate(rng):
    """The library's rate of one book of all combinations against the log of the number of grids, counted one by one"""
    levels = [int(size) for size in rng.integers(2, 4, 2)]
    places = int(rng.integers(2, 4))
    words = list(itertools.product(*(range(size) for size in levels)))
    grids = list(itertools.product(words, repeat=places))
    rate = -UniformPrior(len(words), places).log_prob(torch.zeros(1, places, dtype=torch.long)).item()
    by_levels = places * np.log(np.array(levels, float)).sum()
    return [
        Equal({"- log p(z)": rate}, {"M sum log K_l": by_levels}),
        Equal({"log of the number of grids": np.log(len(grids))}, {"M sum log K_l": by_levels}),
    ]


@identity("tok-uniform-rate", tolerance=1e-12)
def uniform_rate(rng):
    """The library's rate against the log of the number of grids, counted one by one"""
    codes, places = int(rng.integers(2, 5)), int(rng.integers(2, 6))
    grids = np.array(list(itertools.product(range(codes), repeat=places)))
    rates = -UniformPrior(codes, places).log_prob(torch.tensor(grids)).numpy()
    return Equal({"- log p(z)": rates}, {"M log K": np.full(len(rates), np.log(float(len(grids))))})


@identity("tok-perplexity", tolerance=1e-12)
def perplexity(rng):
    """The library's count against scipy's entropy of the shares; at most K, and K where all codes are equally used"""
    tokens = rng.choice(7, 400, p=rng.dirichlet(np.ones(7)))
    shares = np.array([np.mean(tokens == k) for k in range(7)])
    even = usage(torch.arange(7).repeat(5), 7)
    return [
        Equal(
            {"log perplexity": np.log(usage(torch.tensor(tokens), 7).perplexity)},
            {"- sum f log f": stats.entropy(shares)},
        ),
        AtMost(
            {"perplexity": usage(torch.tensor(tokens), 7).perplexity},
            {"K": 7.0},
            equality=Equal({"perplexity of even use": even.perplexity}, {"K": 7.0}),
        ),
    ]


# ---------------------------------------------------------------- what a prior can save


@identity("tok-chain", tolerance=1e-10)
def chain(rng):
    """The log probability by each prior against the log of a product of softmaxes; all grids together weigh one"""
    claims = []
    for kind in ("independent", "pixelcnn", "transformer"):
        prior = tiny_prior(rng, kind)
        by_hand = probabilities_by_hand(prior, 1)
        found = prior.log_prob(torch.tensor(GRIDS), 1).detach().numpy()
        claims += [
            Equal({"log p(z)": found}, {"log prod p(z_i | before)": np.log(by_hand)}),
            Equal({"sum over all grids": np.exp(found).sum()}, {"1": 1.0}),
        ]
    return claims


@identity("tok-fitted-rate", tolerance=1e-10)
def fitted_rate(rng):
    """The average code length under a prior against the tokens' entropy and their divergence, by scipy"""
    q = rng.dirichlet(np.full(len(GRIDS), 0.5))
    claims = []
    for kind in ("independent", "transformer"):
        prior = tiny_prior(rng, kind)
        found = -prior.log_prob(torch.tensor(GRIDS), 0).detach().numpy()
        p = probabilities_by_hand(prior, 0)
        claims.append(Equal({"E - log p(z)": q @ found}, {"H(q)": stats.entropy(q), "KL(q || p)": stats.entropy(q, p)}))
    return claims


@identity("tok-independent", tolerance=1e-6)
def independent(rng):
    """The code length of counted shares against the sum of the places' entropies by scipy; no other shares do better"""
    tokens = rng.choice(len(GRIDS), 300, p=rng.dirichlet(np.full(len(GRIDS), 0.3)))
    grids = GRIDS[tokens]
    best = IndependentPrior.counted(torch.tensor(grids), CODES, amount=1e-9)
    length = -best.log_prob(torch.tensor(grids)).mean().item()
    shares = [np.bincount(grids[:, i], minlength=CODES) / len(grids) for i in range(PLACES)]
    entropies = {f"H(z_{i + 1})": stats.entropy(share) for i, share in enumerate(shares)}
    other = IndependentPrior(rng.dirichlet(np.ones(CODES) * 5, PLACES))
    equality = Equal({"best code length": length}, entropies)
    whole = stats.entropy(np.bincount(tokens, minlength=len(GRIDS)) / len(grids))
    alone = IndependentPrior.counted(torch.tensor(grids[:, :1]), CODES, amount=1e-9)
    one = Equal(
        {"H(z) of one place": stats.entropy(shares[0])},
        {"best code length of one place": -alone.log_prob(torch.tensor(grids[:, :1])).mean().item()},
    )
    return [
        equality,
        AtMost(
            {"best code length": length},
            {"other shares": -other.log_prob(torch.tensor(grids)).mean().item()},
            equality=equality,
        ),
        AtMost({"H(z)": whole}, {"best code length": length}, equality=one),
    ]


@identity("tok-classes", tolerance=1e-10)
def classes(rng):
    """log p without a label against the average of probabilities by hand; a class given is worth log C at most"""
    claims = []
    for kind in ("independent", "pixelcnn", "transformer"):
        prior = tiny_prior(rng, kind)
        each = np.stack([probabilities_by_hand(prior, c) for c in (0, 1)])
        found = prior.log_prob(torch.tensor(GRIDS)).detach().numpy()
        claims.append(
            Equal(
                {"log p(z)": found},
                {"log sum_c p(z | c)": np.log(each.sum(0)), "- log C": np.full(len(GRIDS), -np.log(2.0))},
            )
        )
    apart = np.array([[[1 - 2e-12, 1e-12, 1e-12]] * PLACES, [[1e-12, 1 - 2e-12, 1e-12]] * PLACES])
    sure = IndependentPrior(apart)  # the tokens give the class away: here the class is worth all of log C
    grid = torch.zeros(1, PLACES, dtype=torch.long)
    equality = Equal(
        {"log p(z | c)": sure.log_prob(grid, 0).numpy()},
        {"log p(z)": sure.log_prob(grid).numpy(), "log C": np.log([2.0])},
        zero=("log p(z | c)",),
    )
    with torch.no_grad():
        given = prior.log_prob(torch.tensor(GRIDS), 0).numpy()
    return [
        *claims,
        AtMost(
            {"log p(z | c)": given}, {"log p(z)": found, "log C": np.full(len(GRIDS), np.log(2.0))}, equality=equality
        ),
    ]


# ---------------------------------------------------------------- drawing


@identity("tok-temperature", tolerance=1e-10)
def temperature(rng):
    """Conditionals at temperature T against powers of the shares, normalised by hand"""
    prior, t = tiny_prior(rng, "transformer"), float(rng.uniform(0.4, 0.8))
    with torch.no_grad():
        cold = prior.conditionals(torch.tensor(GRIDS), 0, temperature=t).numpy()
        shares = prior.conditionals(torch.tensor(GRIDS), 0).exp().numpy()
    return Equal(
        {"log p_T": cold},
        {
            "log p^(1/T)": np.log(shares) / t,
            "- log of the sum": -np.log((shares ** (1 / t)).sum(-1, keepdims=True)) + np.zeros_like(cold),
        },
    )


@identity("tok-inverse-cdf", tolerance=1e-9)
def drawing(rng):
    """The length of the interval of u that gives a code, found by bisection, against its probability"""
    p = rng.dirichlet(np.full(5, 2.0))

    def edge(k):  # the largest u that still gives a code of at most k
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if counter.categorical(np.log(p), middle) <= k else (low, middle)
        return low

    lengths = np.diff([0.0, *(edge(k) for k in range(4)), 1.0])
    return Equal({"length of the interval": lengths}, {"p(k)": p})


# ---------------------------------------------------------------- nets


@identity("tok-field", tolerance=1e-12)
def field(rng):
    """Pixels with a gradient to the middle token, by autograd on a large grid, against the square of the formula"""
    decoder = ConvDecoder(3, 6, 44).double()  # a grid of 11 x 11: the field does not meet the edge
    with torch.no_grad():
        for weight in decoder.parameters():
            weight.copy_(torch.tensor(rng.uniform(0.1, 1.0, weight.shape)))  # all positive: nothing cancels
    codes = torch.ones(1, 121, 3, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(decoder, codes)[0, :, 0, 60].abs().sum(-1).reshape(44, 44)
    touched = (jacobian > 0).numpy()
    return [
        Equal(
            {"side of the field": float(np.sqrt(touched.sum()))},
            {"p": 4.0, "2 r p": 2 * sum(k // 2 for k in (3, 3)) * 4.0},
        ),
        Equal({"pixels that differ": (touched != decoder.field(60)).sum() + 1.0}, {"1": 1.0}),
    ]


@identity("tok-fsq", tolerance=1e-12)
def fsq_codes(rng):
    """The number of codes that FSQ gives to a fine grid of inputs, counted, against the product of its levels"""
    levels = [int(level) for level in rng.integers(2, 6, 3)]
    quantiser = FSQ(levels)
    line = np.linspace(-20, 20, 61)
    z = torch.tensor(np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1).reshape(-1, 3))
    found = len(np.unique(quantiser(z).indices.numpy()))
    return Equal({"log K": np.log(found)}, {f"log L_{j + 1}": np.log(level) for j, level in enumerate(levels)})
