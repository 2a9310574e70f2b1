"""The bound of a VQ-VAE as a message: tokens by their prior, pixels given the tokens, on the bits themselves.

Sender and receiver share the codes, the decoder, and for each place the shares of the codes in whole numbers, which are
the prior. A message lies on a stack of bits (lvm_lib.coding):

    send x by the tokens z:   push x with p(x | z), push z with p(z)
    receive:                  pop z, decode it, pop x

Nothing is popped before it is pushed: q is one point, so nothing comes back, and the message takes

    -log p(x | z) - log p(z)                                                                             [tok-bound]

up to whole frequencies. Any tokens will do: those of a bad encoder make a longer message of the same picture.

Each pixel is 1 with the probability that the decoder's output gives it as a grey level, cut to [LEAST, 1 - LEAST]. Both
ends must find the same whole frequencies, so the decoder is computed by + - * / in one fixed order, as
js/engine/exact.js does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from torch import nn

from ._checks import count, describe, explained, real_array
from .coding import PRECISION, WHOLE, Stack, _stack, exact_exp

__all__ = ["SentTokens", "TokenCode", "whole_shares"]

LEAST = WHOLE // 200  # of a pixel's two frequencies, at least


class SentTokens(NamedTuple):
    """What each part of a message takes, in bits, by the whole frequencies that coded it."""

    x: float  # -log2 p(x | z)
    z: float  # -log2 p(z)

    @property
    def net(self) -> float:
        """What the message takes: nothing comes back."""
        return self.x + self.z


class ReceivedTokens(NamedTuple):
    """What a receiver reads."""

    x: np.ndarray  # (D,), uint8
    tokens: tuple[int, ...]


def whole_shares(probabilities: ArrayLike) -> np.ndarray:
    """Probabilities (M, K), rows that add up to one, as whole numbers of at least 1 that add up to 2^24.

    What rounding leaves over goes to the largest of a row, the first of equals.
    Raises TypeError or ValueError where these are no probabilities.
    """
    p = real_array("probabilities", probabilities)
    off = np.abs(p.sum(1) - 1).max() if p.ndim == 2 else math.inf
    if (p < 0).any() or (off > 1e-6 and (p.ndim != 2 or off > explained(probabilities, p.shape[1]))):
        raise ValueError(f"probabilities must be rows that add up to one, got {describe(probabilities)}")
    if p.shape[1] > WHOLE // 256:
        raise ValueError(f"probabilities must be of at most {WHOLE // 256} codes, got {p.shape[1]}")
    shares = 1 + np.floor((WHOLE - p.shape[1]) * p / p.sum(1, keepdims=True)).astype(int)
    rows = np.arange(len(p))
    shares[rows, p.argmax(1)] += WHOLE - shares.sum(1)
    return shares


class TokenCode:
    """The codec of one VQ-VAE and one prior over its tokens, place by place.

    codes: (K, d).  decoder: a torch module from maps (1, d, g, g) to D = side^2 outputs, made of convolutions with
        stride 1, of transposed ones that do not overlap, of ReLUs, sigmoids and a flattening; taken in float64.
    shares: (M, K) whole numbers, M = g^2 places row by row, each row of 2^24 in all: the prior (see `whole_shares`).
    Raises TypeError or ValueError where an argument cannot be right.
    """

    def __init__(self, codes: ArrayLike, decoder: nn.Module, shares: ArrayLike):
        self.codes, given = real_array("codes", codes), real_array("shares", shares)
        if self.codes.ndim != 2 or given.ndim != 2 or given.shape[1] != len(self.codes) or not given.size:
            raise ValueError(f"shares must have a column for each of {self.codes.shape} codes, got {given.shape}")
        self.shares = given.astype(np.int64)
        if (self.shares != given).any() or (self.shares < 1).any() or (self.shares.sum(1) != WHOLE).any():
            raise ValueError(f"shares must be whole numbers, rows that add up to 2^24, got {describe(shares)}")
        self.places, self.grid = len(self.shares), math.isqrt(len(self.shares))
        if self.grid**2 != self.places:
            raise ValueError(f"shares must have a row for each place of a square grid, got {self.places} rows")
        if not isinstance(decoder, nn.Module):
            raise TypeError(f"decoder must be a torch module, got {describe(decoder)}")
        self.stages = [_stage(part) for part in decoder.modules() if not list(part.children())]
        self.starts = np.concatenate([np.zeros((self.places, 1), np.int64), self.shares.cumsum(1)], axis=1)
        try:
            self.pixels = len(self.of_pixels([0] * self.places))
        except (IndexError, ValueError) as error:
            raise ValueError(f"decoder must take maps of {self.codes.shape[1]} channels, got {decoder}") from error

    def of_pixels(self, tokens: Sequence[int] | np.ndarray) -> np.ndarray:
        """2^24 p(x_d = 1 | z) for each pixel, whole numbers from LEAST to 2^24 - LEAST.

        Raises TypeError or ValueError where these are no tokens.
        """
        maps = self.codes[self._tokens(tokens)].T.reshape(-1, self.grid, self.grid)
        for stage in self.stages:
            maps = stage(maps)
        return np.clip(np.floor(WHOLE * maps.ravel()), LEAST, WHOLE - LEAST).astype(np.int64)

    def send(self, x: ArrayLike, tokens: Sequence[int] | np.ndarray, stack: Stack) -> SentTokens:
        """Put the image x (D,), of 0 and 1, on the stack, by way of tokens (M,).

        Raises TypeError or ValueError for what cannot be right.
        """
        z, stack, pixels = self._tokens(tokens), _stack(stack), real_array("x", x).ravel()
        if pixels.size != self.pixels or not np.isin(pixels, (0, 1)).all():
            raise ValueError(f"x must hold {self.pixels} pixels, each 0 or 1, got {describe(x)}")
        ones, of_x, of_z = self.of_pixels(z).tolist(), 0.0, 0.0
        for d in range(self.pixels - 1, -1, -1):
            start, frequency = (WHOLE - ones[d], ones[d]) if pixels[d] else (0, WHOLE - ones[d])
            stack.push(start, frequency)
            of_x += PRECISION - math.log2(frequency)
        for m in range(self.places - 1, -1, -1):
            start, frequency = int(self.starts[m, z[m]]), int(self.shares[m, z[m]])
            stack.push(start, frequency)
            of_z += PRECISION - math.log2(frequency)
        return SentTokens(of_x, of_z)

    def receive(self, stack: Stack) -> ReceivedTokens:
        """Take the image that was sent last off the stack, which is then as it was before `send`.

        Raises ValueError where the stack holds no whole message.
        """
        stack, z = _stack(stack), []
        for starts in self.starts:
            k = int(np.searchsorted(starts, stack.peek(), "right")) - 1
            stack.pop(int(starts[k]), int(starts[k + 1] - starts[k]))
            z.append(k)
        x = np.zeros(self.pixels, np.uint8)
        for d, ones in enumerate(self.of_pixels(z).tolist()):
            x[d] = stack.peek() >= WHOLE - ones
            stack.pop(*((WHOLE - ones, ones) if x[d] else (0, WHOLE - ones)))
        return ReceivedTokens(x, tuple(z))

    def _tokens(self, tokens: Sequence[int] | np.ndarray) -> list[int]:
        if not isinstance(tokens, (Sequence, np.ndarray)) or len(tokens) != self.places:
            raise ValueError(f"tokens must be {self.places} whole numbers, got {describe(tokens)}")
        z = [count("tokens", token, 0) for token in tokens]
        if max(z) >= len(self.codes):
            raise ValueError(f"tokens must be below {len(self.codes)}, got {max(z)}")
        return z


# ---------------------------------------------------------------- a decoder by + - * / in one fixed order


def _stage(part: nn.Module) -> Callable[[np.ndarray], np.ndarray]:
    """One layer as a function of maps (channels, height, width): every sum goes from the first input to the last."""
    if isinstance(part, nn.Conv2d):
        return _convolution(part)
    if isinstance(part, nn.ConvTranspose2d):
        return _patches(part)
    if isinstance(part, nn.ReLU):
        return lambda maps: np.maximum(maps, 0.0)
    if isinstance(part, nn.Sigmoid):
        return lambda maps: 1.0 / (1.0 + exact_exp(-maps))
    if isinstance(part, nn.Flatten):
        return lambda maps: maps
    raise TypeError(f"decoder must be convolutions, ReLUs, sigmoids and a flattening, got {type(part).__name__}")


def _numbers(part: nn.Conv2d | nn.ConvTranspose2d) -> tuple[np.ndarray, np.ndarray]:
    weight = part.weight.detach().double().numpy()
    outputs = part.out_channels
    return weight, part.bias.detach().double().numpy() if part.bias is not None else np.zeros(outputs)


def _fits(maps: np.ndarray, channels: int) -> tuple[int, ...]:
    if maps.shape[0] != channels:
        raise ValueError(f"a layer of {channels} channels got {maps.shape[0]}")
    return maps.shape


def _convolution(part: nn.Conv2d) -> Callable[[np.ndarray], np.ndarray]:
    tall, wide = part.kernel_size
    if part.stride != (1, 1) or part.padding != (tall // 2, wide // 2) or tall % 2 == 0 or wide % 2 == 0:
        raise TypeError(f"decoder must have convolutions that keep the grid, got {part}")
    weight, bias = _numbers(part)

    def run(maps: np.ndarray) -> np.ndarray:
        _, height, width = _fits(maps, weight.shape[1])
        padded = np.pad(maps, ((0, 0), (tall // 2,) * 2, (wide // 2,) * 2))
        total = np.tile(bias[:, None, None], (1, height, width))
        for c in range(weight.shape[1]):
            for i in range(tall):
                for j in range(wide):
                    total += weight[:, c, i, j][:, None, None] * padded[c, i : i + height, j : j + width]
        return total

    return run


def _patches(part: nn.ConvTranspose2d) -> Callable[[np.ndarray], np.ndarray]:
    if part.stride != part.kernel_size or part.padding != (0, 0) or part.output_padding != (0, 0):
        raise TypeError(f"decoder must have transposed convolutions that do not overlap, got {part}")
    weight, bias = _numbers(part)
    tall, wide = part.kernel_size

    def run(maps: np.ndarray) -> np.ndarray:
        channels, height, width = _fits(maps, weight.shape[0])
        total = np.tile(bias[:, None, None, None, None], (1, height, tall, width, wide))
        for c in range(channels):
            total += weight[c][:, None, :, None, :] * maps[c][None, :, None, :, None]
        return total.reshape(len(bias), height * tall, width * wide)

    return run
