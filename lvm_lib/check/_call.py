"""How a learner's function is called: what it returns, or an account of what went wrong."""

from __future__ import annotations

import copy
import inspect
import sys

import numpy as np

from ._limits import Overtime, contained, safely
from ._read import Odd, came, line, unanswered

__all__ = ["call"]

RETRIED = (TypeError, AttributeError, ValueError, RuntimeError)  # what torch says to a NumPy array


def call(function, *arguments, patience: float = 1.0):
    """What a learner's function returns (`...` if there is no function yet); raises Odd with what it raised.

    It gets copies. Where NumPy arrays make it raise and torch is loaded, it is called again with float64 tensors.
    """
    if unanswered(function):
        return ...
    if not safely(lambda: callable(function), False):
        raise Odd(f"a function is asked, but got {came(function)}")
    try:
        return _run(function, arguments, patience)
    except RETRIED as error:
        first = error
    if "torch" in sys.modules and any(isinstance(argument, np.ndarray) for argument in arguments):
        try:
            return _run(function, [_tensor(argument) for argument in arguments], patience)
        except RETRIED as second:
            if _named(second) != _named(first):
                raise Odd(f"your function raised {_named(first)} (and with torch tensors {_named(second)})") from None
    raise Odd(f"your function raised {_named(first)}")


def _run(function, arguments, patience):
    """function(*copies of arguments), limited, quiet and unable to exit; raises Odd, or one of RETRIED as it came."""
    arguments = [
        copy.deepcopy(argument) if isinstance(argument, (np.ndarray, np.random.Generator)) else argument
        for argument in arguments
    ]
    try:
        result = contained(lambda: function(*arguments), patience=patience)
    except (KeyboardInterrupt, *RETRIED):
        raise
    except Overtime as error:
        raise Odd(f"your function {error}") from None
    except BaseException as error:
        raise Odd(f"your function raised {_named(error)}") from None
    if inspect.iscoroutine(result):
        result.close()
        raise Odd("your function is a coroutine: write def, not async def")
    return result


def _tensor(argument):
    """An array as a torch tensor, float64 or int64; anything else as it is."""
    import torch

    if not isinstance(argument, np.ndarray):
        return argument
    return torch.tensor(argument, dtype=torch.float64 if argument.dtype.kind == "f" else torch.int64)


def _named(error):
    kind = line(lambda: type(error).__name__)
    said = line(lambda: str(error)).rstrip(" :.;,?!")
    return f"{kind}: {said}" if said else kind
