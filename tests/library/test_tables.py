"""Tables: the same numbers as text and as HTML, errors beside them, and a word where a cell does not fit."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from lvm_lib.tables import Table, table

COLUMNS = {
    "model": ["PPCA", "a < b", "none"],
    "mark": ["=", "≥", "="],
    "nats": [(-4084.66, 4.74), (np.float32(-3957.25), 5.0), None],
    "d": [16, np.int64(8), 0],
    "gain": [-0.0004, 3.25, float("-inf")],
}


class Cells(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found, self.open = [], []

    def handle_starttag(self, tag, attributes):
        self.open.append((tag, dict(attributes), ""))

    def handle_data(self, data):
        if self.open:
            tag, attributes, text = self.open[-1]
            self.open[-1] = (tag, attributes, text + data)

    def handle_endtag(self, tag):
        self.found.append(self.open.pop())
        assert self.found[-1][0] == tag


def cells(made: Table):
    reader = Cells()
    reader.feed(made._repr_html_())
    assert reader.open == []
    return [(tag, about, text) for tag, about, text in reader.found if tag in ("th", "td", "caption")]


def test_text_and_html_say_the_same():
    made = table(COLUMNS, "Scores, nats", digits={"nats": 1, "gain": 2})
    found = cells(made)
    assert found[0][0] == "caption" and found[0][2] == "Scores, nats"
    html = [text.replace("−", "-") for _, _, text in found[1:]]
    text = [cell for line in repr(made).split("\n")[1:] for cell in re.split(r"\s{2,}", line.strip())]
    assert html == text
    assert text[5:10] == ["PPCA", "=", "-4084.7 ± 4.7", "16", "0.00"] and text[12] == "-3957.2 ± 5.0"
    assert text[-3:] == ["–", "0", "-inf"]


def test_headings_have_scopes_and_numbers_stand_to_the_right():
    found = cells(table(COLUMNS, "Scores", digits=1))[1:]
    headings, rows = found[:5], [found[5 * n : 5 * n + 5] for n in range(1, 4)]
    assert [about["scope"] for _, about, _ in headings] == ["col"] * 5
    for row in rows:
        assert [tag for tag, _, _ in row] == ["th", "td", "td", "td", "td"] and row[0][1]["scope"] == "row"
        assert [about["style"][-5:] for _, about, _ in row] == [":left", ":left", "right", "right", "right"]


def test_html_names_no_colour_so_that_any_theme_suits_it():
    assert not re.search(r"color|background|#[0-9a-f]{3}", table(COLUMNS, "Scores")._repr_html_())


def test_differences_have_their_sign_and_nothing_has_none():
    made = table({"a": ["x", "y", "z"], "b": [1.5, -0.001, -2.0], "c": [3, 0, -1]}, "d", digits=1, signed=True)
    assert [row[1:] for row in made.rows] == [("+1.5", "+3"), ("0.0", "0"), ("-2.0", "-1")]


@pytest.mark.parametrize(
    ("bad", "kind", "says"),
    [
        ({"columns": [1, 2]}, TypeError, "columns"),
        ({"columns": {}}, ValueError, "columns"),
        ({"columns": {"a": [1], "b": [1, 2]}}, ValueError, "columns"),
        ({"columns": {"a": [True]}}, TypeError, "columns"),
        ({"columns": {"a": [float("nan")]}}, ValueError, "columns"),
        ({"columns": {"a": [(1.0, 2.0, 3.0)]}}, ValueError, "columns"),
        ({"columns": {"a": [object()]}}, TypeError, "columns"),
        ({"columns": {"a": [np.ones(3)]}}, ValueError, "columns"),
        ({"caption": ""}, ValueError, "caption"),
        ({"caption": "a\nb"}, ValueError, "caption"),
        ({"caption": 3}, ValueError, "caption"),
        ({"digits": -1}, ValueError, "digits"),
        ({"digits": 1.5}, TypeError, "digits"),
        ({"digits": {"z": 1}}, ValueError, "digits"),
    ],
)
def test_what_does_not_fit_is_named(bad, kind, says):
    with pytest.raises(kind, match=f"^{says}"):
        table(**{"columns": {"a": ["x"], "b": [1.0]}, "caption": "c", **bad})
