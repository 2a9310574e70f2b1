"""What a stored run hangs on: a chapter's code and what it reaches, by meaning, under every version of Python."""

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools import chapters, keys

OTHER_PYTHONS = [path for name in ("python3.11", "python3.12", "python3.13") if (path := shutil.which(name))]
FORGET = "for name in [name for name in sys.modules if name.split('.')[0] == 'lvm_lib']: del sys.modules[name]"


def notebook(*sources):
    cells = [{"cell_type": "code", "id": "setup", "metadata": {"tags": ["setup"]}, "source": "import lvm_lib"}]
    for number, source in enumerate(sources):
        cells.append({"cell_type": "code", "id": f"c{number}", "metadata": {}, "source": source})
    return {"cells": cells}


@pytest.fixture
def copy(tmp_path):
    """A copy of the library's code, to be changed."""
    return taken(tmp_path)


def taken(folder):
    ignore = shutil.ignore_patterns("__pycache__", "*.npz", "bundle")
    shutil.copytree(chapters.ROOT / "lvm_lib", folder / "lvm_lib", ignore=ignore)
    shutil.copy(chapters.ROOT / "requirements.txt", folder)
    return folder


def key(root, book):
    return keys.parts(book, root, keys.Package(root))


def change(root, module, before="", after="\nCHANGED = 1\n"):
    path = root / "lvm_lib" / module
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1) if before else text + after, encoding="utf-8")


ELBO = keys.read(chapters.ROOT / "book" / "elbo.ipynb")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The key of a chapter in a copy in which nothing was changed."""
    root = tmp_path_factory.mktemp("whole")
    taken(root)
    return key(root, ELBO)


@pytest.mark.parametrize(
    "module", ["check/vae.py", "figures/em.py", "figures/kmeans.py", "labs/vae.py", "landscape.py"]
)
def test_what_a_chapter_does_not_reach_leaves_its_run_valid(whole, copy, module):
    change(copy, module)
    assert keys.changes(whole, key(copy, ELBO)) == []


@pytest.mark.parametrize("module", ["bounds.py", "densities.py", "figures/elbo.py", "figures/base.py", "check/elbo.py"])
def test_what_a_chapter_reaches_makes_its_run_stale_and_is_named(whole, copy, module):
    change(copy, module)
    assert keys.changes(whole, key(copy, ELBO)) == [f"lvm_lib/{module} changed"]


def test_a_new_check_or_figure_in_a_package_s_table_leaves_all_runs_valid(whole, copy):
    change(copy, "check/__init__.py", "_WHERE = {", '_WHERE = {  # more\n    "mixture_of_mine": ("mine",),')
    assert key(copy, ELBO) == whole
    change(copy, "figures/__init__.py", "_WHERE = {", '_WHERE = {\n    "mine": ("MyFigure",),')
    assert key(copy, ELBO) == whole
    change(copy, "figures/__init__.py")
    assert key(copy, ELBO) != whole


def test_comments_docstrings_and_layout_change_nothing(whole, copy):
    change(copy, "bounds.py", after="\n\n# a comment\n\n")
    path = copy / "lvm_lib" / "densities.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tree.body[0].value.value = "Other words."
    path.write_text(ast.unparse(tree), encoding="utf-8")
    again = notebook(*[f"# seen\n{keys.source(cell)}  # and again" for cell in keys.counted(ELBO)])
    assert key(copy, ELBO) == whole
    for cell, other in zip(keys.counted(ELBO), again["cells"][1:], strict=True):
        other["metadata"] = cell["metadata"]
        assert keys.cell_digest(cell) == keys.cell_digest(other)


def test_data_of_a_module_and_pins_of_what_it_imports_count(copy):
    book = notebook("from lvm_lib import data\nimport numpy")
    (copy / "lvm_lib" / "data" / "digits.npz").write_bytes(b"one")
    before = key(copy, book)
    assert "numpy==2.4.6" in before and not any(name.startswith(("torch==", "sphinx==")) for name in before)
    (copy / "lvm_lib" / "data" / "digits.npz").write_bytes(b"other")
    assert keys.changes(before, key(copy, book)) == ["lvm_lib/data/digits.npz changed"]
    pins = copy / "requirements.txt"
    pins.write_text(pins.read_text().replace("numpy==2.4.6", "numpy==2.4.7").replace("sphinx==7.4.7", "sphinx==7.4.8"))
    (copy / "lvm_lib" / "data" / "digits.npz").write_bytes(b"one")
    assert keys.changes(before, key(copy, book)) == ["numpy==2.4.7 is pinned now"]


def test_the_first_cell_and_a_reader_s_answers_do_not_count(copy):
    exercise = "from lvm_lib import check\ncheck.elbo_gap({})"
    before = key(copy, notebook("x = 1", exercise.format("...")))
    answered = notebook("x = 1", "from lvm_lib import kmeans\n" + exercise.format("kmeans.lloyd and 0.3"))
    answered["cells"][0]["source"] = "repository = 'elsewhere'"
    assert key(copy, answered) == before
    assert "lvm_lib/check/elbo.py" in before and "lvm_lib/check/vae.py" not in before
    assert keys.changes(before, key(copy, notebook("x = 2", exercise))) == ["its code cells changed"]


def test_a_name_is_followed_to_the_module_that_it_is_taken_from(copy):
    sources = (
        "from lvm_lib.figures import ElboFigure",
        "from lvm_lib import figures\nfigures.ElboFigure()",
        "import lvm_lib\nlvm_lib.figures.ElboFigure",
        "import lvm_lib.figures as f\ny = [f.ElboFigure]",
    )
    for source in sources:
        found = key(copy, notebook(source))
        assert "lvm_lib/figures/elbo.py" in found and "lvm_lib/figures/em.py" not in found, source
    everything = key(copy, notebook("from lvm_lib.figures import *"))
    assert {"lvm_lib/figures/elbo.py", "lvm_lib/figures/em.py"} <= set(everything)
    inside = "def later():\n    from lvm_lib import kmeans\n"
    assert "lvm_lib/kmeans.py" in key(copy, notebook(inside))


def test_reading_finds_what_running_loads():
    """The library's modules in memory after a chapter's imports are among those that were found by reading.

    All chapters in one process, which forgets the library between them and keeps torch.
    """
    package, found, code = keys.Package(chapters.ROOT), {}, ["import sys"]
    for path in chapters.chapter_paths():
        book = keys.read(path)
        found[path.stem] = package.closure({package.name, *keys.reached(book, package)})
        code += [
            line.strip()
            for cell in keys.counted(book)
            for line in keys.source(cell).splitlines()
            if line.startswith(("from lvm_lib", "import lvm_lib")) and "(" not in line
        ]
        code += [f"print({path.stem!r}, end=' ')", chapters.LOADED, FORGET]
    command = [sys.executable, "-c", "\n".join(code)]
    done = subprocess.run(command, cwd=chapters.ROOT, capture_output=True, text=True, check=True)
    loaded = {chapter: set(modules) for chapter, *modules in map(str.split, done.stdout.splitlines())}
    assert set(loaded) == set(found) and all("lvm_lib" in modules for modules in loaded.values())
    assert {chapter: modules - found[chapter] for chapter, modules in loaded.items() if modules - found[chapter]} == {}


@pytest.fixture(scope="module")
def own():
    """The keys of all chapters, found by this Python."""
    package = keys.Package(chapters.ROOT)
    names = [path.relative_to(chapters.ROOT).as_posix() for path in chapters.chapter_paths()]
    return {name: keys.parts(keys.read(chapters.ROOT / name), package=package) for name in names}


@pytest.mark.parametrize("python", OTHER_PYTHONS)
def test_every_version_of_python_finds_the_same_key(own, python):
    code = (
        "import json, sys; sys.path.insert(0, '.'); from tools import keys; package = keys.Package(keys.ROOT)\n"
        "found = {p: keys.parts(keys.read(keys.ROOT / p), package=package) for p in sys.argv[1:]}\n"
        "print(json.dumps(found))"
    )
    done = subprocess.run([python, "-I", "-c", code, *own], cwd=chapters.ROOT, capture_output=True, text=True)
    if "is not installed" in done.stderr or "command not found" in done.stderr:
        return  # a launcher without its Python
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == own


@given(st.lists(st.sampled_from(["a = 1", "def f(x):\n    return x", "f'{a!r:>{b}} {c}'", "x: int = 3", "a, *b = c"])))
def test_code_that_means_something_else_is_written_down_differently(lines):
    def written(text):
        return keys.canonical(ast.parse(text))

    text = "\n".join(["z = 0", *lines])
    assert written(text) == written("\n\n".join(["z = 0  # zero", *lines]))
    assert written(text) != written(text + "\nb = 2") and written(text) != written(text.replace("z = 0", "z = 1"))


def test_the_library_s_files_are_all_read():
    package = keys.Package(chapters.ROOT)
    for path in (Path(chapters.ROOT) / "lvm_lib").rglob("*.py"):
        name = ".".join(path.relative_to(chapters.ROOT).with_suffix("").parts).removesuffix(".__init__")
        assert package.file(name) == path and package.digest(name)


def test_of_an_experiment_what_it_found_counts(tmp_path):
    path = tmp_path / "experiments" / "one.json"
    path.parent.mkdir()

    def of(time, **other):
        said = {"seeds": [0, 1], "results": {"a": {"mean": 1.5}}, "values": {"a": [1, 2]}, "hangs on": {"x": "1"}}
        path.write_text(json.dumps({**said, **other}))
        return keys.file_digest(path, time)

    assert of(0) == of(1, **{"hangs on": {"x": "2"}}, about="other words")
    assert len({of(0), of(2, values={"a": [1, 3]}), of(3, seeds=[0, 2])}) == 3
