"""Live figures: what a reader touches. One Python class and one JavaScript module each.

The arithmetic of a figure runs in the reader's browser (js/engine) and, as an independent twin, in this library; tests
hold the two together. Nothing in the library's mathematics imports this package. A figure's module is imported when its
class is first asked for, so that a chapter hangs on the figures that it shows and on no other.
"""

from importlib import import_module

_WHERE = {
    "ancestral": ("AncestralFigure",),
    "base": ("LiveFigure",),
    "elbo": ("ElboFigure",),
    "em": ("EmFigure",),
    "encoder": ("BeTheEncoderFigure",),
    "front": ("FrontFigure",),
    "gradient": ("GradientFigure",),
    "kl": ("KlFigure",),
    "kmeans": ("KmeansFigure",),
    "plane": ("LatentPlaneFigure",),
    "posterior": ("TruePosteriorFigure",),
    "prior": ("PriorFigure",),
    "scrubber": ("ScrubberFigure",),
    "send": ("SendItFigure",),
    "sendtokens": ("SendTokensFigure",),
    "tokens": ("TokensFigure",),
    "trainer": ("TrainerFigure",),
}
_MODULES = {name: module for module, names in _WHERE.items() for name in names} | {
    "shipped_vae": ".shipped"
}  # for chapters

__all__ = ["by_name", "every", *_MODULES]


def __getattr__(name):
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)


def __dir__():
    return sorted([*globals(), *_MODULES])


def every() -> list:
    """The classes of all live figures, in the order of their names."""
    return [by_name(module) for module in _WHERE if module != "base"]


def by_name(name: str):
    """The class of a live figure by its name, that of its JavaScript module; raises KeyError, naming the choices."""
    known = {module: names[0] for module, names in _WHERE.items() if module != "base"}
    if name not in known:
        raise KeyError(f"no live figure {name!r}; there are {', '.join(sorted(known))}")
    return __getattr__(known[name])
