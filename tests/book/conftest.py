"""A small book with the real machinery, in a folder of its own."""

import os
import shutil
import subprocess
import sys

import nbformat
import pytest
import warm

from tools import chapters

MACHINERY = ("_config.yml", "_ext", "_templates", "assets", "lvm_lib", "tools", "requirements.txt", "references.bib")
PAGE = """\
# A page

Some text long enough to describe this page to a search engine.

$$
x = 1
$$ (small-equation)
"""


BUILT = {}  # what this process has built once: the book's folder, and a copy of it


class SmallBook:
    def __init__(self, folder, like=None):
        """A small book in `folder`, or a copy of the one in the folder `like`, its stored runs with it."""
        self.folder = folder
        if like:
            if like != folder:
                shutil.copytree(like, folder, dirs_exist_ok=True)
            return
        for name in MACHINERY:
            source = chapters.ROOT / name
            ignore = shutil.ignore_patterns("*.npz")  # what Python has compiled comes along: no copy compiles it anew
            shutil.copytree(source, folder / name, ignore=ignore) if source.is_dir() else shutil.copy(
                source, folder / name
            )
        (folder / "_toc.yml").write_text("format: jb-book\nroot: book/intro\nchapters:\n  - file: book/second\n")
        (folder / "book").mkdir()
        (folder / "lvm_lib" / "answer.py").write_text("VALUE = 'first answer'\n")
        self.write("intro", "import lvm_lib.answer\nprint(lvm_lib.answer.VALUE)")
        self.write("second", "print('untouched')")

    def write(self, name, code, tags=()):
        cells = [
            nbformat.v4.new_code_cell(chapters.first_cell(), id="setup", metadata={"tags": chapters.FIRST_TAGS}),
            nbformat.v4.new_markdown_cell(PAGE.replace("small", name), id="text"),
            nbformat.v4.new_code_cell(code, id="code", metadata={"tags": list(tags)}),
        ]
        chapters.write(self.folder / "book" / f"{name}.ipynb", chapters.stored(nbformat.v4.new_notebook(cells=cells)))

    def take(self, page):
        """A Markdown page of the real book, such as "appendix/identities", as the last page of this one."""
        (self.folder / "book" / page).parent.mkdir(exist_ok=True)
        shutil.copy(chapters.ROOT / "book" / f"{page}.md", self.folder / "book" / f"{page}.md")
        contents = self.folder / "_toc.yml"
        contents.write_text(contents.read_text() + f"  - file: book/{page}\n")

    def run(self, *command, check=True, **variables):
        environment = {**os.environ, **variables}
        if warm.can_be(command, variables):
            done = warm.process().run(command[1:], self.folder, environment)
        else:
            done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, env=environment)
        assert not check or done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return done

    def build(self, *strict, check=True, **variables):
        """`jupyter-book build .`, from this interpreter's environment."""
        command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build", "."]
        return self.run(*command, *(strict or ("-n", "-W", "--keep-going")), check=check, **variables)

    def page(self, name="intro"):
        return (self.folder / "_build" / "html" / "book" / f"{name}.html").read_text(encoding="utf-8")


@pytest.fixture
def small_book(tmp_path):
    return SmallBook(tmp_path)


@pytest.fixture(scope="session")
def once(tmp_path_factory):
    """once(name, fill): the folder of a small book that `fill(book)` has written and whose chapters were run, once."""
    made = {}

    def folder(name, fill):
        if name not in made:
            book = SmallBook(tmp_path_factory.mktemp(name))
            fill(book)
            book.run(sys.executable, "-m", "tools.chapters")
            made[name] = book.folder
        return made[name]

    return folder


@pytest.fixture
def put_back(tmp_path_factory):
    """put_back(name, make): the small book on which `make` did what it does, such as a build, as it was then.

    It is made once in each process, and stays in its own folder: a build knows itself by its absolute paths.
    """

    def book(name, make, like=None):
        folder, kept = BUILT.get(name, (None, None))
        if folder is None:
            folder = tmp_path_factory.mktemp("built") / "book"
            folder.mkdir()
            kept = folder.with_name("kept")
            make(SmallBook(folder, like=like))
            shutil.copytree(folder, kept, symlinks=True)
            BUILT[name] = folder, kept
        else:
            shutil.rmtree(folder)
            shutil.copytree(kept, folder, symlinks=True)
        return SmallBook(folder, like=folder)

    return book


@pytest.fixture
def built_book(put_back):
    """The plain small book after its first build, which has run its chapters; `said` is what that build printed."""

    def make(book):
        BUILT["said"] = book.build().stdout

    book = put_back("built", make)
    book.said = BUILT["said"]
    return book


@pytest.fixture
def ran_book(tmp_path, once):
    """ran_book(name, fill): a copy of that small book, its runs stored; without arguments of the plain one.

    For tests in which it does not matter when the chapters were run.
    """

    def copy(name="plain", fill=lambda book: None):
        return SmallBook(tmp_path, like=once(name, fill))

    return copy
