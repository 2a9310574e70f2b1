"""Grade what a class handed in: `make grade FOLDER=...`.

    FOLDER/anna/elbo.ipynb      a folder for each student, or
    FOLDER/elbo_anna.ipynb      a chapter and a name; several chapters may lie side by side

Of each notebook the exercises' cells run, and what they need, in a process of their own; the book's checks judge in a
second one (tools/grading). What trains for minutes runs with FULL=yes alone. Results go to `_build/grades/<FOLDER>/`:
grades.csv (a line for each student), answers.csv (a line for each exercise) and index.html. A run that was interrupted
goes on where it stopped. `weights.csv` there says what each exercise is worth: change it, and run again.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

from tools import chapters, keys
from tools.grading import prison, report
from tools.keys import ROOT
from tools.tasks import Task, tasks

OUT = ROOT / "_build" / "grades"
LIMITS = {"cell": 30.0, "notebook": 180.0, "memory": 4.0}
FULL_LIMITS = {"cell": 900.0, "notebook": 1800.0, "memory": 8.0}
BESIDE = 120.0  # seconds that the judge itself may take, beside a notebook's limit


class Submission(NamedTuple):
    """A notebook that was handed in."""

    student: str
    chapter: str
    file: Path


def submissions(folder: Path, known: list[str]) -> tuple[list[Submission], list[str]]:
    """(what is graded, in the students' order; what is not, each with the reason)."""
    found: dict[tuple[str, str], Submission] = {}
    left = []
    longest = sorted(known, key=len, reverse=True)
    for path in sorted(folder.rglob("*.ipynb")):
        place = path.relative_to(folder)
        if any(part.startswith(".") for part in place.parts):
            continue
        chapter = next((name for name in longest if re.search(rf"(?<![a-zA-Z]){name}(?![a-zA-Z])", path.stem)), None)
        if chapter is None:
            left.append(f"{place}: its name holds no chapter's name")
            continue
        rest = re.sub(rf"(?<![a-zA-Z]){chapter}(?![a-zA-Z])", "", path.stem).strip(" _-.")
        student = place.parts[0] if len(place.parts) > 1 else rest
        if not student:
            left.append(f"{place}: it lies in no student's folder, and its name holds no student's")
            continue
        one = Submission(student, chapter, path)
        other = found.get((student, chapter))
        if other is not None:
            newer, older = (one, other) if _changed(path) >= _changed(other.file) else (other, one)
            left.append(f"{older.file.relative_to(folder)}: {newer.file.relative_to(folder)} is newer")
            one = newer
        found[student, chapter] = one
    return [found[key] for key in sorted(found)], left


def _changed(path: Path) -> float:
    return path.lstat().st_mtime


# ------------------------------------------------------------------ judges


class Judge:
    """A judging process; a new one is started where one hangs or ends."""

    def __init__(self):
        self.process: subprocess.Popen | None = None

    def judged(self, job: dict) -> dict:
        """The result of a job."""
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tools.grading.judge"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                cwd=ROOT,
                env={**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "PYTHONPATH": str(ROOT)},
                start_new_session=True,
            )
        process = self.process
        assert process.stdin is not None
        assert process.stdout is not None
        late = threading.Timer(2 * job["limits"]["notebook"] + BESIDE, self.end)
        late.start()
        try:
            process.stdin.write(json.dumps(job) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
            return json.loads(line)
        except (OSError, ValueError):
            self.end()
            return {"answers": [], "seconds": 0.0, "note": "not judged: the judge was brought down by this notebook"}
        finally:
            late.cancel()

    def end(self) -> None:
        """End the process with all that it started."""
        process, self.process = self.process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def grade(found: list[Submission], out: Path, *, limits: dict, full: bool, jobs: int, folder: Path, say=print) -> dict:
    """{(student, chapter): result}, each stored as soon as it is there; what is stored already is not run again."""
    results: dict[tuple[str, str], dict] = {}
    store = out / "results"
    store.mkdir(parents=True, exist_ok=True)
    same = _judges_digest(limits, full)
    waiting: queue.Queue = queue.Queue()
    for one in found:
        file = store / f"{one.chapter}-{hashlib.sha256(one.student.encode()).hexdigest()[:16]}.json"
        key = keys.digest(same, one.chapter, _content(one.file))
        try:
            stored = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            stored = {}
        if stored.get("key") == key:
            results[one.student, one.chapter] = stored["result"]
        else:
            waiting.put((one, file, key))
    if results:
        say(f"{len(results)} of {len(found)} were judged before")
    lock, begun = threading.Lock(), time.monotonic()
    total = waiting.qsize()

    def work() -> None:
        judge = Judge()
        try:
            while True:
                try:
                    one, file, key = waiting.get_nowait()
                except queue.Empty:
                    return
                job = {"file": str(one.file.absolute()), "chapter": one.chapter, "limits": limits, "full": full}
                result = judge.judged({**job, "hidden": [str(folder.absolute())]})
                if result["answers"]:  # one that was not judged is tried again by the next run
                    chapters.write_whole(file, json.dumps({"key": key, "result": result}))
                with lock:
                    results[one.student, one.chapter] = result
                    new = total - waiting.qsize()
                    left = (time.monotonic() - begun) / max(new, 1) * waiting.qsize()
                    name = f"[{len(results)}/{len(found)}] {one.student}, {one.chapter}"
                    say(f"{name}: {_counted(result)}, {left:.0f} s left")
        finally:
            judge.end()

    workers = [threading.Thread(target=work, daemon=True) for _ in range(min(jobs, total))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return results


def _counted(result: dict) -> str:
    verdicts = [answer["verdict"] for answer in result["answers"]]
    said = [f"{verdicts.count(name)} {words}" for name, words in report.WORDS.items() if name in verdicts]
    return ", ".join(said) or result["note"] or "no exercises"


def _content(path: Path) -> bytes:
    try:
        return b"" if path.is_symlink() or path.stat().st_size > 2**26 else path.read_bytes()
    except OSError:
        return b""


def _judges_digest(limits: dict, full: bool) -> str:
    """A digest of what judges: the checks, this program, the limits."""
    files = [*(ROOT / "lvm_lib").rglob("*.py"), *(ROOT / "tools" / "grading").glob("*.py")]
    return keys.digest(json.dumps([limits, full]), *(path.read_bytes() for path in sorted(files)))


# ------------------------------------------------------------------ command


def main() -> int:
    parser = argparse.ArgumentParser(description="Grade what a class handed in.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--full", action="store_true", help="run what trains, too")
    parser.add_argument("--jobs", type=int, default=2, help="submissions at a time")
    parser.add_argument("--out", type=Path, help="where the results go")
    for name in LIMITS:
        parser.add_argument(f"--{name}", type=float, help=f"limit: {'GB' if name == 'memory' else 'seconds'}")
    arguments = parser.parse_args()
    folder = arguments.folder
    if not folder.is_dir():
        print(f"Nothing graded: {folder} is no folder.", file=sys.stderr)
        return 1
    if os.name != "posix":
        print("Nothing graded: grading needs Linux or macOS; on Windows use WSL.", file=sys.stderr)
        return 1
    limits = dict(FULL_LIMITS if arguments.full else LIMITS)
    limits |= {name: value for name in LIMITS if (value := getattr(arguments, name)) is not None}
    asked: dict[str, list[Task]] = {path.stem: tasks(keys.read(path)) for path in chapters.chapter_paths()}
    asked = {name: found for name, found in asked.items() if found}
    found, left = submissions(folder, list(asked))
    out = arguments.out or OUT / folder.resolve().name
    out.mkdir(parents=True, exist_ok=True)
    for line in left:
        print(f"not graded: {line}")
    if not found:
        print(f"Nothing graded: {folder} holds no notebook that bears a chapter's name.", file=sys.stderr)
        return 1
    how = prison.means().said()
    print(f"{len(found)} notebooks, {arguments.jobs} at a time; {how}.", flush=True)
    try:
        weights = report.weights(out / "weights.csv", asked, {one.chapter for one in found})
        results = grade(
            found,
            out,
            limits=limits,
            full=arguments.full,
            jobs=max(1, arguments.jobs),
            folder=folder,
            say=lambda text: print(text, flush=True),
        )
    except ValueError as error:
        print(f"Nothing graded: {error}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted: the same command goes on where it stopped.", file=sys.stderr)
        return 130
    report.write(out, results, asked, weights, how=how, left=left)
    print(f"{out / 'grades.csv'}\n{out / 'answers.csv'}\n{out / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
