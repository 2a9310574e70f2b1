"""How a learner's function is called: what it returns, or an account of what went wrong."""

from __future__ import annotations

import copy
import inspect
import sys

import numpy as np

from ._limits import Overtime, contained, safely
from ._read import Odd, came, line, unanswered

__all__ = ["call"]


def call(function, *arguments, patience: float = 1.0):
    """What a learner's function returns (`...` if there is no function yet); raises Odd with what it raised.

    It gets copies. Where it raises and torch is loaded, it is called again with float64 tensors for NumPy arrays, and
    where that raises too, with tensors for floats as well: torch.log takes no float.
    """
    if unanswered(function):
        return ...
    if not safely(lambda: callable(function), False):
        raise Odd(f"a function is asked, but got {came(function)}")
    raised = []
    for given in _forms(arguments):
        try:
            return _run(function, given, patience)
        except Odd:
            raise
        except Exception as error:
            raised.append(_named(error))
    beside = f" (and with torch tensors {raised[1]})" if raised[1:] and raised[1] != raised[0] else ""
    raise Odd(f"your function raised {raised[0]}{beside}")


def _forms(arguments):
    """The arguments as they are; with torch loaded also with tensors for arrays, then for floats as well."""
    forms = [list(arguments)]
    for kinds in (np.ndarray, (np.ndarray, float)):
        if "torch" in sys.modules and any(isinstance(argument, kinds) for argument in forms[-1]):
            forms.append([_tensor(argument) if isinstance(argument, kinds) else argument for argument in arguments])
    return forms


def _run(function, arguments, patience):
    """function(*copies of arguments), limited, quiet and unable to exit; raises Odd, or an Exception as it came."""
    arguments = [
        copy.deepcopy(argument) if isinstance(argument, (np.ndarray, np.random.Generator)) else argument
        for argument in arguments
    ]
    try:
        result = contained(lambda: function(*arguments), patience=patience)
    except (KeyboardInterrupt, Exception):  # an Odd among them
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
    """An array or a float as a torch tensor, float64 or int64."""
    import torch

    return torch.tensor(argument, dtype=torch.float64 if np.asarray(argument).dtype.kind == "f" else torch.int64)


def _named(error):
    kind = line(lambda: type(error).__name__)
    said = line(lambda: str(error)).rstrip(" :.;,?!")
    return f"{kind}: {said}" if said else kind
