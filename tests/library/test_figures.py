"""Live figures from the Python side: traits, read-back, static picture, and the bundle that is committed."""

import ast
import base64
import json
import math
import re
import shutil
import struct
import subprocess
from pathlib import Path

import golden_reach
import golden_scrubber
import pytest
import traitlets

from lvm_lib import figures
from lvm_lib.figures import LiveFigure, ScrubberFigure
from lvm_lib.figures.base import FigureError, bundle, stylesheet

ROOT = Path(__file__).parents[2]
FIGURES = figures.every()


def made(cls):
    """A figure in its first state; the scrubber has no default, since it shows a training."""
    return golden_scrubber.made() if cls is ScrubberFigure else cls()


@pytest.mark.skipif(
    not (shutil.which("node") and (ROOT / "node_modules" / "esbuild").exists()),
    reason="esbuild is not installed: npm ci",
)
def test_the_committed_bundles_are_built_from_the_sources():
    run = subprocess.run(["node", "js/build.mjs", "--check"], cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stderr


def test_each_module_has_its_class():
    modules = {file.stem for file in (ROOT / "js" / "figures").glob("*.js")}
    assert modules == {cls.name for cls in FIGURES}
    assert all(issubclass(cls, LiveFigure) for cls in FIGURES)


@pytest.mark.parametrize("cls", FIGURES)
def test_a_bundle_is_self_contained(cls):
    text = bundle(cls.name)
    assert text.startswith(('"use strict";var lvm_', "var lvm_"))
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text), "no address but the SVG namespace"
    assert "getElementById" not in text and "import(" not in text and "</script" not in text
    assert len(text) < 60_000
    esm = made(cls)._esm
    assert esm == text + f"\nexport default lvm_{cls.name}.default;"


def test_every_rule_is_scoped():
    text = re.sub(r"/\*.*?\*/", "", (ROOT / "lvm_lib/figures/figure.css").read_text(), flags=re.S)
    selectors = [part.strip() for block in re.findall(r"([^{}]+)\{", text) for part in block.split(",")]
    rules = [s for s in selectors if not s.startswith("@")]
    assert len(rules) > 50
    assert [s for s in rules if not s.startswith(".lvm-figure")] == []
    assert "prefers-color-scheme" not in text and "#" not in re.sub(r"#[0-9a-f]{3,6}\b", "", text)


def test_the_stylesheet_carries_the_palette_in_both_themes():
    text = stylesheet()
    assert "--lvm-elbo:#00695a" in text and "--lvm-elbo:#45c9ae" in text and '[data-lvm-theme="dark"]' in text


@pytest.mark.parametrize("cls", FIGURES)
def test_what_a_notebook_stores(cls):
    figure = made(cls)
    data, metadata = figure._repr_mimebundle_()
    assert data["text/plain"] == repr(figure) == f"<live figure: {cls.name}>"
    assert "application/vnd.jupyter.widget-view+json" in data
    png = base64.b64decode(data["image/png"])
    width, height = struct.unpack(">II", png[16:24])
    assert png.startswith(b"\x89PNG") and width == 2 * metadata["image/png"]["width"] and height > 600
    assert metadata["image/png"]["alt"] == figure.alt
    assert png == made(cls).png(), "the same state gives the same picture"


def test_the_tables_of_state_that_node_s_tests_read_are_these():
    stored = json.loads(golden_reach.FILE.read_text(encoding="utf-8"))
    assert golden_reach.golden() == stored, "renew it: python tests/library/golden_reach.py"


@pytest.mark.parametrize("cls", FIGURES)
def test_a_class_body_is_the_whole_truth_about_its_state(cls):
    """A variable is said once: trait, bounds, first value, key of a link."""
    figure = made(cls)
    table = figure.reach["state"]
    assert tuple(table) == figure.state == cls.state and figure.reach["read_back"] == list(cls.read_back)
    assert set(cls.read_back) <= set(figure.numbers())
    assert len({row["link"] for row in table.values()}) == len(table)
    for name, row in table.items():
        assert row["start"] == getattr(figure, name) and row["kind"] in ("number", "whole", "size", "one_of", "text")
    assert "reach" in figure.keys and set(cls.state) | set(cls.read_back) <= set(figure.keys)


@pytest.mark.parametrize("file", sorted((ROOT / "js").glob("[efk]*/**/*.js")), ids=lambda file: file.stem)
def test_no_script_says_again_what_a_class_body_says(file):
    source = file.read_text(encoding="utf-8")
    assert not re.findall(r"\b(machineReadable|BOUNDS|START|TRAITS|LINK|IN_PYTHON|IN_JS|SEEDS|SIZES)\b", source)


def test_no_figure_imports_another_and_no_tool_asks_a_figure_for_nets():
    modules = {cls.__module__.rsplit(".", 1)[1] for cls in FIGURES}
    for name in modules:
        tree = ast.parse((ROOT / "lvm_lib" / "figures" / f"{name}.py").read_text(encoding="utf-8"))
        beside = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level == 1}
        assert not beside & modules, name
        script = (ROOT / "js" / "figures" / f"{name}.js").read_text(encoding="utf-8")
        assert not set(re.findall(r'from "\./(\w+)\.js"', script)) & modules, name
    for file in ("tools/train_nets.py", "tools/train_token_nets.py", "benchmarks/decode.py"):
        text = (ROOT / file).read_text(encoding="utf-8")
        assert "lvm_lib.shipped import" in text and not re.search(rf"figures\.({'|'.join(modules)}) import", text), file


def test_all_figures_but_one_are_read_back():
    assert [cls.name for cls in FIGURES if not cls.read_back] == ["ancestral"]


@pytest.mark.parametrize("cls", [cls for cls in FIGURES if cls.read_back])
def test_what_follows_from_the_state_may_be_reported_and_not_set(cls):
    figure = made(cls)
    found = figure.numbers()
    for name in cls.read_back:
        before = getattr(figure, name)
        assert before == pytest.approx(found[name], abs=1e-12, rel=1e-12)
        words = (
            f"{name} is read back, it cannot be set: it is .*{f' {cls.unit}' if cls.unit else ''} in this state, got"
        )
        for wrong in (found[name] * 1.001 + 0.01, float("nan")):
            with pytest.raises(ValueError, match=words):
                setattr(figure, name, wrong)
        setattr(figure, name, found[name] * (1 + 1e-9))  # a front end's rounding
        assert getattr(figure, name) == pytest.approx(before, rel=1e-12)
    with pytest.raises(TypeError, match=f"{cls.__name__} takes .*{cls.state[0]}.*got nonsense"):
        cls(nonsense=1)
    with pytest.raises(TypeError, match=f"got {cls.read_back[0]}"):
        cls(**{cls.read_back[0]: 0.0})


@pytest.mark.parametrize("cls", FIGURES)
def test_every_number_of_a_state_is_held_to_its_bounds_by_name(cls):
    figure = made(cls)
    before = figure.numbers()
    for name, row in figure.reach["state"].items():
        wrong = {
            "number": [row.get("high", 0) + 1, math.nan, "1", None],
            "whole": [row.get("high", 0) + 1, 0.5, True, "1"],
        }
        for value in wrong.get(row["kind"], [-1, "neither", None]):
            with pytest.raises((FigureError, traitlets.TraitError), match=f"{name} must"):
                setattr(figure, name, value)
    assert figure.numbers() == before
