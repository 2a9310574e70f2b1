"""Tokenizers and priors over tokens, packed for a page, and made again from what the page carries.

    nets, weights = packed(tokenizer, {"PixelCNN": prior, ...})
    decoder, priors = rebuilt(nets, weights)          in float64, with the weights that the page has: the reference

A prior is made of plain layers, in parts that the page puts together as the library does (js/engine/tokens.js):

    uniform       nothing
    table         one embedding of C M rows: log shares of each class and place
    pixelcnn      embed, first, place, label, layers (each two convolutions), out
    transformer   one net: embedding of codes and classes, places, blocks, norm, logits
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import cast

import torch
from torch import nn

from .._checks import describe
from ..autoencoder import PATCH
from ..likelihoods import Bernoulli, Gaussian
from ..token_priors import IndependentPrior, PixelCNNPrior, TokenPrior, TransformerPrior, UniformPrior
from ..vqvae import VQVAE, Block, ConvDecoder
from .network import CausalSelfAttention, Positions, Residual, pack_all, unpack

__all__ = ["packed", "rebuilt"]


# ---------------------------------------------------------------- to the page


def packed(tokenizer: VQVAE, priors: dict[str, TokenPrior] | None = None) -> tuple[dict, bytes]:
    """What a page needs of a convolutional tokenizer and of priors by name: layers, and rounded weights (float16).

    A page's pixels run from 0, white, to 1, black. So what the likelihood does between pixels and nets becomes part of
    the nets: logits go through a sigmoid, and a Gaussian's centre and unit through a layer of one weight (`_read_as`).

    Raises TypeError for a tokenizer whose decoder is not convolutional, or for a prior that a page does not know.
    """
    if not isinstance(tokenizer, VQVAE) or not isinstance(tokenizer.decoder, ConvDecoder):
        raise TypeError(f"tokenizer must be a VQVAE with a ConvDecoder, got {describe(tokenizer)}")
    size, grid = tokenizer.quantiser.size, tokenizer.decoder.grid
    encoder = tokenizer.encoder.net
    assert isinstance(encoder, nn.Module)
    with torch.no_grad():
        codes = tokenizer.quantiser.decode(torch.arange(size))
    before, after = _read_as(tokenizer.likelihood, tokenizer.decoder.grid * PATCH)
    modules: dict[str, nn.Module] = {
        "encoder": nn.Sequential(*before, encoder),
        "codebook": _embedding(codes),
        "decoder": nn.Sequential(tokenizer.decoder.net, *after),
    }
    kinds: list[dict] = []
    for name, prior in (priors or {}).items():
        kind, parts = _parts(name, prior)
        if (prior.codes, prior.places) != (size, grid**2):
            raise ValueError(
                f"{name} must be a prior over {grid**2} tokens of {size} codes as the tokenizer has, "
                f"got {prior.places} of {prior.codes}"
            )
        kinds.append({"name": name, "kind": kind, "classes": prior.classes, "parts": list(parts)})
        modules |= {f"{name}/{part}": module for part, module in parts.items()}
    layers, weights = pack_all(modules, "float16")
    for made in kinds:
        made["parts"] = {part: layers[f"{made['name']}/{part}"] for part in made["parts"]}
    nets = {name: layers[name] for name in ("encoder", "codebook", "decoder")}
    return {"size": size, "grid": grid, "reach": tokenizer.decoder.reach, **nets, "priors": kinds}, weights


def _read_as(likelihood: object, side: int) -> tuple[list[nn.Module], list[nn.Module]]:
    """Layers from a page's pixels, in [0, 1], to what the encoder sees, and from the decoder's outputs to their mean.

    A Gaussian that met data of another order than one has seen grey levels up to 255, else pixels up to 1.
    """
    if isinstance(likelihood, Bernoulli):
        return [], [nn.Sigmoid()]
    if not isinstance(likelihood, Gaussian):
        return [], []  # outputs of a discretised likelihood are means on the page's scale, and so are its inputs
    centre, unit = float(likelihood.centre), float(likelihood.unit)
    most = 1.0 if unit <= 1 else 255.0
    if (centre, unit, most) == (0.0, 1.0, 1.0):
        return [], []
    return _line(side, most / unit, -centre / unit), _line(side, unit / most, centre / most)


@torch.no_grad()
def _line(side: int, gain: float, shift: float) -> list[nn.Module]:
    """Layers that map each pixel x of a row (side^2) to gain x + shift."""
    layer = nn.Conv2d(1, 1, 1)
    layer.weight.fill_(gain)
    layer.bias.fill_(shift)  # type: ignore[union-attr]  # there is one
    return [nn.Unflatten(1, (1, side, side)), layer, nn.Flatten()]


def _parts(name: str, prior: TokenPrior) -> tuple[str, dict[str, nn.Module]]:
    """The kind of a prior and the parts that it is made of."""
    if isinstance(prior, UniformPrior):
        return "uniform", {}
    if isinstance(prior, IndependentPrior):
        return "table", {"table": _embedding(prior.log_shares.flatten(0, -2))}
    if isinstance(prior, PixelCNNPrior):
        layers = {f"layer{i}": layer for i, layer in enumerate(prior.layers)}
        return "pixelcnn", {
            "embed": prior.embed,
            "first": prior.first,
            "place": _embedding(prior.place.flatten(1).T),
            "label": prior.label,
            **layers,
            "out": prior.out,
        }
    if isinstance(prior, TransformerPrior):
        blocks = [
            part
            for block in cast("Iterable[Block]", prior.blocks)
            for part in (
                Residual(block.norm, CausalSelfAttention(block.attend, block.out, block.heads)),
                Residual(*block.mlp),
            )
        ]
        return "transformer", {
            "net": nn.Sequential(prior.embed, Positions(_embedding(prior.place)), *blocks, prior.norm, prior.out)
        }
    raise TypeError(f"{name} must be a prior of lvm_lib.token_priors, got {describe(prior)}")


def _embedding(rows: torch.Tensor) -> nn.Embedding:
    return nn.Embedding.from_pretrained(rows.detach().clone())


# ---------------------------------------------------------------- and back


def rebuilt(nets: dict, weights: bytes) -> tuple[nn.Module, dict[str, TokenPrior]]:
    """The decoder, from tokens (n, M) to outputs (n, D), and the priors by name.

    Rounded weights, float64, eval mode.
    Raises TypeError or ValueError where nets or weights cannot be right.
    """
    decoder = _Decoder(nets, weights).double().eval()
    return decoder, {prior["name"]: _Packed(nets, prior, weights).double().eval() for prior in nets["priors"]}


class _Decoder(nn.Module):
    """Codebook and decoder together."""

    def __init__(self, nets, weights):
        super().__init__()
        self.grid = nets["grid"]
        self.codebook, self.net = unpack(nets["codebook"], weights), unpack(nets["decoder"], weights)

    def forward(self, tokens):
        return self.net(self.codebook(tokens).transpose(1, 2).unflatten(2, (self.grid, self.grid)))


class _Packed(TokenPrior):
    """A prior made of a page's parts."""

    def __init__(self, nets, prior, weights):
        super().__init__(nets["size"], nets["grid"] ** 2, prior["classes"])
        self.grid, self.kind = nets["grid"], prior["kind"]
        self.parts = nn.ModuleDict(
            {name: unpack(copy.deepcopy(layers), weights) for name, layers in prior["parts"].items()}
        )

    def _logits(self, tokens, labels):
        return getattr(self, f"_{self.kind}")(tokens, labels)

    def _uniform(self, tokens, labels):
        return torch.zeros(len(tokens), self.places, self.codes, dtype=torch.float64)

    def _table(self, tokens, labels):
        return self.parts["table"](labels[:, None] * self.places + torch.arange(self.places))

    def _transformer(self, tokens, labels):
        return self.parts["net"](torch.cat([self.codes + labels[:, None], tokens[:, :-1]], dim=1))

    def _pixelcnn(self, tokens, labels):
        parts, square = self.parts, (self.grid, self.grid)
        x = parts["first"](parts["embed"](tokens).transpose(1, 2).unflatten(2, square))
        x = (
            x
            + parts["place"](torch.arange(self.places)).T.unflatten(1, square)
            + parts["label"](labels)[:, :, None, None]
        )
        for i in range(sum(name.startswith("layer") for name in parts)):
            x = x + parts[f"layer{i}"](x)
        return parts["out"](x).flatten(2).transpose(1, 2)
