"""What every live figure is: an anywidget with a static picture, and a sentence that says what is to be seen."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path

import anywidget
import traitlets
from matplotlib.figure import Figure

from ..plots import palette
from .state import FigureError, Found, Variable

__all__ = ["LiveFigure", "FigureError", "bundle", "stylesheet"]

HERE = Path(__file__).parent
WIDTH = 720  # of the static picture, in CSS pixels; it is drawn with twice as many


def bundle(name: str) -> str:
    """The built JavaScript of a figure, a classic script that defines `lvm_<name>`."""
    return (HERE / "bundle" / f"{name}.js").read_text(encoding="utf-8")


def stylesheet() -> str:
    """The palette and the rules of all live figures, every one under .lvm-figure."""
    dark = "".join(f"--lvm-{name}:{pair[1]};" for name, pair in {**palette.QUANTITIES, **palette.SURFACES}.items())
    in_shadow = '.lvm-figure[data-lvm-theme="dark"]{' + dark + "}\n"  # the page's rules do not reach into a shadow root
    return palette.css() + in_shadow + (HERE / "figure.css").read_text(encoding="utf-8")


class LiveFigure(anywidget.AnyWidget):
    """Base of the live figures.

    A subclass gives `name` (that of its JavaScript module), its state (`lvm_lib.figures.state`), `numbers()`, `broken`,
    `alt` and `picture()`.
    Raises TypeError for a trait that the figure does not have.
    """

    name = ""
    heights = (900, 800)  # in CSS pixels, on a phone and in the text column: the page keeps that room free
    state: tuple[str, ...] = ()  # the traits that make up a state, derived; a page's data-numbers repeats them
    read_back: tuple[str, ...] = ()  # the traits that follow from it, derived; a front end may only report them
    unit = "nats"  # of what is read back, as errors name it
    absolute = 1.0  # up to this size a report must agree absolutely, above it relatively
    carried: tuple[str, ...] = ()  # the traits that a page's side file carries beside it: nets, weights, images
    _settling = False  # while the figure itself writes what is read back

    reach = traitlets.Dict(help="what a page must know of the state: bounds, first values, link keys").tag(sync=True)

    def __init_subclass__(cls, **kwargs):
        body = {name: trait for base in reversed(cls.__mro__) for name, trait in vars(base).items()}
        cls.state = tuple(name for name, trait in body.items() if isinstance(trait, Variable))
        cls.read_back = tuple(name for name, trait in body.items() if isinstance(trait, Found))
        if "name" in cls.__dict__ and cls.name:  # not for the classes that traitlets derives when it adds a trait
            cls._esm = bundle(cls.name) + f"\nexport default lvm_{cls.name}.default;"
            cls._css = stylesheet()
        super().__init_subclass__(**kwargs)

    def __init__(self, **traits: object):
        if not self.carried:  # a figure of a trained network takes more than its traits, and says so itself
            self._known_traits(traits)
        self._settling = True
        super().__init__(**traits)
        self.observe(self._on_input, list(self.state))
        self._settling = False
        self._settle()

    @traitlets.default("reach")
    def _reach(self):
        table = {name: self.traits()[name].table(self) for name in self.state}
        return {"state": table, "read_back": list(self.read_back)}

    @classmethod
    def bounds(cls) -> dict[str, tuple]:
        """The smallest and the largest value of each number of the state whose bounds hang on no net."""
        ranged = {
            name: trait for name, trait in cls.class_traits().items() if name in cls.state and hasattr(trait, "low")
        }
        fixed = {name: trait.bounds() for name, trait in ranged.items() if not callable(trait.high)}
        return {name: fixed[name] for name in cls.state if name in fixed}

    def __repr__(self) -> str:
        return f"<live figure: {self.name}>"

    def _known_traits(self, traits: dict, *arguments: str) -> None:
        """Raise TypeError, naming what may be given, if `traits` holds a key that is no trait.

        arguments: the others.
        """
        unknown = sorted(set(traits) - {*self.state, *self.carried} - set(LiveFigure.class_trait_names()))
        if unknown:
            raise TypeError(
                f"{type(self).__name__} takes {', '.join([*arguments, *self.state])}, got {', '.join(unknown)}"
            )

    def numbers(self) -> dict:
        """Every number that the figure states in its current state, computed by the library."""
        raise NotImplementedError(f"{type(self).__name__} must compute what it shows")

    def settled(self, name: str, value: float) -> float:
        """The value for a trait that is read back.

        What Python finds, to which a front end's report must agree (1e-6).
        Raises FigureError where a front end's report differs.
        """
        if self._settling:
            return value
        found = self.numbers()[name]
        if not abs(value - found) <= 1e-6 * max(self.absolute, abs(found)):  # NaN fails too
            unit = f" {self.unit}" if self.unit else ""
            raise FigureError(
                f"{name} is read back, it cannot be set: it is {found:.9g}{unit} in this state, got {value!r}"
            )
        return found

    def settle(self, names: Sequence[str]) -> None:
        """Bring the traits `names`, which are read back, in line with the state."""
        found = self.numbers()
        before, self._settling = self._settling, True
        try:
            with self.hold_sync():
                for name in names:
                    if abs(getattr(self, name) - found[name]) > 1e-13:
                        setattr(self, name, found[name])
        finally:
            self._settling = before

    def _on_input(self, change):
        """A trait of the state has changed."""
        if not self._settling:
            self._settle()

    def _settle(self):
        """Bring what is read back in line with the state."""
        if self.read_back:
            self.settle(self.read_back)

    @classmethod
    def recomputed(cls, numbers: dict, traits: dict | None = None) -> dict:
        """What this library finds in the state of `numbers` (a page's data-numbers): the page must have found the same.

        traits: those of the page's side file, from which a figure takes what it carries.
        """
        assert traits is not None or not cls.carried  # what is carried comes from a side file
        beside = {name: traits[name] for name in cls.carried} if traits is not None else {}
        return cls(**beside, **{name: numbers[name] for name in cls.state}).numbers()

    @classmethod
    def broken(cls, numbers: dict) -> list[str]:
        """The figure's invariants that `numbers` does not satisfy, in words; empty where all hold."""
        raise NotImplementedError(f"{cls.__name__} must say what always holds")

    @property
    def alt(self) -> str:
        """A sentence with the numbers of the current state."""
        raise NotImplementedError(f"{type(self).__name__} must say what it shows")

    def picture(self) -> Figure:
        """The current state as a static matplotlib figure, for print, GitHub and pages without JavaScript."""
        raise NotImplementedError(f"{type(self).__name__} must draw itself")

    def png(self) -> bytes:
        """The static picture as PNG, WIDTH CSS pixels wide at twice the density, on a white ground of its own."""
        figure, out = self.picture(), io.BytesIO()
        figure.savefig(
            out,
            format="png",
            dpi=2 * WIDTH / figure.get_figwidth(),
            facecolor=palette.colour("ground"),
            metadata={"Software": None},
        )  # no version: the same state gives the same bytes
        return out.getvalue()

    def _repr_mimebundle_(self, **kwargs):
        shown = super()._repr_mimebundle_(**kwargs)
        if shown is None:
            return None
        data, metadata = shown if isinstance(shown, tuple) else (shown, {})
        image = base64.b64encode(self.png()).decode("ascii")
        data = {**data, "text/plain": repr(self), "image/png": image}
        return data, {**metadata, "image/png": {"alt": self.alt, "width": WIDTH}}
