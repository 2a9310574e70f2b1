"""Resolve the pins: write requirements*.txt from the lower bounds in pyproject.toml (`make pins`)."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import tomllib

from tools.need_python import NEEDED

ROOT = Path(__file__).resolve().parent.parent
FIRST = ".".join(map(str, NEEDED)) + ".0"  # the oldest Python that the README promises: pins must install there


def resolve(wanted: list[str]) -> dict[str, str]:
    """Name and version of everything that pip would install for `wanted` under Python FIRST, without installing it."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        subprocess.run(
            [
                sys.executable,
                "-m",
                "pip",
                "install",
                "--dry-run",
                "--ignore-installed",
                "--quiet",
                "--python-version",
                FIRST,
                "--only-binary=:all:",
                "--target",
                folder,
                "--report",
                str(report),
                *wanted,
            ],
            check=True,
        )
        installs = json.loads(report.read_text())["install"]
    return {
        item["metadata"]["name"].lower().replace("_", "-"): item["metadata"]["version"].split("+")[0]
        for item in installs
    }


def write(path: Path, head: str, pins: dict[str, str]) -> None:
    path.write_text(head + "".join(f"{name}=={version}\n" for name, version in sorted(pins.items())))
    print(f"{path.name}: {len(pins)} pins")


def main() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    fixed = [f"{name}=={version}" for name, version in project["tool"]["lvm"]["pins"].items()]
    base = fixed + project["project"]["dependencies"] + extras["book"]
    build = resolve(base)
    write(
        ROOT / "requirements.txt",
        "# The book's build, pinned exactly. Made by `make pins` from pyproject.toml.\n",
        build,
    )
    for extra in ("test", "lab"):
        more = resolve([f"{name}=={version}" for name, version in build.items()] + extras[extra])
        write(
            ROOT / f"requirements-{extra}.txt",
            f"# What `make {extra}` needs beside the build. Made by `make pins`.\n-r requirements.txt\n",
            {name: version for name, version in more.items() if name not in build},
        )


if __name__ == "__main__":
    main()
