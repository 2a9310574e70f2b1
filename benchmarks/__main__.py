"""Run the rows, print the tables, write results.json: `python -m benchmarks [FILE ...]`.

    python -m benchmarks                 all rows: some 15 minutes, on a machine that does nothing else
    python -m benchmarks ppca vae        the rows of these files
    python -m benchmarks --small vae     tried out at small sizes; nothing is written

Each side of each row runs in a process of its own, at one thread and at two. A side's time is the smaller of its two
medians (best against best); beside it stand the quality that it reached and the spread, from the fastest to the slowest
run. A row that fails is reported and is not measured; the others run. Exit status: 1 if one failed, 2 for an unknown
name.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from statistics import median

from . import pictures, report
from .machine import machine, versions
from .row import SMALL, Aim, Growth, Reading, Row

HERE = Path(__file__).resolve().parent
THREADS = (1, 2)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Time the library, beside its peers and alone."
    )
    parser.add_argument("files", nargs="*", help="names such as ppca; all of them if none is given")
    parser.add_argument("--small", action="store_true", help="try the rows out at small sizes; nothing is written")
    options = parser.parse_args(arguments)
    files = report.files()
    if unknown := set(options.files) - set(files):
        print(f"no such rows: {', '.join(sorted(unknown))}; there are {', '.join(files)}", file=sys.stderr)
        return 2
    if options.small:
        os.environ[SMALL] = "1"
    here = {"machine": machine(), "versions": versions()}
    results = {"rows": {}, **here} if options.small else kept(report.read(report.RESULTS), here)
    failed = 0
    for file in options.files or files:
        for index, row in enumerate(report.rows(file)):
            start = time.perf_counter()
            print(f"{row.name} ...", file=sys.stderr, flush=True)
            results["rows"].pop(row.name, None)
            try:
                results["rows"][row.name] = {
                    "file": file,
                    "date": date.today().isoformat(),
                    **measured(file, index, row),
                }
            except RuntimeError as error:
                failed += 1
                print(error, file=sys.stderr)
            print(f"    {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
            if not options.small:
                report.RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    if not options.small:
        pictures.main()
    print(report.text(results))
    return 1 if failed else 0


def kept(old: dict, here: dict) -> dict:
    """The stored results if they are of this machine and these versions; of their rows, those that there still are."""
    if old and {key: old.get(key) for key in here} != here:
        print("the stored results are of another machine or other versions: they are dropped", file=sys.stderr)
        old = {}
    names = {row.name for file in report.files() for row in report.rows(file)}
    return {**here, "rows": {name: entry for name, entry in old.get("rows", {}).items() if name in names}}


def measured(file: str, index: int, row) -> dict:
    """What is stored of a row."""
    if isinstance(row, Row):
        return compared(file, index, row)
    if isinstance(row, Aim):
        return {"ours": {threads: several(file, index, "ours", threads) for threads in row.threads}}
    if isinstance(row, Growth):
        return {"growth": worker(file, index, "growth", 1, "")}
    if isinstance(row, Reading):
        return {"values": row.read()}
    raise TypeError(f"no kind of row: {row!r}")


def compared(file: str, index: int, row: Row) -> dict:
    """Both sides at each number of threads, the peer first: its quality is the target for ours."""
    sides = {"theirs": {}, "ours": {}}
    for threads in THREADS:
        theirs = several(file, index, "theirs", threads)
        sides["theirs"][threads] = theirs
        sides["ours"][threads] = several(file, index, "ours", threads, repr(theirs["quality"]))
    ours, theirs = (report.best(sides[side]) for side in ("ours", "theirs"))
    return {
        **sides,
        "ratio": ours["seconds"] / theirs["seconds"],
        "fault": row.agree(ours["quality"], theirs["quality"]),
    }


def several(file: str, index: int, side: str, threads: int, target: str = "") -> dict:
    """Median seconds, their range, and the median quality of one side."""
    runs = worker(file, index, side, threads, target)
    return {
        "seconds": median(runs["seconds"]),
        "fastest": min(runs["seconds"]),
        "slowest": max(runs["seconds"]),
        "quality": median(runs["quality"]),
        "runs": len(runs["seconds"]),
        "also": {name: median(values) for name, values in runs["also"].items()},
    }


def worker(file: str, index: int, side: str, threads: int, target: str) -> dict:
    """What one process found."""
    limits = {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.worker", file, str(index), side, target],
        cwd=HERE.parent,
        env={**os.environ, **limits},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{file}, {side}, {threads} threads failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
