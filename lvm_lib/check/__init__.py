"""Self-checks of the exercises: each says what is wrong, not only that something is. One file per chapter.

A check prints one short message and returns True (right), False (wrong) or None (not answered yet: `...` or None).
It never raises, whatever the answer is. Numbers are accepted as Python, NumPy or torch numbers, fractions and arrays
of one element, rounded to two decimals or better. How to write one: `_judge`.
"""

from . import elbo as _elbo
from . import em_vs_vae as _em_vs_vae
from . import kl_and_mle as _kl_and_mle
from . import kmeans_to_vqvae as _kmeans_to_vqvae
from . import latent_variable_models as _latent_variable_models
from . import vae as _vae
from . import vqvae_tokenizers as _vqvae_tokenizers
from ._judge import Verdict, judge, tell
from .elbo import *  # noqa: F403
from .em_vs_vae import *  # noqa: F403
from .kl_and_mle import *  # noqa: F403
from .kmeans_to_vqvae import *  # noqa: F403
from .latent_variable_models import *  # noqa: F403
from .vae import *  # noqa: F403
from .vqvae_tokenizers import *  # noqa: F403

__all__ = ["Verdict", "judge", "tell"]
for _chapter in (_latent_variable_models, _kl_and_mle, _elbo, _vae, _em_vs_vae, _kmeans_to_vqvae, _vqvae_tokenizers):
    __all__ += _chapter.__all__
