"""The process that judges: reads submissions, has their cells run elsewhere, and asks the book's checks.

    python -m tools.grading.judge     reads one job a line, writes one result a line, both JSON

A job: {"file", "chapter", "limits": {"cell", "notebook", "memory"}, "full", "hidden"}. A result: {"answers": [{"check",
"verdict", "said"}], "seconds", "isolated", "note"}. Verdicts are right, wrong, none, raised, training (needs FULL=yes).
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import stat
import sys
import time
from pathlib import Path

from tools import chapters, keys
from tools.grading import prison, slices, wire
from tools.tasks import Task, tasks

BIGGEST = 64 * 2**20  # bytes of a submitted file
WORDS = 400  # characters of what is reported
GROUND = 60.0  # seconds for the process to start, and to import what an exercise needs


class Gone(Exception):
    """The submission's process ended or was ended; the text says why."""


# ------------------------------------------------------------------ stand-ins


class Thing:
    """Something of a submission that stays where it is. What can be read of it is asked over there."""

    def __init__(self, session: Session, number: int):
        self.__dict__.update(_session=session, _number=number)

    def __getattr__(self, name: str):
        if name.startswith("_") or not isinstance(name, str):
            raise AttributeError(name)
        try:
            return self._session.ask({"do": "get", "handle": self._number, "name": name})
        except Exception as error:
            raise AttributeError(name) from error


class Function(Thing):
    """A function of a submission, to be called from here."""

    def __call__(self, *arguments, **named):
        return self._session.call(self._number, arguments, named)


def stand_in(session: Session, data: dict) -> Thing:
    """What stands here for a thing of the submission, of a class that bears the name of the thing's class."""
    name = str(data.get("type", "thing"))
    kind = Function if data.get("calls") is True else Thing
    return type(name if name.isidentifier() else "thing", (kind,), {})(session, int(data["handle"]))


# ------------------------------------------------------------------ a submission's process


class Session:
    """A submission's process while it lives, and what it may take."""

    def __init__(self, job: dict, end: float):
        self.limits, self.full = job["limits"], job["full"]
        seconds = int(self.limits["notebook"]) + 5
        hidden = [Path(path) for path in job.get("hidden", [])]
        self.cell = prison.Cell(memory=int(self.limits["memory"] * 2**30), seconds=seconds, hidden=hidden)
        self.line = wire.Line(self.cell.source, self.cell.target)
        self.over = end  # of the whole notebook
        self.allow(GROUND)
        self.lent: list = []
        self.grown: dict[int, object] = {}
        self.dead = ""
        self.fell = False  # it ended by itself

    def end(self) -> None:
        """End the process."""
        self.cell.end()

    def allow(self, seconds: float) -> None:
        """Give it so many seconds from now, within what the notebook has left."""
        left = max(self.over - time.monotonic(), 1.0)
        self.until = time.monotonic() + min(seconds, left)
        self.late = f"took more than {seconds:g} s and was stopped"
        if left < seconds:
            self.late = f"was stopped: the notebook took more than {self.limits['notebook']:g} s"

    def ask(self, message: dict):
        """The decoded answer to a message. Raises what was raised over there, as an error of the same name here."""
        answer = self.exchange(message)
        if "error" in answer:
            raise as_error(answer["error"])
        return wire.decode(answer["value"], self.taken)

    def exchange(self, message: dict) -> dict:
        """The answer to a message; calls back are served meanwhile. Raises Overtime, which no check swallows."""
        from lvm_lib.check._limits import Overtime

        if self.dead:
            raise Overtime(self.dead)
        try:
            self.line.send(message, self.until)
            while True:
                answer = self.line.receive(self.until)
                if "back" not in answer:
                    return answer
                self.line.send(self.serve(answer), self.until)
        except wire.Late:
            self.dead = self.late
        except (wire.Closed, KeyError, TypeError, ValueError, IndexError, AttributeError):
            self.fell = True
            self.dead = "ended the whole process, or used more memory than it may, and was stopped"
            if self.cell.full:
                self.dead = f"used more than {self.limits['memory']:g} GB of memory and was stopped"
        except BaseException:  # the check's own limit: an answer would come too late now
            self.dead = "took too long and was stopped"
            raise
        raise Overtime(self.dead)

    def serve(self, message: dict) -> dict:
        """The answer to a call of a function that was lent."""
        try:
            arguments = wire.decode(message["arguments"], self.taken)
            return {"value": wire.encode(self.lent[int(message["back"])](*arguments), self.lend)}
        except Exception as error:
            return {"error": [type(error).__name__, str(error)[:WORDS]]}

    def lend(self, thing) -> dict:
        """Plain data for a function of the check's, or for a tensor whose gradient is asked."""
        self.lent.append(thing)
        return {"handle": len(self.lent) - 1, "type": "function", "calls": True}

    def taken(self, data: dict):
        """What stands here for a thing of the submission; a tensor keeps the number of its own over there."""
        if "tensor" in data:
            tensor = data["tensor"]
            self.grown[id(tensor)] = (tensor, int(data["grows"]))
            return tensor
        return stand_in(self, data)

    def call(self, number: int, arguments, named):
        """Call a function of the submission. Gradients of what it returns are computed over there."""
        torch = sys.modules.get("torch")
        leaves = [] if torch is None else [a for a in arguments if isinstance(a, torch.Tensor) and a.requires_grad]
        start = len(self.lent)
        message = {
            "do": "call",
            "handle": number,
            "arguments": wire.encode(list(arguments), self.lend),
            "named": {name: wire.encode(value, self.lend) for name, value in named.items()},
        }
        by = [start + k for k, thing in enumerate(self.lent[start:]) if any(thing is leaf for leaf in leaves)]
        self.grown.clear()
        result = self.ask(message)
        return self.joined(result, [self.lent[k] for k in by], by) if by else result

    def joined(self, result, leaves: list, by: list[int]):
        """The result, its tensors that have a gradient over there joined to the leaves here."""
        import torch

        session, grown = self, list(self.grown.values())
        if not grown:
            return result

        class Through(torch.autograd.Function):
            @staticmethod
            def forward(ctx, *leaves):
                ctx.set_materialize_grads(False)
                return tuple(tensor.clone() for tensor, _ in grown)

            @staticmethod
            def backward(ctx, *slopes):
                of = [number for _, number in grown]
                plain = [None if slope is None else wire.encode(slope.detach(), session.lend) for slope in slopes]
                answer = session.exchange({"do": "slope", "of": of, "by": by, "slopes": plain})
                if "error" in answer:
                    raise as_error(answer["error"])
                found = [None if part is None else wire.decode(part, session.taken) for part in answer["value"]]
                return tuple(found)

        made = dict(zip([id(tensor) for tensor, _ in grown], Through.apply(*leaves), strict=True))

        def put(value):
            if isinstance(value, (list, tuple)):
                return type(value)(put(part) for part in value)
            return made.get(id(value), value)

        return put(result)


def as_error(data) -> Exception:
    """An error as it was raised over there: of the nearest built-in class, with the name that it had."""
    import builtins

    kinds, said = [str(kind) for kind in data[0]], str(data[1])
    base = next((k for k in kinds if isinstance(getattr(builtins, k, None), type)), "Exception")
    found = getattr(builtins, base)
    if not issubclass(found, Exception):
        found = RuntimeError
    name = kinds[0] if kinds and kinds[0].isidentifier() else "Error"
    try:
        return type(name, (found,), {"__str__": lambda self: said})(said)
    except TypeError:
        return type(name, (RuntimeError,), {})(said)


# ------------------------------------------------------------------ a submission


def grade(job: dict) -> dict:
    """The verdicts on a submission."""
    start = time.monotonic()
    book = keys.read(chapters.ROOT / "book" / f"{job['chapter']}.ipynb")
    asked = tasks(book)
    try:
        cells = read(Path(job["file"]))
    except ValueError as error:
        answers = [entry(task, "none", f"Not read: {error}.") for task in asked]
        return {"answers": answers, "seconds": 0.0, "note": f"not read: {error}"}
    before = slices.statements([cell["source"] for cell in cells])
    session: Session | None = None
    done: set[tuple] = set()
    answers = []
    try:
        for task in asked:
            place = slices.find(cells, task.check, task.cell)
            if place is None:
                answers.append(entry(task, "none", "Not answered: its cell is gone."))
                continue
            text = cells[place]["source"]
            if text.strip() == task.source.strip():
                answers.append(entry(task, "none", "Not answered yet."))
                continue
            if time.monotonic() - start > job["limits"]["notebook"]:
                said = f"Not judged: the notebook took more than {job['limits']['notebook']:g} s."
                answers.append(entry(task, "raised", said))
                continue
            fresh = session is None
            if session is None:
                session, done = Session(job, start + job["limits"]["notebook"]), set()
            earlier = [one for one in before if one.place[0] < place]
            needed = [one for one in slices.needed(earlier, text) if (one.place, one.code) not in done]
            training = any(one.trains for one in needed) or slices.trains(text)
            run = [one for one in needed if job["full"] or not one.trains]
            codes = [one.code for one in run]
            done |= {(one.place, one.code) for one in run}
            done |= {(one.place, one.code) for one in before if one.place[0] == place}
            short = training and not job["full"]
            answers.append(judged(session, task, codes, text, short))
            if session.fell and not fresh:  # an earlier cell may have brought it down: once more, without that
                session.end()
                session, done = Session(job, start + job["limits"]["notebook"]), set()
                codes = [one.code for one in slices.needed(earlier, text) if job["full"] or not one.trains]
                answers[-1] = judged(session, task, codes, text, short)
            if session.dead:
                session.end()
                session = None
    finally:
        if session is not None:
            session.end()
    return {"answers": answers, "seconds": round(time.monotonic() - start, 2), "note": ""}


def read(path: Path) -> list[dict]:
    """The code cells of a submitted file. Raises ValueError with what is wrong with it."""
    try:
        about = path.lstat()
        if stat.S_ISLNK(about.st_mode):
            raise ValueError("it is a link to another file")
        if not stat.S_ISREG(about.st_mode):
            raise ValueError("it is no regular file")
        if about.st_size > BIGGEST:
            raise ValueError(f"it is larger than {BIGGEST // 2**20} MB")
        notebook = json.loads(path.read_text(encoding="utf-8", errors="replace"))
    except (OSError, RecursionError):
        raise ValueError("it cannot be read") from None
    except json.JSONDecodeError:
        raise ValueError("it is no notebook: its JSON is broken") from None
    return slices.code_cells(notebook)


def judged(session: Session, task: Task, before: list[str], text: str, short: bool) -> dict:
    """The verdict on one exercise."""
    from lvm_lib.check._limits import Overtime

    source = "# trains: not run" if short and slices.trains(text) else slices.plain(text)
    message = {"do": "cell", "source": source, "check": task.check, "arguments": task.arguments}
    running = "What it needs of earlier cells"
    try:
        session.allow(session.limits["notebook"] if session.full else GROUND)
        session.exchange({"do": "before", "codes": before})
        running = "The cell"
        session.allow(session.limits["cell"])
        answer = session.exchange(message)
        if "answers" not in answer:
            raise Overtime("gave an answer that cannot be read")
        answers = wire.decode(answer["answers"], session.taken)
        named = {name: wire.decode(value, session.taken) for name, value in answer["named"].items()}
    except Overtime as why:
        return entry(task, "raised", f"{running} {why}.")
    except Exception:  # what was sent may be forged: decoding it can fail in every way
        session.dead = session.dead or "sent what cannot be read"
        return entry(task, "raised", "The cell gave what cannot be read.")
    if answer.get("torch") is True:
        import torch  # noqa: F401  # so that a function of torch is called with tensors
    if answer.get("error") and answer.get("asked") is not True and not short:
        return entry(task, "raised", _raised(answer["error"]))
    verdict, said = ask(session, task, answers, named)
    if short and verdict == "none" and not said.startswith("Not answered yet"):
        verdict = "training"
    if short and (verdict != "right" and not _open(text)):
        return entry(task, "training", "It needs the chapter's training: grade with FULL=yes.")
    return entry(task, verdict, said)


def _open(text: str) -> bool:
    """Whether an answer's cell still holds `...`."""
    return bool(re.search(r"(?<!\.)\.\.\.(?!\.)", text))


def _raised(error) -> str:
    try:
        (name, *_), said = error
    except (TypeError, ValueError):  # forged
        return "The cell raised an error"
    return f"The cell raised {name}{f': {said}' if said else ''}"


def ask(session: Session, task: Task, answers, named: dict) -> tuple[str, str]:
    """(verdict, what the book's check says) of answers."""
    from lvm_lib import check

    printed = io.StringIO()
    session.allow(session.limits["cell"])
    try:
        with contextlib.redirect_stdout(printed):
            found = getattr(check, task.check)(*answers, **named)
    except TypeError:
        return "wrong", f"The check wants {len(task.arguments)} answers, and got others."
    said = printed.getvalue().strip()
    if session.dead and found is not True:
        return "raised", said or f"The function {session.dead}."
    raised = found is False and re.search(r"your function (raised|used more|took|ended)", said)
    return {True: "right", False: "raised" if raised else "wrong", None: "none"}[found], said


def entry(task: Task, verdict: str, said: str) -> dict:
    """One line of the result; of what is said, what can be printed."""
    said = " ".join("".join(c if c.isprintable() else " " for c in said[: 4 * WORDS]).split())
    return {"check": task.check, "verdict": verdict, "said": said if len(said) <= WORDS else said[: WORDS - 3] + "..."}


def main() -> None:
    out = sys.stdout
    sys.stdout = sys.stderr
    for line in sys.stdin:
        try:
            result = grade(json.loads(line))
        except Exception as error:  # of ours: it must cost this submission only, and be seen
            result = {"answers": [], "seconds": 0.0, "note": f"not judged ({type(error).__name__}: {error})"}
        print(json.dumps(result), file=out, flush=True)


if __name__ == "__main__":
    main()
