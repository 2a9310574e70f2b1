"""The repository's address is one setting.

Without it no link to it is drawn, with it each chapter has the right ones; `make address` writes it everywhere, and
runs nothing.
"""

import ast
import json
import re
import subprocess
import sys
from urllib.parse import quote

import nbformat
import pytest
from bs4 import BeautifulSoup

from tools import address, chapters, keys, release

sys.path.insert(0, str(chapters.ROOT / "_ext"))
import page as frame

ADDRESS = "https://github.com/someone/latent-variable-models"
CHAPTERS = ("intro", "second")
OTHERS = ("search", "genindex")
LAB = "import ipywidgets\nipywidgets.IntSlider()"

UNDERSTOOD = [
    *("https://github.com/a/b", "https://github.com/a/b/", "https://github.com/a/b.git", "http://www.github.com/a/b"),
    *("git@github.com:a/b.git", "git@github.com:a/b", "ssh://git@github.com/a/b.git", "ssh://git@github.com:22/a/b"),
    *(
        "github.com/a/b",
        " https://github.com/a/b\n",
        "https://github.com/a/b/tree/main/book",
        "'https://github.com/a/b'",
    ),
    *("https://GitHub.com/a/b#readme", "https://github.com/a/b?tab=readme", "git://github.com/a/b.git"),
    *("https://name:secret@github.com/a/b.git", "git+https://github.com/a/b", "https://github.com/a/b/blob/x/y.ipynb"),
]
REFUSED = [
    *("/home/me/book", "../book", "file:///srv/book.git", "C:\\book", "book", "you/book", "https://github.com/you"),
    *("https://github.com/", "https://github.com/a/b/c", "git@github.com:a", "https://localhost/a/b", "a b"),
    *("https://github.com/a/b c", 'https://github.com/a/b"; import os', "https://github.com/a/..", "ftp://x.org/a/b"),
]


@pytest.mark.parametrize("text", UNDERSTOOD)
def test_every_form_of_an_address_is_understood(text):
    assert address.understood(text) == "https://github.com/a/b"


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_address_is_refused_aloud(text):
    with pytest.raises(ValueError, match=r"looks like https://github\.com/you/book"):
        address.understood(text)


def test_other_hosts_keep_their_groups_and_have_no_link_to_colab():
    found = address.understood("git@git.example.org:group/team/book.git")
    assert found == "https://git.example.org/group/team/book" == address.understood(f"{found}/-/tree/main")
    assert chapters.on_colab(found, "book/elbo") == ""


def page(small_book, name):
    folder = "book/" if name in CHAPTERS else ""
    return (small_book.folder / "_build" / "html" / f"{folder}{name}.html").read_text(encoding="utf-8")


def links(html, host):
    found = BeautifulSoup(html, "html.parser").find_all("a", href=True)
    return {link["href"] for link in found if host in link["href"]}


def notebooks(small_book):
    return [nbformat.read(small_book.folder / "book" / f"{name}.ipynb", as_version=4) for name in CHAPTERS]


def colab(name, ref="HEAD"):
    path = ADDRESS.removeprefix("https://github.com/")
    return f"https://colab.research.google.com/github/{path}/blob/{ref}/book/{name}.ipynb"


def name_it(small_book, *text, check=True):
    return small_book.run(sys.executable, "-m", "tools.address", *text, check=check)


def test_an_address_is_written_into_settings_and_notebooks_and_no_chapter_is_run(ran_book):
    book = ran_book()
    before = json.dumps([notebook.cells[2:] for notebook in notebooks(book)])
    name_it(book, "git@github.com:someone/latent-variable-models.git")
    assert f'url: "{ADDRESS}"' in (book.folder / "_config.yml").read_text(encoding="utf-8")
    for name, notebook in zip(CHAPTERS, notebooks(book), strict=True):
        first, text = notebook.cells[0].source, notebook.cells[1].source
        ast.parse(first)
        assert f'repository = "{ADDRESS}"' in first and f"@v{chapters.version()}" in first
        assert "--no-deps" in first and not re.search(r"import (torch|numpy)|restart\(", first)
        assert text.startswith(f"# A page\n\n[Run this chapter on Colab]({colab(name)})\n\nSome text")
    assert json.dumps([notebook.cells[2:] for notebook in notebooks(book)]) == before
    assert not book.run(sys.executable, "-m", "tools.chapters", "--stale").stdout

    assert "0 files changed" in name_it(book, ADDRESS).stdout
    book.run("git", "init", "-q")
    book.run("git", "remote", "add", "origin", "ssh://git@github.com/another/book.git")
    name_it(book)  # of the remote
    assert address.named(notebooks(book)[0]) == "https://github.com/another/book"
    refused = name_it(book, "/srv/book", check=False)
    assert refused.returncode == 1 and "not understood" in refused.stderr
    assert address.named(notebooks(book)[0]) == "https://github.com/another/book"
    name_it(book, "none")
    for notebook in notebooks(book):
        assert "another" not in json.dumps(notebook) and address.named(notebook) == ""
        assert notebook.cells[1].source.startswith("# A page\n\nSome text")


def test_without_an_address_nothing_leads_to_it_and_with_one_everything_does(small_book):
    book = small_book
    book.write("second", LAB, tags=["nbval-ignore-output"])
    name_it(book, "none")
    intro = book.folder / "book" / "intro.ipynb"
    intro.write_text(
        intro.read_text(encoding="utf-8").replace("engine.", "engine.\\n\\n## A *part*, & more\\n\\nWords.", 1)
    )
    book.build()
    assert 'id="a-part-more"' in page(book, "intro")
    for name in (*CHAPTERS, *OTHERS):
        html = page(book, name)
        assert "lvm-report" not in html
        assert "colab" not in html.lower() and "github.com" not in html
        assert "How to report it" in html
    assert "kernel" in page(book, "second") and "make lab" in page(book, "second")

    name_it(book, ADDRESS + "/")
    book.build()  # the pages are written again although no chapter ran
    for name in CHAPTERS:
        html = page(book, name)
        assert links(html, "colab.research.google.com") == {colab(name)}
        assert html.index("</h1>") < html.index(colab(name)) < html.index("Some text long", html.index("<article"))
        report = {link for link in links(html, "github.com/someone") if "A%20page%3A" in link}
        assert links(html, "github.com/someone") - {colab(name)} - report == {
            f"{ADDRESS}/issues/new?title=Error%20on%20book/{name}"
        }
        place = f"book/intro.html#a-part-more, version {chapters.version()}\n\n"
        wanted = f"{ADDRESS}/issues/new?title={quote('A page: A part, & more')}&body={quote(place)}"
        assert report == ({wanted} if name == "intro" else set())
    for name in OTHERS:
        assert links(page(book, name), "colab.research.google.com") == set()

    # The workflow of a fork: the notebooks name the first repository, so no link would find the fork's library.
    fork = "https://github.com/student/fork"
    book.build(LVM_REPOSITORY=fork)
    for name in CHAPTERS:
        html = page(book, name)
        assert links(html, "colab") == set() and "make address" in html and "someone" not in html
        assert f"{fork}/issues/new?title=Error%20on%20book/{name}" in links(html, "github.com")

    # With the tag of its version in the repository, the links open that.
    for words in (
        ["init", "-q"],
        ["add", "_config.yml"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a"],
    ):
        book.run("git", *words)
    book.run("git", "tag", f"v{chapters.version()}")
    book.build()
    for name in CHAPTERS:
        assert links(page(book, name), "colab") == {colab(name, f"v{chapters.version()}")}


def test_an_issue_has_the_form_of_its_host():
    assert frame.new_issue(ADDRESS, "A & b") == f"{ADDRESS}/issues/new?title=A%20%26%20b"
    lab = "https://gitlab.example.org/group/book"
    assert frame.new_issue(lab, "A", "b#c") == f"{lab}/-/issues/new?issue[title]=A&issue[description]=b%23c"


def test_a_release_refuses_notebooks_of_another_address(tmp_path):
    path = tmp_path / "elbo.ipynb"
    notebook = keys.read(chapters.ROOT / "book" / "elbo.ipynb")
    path.write_text(json.dumps(notebook))
    release.same_address([path], chapters.own_address())
    address.addressed(notebook, "https://github.com/a/elsewhere", "book/elbo")
    path.write_text(json.dumps(notebook))
    with pytest.raises(release.Refused, match=r"elbo\.ipynb .* make address"):
        release.same_address([path], chapters.own_address())


def test_the_first_cell_says_what_it_did_and_what_would_help(tmp_path):
    """A tag that is missing is replaced by the branch; what cannot be reached is said in a sentence."""
    bare = tmp_path / "book.git"
    subprocess.run(["git", "init", "-q", "--bare", bare], check=True)

    def run(where):
        text = chapters.FIRST_CELL.format(repository=where, version=chapters.version())
        text = text.replace(
            '[sys.executable, "-m", "pip"', '[sys.executable, "-c", "import sys; sys.exit(sys.argv[-3])"'
        )
        path = tmp_path / "cell.py"
        path.write_text(text)
        return subprocess.run([sys.executable, "-I", path], cwd=tmp_path, capture_output=True, text=True)

    gone = run(f"file://{tmp_path}/nowhere.git")
    assert "cannot be reached: is there a network" in gone.stderr
    branch = run(f"file://{bare}")  # stands for pip: it says where it would have fetched from
    assert "torch and numpy stay" in branch.stdout and "the newest state of its branch" in branch.stdout
    assert f"git+file://{bare} could not be installed" in branch.stderr


def test_the_first_cell_notices_a_library_of_another_version(tmp_path):
    (tmp_path / "lvm_lib").mkdir()
    for version, said in ((chapters.version(), ""), ("0.0.1", "lvm_lib of 0.0.1")):
        (tmp_path / "lvm_lib" / "__init__.py").write_text(f"__version__ = '{version}'\n")
        (tmp_path / "cell.py").write_text(chapters.first_cell())
        done = subprocess.run([sys.executable, "-B", "cell.py"], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0 and (said in done.stdout if said else not done.stdout), done.stderr


def test_this_book_keeps_to_its_own_setting():
    """Every stored chapter carries the address that _config.yml names, be it empty or not."""
    for path in chapters.chapter_paths():
        assert address.named(keys.read(path)) == chapters.own_address(), path.name
