"""Run the experiments of lvm_lib/experiments and store what they find: `make experiments`.

    python -m tools.experiments                     run those whose stored results are stale or missing
    python -m tools.experiments importance_bounds   run this one anew
    python -m tools.experiments --keep NAME         run its first seed; where the numbers are the stored ones, to six
                                                    digits, or those that the code of then gives on this machine, keep
                                                    what is stored and renew what it hangs on
    python -m tools.experiments --stale             run nothing; name those that are stale, and why

Stored in <name>.json beside the module: what it says of itself, the seeds, each number of each run, their means and
standard errors, what the results hang on (tools/keys.py, as for a chapter's run) and what they were made with.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version as installed
from pathlib import Path

from tools import chapters, keys

FOLDER = chapters.ROOT / keys.LIBRARY / "experiments"
VERSIONS = ("numpy", "scipy", "torch")
DIGITS = 10


def names(folder: Path = FOLDER) -> list[str]:
    """Every experiment."""
    return sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))


def parts(name: str, package: keys.Package | None = None) -> dict[str, str]:
    """What an experiment's results hang on now: code, data and pins; neither what is stored nor what reads it."""
    package = package or chapters.library()
    source = f"from {package.name}.experiments import {name}"
    cell = {"cell_type": "code", "id": "experiment", "metadata": {}, "source": source}
    found = keys.parts({"cells": [cell]}, package.root, package)
    folder = f"{package.name}/experiments/"
    return {
        part: digest
        for part, digest in found.items()
        if part not in (keys.CODE_CELLS, f"{folder}__init__.py")
        and not (part.startswith(folder) and part.endswith(".json"))
    }


def stored(name: str, folder: Path = FOLDER) -> dict | None:
    """What is stored of an experiment; None where nothing is."""
    path = folder / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def stale(name: str) -> list[str]:
    """Why an experiment's stored results do not hold any more, in words; [] where they do."""
    said = stored(name)
    return ["it has no stored results"] if said is None else keys.changes(said["hangs on"], parts(name))


def shortened(value: float) -> float:
    """A number to the digits that are stored."""
    return float(f"{value:.{DIGITS}g}")


def run(name: str, *, say=print) -> dict:
    """Run an experiment for each of its seeds."""
    module, start = importlib.import_module(f"{keys.LIBRARY}.experiments.{name}"), time.perf_counter()
    seeds, found = [int(seed) for seed in module.SEEDS], []
    for seed in seeds:
        found.append({key: shortened(float(value)) for key, value in module.measure(seed).items()})
        say(f"{name}: seed {seed} after {time.perf_counter() - start:.0f} s")
    values = {key: [one[key] for one in found] for key in found[0]}
    made = {
        "seconds": round(time.perf_counter() - start),
        "python": platform.python_version(),
        "versions": {package: installed(package) for package in VERSIONS},
    }
    return described(module.__doc__, seeds, values, parts(name), made)


def described(about: str, seeds: list[int], values: dict[str, list[float]], hangs_on: dict, made: dict) -> dict:
    """The content of an experiment's file."""
    results = {key: summary(numbers) for key, numbers in values.items()}
    title = about.strip().split("\n")[0].rstrip(".")
    return {
        "about": title,
        "seeds": seeds,
        "results": results,
        "values": values,
        "hangs on": hangs_on,
        "made with": made,
    }


def summary(numbers: list[float]) -> dict[str, float]:
    """Mean, standard deviation between runs, and the mean's standard error."""
    spread = statistics.stdev(numbers)
    return {
        "mean": shortened(statistics.fmean(numbers)),
        "sd": shortened(spread),
        "error": shortened(spread / math.sqrt(len(numbers))),
    }


def write(name: str, said: dict) -> None:
    text = json.dumps(said, indent=1, ensure_ascii=False) + "\n"
    chapters.write_whole(FOLDER / f"{name}.json", text)


def renew(name: str) -> bool:
    write(name, run(name))
    return True


def keep(name: str) -> bool:
    """Renew what the results hang on where the first seed still gives what it gave; False where it does not.

    What is stored may come from another processor, on which a training goes another way. So where the numbers are not
    the stored ones, the code with which they were stored runs here too, and is compared with.
    """
    said = stored(name)
    if said is None:
        print(f"{name} has no stored results to keep")
        return False
    seed = said["seeds"][0]
    fresh = measured(name, seed, chapters.ROOT)
    other = differences(fresh, {key: values[0] for key, values in said["values"].items()})
    if other:
        print(f"{name}: seed {seed} gives other numbers than are stored, so the code of then runs here, too")
        with code_of_then(name) as folder:
            other = differences(fresh, measured(name, seed, folder))
    if other:
        print(f"{name}: seed {seed} gives other numbers than the code of then: {', '.join(other)}")
        return False
    write(name, {**said, "hangs on": parts(name)})
    return True


def differences(found: dict[str, float], expected: dict[str, float]) -> list[str]:
    """The names of numbers that differ in six digits, or that one of the two lacks."""
    return sorted(
        key
        for key in {*found, *expected}
        if key not in found
        or key not in expected
        or not math.isclose(found[key], expected[key], rel_tol=1e-6, abs_tol=1e-9)
    )


def measured(name: str, seed: int, root: Path) -> dict[str, float]:
    """The numbers of one seed, by the code in a folder, in a process of its own."""
    source = (
        f"import json, {keys.LIBRARY}.experiments.{name} as one; "
        f"print(json.dumps({{key: float(value) for key, value in one.measure({seed}).items()}}))"
    )
    run = subprocess.run([sys.executable, "-c", source], cwd=root, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(run.stdout.splitlines()[-1])


@contextmanager
def code_of_then(name: str) -> Iterator[Path]:
    """A folder with the book as it was when an experiment's results were last stored."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=chapters.ROOT, capture_output=True, text=True, check=True).stdout

    stored_in = git("log", "-1", "--format=%H", "--", str(FOLDER / f"{name}.json")).strip()
    with tempfile.TemporaryDirectory() as folder:
        git("worktree", "add", "--detach", folder, stored_in)
        try:
            yield Path(folder)
        finally:
            git("worktree", "remove", "--force", folder)


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the experiments and store what they find.")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--stale", action="store_true")
    arguments = parser.parse_args()
    unknown = sorted({*arguments.names} - {*names()})
    if unknown:
        parser.error(f"there is no experiment {unknown[0]}; there are {', '.join(names())}")
    why = {name: stale(name) for name in names() if not arguments.names or name in arguments.names}
    if arguments.stale:
        for name, reasons in why.items():
            print(*(f"{name} is stale: {reason}" for reason in reasons), sep="\n", end="\n" if reasons else "")
        return 1 if any(why.values()) else 0
    chosen = [name for name in why if why[name] or (arguments.names and not arguments.keep)]
    act = keep if arguments.keep else renew
    return 1 if [name for name in chosen if not act(name)] else 0


if __name__ == "__main__":
    sys.exit(main())
