"""One side of one row, in a process of its own: `python -m benchmarks.worker FILE INDEX SIDE TARGET`, JSON on stdout.

SIDE is "ours" or "theirs" for a comparison, "ours" for an aim, "growth" for a growth.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import os
import sys
import time
import warnings
from statistics import median

from .row import Measured, sized


def main(file: str, index: str, side: str, target: str) -> None:
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    threads = int(os.environ["OMP_NUM_THREADS"])
    with contextlib.redirect_stdout(sys.stderr):  # a peer may print what it likes
        import torch

        torch.set_num_threads(threads)
        row = importlib.import_module(f"benchmarks.{file}").ROWS[int(index)]
        found = grown(row) if side == "growth" else several(row, side, float(target) if target else None)
    print(json.dumps(found))


def several(row, side: str, target: float | None) -> dict:
    """Seconds, quality and further numbers of each run of one side."""
    run = (row.ours if side == "ours" else row.theirs)(target)
    if row.warm:
        run()
    runs = [timed(run) for _ in range(sized(row.repeats, 1))]
    return {
        "seconds": [one.seconds for one in runs],
        "quality": [one.quality for one in runs],
        "also": {name: [one.also[name] for one in runs] for name in runs[0].also},
    }


def grown(row) -> dict:
    """For each knob its sizes, and the median seconds at each, after one run that is not counted."""
    found = {}
    for name, knob in row.knobs.items():
        seconds = []
        for size in knob.sizes:
            run = row.at(name, size)
            run()
            seconds.append(median(timed(run).seconds for _ in range(sized(row.repeats, 1))))
        found[name] = {"sizes": list(knob.sizes), "seconds": seconds}
    return found


def timed(run) -> Measured:
    """One run, with its own account of its seconds if it gives one."""
    start = time.perf_counter()
    result = run()
    seconds = time.perf_counter() - start
    result = result if isinstance(result, Measured) else Measured(float("nan") if result is None else float(result))
    own = seconds if result.seconds is None else float(result.seconds)
    return Measured(float(result.quality), own, {name: float(value) for name, value in result.also.items()})


if __name__ == "__main__":
    main(*sys.argv[1:])
