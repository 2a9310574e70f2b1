"""A chapter's stored run: with the notebook's outputs, all that its page needs, in final bytes.

    book/elbo.ipynb                 outputs: text, pictures for a light ground, stills of live figures
    book/runs/elbo/run.json         what the run hangs on (tools/keys.py), what it was made with, what the outputs
                                    show, and the colours of each picture on a dark ground (tools/pictures.py)
    book/runs/elbo/elbo-p4-narrow-light.png    a phone's form of a picture of one panel (lvm_lib/plots/narrow.py)
    book/runs/elbo/elbo-1.js        the state of the first live figure, a script that a page loads as it is; weights
                                    that an earlier figure of the chapter holds too stand in its file alone

A run that was made while building (because the stored one is stale) lies under _build/runs/elbo, in the same form, its
outputs beside it in outputs.json.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tools import keys, pictures
from tools.keys import ROOT

STORED, KEPT = ROOT / "book" / "runs", ROOT / "_build" / "runs"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
HIDDEN_TRAITS = {"_esm", "_css", "_dom_classes", "_anywidget_id", "layout", "tabbable", "tooltip"}
SHARED = 20_000  # characters of a buffer from which it is worth a second file
NARROW = "-narrow-light.png"  # behind a picture's id: the file of its narrow form
HIDDEN_BEGINNINGS = ("_model_", "_view_")  # of the traits that only a kernel's front end needs


class DamagedRun(Exception):
    """A stored run that is not whole: the message names the file and the command that renews it."""


@dataclass
class Run:
    """What one execution of a chapter left.

    parts: what it hangs on; made: versions and seconds; cells: per code cell the digests of its source and its outputs;
    shown: an entry per output that a page replaces, {"cell", "output", "kind": "figure", "picture" or "kernel", ...};
    files: the bytes beside run.json by their name; outputs: per code cell, for the notebook.
    """

    parts: dict[str, str]
    made: dict
    cells: dict[str, list[str]]
    shown: list[dict]
    files: dict[str, bytes] = field(default_factory=dict)
    outputs: dict[str, list] = field(default_factory=dict)

    def described(self) -> dict:
        """The content of run.json."""
        sums = {name: hashlib.sha256(raw).hexdigest() for name, raw in sorted(self.files.items())}
        return {"cells": self.cells, "files": sums, "hangs on": self.parts, "made with": self.made, "shown": self.shown}


# ------------------------------------------------------------------ from an execution to a run


def made(chapter: str, cells: list[dict], widgets: dict, *, parts: dict[str, str], with_: dict) -> Run:
    """The run of an executed chapter: its code cells, with fresh outputs, and the states of its widgets by model."""
    run = Run(parts, with_, {}, [])
    figures = drawn = 0
    held: dict[str, tuple[str, int]] = {}
    for cell in cells:
        outputs = json.loads(json.dumps(cell["outputs"]))
        for number, output in enumerate(outputs):
            data, meta = output.get("data", {}), output.get("metadata", {}).get("image/png", {})
            entry = {"cell": cell["id"], "output": number}
            if WIDGET_VIEW in data:
                model = widgets.get(data.pop(WIDGET_VIEW)["model_id"], {})  # it dies with the kernel; the picture stays
                name = figure_name(model.get("state", {}))
                if not name:
                    run.shown.append({**entry, "kind": "kernel"})
                    continue
                if "image/png" in data:
                    data["image/png"] = _encoded(pictures.single(base64.b64decode(data["image/png"])))
                figures += 1
                identity = f"{chapter}-{figures}"
                run.files[f"{identity}.js"] = state_file(identity, name, model, held).encode()
                room = model["state"].get("room") or heights(name)
                run.shown.append({**entry, "kind": "figure", "id": identity, "name": name, "room": list(room)})
            elif "alt" in meta:
                drawn += 1
                light, colours = in_both_themes(data["image/png"], meta.pop("dark", None))
                data["image/png"] = _encoded(light)
                entry.update({"kind": "picture", "id": f"{chapter}-p{drawn}"})
                if colours:
                    entry["dark"] = _encoded(colours)
                if "narrow" in meta:
                    narrow = meta.pop("narrow")
                    run.files[entry["id"] + NARROW], colours = in_both_themes(narrow["light"], narrow["dark"])
                    entry["narrow"] = _encoded(colours)
                    entry.update({"crowded": narrow["crowded"]} if narrow["crowded"] else {})
                run.shown.append(entry)
        run.outputs[cell["id"]] = outputs
        run.cells[cell["id"]] = [keys.digest(keys.source(cell)), outputs_digest(outputs)]
    return run


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def in_both_themes(light: str, dark: str | None) -> tuple[bytes, bytes]:
    """(the stored picture, its colours on a dark ground or b"") of drawings in base64."""
    if dark is None:
        return pictures.single(base64.b64decode(light)), b""
    return pictures.paired(base64.b64decode(light), base64.b64decode(dark))


def figure_name(state: dict) -> str:
    """The name of one of the book's live figures, from the last line of its module; empty for any other widget."""
    last = re.search(r"export default lvm_(\w+)\.default;\s*$", state.get("_esm") or "")
    return last[1] if last else ""


def heights(name: str) -> tuple[int, int]:
    """The room that a live figure takes, on a phone and in the text column."""
    from lvm_lib.figures import by_name

    return by_name(name).heights


def state_file(identity: str, name: str, model: dict, held: dict[str, tuple[str, int]]) -> str:
    """A figure's traits (buffers in base64) as a script.

    held: large buffers of the chapter's earlier figures, by digest: figure and place. One that is there is named, not
    written again; others are added.
    """
    shown = [key for key in model["state"] if key not in HIDDEN_TRAITS and not key.startswith(HIDDEN_BEGINNINGS)]
    traits = {key: model["state"][key] for key in shown}
    buffers = []
    for place, item in enumerate(model.get("buffers", [])):
        key = hashlib.sha256(item["data"].encode()).hexdigest()
        if key in held:
            buffers.append({"path": item["path"], "from": list(held[key])})
            continue
        buffers.append({"path": item["path"], "data": item["data"]})
        if len(item["data"]) >= SHARED:
            held[key] = identity, place
    return _script(identity, {"figure": name, "traits": traits, "buffers": buffers})


def _script(identity: str, state: dict) -> str:
    text = json.dumps(state, ensure_ascii=True, allow_nan=False, separators=(",", ":"), sort_keys=True)
    return f"lvmFigureState({json.dumps(identity)},{text});\n"


def with_fresh_state(stored: bytes, fresh: bytes, name: str) -> bytes:
    """A figure's side file whose state is that of a fresh run, where the two differ; what it carries stays.

    The nets of two trainings differ by less than is compared, so those that are stored are kept.
    """
    from lvm_lib.figures import by_name

    old, new = (json.loads(b"[" + text[text.index(b"(") + 1 : text.rindex(b")")] + b"]") for text in (stored, fresh))
    figure = by_name(name)
    apart = {*figure.carried, *figure.read_back}
    told, now = ({key: value for key, value in one[1]["traits"].items() if key not in apart} for one in (old, new))
    if told == now:
        return stored
    carried = {key: old[1]["traits"][key] for key in figure.carried if key in old[1]["traits"]}
    traits = {**new[1]["traits"], **carried}
    known = {json.dumps(one["path"]): one for one in new[1]["buffers"]}
    buffers = []  # each keeps its place, since figures further down may name it
    for one in old[1]["buffers"]:
        fresh_one = known.pop(json.dumps(one["path"]), None)
        buffers.append(one if one["path"][0] in figure.carried or fresh_one is None else fresh_one)
    buffers += known.values()
    return _script(old[0], {"figure": name, "traits": traits, "buffers": buffers}).encode()


def with_fresh_picture(run: Run, fresh: Run, at: int, *, wide: bool) -> None:
    """Give the picture that is the entry `at` of both runs the fresh run's narrow form; `wide`: its other colours too.

    A run that was stored before a picture had a narrow form gets it so.
    """
    entry, new = run.shown[at], fresh.shown[at]
    for name in ("narrow", "crowded", *(["dark"] if wide else [])):
        entry.pop(name, None)
        entry.update({name: new[name]} if name in new else {})
    file = entry["id"] + NARROW
    run.files.pop(file, None)
    run.files.update({file: fresh.files[file]} if file in fresh.files else {})


def narrow_shape(run: Run, at: int) -> bytes:
    """What a PNG says of its size, for the narrow form of a run's entry; b"" where it has none."""
    return run.files.get(run.shown[at]["id"] + NARROW, b"")[16:24]


def crowded(run: Run) -> list[str]:
    """What is not read well in the narrow forms of a run's pictures."""
    return [f"cell {entry['cell']!r}, on a phone: {said}" for entry in run.shown for said in entry.get("crowded", [])]


def outputs_digest(outputs: list) -> str:
    """A digest of a cell's outputs, without their number in the kernel's history."""
    return keys.digest(json.dumps([_bare(output) for output in outputs], sort_keys=True))


def _bare(output: dict) -> dict:
    """An output without its number, its texts as one string each, a stored one as nbformat gives it."""

    def whole(value):
        if isinstance(value, list) and all(isinstance(line, str) for line in value):
            return "".join(value)
        return {name: whole(item) for name, item in value.items()} if isinstance(value, dict) else value

    return {name: whole(value) for name, value in output.items() if name != "execution_count"}


# ------------------------------------------------------------------ what a stored run is still worth


def stale(run: Run | None, notebook: dict, parts: dict[str, str]) -> list[str]:
    """Why a run is not this chapter's any more, in words; [] where it is. Exercise cells are a reader's own."""
    if run is None:
        return ["it has no stored run"]
    why = keys.changes(run.parts, parts)
    if why:
        return why
    for cell in code_cells(notebook):
        known = run.cells.get(cell["id"])
        if keys.is_exercise(cell) or known is None or known[1] == outputs_digest(cell["outputs"]):
            continue
        why.append(f"the outputs of its cell {cell['id']!r} are not those of its stored run")
    return why


def code_cells(notebook: dict) -> list[dict]:
    """The code cells of a notebook."""
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def shown_outputs(cell: dict, run: Run) -> list:
    """A cell's outputs as its page shows them.

    A run's own, but for an exercise that a reader has answered: then what the reader's kernel said, and nothing where
    the answer was changed and not run.
    """
    known, own = run.cells.get(cell["id"]), outputs_digest(cell["outputs"])
    if known is None:
        return cell["outputs"]
    if keys.is_exercise(cell):
        if known[0] != keys.digest(keys.source(cell)):
            return [] if own == known[1] else cell["outputs"]
        if cell["outputs"] and own != known[1]:
            return cell["outputs"]
    return run.outputs.get(cell["id"], cell["outputs"])


# ------------------------------------------------------------------ one run beside another

COMPARED = ("text/plain", "text/html", "text/latex", "image/svg+xml")


def compared(cell: dict, outputs: list) -> list | None:
    """What nbval compares of a cell's outputs; None of a cell whose outputs it ignores."""
    if "nbval-ignore-output" in cell["metadata"].get("tags", []):
        return None
    found: list = []
    for output in map(_bare, outputs):
        if output["output_type"] == "stream":
            found.append((output["name"], output["text"]))
        else:
            data = output.get("data", {})
            found.append((sorted(set(data) - {WIDGET_VIEW}), {kind: data[kind] for kind in COMPARED if kind in data}))
    return found


def differences(notebook: dict, run: Run, fresh: Run, *, traits: bool = True) -> tuple[list[str], list[str]]:
    """How a fresh run differs from a stored one whose outputs the notebook holds: what must not differ, what may.

    traits: whether a live figure must have the same ones.
    """
    faults, drift = [], []
    for cell in code_cells(notebook):
        new = fresh.outputs[cell["id"]]
        if "setup" in cell["metadata"].get("tags", []) or keys.is_exercise(cell):
            continue
        if compared(cell, cell["outputs"]) != compared(cell, new):
            faults.append(f"cell {cell['id']!r} says something else: {texts(cell['outputs'])!r} was {texts(new)!r} now")
        elif outputs_digest(cell["outputs"]) != outputs_digest(new):
            drift.append(f"cell {cell['id']!r} shows something else")
    if [_kind(entry) for entry in run.shown] != [_kind(entry) for entry in fresh.shown]:
        faults.append("it shows other figures or pictures than its stored run")
    for name in sorted({*run.files, *fresh.files}):
        old, new = run.files.get(name), fresh.files.get(name)
        if old != new and name.endswith(NARROW):
            drift.append(f"{name} has other bytes")
        elif old is None or new is None:
            faults.append(f"{name} is {'new' if old is None else 'gone'}")
        elif traits and name.endswith(".js") and trait_names(old) != trait_names(new):
            faults.append(f"{name} holds other traits: {', '.join(sorted(trait_names(old) ^ trait_names(new)))}")
        elif old != new:
            drift.append(f"{name} has other bytes")
    return faults, drift


def _kind(entry: dict) -> tuple:
    return entry["cell"], entry["output"], entry["kind"], entry.get("name")


def trait_names(state: bytes) -> set[str]:
    """The names of the traits in a figure's state file."""
    text = state.decode()
    return set(json.loads("[" + text[text.index("(") + 1 : text.rindex(")")] + "]")[1]["traits"])


def texts(outputs: list) -> str:
    """All text of a cell's outputs, for a message."""
    pieces = [output.get("text", output.get("data", {}).get("text/plain", "")) for output in map(_bare, outputs)]
    return "\n".join(pieces).strip()


# ------------------------------------------------------------------ on disk


def load(folder: Path) -> Run | None:
    """The run in `folder`; None where there is none. Raises DamagedRun, naming the file, where it is not whole."""
    about = folder / "run.json"
    if not folder.exists():
        return None
    if not about.exists():
        raise _damaged(about, "is missing")
    try:
        said = json.loads(about.read_text(encoding="utf-8"))
        run = Run(said["hangs on"], said["made with"], said["cells"], said["shown"])
        sums = dict(said["files"])
    except (ValueError, KeyError, TypeError):
        raise _damaged(about, "cannot be read") from None
    for name, digest in sums.items():
        path = folder / name
        if not path.exists():
            raise _damaged(path, "is missing")
        raw = path.read_bytes()
        if hashlib.sha256(raw).hexdigest() != digest:
            raise _damaged(path, "is not what the run left")
        run.files[name] = raw
    outputs = folder / "outputs.json"
    if outputs.exists():
        try:
            run.outputs = json.loads(outputs.read_text(encoding="utf-8"))
        except ValueError:
            raise _damaged(outputs, "cannot be read") from None
    return run


def _damaged(path: Path, what: str) -> DamagedRun:
    place = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)
    chapter = path.parent.name
    return DamagedRun(f"{place} {what}: `make execute CHAPTER={chapter}` runs the chapter and writes it anew")


def save(folder: Path, run: Run, *, outputs: bool = False, then: Callable[[], None] = lambda: None) -> None:
    """Write a run as `folder`, whole or not at all: what was there stays until all of the new one is on disk.

    outputs: write them too, since no notebook keeps them. then: what must happen together with it; an interrupt waits.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        fresh.chmod(0o755)
        for name, raw in run.files.items():
            (fresh / name).write_bytes(raw)
        if outputs:
            (fresh / "outputs.json").write_text(json.dumps(run.outputs), encoding="utf-8")
        text = json.dumps(run.described(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        (fresh / "run.json").write_text(text, encoding="utf-8")
        with undisturbed():
            swap(fresh, folder)
            then()
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def swap(fresh: Path, folder: Path) -> None:
    """Put the folder `fresh` in the place of `folder`."""
    old = folder.with_name(f".{folder.name}.old.{os.getpid()}")
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def undisturbed() -> Iterator[None]:
    """An interrupt that comes meanwhile waits until the end (in the main thread; elsewhere none comes)."""
    came: list[tuple] = []
    try:
        before = {
            name: signal.signal(name, lambda *what: came.append(what)) for name in (signal.SIGINT, signal.SIGTERM)
        }
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
        for number, frame in came:
            handler = before[number]
            if callable(handler):
                handler(number, frame)
            else:
                os.kill(os.getpid(), number)
