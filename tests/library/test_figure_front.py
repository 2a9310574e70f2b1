"""The front page's figure from Python: z from the prior, a sample from its mean, the image that it begins with."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import golden_plane
import numpy as np
import pytest

from lvm_lib.figures import FrontFigure
from lvm_lib.figures.front import CHANCES, drawn_z

ROOT = Path(__file__).parents[2]
NODE = shutil.which("node")


def test_a_z_is_drawn_from_the_prior_and_a_sample_from_its_mean():
    """Chances give draws of N(0, I), and a pixel's share of black over many chances is its mean."""
    drawn = np.array([drawn_z(chance) for chance in range(CHANCES)])
    assert np.abs(drawn.mean(0)).max() < 4 / np.sqrt(CHANCES) and np.abs(np.cov(drawn.T) - np.eye(2)).max() < 0.2
    figure = FrontFigure()
    z = figure.draw_z()
    assert figure.z.tolist() == z.tolist() == drawn[2].tolist() and figure.chance == 2 and not figure.follow
    mean, share = figure.decoded, np.zeros((28, 28))
    for chance in range(200):
        figure.chance = chance
        assert set(np.unique(figure.sample)) <= {0, 1}
        share += figure.sample / 200
    assert (np.abs(share - mean) < 5 * np.sqrt(mean * (1 - mean) / 200) + 0.006).all()
    n = figure.numbers()
    assert n["sample_ink"] == figure.sample.sum() and n["log_ps_z"] < 0 and FrontFigure.broken(n) == []
    assert FrontFigure.recomputed(n, {name: getattr(figure, name) for name in figure.carried}) == n


def test_the_image_that_it_begins_with():
    stored = np.unpackbits(np.frombuffer(FrontFigure().images, np.uint8)).reshape(10, -1, 28, 28)
    assert (FrontFigure(first=(0, 2)).drawing == stored[0, 2]).all()
    with pytest.raises(TypeError, match="first must be two whole numbers"):
        FrontFigure(first=3)
    with pytest.raises(ValueError, match="first must lie below"):
        FrontFigure(first=(0, 6))


def test_an_empty_page_is_more_probable_than_the_image_it_begins_with():
    figure = FrontFigure()
    before = figure.elbo
    figure.drawing = np.zeros((28, 28))
    assert round(figure.elbo - before) == 47


def test_a_broken_invariant_is_named():
    n = FrontFigure().numbers()
    assert any("black or white" in words for words in FrontFigure.broken({**n, "sample_ink": 785}))
    assert any("log mass" in words for words in FrontFigure.broken({**n, "log_ps_z": 1.0}))


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_the_page_draws_the_same_z_and_tosses_the_same_coins(tmp_path):
    figure, generator, cases = FrontFigure(), np.random.default_rng(3), []
    for _ in range(8):
        figure.chance = int(generator.integers(CHANCES))
        figure.follow, figure.z1, figure.z2 = False, *generator.uniform(-4, 4, 2).tolist()
        cases.append({"state": {name: getattr(figure, name) for name in figure.state}, "expected": figure.numbers()})
    file = tmp_path / "front.json"
    file.write_text(json.dumps({"carried": golden_plane.carried(figure), "cases": cases}))
    run = subprocess.run(
        [NODE, "--test", "js/tests/front.test.mjs"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "LVM_FRONT": str(file)},
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-1000:]
    assert "skipped 0" in run.stdout
