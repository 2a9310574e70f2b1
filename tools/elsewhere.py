"""Run chapters as other machines would, and measure how much room their claims have.

    python -m tools.elsewhere                      every training chapter, every variant that the log lacks
    python -m tools.elsewhere vae --runs 10        one chapter, with ten perturbed runs
    python -m tools.elsewhere vae --seed 100       perturbed with other seeds: 100, 101, ...
    python -m tools.elsewhere vae --variants scalar avx2 --again
    python -m tools.elsewhere --report             no run: what the log says of the chapters as they now stand

A variant is one run of `pytest --nbval` on a chapter: outputs compared, claims held, as in `make test`. There are
runs with 1, 2 and 4 threads; with the arithmetic of simpler processors (`scalar`: no vector kernels in torch, SSE
elsewhere; `avx2`: no AVX-512), by variables that torch, oneDNN, MKL, OpenBLAS and NumPy read when they load; and
*perturbed* runs, in which every net starts from weights changed by a relative 1e-6. Training is chaotic: what rounding
does on another processor, such a start does on this one, and as often as one likes.

To perturb in any run of the chapters as tests, set LVM_PERTURB; kernels inherit it (see `tools.perturb`):

    LVM_PERTURB=7 python -m pytest --nbval book/vae.ipynb
    LVM_PERTURB=commit python -m pytest --nbval book          the seed is made from the commit's hash, and printed

The log, tests/notebooks/elsewhere.json, is written by this script alone, after each run, so that it can be stopped and
goes on where it was. A run stands in it by chapter, variant and processor: what failed, and the value of every `holds`.
It is run again when the code that claims hang on has changed; a changed bound, drawing or table alone does not count.
Every claim must have room: from the mean of its values to its bound at least six standard deviations, or four where
there are at least thirty runs to know the deviation from; fewer than five runs know none.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import math
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version as installed
from pathlib import Path
from typing import NamedTuple

import nbformat

from tools.chapters import ROOT, chapter_paths
from tools.perturb import VARIABLE

LOG = ROOT / "tests" / "notebooks" / "elsewhere.json"
ROOM, ROOM_WELL_KNOWN, WELL_KNOWN, KNOWN = 6.0, 4.0, 30, 5
THREADS = {f"{n} thread{'s' * (n > 1)}": {"OMP_NUM_THREADS": str(n)} for n in (1, 2, 4)}
ARITHMETIC = {
    "scalar": {
        "ATEN_CPU_CAPABILITY": "default",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
        "OPENBLAS_CORETYPE": "Prescott",
    },
    "avx2": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
    },
}
NUMPY_CAP = "NPY_DISABLE_CPU_FEATURES"
CAPS = {NUMPY_CAP, *(name for caps in ARITHMETIC.values() for name in caps)}


class Claim(NamedTuple):
    """One `holds` as it stands in a chapter: its name as a pattern (an f-string has holes), and its bounds."""

    pattern: str
    at_least: float | None
    at_most: float | None

    def room(self, values: list[float]) -> float:
        """From the mean of the values to the nearer bound, in their standard deviations; negative beyond it."""
        mean, spread = statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else 0.0
        low = math.inf if self.at_least is None else mean - self.at_least
        high = math.inf if self.at_most is None else self.at_most - mean
        distance = min(low, high)
        if spread == 0:
            return math.copysign(math.inf, distance) if distance else 0.0
        return distance / spread

    def holds(self, value: float) -> bool:
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)


def variants(runs: int, seed: int) -> dict[str, dict[str, str]]:
    """What each variant sets in the environment, before Python starts."""
    perturbed = {f"perturbed {number}": {VARIABLE: str(number)} for number in range(seed, seed + runs)}
    capped = {name: {**caps, **numpy_cap(name)} for name, caps in ARITHMETIC.items()}
    return {**THREADS, **capped, **perturbed}


def numpy_cap(arithmetic: str) -> dict[str, str]:
    """What NumPy must do without, of what it and this processor have; it warns at names that either does not know."""
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    has = [name for name in __cpu_dispatch__ if __cpu_features__.get(name)]
    without = has if arithmetic == "scalar" else [name for name in has if "AVX512" in name or name == "X86_V4"]
    return {NUMPY_CAP: " ".join(without)} if without else {}


# ------------------------------------------------------------------ a chapter's code


def code(notebook: nbformat.NotebookNode) -> str:
    """A digest of the code that a chapter's claims hang on, without comments, layout and the bounds of its claims.

    The name that a reader sees of a run beside stored ones is left out, too, with all that it alone is made of.
    """
    sources = [cell.source for cell in notebook.cells[1:] if cell.cell_type == "code"]
    cells = [tree_of(source) for source in sources if not re.search(r"(?m)^check\.", source)]
    for call in (call for cell in cells for call in ast.walk(cell) if isinstance(call, ast.Call)):
        called = ast.unparse(call.func)
        spared = {"at_least", "at_most"} if called == "holds" else {"name"} if called.endswith(".within") else set()
        call.keywords = [word for word in call.keywords if word.arg not in spared]
    kept = needed(cells)
    return hashlib.sha256("\n".join(map(ast.dump, kept)).encode()).hexdigest()[:12]


def needed(cells: list[ast.Module]) -> list[ast.stmt]:
    """The statements of cells without those that no claim hangs on.

    Left out are prints and tables, assignments of names that none of the rest reads later, and all statements of a cell
    that draws a picture unless they leave such a name. What claims, asserts or draws from torch's generator stays.
    """
    kept: list[ast.stmt] = []
    for cell in reversed(cells):
        pictured = "plots.show" in called_in(cell) and not claiming(cell)
        for statement in reversed(cell.body):
            may_go = pictured or isinstance(statement, (ast.Assign, ast.FunctionDef)) or shows(statement)
            if not may_go or claiming(statement) or random(statement) or bound(statement) & first_read(kept):
                kept.insert(0, statement)
    return kept


def shows(statement: ast.stmt) -> bool:
    """Whether a statement is a call that prints or shows a table."""
    return isinstance(statement, ast.Expr) and called_in(statement)[:1] in (["print"], ["table"], ["display"])


def called_in(tree: ast.AST) -> list[str]:
    """What is called, as it is written, the outermost first."""
    return [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]


def claiming(tree: ast.AST) -> bool:
    """Whether it claims or asserts something."""
    asserts = any(isinstance(node, ast.Assert) for node in ast.walk(tree))
    return asserts or any(re.search(r"^holds$|\.within$", name) for name in called_in(tree))


def random(tree: ast.AST) -> bool:
    """Whether random numbers may come from torch's own generator, which all cells share."""
    return any(re.match(r"torch\.(manual_seed|rand|normal|bernoulli|multinomial)", name) for name in called_in(tree))


def bound(tree: ast.AST) -> set[str]:
    """The names that a cell or statement leaves; those of an attribute or a row that it changes are the owner's."""
    nodes = list(ast.walk(tree))
    left = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    left |= {node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    changed = [n.value for n in nodes if isinstance(n, (ast.Attribute, ast.Subscript)) and isinstance(n.ctx, ast.Store)]
    return left | {name.id for owner in changed for name in ast.walk(owner) if isinstance(name, ast.Name)}


def first_read(trees: Sequence[ast.AST]) -> set[str]:
    """The names that statements read before they set them."""
    read: set[str] = set()
    anew: set[str] = set()

    def follow(node: ast.AST, own: frozenset[str] = frozenset()) -> None:
        """In the order in which Python evaluates; `own`: names of the functions and comprehensions around."""
        match node:
            case ast.Name(id=name, ctx=ast.Store()):
                anew.add(name)
            case ast.Name(id=name):
                read.update({name} - anew - own)
            case ast.Assign(targets=targets, value=value):
                each([value, *targets], own)
            case ast.AugAssign(target=ast.Name(id=name), value=value):
                read.update({name} - anew - own)
                follow(value, own)
            case ast.For(iter=source, target=target):
                each([source, target, *node.body, *node.orelse], own)
            case ast.FunctionDef(args=of) | ast.Lambda(args=of):
                given = {argument.arg for argument in ast.walk(of) if isinstance(argument, ast.arg)}
                stored = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
                each(ast.iter_child_nodes(node), own | given | stored)
                anew.update({node.name} if isinstance(node, ast.FunctionDef) else set())
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                mine = {n.id for g in node.generators for n in ast.walk(g.target) if isinstance(n, ast.Name)}
                each([part for g in node.generators for part in (g.iter, *g.ifs)], own | mine)
                parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
                each(parts, own | mine)
            case _:
                each(ast.iter_child_nodes(node), own)

    def each(nodes: Iterable[ast.AST], own: frozenset[str]) -> None:
        for node in nodes:
            follow(node, own)

    each(trees, frozenset())
    return read


def tree_of(source: str) -> ast.Module:
    """A cell's syntax tree; a line of IPython's own (%, !) counts as a comment."""
    return ast.parse(re.sub(r"(?m)^(\s*)([%!])", r"\1#\2", source))


def claims_in(tree: ast.AST) -> list[ast.Call]:
    return [
        n for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == "holds"
    ]


def claims(notebook: nbformat.NotebookNode) -> list[Claim]:
    """The claims of a chapter, in order. Raises ValueError unless name and bounds are written where they are used."""
    found = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            found += [claim(call) for call in claims_in(tree_of(cell.source))]
    return found


def claim(call: ast.Call) -> Claim:
    """The claim of one call of `holds`."""
    words = {word.arg: word.value for word in call.keywords}
    try:
        low, high = (ast.literal_eval(words[arg]) if arg in words else None for arg in ("at_least", "at_most"))
    except ValueError:
        raise ValueError(f"bounds must be numbers written in the call, got {ast.unparse(call)}") from None
    match call.args[0] if call.args else None:
        case ast.Constant(value=str(name)):
            return Claim(re.escape(name), low, high)
        case ast.JoinedStr(values=parts):
            return Claim("".join(re.escape(p.value) if isinstance(p, ast.Constant) else ".+" for p in parts), low, high)
    raise ValueError(f"name must be a string written in the call, got {ast.unparse(call)}")


# ------------------------------------------------------------------ running


def run(path: Path, changed: dict[str, str]) -> dict:
    """One run of a chapter as a test: {"failed": {cell: why}, "claims": {name: value}}."""
    environment = {name: value for name, value in os.environ.items() if name not in CAPS | {VARIABLE}}
    environment |= {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "PYTHONHASHSEED": "0"} | changed
    with tempfile.TemporaryDirectory() as folder:
        record, report = Path(folder) / "claims.jsonl", Path(folder) / "report.xml"
        options = ["--nbval", "-p", "no:cacheprovider", "-p", "no:xdist"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, f"--junit-xml={report}", str(path)],
            check=False,
            cwd=ROOT,
            env={**environment, "LVM_CLAIMS": str(record)},
            capture_output=True,
            text=True,
        )
        if done.returncode not in (0, 1) or not report.exists():
            raise RuntimeError(f"pytest could not run {path.name}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        lines = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
        said = [claim for claim in map(json.loads, lines) if math.isfinite(claim["value"])]
        values = {claim["name"]: float(f"{claim['value']:.6g}") for claim in said}
        return {"failed": failures(report, nbformat.read(path, as_version=4)), "claims": values}


def failures(report: Path, notebook: nbformat.NotebookNode) -> dict[str, str]:
    """The cells that failed, by id, each with the last line of its message that says something."""
    ids = [cell.id for cell in notebook.cells if cell.cell_type == "code"]
    found = {}
    for case in xml.parse(report).iter("testcase"):
        for bad in [*case.iter("failure"), *case.iter("error")]:
            text = re.sub(r"(\x1b|#x1B)\[[0-9;]*m", "", bad.text or "")
            number = re.search(r"Cell (\d+)", case.get("name", ""))
            raised = re.findall(r"(?m)^[\w.]*(?:Error|Exception|Interrupt): .+", text)
            nbval_says = re.findall(r"Cell \d+: (.+)", text)
            found[ids[int(number[1])] if number else "chapter"] = [*nbval_says[:1], *raised, ""][-2].strip()
    return found


def processor() -> str:
    """The processor's name and its widest vector arithmetic, as torch sees it."""
    import torch

    info = Path("/proc/cpuinfo")
    name = re.search(r"model name\s*:\s*(.+)", info.read_text()) if info.exists() else None
    name = name[1] if name else platform.processor() or platform.machine()
    return f"{name.strip()}, {torch.backends.cpu.get_cpu_capability()}"


def read() -> dict:
    return json.loads(LOG.read_text(encoding="utf-8")) if LOG.exists() else {}


def write(log: dict) -> None:
    unfinished = LOG.with_suffix(".part")
    unfinished.write_text(json.dumps(log, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    unfinished.replace(LOG)


# ------------------------------------------------------------------ what the log says


def runs_of(chapter: str, log: dict) -> list[tuple[str, dict]]:
    """A chapter's runs in the log, each with its variant and processor in words."""
    return [(f"{variant} ({name})", run) for name, of in log.get(chapter, {}).items() for variant, run in of.items()]


def missing(chapter: str, notebook: nbformat.NotebookNode, log: dict, wanted: Iterable[str]) -> list[str]:
    """The wanted variants that have not run with the chapter's code as it stands, and whether a spread is known."""
    runs = [(where, run) for where, run in runs_of(chapter, log) if run["code"] == code(notebook)]
    ran = {where.split(" (")[0] for where, _ in runs}
    found = [f"{chapter}: not yet run: {', '.join(left)}"] if (left := [v for v in wanted if v not in ran]) else []
    return found + ([f"{chapter}: {len(runs)} runs know no spread, {KNOWN} do"] if len(runs) < KNOWN else [])


def faults(
    chapter: str, notebook: nbformat.NotebookNode, log: dict, say: Callable[[str], None] = lambda line: None
) -> list[str]:
    """What is wrong with a chapter by its runs in the log, in words: failures, values beyond bounds, too little room.

    Values of older code count until that variant has run again; failures of older code do not.
    say: takes one line for each claim: mean and standard deviation of its values, bounds, room.
    """
    found: list[str] = []
    values: dict[Claim, list[float]] = {claim: [] for claim in claims(notebook)}
    runs = runs_of(chapter, log)
    now = [(where, run) for where, run in runs if run["code"] == code(notebook)]
    for where, run in now:
        found += [f"{chapter}, {where}: {cell} failed: {why}" for cell, why in run["failed"].items()]
    for where, run in runs:
        for stated, value in run["claims"].items():
            for claim in (claim for claim in values if re.fullmatch(claim.pattern, stated)):
                values[claim].append(value)
                if not claim.holds(value) and not run["failed"]:
                    found.append(f"{chapter}, {where}: {stated} is {value:g}, beyond its bound")
    for claim, seen in values.items():
        text, needed = claim.pattern.replace("\\", ""), ROOM_WELL_KNOWN if len(seen) >= WELL_KNOWN else ROOM
        if not seen:
            found += [f"{chapter}: no run has claimed: {text}"] if now else []
            continue
        room, spread = claim.room(seen), statistics.stdev(seen) if len(seen) > 1 else math.nan
        bounds = ", ".join("-" if bound is None else f"{bound:g}" for bound in (claim.at_least, claim.at_most))
        mean = statistics.fmean(seen)
        say(f"  {mean:10.4g} ± {spread:7.2g} [{bounds}] room {room:6.1f} sd of {len(seen)} runs  {text}")
        if len(seen) >= KNOWN and room < needed:
            found.append(f"{chapter}: room of {room:.1f} sd, {needed:g} needed ({len(seen)} runs): {text}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Run chapters as other machines would.")
    parser.add_argument("chapters", nargs="*", help="names such as vae; all that claim something if none is given")
    parser.add_argument("--runs", type=int, default=4, help="perturbed runs of each chapter (4)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first perturbed run; the next add one (0)")
    parser.add_argument("--variants", nargs="+", help="only these, for example: scalar '2 threads' 'perturbed 0'")
    parser.add_argument("--again", action="store_true", help="also what the log has already")
    parser.add_argument("--report", action="store_true", help="run nothing")
    asked = parser.parse_args()
    if asked.runs < 0 or asked.seed < 0:
        parser.error("--runs and --seed must be at least 0")
    paths = {path.stem: path for path in chapter_paths()}
    chosen = variants(asked.runs, asked.seed)
    for what, given, known in (("chapter", asked.chapters, paths), ("variant", asked.variants or [], chosen)):
        if unknown := set(given) - set(known):
            parser.error(f"no such {what}: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    names = asked.chapters or [name for name, path in paths.items() if claims(nbformat.read(path, as_version=4))]
    here, bad = processor(), []
    for name in names:
        for variant in [] if asked.report else asked.variants or chosen:
            notebook = nbformat.read(paths[name], as_version=4)
            kept = read().get(name, {}).get(here, {}).get(variant)
            if kept and kept["code"] == code(notebook) and not kept["failed"] and not asked.again:
                continue
            entry = run(paths[name], chosen[variant])
            entry |= {"code": code(notebook), "with": {p: installed(p) for p in ("numpy", "torch")}}
            log = read()
            log.setdefault(name, {}).setdefault(here, {})[variant] = entry
            write(log)
            print(
                f"{name}, {variant}: {'; '.join(map(' failed: '.join, entry['failed'].items())) or 'passed'}",
                flush=True,
            )
        print(f"{name}: mean ± standard deviation [at least, at most] of each claim")
        notebook, log = nbformat.read(paths[name], as_version=4), read()
        bad += faults(name, notebook, log, say=print) + missing(name, notebook, log, asked.variants or chosen)
    print("\n".join(bad) or "no failure, and every claim has room")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
