"""The judge of every answer: what is asked, the truth, the known slips; and the sentences that a verdict is told in.

An exercise whose answer is numbers is data: an `Exercise` of `Number` and `Choice` parts, which `ask` judges and which
`Exercise.plain` gives as JSON, without code, for a judge in another language. So a check is a table:

    def _gap():
        slips = {"the ELBO itself, not the gap": -4.05}
        return Exercise("the gap is a divergence.", Number("gap", -3.20 - -4.05, slips))

    @guarded
    def elbo_gap(answer) -> bool | None:
        return ask(_gap(), answer)

An exercise whose answer is a function is called on several inputs, and each result is judged as a Number with
`decimals=None`: as exact as float32 is. A slip is named by a noun phrase for what the answer looks like.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from . import _text
from ._call import call
from ._limits import guarded, notes, safely
from ._read import LARGEST, Lost, Odd, came, detached, line, read, unanswered

__all__ = [
    "LARGEST",
    "Band",
    "Choice",
    "Exercise",
    "Follows",
    "Number",
    "Odd",
    "Verdict",
    "ask",
    "ask_function",
    "call",
    "came",
    "detached",
    "equal",
    "guarded",
    "judge",
    "line",
    "pieces",
    "read",
    "safely",
    "tell",
    "unanswered",
]

UNITS = {"nats": 1.0, "bits": math.log(2)}  # nats in one of them


# ---------------------------------------------------------------- what is asked


class Follows(NamedTuple):
    """An answer that can be computed from an earlier one: scale * earlier + shift, or the exponential of that."""

    part: int  # the number of the earlier part, counted from 0
    scale: float
    shift: float = 0.0
    exp: bool = False

    def of(self, earlier):
        """What follows from an earlier answer."""
        with np.errstate(over="ignore", under="ignore"):
            value = self.scale * earlier + self.shift
            return np.exp(value) if self.exp else value


@dataclass(frozen=True, eq=False)
class Number:
    """One number of an answer, or an array of them.

    what: its name in the message.  truth: a number or an array.
    slips: {noun phrase for what the answer looks like: value}, tried in order, before the usual ones (sign, factor of
        2, and the other unit); a slip may have a shape of its own ("not summed over the dimensions").
    unit: "nats", "bits", or "" for a number without one.
    decimals: how many are asked; a correctly rounded answer is right, and one that was rounded twice.
        None: the result of a function, right within the rounding of float32.  exact: a count, right to the last digit.
    follows: how it is computed from an earlier answer: then what follows from that one, as given, is right too.
    alike: all entries of truth are equal, and one number stands for them.
    plural, symbol: how its name is spoken of ("are", and without "the").  at: for which input, of a function's result.
    lost: why it may not be finite there, a clause.  within: a tolerance of its own, in place of the one by decimals.
    """

    what: str
    truth: Any  # given as a number or an array, kept as a float64 array
    slips: dict = field(default_factory=dict)
    unit: str = "nats"
    decimals: int | None = 2
    follows: Follows | None = None
    exact: bool = False
    alike: bool = False
    plural: bool = False
    symbol: bool = False
    at: str = ""
    lost: str = ""
    within: float | None = None

    def __post_init__(self):
        object.__setattr__(self, "truth", np.asarray(self.truth, dtype=np.float64))

    @property
    def tolerance(self) -> np.ndarray:
        """The largest absolute difference that is still right, in the shape of truth."""
        if self.within is not None:
            return np.full(self.truth.shape, self.within)
        if self.exact:
            return np.full(self.truth.shape, 1e-6)
        if self.decimals is None:
            return 1e-4 + 1e-6 * np.abs(self.truth)
        return np.full(self.truth.shape, 0.6 * 10.0**-self.decimals)

    def named_slips(self) -> list[tuple[str, np.ndarray, float]]:
        """(name, value, tolerance) of every slip that can be told from the truth and from those before it."""
        found: list[tuple[str, np.ndarray, float]] = []
        for name, value in {**self.slips, **_usual_slips(self.truth, self.unit)}.items():
            value = np.asarray(value, dtype=np.float64)
            size = float(np.abs(value).max())
            near = 0.005 * size if size > 1e6 else min(float(np.max(self.tolerance)), max(0.1 * size, 1e-9))
            taken = equal(value, self.truth, self.tolerance) or any(
                value.shape == other.shape and equal(value, other, min(near, width)) for _, other, width in found
            )
            if name in self.slips or not taken:
                found.append((name, value, near))
        return found

    def plain(self) -> dict:
        """All of it as plain data."""
        return {
            "kind": "number",
            "what": self.what,
            "truth": self.truth.tolist(),
            "shape": list(self.truth.shape),
            "unit": self.unit,
            "decimals": self.decimals,
            "exact": self.exact,
            "tolerance": float(np.max(self.tolerance)),
            "alike": self.alike,
            "plural": self.plural,
            "symbol": self.symbol,
            "slips": [
                {"name": name, "value": value.tolist(), "tolerance": near} for name, value, near in self.named_slips()
            ],
            "follows": None if self.follows is None else self.follows._asdict(),
        }


class Band(NamedTuple):
    """The numbers from `low` (included) to `high` (not): right or not, and what is said of them."""

    low: float
    high: float
    right: bool
    says: str


@dataclass(frozen=True, eq=False)
class Choice:
    """One number that may be anything in an interval: bands side by side, each right or wrong with its own sentence.

    outside: what is said of a number in none of them.
    """

    what: str
    bands: tuple[Band, ...]
    outside: str
    plural: bool = False
    symbol: bool = False
    at: str = ""

    def plain(self) -> dict:
        """All of it as plain data."""
        bands = [band._asdict() for band in self.bands]
        return {"kind": "choice", **{name: getattr(self, name) for name in ("what", "outside", "plural", "symbol")}} | {
            "bands": bands
        }


@dataclass(frozen=True, eq=False)
class Exercise:
    """An exercise whose answer is numbers: what is said when all are right, and its parts."""

    right: str
    parts: tuple

    def __init__(self, right: str, *parts):
        object.__setattr__(self, "right", right)
        object.__setattr__(self, "parts", parts)

    def plain(self) -> dict:
        """All of it as plain data, fit for JSON."""
        return {"right": self.right, "parts": [part.plain() for part in self.parts]}


class Verdict(NamedTuple):
    """One part of an answer: what it is, whether it is right (None: not answered), and a clause that says why."""

    what: str
    right: bool | None
    text: str = ""
    plural: bool = False
    symbol: bool = False


# ---------------------------------------------------------------- judging


def ask(exercise: Exercise, *answers) -> bool | None:
    """Judge the answers of an exercise part by part, each knowing those before it, and tell the verdict."""
    verdicts: list[Verdict] = []
    for part, answer in zip(exercise.parts, answers, strict=True):
        earlier = None
        if isinstance(part, Number) and part.follows is not None:
            at = part.follows.part
            earlier = (answers[at], exercise.parts[at], verdicts[at].right)
        verdicts.append(judge(answer, part, earlier))
    return tell(exercise.right, *verdicts)


def ask_function(function, right: str, cases) -> bool | None:
    """Call a learner's function on several inputs and judge every result; the first case that is wrong is told.

    cases: (arguments, asked), asked being a Number, or a tuple of them where a tuple is to be returned.
    """
    verdicts: list[Verdict] = []
    for arguments, asked in cases:
        parts = asked if isinstance(asked, tuple) else (asked,)
        try:
            answer = call(function, *arguments)
            answers = pieces(answer, parts) if isinstance(asked, tuple) else [answer]
        except Odd as odd:
            at = f" ({parts[0].at})" if parts[0].at else ""
            return tell("", Verdict(parts[0].what, False, f"{odd}{at}"))
        verdicts = [judge(each, part) for each, part in zip(answers, parts, strict=True)]
        if not all(verdict.right for verdict in verdicts):
            return tell("", *verdicts)
    return tell(right, *verdicts)


def pieces(answer, parts) -> list:
    """The parts of a tuple that a learner's function returned; raises Odd if it is no tuple of as many."""
    if answer is None or answer is ...:
        return [...] * len(parts)

    def split():
        listed = isinstance(answer, (list, tuple)) or getattr(answer, "shape", ())[:1] == (len(parts),)
        return [answer[i] for i in range(len(answer))] if listed and len(answer) == len(parts) else None

    found = safely(split)
    if found is None:
        names = _listed([part if isinstance(part, str) else part.what for part in parts])
        count = {2: "two", 3: "three"}[len(parts)]
        raise Odd(f"your function should return {count} things, {names}, but got {came(answer)}")
    return found


def judge(answer, asked, earlier=None) -> Verdict:
    """Verdict on one answer. earlier: (answer, asked, right or not) of the part that this one follows from."""

    def verdict(right, text=""):
        return Verdict(asked.what, right, text, asked.plural, asked.symbol)

    if unanswered(answer):
        return verdict(None)
    at = f" ({asked.at})" if asked.at else ""
    your = f"your {asked.what}{at}"
    look, be = ("look", "are") if asked.plural else ("looks", "is")
    try:
        given = read(answer)
    except Odd as odd:
        reason = getattr(asked, "lost", "")
        lost = f": {reason}" if isinstance(odd, Lost) and reason else ""
        return verdict(False, f"{your} should be {_wanted(asked)}, but got {odd}{lost}")
    if isinstance(asked, Choice):
        return verdict(*_choose(given, asked, your))
    given = _shaped_like(given, asked)
    unit = _unit(answer)
    if unit and asked.unit and unit != asked.unit:
        right = equal(given * UNITS[unit] / UNITS[asked.unit], asked.truth, asked.tolerance)
        told = f"{your} {be} {'right, but ' if right else ''}given in {unit}, and {asked.unit} are asked"
        return verdict(False, told)
    near = [each for each in _following(asked, earlier) if equal(given, each[0], asked.tolerance)]
    if near:
        _, right, name = min(near, key=lambda each: np.abs(given - each[0]).max())
        return verdict(right, "" if right else f"{your} {'follow' if asked.plural else 'follows'} from {name}")
    for name, value, near in asked.named_slips():
        if equal(given, value, near):
            return verdict(False, f"{your} {look} like {name}")
    if given.shape != asked.truth.shape:
        return verdict(False, f"{your} should be {_wanted(asked)}, but got shape {given.shape}")
    return verdict(False, f"{your} {be} {_how_far(given, asked)}")


def _following(asked, earlier):
    """The values that count: (value, whether it is right, what is said if not), the truth first.

    Where a part follows from an earlier answer, what follows from that answer as it was given is right if the answer
    was, also when it was rounded; and if the answer was wrong, this one comes right with it.
    """
    values = [(asked.truth, True, "")]
    if earlier is None:
        return values
    answer, before, right = earlier
    if right is not False:
        rounded = np.round(before.truth, before.decimals)
        values.append((asked.follows.of(rounded), True, ""))
    if right is None:
        return values
    try:
        given = _shaped_like(read(answer), before)
    except Odd:
        return values
    if given.shape == before.truth.shape:
        name = "" if right else f"your {before.what}, and {'come' if asked.plural else 'comes'} right when that does"
        values.append((asked.follows.of(given), bool(right), name))
    return values


def _choose(given, asked, your):
    """(right or not, what is said) of a number among bands."""
    if given.size != 1:
        return False, f"{your} should be one finite number, but got shape {given.shape}"
    number = given.item()
    for band in asked.bands:
        if band.low <= number < band.high:
            return band.right, band.says
    return False, f"{your} should {asked.outside}, but got {number:.4g}"


def _shaped_like(given, asked):
    """`given` in the shape of truth where only axes of length one differ, or one number stands for all."""
    truth = asked.truth
    if truth.ndim == 0 and given.size == 1:
        return given.reshape(())
    if asked.alike and (given.size == 1 or given.shape in (truth.shape, (1, *truth.shape), (*truth.shape, 1))):
        return np.broadcast_to(given.ravel(), truth.shape)
    if asked.decimals is not None and given.size == truth.size and given.squeeze().shape == truth.shape:
        return given.squeeze()
    return given


def _unit(answer):
    """The unit that stands behind a number written as text, "nats" or "bits"; "" if there is none."""
    unit = safely(lambda: _text.unit(answer), "") if isinstance(answer, str) else ""
    return unit if unit in UNITS else ""


def equal(given, value, tolerance) -> bool:
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
    if unit == "bits":
        slips["the value in nats: one nat is 1 / log 2 bits"] = truth * math.log(2)
    return slips


# ---------------------------------------------------------------- saying it


def tell(right: str, *verdicts: Verdict) -> bool | None:
    """Print the verdicts as one message; True if all are right, False if one is wrong, else None.

    right: what is said when all are right, a clause that explains; if it is empty, a part's own text says it.
    """
    wrong = [verdict.text for verdict in verdicts if verdict.right is False]
    empty = [verdict.what if verdict.symbol else f"the {verdict.what}" for verdict in verdicts if verdict.right is None]
    done = [f"your {verdict.what} {'are' if verdict.plural else 'is'} right" for verdict in verdicts if verdict.right]
    if not wrong and not empty:
        _say(f"Right: {right or '; '.join(verdict.text for verdict in verdicts)}")
        return True
    if not wrong:
        _say("; ".join([f"Not answered yet: {_listed(empty)}", *done]))
        return None
    missing = [f"still to come: {_listed(empty)}"] if empty else []
    _say(f"Not yet: {'; '.join(done + wrong + missing)}")
    return False


def _say(message):
    """Print a message as one line that ends in one full stop, and what else is to be told of the run."""
    message = message if message.endswith((".", "?", "!")) else f"{message}."
    message += notes()
    try:
        print(message)
    except UnicodeEncodeError:  # a terminal without Unicode
        print(message.encode("ascii", "backslashreplace").decode("ascii"))


def _listed(names):
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _wanted(asked):
    if isinstance(asked, Choice) or asked.truth.ndim == 0:
        return "one finite number"
    if asked.alike:
        return f"one finite number, or {asked.truth.size} of them"
    if asked.truth.ndim == 1 and asked.decimals is not None:
        return f"{asked.truth.size} finite numbers"
    return f"finite numbers of shape {asked.truth.shape}"


PRECISION = {0: "a whole number", 1: "one decimal or better", 2: "two decimals or better"}


def _how_far(given, asked):
    """How far off a wrong answer is, to a factor of about two: enough to steer by, too little to copy."""
    with np.errstate(over="ignore"):
        differences = np.ravel(given - asked.truth)
        excess = np.abs(differences) / np.ravel(asked.tolerance)
    worst = differences[np.argmax(excess)]
    side = "too high" if worst > 0 else "too low"
    where = f" in {'their' if asked.plural else 'its'} worst entry" if differences.size > 1 else ""
    off, unit = abs(worst), f" {asked.unit}" if asked.unit else ""
    if asked.exact and off < 1:
        return f"{side}{where}: a whole number is asked"
    if asked.decimals is not None and not asked.exact and excess.max() <= 10:
        return f"close, but {side}{where}: give {PRECISION[asked.decimals]}"
    if off >= 1000:
        return f"{side}{where}, by more than 1,000{unit}"
    base = 10.0 ** math.floor(math.log10(off))
    low, high = next(pair for pair in ((1, 2), (2, 5), (5, 11)) if off < pair[1] * base)
    side = f"close, but {side}" if asked.decimals is None and excess.max() <= 10 else side
    return f"{side}{where}, by {low * base:g} to {min(high, 10) * base:g}{unit}"
