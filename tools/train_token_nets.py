"""Make the tokenizer and the priors over its tokens that the live figures carry when they are given none.

    python -m tools.train_token_nets

A minute or two on two cores. Same seeds, same weights, on one machine at one number of threads; nets/PROVENANCE.md
says what was made. The figures need layers and rounded weights alone, so these are what is written.
"""

from __future__ import annotations

import json

import torch

from lvm_lib import data, recipes
from lvm_lib.figures.token_nets import packed
from lvm_lib.fit import fit
from lvm_lib.quantize import usage
from lvm_lib.shipped import NETS
from lvm_lib.token_priors import IndependentPrior, UniformPrior, training_rows


def main():
    images = data.load("digits")
    x, x_test = (torch.tensor(data.unit(data.flat(part)), dtype=torch.float32) for part in (images.train, images.test))
    labels, test_labels = torch.tensor(images.train_labels), torch.tensor(images.test_labels)
    tokenizer = recipes.small_tokenizer(seed=0)
    fit(tokenizer, x, seed=0, **recipes.SMALL_TOKENIZER)
    tokens, test_tokens = tokenizer.tokens(x), tokenizer.tokens(x_test)
    with torch.no_grad():
        error = ((tokenizer.decode(test_tokens) - x_test) ** 2).mean()
    print(f"squared error {error:.5f} per pixel, perplexity {usage(test_tokens, 128).perplexity:.1f}")
    priors = {
        "uniform": UniformPrior(128, 49),
        "independent": IndependentPrior.counted(tokens, 128, labels),
        "Transformer": recipes.small_transformer(seed=0),
        "PixelCNN": recipes.pixelcnn(seed=0),
    }
    for name, told in (("Transformer", recipes.SMALL_TRANSFORMER), ("PixelCNN", recipes.SMALL_PIXELCNN)):
        fit(priors[name], training_rows(tokens, labels), seed=0, **told)
    for name, prior in priors.items():
        with torch.no_grad():
            given = -prior.log_prob(test_tokens, test_labels if prior.classes else None).mean() / 49
        print(f"{name}: {given:.3f} nats per token, class given")
    layers, weights = packed(tokenizer, priors)
    (NETS / "tokens.json").write_text(json.dumps(layers, separators=(",", ":")), encoding="utf-8")
    (NETS / "tokens.bin").write_bytes(weights)
    print(f"{len(weights) / 1024:.0f} kB of weights")


if __name__ == "__main__":
    main()
