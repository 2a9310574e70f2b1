"""The bound as a message: bits back with ANS, on the bits themselves.

A sender and a receiver share a VAE of black and white images, the number of bins and the width of q. A message lies on
a stack of bits, which both ends of the line use alike:

    send x:     pop z with q(z | x)     the stack gives the bits that choose z      +log q(z | x)
                push x with p(x | z)                                                -log p(x | z)
                push z with p(z)                                                    -log p(z)
    receive:    pop z with p(z), pop x with p(x | z), push z with q(z | x): these bits are back

So a message grows the stack by log q(z | x) - log p(x | z) - log p(z), on average by -ELBO(x) [elbo-code-length], up to
what bins and whole frequencies cost. Images are sent one upon the other; the last one sent comes out first.

z is sent to the precision of bins of equal prior mass: 2^bits for each dimension, the bin of a z is decoded at its
middle quantile. q's mass of a bin is a difference of normal distribution functions. q may be made wider or narrower by
`width`, a factor on its standard deviations; at width 0 it is the one bin that holds its mean, and nothing comes back.

Both ends must find the same whole frequencies, or everything after the first difference is noise. Sums in another order
or another language's exp differ in the last bit, which decides where a frequency is rounded. So nets, exp and the
distribution function are computed here by + - * / in one fixed order, which IEEE 754 rounds alike everywhere:
js/engine/exact.js does the same operations, and finds the same bits. The edges of the bins are one fixed table, rounded
to 2^-20, which a test compares whole.

Sources: Duda, "Asymmetric numeral systems", arXiv 1311.2540 (2013); Townsend, Bird and Barber, "Practical lossless
compression with latent variables using bits back coding", ICLR (2019). The distribution function: Hart et al.,
"Computer Approximations" (1968), number 5666.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from torch import nn

from . import counter
from ._checks import count, describe, real_array, real_number

__all__ = ["BitsBack", "Sent", "Stack", "exact_cdf", "exact_exp"]

PRECISION = 24  # frequencies sum to 2^24
WHOLE = 1 << PRECISION
LOW, HIGH = 1 << 32, 1 << 48  # the state lies between; a page holds it exactly, in a float64
FINEST = 14  # bits of a bin's number in one dimension, at most
WIDEST = 8.0  # factor on q's standard deviations, at most
STREAM = 13  # of the counter, for the first bits


# ---------------------------------------------------------------- a stack of bits


class Stack:
    """Bits as one number: a state in [2^32, 2^48) over a list of 16-bit words (range ANS, Duda 2013).

    Popping uniform bits with the frequencies of a distribution draws from it; pushing what was drawn restores them.
    seed: where the words come from that a pop finds missing, the *first* bits; None: there are none, as at the
    receiver's end, and such a pop raises ValueError. `borrowed` counts them, in bits.
    Raises TypeError or ValueError for a seed that is no whole number from 0 to 2^32 - 1.
    """

    def __init__(self, seed: int | None = None):
        self.words: list[int] = []
        self.borrowed = 0
        self.source = None if seed is None else _first(seed)
        self.state = LOW
        if self.source is not None:
            self.state = (self._borrow() | 0x8000) << 32 | self._borrow() << 16 | self._borrow()

    @classmethod
    def of(cls, message: bytes) -> Stack:
        """The stack that `to_bytes` wrote. Raises ValueError where these are not its bytes."""
        if not isinstance(message, (bytes, bytearray)) or len(message) < 6 or len(message) % 2:
            raise ValueError(f"message must be an even number of bytes, at least six, got {describe(message)}")
        stack = cls()
        numbers = [int.from_bytes(message[i : i + 2], "big") for i in range(0, len(message), 2)]
        stack.state, stack.words = numbers[0] << 32 | numbers[1] << 16 | numbers[2], numbers[:2:-1]
        if stack.state < LOW:
            raise ValueError(f"message must begin with a state of at least 2^32, got {stack.state}")
        return stack

    def to_bytes(self) -> bytes:
        """The state, then the words from the top of the stack down: what goes over the line."""
        return self.state.to_bytes(6, "big") + b"".join(word.to_bytes(2, "big") for word in self.words[::-1])

    @property
    def bits(self) -> float:
        """The size of what lies on the stack: 16 for each word, and the logarithm of the state."""
        return 16 * len(self.words) + math.log2(self.state)

    def push(self, start: int, frequency: int) -> None:
        """Add a symbol of probability frequency / 2^24, which owns the numbers from start on.

        Raises TypeError or ValueError where start or frequency cannot be right.
        """
        start, frequency = _owned(start, frequency)
        while self.state >= frequency * (HIGH >> PRECISION):
            self.words.append(self.state & 0xFFFF)
            self.state >>= 16
        self.state = (self.state // frequency << PRECISION) + start + self.state % frequency

    def peek(self) -> int:
        """The number from 0 to 2^24 - 1 on top, which says which symbol is to be popped."""
        return self.state & (WHOLE - 1)

    def pop(self, start: int, frequency: int) -> None:
        """Take off the symbol that owns the number on top.

        Raises ValueError where the stack is empty or start and frequency are not those of that symbol.
        """
        start, frequency = _owned(start, frequency)
        if not start <= self.peek() < start + frequency:
            raise ValueError(f"start and frequency must be those of the symbol that owns {self.peek()}, got {start}")
        self.state = frequency * (self.state >> PRECISION) + self.peek() - start
        while self.state < LOW:
            self.state = self.state << 16 | (self.words.pop() if self.words else self._borrow())

    def _borrow(self) -> int:
        if self.source is None:
            raise ValueError("the stack is empty: these bytes are no whole message")
        self.borrowed += 16
        return next(self.source)


def _owned(start: int, frequency: int) -> tuple[int, int]:
    """start and frequency as whole numbers, if they are those of a symbol."""
    start, frequency = count("start", start, 0), count("frequency", frequency)
    if start + frequency > WHOLE:
        raise ValueError(f"start + frequency must be at most 2^24, got {start} + {frequency}")
    return start, frequency


def _first(seed: int) -> Iterator[int]:
    """16-bit words of the counter, the upper halves of its 32-bit words."""
    counter.words(seed, 0, STREAM)
    return (int(word) >> 16 for index in iter(range(2**32)) for word in counter.words(seed, index, STREAM))


# ---------------------------------------------------------------- arithmetic that is the same everywhere

LOG2E = 1.4426950408889634
LN2_HIGH, LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10  # log 2 in two parts, the first with 20 zeros at its end
FACTORIALS = [math.factorial(n) for n in range(13, -1, -1)]


def exact_exp(x: ArrayLike) -> np.ndarray:
    """exp(x), elementwise, to 1e-15: by + - * / alone, so that js/engine/exact.js finds the same bits.

    x is cut to [-700, 700]; exp(x) = 2^k exp(r) with |r| at most log(2) / 2, and exp(r) by 14 terms of its series.
    Raises TypeError or ValueError where x cannot be right.
    """
    at = np.clip(real_array("x", x), -700.0, 700.0)
    k = np.floor(at * LOG2E + 0.5)
    r = (at - k * LN2_HIGH) - k * LN2_LOW
    total = np.zeros_like(r)
    for factorial in FACTORIALS:
        total = total * r + 1.0 / factorial
    return np.ldexp(total, k.astype(int))


OVER = (
    0.0352624965998911,
    0.700383064443688,
    6.37396220353165,
    33.912866078383,
    112.079291497871,
    221.213596169931,
    220.206867912376,
)
UNDER = (
    0.0883883476483184,
    1.75566716318264,
    16.064177579207,
    86.7807322029461,
    296.564248779674,
    637.333633378831,
    793.826512519948,
    440.413735824752,
)


def exact_cdf(x: ArrayLike) -> np.ndarray:
    """The distribution function of N(0, 1), elementwise, to 1e-15, by the same operations as js/engine/exact.js.

    Beyond 7 standard deviations it is 0 or 1. Raises TypeError or ValueError where x cannot be right.
    """
    at = real_array("x", x)
    a = np.minimum(np.abs(at), 7.0)
    over, under = np.full_like(a, OVER[0]), np.full_like(a, UNDER[0])
    for c in OVER[1:]:
        over = over * a + c
    for c in UNDER[1:]:
        under = under * a + c
    tail = np.where(np.abs(at) >= 7.0, 0.0, exact_exp(-0.5 * a * a) * over / under)
    return np.where(at > 0, 1.0 - tail, tail)


@lru_cache(maxsize=1)
def _quantiles() -> np.ndarray:
    """Normal quantiles of i / 2^15, i = 0 to 2^15, rounded to 2^-20; the ends are 8 standard deviations out."""
    inner = np.rint(counter.normal_quantile(np.arange(1, 2 * 2**FINEST) / (2 * 2**FINEST)) * 2**20) / 2**20
    return np.concatenate([[-8.0], inner, [8.0]])


def _layers(name: str, module: nn.Module) -> list[tuple[np.ndarray, np.ndarray]]:
    """(weight transposed, bias) of each linear layer, float64; a ReLU must stand between them, and nothing else."""
    flat = [part for part in module.modules() if not list(part.children())]
    kinds = [type(part) for part in flat]
    if kinds != [nn.Linear if i % 2 == 0 else nn.ReLU for i in range(len(kinds))] or len(kinds) % 2 == 0:
        raise TypeError(
            f"{name} must be linear layers with a ReLU between them, got {', '.join(kind.__name__ for kind in kinds)}"
        )
    return [
        (part.weight.detach().double().numpy().T.copy(), part.bias.detach().double().numpy())
        for part in flat
        if isinstance(part, nn.Linear)
    ]


def _forward(layers: list[tuple[np.ndarray, np.ndarray]], x: np.ndarray) -> np.ndarray:
    """The outputs for one input, every sum from the first input to the last, as js/engine/exact.js adds."""
    for i, (columns, bias) in enumerate(layers):
        total = bias.copy()
        for j in np.flatnonzero(x):
            total += columns[j] * x[j]
        x = total if i == len(layers) - 1 else np.maximum(total, 0.0)
    return x


# ---------------------------------------------------------------- bits back


class Sent(NamedTuple):
    """One message: the bins of z, and what each part takes, in bits, by the whole frequencies that coded it."""

    bins: tuple[int, ...]
    x: float  # -log2 p(x | z)
    z: float  # -log2 p(z)
    back: float  # -log2 q(z | x): what the receiver reads again

    @property
    def net(self) -> float:
        """What the message takes in the end."""
        return self.x + self.z - self.back


class BitsBack:
    """The codec of one VAE, with 2^bits bins of z for each dimension and q's standard deviations times `width`.

    encoder: a torch module from D pixels to d means and d log standard deviations; decoder: from d numbers to D
        logits; both linear layers with a ReLU between them, taken in float64.
    bits: 1 to 14.  width: 0 to 8.
    Raises TypeError or ValueError where an argument cannot be right.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module, bits: int = 8, width: float = 1.0):
        for name, module in (("encoder", encoder), ("decoder", decoder)):
            if not isinstance(module, nn.Module):
                raise TypeError(f"{name} must be a torch module, got {describe(module)}")
        self.encoder, self.decoder = _layers("encoder", encoder), _layers("decoder", decoder)
        self.bits, self.width = count("bits", bits), real_number("width", width)
        if self.bits > FINEST or self.width > WIDEST:
            raise ValueError(f"bits must be at most {FINEST} and width at most {WIDEST}, got {bits} and {width}")
        self.pixels, self.latents = len(self.decoder[-1][1]), len(self.decoder[0][0])
        if len(self.encoder[-1][1]) != 2 * self.latents or len(self.encoder[0][0]) != self.pixels:
            raise ValueError(
                f"encoder must map {self.pixels} pixels to {2 * self.latents} numbers, got "
                f"{len(self.encoder[0][0])} to {len(self.encoder[-1][1])}"
            )
        self._known: tuple[bytes, list[np.ndarray]] = (b"", [])  # the last image, and its q
        step = 2 ** (FINEST - self.bits)
        self.edges, self.middles = _quantiles()[:: 2 * step], _quantiles()[step :: 2 * step]

    # ---- distributions in whole numbers

    def q(self, x: ArrayLike) -> list[np.ndarray]:
        """For each dimension of z where its bins begin among 0 to 2^24, by q(z | x): 2^bits + 1 whole numbers.

        Each bin has at least 1, unless q is one point. Raises TypeError or ValueError where x is no image of 0 and 1.
        """
        image = self._image(x)
        if self._known[0] != image.tobytes():
            mean, std = self.gaussian(image)
            self._known = image.tobytes(), [self._starts(m, s) for m, s in zip(mean, std, strict=True)]
        return self._known[1]

    def gaussian(self, x: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of q(z | x), each (d,), the second times `width`.

        Raises TypeError or ValueError where x is no image of 0 and 1.
        """
        out = _forward(self.encoder, self._image(x))
        return out[: self.latents], self.width * exact_exp(np.clip(out[self.latents :], -30.0, 20.0))

    def _starts(self, mean: float, std: float) -> np.ndarray:
        bins = len(self.middles)
        if std == 0:
            cdf = (self.edges[1:] > mean).astype(float)  # all of it in the bin that holds the mean
            cdf = np.concatenate([[0.0], cdf]) if cdf.any() else np.concatenate([np.zeros(bins), [1.0]])
            return (WHOLE * cdf).astype(int)
        cdf = exact_cdf((self.edges - mean) / std)
        cdf[0], cdf[-1] = 0.0, 1.0
        return np.arange(bins + 1) + np.floor((WHOLE - bins) * cdf).astype(int)

    def of_pixels(self, bins: Sequence[int]) -> np.ndarray:
        """2^24 p(x_d = 1 | z) for each pixel, whole numbers from 1 to 2^24 - 1, at the middles of the bins of z.

        Raises TypeError or ValueError where these are no numbers of bins.
        """
        if len(bins) != self.latents:
            raise ValueError(f"bins must be {self.latents} whole numbers, got {describe(bins)}")
        if max(count("bins", i, 0) for i in bins) >= len(self.middles):
            raise ValueError(f"bins must be below {len(self.middles)}, got {bins}")
        logits = _forward(self.decoder, self.middles[list(bins)])
        return 1 + np.floor((WHOLE - 2) / (1.0 + exact_exp(-logits))).astype(int)

    # ---- messages

    def send(self, x: ArrayLike, stack: Stack) -> Sent:
        """Put the image x (D,), of 0 and 1, on the stack. Raises TypeError or ValueError for what cannot be right."""
        pixels, stack = self._image(x), _stack(stack)
        bins, back = [], 0.0
        for starts in self.q(pixels):
            i = int(np.searchsorted(starts, stack.peek(), "right")) - 1
            frequency = int(starts[i + 1] - starts[i])
            stack.pop(int(starts[i]), frequency)
            back += PRECISION - math.log2(frequency)
            bins.append(i)
        ones, length = self.of_pixels(bins).tolist(), 0.0
        for d in range(self.pixels - 1, -1, -1):
            start, frequency = (WHOLE - ones[d], ones[d]) if pixels[d] else (0, WHOLE - ones[d])
            stack.push(start, frequency)
            length += PRECISION - math.log2(frequency)
        share = WHOLE >> self.bits
        for i in bins:
            stack.push(i * share, share)
        return Sent(tuple(bins), length, float(self.bits * self.latents), back)

    def receive(self, stack: Stack) -> np.ndarray:
        """Take the image that was sent last off the stack, (D,), uint8: afterwards it is as before `send`.

        Raises ValueError where the stack holds no whole message.
        """
        stack, share = _stack(stack), WHOLE >> self.bits
        bins: list[int] = []
        for _ in range(self.latents):
            i = stack.peek() // share
            stack.pop(i * share, share)
            bins.insert(0, i)
        x = np.zeros(self.pixels, np.uint8)
        for d, ones in enumerate(self.of_pixels(bins).tolist()):
            x[d] = stack.peek() >= WHOLE - ones
            stack.pop(*((WHOLE - ones, ones) if x[d] else (0, WHOLE - ones)))
        for starts, i in reversed(list(zip(self.q(x), bins, strict=True))):
            if starts[i + 1] == starts[i]:
                raise ValueError("the stack holds no message of this codec: its z has no mass under q")
            stack.push(int(starts[i]), int(starts[i + 1] - starts[i]))
        return x

    def _image(self, x: ArrayLike) -> np.ndarray:
        pixels = real_array("x", x)
        if pixels.size != self.pixels or not np.isin(pixels, (0, 1)).all():
            raise ValueError(f"x must hold {self.pixels} pixels, each 0 or 1, got {describe(x)}")
        return pixels.ravel()


def _stack(stack: Stack) -> Stack:
    if not isinstance(stack, Stack):
        raise TypeError(f"stack must be a Stack, got {describe(stack)}")
    return stack
