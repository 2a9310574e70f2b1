"""The equations of the chapter "kmeans_to_vqvae", each by two independent routes.

See gate.py for the form of a test.
"""

from __future__ import annotations

import itertools

import numpy as np
import torch
from gate import AtMost, Equal, identity
from scipy import integrate, linalg, optimize, special, stats

from lvm_lib import categorical, kmeans
from lvm_lib.likelihoods import Gaussian
from lvm_lib.mixture import GaussianMixture
from lvm_lib.quantize import VectorQuantizer, usage
from lvm_lib.rotation import rotated
from lvm_lib.single_code import single_code_vqvae


def points_and_centroids(rng, n=60, k=4, d=3):
    """Data away from the origin, and centroids among it that each own some of it."""
    x = rng.normal(size=(n, d)) * 1.5 + 2.0
    return x, x[rng.choice(n, k, replace=False)] + 0.05


def codes_by_broadcast(x, centroids):
    """Nearest centroids from the full table of differences, (n,)."""
    return np.linalg.norm(x[:, None] - centroids, axis=2).argmin(axis=1)


def numeric(function, at, h=1e-6):
    """Central differences of a function of an array, in its shape."""
    slope = np.zeros_like(at)
    for index in np.ndindex(at.shape):
        step = np.zeros_like(at)
        step[index] = h
        slope[index] = (function(at + step) - function(at - step)) / (2 * h)
    return slope


def some_choice(rng, k=5):
    """Logits (k,), and a smooth loss on the simplex for torch."""
    logits, mix = rng.normal(size=k), torch.tensor(rng.normal(size=(k, 3)))
    return torch.tensor(logits), lambda y: ((y @ mix - 2.0) ** 2).sum(-1)


# ---------------------------------------------------------------- a choice has no slope


@identity("kmeans-enumerated", tolerance=1e-7)
def enumerated(rng):
    """Numerical derivative of the enumerated expectation against q_j f(𝟏_j) and q_j E_q[f]"""
    logits, f = some_choice(rng)
    values = f(torch.eye(5, dtype=torch.float64)).numpy()
    slope = numeric(lambda at: special.softmax(at) @ values, logits.numpy())
    exact = categorical.enumerated_gradient(f, logits).numpy()
    q = special.softmax(logits.numpy())
    return [
        Equal({"d E_q f": slope}, {"q f": q * values, "- q E_q f": -q * (q @ values)}),
        Equal({"library": exact}, {"d E_q f": slope}),
    ]


@identity("kmeans-score-function", tolerance=1e-7)
def score_function(rng):
    """Numerical derivative of E_q[f] against the average of (f - b)(𝟏_k - q), all choices weighted by q"""
    logits, f = some_choice(rng)
    values, baseline = f(torch.eye(5, dtype=torch.float64)).numpy(), rng.normal() + 2
    q, corners = special.softmax(logits.numpy()), np.eye(5)
    slope = numeric(lambda at: special.softmax(at) @ values, logits.numpy())
    gradients = categorical.choice_score_function_gradient(f, logits, 4000, 0, baseline=baseline).numpy()
    one_of_each = np.unique(np.round(gradients, 10), axis=0)
    by_hand = np.unique(np.round((values - baseline)[:, None] * (corners - q), 10), axis=0)
    seen = np.isclose(by_hand[:, None], one_of_each).all(axis=2).any(axis=0)
    return [
        Equal(
            {"d E_q f": slope},
            {
                "E_q f (e - q)": q @ (values[:, None] * (corners - q)),
                "- b E_q (e - q)": -baseline * (q @ (corners - q)),
            },
            zero=("- b E_q (e - q)",),
        ),
        Equal({"samples that are of this form": np.ones(1)}, {"all of them": [float(seen.mean())]}),
    ]


@identity("kmeans-gumbel-max", tolerance=1e-7)
def gumbel_max(rng):
    """P(ℓ_k + G_k is the largest) by integrating a Gumbel density times the others' cdfs, against the softmax"""
    logits = rng.normal(size=4)

    def wins(k):
        others = np.delete(logits, k)

        def inside(t):
            return stats.gumbel_r.pdf(t - logits[k]) * np.prod(stats.gumbel_r.cdf(t - others))

        return integrate.quad(inside, -15, 60, epsabs=1e-12, limit=300)[0]

    return Equal({"P(k wins)": np.array([wins(k) for k in range(4)])}, {"q_k": special.softmax(logits)})


# ---------------------------------------------------------------- K-means


@identity("kmeans-objective", tolerance=1e-10)
def objective(rng):
    """Inertia by blocked products against the smallest of all differences, written out"""
    x, centroids = points_and_centroids(rng)
    table = ((x[:, None] - centroids) ** 2).sum(axis=2)
    return Equal({"J": kmeans.inertia(x, centroids)}, {"sum of minima": table.min(axis=1).sum()})


@identity("kmeans-huygens", tolerance=1e-10)
def huygens(rng):
    """Error about any point against error about the mean plus the mean's own"""
    x, centroids = points_and_centroids(rng)
    mean = kmeans.update(x, np.zeros(len(x), dtype=int), centroids[:1])[0]
    return Equal(
        {"about c": kmeans.inertia(x, centroids[1:2])},
        {
            "about the mean": sum(np.var(column) * len(x) for column in x.T),
            "n |mean - c|^2": len(x) * np.sum((mean - centroids[1]) ** 2),
        },
    )


@identity("kmeans-elbo", tolerance=1e-10)
def elbo(rng):
    """The mixture's bound at every one-hot q, the best of them picked, against -J and its constants"""
    x, centroids = points_and_centroids(rng)
    sigma, (n, d), k = rng.uniform(0.5, 1.2), x.shape, len(centroids)
    mixture = GaussianMixture.spherical(np.full(k, 1 / k), centroids, sigma)
    each = np.stack([mixture.elbo(np.tile(np.eye(k)[j], (n, 1)), x) for j in range(k)], axis=1)
    return Equal(
        {"max over one-hot q": each.max(axis=1).sum()},
        {
            "- J / 2 sigma^2": -kmeans.inertia(x, centroids) / (2 * sigma**2),
            "- N log K": -n * np.log(k),
            "- N D / 2 log 2 pi sigma^2": -n * d / 2 * np.log(2 * np.pi * sigma**2),
        },
    )


# ---------------------------------------------------------------- even use


@identity("kmeans-point-density", tolerance=1e-6)
def point_density(rng):
    """The distortion of six regions minimised over the shares of centroids, against the power D / (D + 2) of p"""
    p, volume = rng.uniform(0.2, 3.0, size=6), rng.uniform(0.5, 2.0, size=6)
    found = []
    for dimensions in (1, 2, 8):

        def distortion(u, d=dimensions):
            density = special.softmax(u) / volume
            return np.log(np.sum(volume * p * density ** (-2 / d)))

        best = optimize.minimize(distortion, np.zeros(6), method="BFGS", options={"gtol": 1e-10}).x
        raised = p ** (dimensions / (dimensions + 2))
        found.append(Equal({"density": special.softmax(best) / volume}, {"p^": raised / np.sum(volume * raised)}))
    return found


@identity("kmeans-evenness", tolerance=1e-4)
def evenness(rng):
    """Counts of 200,000 cells built at the quantiles of the centroids' density, against a Gaussian KL in closed form"""
    cells, scale = 200_000, rng.uniform(0.5, 2.0)
    edges = stats.norm.ppf(np.linspace(0, 1, cells + 1), scale=np.sqrt(3) * scale)
    share = np.diff(stats.norm.cdf(edges, scale=scale))
    return Equal(
        {"log perplexity": -np.sum(special.xlogy(share, share)), "- log K": -np.log(cells)},
        {"- KL": -0.5 * (1 / 3 - 1 + np.log(3))},
    )


# ---------------------------------------------------------------- the dial


def lloyd_by_loop(x, centroids):
    """A step of Lloyd's algorithm as it is told: no products, no sums of what moved."""
    codes = codes_by_broadcast(x, centroids)
    return np.stack([x[codes == k].mean(axis=0) if (codes == k).any() else centroids[k] for k in range(len(centroids))])


@identity("kmeans-ema", tolerance=1e-12)
def running_means(rng):
    """The layer's running means against sums over all batches with their weights; without memory, Lloyd by a loop"""
    x, centroids = points_and_centroids(rng)
    decay, k = rng.uniform(0.3, 0.9), len(centroids)
    layer = VectorQuantizer(k, 3, seed=0, decay=decay, smoothing=0, revive=0).double().set_(centroids).train()
    sums, counts = np.zeros((k, 3)), np.zeros(k)
    for t, batch in enumerate(np.split(x, 3)):
        codes = codes_by_broadcast(batch, layer.codebook.numpy())
        for row, code in zip(batch, codes, strict=True):
            sums[code] += decay ** (2 - t) * row
            counts[code] += decay ** (2 - t)
        layer(torch.tensor(batch))
    seen = counts > 0
    without = VectorQuantizer(k, 3, seed=0, decay=0, smoothing=0, revive=0).double().set_(centroids).train()
    moved = centroids
    for _ in range(6):
        without(torch.tensor(x))
        moved = lloyd_by_loop(x, moved)
    return [
        Equal({"running mean": layer.codebook.numpy()[seen]}, {"weighted": sums[seen] / counts[seen, None]}),
        Equal({"no memory": without.codebook.numpy()}, {"Lloyd": moved}),
        Equal({"library's step": kmeans.lloyd_step(x, centroids)}, {"Lloyd": lloyd_by_loop(x, centroids)}),
    ]


@identity("kmeans-gradient-step", tolerance=1e-12)
def gradient_step(rng):
    """The codebook's loss differentiated by torch, a step of N / (2 n_k), against the means of the rows by a loop"""
    x, centroids = points_and_centroids(rng)
    layer = VectorQuantizer(4, 3, seed=0, update="gradient", revive=0).double().set_(centroids).train()
    (gradient,) = torch.autograd.grad(layer(torch.tensor(x)).losses.codebook, layer.codebook)
    counts = np.bincount(codes_by_broadcast(x, centroids), minlength=4)[:, None]
    return Equal(
        {"code": centroids, "- step x gradient": -len(x) / (2 * counts) * gradient.numpy()},
        {"mean": lloyd_by_loop(x, centroids)},
    )


@identity("kmeans-cannot-beat", tolerance=1e-9)
def cannot_beat(rng):
    """The global optimum by trying every partition, below a network's own error; equal for images at that optimum"""
    x = rng.normal(size=(8, 2))
    best = np.inf
    for labels in itertools.product(range(2), repeat=7):
        codes = np.array([0, *labels])
        if codes.any():
            means = np.stack([x[codes == k].mean(axis=0) for k in (0, 1)])
            if (error := ((x - means[codes]) ** 2).sum()) < best:
                best, optimum = error, means
    net = single_code_vqvae(2, 3, (6,), 2, Gaussian(1.0), seed=int(rng.integers(1000)), start="random").double().eval()
    with torch.no_grad():
        drawn, codes = net.images().numpy(), net.encode(torch.tensor(x)).numpy()
    own, nearest = ((x - drawn[codes]) ** 2).sum(), kmeans.inertia(x, drawn)
    if not own >= nearest - 1e-9:
        raise AssertionError(f"the network's own choice, {own}, is below the best choice, {nearest}")
    return AtMost(
        {"global optimum": best},
        {"network": own},
        Equal({"global optimum": best}, {"the same images": kmeans.inertia(x, optimum)}),
    )


# ---------------------------------------------------------------- who trains what


def vq_parts(rng):
    """A layer with a learned codebook, rows z, and a decoder and its data as plain functions of the codes."""
    layer = VectorQuantizer(4, 3, seed=0, update="gradient", revive=0).double().set_(rng.normal(size=(4, 3))).train()
    z, x = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    weights = rng.normal(size=(3, 2))
    return (
        layer,
        z,
        lambda e: ((np.tanh(e @ weights) - x) ** 2).sum(),
        lambda e: ((torch.tanh(e @ torch.tensor(weights)) - torch.tensor(x)) ** 2).sum(),
    )


@identity("kmeans-straight-through", tolerance=1e-7)
def straight_through(rng):
    """∂L/∂z_e by torch through the layer against numerical differences of the decoder at codes, plus 2β(z_e - e)"""
    layer, z, error, error_torch = vq_parts(rng)
    beta, rows = 0.25, torch.tensor(z, requires_grad=True)
    codes, _indices, losses = layer(rows)
    loss = error_torch(codes) + len(z) * (losses.codebook + beta * losses.commitment)
    (gradient,) = torch.autograd.grad(loss, rows, retain_graph=True)
    e = layer.codebook.detach().numpy()[codes_by_broadcast(z, layer.codebook.detach().numpy())]
    (unmoved,) = torch.autograd.grad(losses.codebook + 0 * losses.commitment, rows)
    return [
        Equal(
            {"dL/dz": gradient.numpy(), "of the codebook term": unmoved.numpy()},
            {"d reconstruction / de": numeric(error, e), "2 beta (z - e)": 2 * beta * (z - e)},
            zero=("of the codebook term",),
        )
    ]


@identity("kmeans-codebook-gradient", tolerance=1e-7)
def codebook_gradient(rng):
    """∂L/∂e by torch from the whole loss against 2(e - z_e), added up by a loop over the rows of each code"""
    layer, z, _, error_torch = vq_parts(rng)
    rows = torch.tensor(z, requires_grad=True)
    codes, _, losses = layer(rows)
    loss = error_torch(codes) + len(z) * (losses.codebook + 0.25 * losses.commitment)
    (gradient,) = torch.autograd.grad(loss, layer.codebook, retain_graph=True)
    book = layer.codebook.detach().numpy()
    wanted = np.zeros_like(book)
    for row, code in zip(z, codes_by_broadcast(z, book), strict=True):
        wanted[code] += 2 * (book[code] - row)
    others = torch.autograd.grad(error_torch(codes) + losses.commitment, layer.codebook, allow_unused=True)[0]
    silent = np.zeros_like(book) if others is None else others.numpy()
    return Equal(
        {"dL/de": gradient.numpy()},
        {"2 (e - z)": wanted, "reconstruction and commitment": silent},
        zero=("reconstruction and commitment",),
    )


@identity("kmeans-late-losses", tolerance=1e-7)
def late_losses(rng):
    """∂L/∂z_e by torch, losses behind the straight-through line, against differences plus 2(β - 1)(z_e - e)"""
    layer, z, error, error_torch = vq_parts(rng)
    beta, rows = rng.uniform(0.1, 0.6), torch.tensor(z, requires_grad=True)
    passed = layer(rows).codes
    codebook, commitment = ((rows.detach() - passed) ** 2).sum(), ((rows - passed.detach()) ** 2).sum()
    (gradient,) = torch.autograd.grad(error_torch(passed) + codebook + beta * commitment, rows)
    e = layer.codebook.detach().numpy()[codes_by_broadcast(z, layer.codebook.detach().numpy())]
    return Equal(
        {"dL/dz": gradient.numpy()},
        {"d reconstruction / de": numeric(error, e), "2 (beta - 1) (z - e)": 2 * (beta - 1) * (z - e)},
    )


@identity("kmeans-rotation", tolerance=1e-9)
def rotation(rng):
    """∂L/∂z_e by torch through the library against the transposed matrix exponential of a turn from z_e to e"""
    z, e, slope = rng.normal(size=(3, 4, 5))
    rows = torch.tensor(z, requires_grad=True)
    passed = rotated(rows, e)
    (gradient,) = torch.autograd.grad((passed * torch.tensor(slope)).sum(), rows)
    turned, carried = [], []
    for row, code, by in zip(z, e, slope, strict=True):
        first = row / np.linalg.norm(row)
        across = code - (code @ first) * first
        across /= np.linalg.norm(across)
        angle = np.arctan2(code @ across, code @ first)
        turn = linalg.expm(angle * (np.outer(across, first) - np.outer(first, across)))
        stretch = np.linalg.norm(code) / np.linalg.norm(row)
        turned.append(stretch * turn.T @ by)
        carried.append(stretch * turn @ row)
    return [
        Equal({"dL/dz": gradient.numpy()}, {"k Q^T dL/de": np.array(turned)}),
        Equal({"value": passed.detach().numpy()}, {"k Q z": np.array(carried)}),
    ]


# ---------------------------------------------------------------- a generative model


@identity("kmeans-gap", tolerance=1e-9)
def gap(rng):
    """Enumerated evidence of the single-code model against scipy densities of its images, Bayes' rule for the code"""
    net = single_code_vqvae(5, 3, (6,), 2, Gaussian(0.7), seed=int(rng.integers(1000)), start="random").double().eval()
    x = rng.normal(size=(6, 2)) * 0.5
    with torch.no_grad():
        evidence, bound = net.evidence(x).numpy(), net.elbo(x).numpy()
        drawn, codes = net.images().numpy(), net.encode(torch.tensor(x)).numpy()
    table = np.stack([stats.multivariate_normal(mean, 0.49 * np.eye(2)).logpdf(x) for mean in drawn], axis=1)
    rows = np.arange(6)
    posterior = special.log_softmax(table, axis=1)[rows, codes]
    return [
        Equal(
            {"log p(x)": evidence},
            {"log p(x | e)": table[rows, codes], "- log K": np.full(6, -np.log(5)), "- log p(k | x)": -posterior},
        ),
        Equal({"bound": bound}, {"log p(x | e)": table[rows, codes], "- log K": np.full(6, -np.log(5))}),
    ]


@identity("kmeans-perplexity", tolerance=1e-10)
def perplexity(rng):
    """Perplexity by the library against a product: every share to the power of minus itself"""
    indices = rng.integers(0, 6, size=50) ** 2 // 7
    shares = np.unique(indices, return_counts=True)[1] / 50
    return Equal({"perplexity": usage(torch.tensor(indices), 9).perplexity}, {"product": np.prod(shares**-shares)})
