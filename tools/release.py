"""Make a release: check, build, pack, tag (`make release`). Nothing leaves this machine: what to push is printed.

    python -m tools.release            the version is that of lvm_lib/__init__.py
    python -m tools.release --check    only say whether a release could be made: before minutes of building
    python -m tools.release --no-tag   the archive alone

The archive, `_build/latent-variable-models-<version>.zip`, is the built book in one folder: unpack it anywhere, on a
USB stick too, and open index.html. Beside the pages lie the notebooks, the library's wheel, and a text with the two
commands that run them. The same pages give the same archive, byte for byte.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from tools import chapters, handout, keys
from tools.chapters import ROOT, version

SITE = ROOT / "_build" / "html"
EPOCH = (2020, 1, 1, 0, 0, 0)  # of every file in the archive: a build's hour is no part of the book
RUN = """\
Open index.html in a browser to read. To run the notebooks (Python 3.10 or newer), in this folder:

    python3 -m pip install --extra-index-url https://download.pytorch.org/whl/cpu {wheel} jupyterlab
    python3 -m jupyter lab notebooks

(best in an environment of its own: python3 -m venv own, and own/bin/python in place of python3).
"""
LEFT_OUT = {".buildinfo", "objects.inv", ".nojekyll"}


class Refused(Exception):
    """Why no release can be made."""


def git(*words: str, root: Path = ROOT) -> str:
    """What git answers; raises Refused with its complaint."""
    done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True)
    if done.returncode:
        raise Refused(f"git {words[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def notes(number: str, changelog: str) -> str:
    """The changelog's section on a version; raises Refused where there is none, or it says that it is unreleased."""
    found = re.search(rf"^## {re.escape(number)}(?![\w.])([^\n]*)\n(.*?)(?=^## |\Z)", changelog, flags=re.M | re.S)
    if not found:
        raise Refused(f"CHANGELOG.md has no section '## {number}'")
    if "unreleased" in found[1]:
        raise Refused(f"CHANGELOG.md still calls {number} unreleased: write the day instead")
    return found[2].strip()


def check(root: Path = ROOT, *, tag: str) -> None:
    """Raises Refused unless the tree is clean and the tag is new."""
    if git("status", "--porcelain", root=root):
        raise Refused("the working tree has changes: commit or stash them, so that the tag is what was built")
    if git("tag", "--list", tag, root=root):
        raise Refused(f"the tag {tag} exists already: raise the version in lvm_lib/__init__.py")


def same_address(paths: list[Path], own: str) -> None:
    """Raises Refused unless each notebook's first cell is the one of the settings' address and this version."""
    wrong = [path.name for path in paths if keys.source(keys.read(path)["cells"][0]) != chapters.first_cell()]
    if wrong:
        raise Refused(
            f"the first cells of {', '.join(wrong)} are not those of the address {own or '(none)'} and of version "
            f"{version()}: run make address URL={own or 'none'}, and commit"
        )


def steps(number: str, own: str, branch: str) -> str:
    """What is left to do once a version is tagged, in the order that works."""
    publish = f"git push origin {branch} v{number}"
    if not own:
        return f"To publish it: make address URL=..., a commit and another version first; then {publish}."
    return (
        f"To publish: {publish}. On GitHub choose GitHub Actions as the source under Settings, Pages, the first time; "
        "the workflow Pages then builds the pages, and each chapter's link to Colab opens this version."
    )


def pack(site: Path, out: Path, beside: dict[str, bytes] | None = None) -> Path:
    """The built book under `site` as the archive `out`, in one folder named as the archive is.

    beside: more files, by their path in that folder.
    """
    if not (site / "index.html").exists():
        raise Refused(f"there is no built book at {site}: run make book")
    files = sorted(path for path in site.rglob("*") if path.is_file() and path.name not in LEFT_OUT)
    unfinished = out.with_suffix(".part")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        contents = {path.relative_to(site).as_posix(): path for path in files}
        for name, held in sorted({**contents, **(beside or {})}.items()):
            entry = zipfile.ZipInfo(f"{out.stem}/{name}", EPOCH)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, held if isinstance(held, bytes) else held.read_bytes())
    unfinished.replace(out)
    return out


def runnable() -> dict[str, bytes]:
    """What makes the archive run: notebooks, the wheel, and how to start. Raises Refused where there is no wheel."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            wheel = handout.wheel(Path(folder))
        except RuntimeError as error:
            raise Refused(str(error)) from None
        found = {wheel.name: wheel.read_bytes(), "RUN.txt": RUN.format(wheel=wheel.name).encode()}
    return found | {f"notebooks/{path.name}": path.read_bytes() for path in chapters.chapter_paths()}


def main() -> int:
    parser = argparse.ArgumentParser(description="Pack the built book and tag its version.")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--no-tag", action="store_true", help="the archive alone, from the tree as it is")
    how.add_argument("--check", action="store_true", help="only say whether a release could be made")
    arguments = parser.parse_args()
    tag = f"v{version()}"
    try:
        if not arguments.no_tag:
            check(tag=tag)
            said = notes(version(), (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
            same_address(chapters.chapter_paths(), chapters.own_address())
        if arguments.check:
            return 0
        archive = pack(SITE, ROOT / "_build" / f"latent-variable-models-{version()}.zip", runnable())
        print(f"{archive} ({archive.stat().st_size / 1e6:.1f} MB)")
        if not arguments.no_tag:
            git("tag", "--annotate", tag, "--message", f"Version {version()}\n\n{said}")
            branch = git("rev-parse", "--abbrev-ref", "HEAD")
            print(f"Tagged {tag}. {steps(version(), chapters.own_address(), branch)}")
    except (Refused, ValueError) as refused:
        print(f"No release: {refused}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
