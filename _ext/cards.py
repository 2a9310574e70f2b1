"""Tables of results that are too wide for a phone: there each row is a card, with its headings beside its numbers.

Which tables these are is said when the page is built, from the words that cannot be broken; assets/book.css makes the
cards on narrow screens. Elements that are shown as blocks lose their part in a table for a screen reader in some
browsers, so each says its role; and each cell carries its heading, which the card shows. The rows of two long lists,
the glossary and the notation, are stacked there too, and say their roles.
"""

from __future__ import annotations

import html
import re

import symbols

FITS = 34  # letters of a table's type in a line of the narrowest screen, 320 CSS pixels wide
LINES = 3  # of a cell at most, where a table stays a table there
BETWEEN = 2  # letters of nothing between two columns
STACKED = " data-stacked"  # of a table whose rows are cards on a narrow screen, however few its words
TABLE = re.compile(rf'<table class="lvm-table"(?:{STACKED})?>.*?</table>', flags=re.S)
LISTED = re.compile(r'<table class="table">.*?</table>', flags=re.S)
RESULTS = {"book/appendix/benchmarks", "book/appendix/instructors"}  # pages of Markdown whose tables are results
LISTS = {"book/appendix/glossary", "book/appendix/notation"}  # pages whose rows are stacked
ROLES = {
    "table": "table",
    "thead": "rowgroup",
    "tbody": "rowgroup",
    "tr": "row",
    "th": "columnheader",
    "td": "cell",
}
CELL = re.compile(r"<(t[hd])\b([^>]*)>(.*?)</\1>", flags=re.S)


def with_cards(body: str) -> str:
    """A page's HTML, its wide tables of results ready to be cards."""
    return TABLE.sub(lambda found: card(found[0]), body)


def as_results(body: str) -> str:
    """A page's HTML, its tables from Markdown written as tables of results are: rows named, numbers to the right."""

    def cell(found: re.Match) -> str:
        side = "right" if "text-right" in found[2] else "left"
        scope = ' scope="col"' if found[1] == "th" else ""
        said = re.sub(r"^<p>(.*)</p>$", r"\1", found[3].strip(), flags=re.S)
        return f'<{found[1]}{scope} style="text-align:{side}">{said}</{found[1]}>'

    def result(found: re.Match) -> str:
        rows = CELL.sub(cell, re.sub(r"<tr [^>]*>", "<tr>", found[0]))
        named = re.sub(r"<tr><td(.*?)</td>", r'<tr><th scope="row"\1</th>', rows, flags=re.S)
        return named.replace('<table class="table">', '<table class="lvm-table">', 1)

    return LISTED.sub(result, body)


def with_roles(body: str) -> str:
    """A page's HTML, each part of its lists with the role that it keeps when its rows are stacked."""

    def told(found: re.Match) -> str:
        return f'<{found[1]}{found[2]} role="{ROLES[found[1]]}">'

    part = re.compile(rf"<({'|'.join(ROLES)})\b([^>]*)>")
    return LISTED.sub(lambda found: part.sub(told, found[0]), body)


def risen(cell: str) -> str:
    """A cell in which plain letters stand for what they can: for a raised number, and for the base of a logarithm."""
    cell = re.sub(r"<sup>([-−0-9T]+)</sup>", lambda found: symbols.raised(found[1]), cell)
    return re.sub(r"log<sub>(\d+)</sub>", lambda found: f"log{found[1].translate(symbols.BELOW)}", cell)


def words(cell: str) -> str:
    """A cell as plain text."""
    return html.unescape(re.sub(r"<[^>]+>", "", risen(cell)))


def lines(text: str, letters: int) -> int:
    """How many lines a text takes in a column of so many letters."""
    count, at = 1, 0
    for word in re.split(r"[ \n]+", text):
        goes_on = at and at + 1 + len(word) <= letters
        count, at = (count, at + 1 + len(word)) if goes_on else (count + bool(at), len(word))
    return count


def narrowest(text: str) -> int:
    """How many letters a column needs in which a text takes no more than LINES lines and no word is broken."""
    letters = max(len(word) for word in re.split(r"[ \n]+", text))
    while lines(text, letters) > LINES:
        letters += 1
    return letters


def width(table: str) -> int:
    """How many letters a table needs in a line, all its columns together."""
    rows = [[words(cell[3]) for cell in CELL.finditer(row)] for row in table.split("<tr>")[1:]]
    columns = zip(*[row for row in rows if len(row) == len(rows[0])], strict=True)
    widest = [max(narrowest(cell) for cell in column) for column in columns]
    return sum(widest) + BETWEEN * (len(widest) - 1)


def label(heading: str) -> tuple[str, str]:
    """A heading as a cell carries it: in an attribute, or, where plain text would lose an index, in an element.

    The element is shown on cards alone, and read by no screen reader, which knows the heading from its column.
    """
    if re.search("<su[bp]>", risen(heading)):
        return "", f'<span class="lvm-heading" aria-hidden="true">{heading}</span>'
    return f' data-heading="{html.escape(words(heading))}"', ""


def card(table: str) -> str:
    """A table as it is, or, where it is wide, with roles and each cell's heading.

    Where all are stacked a row's name is a sentence, and has no heading before it.
    """
    stacked = table.startswith(f'<table class="lvm-table"{STACKED}>')
    table = table.replace(STACKED, "", 1) if stacked else table
    if not stacked and width(table) <= FITS:
        return table
    head, body = table.split("</thead>")
    headings = [cell[3] for cell in CELL.finditer(head)]
    roles = {"col": "columnheader", "row": "rowheader"}

    def marked(row: str) -> str:
        column = iter(range(len(headings)))

        def cell(found: re.Match) -> str:
            k = next(column)
            scope = re.search(r'scope="(\w+)"', found[2])
            shown = headings[k] and not (scope and (stacked or scope[1] == "col"))
            attribute, element = label(headings[k]) if shown else ("", "")
            said = f"<span>{found[3]}</span>" if shown and "<" in found[3] else found[3]  # one piece beside its heading
            role = roles[scope[1]] if scope else "cell"
            return f'<{found[1]}{found[2]} role="{role}"{attribute}>{element}{said}</{found[1]}>'

        return CELL.sub(cell, row)

    rows = "<tr>".join(marked(row) for row in f"{head}</thead>{body}".split("<tr>"))
    for name, role in (("tr", "row"), ("thead", "rowgroup"), ("tbody", "rowgroup")):
        rows = rows.replace(f"<{name}>", f'<{name} role="{role}">')
    return rows.replace('<table class="lvm-table">', '<table class="lvm-table lvm-cards" role="table">', 1)
