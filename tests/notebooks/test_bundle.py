"""The bundled JavaScript that is shipped is what its sources give today, so that readers need no Node.js."""

import gzip
import os
import re
import shutil
import subprocess

import pytest

from tools import chapters
from tools.budgets import budget
from tools.need_node import NEEDED, node_version

JS = chapters.ROOT / "js"
BUNDLES = chapters.ROOT / "lvm_lib" / "figures" / "bundle"
OF_PAGES = chapters.ROOT / "assets" / "bundle"
MODULES = chapters.ROOT / "node_modules"


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    """A copy of the sources with an empty place for bundles: js/build.mjs writes beside itself."""
    if node_version() < NEEDED or not (MODULES / "esbuild").exists():
        if os.environ.get("CI"):
            pytest.fail("Node.js or esbuild is missing (npm ci), and in CI nothing may be skipped")
        pytest.skip("Node.js or esbuild is missing: npm ci")
    folder = tmp_path_factory.mktemp("bundle")
    shutil.copytree(JS, folder / "js")
    for name in ("package.json", "tsconfig.json"):  # esbuild reads both
        shutil.copy(chapters.ROOT / name, folder)
    (folder / "node_modules").symlink_to(MODULES, target_is_directory=True)
    return folder


def run(folder, *options):
    return subprocess.run(["node", "js/build.mjs", *options], cwd=folder, capture_output=True, text=True, timeout=1200)


def built(folder) -> dict:
    places = (folder / "lvm_lib" / "figures" / "bundle", folder / "assets" / "bundle")
    return {path.name: path.read_bytes() for place in places for path in place.glob("*.js")}


def test_the_shipped_bundles_are_a_fresh_build(workshop):
    done = run(workshop)
    assert done.returncode == 0, done.stderr
    fresh, shipped = built(workshop), built(chapters.ROOT)
    assert fresh and sorted(fresh) == sorted(shipped)
    different = [name for name in fresh if fresh[name] != shipped[name]]
    assert different == [], "run `make bundle` and store what it writes"


def test_a_changed_source_is_noticed(workshop):
    """By the build's own check too, which `npm run check` offers to those who write figures."""
    run(workshop)
    assert run(workshop, "--check").returncode == 0
    source = next((workshop / "js" / "figures").glob("*.js"))
    kept = source.read_text(encoding="utf-8")
    source.write_text(kept + "\nglobalThis.changed = 1;\n", encoding="utf-8")
    noticed = run(workshop, "--check")
    source.write_text(kept, encoding="utf-8")
    assert noticed.returncode != 0 and source.name in noticed.stderr


def test_what_runs_in_a_page_is_small_and_loads_side_files_alone():
    scripts = {path.name.removesuffix(".min.js"): path.read_bytes() for path in OF_PAGES.glob("*.js")}
    sent = {name: len(gzip.compress(raw, mtime=0)) for name, raw in scripts.items()}
    assert sent["answers"] + sent["yours"] <= budget("scripts", "judge")
    assert sent["previews"] <= budget("scripts", "previews")
    assert sent["resume"] <= budget("scripts", "resume")
    for raw in scripts.values():
        assert not re.search(rb"https?://|\bfetch\(|XMLHttpRequest|importScripts|\beval\(|\bFunction\(", raw)


@pytest.mark.parametrize("path", sorted(BUNDLES.glob("*.js")), ids=lambda path: path.stem)
def test_a_bundle_is_one_classic_script_of_bounded_size(path):
    text = path.read_text(encoding="utf-8")
    assert re.search(rf"\bvar lvm_{path.stem}=", text), "host.js and anywidget look for this name"
    assert not re.search(r"^\s*(import|export)\s", text, flags=re.M)
    loads = r"https?://(?!www\.w3\.org/)|\bfetch\(|XMLHttpRequest|importScripts"
    assert not re.search(loads, text), "a figure loads nothing"
    assert len(text.encode()) < budget("scripts", "figure")
    assert len(gzip.compress(text.encode(), mtime=0)) <= budget("scripts", "figure_sent")
