"""Layout, lint and types of every file: `make lint`; `make test` begins with it.

    python -m tools.lint           all of it
    python -m tools.lint --write   put layout and order of imports right first

Python: ruff and mypy, by pyproject.toml. JavaScript: biome, by biome.jsonc, and tsc, by tsconfig.json. Both: no line is
longer than 120 characters, in strings and comments too, which formatters leave as they are.
Without Node.js the JavaScript part is not run, and that is said; in CI it fails.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 120


def commands(python: str = sys.executable, npx: str | None = shutil.which("npx")) -> dict[str, list[str]]:
    """What `make lint` runs, by name."""
    ruff, node = [python, "-m", "ruff"], [npx or "npx", "--no-install"]
    return {
        "ruff format": [*ruff, "format", "--check", "--quiet", "."],
        "ruff": [*ruff, "check", "--quiet", "."],
        "mypy": [python, "-m", "mypy", "--no-error-summary"],
        "biome": [*node, "biome", "ci", "--colors=off", "--error-on-warnings", "js", "assets"],
        "tsc": [*node, "tsc", "--project", "."],
    }


def scripts() -> list[Path]:
    """The JavaScript that is written here."""
    found = (path for folder in ("js", "assets", "benchmarks") for path in (ROOT / folder).rglob("*js"))
    return sorted(path for path in found if path.is_file() and ".min." not in path.name)


def too_wide(path: Path) -> Iterator[str]:
    """Where a script has a line of more than 120 characters."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if len(line) > WIDTH:
            yield f"{path}:{number}: {len(line)} characters, at most {WIDTH}"


def main() -> int:
    """Run all, say what is wrong, and give the number of those that found something."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--write", action="store_true", help="put layout and order of imports right first")
    every = commands()
    if shutil.which("npx") is None or not (ROOT / "node_modules" / "typescript").exists():
        if os.environ.get("CI"):
            sys.exit("lint: Node.js or node_modules is missing")
        print("lint: no Node.js or no node_modules, so the JavaScript part is not run")
        every = {name: command for name, command in every.items() if command[0] == sys.executable}
    if arguments.parse_args().write:
        subprocess.run([*every["ruff format"][:4], "."], cwd=ROOT)
        subprocess.run([*every["ruff"], "--fix"], cwd=ROOT)
        if "biome" in every:
            subprocess.run([*every["biome"][:3], "check", "--write", "js", "assets"], cwd=ROOT)
    wrong = [name for name, command in every.items() if subprocess.run(command, cwd=ROOT).returncode]
    wide = [words for path in scripts() for words in too_wide(path)]
    if wide:
        print("\n".join(wide))
        wrong.append("width")
    if wrong:
        print(f"lint: {', '.join(wrong)} found something; `python -m tools.lint --write` puts layout right")
    return len(wrong)


if __name__ == "__main__":
    sys.exit(main())
