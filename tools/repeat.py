"""Run the chapters' own check again and again, and keep a log: is any of it flaky?

    python -m tools.repeat                    every chapter five times at one thread and five times at two
    python -m tools.repeat elbo --times 10    one of them ten times at each
    python -m tools.repeat --threads 1        only at one thread

Each run is a fresh `pytest --nbval` process; as many run side by side as there are processors for. The log,
tests/notebooks/repeated.json, is written by this script alone: per chapter and number of threads how often it ran and
passed, and the version of torch and numpy it ran on.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import version as installed

from tools.chapters import ROOT, chapter_paths

LOG = ROOT / "tests" / "notebooks" / "repeated.json"
THREADS = (1, 2)


def passes(path, threads: int) -> bool:
    """One run of one chapter's check, in a process of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONHASHSEED": "0"}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--nbval",
        "--nbval-cell-timeout=300",
        "-p",
        "no:cacheprovider",
        str(path),
    ]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        print(done.stdout[-3000:])
    return done.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the chapters' own check again and again, and keep a log.")
    parser.add_argument("chapters", nargs="*", help="names such as elbo; all of them if none is given")
    parser.add_argument("--threads", type=int, choices=THREADS, help="only this number; both if none is given")
    parser.add_argument("--times", type=int, default=5, help="runs per chapter and number of threads")
    arguments = parser.parse_args()
    log = json.loads(LOG.read_text()) if LOG.exists() else {"chapters": {}}
    log["on"] = {"python": platform.python_version(), "torch": installed("torch"), "numpy": installed("numpy")}
    failed = 0
    for path in chapter_paths():
        if arguments.chapters and path.stem not in arguments.chapters:
            continue
        for threads in [arguments.threads] if arguments.threads else THREADS:
            with ThreadPoolExecutor(max(1, (os.cpu_count() or 1) // threads)) as lanes:
                passed = sum(lanes.map(partial(passes, path), [threads] * arguments.times))
            failed += arguments.times - passed
            log["chapters"].setdefault(path.stem, {})[f"{threads} thread{'s' * (threads > 1)}"] = {
                "runs": arguments.times,
                "passed": passed,
            }
            LOG.write_text(json.dumps(log, indent=1, sort_keys=True) + "\n", encoding="utf-8")
            print(f"{path.stem}, {threads} thread(s): {passed} of {arguments.times} passed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
