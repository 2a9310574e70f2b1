"""The one palette: a colour for each quantity, the same in matplotlib, JavaScript and CSS.

Each quantity has a colour for light and one for dark backgrounds. Text and marks in these colours reach a
contrast of 4.5 : 1 on their background; neighbours in a figure differ in lightness too, or carry a pattern or
a label, so that no figure depends on hue alone.
"""

from __future__ import annotations

# quantity: (on light background, on dark background)
QUANTITIES = {
    "data": ("#44505c", "#b6c2cf"),  # slate
    "prior": ("#6f6a5d", "#b8b09c"),  # stone
    "q": ("#a63a00", "#ff9a5c"),  # vermilion: what we control
    "posterior": ("#00658a", "#5cc0ea"),  # blue: what we cannot reach
    "evidence": ("#1a1f27", "#f1f3f6"),  # ink: what never moves
    "elbo": ("#00695a", "#45c9ae"),  # green: what we have
    "gap": ("#8a2c73", "#ea8fd1"),  # plum: what is missing
    "model": ("#4a45a8", "#a9a5ff"),  # indigo: generator, p(x given z)
}
SURFACES = {
    "ground": ("#ffffff", "#15181d"),
    "panel": ("#f6f5f1", "#1d2127"),
    "ink": ("#1a1f27", "#e8ebef"),
    "muted": ("#565f6b", "#a3adb9"),
    "line": ("#d5d3cb", "#3a414b"),
    "accent": ("#00658a", "#5cc0ea"),
}
# One hue for each class, in between light and dark, so that both grounds carry it: `HUES` of js/kit/hues.js.
CLASSES = (
    "#c8553d",
    "#2f86c8",
    "#4c9a4c",
    "#b0781a",
    "#8a63c9",
    "#8b6a52",
    "#c9569a",
    "#7a8290",
    "#1f9a94",
    "#9a9a2a",
)


def colour(quantity: str, dark: bool = False) -> str:
    """The colour of a quantity or surface; raises KeyError, naming the choices."""
    table = {**QUANTITIES, **SURFACES}
    if quantity not in table:
        raise KeyError(f"no colour for {quantity!r}; choose one of {', '.join(table)}")
    return table[quantity][dark]


def css() -> str:
    """The palette as CSS custom properties: light by default, dark where the page or the system says so."""

    def rules(dark: bool) -> str:
        return "".join(f"--lvm-{name}:{pair[dark]};" for name, pair in {**QUANTITIES, **SURFACES}.items())

    light = ":root,.lvm-figure{" + rules(False) + "}"
    dark_selectors = (
        'html[data-theme="dark"]',
        'html[data-theme="dark"] .lvm-figure',
        'body[data-jp-theme-light="false"] .lvm-figure',
        ".vscode-dark .lvm-figure",
        'html[theme="dark"] .lvm-figure',
    )
    return light + "\n" + ",".join(dark_selectors) + "{" + rules(True) + "}\n"
