"""The table of bad input for integrals over a plane of codes."""

import numpy as np
from bad_input import one_of, reals, row, thing, whole

from lvm_lib import latent_plane
from lvm_lib.autoencoder import mlp_decoder
from lvm_lib.mixture import GaussianMixture
from lvm_lib.vae import mlp_vae

DECODER = mlp_decoder(2, (4,), 3).double()
X = np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]])
UNIT = {"unit": GaussianMixture(np.ones(1), np.zeros((1, 2)), np.eye(2)[None])}

row(latent_plane.log_px_at, decoder=thing(DECODER), z=reals(np.array([[0.5, 1.0], [0.1, -1.0]])), x=reals(X))
row(
    latent_plane.evidence,
    decoder=thing(DECODER),
    x=reals(X),
    densities=one_of(UNIT, {}, None, 3),
    low=reals(-4.0),
    high=reals(5.0),
    side=whole(9, 3),
)
row(latent_plane.gaps, vae=thing(mlp_vae(2, (4,), 3, seed=0).double()), x=reals(X[:1]))
