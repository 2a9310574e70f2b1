"""The way in: the version of Python is asked for first, an environment is finished or made anew, any path will do."""

import ast
import os
import re
import shutil
import subprocess
from importlib.metadata import distribution

import pytest
from packaging.specifiers import SpecifierSet

from tools import chapters, need_python

NEEDED = ".".join(map(str, need_python.NEEDED))
PINS = [
    (path.name, *line.split("=="))
    for path in sorted(chapters.ROOT.glob("requirements*.txt"))
    if path.name not in ("requirements-bench.txt", "requirements-nbgrader.txt")  # installed apart from the book
    for line in path.read_text(encoding="utf-8").splitlines()
    if "==" in line
]

# ------------------------------------------------------------------ the version


def test_the_readme_names_the_version_that_is_asked_for():
    text = (chapters.ROOT / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"Python (\d+\.\d+(?:\.\d+)?) or newer", text) == [NEEDED]


@pytest.mark.parametrize("file, name, version", PINS, ids=lambda value: str(value).removesuffix(".txt"))
def test_a_pin_runs_on_the_first_release_of_that_version(file, name, version):
    found = distribution(name)
    assert found.version.split("+")[0] == version, f"{file} pins {version}, installed is {found.version}"
    wanted = SpecifierSet(found.metadata["Requires-Python"] or "")
    assert wanted.contains(f"{NEEDED}.0"), f"{name}=={version} needs Python {wanted}"


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 6, 15), (3, 10, 13)])
def test_an_older_python_is_told_what_to_do(version):
    said = need_python.missing(version)
    assert f"Python {NEEDED} or newer" in said and ".".join(map(str, version)) in said
    assert "make book PYTHON=python3.12" in said


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 11, 2), (3, 14, 0)])
def test_a_python_that_will_do_is_left_in_peace(version):
    assert need_python.missing(version) == ""


def test_any_python_can_read_the_question():
    """Only what Python 2.7 has too, so that an old Python prints the sentence and not a SyntaxError."""
    text = (chapters.ROOT / "tools" / "need_python.py").read_text(encoding="ascii")
    tree = ast.parse(text, feature_version=(3, 4))
    old = "Module Expr Constant Import alias Assign Name Load Store Tuple FunctionDef arguments arg Return If Compare"
    old += " Call Attribute Subscript Slice BinOp Add GtE Eq Not UnaryOp"
    used = {type(node).__name__ for node in ast.walk(tree)}
    assert used <= set(old.split()), used - set(old.split())
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            plain = node.args
            assert not (plain.posonlyargs or plain.kwonlyargs or node.returns)
            assert not any(argument.annotation for argument in plain.args)


# ------------------------------------------------------------------ the Makefile, with a Python that only writes down

PYTHON = """\
#!/bin/sh
echo "{name} $*" >> "{log}"
echo "$OMP_NUM_THREADS $OMP_WAIT_POLICY" >> "{log}.threads"
case "$*" in
  tools/need_python.py) {answer} ;;
  "-m venv "*) mkdir -p "$3/bin" && cp "{inner}" "$3/bin/python" && cp "{inner}" "$3/bin/jupyter-book" ;;
  *"{fails}"*) exit 1 ;;
esac
"""
TOO_OLD = 'echo "The book needs Python" >&2; exit 1'


class Tree:
    """A copy of what the Makefile's installation reads, in a folder with blanks and letters of other scripts."""

    def __init__(self, folder):
        self.folder, self.log, self.tools = folder / "Kurs Müller 隐变量" / "mein buch", folder / "log", folder / "bin"
        self.folder.mkdir(parents=True)
        self.tools.mkdir()
        (self.folder / "book").mkdir()
        shutil.copy(chapters.ROOT / "Makefile", self.folder)
        for path in chapters.ROOT.glob("requirements*.txt"):
            shutil.copy(path, self.folder)
        self.python()

    def script(self, path, text):
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)

    def python(self, *, answer="exit 0", inside="exit 0", fails="nothing at all"):
        """Put a python3 on the path; the environment that it makes has a Python that answers `inside`."""
        inner = self.tools / "inner"
        for path, name, said in ((self.tools / "python3", "outside", answer), (inner, "inside", inside)):
            self.script(path, PYTHON.format(name=name, log=self.log, answer=said, inner=inner, fails=fails))

    def threads(self):
        """What the last `make` told its Pythons of threads."""
        return set(self.log.with_suffix(".threads").read_text().splitlines())

    def make(self, *words, user=1000, **given):
        """Run make; returns (exit code, what it said, the commands that Pythons were given)."""
        self.script(self.tools / "id", f"#!/bin/sh\necho {user}\n")
        for log in (self.log, self.log.with_suffix(".threads")):
            log.write_text("")
        variables = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "OMP_"))}
        variables |= {"PATH": f"{self.tools}{os.pathsep}{variables['PATH']}", **given}
        done = subprocess.run(["make", *words], cwd=self.folder, capture_output=True, text=True, env=variables)
        return done.returncode, done.stdout + done.stderr, self.log.read_text().splitlines()


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)


def made(commands):
    return [command for command in commands if "-m venv" in command]


def installs(commands):
    return [command for command in commands if "pip" in command and "install" in command]


def test_an_old_python_ends_before_anything_is_made_or_fetched(tree):
    tree.python(answer=TOO_OLD)
    code, said, commands = tree.make("book")
    assert code != 0 and "The book needs Python" in said
    assert commands == ["outside tools/need_python.py"] and not (tree.folder / ".venv").exists()


def test_a_python_that_is_not_there_is_named(tree):
    code, said, commands = tree.make("book", "PYTHON=python3.99")
    assert code != 0 and "python3.99 is not here" in said and commands == []


def test_the_build_is_installed_once(tree):
    code, said, commands = tree.make("book")
    assert code == 0 and str(tree.folder) in said
    assert len(made(commands)) == 1 and len(installs(commands)) == 2
    code, _, commands = tree.make("book")
    assert code == 0 and commands == ["inside build . -n -W --keep-going"]


def test_an_unfinished_environment_is_made_anew(tree):
    tree.python(fails="-r requirements.txt")
    code, _, commands = tree.make("book")
    assert code != 0 and len(installs(commands)) == 2
    (tree.folder / ".venv" / "half").write_text("")
    tree.python()
    code, said, commands = tree.make("book")
    assert code == 0 and "never finished" in said and len(made(commands)) == 1
    assert not (tree.folder / ".venv" / "half").exists()


def test_new_pins_go_into_a_finished_environment(tree):
    tree.make("book")
    tree.python(answer=TOO_OLD)  # the system's own Python counts no more
    os.utime(tree.folder / ".venv" / "build.stamp", (0, 0))
    code, _, commands = tree.make("book")
    assert code == 0 and made(commands) == [] and len(installs(commands)) == 2


def test_an_environment_whose_python_is_too_old_is_made_anew(tree):
    tree.python(inside=TOO_OLD)
    tree.make("book")
    os.utime(tree.folder / ".venv" / "build.stamp", (0, 0))
    code, _, commands = tree.make("book")
    assert code == 0 and len(made(commands)) == 1


def test_clean_says_what_it_keeps(tree):
    tree.make("book")
    (tree.folder / "_build").mkdir()
    code, said, _ = tree.make("clean")
    assert code == 0 and "rm -rf .venv" in said
    assert not (tree.folder / "_build").exists() and (tree.folder / ".venv" / "build.stamp").exists()


@pytest.mark.parametrize("user, option", [(0, True), (1000, False)])
def test_the_lab_opens_for_root_too(tree, user, option):
    tree.make("book")
    shutil.copy(tree.tools / "inner", tree.folder / ".venv" / "bin" / "jupyter")
    code, _, commands = tree.make("lab", "LAB=--no-browser", user=user)
    assert code == 0
    (lab,) = [command for command in commands if "--notebook-dir" in command]
    assert lab.startswith("inside lab --notebook-dir=book") and lab.endswith("--no-browser")
    assert ("--allow-root" in lab) == option


def test_one_page_is_built_without_the_others(tree):
    code, said, _ = tree.make("chapter")
    assert code != 0 and "make chapter CHAPTER=elbo" in said
    code, said, _ = tree.make("chapter", "CHAPTER=elbo")
    assert code == 0 and "_build/html/book/elbo.html" in said


@pytest.mark.parametrize("target", ["book", "execute", "chapter", "test", "quick", "elsewhere"])
def test_chapters_run_with_the_same_threads_whatever_the_command(tree, target):
    tree.make("book")
    command = [target, "CHAPTER=elbo", "-o", "node_modules/.stamp"]
    assert tree.make(*command)[0] == 0 and tree.threads() == {"1 PASSIVE"}
    assert tree.make(*command, OMP_NUM_THREADS="3", OMP_WAIT_POLICY="ACTIVE")[0] == 0
    assert tree.threads() == {"3 ACTIVE"}


def test_a_reader_s_own_lab_has_all_threads(tree):
    tree.make("book")
    shutil.copy(tree.tools / "inner", tree.folder / ".venv" / "bin" / "jupyter")
    assert tree.make("lab")[0] == 0 and tree.threads() == {" PASSIVE"}
