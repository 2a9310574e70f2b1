"""The table of bad input for discrete z.

K-means, quantisers, gradients of a choice, VQ-VAEs, priors of tokens, labs.
"""

import ipywidgets
import numpy as np
from bad_input import (
    Argument,
    chance,
    integers,
    moderate,
    number,
    one_of,
    reals,
    row,
    thing,
    whole,
    without,
)
from torch import nn

from lvm_lib import categorical, kmeans, quantize, rotation, single_code, token_bounds, token_priors, vqvae
from lvm_lib.labs import Lab, four_ways_lab, tokens_lab, vae_lab
from lvm_lib.likelihoods import Gaussian

WIDTHS = ((4,), "ab", None, (0,), 4)


def optional(argument: Argument) -> Argument:
    """The same, but None is welcome."""
    return argument._replace(refused=without(argument.refused, ["None"]))


# ---------------------------------------------------------------- K-means

X = np.array([[0.3, -1.0], [2.0, 0.5], [0.1, 0.2], [-1.0, 0.4]])
CENTROIDS, CODES = X[:2] + 0.1, [0, 1, 1, 0]

row(kmeans.assign, x=reals(X), centroids=reals(CENTROIDS))
row(kmeans.update, x=reals(X), codes=integers(CODES), centroids=reals(CENTROIDS))
row(kmeans.inertia, x=reals(X), centroids=reals(CENTROIDS), codes=optional(integers(CODES)))
row(kmeans.lloyd_step, x=reals(X), centroids=reals(CENTROIDS))
row(kmeans.lloyd, x=reals(X), centroids=reals(CENTROIDS), iterations=whole(3), empty=one_of("farthest"))
row(kmeans.kmeans, x=reals(X), k=whole(2), rng=chance(), restarts=whole(2), iterations=whole(3))
row(kmeans.kmeans_plus_plus, x=reals(X), k=whole(2), rng=chance())
row(kmeans.lloyd(X, CENTROIDS).assign, x=reals(X))

# ---------------------------------------------------------------- quantisers

VQ = quantize.VectorQuantizer(3, 2, seed=0, start="random").double().eval()
GRID = quantize.FSQ((3, 5)).double()

row(quantize.nearest, z=reals(X), codebook=reals(CENTROIDS))
row(quantize.straight_through, z=reals(X), codes=reals(X + 0.1))
row(rotation.rotated, z=moderate(X), codes=moderate(X + 0.1))
row(quantize.usage, indices=integers(CODES), size=whole(2))
for learned in (quantize.VectorQuantizer, rotation.RotatingQuantizer):
    row(
        learned,
        size=whole(3),
        dimensions=whole(2),
        seed=chance(),
        update=one_of("ema"),
        decay=number(0.9, welcome=["zero"]),
        smoothing=number(1e-5, welcome=["zero"]),
        start=one_of("data"),
        revive=number(0.1, welcome=["zero"]),
    )
row(VQ.decode, indices=integers(CODES))
row(VQ.set_, codebook=reals(X[:3]))
row(VQ.start_from, z=reals(X))
row(quantize.FSQ, levels=one_of((3, 5), "ab", None, (), (1, 3), (2.5,), 3))
row(GRID.decode, indices=integers(CODES))

# ---------------------------------------------------------------- gradients of a choice

LOGITS = [0.2, -1.0, 0.5]


def bent(y):
    return (y**2).sum(-1) + y[:, 0]


row(categorical.enumerated_gradient, f=thing(bent), logits=reals(LOGITS))
row(
    categorical.choice_score_function_gradient,
    f=thing(bent),
    logits=reals(LOGITS),
    samples=whole(3),
    generator=chance(),
    baseline=one_of(0.5, "no such thing", None, np.nan, np.inf),
)
row(categorical.gumbel_softmax, logits=reals(LOGITS), temperature=number(0.5), samples=whole(3), generator=chance())
row(
    categorical.gumbel_softmax_gradient,
    f=thing(bent),
    logits=reals(LOGITS),
    temperature=number(0.5),
    samples=whole(3),
    generator=chance(),
)
row(categorical.straight_through_gradient, f=thing(bent), logits=reals(LOGITS), samples=whole(3), generator=chance())

# ---------------------------------------------------------------- one code for a whole image

ONE = single_code.single_code_vqvae(3, 2, (4,), 2, Gaussian(0.5), seed=0, start="random").double().eval()
EVEN = np.log([0.2, 0.5, 0.3])

row(
    single_code.SingleCodeVQVAE,
    encoder=thing(ONE.encoder),
    quantiser=thing(VQ),
    decoder=thing(ONE.decoder),
    likelihood=thing(Gaussian(0.5)),
    beta=number(0.25, welcome=["zero"]),
)
row(ONE.quantise, x=moderate(X))
row(ONE.encode, x=moderate(X))
row(ONE.loss, x=moderate(X))
row(ONE.log_px_z_all, x=moderate(X))
row(ONE.elbo, x=moderate(X), log_prior=optional(reals(EVEN)))
row(ONE.evidence, x=moderate(X), log_prior=optional(reals(EVEN)))
row(
    single_code.single_code_vqvae,
    size=whole(3),
    dimensions=whole(2),
    hidden=one_of(*WIDTHS),
    pixels=whole(3),
    seed=chance(),
    beta=number(0.25, welcome=["zero"]),
)

# ---------------------------------------------------------------- a grid of codes

NET = (
    vqvae.conv_vqvae(quantize.VectorQuantizer(3, 2, seed=0, start="random"), 2, 8, Gaussian(0.5), seed=0)
    .double()
    .eval()
)
PICTURES = np.random.default_rng(0).random((2, 64))
TOKENS = np.array([[0, 1, 2, 0], [2, 2, 1, 0]])

row(vqvae.ConvEncoder, dimensions=whole(2), channels=whole(2), side=whole(8))
row(vqvae.ConvDecoder, dimensions=whole(2), channels=whole(2), side=whole(8))
row(vqvae.TransformerEncoder, dimensions=whole(2), width=whole(4), layers=whole(1), side=whole(8))
row(vqvae.TransformerDecoder, dimensions=whole(2), width=whole(4), layers=whole(1), side=whole(8))
row(NET.decoder.field, token=whole(1, 0))
row(
    vqvae.VQVAE,
    encoder=thing(NET.encoder),
    quantiser=thing(VQ),
    decoder=thing(NET.decoder),
    likelihood=thing(Gaussian(0.5)),
    commitment=number(0.25, welcome=["zero"]),
)
row(NET.tokens, x=moderate(PICTURES))
row(NET.px_z, tokens=integers(TOKENS))
row(NET.log_px_z, x=moderate(PICTURES), tokens=integers(TOKENS))
row(NET.decode, tokens=integers(TOKENS))
row(
    NET.elbo_terms,
    x=moderate(PICTURES),
    prior=thing(token_priors.UniformPrior(3, 4)),
    label=one_of(None, "seven", 0, 0.5),
)
row(NET.loss, x=moderate(PICTURES))
row(vqvae.parameters, module=thing(nn.Linear(2, 1)))
row(
    vqvae.conv_vqvae,
    quantiser=thing(VQ),
    channels=whole(2),
    side=whole(8),
    seed=chance(),
    commitment=number(0.25, welcome=["zero"]),
)
row(
    vqvae.transformer_vqvae,
    quantiser=thing(VQ),
    width=whole(4),
    layers=whole(1),
    side=whole(8),
    seed=chance(),
    commitment=number(0.25, welcome=["zero"]),
)

# ---------------------------------------------------------------- priors of tokens

PRIOR = token_priors.transformer_prior(3, 4, 2, width=4, layers=1, heads=2, seed=0).double().eval()
LABEL = one_of(1, "seven", -1, 2, 0.5, [0, 1, 0])
SIZES = {"channels": whole(4), "layers": whole(1), "embedding": whole(2), "dropout": number(0.1, welcome=["zero"])}
WIDE = {"width": whole(4), "layers": whole(1), "heads": whole(2), "dropout": number(0.1, welcome=["zero"])}

for plain in (token_priors.TokenPrior, token_priors.UniformPrior):
    row(plain, codes=whole(3), places=whole(4), classes=whole(2, 0))
row(PRIOR.logits, tokens=integers(TOKENS), labels=integers([0, 1]))
row(PRIOR.conditionals, tokens=integers(TOKENS), label=LABEL, temperature=number(1.5))
row(PRIOR.log_prob, tokens=integers(TOKENS), label=LABEL, temperature=number(1.5))
row(token_priors.UniformPrior(3, 4, 2).log_prob, tokens=integers(TOKENS), label=LABEL, temperature=number(1.5))
row(PRIOR.loss, tokens=integers(TOKENS), labels=integers([0, 1]))
row(
    PRIOR.sample,
    n=whole(2),
    seed=chance(),
    temperature=number(1.5),
    label=LABEL,
    prefix=one_of([0, 1], "seven", object(), [0.5], [3], [-1], [0] * 5, np.nan, [[0], [0, 1]]),
)
row(token_priors.training_rows, tokens=integers(TOKENS), labels=optional(integers([0, 1])))
row(token_priors.IndependentPrior, shares=reals([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]]))
row(
    token_priors.IndependentPrior.counted,
    tokens=integers(TOKENS),
    codes=whole(3),
    labels=optional(integers([0, 1])),
    classes=whole(2),
    amount=number(0.1),
)
row(token_priors.MaskedConv2d, inputs=whole(2), outputs=whole(2), kernel=whole(3), centre=one_of(True))
row(token_priors.PixelCNNPrior, codes=whole(3), side=whole(2), classes=whole(2, 0), **SIZES)
row(token_priors.TransformerPrior, codes=whole(3), places=whole(4), classes=whole(2, 0), **WIDE)
row(token_priors.pixelcnn_prior, codes=whole(3), side=whole(2), classes=whole(2, 0), seed=chance(), **SIZES)
row(token_priors.transformer_prior, codes=whole(3), places=whole(4), classes=whole(2, 0), seed=chance(), **WIDE)

# ---------------------------------------------------------------- what a one-point q wastes

SPREAD = token_bounds.spread_log_q(NET, PICTURES, 1.0).numpy()

row(token_bounds.spread_log_q, model=thing(NET), x=moderate(PICTURES), temperature=number(1.0))
row(
    token_bounds.log_weights,
    model=thing(NET),
    prior=thing(token_priors.UniformPrior(3, 4)),
    x=moderate(PICTURES),
    tokens=integers(TOKENS),
    log_q=reals(SPREAD),
)
row(
    token_bounds.spread_bound,
    model=thing(NET),
    prior=thing(token_priors.UniformPrior(3, 4)),
    x=moderate(PICTURES),
    generator=chance(),
    temperature=number(1.0),
    samples=whole(2),
)

# ---------------------------------------------------------------- labs


def nothing(*_):
    return None


CONTROLS = {"a": ipywidgets.IntText()}

row(Lab, controls=one_of(CONTROLS, [], {}, {"a": 3}, None), train=thing(nothing), show=thing(nothing))
row(Lab(CONTROLS, nothing, nothing).wait, seconds=one_of(0.1, "seven", -1.0, np.nan, object()))
row(vae_lab, show=optional(thing(nothing)), hidden=one_of(*WIDTHS), seed=chance())
row(tokens_lab, show=thing(nothing), channels=whole(4), seed=chance())
row(
    four_ways_lab,
    sets=one_of(
        {"a": (X, X)}, {}, None, "seven", {"a": X}, {"a": (X, X[0])}, {"a": (X, X[:, :1])}, {"a": (X, X * np.nan)}
    ),
    show=optional(thing(nothing)),
)
