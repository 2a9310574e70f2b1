"""Measure what a chapter asks of a hub: its kernel's memory at the peak and when idle, and seconds.

    python -m tools.hub elbo           run one chapter, alone, with one thread, and store what it took
    python -m tools.hub --side 8 elbo  eight kernels side by side; prints, stores nothing
    python -m tools.hub --table        write what is stored into the page for instructors

Memory is the resident set of the kernel's process, in which the pages that kernels share count in each. Stored in
`benchmarks/hub.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import threading
import time
from pathlib import Path

import nbformat

from tools import chapters
from tools.chapters import ROOT

STORE = ROOT / "benchmarks" / "hub.json"
PAGE = ROOT / "book" / "appendix" / "instructors.md"
PLACE = re.compile(r"(<!-- hub -->\n).*?(<!-- end of hub -->)", flags=re.S)
ASK = """
import json, time
_said = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps({"peak": _said["VmHWM"], "idle": _said["VmRSS"], "cpu": time.process_time()}))
"""


def measured(path: Path) -> dict:
    """Memory in MB and seconds of one run of a chapter. Raises nbclient's CellExecutionError where a cell fails."""
    from nbclient import NotebookClient

    os.environ.update({"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "PYTHONHASHSEED": "0"})
    os.environ["PYTHONPATH"] = str(ROOT)
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(ASK))
    client = NotebookClient(
        notebook,
        timeout=chapters.CELL_SECONDS,
        kernel_name="python3",
        extra_arguments=["--log-level=40"],
        resources={"metadata": {"path": str(path.parent)}},
    )
    start = time.perf_counter()
    client.execute()
    said = json.loads("".join(output.get("text", "") for output in notebook.cells[-1].outputs))
    return {
        "peak": round(int(said["peak"].split()[0]) / 1024),
        "idle": round(int(said["idle"].split()[0]) / 1024),
        "cpu": round(said["cpu"]),
        "wall": round(time.perf_counter() - start),
    }


def stored() -> dict:
    """{chapter: what it took}."""
    return json.loads(STORE.read_text(encoding="utf-8")) if STORE.exists() else {}


def table(found: dict) -> str:
    """What is stored, as a table in Markdown, in the order of the book."""
    head = "| Chapter | memory at its peak,_MB | idle,_MB | processor,_s |"
    rows = [head.replace("_", "\N{NO-BREAK SPACE}"), "|---|---:|---:|---:|"]
    for path in chapters.chapter_paths():
        if path.stem in found:
            one = found[path.stem]
            title = re.search(r"^# (.+)$", nbformat.read(path, as_version=4).cells[1].source, flags=re.M)
            said = "Front page" if path.stem == "intro" else title[1] if title else path.stem
            rows.append(f"| [{said}](../{path.name}) | {one['peak']:,} | {one['idle']:,} | {one['cpu']:,} |")
    return "\n".join(rows) + "\n"


def side_by_side(path: Path, count: int) -> None:
    """Run so many kernels of a chapter at once, and print what each took."""
    results: list[dict] = []
    workers = [threading.Thread(target=lambda: results.append(_apart(path))) for _ in range(count)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for one in results:
        print(json.dumps(one))


def _apart(path: Path) -> dict:
    """measured(path), in a process of its own."""
    import subprocess

    command = [
        sys.executable,
        "-c",
        f"import json; from tools import hub; from pathlib import Path; "
        f"print(json.dumps(hub.measured(Path({str(path)!r}))))",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else {"failed": done.stderr[-500:]}


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure what chapters ask of a hub.")
    parser.add_argument("chapters", nargs="*")
    parser.add_argument("--side", type=int, default=1, help="so many kernels at once; stores nothing")
    parser.add_argument("--table", action="store_true", help="write what is stored into the page")
    arguments = parser.parse_args()
    for path in chapters.chapter_paths():
        if path.stem not in arguments.chapters:
            continue
        if arguments.side > 1:
            side_by_side(path, arguments.side)
            continue
        found = stored() | {path.stem: measured(path)}
        chapters.write_whole(STORE, json.dumps(found, indent=1, sort_keys=True) + "\n")
        print(path.stem, found[path.stem], flush=True)
    if arguments.table:
        text = PAGE.read_text(encoding="utf-8")
        chapters.write_whole(PAGE, PLACE.sub(lambda match: f"{match[1]}{table(stored())}{match[2]}", text))
    return 0


if __name__ == "__main__":
    sys.exit(main())
