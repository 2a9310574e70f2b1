"""The table of bad input for what is built on torch: gradients, autoencoder, VAE. (Training: test_fit.py.)"""

import numpy as np
from bad_input import chance, moderate, number, one_of, positive, reals, row, thing, whole
from torch import nn

from lvm_lib import autoencoder, gradients, ppca, recipes, vae
from lvm_lib._torch import Units, seeded
from lvm_lib.likelihoods import DiscretisedLogistic, DiscretisedNormal, Gaussian

X, Z = np.array([[0.3, -1.0, 0.2], [2.0, 0.5, 0.1]]), np.array([[0.5], [-1.0]])


def square(z):
    return (z**2).sum(-1)


row(
    gradients.reparameterised_gradient,
    f=thing(square),
    mean=reals([0.5, 1.0]),
    log_std=reals([0.1, -1.0]),
    samples=whole(3),
    generator=chance(),
)
row(
    gradients.score_function_gradient,
    f=thing(square),
    mean=reals([0.5, 1.0]),
    log_std=reals([0.1, -1.0]),
    samples=whole(3),
    generator=chance(),
    baseline=one_of(0.5, "no such thing", None, np.nan, np.inf),
)

# ---------------------------------------------------------------- autoencoder

AE = autoencoder.mlp_autoencoder(1, (4,), 3, seed=0).double()

row(seeded, seed=chance())
row(autoencoder.AE, encoder=thing(nn.Linear(3, 1)), decoder=thing(nn.Linear(1, 3)))
row(AE.encode, x=reals(X))
row(AE.decode, z=reals(Z))
row(AE.squared_error, x=reals(X))
row(AE.loss, x=reals(X))
row(autoencoder.mlp_autoencoder(1, (4,), 3, seed=0).meet, x=reals(X))  # another one: what meets data remembers them
row(Units().meet, x=reals(X))
row(autoencoder.mlp, sizes=one_of((3, 2), "ab", None, (3,), (3, 0), (3, 1.5)))
row(autoencoder.mlp_encoder, outputs=whole(2), hidden=one_of((4,), "ab", None, (0,), 4), pixels=whole(3))
row(autoencoder.mlp_decoder, latents=whole(2), hidden=one_of((4,), "ab", None, (0,), 4), pixels=whole(3))
row(
    autoencoder.mlp_autoencoder,
    latents=whole(2),
    hidden=one_of((4,), "ab", None, (0,), 4),
    pixels=whole(3),
    seed=chance(),
)
row(autoencoder.conv_encoder, outputs=whole(2), channels=whole(2), side=whole(8))
row(autoencoder.conv_decoder, latents=whole(2), channels=whole(2), side=whole(8))
row(autoencoder.conv_autoencoder, latents=whole(2), channels=whole(2), side=whole(8), seed=chance())

# ---------------------------------------------------------------- likelihoods

row(Gaussian, std=positive(0.5))
row(DiscretisedNormal, std=positive(0.5), levels=whole(8, 2))
row(DiscretisedLogistic, std=positive(0.5), levels=whole(8, 2))

# ---------------------------------------------------------------- VAE

VAE = vae.mlp_vae(1, (4,), 3, Gaussian(0.5), seed=0).double()
LINEAR = vae.linear_vae(1, 3, 0.5, seed=0).double()
KNOWN = ppca.LinearGaussian(np.array([[1.0], [0.5], [0.2]]), np.zeros(3), 0.25)
Q = VAE.q(X)

row(vae.VAE, encoder=thing(VAE.encoder), decoder=thing(VAE.decoder), likelihood=thing(VAE.likelihood), latents=whole(1))
row(
    vae.LinearVAE,
    encoder=thing(LINEAR.encoder),
    decoder=thing(LINEAR.decoder),
    likelihood=thing(LINEAR.likelihood),
    latents=whole(1),
)
row(VAE.q, x=reals(X))
row(VAE.px_z, z=reals(Z))
row(VAE.log_px_z, x=reals(X), z=reals(Z))
row(VAE.log_joint, x=reals(X), z=reals(Z))
row(VAE.decode, z=reals(Z))
row(VAE.sample, n=whole(2), generator=chance())
row(VAE.elbo_terms, x=moderate(X), generator=chance(), samples=whole(2))
row(VAE.elbo, x=moderate(X), generator=chance(), samples=whole(2))
row(VAE.loss, x=moderate(X), generator=chance(), beta=number(1.5, welcome=["zero"]))
row(VAE.evidence, x=moderate(X), generator=chance(), samples=whole(3, 2))
row(LINEAR.exact_elbo_terms, x=reals(X))
row(LINEAR.exact_loss, x=reals(X))
row(LINEAR.copy_, model=thing(KNOWN))
row(vae.GaussianEncoder, net=thing(nn.Linear(3, 2)))
row(vae.LinearEncoder, pixels=whole(3), latents=whole(1), covariance=one_of("full"))
row(vae.mlp_vae, latents=whole(2), hidden=one_of((4,), "ab", None, (0,), 4), pixels=whole(3), seed=chance())
row(vae.conv_vae, latents=whole(2), channels=whole(2), side=whole(8), seed=chance())
row(vae.linear_vae, latents=whole(1), pixels=whole(3), std=positive(0.5), covariance=one_of("full"), seed=chance())
row(vae.reparameterise, q=thing(Q), samples=whole(2), generator=chance())
row(vae.kl_to_prior, q=thing(Q))
row(LINEAR.encoder.set_, gain=reals(np.ones((1, 3))), bias=reals([0.5]), factor=reals([[2.0]]))

# ---------------------------------------------------------------- recipes

row(recipes.plane_vae, latents=whole(2), hidden=one_of((4,), "ab", None, (0,), 4), seed=chance())
row(recipes.wide_vae, seed=chance())
row(recipes.first_vae, latents=whole(2), hidden=one_of((4,), "ab", None, (0,), 4), seed=chance())
row(recipes.small_tokenizer, seed=chance())
row(recipes.wide_tokenizer, codes=whole(3), seed=chance())
row(recipes.wide_pixelcnn, codes=whole(3), classes=whole(2, 0), seed=chance())
row(recipes.small_transformer, codes=whole(3), classes=whole(2, 0), seed=chance())
row(
    recipes.tokenizer,
    codes=whole(3),
    channels=whole(2),
    decay=one_of(0.9, -0.1, 1.0),
    commitment=number(1.0),
    seed=chance(),
)
row(recipes.pixelcnn, codes=whole(3), classes=whole(2, 0), seed=chance())
row(recipes.transformer, codes=whole(3), classes=whole(2, 0), seed=chance())
