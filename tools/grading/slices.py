"""Which statements of a notebook an exercise needs: its names, followed backward to where they are bound."""

from __future__ import annotations

import ast
import symtable
from typing import NamedTuple

from tools import keys

TRAINS = {"fit", "climb", "trained"}  # of lvm_lib: what takes minutes


class Statement(NamedTuple):
    """A statement at the top level of a cell."""

    place: tuple[int, int]  # number of the cell, number of the statement
    code: str
    binds: frozenset[str]
    changes: frozenset[str]  # what it alters without binding it anew
    uses: frozenset[str]
    trains: bool


def plain(text: str) -> str:
    """A cell's text without the lines that IPython alone understands."""
    return "\n".join("" if line.lstrip().startswith(("%", "!", "?")) else line for line in text.splitlines())


def statements(cells: list[str]) -> list[Statement]:
    """The statements of the cells that can be parsed, in order."""
    found, imported = [], set()
    for number, text in enumerate(cells):
        try:
            body = ast.parse(plain(text)).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for position, part in enumerate(body):
            for one in _one_by_one(part):
                try:
                    found.append(_statement((number, position), one, imported))
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


def _statement(place, part: ast.stmt, imported: set[str]) -> Statement:
    code = ast.unparse(part)
    table = symtable.symtable(code, "cell", "exec")
    symbols = table.get_symbols()
    binds = {symbol.get_name() for symbol in symbols if symbol.is_assigned() or symbol.is_imported()}
    uses = {symbol.get_name() for symbol in symbols if symbol.is_referenced()} | _globals(table)
    if isinstance(part, (ast.Import, ast.ImportFrom)):
        imported |= binds
        return Statement(place, code, frozenset(binds), frozenset(), frozenset(), False)
    changes = set()
    trains = False
    for node in ast.walk(part):
        if isinstance(node, (ast.Subscript, ast.Attribute)) and isinstance(node.ctx, (ast.Store, ast.Del)):
            changes.add(_base(node))
        elif isinstance(node, ast.Call) and not isinstance(part, (ast.FunctionDef, ast.ClassDef)):
            trains = trains or getattr(node.func, "id", getattr(node.func, "attr", "")) in TRAINS
    if isinstance(part, ast.Expr) and isinstance(part.value, ast.Call):
        changes.add(_base(part.value.func))
    changes -= imported | {""}
    if isinstance(part, (ast.AugAssign, ast.If, ast.For, ast.While, ast.With, ast.Try)):  # may bind anew, or may not
        changes |= binds
    return Statement(place, code, frozenset(binds), frozenset(changes), frozenset(uses), trains)


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
        if own or wanted & (one.binds | one.changes):
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
