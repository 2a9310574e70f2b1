"""One side of one row, in a process of its own: `python -m benchmarks.worker FILE INDEX SIDE TARGET`, JSON on stdout."""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import os
import sys
import time
import warnings

from .row import Measured


def main(file: str, index: str, side: str, target: str) -> None:
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    threads = int(os.environ["OMP_NUM_THREADS"])
    with contextlib.redirect_stdout(sys.stderr):  # a peer may print what it likes
        import torch

        torch.set_num_threads(threads)
        row = importlib.import_module(f"benchmarks.{file}").ROWS[int(index)]
        run = (row.ours if side == "ours" else row.theirs)(float(target) if target else None)
        if row.warm:
            run()
        runs = [timed(run) for _ in range(row.repeats)]
    print(json.dumps({"seconds": [seconds for _, seconds in runs], "quality": [quality for quality, _ in runs]}))


def timed(run) -> Measured:
    """One run, with its own account of its seconds if it gives one."""
    start = time.perf_counter()
    result = run()
    seconds = time.perf_counter() - start
    result = result if isinstance(result, Measured) else Measured(float(result))
    return Measured(float(result.quality), seconds if result.seconds is None else float(result.seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
