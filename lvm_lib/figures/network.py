"""From a torch module to a page: a list of layers and one buffer of rounded weights, and back.

    layers, weights = pack(vae.decoder, "int8")     what js/engine/network.js runs
    module = unpack(layers, weights)                the same rounded weights in torch: the reference of the tests

A layer is a dict: its kind, its sizes, and where its arrays begin in the buffer. Matrices are rounded, vectors (biases,
norms) stay float32:

    "float16"   a weight is off by at most 2^-11 of itself
    "int8"      w = scale q, q a whole number from -127 to 127, scale = largest |w| of its row / 127: off by scale / 2

    "mixed"     int8 for matrices of at least 10,000 weights, float16 for the others: they weigh little, and an
                encoder's last ones decide where its narrow q stands

A "row" is what one output reads. What that costs in nats, a chapter measures. The page computes in float64 on these
rounded weights. A module that is not listed here may say how it is built by a method `page_layers()`, which returns a
module, or a list of modules, that are.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from .._checks import count, describe
from ..likelihoods import Bernoulli
from ..vae import VAE, GaussianEncoder, LinearEncoder

__all__ = ["CausalSelfAttention", "Positions", "Residual", "pack", "pack_all", "planar_vae", "unpack"]

PRECISIONS = ("float16", "int8", "mixed")
MANY = 10_000  # weights of a matrix that "mixed" rounds to int8
LARGEST = 65504.0  # of float16
SKIPPED = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d)  # as in eval mode


def planar_vae(vae: object) -> VAE:
    """`vae`, if it is one whose plane a figure can show.

    TypeError if it is no VAE, ValueError if it is of another kind.
    """
    if not isinstance(vae, VAE):
        raise TypeError(f"vae must be a VAE with two latent dimensions and a Bernoulli likelihood, got {describe(vae)}")
    if vae.latents != 2 or not isinstance(vae.likelihood, Bernoulli):
        raise ValueError(
            f"vae must have two latent dimensions and a Bernoulli likelihood, got {vae.latents} and "
            f"{type(vae.likelihood).__name__}"
        )
    return vae


# ---------------------------------------------------------------- layers that torch has no plain module for


class Residual(nn.Module):
    """x + inner(x)."""

    def __init__(self, *inner: nn.Module):
        super().__init__()
        self.inner = nn.Sequential(*inner)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Add what `inner` gives."""
        return x + self.inner(x)


class Positions(nn.Module):
    """x + table[:t] for x (n, t, d): an embedding of the place. table: nn.Embedding with at least t rows."""

    def __init__(self, table: nn.Embedding):
        super().__init__()
        self.table = table

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Add the first t rows of the table."""
        return x + self.table.weight[: x.shape[-2]]


class CausalSelfAttention(nn.Module):
    """Each place attends to itself and to the places before it: x (n, t, d) to (n, t, d).

        out(softmax(Q K^T / sqrt(d / heads)) V),    Q, K, V the three parts of qkv(x), each cut into heads

    qkv: nn.Linear, d to 3 d.  out: nn.Linear, d to d.  Raises ValueError if the sizes do not fit.
    """

    def __init__(self, qkv: nn.Linear, out: nn.Linear, heads: int):
        super().__init__()
        width, heads = out.out_features, count("heads", heads)
        if qkv.out_features != 3 * width or qkv.in_features != width or out.in_features != width or width % heads:
            raise ValueError(
                f"qkv must map d to 3 d, out d to d, d a multiple of heads; got qkv {qkv.in_features} to "
                f"{qkv.out_features}, out {out.in_features} to {out.out_features}, heads {heads}"
            )
        self.qkv, self.out, self.heads = qkv, out, heads

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Attend: (n, t, d) to (n, t, d)."""
        q, k, v = (
            self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(-3, 0, -2, 1, -1)
        )  # each (n, heads, t, d/heads)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(mixed.transpose(1, 2).flatten(2))


# ---------------------------------------------------------------- to the page


def pack(module: nn.Module, precision: str = "float16") -> tuple[list[dict], bytes]:
    """The layers of `module` and their weights, rounded to `precision` ("float16", "int8" or "mixed").

    The module is taken in eval mode; a batch norm is folded into the linear or convolutional layer before it.
    Raises TypeError for a layer that a page cannot run, naming it; ValueError for an unknown precision or a weight
    that is not finite or beyond float16.
    """
    nets, weights = pack_all({"module": module}, precision)
    return nets["module"], weights


def pack_all(modules: dict[str, nn.Module], precision: str = "float16") -> tuple[dict[str, list[dict]], bytes]:
    """Several modules in one buffer: ({name: layers}, weights). Raises as `pack` does."""
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(map(repr, PRECISIONS))}, got {precision!r}")
    buffer = _Buffer(precision)
    nets = {}
    for name, module in modules.items():
        if not isinstance(module, nn.Module):
            raise TypeError(f"{name} must be a torch module, got {describe(module)}")
        nets[name] = [_layer(part, where, buffer) for where, part in _folded(_walk(module, name))]
    return nets, bytes(buffer.bytes)


def _walk(module, where) -> list[tuple[str, nn.Module]]:
    """(path, module) of each plain layer in the order in which they run."""
    if hasattr(module, "page_layers"):
        inner = module.page_layers()
        return _walk(nn.Sequential(*inner) if isinstance(inner, (list, tuple)) else inner, where)
    if isinstance(module, nn.Sequential):
        return [found for name, part in module.named_children() for found in _walk(part, f"{where}.{name}")]
    if isinstance(module, GaussianEncoder):
        return _walk(module.net, f"{where}.net")
    if isinstance(module, LinearEncoder):
        return [(where, _constant_spread(module, where))]
    return [] if type(module) in SKIPPED else [(where, module)]


def _constant_spread(encoder: LinearEncoder, where) -> nn.Linear:
    """A linear encoder as one layer, (means, log stds): the rows of the log stds do not read x."""
    if encoder.below is not None:
        raise TypeError(f"{where} (LinearEncoder) must have a diagonal covariance to run in a page, got a full one")
    gain, bias = encoder.mean.weight.detach(), encoder.mean.bias.detach()
    layer = nn.Linear(gain.shape[1], 2 * len(gain))
    with torch.no_grad():
        layer.weight.copy_(torch.cat([gain, torch.zeros_like(gain)]))
        layer.bias.copy_(torch.cat([bias, encoder.log_std.detach()]))
    return layer


def _folded(layers):
    """The same with each batch norm folded into the layer before it.

    w' = g w, b' = g (b - mean) + shift, g = gain / sqrt(variance + eps), one for each output.
    """
    done = []
    for where, layer in layers:
        if not isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)):
            done.append((where, layer))
            continue
        before = done[-1][1] if done else None
        if type(before) not in (nn.Linear, nn.Conv2d, nn.ConvTranspose2d) or layer.running_var is None:
            raise TypeError(
                f"{where} ({type(layer).__name__}) must follow a linear or convolutional layer and keep "
                f"running statistics, got {type(before).__name__ if done else 'nothing'} before it"
            )
        done[-1] = (done[-1][0], _fold(before, layer))
    return done


@torch.no_grad()
def _fold(layer, norm):
    gain = (norm.running_var + norm.eps).rsqrt() * (norm.weight if norm.affine else 1)
    shift = norm.bias if norm.affine else torch.zeros_like(norm.running_mean)
    bias = layer.bias if layer.bias is not None else torch.zeros_like(norm.running_mean)
    axis = 1 if isinstance(layer, nn.ConvTranspose2d) else 0  # of the outputs, in the weight
    folded = _like(layer)
    folded.weight.copy_(layer.weight * gain.reshape([-1 if i == axis else 1 for i in range(layer.weight.ndim)]))
    folded.bias.copy_(gain * (bias - norm.running_mean) + shift)
    return folded


def _like(layer):
    """A layer of the same sizes, with a bias."""
    if isinstance(layer, nn.Linear):
        return nn.Linear(layer.in_features, layer.out_features)
    extra = {"output_padding": layer.output_padding} if isinstance(layer, nn.ConvTranspose2d) else {}
    made = type(layer)(
        layer.in_channels,
        layer.out_channels,
        layer.kernel_size,
        stride=layer.stride,
        padding=layer.padding,
        dilation=layer.dilation,
        groups=layer.groups,
        **extra,
    )
    made.padding_mode = layer.padding_mode  # so that what a page cannot run is still refused
    return made


class _Buffer:
    """The weights so far; `matrix` and `vector` append an array and say where it stands."""

    def __init__(self, precision):
        self.precision, self.bytes = precision, bytearray()

    def _append(self, array) -> int:
        self.bytes += bytes(-len(self.bytes) % 4)
        at = len(self.bytes)
        self.bytes += np.ascontiguousarray(array).tobytes()
        return at

    def vector(self, values, where) -> int:
        return self._append(_finite(values, where).astype("<f4"))

    def matrix(self, rows, where) -> dict:
        """rows (outputs, inputs)."""
        rows = _finite(rows, where)
        if self.precision == "float16" or (self.precision == "mixed" and rows.size < MANY):
            if np.abs(rows).max() > LARGEST:
                raise ValueError(f"{where} has a weight of {np.abs(rows).max():g}, beyond float16's {LARGEST:g}")
            return {"type": "float16", "at": self._append(rows.astype("<f2"))}
        scale = (np.abs(rows).max(axis=1) / 127).astype("<f4")
        q = np.rint(rows / np.where(scale > 0, scale, 1)[:, None].astype(float)).clip(-127, 127).astype(np.int8)
        return {"type": "int8", "scale": self._append(scale), "at": self._append(q)}


def _finite(values, where) -> np.ndarray:
    array = values.detach().cpu().double().numpy()
    if not np.isfinite(array).all():
        raise ValueError(f"{where} has {int((~np.isfinite(array)).sum())} weights that are NaN or infinite")
    return array


def _layer(module, where, buffer) -> dict:
    """One layer's description; its arrays go to the buffer."""
    kind = type(module)
    if kind in ACTIVATIONS:
        return ACTIVATIONS[kind](module, where)
    if kind is nn.Conv2d or (isinstance(module, nn.Conv2d) and isinstance(getattr(module, "mask", None), torch.Tensor)):
        return _conv(module, where, buffer)
    if kind in WEIGHTED:
        return WEIGHTED[kind](module, where, buffer)
    raise TypeError(f"{where} must be a layer that a page can run ({', '.join(KNOWN)}), got {kind.__name__}")


def _dense(m, where, buffer):
    return {
        "kind": "dense",
        "inputs": m.in_features,
        "outputs": m.out_features,
        "weight": buffer.matrix(m.weight, where),
        "bias": _bias(m, m.out_features, buffer, where),
    }


def _bias(m, outputs, buffer, where) -> int:
    return buffer.vector(m.bias if m.bias is not None else torch.zeros(outputs), where)


def _conv(m, where, buffer):
    _plain_conv(m, where)
    weight = m.weight * m.mask if isinstance(getattr(m, "mask", None), torch.Tensor) else m.weight
    return {
        "kind": "conv",
        **_sizes(m),
        "weight": buffer.matrix(weight.flatten(1), where),
        "bias": _bias(m, m.out_channels, buffer, where),
    }


def _conv_transposed(m, where, buffer):
    _plain_conv(m, where)
    rows = m.weight.permute(1, 2, 3, 0).flatten(0, 2)  # (outputs * k * k, inputs)
    return {
        "kind": "conv_transposed",
        **_sizes(m),
        "output_padding": list(m.output_padding),
        "weight": buffer.matrix(rows, where),
        "bias": _bias(m, m.out_channels, buffer, where),
    }


def _plain_conv(m, where):
    wrong = {
        "groups": (m.groups, 1),
        "dilation": (tuple(m.dilation), (1, 1)),
        "padding_mode": (m.padding_mode, "zeros"),
    }
    for name, (value, expected) in wrong.items():
        if value != expected:
            raise TypeError(f"{where} ({type(m).__name__}) must have {name} {expected} to run in a page, got {value}")
    if isinstance(m.padding, str):
        raise TypeError(
            f"{where} ({type(m).__name__}) must have its padding in numbers to run in a page, got {m.padding!r}"
        )


def _sizes(m):
    return {
        "inputs": m.in_channels,
        "outputs": m.out_channels,
        "kernel": list(m.kernel_size),
        "stride": list(m.stride),
        "padding": list(m.padding),
    }


def _embedding(m, where, buffer):
    return {
        "kind": "embedding",
        "count": m.num_embeddings,
        "outputs": m.embedding_dim,
        "weight": buffer.matrix(m.weight, where),
    }


def _positions(m, where, buffer):
    return {**_embedding(m.table, where, buffer), "kind": "positions"}


def _norm(m, where, buffer):
    if len(m.normalized_shape) != 1:
        raise TypeError(f"{where} (LayerNorm) must run over the last axis alone, got shape {tuple(m.normalized_shape)}")
    size = m.normalized_shape[0]
    gain = m.weight if m.weight is not None else torch.ones(size)
    shift = m.bias if m.bias is not None else torch.zeros(size)
    return {
        "kind": "norm",
        "outputs": size,
        "eps": m.eps,
        "gain": buffer.vector(gain, where),
        "bias": buffer.vector(shift, where),
    }


def _residual(m, where, buffer):
    return {"kind": "residual", "layers": [_layer(part, path, buffer) for path, part in _folded(_walk(m.inner, where))]}


def _attention(m, where, buffer):
    return {
        "kind": "attention",
        "heads": m.heads,
        "qkv": _dense(m.qkv, f"{where}.qkv", buffer),
        "out": _dense(m.out, f"{where}.out", buffer),
    }


def _named(name):
    return lambda module, where: {"kind": "activation", "name": name}


def _gelu(m, where):
    return {"kind": "activation", "name": "gelu" if m.approximate == "none" else "gelu_tanh"}


def _softplus(m, where):
    return {"kind": "activation", "name": "softplus", "beta": float(m.beta), "threshold": float(m.threshold)}


def _flatten(m, where):
    if (m.start_dim, m.end_dim) != (1, -1):
        raise TypeError(f"{where} (Flatten) must flatten axes 1 to -1, got {m.start_dim} to {m.end_dim}")
    return {"kind": "flatten"}


def _unflatten(m, where):
    if m.dim != 1:
        raise TypeError(f"{where} (Unflatten) must unflatten axis 1, got axis {m.dim}")
    return {"kind": "unflatten", "shape": [int(size) for size in m.unflattened_size]}


ACTIVATIONS = {
    nn.ReLU: _named("relu"),
    nn.Sigmoid: _named("sigmoid"),
    nn.Tanh: _named("tanh"),
    nn.SiLU: _named("silu"),
    nn.GELU: _gelu,
    nn.Softplus: _softplus,
    nn.Flatten: _flatten,
    nn.Unflatten: _unflatten,
}
WEIGHTED = {
    nn.Linear: _dense,
    nn.ConvTranspose2d: _conv_transposed,
    nn.Embedding: _embedding,
    nn.LayerNorm: _norm,
    Positions: _positions,
    Residual: _residual,
    CausalSelfAttention: _attention,
}
KNOWN = sorted(
    kind.__name__
    for kind in [
        *ACTIVATIONS,
        *WEIGHTED,
        *SKIPPED,
        nn.Sequential,
        nn.Conv2d,
        nn.BatchNorm1d,
        nn.BatchNorm2d,
        GaussianEncoder,
        LinearEncoder,
    ]
)


# ---------------------------------------------------------------- and back


def unpack(layers: list[dict], weights: bytes) -> nn.Sequential:
    """The torch module that `pack` described, with the rounded weights in float32, in eval mode.

    Raises TypeError or ValueError where layers or weights cannot be right.
    """
    module = nn.Sequential(*(_module(layer, bytes(weights)) for layer in layers)).eval()
    return module.requires_grad_(False)


def _matrix(place, rows, columns, weights) -> torch.Tensor:
    if place["type"] == "float16":
        values = np.frombuffer(weights, "<f2", rows * columns, place["at"]).astype(np.float32)
        return torch.tensor(values.reshape(rows, columns))
    q = np.frombuffer(weights, np.int8, rows * columns, place["at"]).reshape(rows, columns)
    return torch.tensor(_vector(place["scale"], rows, weights).numpy()[:, None] * q.astype(np.float32))


def _vector(at, size, weights) -> torch.Tensor:
    return torch.tensor(np.frombuffer(weights, "<f4", size, at).copy())


def _filled(module, weight, bias=None):
    with torch.no_grad():
        module.weight.copy_(weight)
        if bias is not None:
            module.bias.copy_(bias)
    return module


def _module(layer, weights):
    kind = layer["kind"]
    if kind == "dense":
        inputs, outputs = layer["inputs"], layer["outputs"]
        return _filled(
            nn.Linear(inputs, outputs),
            _matrix(layer["weight"], outputs, inputs, weights),
            _vector(layer["bias"], outputs, weights),
        )
    if kind in ("conv", "conv_transposed"):
        return _convolution(layer, weights)
    if kind in ("embedding", "positions"):
        rows, columns = layer["count"], layer["outputs"]
        table = _filled(nn.Embedding(rows, columns), _matrix(layer["weight"], rows, columns, weights))
        return table if kind == "embedding" else Positions(table)
    if kind == "norm":
        size = layer["outputs"]
        return _filled(
            nn.LayerNorm(size, layer["eps"]),
            _vector(layer["gain"], size, weights),
            _vector(layer["bias"], size, weights),
        )
    if kind == "residual":
        return Residual(*unpack(layer["layers"], weights))
    if kind == "attention":
        return CausalSelfAttention(_module(layer["qkv"], weights), _module(layer["out"], weights), layer["heads"])
    if kind == "unflatten":
        return nn.Unflatten(1, tuple(layer["shape"]))
    return nn.Flatten() if kind == "flatten" else _activation(layer)


def _convolution(layer, weights):
    inputs, outputs, (tall, wide) = layer["inputs"], layer["outputs"], layer["kernel"]
    kernel, stride, padding = (tall, wide), tuple(layer["stride"]), tuple(layer["padding"])
    bias = _vector(layer["bias"], outputs, weights)
    if layer["kind"] == "conv":
        rows = _matrix(layer["weight"], outputs, inputs * tall * wide, weights)
        return _filled(
            nn.Conv2d(inputs, outputs, kernel, stride, padding), rows.reshape(outputs, inputs, tall, wide), bias
        )
    rows = _matrix(layer["weight"], outputs * tall * wide, inputs, weights)
    upwards = nn.ConvTranspose2d(inputs, outputs, kernel, stride, padding, tuple(layer["output_padding"]))
    return _filled(upwards, rows.reshape(outputs, tall, wide, inputs).permute(3, 0, 1, 2), bias)


def _activation(layer):
    plain = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "silu": nn.SiLU, "gelu": nn.GELU}
    if layer["name"] == "gelu_tanh":
        return nn.GELU("tanh")
    if layer["name"] == "softplus":
        return nn.Softplus(layer["beta"], layer["threshold"])
    return plain[layer["name"]]()
