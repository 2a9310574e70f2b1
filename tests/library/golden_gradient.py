"""What Python finds for the figure of the gradient estimators, for Node's tests of js/engine/gradient.js."""

import numpy as np

from lvm_lib.figures.gradient import FUNCTIONS, SEEDS, SIZES, WITHIN, GradientFigure

BOUNDS = GradientFigure.bounds()


def golden() -> dict:
    generator = np.random.default_rng(8)
    states = [
        {
            "f": name,
            "mean": float(generator.uniform(*BOUNDS["mean"])),
            "std": float(generator.uniform(*BOUNDS["std"])),
            "n": int(generator.choice(SIZES)),
            "seed": int(generator.integers(SEEDS)),
            "baseline": bool(baseline),
        }
        for name in FUNCTIONS
        for baseline in (0, 1)
        for _ in range(8)
    ]
    states += [
        {"f": name, "mean": BOUNDS["mean"][side], "std": BOUNDS["std"][side], "n": 10, "seed": 0, "baseline": False}
        for name in FUNCTIONS
        for side in (0, 1)
    ]
    cases = [{"state": state, "expected": GradientFigure(**state).numbers()} for state in states]
    bounds = {
        **{key: list(value) for key, value in BOUNDS.items()},
        "sizes": list(SIZES),
        "seeds": SEEDS,
        "within": WITHIN,
    }
    return {"bounds": bounds, "states": cases}
