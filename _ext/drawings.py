"""The small drawings on the front page's cards: of each chapter its one idea.

One family: the same box, 72 by 48, the same stroke (assets/book.css), colours by quantity as in the book, no words.
What is filled is `on`, a shade is `soft`. They say nothing that the card does not: readers of text are spared them.
"""

from __future__ import annotations

HILL = "M{0} 41c6 0 6-{1} 11-{1}s5 {1} 11 {1}"
TWO = "M{0} 41c4 0 4-25 8-25s4 20 7 20 3-12 6-12 4 17 8 17"
SQUARE = '<rect class="{2}" x="{0}" y="{1}" width="9" height="9"/>'
DOT = '<circle class="on" cx="{0}" cy="{1}" r="1.9"/>'


def _of(quantity: str, shapes: str) -> str:
    """Shapes in the colour of a quantity."""
    return f'<g class="ink-{quantity}">{shapes}</g>'


def _lines(d: str, kind: str = "") -> str:
    return f'<path class="{kind}" d="{d}"/>' if kind else f'<path d="{d}"/>'


def _squares(*places: tuple[float, float], kind: str = "line") -> str:
    return "".join(SQUARE.format(x, y, kind) for x, y in places)


def _dots(*places: tuple[float, float]) -> str:
    return "".join(DOT.format(x, y) for x, y in places)


def _bars(*bars: tuple[float, float, float], kind: str) -> str:
    return "".join(f'<rect class="{kind}" x="{x}" y="{y}" width="7" height="{h}"/>' for x, y, h in bars)


GRID = [(7 + 12 * column, 7 + 12 * row) for row in range(3) for column in range(5)]
ON = (1, 5, 7, 8, 12)  # the tokens that are set
FALLING = (33, 25, 18, 10, 7, 5)  # heights of bars, of which a level keeps what is above 14

DRAWINGS = {
    # one hill of z, two of x
    "latent_variable_models": _of("prior", _lines(HILL.format(3, 27)))
    + _lines("M28 28h8m-3-3 3 3-3 3")
    + _of("evidence", _lines(TWO.format(40))),
    # one density, and the two models that the two divergences choose
    "kl_and_mle": _of("data", _lines("M6 41c8 0 8-33 16-33s8 28 15 28 7-20 13-20 7 25 15 25z", "soft"))
    + _of("model", _lines("M2 41c16 0 22-18 33-18s17 18 33 18") + _lines("M10 41c6 0 7-37 12-37s6 37 12 37", "dashes")),
    # the bound, the gap, and the line that no q moves
    "elbo": _of("elbo", '<rect class="on" x="4" y="18" width="38" height="13"/>')
    + _of("gap", _lines("M43 18.8h17.5v11.5h-17.5zM43 27l8-8M46 30l11-11M54 30l6.5-6.5"))
    + _of("evidence", _lines("M63 8v33")),
    # a plane of digits, and q around one of them
    "vae": _lines("M6 4h60v40h-60z")
    + _of("data", _lines("M17 12v11M28 31h7l-4 10M53 13c6 0 6 5 1 5 6 0 6 6-1 6M52 31l-4 7h8m-2-3v6"))
    + _of("q", '<ellipse cx="36" cy="17" rx="8" ry="10" class="soft"/><ellipse cx="36" cy="17" rx="8" ry="10"/>')
    + _of("data", '<ellipse cx="36" cy="17" rx="3" ry="5"/>'),
    # bars of variance, and the level of water above which a latent pays
    "what_a_vae_optimises": _of(
        "q", _bars(*((6 + 11 * i, 41 - tall, tall - 14) for i, tall in enumerate(FALLING) if tall > 14), kind="on")
    )
    + _of(
        "gap", _bars(*((6 + 11 * i, 41 - min(tall, 14), min(tall, 14)) for i, tall in enumerate(FALLING)), kind="soft")
    )
    + _lines("M3 27h66", "dashes"),
    # points, and the Gaussians that share them
    "em_vs_vae": _of(
        "data", _dots((14, 30), (21, 25), (19, 34), (27, 29), (29, 21), (48, 14), (53, 20), (57, 11), (60, 18))
    )
    + _of(
        "model",
        '<ellipse cx="22" cy="28" rx="17" ry="10" transform="rotate(-25 22 28)"/>'
        '<ellipse cx="54" cy="16" rx="12" ry="9" transform="rotate(15 54 16)"/>',
    ),
    # cells, each with its mean
    "kmeans_to_vqvae": _lines("M4 31.2 33.2 20.1 34.9 4M33.2 20.1 40.5 32.6 68 22.9M40.5 32.6V44")
    + _of("data", _dots((9, 18), (20, 9), (16, 37), (30, 40), (45, 12), (60, 11), (52, 40), (64, 33)))
    + _of(
        "model",
        "".join(
            f'<rect class="on" x="{x}" y="{y}" width="6" height="6"/>'
            for x, y in ((12, 12), (20, 33), (49, 16), (55, 33))
        ),
    ),
    # a grid of tokens
    "vqvae_tokenizers": _squares(*(place for i, place in enumerate(GRID) if i not in ON))
    + _of("model", _squares(*(GRID[i] for i in ON), kind="on")),
    # each token from those before
    "priors_over_tokens": _of("model", _squares((4, 28), (22, 28), (40, 28), kind="on"))
    + _squares((59, 28), kind="dashes")
    + _lines("M9 23c3-9 14-9 17-2m0-5v5h-5M28 23c3-9 14-9 17-2m0-5v5h-5M46 23c3-9 14-9 17-2m0-5v5h-5"),
    # marks on a ruler
    "every_model_on_its_ruler": _lines("M3 35h66M6 35v7M16 35v4M26 35v4M36 35v7M46 35v4M56 35v4M66 35v7")
    + _of("gap", _lines("M9 25h12") + _dots((15, 25)))
    + _of("model", _lines("M30 18h10") + _dots((35, 18)))
    + _of("q", _lines("M49 11h12") + _dots((55, 11))),
}


def drawing(chapter: str) -> str:
    """A chapter's drawing as SVG; nothing for a page that has none."""
    shapes = DRAWINGS.get(chapter)
    return f'<svg class="drawn" viewBox="0 0 72 48" aria-hidden="true">{shapes}</svg>' if shapes else ""
