"""How an answer is read: whatever came becomes a finite float64 array, or an account of what it was instead."""

from __future__ import annotations

import math

import numpy as np

from .. import _checks
from . import _text
from ._limits import contained, safely

__all__ = ["LARGEST", "Lost", "Odd", "came", "detached", "line", "read", "unanswered"]

LARGEST = 10**6  # entries of an answer that are looked at


class Odd(Exception):
    """An answer that is no answer; its text says what came."""


class Lost(Odd):
    """An answer that holds nan or an infinity."""


def unanswered(answer) -> bool:
    """Whether an answer is still `...`, None or an empty text, or holds one of them."""
    if answer is None or answer is ...:
        return True
    return safely(lambda: _holds_nothing(answer), instead=False)


def _holds_nothing(answer):
    if isinstance(answer, str):
        return len(answer) < 100 and str.strip(answer) in ("", "...", "…")
    if isinstance(answer, np.ndarray) and answer.dtype == object and 0 < answer.size <= LARGEST:
        answer = answer.ravel().tolist()
    return isinstance(answer, (list, tuple)) and any(part is None or part is ... for part in answer)


def read(answer) -> np.ndarray:
    """An answer as a finite float64 array; raises Odd, with what came, if it is none.

    Read are numbers of Python, NumPy and torch, fractions, decimals, arrays and lists of them, and text (`_text`).
    """
    try:
        array = contained(lambda: _numeric(answer))
    except (Odd, KeyboardInterrupt):
        raise
    except BaseException:
        raise Odd(came(answer)) from None
    bad = array.size - int(np.isfinite(array).sum())
    if bad:
        raise Lost(f"{float(array.item())}" if array.size == 1 else f"{bad} nan or infinite of {array.size} entries")
    return array


def _numeric(answer):
    if isinstance(answer, str):
        return np.array(_spelled(answer))
    if isinstance(answer, (bytes, bytearray, memoryview)) or _entries(answer) > LARGEST:
        raise TypeError
    array = np.asarray(_plain(answer))
    if array.size == 0:
        raise ValueError
    if array.dtype.kind in "OU":  # fractions, decimals, integers beyond 64 bits, text
        array = np.array([_real(part) for part in array.ravel()]).reshape(array.shape)
    if array.dtype.kind not in "fiu":
        raise TypeError
    return np.array(array, dtype=np.float64)


def _spelled(text):
    """The number that a text stands for, or a list of them; raises Odd with what cannot be read in it."""
    try:
        values = _text.numbers(text)
        scale = 0.01 if _text.unit(text) == "%" else 1.0
    except ValueError as error:
        raise Odd(f"{came(text)}, {error}") from None
    return values[0] * scale if len(values) == 1 else [value * scale for value in values]


def _entries(answer):
    """How many numbers an answer holds, counted without copying any."""
    if isinstance(answer, (list, tuple)):
        return len(answer) if len(answer) > LARGEST else sum(map(_entries, answer))
    if hasattr(answer, "shape"):
        return math.prod(answer.shape)
    return len(answer) if hasattr(answer, "__len__") and not isinstance(answer, str) else 1


def _plain(answer):
    return [_plain(part) for part in answer] if isinstance(answer, (list, tuple)) else detached(answer)


def _real(part):
    if isinstance(part, str):
        value = _spelled(str(part))
        if isinstance(value, list):
            raise TypeError
        return value
    if isinstance(part, (bytes, bytearray, bool, np.bool_, complex)):
        raise TypeError
    return float(part)


def detached(value):
    """A torch tensor as a NumPy array, without its graph, whatever its type; anything else as it is. Needs no torch."""
    if not (hasattr(value, "detach") and hasattr(value, "cpu")):
        return value
    tensor = value.detach().cpu()
    tensor = tensor.resolve_conj().resolve_neg()
    return (tensor.double() if tensor.is_floating_point() else tensor).numpy()


def came(value) -> str:
    """A short account of what came, whatever it is."""

    def account():
        if type(value) in (list, tuple):
            return f"{type(value).__name__} of length {len(value)}"
        return _checks.describe(value)

    return line(account, instead=line(lambda: type(value).__name__, instead="something unreadable"))


def line(text, instead: str = "...") -> str:
    """One short printable line of text(), or `instead` if it raises."""
    said = safely(lambda: " ".join(str(text())[:1000].split()), instead)
    said = "".join(letter if letter.isprintable() else "?" for letter in said)
    return said if len(said) <= 160 else f"{said[:157]}..."
