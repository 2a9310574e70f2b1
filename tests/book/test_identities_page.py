"""The page "Identities" and the links between equations and their tests follow the chapters and the tests."""

import html
import re
import sys

import pytest

from tools import identities

sys.path.insert(0, str(identities.ROOT / "_ext"))
import identities as extension
import minus
import symbols

PAGE = "appendix/identities"
TESTS = '''\
import gate
from gate import Equal, identity


@identity("second-equation", tolerance=1e-8)
def one_is_one(rng):
    """One counted against one measured."""
    return Equal({"x": 1.0}, {"1": 1.0})
'''


@pytest.fixture
def book_with_tests(once, put_back):
    def make(small_book):
        folder = small_book.folder
        small_book.take(PAGE)
        (folder / "tests" / "identities").mkdir(parents=True)
        (folder / "tests" / "identities" / "second.py").write_text(TESTS)
        small_book.build()

    return put_back("with tests", make, like=once("plain", lambda book: None))


def links(book, name):
    """The links from equations of a page to their tests: address and accessible name."""
    return re.findall(r'<a class="lvm-tested" href="([^"]+)" aria-label="([^"]+)"', book.page(name))


def test_an_equation_and_its_test_are_linked_both_ways(book_with_tests):
    book = book_with_tests
    assert links(book, "second") == [("appendix/identities.html#test-of-second-equation", "Test of equation 2")]
    assert links(book, "intro") == [] and links(book, PAGE) == []
    page = book.page(PAGE)
    entry = page[page.index('id="test-of-second-equation"') :]
    assert 'href="../second.html#equation-second-equation"' in entry
    assert 'id="equation-second-equation"' in book.page("second")
    for said in (
        "One counted against one measured",
        "tests/identities/second.py",
        "one_is_one",
        "10<sup>\N{MINUS SIGN}8</sup>",
    ):
        assert said in entry, said
    untested = page[page.index('id="test-of-intro-equation"') : page.index('id="test-of-second-equation"')]
    assert "No test compares" in untested


def test_a_change_of_tests_or_equations_reaches_both_pages(book_with_tests):
    book = book_with_tests
    tests = book.folder / "tests" / "identities" / "second.py"
    tests.write_text(TESTS.replace("second-equation", "intro-equation").replace("measured", "weighed"))
    chapter = book.folder / "book" / "second.ipynb"
    chapter.write_text(chapter.read_text().replace("x = 1", "x = 1 + 0"))
    built = book.build()
    assert "running" not in built.stdout
    assert links(book, "second") == [] and len(links(book, "intro")) == 1
    assert "weighed" in book.page(PAGE) and "measured" not in book.page(PAGE) and "x = 1 + 0" in book.page(PAGE)


def test_a_test_that_cannot_be_read_fails_the_strict_build(book_with_tests):
    tests = book_with_tests.folder / "tests" / "identities" / "second.py"
    tests.write_text(TESTS.replace('"second-equation"', "label_of_the_day()"))
    failed = book_with_tests.build(check=False)
    assert failed.returncode != 0 and "second.py:6" in failed.stdout + failed.stderr


def test_what_a_test_says_is_shown_as_it_is_written(book_with_tests):
    words = "- E_p[x] *counted* against <b>one</b> of $2, #1"
    tests = book_with_tests.folder / "tests" / "identities" / "second.py"
    tests.write_text(TESTS.replace("One counted against one measured", words))
    book_with_tests.build()
    shown = html.escape(words, quote=False).replace("E_p", "E<sub>p</sub>")  # and no Markdown, no HTML
    assert shown in book_with_tests.page(PAGE)


TYPED = re.compile(r"\^|\w_\w|\|\||[<>]=|\b(?:sqrt|prod)\b|(?<!\w)'|'(?!\w)|(?<=\s)- |\d \d{3}|\d[xe]\d")


@pytest.mark.parametrize("test", identities.tests(), ids=lambda test: test.function)
def test_what_a_test_says_of_itself_reads_as_maths_on_the_page(test):
    shown = re.sub(r"<su([bp])>.*?</su\1>", "", symbols.marked(minus.signed(html.escape(test.says, quote=False))))
    assert not TYPED.search(html.unescape(shown)), shown


@pytest.mark.parametrize(
    ("typed", "shown"), [("f\u2019(z), which", "f′(z), which"), ("for theta\u2019", "for θ′"), ("x\u2019s", "x\u2019s")]
)
def test_a_letter_with_a_curly_apostrophe_behind_it_has_a_prime(typed, shown):
    assert symbols.plain(typed) == shown


def test_no_line_breaks_in_a_short_expression():
    assert extension.tied("against 2 / (N - 3)") == "against 2\xa0/\xa0(N\xa0−\xa03)"
    assert extension.tied("plus E[log |dy/dx|] of its log of") == "plus E[log\xa0|dy/dx|] of its log of"
    assert "p," not in extension.formula(r"\int p,")
