"""A table of results: words for any reader, numbers with their errors, in Jupyter, in the page and as plain text.

table({"model": ["PPCA", "mixture"], "nats": [(-4084.66, 4.7), (-3957.2, 5.1)]}, "Scores of 1000 test digits", digits=1)

Scores of 1000 test digits
model             nats
PPCA     -4084.7 ± 4.7
mixture  -3957.2 ± 5.1
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ._checks import count, describe, float_array

__all__ = ["Table", "table"]

NOTHING = "–"  # a cell where nothing is defined


@dataclass(frozen=True)
class Table:
    """Rows of cells as they are shown, under headings and a caption; the first cell of a row names it.

    numeric: which columns hold numbers and stand to the right.
    """

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]

    def __repr__(self) -> str:
        """Columns of text, as wide as their widest cell."""
        lines = [self.headings, *self.rows]
        widths = [max(len(line[k]) for line in lines) for k in range(len(self.headings))]

        def line(cells: tuple[str, ...]) -> str:
            shown = zip(cells, widths, self.numeric, strict=True)
            return "  ".join(cell.rjust(width) if right else cell.ljust(width) for cell, width, right in shown).rstrip()

        return "\n".join([self.caption, *map(line, lines)])

    def _repr_html_(self) -> str:
        """An HTML table with caption and scopes; colours are the page's own, so that any theme suits it."""

        def cell(tag: str, text: str, column: int, scope: str = "") -> str:
            side = "right" if self.numeric[column] else "left"
            scoped = f' scope="{scope}"' if scope else ""
            shown = html.escape(text, quote=False).replace("-", "−") if self.numeric[column] and tag == "td" else None
            return f'<{tag}{scoped} style="text-align:{side}">{shown or html.escape(text, quote=False)}</{tag}>'

        head = "".join(cell("th", text, k, "col") for k, text in enumerate(self.headings))
        body = [
            "".join(cell("td" if k else "th", text, k, "" if k else "row") for k, text in enumerate(row))
            for row in self.rows
        ]
        rows = "\n".join(f"<tr>{row}</tr>" for row in body)
        caption = html.escape(self.caption, quote=False)
        return (
            f'<table class="lvm-table">\n<caption style="text-align:left">{caption}</caption>\n'
            f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>"
        )


def table(
    columns: Mapping[str, Sequence[object]], caption: str, *, digits: int | Mapping[str, int] = 2, signed: bool = False
) -> Table:
    """A table of `columns`, heading -> cells, all of one length; the first column names the rows.

    A cell is a text, a number, a pair (number, its standard error), or None where nothing is defined.
    caption: what the numbers are, of what and in which unit, one line.  digits: after the point, for all columns or by
    heading; whole numbers (of type int) have none.  signed: write the plus of what is above zero, as for differences.

    Raises TypeError or ValueError where a column, a cell, the caption or the digits do not fit.
    """
    if not isinstance(columns, Mapping):
        raise TypeError(f"columns must be a mapping from headings to cells, got {describe(columns)}")
    if not isinstance(caption, str) or not caption.strip() or len(caption.splitlines()) > 1:
        raise ValueError(f"caption must be one line that is not empty, got {caption!r}")
    named = {str(name): list(cells) for name, cells in columns.items()}
    lengths = {len(cells) for cells in named.values()}
    if len(lengths) != 1 or lengths == {0}:
        raise ValueError(f"columns must have the same number of cells, at least one, got {sorted(lengths) or 'none'}")
    places = digits if isinstance(digits, Mapping) else dict.fromkeys(named, digits)
    unknown = [name for name in places if name not in named]
    if unknown:
        raise ValueError(f"digits must name columns, got {unknown[0]!r}")
    shown, numeric = [], []
    for number, (name, cells) in enumerate(named.items()):
        after = count("digits", places.get(name, 2), least=0)
        shown.append([_shown(name, cell, after, signed) for cell in cells])
        numeric.append(number > 0 and not any(isinstance(cell, str) for cell in cells))
    return Table(caption.strip(), tuple(named), tuple(zip(*shown, strict=True)), tuple(numeric))


def _shown(name: str, cell: object, digits: int, signed: bool) -> str:
    """A cell as text."""
    if cell is None:
        return NOTHING
    if isinstance(cell, str):
        return cell
    if isinstance(cell, tuple):
        if len(cell) != 2:
            raise ValueError(f"columns: a pair (number, error) is expected in {name!r}, got {len(cell)} entries")
        value, error = cell
        return f"{_shown(name, value, digits, signed)} ± {_shown(name, error, digits, False)}"
    if isinstance(cell, bool | np.bool_):
        raise TypeError(f"columns: a cell of {name!r} must be a text, a number, a pair or None, got {describe(cell)}")
    if isinstance(cell, int | np.integer):
        return f"{int(cell):+d}" if signed and cell else f"{int(cell):d}"
    number = float_array(f"columns: a cell of {name!r}", cell)
    if number.size != 1 or np.isnan(number).any():
        raise ValueError(f"columns: a cell of {name!r} must be one number, got {describe(cell)}")
    return _number(number.item(), digits, signed)


def _number(value: float, digits: int, signed: bool) -> str:
    """A number to so many digits, without a minus before nothing."""
    if not math.isfinite(value):
        return str(value)
    text = f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"
    return text.lstrip("+-") if not float(text) else text
