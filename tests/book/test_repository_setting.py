"""The repository's address is one setting.

Without it no link to it is drawn, with it each chapter has the right ones.
"""

import re

import nbformat
import pytest
from bs4 import BeautifulSoup

from tools import chapters

ADDRESS = "https://github.com/someone/latent-variable-models"
CHAPTERS = ("intro", "second")
OTHERS = ("search", "genindex")
LAB = "import ipywidgets\nipywidgets.IntSlider()"


def set_address(small_book, address):
    config = small_book.folder / "_config.yml"
    text, found = re.subn(r'(repository:\n  url: )".*"', rf'\1"{address}"', config.read_text(encoding="utf-8"))
    assert found == 1, "the setting has moved"
    config.write_text(text, encoding="utf-8")


def page(small_book, name):
    folder = "book/" if name in CHAPTERS else ""
    return (small_book.folder / "_build" / "html" / f"{folder}{name}.html").read_text(encoding="utf-8")


def links(html, host):
    found = BeautifulSoup(html, "html.parser").find_all("a", href=True)
    return {link["href"] for link in found if host in link["href"]}


def first_cells(small_book):
    for name in CHAPTERS:
        yield nbformat.read(small_book.folder / "book" / f"{name}.ipynb", as_version=4).cells[0].source


def colab(name):
    path = ADDRESS.removeprefix("https://github.com/")
    return f"https://colab.research.google.com/github/{path}/blob/v{chapters.version()}/book/{name}.ipynb"


@pytest.fixture
def book(small_book):
    small_book.write("second", LAB, tags=["nbval-ignore-output"])
    return small_book


def test_without_an_address_nothing_leads_to_it_and_with_one_everything_does(book):
    set_address(book, "")
    book.build()
    for name in (*CHAPTERS, *OTHERS):
        html = page(book, name)
        assert "colab" not in html.lower() and "github.com" not in html
        assert "How to report it" in html
    assert "kernel" in page(book, "second") and "make lab" in page(book, "second")

    set_address(book, ADDRESS + "/")  # a slash at the end is no part of it
    book.build()  # the pages are written again although no chapter changed
    for name in CHAPTERS:
        assert links(page(book, name), "colab.research.google.com") == {colab(name)}
        assert links(page(book, name), "github.com/someone") - {colab(name)} == {
            f"{ADDRESS}/issues/new?title=Error%20on%20book/{name}"
        }
    for name in OTHERS:
        assert links(page(book, name), "colab.research.google.com") == set()

    set_address(book, "")
    book.build()
    assert not any("colab" in page(book, name).lower() for name in CHAPTERS)


def test_the_first_cell_carries_the_address_and_only_it(book):
    import sys

    set_address(book, ADDRESS)
    book.run(sys.executable, "-m", "tools.chapters")
    sources = list(first_cells(book))
    assert len(set(sources)) == 1
    assert f'repository = "{ADDRESS}"' in sources[0] and f"@v{chapters.version()}" in sources[0]
    assert "--no-deps" in sources[0] and not re.search(r"\btorch\b|\bnumpy\b|restart", sources[0])

    set_address(book, "")
    book.run(sys.executable, "-m", "tools.chapters")
    assert all('repository = ""' in source and "someone" not in source for source in first_cells(book))


def test_an_address_elsewhere_than_github_has_no_colab_link(book):
    """Colab opens notebooks from GitHub only."""
    set_address(book, "https://git.example.org/someone/book")
    book.build()
    for name in CHAPTERS:
        assert links(page(book, name), "colab") == set()
        assert links(page(book, name), "git.example.org") == {
            f"https://git.example.org/someone/book/issues/new?title=Error%20on%20book/{name}"
        }


def test_this_book_keeps_to_its_own_setting():
    """Every stored chapter carries the address that _config.yml names, be it empty or not."""
    for path in chapters.chapter_paths():
        assert f'repository = "{chapters.repository()}"' in nbformat.read(path, as_version=4).cells[0].source, path.name
