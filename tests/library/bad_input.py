"""What counts as bad input, and what a public function must make of it. The tables are in `bad_*.py` beside this file.

A row is a call that works, every argument wrapped in what it is: `row(densities.log_normal, x=reals(1.0), ...)`.
From each argument bad ones are made, in turn. A wrong type, NaN, an infinity or nothing at all must be refused by a
TypeError or ValueError whose message names the argument. Another number of axes, enormous and tiny values may be
welcome, but never end in NaN. The same numbers in another guise (a list, a strided or read-only array) change nothing.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
import re
import warnings
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

import lvm_lib

ROWS: dict[str, Row] = {}


class Argument(NamedTuple):
    """A value that works; `refused`: bad values by name; `doubtful`: values that may be refused or give an answer;
    `same`: other guises of the good value."""

    value: object
    refused: dict
    doubtful: Mapping = MappingProxyType({})
    same: Mapping = MappingProxyType({})


class Row(NamedTuple):
    call: Callable
    arguments: dict[str, Argument]


def row(call, **arguments) -> None:
    """Enter a call that works into the table."""
    key = key_of(call)
    assert key not in ROWS, f"{key} is in the table already"
    ROWS[key] = Row(call, arguments)


def key_of(call) -> str:
    """Module and name, without lvm_lib; a bound method is known by the class that wrote it."""
    plain = getattr(call, "__func__", call)
    return f"{plain.__module__}.{plain.__qualname__}".removeprefix("lvm_lib.")


# ---------------------------------------------------------------- what an argument can be

STRANGERS = {"a word": "seven", "None": None, "an object": object()}


def without(bad: dict, welcome) -> dict:
    assert set(welcome) <= set(bad), f"no such bad value: {welcome}"
    return {name: value for name, value in bad.items() if name not in welcome}


def reals(value, *, welcome=()) -> Argument:
    """An array, or a number, of finite real numbers. `welcome`: names of bad values that this argument may take."""
    array = np.asarray(value, dtype=np.float64)
    refused = {
        **STRANGERS,
        "NaN": spoiled(array, np.nan),
        "infinity": spoiled(array, np.inf),
        "nothing": np.empty((0, *array.shape[1:])),
        "complex numbers": array + 1j,
        "ragged rows": [[1.0], [1.0, 2.0]],
    }
    doubtful = {
        "one more axis": array[None],
        "huge": array * 1e200,
        "tiny": array * 1e-200,
        "zero": array * 0,
        "its negative": -array,
    }
    doubtful |= {"float32": array.astype(np.float32), "integers": array.round().astype(int), "booleans": array > 0}
    if array.ndim:
        doubtful |= {"one axis less": array[0], "one row": array[:1], "all alike": np.full_like(array, array.flat[0])}
    same = {
        "a list": array.tolist(),
        "strided": np.repeat(array[..., None], 2, axis=-1)[..., 0],
        "in Fortran's order": array.copy(order="F"),
        "read-only": read_only(array),
    }
    return Argument(value, without(refused, welcome), doubtful, same)


def moderate(value) -> Argument:
    """As `reals`, for a network that multiplies it by its weights: what is enormous may overflow."""
    plain = reals(value)
    return plain._replace(doubtful=without(plain.doubtful, ["huge"]))


def positive(value, *, welcome=()) -> Argument:
    """As `reals`, and above zero."""
    plain = reals(value)
    below = {"zero": spoiled(np.asarray(value, dtype=np.float64), 0.0), "a negative": -np.asarray(value)}
    doubtful = {name: bad for name, bad in plain.doubtful.items() if name not in ("zero", "its negative")}
    return plain._replace(refused=without({**plain.refused, **below}, welcome), doubtful=doubtful)


def number(value, *, welcome=()) -> Argument:
    """A positive number that is no array."""
    plain = positive(value)
    refused = {**plain.refused, "a row": np.array([value, value])}
    return plain._replace(refused=without(refused, welcome), doubtful={}, same={})


def whole(value, least=1, *, welcome=()) -> Argument:
    """A count of at least `least`."""
    refused = {
        **STRANGERS,
        "too small": least - 1,
        "a half": value + 0.5,
        "a float": float(value),
        "a bool": True,
        "NaN": np.nan,
        "an array": np.array([value]),
    }
    return Argument(value, without(refused, welcome), same={"a NumPy integer": np.int64(value)})


def chance(value=0) -> Argument:
    """A seed; the generator made from it must give the same."""
    return Argument(value, {**STRANGERS, "a negative": -1, "a half": 0.5, "a bool": True})


def integers(value) -> Argument:
    """An array of integers, all at least 0."""
    array = np.asarray(value)
    refused = {
        **STRANGERS,
        "halves": array + 0.5,
        "NaN": np.full(array.shape, np.nan),
        "a negative": array - array.max() - 1,
        "huge": array + 2**40,
        "nothing": array[:0],
    }
    same = {"a list": array.tolist(), "another integer type": array.astype(np.int32), "read-only": read_only(array)}
    return Argument(array, refused, {"one more axis": array[None]}, same)


def one_of(value, *others) -> Argument:
    """One of some words, or `others` that are none."""
    others = others or ("no such thing", None, 3)
    return Argument(value, {repr(other): other for other in others})


def thing(value) -> Argument:
    """An object of a certain kind, or a function."""
    return Argument(value, {**STRANGERS, "a number": 3.0})


def spoiled(array, by):
    array = np.array(array, dtype=np.float64)
    array[(-1,) * array.ndim] = by
    return array


def read_only(array):
    array = array.copy()
    array.setflags(write=False)
    return array


# ---------------------------------------------------------------- what comes of it


def numbers_in(result) -> list[np.ndarray]:
    """Every array of numbers in what a call returned."""
    if hasattr(result, "detach"):
        result = (result.float() if str(result.dtype) == "torch.bfloat16" else result).detach().cpu().numpy()
    if isinstance(result, (bool, int, float, np.number, np.ndarray)):
        return [np.asarray(result)] if np.asarray(result).dtype.kind in "fiub" else []
    if dataclasses.is_dataclass(result):
        return [array for field in dataclasses.fields(result) for array in numbers_in(getattr(result, field.name))]
    if isinstance(result, (tuple, list)):
        return [array for part in result for array in numbers_in(part)]
    if isinstance(result, dict):
        return [array for part in result.values() for array in numbers_in(part)]
    return []


def outcome(entry: Row, **changed):
    """What the call gives, or the error that it raises; a warning of NumPy's is no answer to bad input."""
    given = {name: argument.value for name, argument in entry.arguments.items()} | changed
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return entry.call(**given)
        except Exception as error:
            return error


def names(error, *arguments: str) -> bool:
    """Whether it is a TypeError or ValueError that speaks of one of the arguments."""
    return isinstance(error, (TypeError, ValueError)) and any(
        re.search(rf"\b{re.escape(argument)}\b", str(error)) for argument in arguments
    )


def faults(entry: Row) -> list[str]:
    """Where a call that works goes wrong on bad input, in words."""
    found, good = [], outcome(entry)
    if isinstance(good, Exception):
        return [f"the good call fails: {good}"]
    for name, argument in entry.arguments.items():
        for what, bad in argument.refused.items():
            result = outcome(entry, **{name: bad})
            if not isinstance(result, Exception):
                found.append(f"{name} = {what}: taken without a word")
            elif not names(result, name):
                found.append(f"{name} = {what}: the error does not name it: {result!r}")
        for what, odd in argument.doubtful.items():
            result = outcome(entry, **{name: odd})
            if isinstance(result, Exception):
                if not names(result, *entry.arguments):
                    found.append(f"{name} = {what}: the error names no argument: {result!r}")
            elif any(np.isnan(array).any() for array in numbers_in(result)):
                found.append(f"{name} = {what}: NaN in the answer")
        for what, guise in argument.same.items():
            result = outcome(entry, **{name: guise})
            if isinstance(result, Exception) or not same(result, good):
                found.append(f"{name} = {what}: another answer: {result!r}"[:300])
    return found


def same(result, good) -> bool:
    pairs = zip(numbers_in(result), numbers_in(good), strict=True)
    return all(a.shape == b.shape and np.allclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True) for a, b in pairs)


# ---------------------------------------------------------------- what is public


def public_calls() -> dict[str, Callable]:
    """Every public function, class and method that takes an argument, by its key; from `__all__` of every module."""
    found = {}
    for info in pkgutil.walk_packages(lvm_lib.__path__, "lvm_lib."):
        module = importlib.import_module(info.name)
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if getattr(value, "_is_protocol", False):  # it says what others offer, and does nothing
                continue
            if callable(value) and getattr(value, "__module__", "").startswith("lvm_lib"):
                for call in (value, *methods(value)):
                    if takes_something(call):
                        found[key_of(call)] = call
    return found


def methods(cls):
    """The public methods of a class, those of its private bases too."""
    own = (
        [base for base in getattr(cls, "__mro__", ()) if base.__module__.startswith("lvm_lib")]
        if inspect.isclass(cls)
        else []
    )
    return [
        getattr(cls, name)
        for base in own
        for name, value in vars(base).items()
        if not name.startswith("_")
        and name != "forward"  # which torch calls
        and (inspect.isfunction(value) or isinstance(value, (classmethod, staticmethod)))
    ]


def takes_something(call) -> bool:
    if inspect.isclass(call) and issubclass(call, BaseException):
        return False
    return bool([name for name in inspect.signature(call).parameters if name not in ("self", "args", "kwargs")])
