"""A figure's state, said once: each variable is a synced trait that validates itself and knows its key in a link.

    class ElboFigure(LiveFigure):
        x = number(0.5, -3, 4, link="x", home=0, help="the observation")
        kind = one_of("gaussian", ("gaussian", "exact"), link="k", codes="ge", help="what q is")
        elbo = found("ELBO(q), nats")

A class body is the whole truth about the state: `LiveFigure` derives `state` and `read_back` from it, and sends the
table of bounds, first values and link keys to the page as one trait, `reach`. js/kit/state.js makes the rest of it.
A bound, or a list of choices, may be a function of the figure, where it hangs on the nets that the figure carries.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import traitlets

from .._checks import describe

__all__ = ["FigureError", "Variable", "Found", "found", "number", "one_of", "size", "text", "whole"]


class FigureError(traitlets.TraitError, ValueError):
    """A trait was given a value that the figure cannot show."""


class Variable(traitlets.TraitType):
    """One variable of a figure's state. A subclass says by `checked` what it may be, by `table` what a page must know.

    link: its key in a link, never to be changed, since readers keep links.  home: where the Home key leads; None: to
    the value that the figure began with.  step, leap: of the arrow keys, without and with Shift; None: a tenth and a
    half.
    """

    allow_none = False
    kind = ""

    def __init__(
        self,
        default: object,
        *,
        link: str,
        help: str,
        home: object | None = None,
        step: float | None = None,
        leap: float | None = None,
    ):
        super().__init__(default, help=help)
        self.link, self.keys = link, {"home": home, "step": step, "leap": leap}
        self.tag(sync=True)

    def _cross_validate(self, obj, value):
        """Called once for a value that is set, and after all of those that are set together."""
        return super()._cross_validate(obj, self.checked(obj, value))

    def checked(self, figure: traitlets.HasTraits, value: object) -> object:
        """`value`, if the figure can show it; raises FigureError that names the trait and what it may be."""
        raise NotImplementedError

    def table(self, figure: traitlets.HasTraits) -> dict:
        """What a page must know beside the name: JSON."""
        start = getattr(figure, str(self.name))
        keys = {key: value for key, value in self.keys.items() if value is not None}
        return {"kind": self.kind, "link": self.link, "start": start, **keys}

    def _refused(self, wanted, value):
        return FigureError(f"{self.name} must be {wanted}, got {describe(value)}")


def _of(value, figure):
    """A bound, or what a function of the figure says that it is."""
    return value(figure) if callable(value) else value


class _Ranged(Variable):
    def __init__(self, default, low, high, **about):
        super().__init__(default, **about)
        self.low, self.high = low, high

    def bounds(self, figure=None) -> tuple:
        """The smallest and the largest value."""
        return _of(self.low, figure), _of(self.high, figure)

    def table(self, figure):
        low, high = self.bounds(figure)
        return {**super().table(figure), "low": low, "high": high}


class _Number(_Ranged):
    kind = "number"

    def checked(self, figure, value):
        low, high = self.bounds(figure)
        try:
            real = float(value) if not isinstance(value, (bool, str, bytes)) else math.nan
        except (TypeError, ValueError):
            real = math.nan
        if not low <= real <= high:  # NaN fails too
            raise self._refused(f"a number from {low:g} to {high:g}", value)
        return real


def _is_whole(value) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


class _Whole(_Ranged):
    kind = "whole"

    def checked(self, figure, value):
        low, high = self.bounds(figure)
        if not _is_whole(value) or not low <= value <= high:
            raise self._refused(f"a whole number from {low} to {high}", value)
        return int(value)


class _Size(Variable):
    """A whole number out of a list."""

    kind = "size"

    def __init__(self, default, values, **about):
        super().__init__(default, **about)
        self.values = tuple(values)

    def checked(self, figure, value):
        if not _is_whole(value) or value not in self.values:
            raise self._refused(f"one of {', '.join(map(str, self.values))}", value)
        return int(value)

    def table(self, figure):
        return {**super().table(figure), "values": list(self.values)}


class _OneOf(Variable):
    kind = "one_of"

    def __init__(self, default, choices, codes, **about):
        super().__init__(default, **about)
        self.choices, self.codes = choices, codes

    def checked(self, figure, value):
        choices = tuple(_of(self.choices, figure))
        if not any(type(value) is type(choice) and value == choice for choice in choices):
            listed = [repr(choice) for choice in choices]
            wanted = " or ".join(listed) if len(listed) == 2 else f"one of {', '.join(listed)}"
            raise FigureError(f"{self.name} must be {wanted}, got {value!r}")
        return value

    def table(self, figure):
        choices = list(_of(self.choices, figure))
        codes = range(len(choices)) if self.codes is None else self.codes
        return {**super().table(figure), "choices": choices, "codes": [str(code) for code in codes]}


class _Text(Variable):
    kind = "text"

    def __init__(self, default, read, of, **about):
        super().__init__(default, **about)
        self.read, self.of = read, of

    def checked(self, figure, value):
        if self.of is not None and not isinstance(value, self.of):
            raise self._refused("text" if self.of is str else f"a {self.of.__name__}", value)
        return self.read(figure, value)


def number(
    default: float,
    low: float,
    high: float,
    *,
    link: str,
    help: str,
    home: object | None = None,
    step: float | None = None,
    leap: float | None = None,
) -> _Number:
    """A finite number from low to high."""
    return _Number(default, low, high, link=link, help=help, home=home, step=step, leap=leap)


def whole(
    default: int,
    low: int,
    high: int | Callable[..., int],
    *,
    link: str,
    help: str,
    home: object | None = None,
    step: float | None = None,
    leap: float | None = None,
) -> _Whole:
    """A whole number from low to high; a bound may be a function of the figure."""
    return _Whole(default, low, high, link=link, help=help, home=home, step=step, leap=leap)


def size(
    default: int, values: Sequence[int], *, link: str, help: str, home: object | None = None, leap: int = 3
) -> _Size:
    """A whole number out of a rising list, along which a slider goes; leap: in places of the list."""
    return _Size(default, values, link=link, help=help, home=home, step=1, leap=leap)


def one_of(
    default: object, choices: Sequence | Callable, *, link: str, help: str, codes: Sequence | None = None
) -> _OneOf:
    """One of a few values, which may be a function of the figure.

    codes: what stands for each in a link; None: its place.
    """
    return _OneOf(default, choices, codes, link=link, help=help)


def text(
    default: object, *, read: Callable, link: str, help: str, of: type | None = str, home: object | None = None
) -> _Text:
    """What `read(figure, value)` makes of a value, or refuses with a FigureError: a drawing, edits, points.

    of: what type it must have, None where `read` sees to that too. In a link it has the form that its page gives it.
    """
    return _Text(default, read, of, link=link, help=help, home=home)


class Found(traitlets.Float):
    """A number that follows from the state: a front end may report it, never another one than Python finds."""

    def _cross_validate(self, obj, value):
        return super()._cross_validate(obj, obj.settled(self.name, value))


def found(help: str) -> Found:
    """A number that is read back: `numbers()` finds it under its name."""
    return Found(help=help).tag(sync=True)
