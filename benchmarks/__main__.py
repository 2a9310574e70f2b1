"""Run the rows, print the table, write results.json: `python -m benchmarks [FILE ...]`.

Each side of each row runs in a process of its own, at one thread and at two. A side's time is the smaller of its two
medians (best against best); beside it stand the quality that it reached and the spread, from the fastest to the slowest run.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from datetime import date
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results.json"
THREADS = (1, 2)
NOT_ROWS = {"__init__", "__main__", "row", "worker"}
LIBRARIES = ("numpy", "scipy", "torch", "scikit-learn", "pythae", "vector-quantize-pytorch")


def main(wanted: list[str]) -> int:
    files = sorted(path.stem for path in HERE.glob("*.py") if path.stem not in NOT_ROWS)
    unknown = set(wanted) - set(files)
    if unknown:
        print(f"no such rows: {', '.join(sorted(unknown))}; there are {', '.join(files)}", file=sys.stderr)
        return 2
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"rows": {}}
    results.update({"date": date.today().isoformat(), "machine": machine(), "versions": versions()})
    for file in wanted or files:
        for index, row in enumerate(importlib.import_module(f"benchmarks.{file}").ROWS):
            print(f"{row.name} ...", file=sys.stderr, flush=True)
            results["rows"][row.name] = compare(file, index, row)
            RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    print(table(results))
    return 0


def compare(file: str, index: int, row) -> dict:
    """Both sides at each number of threads, the peer first: its quality is the target for ours."""
    sides = {"theirs": {}, "ours": {}}
    for threads in THREADS:
        theirs = measure(file, index, "theirs", threads, "")
        sides["theirs"][threads] = theirs
        sides["ours"][threads] = measure(file, index, "ours", threads, repr(theirs["quality"]))
    best = {side: min(runs.values(), key=lambda run: run["seconds"]) for side, runs in sides.items()}
    return {"file": file, "peer": row.peer, "aim": row.aim, "unit": row.quality, **sides,
            "ratio": best["ours"]["seconds"] / best["theirs"]["seconds"],
            "fault": row.agree(best["ours"]["quality"], best["theirs"]["quality"])}


def measure(file: str, index: int, side: str, threads: int, target: str) -> dict:
    """Median seconds, their range, and the median quality of one side."""
    limits = {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    done = subprocess.run([sys.executable, "-m", "benchmarks.worker", file, str(index), side, target], cwd=HERE.parent,
                          env={**os.environ, **limits}, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{file}, {side}, {threads} threads failed:\n{done.stderr[-2000:]}")
    runs = json.loads(done.stdout)
    return {"seconds": median(runs["seconds"]), "fastest": min(runs["seconds"]), "slowest": max(runs["seconds"]),
            "quality": median(runs["quality"]), "runs": len(runs["seconds"])}


def table(results: dict) -> str:
    """All rows that were ever measured on this machine, as text."""
    lines = [f"{'row':36s} {'side':14s} {'threads':>7s} {'seconds (fastest to slowest)':>30s}   quality"]
    for name, row in sorted(results["rows"].items()):
        for side, label in (("theirs", row["peer"]), ("ours", "this library")):
            for threads, run in sorted(row[side].items(), key=lambda pair: int(pair[0])):
                spread = f"{run['seconds']:.3f} ({run['fastest']:.3f} to {run['slowest']:.3f})"
                lines.append(f"{name if side == 'theirs' and int(threads) == 1 else '':36s} {label:14s} {threads!s:>7s} "
                             f"{spread:>30s}   {run['quality']:.6f}")
        aim = "" if row["aim"] is None else f", aim {row['aim']:.2f}: {'met' if row['ratio'] <= row['aim'] else 'MISSED'}"
        quality = row["fault"] and f"; quality {row['fault']}".upper() or f"; {row['unit']} as good"
        lines.append(f"{'':36s} best against best: {row['ratio']:.2f} of the peer's time{aim}{quality}")
    machine = results["machine"]
    lines.append(f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}, "
                 + ", ".join(f"{name} {version}" for name, version in results["versions"].items()))
    return "\n".join(lines)


def machine() -> dict:
    """The processor by name, its cores, the system and Python."""
    processor = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return {"processor": processor, "cores": os.cpu_count(), "system": platform.system(),
            "python": platform.python_version()}


def versions() -> dict:
    """Installed versions of the libraries that are compared, and of what they stand on."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
