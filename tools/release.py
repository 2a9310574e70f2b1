"""Make a release: check, build, pack, tag (`make release`). Nothing leaves this machine: what to push is printed.

    python -m tools.release            the version is that of lvm_lib/__init__.py
    python -m tools.release --no-tag   the archive alone

The archive, `_build/latent-variable-models-<version>.zip`, is the built book in one folder: unpack it anywhere, on a
USB stick too, and open index.html. The same pages give the same archive, byte for byte.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import zipfile
from pathlib import Path

from tools.chapters import ROOT, repository, version

SITE = ROOT / "_build" / "html"
EPOCH = (2020, 1, 1, 0, 0, 0)  # of every file in the archive: a build's hour is no part of the book
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


def pack(site: Path, out: Path) -> Path:
    """The built book under `site` as the archive `out`, in one folder named as the archive is."""
    if not (site / "index.html").exists():
        raise Refused(f"there is no built book at {site}: run make book")
    files = sorted(path for path in site.rglob("*") if path.is_file() and path.name not in LEFT_OUT)
    unfinished = out.with_suffix(".part")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in files:
            entry = zipfile.ZipInfo(f"{out.stem}/{path.relative_to(site).as_posix()}", EPOCH)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, path.read_bytes())
    unfinished.replace(out)
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description="Pack the built book and tag its version.")
    parser.add_argument("--no-tag", action="store_true", help="the archive alone, from the tree as it is")
    arguments = parser.parse_args()
    tag = f"v{version()}"
    try:
        if not arguments.no_tag:
            check(tag=tag)
            said = notes(version(), (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
        archive = pack(SITE, ROOT / "_build" / f"latent-variable-models-{version()}.zip")
        print(f"{archive} ({archive.stat().st_size / 1e6:.1f} MB)")
        if not arguments.no_tag:
            git("tag", "--annotate", tag, "--message", f"Version {version()}\n\n{said}")
            print(
                f"Tagged {tag}. To publish: git push origin main {tag}"
                + ("" if repository() else " (and name the address in _config.yml first: repository: url:)")
            )
    except Refused as refused:
        print(f"No release: {refused}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
