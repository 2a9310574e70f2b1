"""What the README tells a reader to do, works.

Python is run, make's targets run dry, what is installed is what is pinned.
"""

import os
import re
import shlex
import shutil
import struct
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from tools import chapters

README = chapters.ROOT / "README.md"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.S | re.M)
VENV = ".venv/bin/"


def snippets(language: str, text: str) -> list[str]:
    return [code for name, code in FENCE.findall(text) if name == language]


def commands(text: str) -> list[str]:
    """Each command that a reader is told: lines of shell snippets, and inline code that calls make or a module."""
    lines = [line for code in snippets("bash", text) for line in code.splitlines() if line.strip()]
    inline = re.findall(r"`((?:make|python -m) [^`\n]+)`", FENCE.sub("", text))
    return lines + inline


def fault(command: str, root=chapters.ROOT) -> str:
    """What is wrong with a command, in words; empty if it calls what exists. Nothing is installed, nothing is built."""
    words = shlex.split(command)
    if words[0] == "make":
        done = subprocess.run(["make", "-n", *words[1:]], cwd=root, capture_output=True, text=True)
        return done.stderr.strip() if done.returncode else ""
    if words == ["python3", "-m", "venv", ".venv"]:
        return ""
    if words[:4] == [f"{VENV}python", "-m", "pip", "install"]:
        return install_fault(words[4:], root)
    if words[0].startswith(VENV):
        name = words[0].removeprefix(VENV)
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                f"import sys; sys.argv[0] = '{name}'\nfrom importlib.metadata import entry_points\n"
                f"entry_points(group='console_scripts', name='{name}')['{name}'].load()()",
                *words[1:-1],
                "--help",
            ],
            capture_output=True,
            text=True,
            cwd=root,
        )
        known = entry_points(group="console_scripts", name=name)
        return (
            "" if known and not done.returncode else f"{name} does not know {' '.join(words[1:])}: {done.stderr[-300:]}"
        )
    if words[:2] == ["python", "-m"]:
        done = subprocess.run([sys.executable, "-c", f"import {words[2]}"], cwd=root, capture_output=True, text=True)
        return done.stderr.strip().splitlines()[-1] if done.returncode else ""
    return f"no check is known for: {command}"


def install_fault(words: list[str], root) -> str:
    """Is what pip is told what `make book` would tell it?"""
    pins = (root / "requirements.txt").read_text(encoding="utf-8").splitlines()
    index = re.search(r"^TORCH_INDEX \?= (\S+)$", (root / "Makefile").read_text(encoding="utf-8"), re.M)[1]
    arguments = iter(words)
    for word in arguments:
        if word == "-r":
            if not (root / (name := next(arguments))).exists():
                return f"there is no {name}"
        elif word == "--extra-index-url":
            if (url := next(arguments)) != index:
                return f"{url} is not the index of the Makefile, {index}"
        elif word == "--no-deps":
            continue
        elif not any(pin.split()[0] == word for pin in pins if pin.strip()):
            return f"{word} is not pinned in requirements.txt"
    return ""


def text() -> str:
    return README.read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("make") is None, reason="make is missing")
@pytest.mark.parametrize("command", dict.fromkeys(commands(text())))
def test_a_command_calls_what_exists(command):
    assert fault(command) == ""


@pytest.mark.skipif(shutil.which("make") is None, reason="make is missing")
@pytest.mark.parametrize(
    "wrong, words",
    [
        ("make boook", "boook"),
        (f"{VENV}python -m pip install torch==1.0", "not pinned"),
        ("curl x", "no check"),
        (f"{VENV}python -m pip install -r nothing.txt", "nothing.txt"),
        (f"{VENV}jupyter-book bild .", "bild"),
        (f"{VENV}python -m pip install --extra-index-url https://elsewhere torch", "elsewhere"),
        ("python -m tools.nothing", "nothing"),
    ],
)
def test_a_command_that_calls_nothing_is_seen(wrong, words):
    assert words in fault(wrong)


@pytest.mark.parametrize("code", snippets("python", text()))
def test_python_is_run(code, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(chapters.ROOT)},
    )
    assert done.returncode == 0, done.stderr


def test_every_snippet_is_of_a_kind_that_is_checked():
    kinds = [kind for kind, _ in FENCE.findall(text())]
    assert set(kinds) == {"bash", "python"} and text().count("\n```") == 2 * len(kinds)
    assert {"make book", "make test"} <= set(commands(text()))


def test_files_that_are_named_exist():
    linked = re.findall(r"\]\(([^)#]+)\)", text())
    folders = re.findall(r"`([\w./-]+/)`", text())
    assert linked and folders
    made = {"_build/html/", ".venv/"}
    missing = [
        name
        for name in [*linked, *folders]
        if not name.startswith("http")
        and name not in made
        and not (chapters.ROOT / name).exists()
        and not any(
            (parent / name).exists()
            for parent in (chapters.ROOT / "lvm_lib", chapters.ROOT / "js", chapters.ROOT / "tests")
        )
    ]
    assert missing == []


def test_the_picture_is_light_small_and_described():
    ((alt, name),) = re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", text())
    raw = (chapters.ROOT / name).read_bytes()
    assert "latent plane" in alt and len(alt.split()) > 20
    assert raw.startswith(b"\x89PNG") and len(raw) < 200_000
    width, height = struct.unpack(">II", raw[16:24])
    assert width > 1000 and height > 500
    from matplotlib.image import imread

    pixels = imread(chapters.ROOT / name)[..., :3]
    assert (pixels.min(axis=2) > 0.95).mean() > 0.7  # a light ground
