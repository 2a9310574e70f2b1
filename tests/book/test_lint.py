"""Layout, lint and types cannot be forgotten: what CI runs begins with them, and each of them finds a planted fault."""

import re
import shutil
import subprocess

import pytest

from tools import chapters, lint

ROOT = chapters.ROOT

# A file that is wrong in one way, where it is put, and the tool that has to say so.
PLANTED = {
    "ruff format": ("planted.py", '"""Planted."""\n\nx = [1,2]\n'),
    "ruff": ("lvm_lib/planted.py", '"""Planted."""\n\nimport os\n'),
    "mypy": ("lvm_lib/planted.py", '"""Planted."""\n\nWORD: int = "no number"\n'),
    "tsc": ("js/engine/planted.js", '/** @type {number} */\nexport const word = "no number";\n'),
    "biome": ("js/planted.js", "let never = 1;\n"),
}


def run(command, cwd):
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)


def copied(folder):
    """The settings and what they speak of, without the rest of the repository."""
    for name in ("pyproject.toml", "biome.jsonc", "tsconfig.json"):
        shutil.copy(ROOT / name, folder / name)
    for name in ("lvm_lib", "js/engine", "assets"):
        (folder / name).mkdir(parents=True)
    (folder / "lvm_lib" / "__init__.py").write_text('"""Empty."""\n')
    (folder / "js" / "engine" / "sound.js").write_text("export const one = 1;\n")
    (folder / "node_modules").symlink_to(ROOT / "node_modules")


def test_what_ci_runs_begins_with_lint():
    assert re.search(r"^make test$", (ROOT / ".ci" / "run").read_text(), re.M)
    recipe = run(["make", "--dry-run", "test"], ROOT).stdout
    assert 0 < recipe.index("-m tools.lint") < recipe.index("-m pytest")
    assert "-m tools.lint" in run(["make", "--dry-run", "lint"], ROOT).stdout


@pytest.mark.parametrize("name", lint.commands())
def test_each_tool_passes_what_is_sound_and_finds_a_planted_fault(name, tmp_path):
    copied(tmp_path)
    command = lint.commands()[name]
    sound = run(command, tmp_path)
    assert sound.returncode == 0, sound.stdout + sound.stderr
    place, text = PLANTED[name]
    (tmp_path / place).write_text(text)
    found = run(command, tmp_path)
    assert found.returncode == 1 and "planted" in found.stdout + found.stderr


def test_a_wide_line_of_a_script_is_found_in_comments_and_strings_too(tmp_path):
    assert lint.scripts() and [words for path in lint.scripts() for words in lint.too_wide(path)] == []
    (tmp_path / "wide.js").write_text("// " + 117 * "x" + "\n// " + 118 * "x" + "\n", encoding="utf-8")
    assert [words.rsplit(":", 2)[1] for words in lint.too_wide(tmp_path / "wide.js")] == ["2"]


# A comment that silences a tool; behind it stands the reason, as `# why` in Python and `: why` in JavaScript.
SILENCED = re.compile(r"(?:# |// |/\* )(?:(?:noqa|type: ignore|fmt: skip|fmt: off)\b|biome-ignore|@ts-)[^\n]*")
REASON = re.compile(r"^# [^#]+# \w.{6,}$|biome-ignore [\w/]+: \w.{6,}|@ts-expect-error \w.{6,}")
MOST = 20


def silenced(text):
    """What silences a tool in a file."""
    return [found[0] for found in SILENCED.finditer(text)]


def written_here():
    """Every Python and JavaScript file of the repository, but the tools' own test."""
    folders = ("_ext", "benchmarks", "book", "lvm_lib", "tests", "tools")
    python = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return [path for path in [*python, *lint.scripts()] if path.name != "test_lint.py"]


def test_tools_are_silenced_in_few_places_and_each_says_why():
    every = [(path.name, words) for path in written_here() for words in silenced(path.read_text(encoding="utf-8"))]
    assert len(every) <= MOST, every
    assert [one for one in every if not REASON.search(one[1])] == []


def test_a_silenced_tool_without_a_reason_would_be_seen():
    kinds = [
        "import os  # noqa: F401",
        "x = y  # type: ignore[misc]",
        "// biome-ignore lint/style/useConst",
        "// @ts-ignore",
    ]
    for line in kinds:
        (words,) = silenced(line)
        assert not REASON.search(words), words
    (words,) = silenced("import os  # noqa: F401  # its import is the test")
    assert REASON.search(words)
