"""Tokenizers and priors in a page (js/engine/tokens.js) against the library, in Node.

Equal seeds give equal samples.
"""

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path

import golden_plane
import numpy as np
import pytest
import torch

from lvm_lib import data
from lvm_lib.figures import PriorFigure, TokensFigure
from lvm_lib.figures.drawing import read_grey, written_grey
from lvm_lib.figures.token_nets import packed, rebuilt
from lvm_lib.quantize import VectorQuantizer
from lvm_lib.shipped import shipped_tokens
from lvm_lib.token_priors import IndependentPrior, UniformPrior, pixelcnn_prior, transformer_prior
from lvm_lib.vqvae import conv_vqvae, transformer_vqvae

pytestmark = pytest.mark.slow  # nets are trained, or run in two languages

ROOT = Path(__file__).parents[2]
NODE = shutil.which("node")
CODES, CLASSES = 20, 3
SEEDS = (0, 1, 2, 3, 7, 42, 99, 2**32 - 1)


def nets():
    """A tokenizer of 28 x 28 pixels and a prior of each kind, with weights that make conditionals far from even."""
    tokenizer = conv_vqvae(VectorQuantizer(CODES, 4, seed=0), channels=6, seed=0).eval()
    rng = np.random.default_rng(0)
    priors = {
        "uniform": UniformPrior(CODES, 49),
        "independent": IndependentPrior(rng.dirichlet(np.full(CODES, 0.3), (CLASSES, 49)) * 0.99 + 0.01 / CODES),
        "PixelCNN": pixelcnn_prior(CODES, 7, CLASSES, channels=8, layers=2, embedding=5, seed=1),
        "Transformer": transformer_prior(CODES, 49, CLASSES, width=8, layers=2, heads=2, seed=2),
        "no class": transformer_prior(CODES, 49, width=8, layers=1, heads=2, seed=3),
    }
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for prior in priors.values():
            for weight in prior.parameters():
                weight.add_(0.25 * torch.randn(weight.shape, generator=generator))
            prior.eval()
    return tokenizer, priors


@pytest.fixture(scope="module")
def page():
    tokenizer, priors = nets()
    layers, weights = packed(tokenizer, priors)
    return json.loads(json.dumps(layers)), weights


def test_what_a_page_carries_is_the_model_with_rounded_weights(page):
    tokenizer, priors = nets()
    decoder, again = rebuilt(*page)
    tokens = torch.randint(CODES, (3, 49), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        np.testing.assert_allclose(decoder(tokens), tokenizer.decode(tokens), atol=2e-3)
        for name, prior in priors.items():
            label = 1 if prior.classes else None
            np.testing.assert_allclose(
                again[name].conditionals(tokens, label).exp(), prior.conditionals(tokens, label).exp(), atol=2e-3
            )


def golden(page, tmp_path):
    """Samples of every prior for a list of seeds, as the library draws them in float64 from the rounded weights."""
    (layers, weights), rng = page, np.random.default_rng(1)
    decoder, priors = rebuilt(layers, weights)
    cases, decoded = [], []
    for name, prior in priors.items():
        for seed in SEEDS:
            label, temperature = int(rng.integers(CLASSES)), float(rng.choice([1.0, 0.6, 1.5]))
            prefix = rng.integers(CODES, size=int(rng.choice([0, 0, 9]))).tolist()
            given = label if prior.classes else None
            drawn = prior.sample(1, seed, temperature=temperature, prefix=prefix, label=given)
            with torch.no_grad():
                table = prior.conditionals(torch.tensor(drawn.tokens), given, temperature=temperature)[0].numpy()
            cases.append(
                {
                    "prior": name,
                    "state": {"seed": seed, "label": label, "temperature": temperature, "prefix": prefix},
                    "tokens": drawn.tokens[0].tolist(),
                    "logs": drawn.log_probs[0].tolist(),
                    "conditionals": {str(place): table[place].tolist() for place in (0, 1, 8, 30, 48)},
                }
            )
    for case in cases[::7]:
        with torch.no_grad():
            image = decoder(torch.tensor([case["tokens"]]))[0]
        decoded.append({"tokens": case["tokens"], "image": image.tolist()})
    tokenizer = nets()[0].double()
    pixels = rng.integers(0, 2, (3, 784)).astype(float)
    encoded = [
        {"pixels": row.tolist(), "tokens": tokens.tolist()}
        for row, tokens in zip(pixels, _rounded(tokenizer, layers, weights).tokens(pixels), strict=True)
    ]
    file = tmp_path / "tokens.json"
    file.write_text(
        json.dumps(
            {
                "nets": layers,
                "weights": base64.b64encode(weights).decode(),
                "cases": cases,
                "decoded": decoded,
                "encoded": encoded,
                **of_shipped(),
                "stated": of_figures(),
            }
        )
    )
    return file


def of_shipped() -> dict:
    """What the page may be given instead of a stored image: smooth, noisy, blank, black.

    Tokens and decode as Python has them.
    """
    rng, digits = np.random.default_rng(2), data.load("digits")
    nets, weights = shipped_tokens()
    figure, cases = TokensFigure(), []
    noisy = [np.where(rng.random((28, 28)) < 0.1, rng.random((28, 28)), image / 255) for image in digits.test[:8]]
    for image in (*digits.test[40:44] / 255, *noisy, np.zeros((28, 28)), np.ones((28, 28)), rng.random((28, 28))):
        figure.drawing = image
        levels = np.round(255 * image).astype(int).ravel()
        assert (read_grey(figure.drawn) == levels).all()
        cases.append(
            {
                "text": figure.drawn,
                "levels": levels.tolist(),
                "tokens": figure.tokens.tolist(),
                "image": figure._decoded(figure.tokens).tolist(),
            }
        )
    strokes = [golden_plane.strokes(digits.test[np.flatnonzero(digits.test_labels == label)[0]]) for label in range(10)]
    return {
        "drawn": cases,
        "strokes": strokes,
        "shipped": {"nets": nets, "weights": base64.b64encode(weights).decode()},
    }


def of_figures() -> dict:
    """What Python finds in states of the two figures, with the nets that come with the library."""
    painted, drawn = TokensFigure(), PriorFigure(step=49)
    kept = {name: getattr(drawn, name) for name in drawn.carried}
    tokens, prior = [], []
    for state in ({}, {"image": 3, "edits": "24:5", "place": 24}, {"image": 19, "edits": "0:1,3:7,48:127", "place": 0}):
        figure = TokensFigure(**{name: getattr(painted, name) for name in painted.carried}, **state)
        text = written_grey(np.round(255 * figure.pixels))
        expected = figure.numbers()
        tokens.append({"state": {name: expected[name] for name in figure.state}, "text": text, "expected": expected})
    for state in (
        {"step": 0},
        {"step": 20, "seed": 5, "temperature": 0.7, "prior": "Transformer"},
        {"step": 49, "prefix": "3,17,40", "label": 8},
        {"step": 12, "prior": "uniform", "prefix": "9"},
    ):
        expected = PriorFigure(**{**kept, **state}).numbers()
        prior.append({"state": {name: expected[name] for name in drawn.state}, "expected": expected})
    return {"tokens": tokens, "prior": prior}


def _rounded(tokenizer, layers, weights):
    """The tokenizer with the page's rounded encoder and codebook."""
    from lvm_lib.figures.network import unpack

    tokenizer.encoder.net = unpack(layers["encoder"], weights).double()
    tokenizer.quantiser.set_(unpack(layers["codebook"], weights)[0].weight.double())
    return tokenizer


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_the_page_draws_what_the_library_draws(page, tmp_path):
    run = subprocess.run(
        [NODE, "--test", "js/tests/tokens.test.mjs"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=1200,
        env={**os.environ, "LVM_TOKENS": str(golden(page, tmp_path))},
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-1000:]
    assert "# skipped 0" in run.stdout or "skipped 0" in run.stdout


def test_what_a_page_cannot_run_is_refused():
    tokenizer, priors = nets()
    with pytest.raises(TypeError, match="tokenizer must be a VQVAE with a ConvDecoder"):
        packed(transformer_vqvae(VectorQuantizer(CODES, 4, seed=0), width=8, layers=1, seed=0), priors)
    with pytest.raises(TypeError, match="mine must be a prior"):
        packed(tokenizer, {"mine": 3})
    with pytest.raises(ValueError, match="49 tokens of 20 codes"):
        packed(tokenizer, {"mine": UniformPrior(5, 49)})
