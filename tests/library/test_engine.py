"""The arithmetic of the live figures (js/engine) agrees with this library and with SciPy to 1e-9, by Node's runner."""

import importlib
import json
import math
import os
import shutil
import subprocess
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from lvm_lib import counter
from lvm_lib.figures import ancestral, em, kl, kmeans
from lvm_lib.figures.elbo import ElboFigure

ROOT = Path(__file__).parents[2]
NODE = shutil.which("node")
BOUNDS = ElboFigure.bounds()


def random_states(n):
    generator = np.random.default_rng(3)
    corners = [{key: bounds[side] for key, bounds in BOUNDS.items()} for side in (0, 1)]
    inside = [{key: float(generator.uniform(*bounds)) for key, bounds in BOUNDS.items()} for _ in range(n)]
    return corners + inside


def by_scipy(state):
    """Evidence, ELBO and KL by adaptive quadrature in the z domain: shares nothing with the library or the engine."""

    def log_joint(z):
        g = state["slope"] * z + state["bend"] * z**2 / 2
        return norm.logpdf(z) + norm.logpdf(state["x"], g, state["std_noise"])

    z = np.linspace(-12, 12, 4801)
    peak = log_joint(z).max()
    centre = z[log_joint(z).argmax()]

    def integral(f, low, high, *points):
        return quad(f, low, high, points=points, limit=800, epsabs=1e-13, epsrel=1e-13)[0]

    evidence = peak + math.log(integral(lambda v: math.exp(log_joint(v) - peak), -12, 12, centre, 0.0))
    mean, std = state["mean"], state["std"]

    def under_q(f):
        return integral(lambda e: norm.pdf(e) * f(mean + std * e), -11, 11, 0.0)

    elbo = under_q(lambda v: log_joint(v) - norm.logpdf(v, mean, std))
    kl = under_q(lambda v: norm.logpdf(v, mean, std) - log_joint(v) + evidence)
    return {"evidence": evidence, "elbo": elbo, "kl": kl}


def of_ancestral():
    """Draws, samples and numbers of the ancestral sampler, as Python finds them."""
    generator = np.random.default_rng(5)
    draws = [
        {
            "seed": seed,
            "index": index,
            "stream": stream,
            "words": counter.words(seed, index, stream).tolist(),
            "normals": counter.normals(seed, index, stream).tolist(),
        }
        for seed, index, stream in [
            (0, 0, 0),
            (7, 1, 0),
            (999, 1999, 3),
            (2**32 - 1, 2**32 - 1, 2**32 - 1),
            *generator.integers(0, 2**32, (20, 3)).tolist(),
        ]
    ]
    states = [
        {
            "z": float(generator.uniform(-4, 4)),
            "std_noise": float(generator.uniform(0.15, 1)),
            "seed": int(generator.integers(1, 1000)),
            "count": int(count),
        }
        for count in [0, 1, 2, 3, 100, 2000, *generator.integers(0, 2001, 18)]
    ]
    states += [{key: bounds[side] for key, bounds in ancestral.AncestralFigure.bounds().items()} for side in (0, 1)]
    figures = [ancestral.AncestralFigure(**state) for state in states]
    cases = [
        {
            "state": state,
            "expected": figure.numbers(),
        }
        for state, figure in zip(states, figures, strict=False)
    ]
    samples = [
        {**case, **dict(zip("xz", (array[:, 0].tolist() for array in figure.samples()), strict=False))}
        for case, figure in zip(cases[:8], figures, strict=False)
    ]
    return {"draws": draws, "states": cases, "samples": samples}


def of_kl():
    """Draws, fits and numbers of the figure of KL and log-likelihood, as Python finds them."""
    generator, cases = np.random.default_rng(6), []
    means, stds = kl.KlFigure.bounds()["mean"], kl.KlFigure.bounds()["std"]
    corners = [(mean, std) for mean in means for std in stds]
    models = corners + [(float(generator.uniform(*means)), float(generator.uniform(*stds))) for _ in range(20)]
    for data in kl.DATA:
        for direction in ("forward", "reverse"):
            for mean, std in models:
                state = {
                    "data": data,
                    "direction": direction,
                    "mean": mean,
                    "std": std,
                    "n": int(generator.choice(kl.SIZES)),
                    "seed": int(generator.integers(kl.SEEDS)),
                    "wrong": ("none", "normaliser", "sign", "average")[len(cases) % 4],
                }
                figure = kl.KlFigure(**state)
                expected = figure.numbers()
                draws = figure.draws[:5].tolist()
                figure.fit()
                cases.append(
                    {
                        "state": state,
                        "expected": expected,
                        "draws": draws,
                        "fit": {"mean": figure.mean, "std": figure.std},
                    }
                )
    densities = {
        name: {
            "weights": model.weights.tolist(),
            "means": model.means[:, 0].tolist(),
            "stds": np.sqrt(model.covariances[:, 0, 0]).tolist(),
        }
        for name, model in kl.DATA.items()
    }
    return {"ends": {"mean": means, "std": stds}, "data": densities, "states": cases}


def of_em():
    """Runs of EM and of its toy, as Python finds them: the presets, random points, and degenerate ones."""
    generator, cases = np.random.default_rng(8), []
    random = [np.round(generator.uniform([-4, -3], [4, 3], (n, 2)), 2).tolist() for n in (1, 2, 5, 20, 60)]
    sets = [list(map(list, points)) for points in em.PRESETS.values()] + random + [[], [[0.5, 0.5]] * 9]
    for points in sets:
        for k in (1, 3, 5):
            state = {
                "points": points,
                "k": k,
                "seed": int(generator.integers(1, 1000)),
                "moves": "EM" * int(generator.integers(0, 31)),
                "start_q": float(generator.uniform(-3, 3)),
                "start_theta": float(generator.uniform(-3, 3)),
                "rate": float(generator.uniform(0.02, 0.4)),
                "wrong": ("none", "stale", "entropy", "label")[len(cases) % 4],
            }
            expected = em.EmFigure(**state).numbers()
            cases.append(
                {
                    "state": state,
                    "expected": expected,
                }
            )
    bounds = {"x": em.X, "y": em.Y, "most": em.MOST, "moves": em.MOVES}
    return {"bounds": bounds, "toy": em.TOY.x.tolist(), "states": cases}


def of_kmeans():
    """Runs from soft EM to K-means, as Python finds them, and the codes that a seed scatters."""
    generator, cases = np.random.default_rng(9), []
    for data in kmeans.SETS:
        for sigma in (0.0, 0.01, 0.2, 0.7, 1.5):
            for k in (1, 3, 8):
                state = {
                    "data": data,
                    "codes": kmeans.scattered(int(generator.integers(1, 1000)), k),
                    "sigma": sigma,
                    "seed": 1,
                    "steps": int(generator.integers(0, 20)),
                    "wrong": ("none", "counts", "rate")[len(cases) % 4 % 3],
                }
                expected = kmeans.KmeansFigure(**state).numbers()
                cases.append({"state": state, "expected": expected})
    codes = [{"seed": seed, "codes": kmeans.scattered(seed, 8)} for seed in (1, 3, 500, 999)]
    return {
        "bounds": {"x": kmeans.X, "y": kmeans.Y, "most": kmeans.MOST},
        "scattered": codes,
        "states": cases,
        "sets": {name: list(map(list, points)) for name, points in kmeans.SETS.items()},
    }


@pytest.fixture(scope="module")
def golden(tmp_path_factory):
    states = random_states(22)
    cases = [
        {"state": {**s, "kind": kind, "wrong": wrong}, "expected": ElboFigure(**s, kind=kind, wrong=wrong).numbers()}
        for s, wrong in zip(states, cycle(("none", "normaliser", "sign", "mean")), strict=False)
        for kind in ("gaussian", "exact")
    ]
    cases += [{"state": {**s, "kind": "gaussian"}, "expected": by_scipy(s)} for s in states[:8]]
    best = []
    for x, bend in [(0.5, 1.2), (0.5, -1.2), (-3.0, 1.5), (2.0, 1.5), (1.0, 0.0), (3.5, -0.7)]:
        figure = ElboFigure(x=x, bend=bend).best_gaussian()
        best.append(
            {
                "x": x,
                "slope": figure.slope,
                "bend": bend,
                "std_noise": figure.std_noise,
                "elbo": figure.elbo,
                "mean": figure.mean,
                "std": figure.std,
            }
        )
    file = tmp_path_factory.mktemp("golden") / "golden.json"
    golden = {
        "quadratic_curve": {"ends": {"mean": BOUNDS["mean"], "std": BOUNDS["std"]}, "states": cases, "best": best},
        "ancestral": of_ancestral(),
        "kl": of_kl(),
        "em": of_em(),
        "kmeans": of_kmeans(),
    }
    for path in sorted(Path(__file__).parent.glob("golden_*.py")):
        golden[path.stem.removeprefix("golden_")] = importlib.import_module(path.stem).golden()
    file.write_text(json.dumps(golden))
    return file


def test_python_agrees_with_scipy():
    for state in random_states(6):
        found = ElboFigure(**state).numbers()
        for key, expected in by_scipy(state).items():
            assert found[key] == pytest.approx(expected, rel=1e-9, abs=1e-9), (key, state)


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
@pytest.mark.slow
def test_engine_agrees_with_python(golden):
    elsewhere = {"tokens", "front"}  # their nets make files of their own: test_token_engine.py, test_figure_front.py
    found = sorted((ROOT / "js" / "tests").glob("*.test.mjs"))
    files = [str(path) for path in found if path.name.removesuffix(".test.mjs") not in elsewhere]
    run = subprocess.run(
        [NODE, "--test", "--test-reporter=tap", *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "LVM_GOLDEN": str(golden)},
        timeout=1200,
    )
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
    assert "# SKIP" not in run.stdout and "\n# skipped 0" in run.stdout, run.stdout[-600:]
    assert "all numbers of a state" in run.stdout and "equal seeds give equal draws in Python" in run.stdout


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
@pytest.mark.slow
def test_a_wrong_constant_would_be_found(golden, tmp_path):
    content = json.loads(golden.read_text())
    content["quadratic_curve"]["states"][0]["expected"]["elbo"] += 1e-5
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps(content))
    run = subprocess.run(
        [NODE, "--test", "js/tests/elbo.test.mjs"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "LVM_GOLDEN": str(wrong)},
        timeout=600,
    )
    assert run.returncode != 0
