"""What goes over the pipe between a submission's process and the judge: JSON, one message a line; arrays in base64.

Nothing that is read is run: no pickle, no code, no name that would be imported. What has no plain form stays where it
is, and a handle goes over the pipe.
"""

from __future__ import annotations

import base64
import json
import math
import os
import select
import sys
import time
from decimal import Decimal
from fractions import Fraction

import numpy as np

LARGEST = 64 * 2**20  # bytes of a message
KINDS = "biufc"
TYPES = {np.dtype(kind).name for kind in ("?", *"bhilqBHILQ", "e", "f", "d", "F", "D")}
HALF = "bfloat16"


class Closed(Exception):
    """The other process is gone, or says what is no message."""


class Late(Exception):
    """The other process did not answer in time."""


# ------------------------------------------------------------------ values


def encode(value, handle, depth: int = 0):
    """A value as plain data; handle(object) -> plain data for what has no plain form."""
    if depth > 20:
        raise ValueError("an answer holds lists within lists, too deep to be read")
    if value is None or isinstance(value, (bool, str)):
        return value if value is None or isinstance(value, bool) else str(value)
    if value is ...:
        return {"dots": 1}
    if isinstance(value, np.generic):
        return {"scalar": _array(np.asarray(value))} if value.dtype.kind in KINDS and _known(value) else str(value)
    if isinstance(value, int):
        return int(value) if abs(value) < 1 << 4000 else handle(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, complex):
        return {"complex": [value.real, value.imag]}
    if isinstance(value, Fraction):
        return {"fraction": [value.numerator, value.denominator]}
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    if isinstance(value, (list, tuple)):
        kind = "list" if isinstance(value, list) else "tuple"
        return {kind: [encode(part, handle, depth + 1) for part in value]}
    if isinstance(value, np.ndarray):
        if value.dtype.kind in KINDS and _known(value):
            return {"array": _array(value)}
        return {"objects": encode(value.tolist(), handle, depth + 1)} if value.size <= 10**5 else handle(value)
    if isinstance(value, np.random.Generator) and type(value.bit_generator) is np.random.PCG64:
        return {"generator": value.bit_generator.state}
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return _tensor(value, handle)
    return handle(value)


def _known(value) -> bool:
    return value.dtype.name in TYPES


def _array(value: np.ndarray) -> list:
    value = np.asarray(value, order="C")
    if value.nbytes > LARGEST // 2:
        raise ValueError("an answer is larger than can be judged")
    return [value.dtype.name, list(value.shape), base64.b64encode(value.tobytes()).decode("ascii")]


def _tensor(value, handle):
    flat = value.detach().cpu().resolve_conj().resolve_neg()
    kind = str(flat.dtype).removeprefix("torch.")
    array = (flat.float() if kind == HALF else flat).numpy()
    grows = handle(value)["handle"] if value.requires_grad else None
    return {"tensor": _array(array), "half": kind == HALF, "grows": grows}


def decode(plain, taken):
    """The value of plain data; taken(data) -> the value of a handle, and of a tensor that has a gradient."""
    if not isinstance(plain, dict):
        return plain
    (name, content), *more = plain.items()
    if name == "dots":
        return ...
    if name == "scalar":
        return _read(content)[()]
    if name == "complex":
        return complex(*content)
    if name == "fraction":
        return Fraction(int(content[0]), int(content[1]))
    if name == "decimal":
        return Decimal(content)
    if name == "list":
        return [decode(part, taken) for part in content]
    if name == "tuple":
        return tuple(decode(part, taken) for part in content)
    if name == "array":
        return _read(content)
    if name == "objects":
        return np.array(decode(content, taken), dtype=object)
    if name == "generator":
        bits = np.random.PCG64(0)
        bits.state = content
        return np.random.Generator(bits)
    if name == "tensor":
        import torch

        tensor = torch.from_numpy(_read(content))
        tensor = tensor.bfloat16() if plain["half"] else tensor
        return taken({"tensor": tensor, "grows": plain["grows"]}) if plain["grows"] is not None else tensor
    if name == "handle" and not [key for key, _ in more if key not in ("type", "calls")]:
        return taken(plain)
    raise Closed("it sent what is no message")


def _read(content) -> np.ndarray:
    kind, shape, raw = content
    if kind not in TYPES:
        raise Closed("it sent an array of an unknown type")
    array = np.frombuffer(base64.b64decode(raw), dtype=kind).copy()
    if math.prod(shape) != array.size:
        raise Closed("it sent an array that is not whole")
    return array.reshape([int(n) for n in shape])


# ------------------------------------------------------------------ messages


class Line:
    """A pipe in both directions."""

    def __init__(self, source: int, target: int):
        self.source, self.target = source, target
        self.waiting = b""

    def send(self, message: dict, until: float = math.inf) -> None:
        """Send a message; raises Closed where nobody reads any more, Late where it takes too long."""
        data = json.dumps(message).encode("utf-8") + b"\n"
        view = memoryview(data)
        while view:
            try:
                _, ready, _ = select.select([], [self.target], [], _left(until))
                if not ready:
                    raise Late
                view = view[os.write(self.target, view[:65536] if until == math.inf else view[:4096]) :]
            except OSError as error:
                raise Closed(str(error)) from None

    def receive(self, until: float = math.inf) -> dict:
        """The next message. Raises Closed at the end, or for what is no message, and Late after `until`."""
        pieces, held = [self.waiting], len(self.waiting)
        while b"\n" not in pieces[-1]:
            ready, _, _ = select.select([self.source], [], [], _left(until))
            if not ready:
                raise Late
            piece = os.read(self.source, 1 << 20)
            held += len(piece)
            if not piece or held > 2 * LARGEST:
                raise Closed("it ended" if not piece else "it sent more than can be read")
            pieces.append(piece)
        line, _, self.waiting = b"".join(pieces).partition(b"\n")
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            raise Closed("it sent what is no message") from None
        if not isinstance(message, dict):
            raise Closed("it sent what is no message")
        return message


def _left(until: float) -> float | None:
    return None if until == math.inf else max(until - time.monotonic(), 0.0)
