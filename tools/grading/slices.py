"""Which statements of a notebook an exercise needs: its names, followed backward to where they are bound."""

from __future__ import annotations

import ast
import builtins
import functools
import symtable
from collections.abc import Iterator
from typing import NamedTuple

from tools import keys

TRAINS = {"fit", "climb", "trained"}  # of lvm_lib: what takes minutes


PICTURES = {"lvm_lib", "matplotlib", "IPython"}  # packages that alter nothing that they are given, but draw it
RUNS = {"time", "prun"}  # magics that run code among the notebook's own names
RUNS_CELL = RUNS | {"capture"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


class Statement(NamedTuple):
    """A statement at the top level of a cell."""

    place: tuple[int, int]  # number of the cell, number of the statement
    code: str
    binds: frozenset[str]
    changes: frozenset[str]  # what it alters without binding it anew
    uses: frozenset[str]
    trains: bool
    always: bool = False  # nobody knows what it binds


class Helper(NamedTuple):
    """A function of the notebook: its parameters, and what a call alters."""

    parameters: list[str]
    alters: set[str]  # parameters and global names


class Known:
    """What the cells so far have made known: names, imported ones, of these what only draws, and helpers."""

    def __init__(self) -> None:
        self.bound: set[str] = set()
        self.imported: set[str] = set()
        self.draw = {"display"}
        self.helpers: dict[str, Helper] = {}


# ------------------------------------------------------------------ what IPython alone understands


@functools.lru_cache(maxsize=256)
def plain(text: str) -> str:
    """A cell's text as Python: `%time` and its like become the code that they run, other magics do nothing.

    Text that even IPython does not understand is given back as it is.
    """
    try:
        ast.parse(text)
        return text
    except (ValueError, RecursionError, MemoryError):
        return text
    except SyntaxError:
        pass
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        tree = ast.parse(TransformerManager().transform_cell(text))
        return ast.unparse(ast.Module(_unmagic(tree.body), []))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text


def _unmagic(body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements, in place of a magic the code that it runs."""
    found: list[ast.stmt] = []
    for part in body:
        for inner in ("body", "orelse", "finalbody"):
            if isinstance(getattr(part, inner, None), list):
                setattr(part, inner, _unmagic(getattr(part, inner)))
        value = getattr(part, "value", None)
        code = _magic(value) if isinstance(value, ast.Call) else None
        if code is None:
            found.append(part)
            continue
        run = ast.parse(plain(code)).body
        if isinstance(part, ast.Assign) and len(run) == 1 and isinstance(run[0], ast.Expr):
            part.value = run[0].value
            run = [part]
        found += run or [ast.Pass()]
    return found


def _magic(call: ast.Call) -> str | None:
    """The code that a call of `get_ipython().run_line_magic` or its like runs; None where it runs none."""
    name = getattr(call.func, "attr", "")
    words = [part.value for part in call.args if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    if name == "run_line_magic" and len(words) == 2 and words[0] in RUNS:
        return words[1]
    if name == "run_cell_magic" and len(words) == 3 and words[0] in RUNS_CELL:
        return words[2]
    return None


# ------------------------------------------------------------------ statements


def statements(cells: list[str]) -> list[Statement]:
    """The statements of the cells that can be parsed, in order."""
    found, known = [], Known()
    for number, text in enumerate(cells):
        try:
            body = ast.parse(plain(text)).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for position, part in enumerate(body):
            for one in _one_by_one(part):
                try:
                    found.append(_statement((number, position), one, known))
                except (SyntaxError, ValueError, RecursionError, MemoryError):
                    continue
    return found


def _one_by_one(part: ast.stmt) -> list[ast.stmt]:
    """A statement; an import of several names as one for each, since an exercise needs few of them."""
    if isinstance(part, ast.Import):
        return [ast.Import([alias]) for alias in part.names]
    if isinstance(part, ast.ImportFrom):
        return [ast.ImportFrom(part.module, [alias], part.level) for alias in part.names]
    return [part]


def _statement(place, part: ast.stmt, known: Known) -> Statement:
    code = ast.unparse(part)
    if isinstance(part, ast.ImportFrom) and part.names[0].name == "*":
        return Statement(place, code, frozenset(), frozenset(), frozenset(), False, always=True)
    table = symtable.symtable(code, "cell", "exec")
    symbols = table.get_symbols()
    binds = {symbol.get_name() for symbol in symbols if symbol.is_assigned() or symbol.is_imported()}
    uses = {symbol.get_name() for symbol in symbols if symbol.is_referenced()} | _globals(table)
    known.bound |= binds
    if isinstance(part, (ast.Import, ast.ImportFrom)):
        known.imported |= binds
        package = part.module or "" if isinstance(part, ast.ImportFrom) else part.names[0].name
        if package.split(".")[0] in PICTURES:
            known.draw |= binds
        return Statement(place, code, frozenset(binds), frozenset(), frozenset(), False)
    trains = not isinstance(part, (ast.FunctionDef, ast.ClassDef)) and any(
        isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in TRAINS
        for node in ast.walk(part)
    )
    if isinstance(part, ast.FunctionDef):
        known.helpers[part.name] = _helper(part, known)
        changes = set()
    else:
        changes = _altered(part, known) - known.imported - {""}
    if isinstance(part, (ast.AugAssign, ast.If, ast.For, ast.While, ast.With, ast.Try)):  # may bind anew, or may not
        changes |= binds
    return Statement(place, code, frozenset(binds), frozenset(changes), frozenset(uses), trains)


def _helper(part: ast.FunctionDef, known: Known) -> Helper:
    """What a call of a function alters, of its parameters and of the notebook's names."""
    given = [one.arg for one in (*part.args.posonlyargs, *part.args.args, *part.args.kwonlyargs)]
    own, shared, altered = set(), set(), set()
    for inner in part.body:
        altered |= _altered(inner, known)
        for node in _outside_functions(inner):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                own.add(node.id)
            elif isinstance(node, ast.Global):
                shared |= set(node.names)
    return Helper(given, (altered - (own - shared - set(given)) | shared) - {""})


def _altered(part: ast.stmt, known: Known) -> set[str]:
    """The names whose things a statement alters: `a[0] = 1`, `a.b = 1`, `a.append(1)`, `helper(a)`."""
    found = set()
    for node in _outside_functions(part):
        if isinstance(node, (ast.Subscript, ast.Attribute)) and isinstance(node.ctx, (ast.Store, ast.Del)):
            found.add(_base(node))
        elif isinstance(node, ast.AugAssign):
            found.add(_base(node.target))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in known.helpers:
            helper = known.helpers[node.func.id]
            given = dict(zip(helper.parameters, node.args, strict=False))
            given |= {word.arg: word.value for word in node.keywords if word.arg}
            found |= {_base(given[name]) if name in given else name for name in helper.alters}
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):  # called for what it does
            function = node.value.func
            found.add(_base(function))
            if _base(function) in known.imported - known.draw or getattr(function, "attr", "") == "shuffle":
                found |= {_base(argument) for argument in node.value.args}
    return found - (set(dir(builtins)) - known.bound)


def _outside_functions(part: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a statement, without those in functions and classes that it defines."""
    yield part
    if not isinstance(part, FUNCTIONS):
        for node in ast.iter_child_nodes(part):
            yield from _outside_functions(node)


def _globals(table) -> set[str]:
    """The names that functions and classes within a statement look up outside themselves."""
    found = set()
    for inner in table.get_children():
        found |= {symbol.get_name() for symbol in inner.get_symbols() if symbol.is_global()} | _globals(inner)
    return found


def _base(node: ast.AST) -> str:
    """The name at the beginning of `name.a[0].b`."""
    while isinstance(node, (ast.Subscript, ast.Attribute)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def needed(before: list[Statement], text: str) -> list[Statement]:
    """Of the statements before a cell, those that its text needs, in order."""
    found: list[Statement] = []
    wanted: set[str] = set()
    for own, one in [*((True, one) for one in statements([text])[::-1]), *((False, one) for one in before[::-1])]:
        if own or one.always or wanted & (one.binds | one.changes):
            if not own:
                found.append(one)
            wanted = (wanted - (one.binds - one.changes)) | one.uses
    return found[::-1]


def trains(text: str) -> bool:
    """Whether a cell trains by itself."""
    return any(one.trains for one in statements([text]))


def code_cells(notebook) -> list[dict]:
    """{"id", "source"} of the code cells of what claims to be a notebook. Raises ValueError where it is none."""
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise ValueError("it is no notebook: it has no list of cells")
    found = []
    for cell in cells:
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        source = cell.get("source", "")
        source = "".join(map(str, source)) if isinstance(source, list) else str(source)
        meta = cell.get("metadata") if isinstance(cell.get("metadata"), dict) else {}
        about = meta.get("nbgrader") if isinstance(meta.get("nbgrader"), dict) else {}
        if about.get("grade"):
            continue  # nbgrader's own cell
        found.append({"id": str(cell.get("id") or ""), "grade_id": str(about.get("grade_id") or ""), "source": source})
    return found


def find(cells: list[dict], check: str, identity: str) -> int | None:
    """The number of the cell that answers a check: the one of that identity, else the last that calls the check."""
    same = [n for n, cell in enumerate(cells) if identity in (cell["id"], cell["grade_id"])]
    calls = [n for n, cell in enumerate(cells) if check in keys.EXERCISE.findall(cell["source"])]
    both = [n for n in calls if n in same]
    return (both or calls or same or [None])[-1]
