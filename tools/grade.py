"""Grade what a class handed in: `make grade FOLDER=...`.

    FOLDER/anna/elbo.ipynb      a folder for each student, or
    FOLDER/elbo_anna.ipynb      a chapter and a name; several chapters may lie side by side

A notebook whose name holds no chapter's is known by its exercises. What is not graded is named with the reason.

Of each notebook the exercises' cells run, and what they need, in a process of their own; the book's checks judge in a
second one (tools/grading). What trains for minutes runs with FULL=yes alone. Results go to `_build/grades/<FOLDER>/`:
grades.csv (a line for each student), answers.csv (a line for each exercise) and index.html. A run that was interrupted
goes on where it stopped. `weights.csv` there says what each exercise is worth: change it, and run again.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import os
import queue
import re
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from tools import chapters, keys
from tools.grading import judge, prison, report
from tools.keys import ROOT
from tools.tasks import Task, tasks

OUT = ROOT / "_build" / "grades"
LIMITS = {"cell": 30.0, "notebook": 180.0, "memory": 4.0}
FULL_LIMITS = {"cell": 900.0, "notebook": 1800.0, "memory": 8.0}
MOST = 5  # files that are named of a folder without a notebook
READ_BY = ("grade.py", "tasks.py", "folded.py", "keys.py")  # modules of tools by which exercises are found
BESIDE = 120.0  # seconds that the judge itself may take, beside a notebook's limit


class Submission(NamedTuple):
    """A notebook that was handed in."""

    student: str
    chapter: str
    file: Path


class Found(NamedTuple):
    """What lies in a folder: what is graded, in the students' order; who has nothing of it; what else is not."""

    graded: list[Submission]
    absent: dict[str, str]  # a student's folder without a notebook that is graded, and what it holds instead
    left: list[str]


def submissions(folder: Path, asked: Mapping[str, list[Task]]) -> Found:
    """What lies in a folder. asked: {chapter: its exercises}."""
    found: dict[tuple[str, str], Submission] = {}
    left: list[str] = []
    names: dict[str, str] = {}  # of a student, as the system has it: as it is shown
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        if path.suffix.lower() != ".ipynb" or any(part.startswith(".") for part in place.parts):
            continue
        chapter, rest = _chapter(path.stem, asked)
        if chapter is None:
            chapter, rest = _known_by_exercises(path, asked), path.stem
        if chapter is None:
            left.append(f"{shown(place)}: its name holds no chapter's name, and its cells none of its exercises")
            continue
        raw = place.parts[0] if len(place.parts) > 1 else rest
        if not raw:
            left.append(f"{shown(place)}: it lies in no student's folder, and its name holds no student's")
            continue
        one = Submission(_named(raw, names), chapter, path)
        other = found.get((raw, chapter))
        if other is not None:
            newer, older = (one, other) if _changed(path) >= _changed(other.file) else (other, one)
            left.append(f"{shown(older.file.relative_to(folder))}: {shown(newer.file.relative_to(folder))} is newer")
            one = newer
        found[raw, chapter] = one
    absent = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in {raw for raw, _ in found}:
            continue
        if path.is_dir():
            absent[_named(path.name, names)] = _instead(path)
        elif path.suffix.lower() != ".ipynb":
            left.append(f"{shown(path.name)}: it is no notebook")
    left += [f"{student}: {why}" for student, why in absent.items()]
    return Found(sorted(found.values(), key=lambda one: (one.student, one.chapter)), absent, left)


def _chapter(stem: str, known: Iterable[str]) -> tuple[str | None, str]:
    """(the chapter that a file's name holds, what else it holds)."""
    for name in sorted(known, key=len, reverse=True):
        word = re.compile(rf"(?<![a-z]){name}(?![a-z])", re.I)
        if word.search(stem):
            return name, word.sub("", stem).strip(" _-.")
    return None, stem


def _known_by_exercises(path: Path, asked: Mapping[str, list[Task]]) -> str | None:
    """The chapter most of whose exercises a notebook holds; None where it holds none."""
    try:
        cells = judge.read(path)
    except ValueError:
        return None
    called = {name for cell in cells for name in keys.EXERCISE.findall(cell["source"])}
    places = {word for cell in cells for word in (cell["id"], cell["grade_id"])}
    counts = {
        name: (sum(task.check in called for task in found), sum(task.cell in places for task in found))
        for name, found in asked.items()
    }
    best = max(counts, key=lambda name: counts[name], default=None)
    return best if best is not None and any(counts[best]) else None


def _instead(folder: Path) -> str:
    """Why a student's folder has nothing that is graded."""
    if folder.is_symlink():
        return "a link to another folder, which is not followed; copy it here"
    try:
        holds = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:
        return "the folder cannot be read"
    files = ", ".join(shown(name) for name in holds[:MOST])
    more = f" and {len(holds) - MOST} more" if len(holds) > MOST else ""
    return f"no notebook that is graded; the folder holds {files}{more}" if holds else "the folder is empty"


def _named(raw: str, names: dict[str, str]) -> str:
    """How a student is named: as the folder is shown, unless another one is shown the same."""
    if raw not in names:
        name = shown(raw)
        names[raw] = name if name not in names.values() else ascii(raw)
    return names[raw]


def shown(name: object) -> str:
    """A file's name for the eye: what is not UTF-8 is read as Latin-1, signs that cannot be printed are replaced."""
    raw = os.fsencode(str(name))
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text)


def _changed(path: Path) -> float:
    return path.lstat().st_mtime


# ------------------------------------------------------------------ judges


NOT_JUDGED = "not judged"


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
            return {"answers": [], "seconds": 0.0, "note": f"{NOT_JUDGED}: the judge was brought down by this notebook"}
        finally:
            late.cancel()

    def end(self) -> None:
        """End the process with all that it started."""
        process, self.process = self.process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def grade(
    found: list[Submission],
    out: Path,
    *,
    asked: Mapping[str, list[Task]],
    limits: dict,
    full: bool,
    jobs: int,
    folder: Path,
    say=print,
) -> dict:
    """{(student, chapter): result}, each stored as soon as it is there; what is stored already is not run again."""
    results: dict[tuple[str, str], dict] = {}
    store = out / "results"
    store.mkdir(parents=True, exist_ok=True)
    same = _judges_digest(limits, full)
    waiting: queue.Queue = queue.Queue()
    for one in found:
        file = store / f"{one.chapter}-{hashlib.sha256(one.student.encode()).hexdigest()[:16]}.json"
        key = keys.digest(same, one.chapter, repr(asked[one.chapter]), _content(one.file))
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
        judging = Judge()
        try:
            while True:
                try:
                    one, file, key = waiting.get_nowait()
                except queue.Empty:
                    return
                job = {"file": str(one.file.absolute()), "chapter": one.chapter, "limits": limits, "full": full}
                hidden = [str(folder.absolute()), str(out.absolute())]
                try:
                    result = judging.judged({**job, "hidden": hidden})
                    if result["answers"]:  # one that was not judged is tried again by the next run
                        chapters.write_whole(file, json.dumps({"key": key, "result": result}))
                except Exception as error:  # of ours: it must cost this submission only, and be seen
                    judging.end()
                    result = {"answers": [], "seconds": 0.0, "note": f"{NOT_JUDGED} ({type(error).__name__}: {error})"}
                with lock:
                    results[one.student, one.chapter] = result
                    new = total - waiting.qsize()
                    left = (time.monotonic() - begun) / max(new, 1) * waiting.qsize()
                    name = f"[{len(results)}/{len(found)}] {one.student}, {one.chapter}"
                    say(f"{name}: {_counted(result)}, {left:.0f} s left")
        finally:
            judging.end()

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
        about = path.lstat()
        return path.read_bytes() if stat.S_ISREG(about.st_mode) and about.st_size <= judge.BIGGEST else b""
    except OSError:
        return b""


def _judges_digest(limits: dict, full: bool) -> str:
    """A digest of what judges, beside a chapter's own exercises: the checks, their tables, this program, the limits."""
    library = [path for path in (ROOT / "lvm_lib").rglob("*") if path.suffix in {".py", *keys.DATA_SUFFIXES}]
    programs = [*(ROOT / "tools" / "grading").glob("*.py"), *(ROOT / "tools" / name for name in READ_BY)]
    files = sorted({*library, *programs})
    return keys.digest(json.dumps([limits, full]), *(path.read_bytes() for path in files))


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
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a name that a terminal cannot show stops nothing
    folder = arguments.folder
    if not folder.is_dir():
        print(f"Nothing graded: {shown(folder)} is no folder.", file=sys.stderr)
        return 1
    if os.name != "posix":
        print("Nothing graded: grading needs Linux or macOS; on Windows use WSL.", file=sys.stderr)
        return 1
    limits = dict(FULL_LIMITS if arguments.full else LIMITS)
    limits |= {name: value for name in LIMITS if (value := getattr(arguments, name)) is not None}
    asked: dict[str, list[Task]] = {path.stem: tasks(keys.read(path)) for path in chapters.chapter_paths()}
    asked = {name: found for name, found in asked.items() if found}
    found, absent, left = submissions(folder, asked)
    out = arguments.out or OUT / folder.resolve().name
    out.mkdir(parents=True, exist_ok=True)
    for line in left:
        print(f"not graded: {line}")
    if not found:
        print(f"Nothing graded: {shown(folder)} holds no notebook of a chapter.", file=sys.stderr)
        return 1
    how = prison.means().said()
    print(f"{len(found)} notebooks, {arguments.jobs} at a time; {how}.", flush=True)
    try:
        weights = report.weights(out / "weights.csv", asked, {one.chapter for one in found})
        results = grade(
            found,
            out,
            asked=asked,
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
    report.write(out, results, asked, weights, how=how, left=left, absent=absent)
    if again := [f"{student}, {chapter}" for (student, chapter), result in results.items() if not result["answers"]]:
        print(f"{len(again)} not judged, which the same command tries again: {'; '.join(again)}", file=sys.stderr)
    print("\n".join(shown(out / name) for name in ("grades.csv", "answers.csv", "index.html")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
