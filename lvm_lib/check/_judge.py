"""The core of every self-check: an answer, the truth, the known slips; and how an answer is read and spoken of.

A check is a table. `judge` compares one answer with the truth, which the library computes, and with the values that
typical slips lead to, {what the answer looks like: its value}; `tell` prints the verdicts as one message:

    def my_exercise(gap):
        slips = {"the ELBO itself": elbo}
        return tell("the gap is a divergence.", judge(gap, evidence - elbo, "gap", slips))
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .. import _checks

TOLERANCE = 0.005  # an answer rounded to two decimals is right
LARGEST = 10**6  # entries of an answer that are looked at


# ---------------------------------------------------------------- verdicts


class Verdict(NamedTuple):
    """One part of an answer: what it is, whether it is right (None: not answered), and a clause that says why."""

    what: str
    right: bool | None
    text: str = ""


def judge(answer, truth, what, slips=None, *, unit="nats", tolerance=TOLERANCE, alike=False) -> Verdict:
    """Compare an answer with the truth, then with the values of known slips.

    truth: a number, or an array (n,) that a learner's function should have returned. what: its name in the message.
    slips: {noun phrase for what the answer looks like: value}, tried in order, before the usual ones (sign, factor
    of 2, and in nats: bits, log10); a slip may have a shape of its own ("not summed over the dimensions").
    tolerance: largest absolute difference that is still right, in every entry. alike: all entries of truth are equal,
    and one number stands for them.
    """
    truth = np.asarray(truth, dtype=np.float64)
    if unanswered(answer):
        return Verdict(what, None)
    try:
        given = _shaped_like(read(answer), truth, alike)
    except Odd as odd:
        return Verdict(what, False, f"your {what} should be {_wanted(truth, alike)}, but got {odd}")
    if equal(given, truth, tolerance):
        rounded = not equal(given, truth, 1e-6 * (1 + np.abs(truth)))
        return Verdict(what, True, f"within {tolerance:g}" if rounded else "")
    for name, value in {**(slips or {}), **_usual_slips(truth, unit)}.items():
        value = np.asarray(value, dtype=np.float64)
        if equal(given, value, min(tolerance, max(0.1 * np.abs(value).max(), 1e-9))):
            return Verdict(what, False, f"your {what} looks like {name}")
    if given.shape != truth.shape:
        return Verdict(what, False, f"your {what} should be {_wanted(truth, alike)}, but got shape {given.shape}")
    return Verdict(what, False, _how_far(given, truth, what, unit, tolerance))


def tell(right, *verdicts) -> bool | None:
    """Print the verdicts as one message; True if all are right, False if one is wrong, else None.

    right: what is said when all are right, a clause that explains.
    """
    wrong = [verdict.text for verdict in verdicts if verdict.right is False]
    unanswered = [f"the {verdict.what}" for verdict in verdicts if verdict.right is None]
    done = [f"your {verdict.what} is right" for verdict in verdicts if verdict.right]
    if not wrong and not unanswered:
        rounding = sorted({verdict.text for verdict in verdicts if verdict.text})
        _print(f"Right{''.join(f' ({text})' for text in rounding)}: {right}")
        return True
    if not wrong:
        _print("; ".join([f"Not answered yet: {' and '.join(unanswered)}", *done]) + ".")
        return None
    missing = [f"still to come: {' and '.join(unanswered)}"] if unanswered else []
    _print(f"Not yet: {'; '.join(done + wrong + missing)}.")
    return False


# ---------------------------------------------------------------- reading what came


def within(answer, what, interval):
    """Verdict on a number that may be anything in an interval."""
    if unanswered(answer):
        return Verdict(what, None)
    try:
        number = _shaped_like(read(answer), np.zeros(()), False)
        if number.shape:
            raise Odd(f"shape {number.shape}")
    except Odd as odd:
        return Verdict(what, False, f"your {what} should be one finite number, but got {odd}")
    low, high = interval
    inside = bool(low <= number <= high)
    return Verdict(
        what,
        inside,
        ""
        if inside
        else f"your {what} should lie between {low:g} and {high:g}, as in the figure, but got {float(number):.4g}",
    )


class Odd(Exception):
    """An answer that is no answer; its text says what came."""


def unanswered(answer):
    """Whether an answer is still `...` or None, or holds one of them."""
    if answer is None or answer is ...:
        return True
    try:
        if isinstance(answer, np.ndarray) and answer.dtype == object and 0 < answer.size <= LARGEST:
            answer = answer.ravel().tolist()
        return isinstance(answer, (list, tuple)) and any(part is None or part is ... for part in answer)
    except Exception:  # a hostile answer is not an empty one
        return False


def read(answer):
    """An answer as a finite float64 array; raises Odd, with what came, if it is none."""
    try:
        with np.errstate(all="ignore"):
            array = _numeric(answer)
    except Exception:
        raise Odd(came(answer)) from None
    bad = array.size - int(np.isfinite(array).sum())
    if bad:
        raise Odd(f"{float(array.item())}" if array.size == 1 else f"{bad} nan or infinite of {array.size} entries")
    return array


def _numeric(answer):
    if _entries(answer) > LARGEST:
        raise ValueError
    if isinstance(answer, (list, tuple)):
        answer = [detached(part) for part in answer]
    array = np.asarray(detached(answer))
    if array.size == 0 or isinstance(answer, (str, bytes, bytearray, memoryview)):
        raise ValueError
    if array.dtype == object:  # fractions, decimals, integers beyond 64 bits
        array = np.array([_real(part) for part in array.ravel()]).reshape(array.shape)
    if array.dtype.kind not in "fiu":
        raise TypeError
    return np.array(array, dtype=np.float64)


def _entries(answer):
    """How many numbers an answer holds, counted without copying any."""
    if isinstance(answer, (list, tuple)):
        return len(answer) if len(answer) > LARGEST else sum(map(_entries, answer))
    if hasattr(answer, "shape"):
        return math.prod(answer.shape)
    return len(answer) if hasattr(answer, "__len__") else 1


def _real(part):
    if isinstance(part, (str, bytes, bytearray, bool, np.bool_, complex)):
        raise TypeError
    return float(part)


def detached(value):
    """A torch tensor without its graph, on the CPU; anything else as it is. Does not need torch."""
    return value.detach().cpu() if hasattr(value, "detach") and hasattr(value, "cpu") else value


def _shaped_like(given, truth, alike):
    """`given` in the shape of truth where only axes of length one differ, or one number stands for all."""
    if truth.ndim == 0 and given.size == 1:
        return given.reshape(())
    if alike and (given.size == 1 or given.shape in (truth.shape, (1, *truth.shape), (*truth.shape, 1))):
        return np.broadcast_to(given.ravel(), truth.shape)
    return given


def call(function, *arguments):
    """What a learner's function returns (`...` if there is no function yet); raises Odd with what it raised."""
    if function is None or function is ...:
        return ...
    try:
        usable = callable(function)
    except Exception:
        usable = False
    if not usable:
        raise Odd(f"a function is asked, but got {came(function)}")
    try:
        return function(*arguments)
    except (Exception, SystemExit) as raised:
        error = raised  # the name of an except clause is unbound after it, and the lambdas hold it
        raise Odd(
            f"your function raised {_safely(lambda: type(error).__name__)}: {_safely(lambda: str(error))}".rstrip(": .")
        ) from None


# ---------------------------------------------------------------- saying it


def equal(given, value, tolerance):
    """Same shape, and no entry further apart than the tolerance (with room for rounding in its last digit)."""
    with np.errstate(over="ignore"):
        return given.shape == value.shape and bool((np.abs(given - value) <= tolerance * (1 + 1e-9)).all())


def _usual_slips(truth, unit):
    slips = {
        "the right size with the sign flipped": -truth,
        "twice what it should be: look for a factor of 2": 2 * truth,
        "half of what it should be: look for a factor of 2": truth / 2,
    }
    if unit == "nats":
        slips["the value in bits: one nat is 1 / log 2 bits, so use the natural logarithm"] = truth / math.log(2)
        slips["a value with log10 in place of the natural logarithm"] = truth / math.log(10)
    return slips


def _wanted(truth, alike):
    if truth.ndim == 0:
        return "one finite number"
    return (
        f"one finite number, or {truth.size} of them"
        if alike
        else f"finite numbers, one per row, of shape {truth.shape}"
    )


def _how_far(given, truth, what, unit, tolerance):
    """How far off a wrong answer is, to a factor of about two: enough to steer by, too little to copy."""
    with np.errstate(over="ignore"):
        differences = np.ravel(given - truth)
    worst = differences[np.argmax(np.abs(differences))]
    side = "too high" if worst > 0 else "too low"
    where = " in its worst entry" if differences.size > 1 else ""
    off, unit = abs(worst), f" {unit}" if unit else ""
    if off <= 10 * tolerance:
        return (
            f"your {what} is close, but {side}{where} by less than {10 * tolerance:.2g}{unit}: "
            f"give it to within {tolerance:.2g}"
        )
    if off >= 1000:
        return f"your {what} is {side}{where}, by more than 1000{unit}"
    base = 10.0 ** math.floor(math.log10(off))
    low, high = next(pair for pair in ((1, 2), (2, 5), (5, 11)) if off < pair[1] * base)
    return f"your {what} is {side}{where}, by {low * base:g} to {min(high, 10) * base:g}{unit}"


def came(value):
    """A short account of what came, whatever it is."""

    def account():
        if type(value) in (list, tuple):
            return f"{type(value).__name__} of length {len(value)}"
        return _checks.describe(value)

    return _safely(account, instead=_safely(lambda: type(value).__name__, instead="something unreadable"))


def _safely(text, instead="..."):
    """One short printable line of text(), or `instead` if it raises."""
    try:
        line = " ".join(str(text()).split())
        line = line.encode("utf-8", "backslashreplace").decode("utf-8")
    except Exception:
        return instead
    return line if len(line) <= 160 else f"{line[:157]}..."


def _print(message):
    try:
        print(message)
    except UnicodeEncodeError:  # a terminal without Unicode
        print(message.encode("ascii", "backslashreplace").decode("ascii"))
