"""Answers to the exercises of "What a VAE optimises", by hand. See test_answers."""

import math

RATES = [0.5 * math.log(8), 0.5 * math.log(2), 0.0]
LOUDER = 0.5 * (math.log(32) + math.log(8) + math.log(2.4))
OWN_FORMS: set[str] = set()


ROWS = [
    # 3
    ("vae_louder_pixels", (3, LOUDER, 4), True, "without the unit of the pixels"),
    ("vae_louder_pixels", (3, "3.21", 4), True, ""),
    ("vae_louder_pixels", (2, LOUDER, 4), False, "the third variance is 1.2 now"),
    ("vae_louder_pixels", (3, sum(RATES), 4), False, "the rate before the change"),
    ("vae_louder_pixels", (3, sum(RATES) + 2 * math.log(2), 4), False, "the third lives now too"),
    ("vae_louder_pixels", (3, 0.5 * math.log(16 * 4 * 1.2), 4), False, "four times the variance"),
    ("vae_louder_pixels", (3, LOUDER, 2), False, "grown by a square"),
    ("vae_louder_pixels", (3, LOUDER, 0.25), False, "raises the water level"),
    ("vae_louder_pixels", (3, ..., 4), None, "the rate"),
    # 4
    ("vae_learned_prior", (0.4, 0.1, 5.8), True, "misfit alone"),
    ("vae_learned_prior", ("6.1-5.7", 0.1, 5.8), True, ""),
    ("vae_learned_prior", (6.1, 0.1, 5.8), False, "cannot be saved by any prior"),
    ("vae_learned_prior", (0.3, 0.1, 5.8), False, "the best possible prior is asked"),
    ("vae_learned_prior", (0.4, 0.3, 5.8), False, "what it leaves is asked"),
    ("vae_learned_prior", (0.4, 0.7, 5.8), False, "the gain is taken off"),
    ("vae_learned_prior", (0.4, 0.1, 5.7), False, "holds the misfit that is left, too"),
    ("vae_learned_prior", (0.4, 0.1, 6.4), False, "a bound that rises pays less"),
]
