"""Live figure 5: the latent plane.

An image, q(z | x) as an ellipse, z in the reader's hand, and what is decoded there.
"""

from __future__ import annotations

from .one_plane import OnePlaneFigure

__all__ = ["LatentPlaneFigure"]


class LatentPlaneFigure(OnePlaneFigure):
    """A black and white image, its q(z | x) on the plane of z, and the mean of p(x | z) wherever the handle stands.

    vae: a VAE with two latent dimensions, 784 binary pixels and a Bernoulli likelihood, or several as {name: VAE},
        between which the reader chooses; None: the small one that comes with the library.
    ae: an autoencoder to stand beside it, decoded at the same z. Its codes know no unit, so they are shown in that of
        the Gaussian which fits them: code = m + L z, with mean m and covariance L L^T of the codes of the test images.
    data: "digits" or "clothing": the stored test images for the cloud, and those to pick from.
    precision: of the weights in the page, "mixed", "int8" or "float16" (lvm_lib.figures.network).

    Traits (set from Python, or by the reader): net (name of the VAE), x (the image as text, see `drawing`), follow (z
    stands at the mean of q), z1, z2, the path from (a1, a2) to (b1, b2) and the step on it, 0 to 40.
    Read back, in nats: reconstruction (Gauss-Hermite, 5 x 5 points), kl, elbo, log_px_z (at the handle's z).
    Raises TypeError or ValueError where vae, ae, data or precision cannot be right.
    """

    name = "plane"
    heights = (1060, 742)
