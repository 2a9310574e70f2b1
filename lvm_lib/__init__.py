"""Latent variable models, one file per concept; the folder listing reads like the table of contents.

The exact half (densities, quadrature, refine, mixture, ppca, curve, bounds, em, landscape) is NumPy in float64;
networks are torch. Nothing heavy is imported until its module is: `import lvm_lib` loads neither torch nor matplotlib.
Units: every log density, bound, entropy and divergence is in nats.
"""

from importlib import import_module
from types import ModuleType

__version__ = "0.1.0"

MODULES = (
    "autoencoder",
    "bernoulli_mixture",
    "bounds",
    "categorical",
    "check",
    "claims",
    "counter",
    "curve",
    "data",
    "densities",
    "em",
    "experiments",
    "figures",
    "fit",
    "gradients",
    "kmeans",
    "labs",
    "landscape",
    "likelihoods",
    "mixture",
    "plots",
    "ppca",
    "quadrature",
    "quantize",
    "recipes",
    "refine",
    "shipped",
    "single_code",
    "tables",
    "token_priors",
    "trainable_models",
    "vae",
    "variational",
    "vqvae",
)
__all__ = list(MODULES)


def __getattr__(name: str) -> ModuleType:
    if name in MODULES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *MODULES])
