"""Self-checks of the exercises: each says what is wrong, not only that something is. One file per chapter.

A check prints one line and returns True (right), False (wrong) or None (not answered yet: `...`, None or ""). It never
raises and never stops a notebook, whatever the answer is; what a learner's function computes has 10 s (`_limits`).
Numbers are accepted as Python, NumPy or torch numbers, fractions, arrays, lists, and text such as "17/20" or
"log(512)", rounded to two decimals or better. How to write a check: `_judge`.

An exercise whose answer is numbers is data, and `tables()` gives all of them. A chapter's checks are imported when one
of them is first asked for, so that a chapter depends on its own file alone.
"""

from importlib import import_module

_WHERE = {  # the module of this folder, and the names that it gives
    "_judge": ("Verdict", "judge", "tell"),
    "latent_variable_models": (
        "lvm_samples",
        "lvm_by_hand",
        "lvm_ancestral",
        "lvm_log_marginal",
        "lvm_kl_posterior_prior",
        "lvm_hills",
    ),
    "kl_and_mle": (
        "kl_by_hand",
        "kl_pixel_units",
        "kl_dequantised_score",
        "kl_flattery",
        "kl_right_hill",
        "kl_pixel_table",
    ),
    "elbo": (
        "elbo_gap",
        "elbo_by_hand",
        "elbo_kl_to_prior",
        "elbo_monte_carlo",
        "elbo_mean_field",
        "elbo_hard_posterior",
    ),
    "vae": (
        "vae_linear_rates",
        "vae_hidden_sigma",
        "vae_score_gradients",
        "vae_elbo",
        "vae_information",
        "vae_one_draw",
        "vae_prior_share",
        "vae_seven_latents",
    ),
    "what_a_vae_optimises": ("vae_louder_pixels", "vae_learned_prior"),
    "em_vs_vae": (
        "em_books",
        "em_one_step",
        "em_responsibilities",
        "em_floor",
        "em_gaps",
        "em_bias",
        "em_trap",
        "em_speed",
        "em_budget",
    ),
    "kmeans_to_vqvae": ("kmeans_rate", "kmeans_round", "kmeans_layer", "kmeans_step", "kmeans_beat"),
    "vqvae_tokenizers": ("tok_rate", "tok_levels", "tok_perplexity"),
    "priors_over_tokens": (
        "tok_bounds",
        "tok_waste",
        "tok_class_summed_out",
        "tok_mask",
        "tok_draw",
        "tok_better_bound",
    ),
    "every_model_on_its_ruler": ("ruler_waste", "ruler_paired"),
}
_MODULE_OF = {name: module for module, names in _WHERE.items() for name in names}
__all__ = ["tables"]
__all__ += list(_MODULE_OF)


def tables() -> dict[str, dict]:
    """Every exercise whose answer is numbers, as plain data that fits into JSON:

        {name of the check: {"chapter": ..., "right": what is said when all is right, "parts": [part, ...]}}

    A part is a "number" (truth, shape, unit, decimals, tolerance, slips with name, value and tolerance, and how it
    follows from an earlier part: scale * earlier + shift, or with `exp` the exponential of that) or a "choice" (bands
    of numbers, each right or wrong, with what is said of them). `_judge.judge` is what judges them.
    """
    found = {}
    for chapter in _WHERE:
        for name, table in getattr(import_module(f"{__name__}.{chapter}"), "NUMBERS", {}).items():
            found[name] = {"chapter": chapter, **table().plain()}
    return found


def __getattr__(name: str):
    if name in _MODULE_OF:
        return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    if name in _WHERE:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])
