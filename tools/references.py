"""How works are cited and listed: by author and year; the list by surname, in the order of the alphabet.

The build's list and the plain one of book/appendix/references.md have the same style.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field

from pybtex.plugin import register_plugin
from pybtex.style.formatting import toplevel
from pybtex.style.formatting.plain import Style as PlainStyle
from pybtex.style.formatting.unsrt import pages
from pybtex.style.names.lastfirst import NameStyle as LastFirst
from pybtex.style.sorting.author_year_title import SortingStyle
from pybtex.style.template import FieldIsMissing, join, node, optional, optional_field, sentence, together, words
from sphinxcontrib.bibtex.plugin import register_plugin as register_mark
from sphinxcontrib.bibtex.style.referencing import BracketStyle
from sphinxcontrib.bibtex.style.referencing.author_year import AuthorYearReferenceStyle

STYLE = "lvm_book"
STROKES = str.maketrans("łøđ", "lod")  # letters that no accent makes


def folded(text: str) -> str:
    """A text in small letters without accents."""
    apart = unicodedata.normalize("NFKD", text.lower().translate(STROKES))
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


class ByName(SortingStyle):
    """By author, year and title, whatever accents there are."""

    def sorting_key(self, entry):
        return tuple(folded(part) for part in super().sorting_key(entry))


@node
def surname_first(children, context):
    """The authors, the first one's surname before the first names."""
    persons, style = context["entry"].persons.get("author"), context["style"]
    if not persons:
        raise FieldIsMissing("author", context["entry"])
    rest = [style.format_name(person, False) for person in persons[1:]]
    said = [LastFirst().format(persons[0], False), *rest]
    return join(sep=", ", sep2=", and ", last_sep=", and ")[said].format_data(context)


class Style(PlainStyle):
    """The plain style with surnames first, and "pages" before every page."""

    default_sorting_style = STYLE

    def format_names(self, role, as_sentence=True):
        if role != "author":
            return super().format_names(role, as_sentence)
        return sentence[surname_first()] if as_sentence else surname_first()

    def get_inproceedings_template(self, e):
        where = sentence[
            optional[self.format_editor(e, as_sentence=False)],
            self.format_btitle(e, "booktitle", as_sentence=False),
            optional[together["pages", pages]],
        ]
        return toplevel[
            self.format_names("author"),
            self.format_title(e, "title"),
            words["In", where, self.format_address_organization_publisher_date(e)],
            sentence[optional_field("note")],
            self.format_web_refs(e),
        ]

    def format_web_refs(self, e):
        return optional[self.format_url(e)]  # without a full stop, which would stand alone on a line


@dataclass
class Marks(AuthorYearReferenceStyle):
    """Author and year; two works of one bracket apart by a semicolon, since a comma stands in each of them."""

    bracket_parenthetical: BracketStyle = field(default_factory=lambda: BracketStyle(sep="; "))


def register() -> None:
    """Let pybtex and the build find the styles by their name."""
    register_mark("sphinxcontrib.bibtex.style.referencing", STYLE, Marks)
    register_plugin("pybtex.style.sorting", STYLE, ByName)
    register_plugin("pybtex.style.formatting", STYLE, Style)
