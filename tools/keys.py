"""What a chapter's stored run hangs on, part by part: a run is valid as long as none of these parts has changed.

The parts of a chapter are
    "its code cells"      all but the first one (the repository's address) and the exercises (a reader's answers)
    "lvm_lib/vae.py"      each module of the library that the chapter reaches, by its code
    "lvm_lib/data/..."    the data files that such a module names or has beside it
    "torch==2.13.0"       the pins of the packages that this code imports
Comments and docstrings do not count.
The modules are found by reading, not by running: imports are followed, also those inside functions, and so are names
taken from a package that imports its modules only when asked (a literal table `_WHERE = {"module": ("name", ...)}`).

Standard library alone, and equal under Python 3.11 to 3.13: code is compared by its syntax tree, written down here.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import sys
from collections.abc import Iterable
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = "lvm_lib"
CODE_CELLS = "its code cells"
FOUND = ("seeds", "results", "values")  # of an experiment, in its file
DATA_SUFFIXES = {".npz", ".json", ".safetensors", ".bin", ".csv"}
DISTRIBUTIONS = {"IPython": "ipython", "PIL": "pillow", "mpl_toolkits": "matplotlib", "sklearn": "scikit-learn"}
WITHOUT_MEANING = {"type_comment", "type_params", "kind", "ctx", "type_ignores"}  # come and go with Python's version
EXERCISE = re.compile(r"^\s*(?:\w+ = )?check\.(\w+)\(", re.M)


# ------------------------------------------------------------------ code as text that only its meaning changes


def canonical(tree: ast.AST) -> str:
    """A syntax tree as text: no positions, comments or docstrings, nothing that depends on Python's version."""
    parts = []
    for name, value in ast.iter_fields(tree):
        if name in WITHOUT_MEANING or value is None or value == []:
            continue
        if name == "body" and isinstance(tree, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            value = value[1:] if _is_text(value[0]) else value
        items = value if isinstance(value, list) else [value]
        parts.append(f"{name}={[canonical(item) if isinstance(item, ast.AST) else repr(item) for item in items]}")
    return f"{type(tree).__name__}({', '.join(parts)})"


def _is_table(statement: ast.stmt) -> bool:
    """Whether a statement is the table `_WHERE = {"module": ("name", ...)}` of a package that imports when asked."""
    targets = getattr(statement, "targets", [getattr(statement, "target", None)])
    return any(isinstance(target, ast.Name) and target.id == "_WHERE" for target in targets)


def _is_text(statement: ast.stmt) -> bool:
    """Whether a statement is a string alone, as a docstring is."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def digest(*pieces: bytes | str) -> str:
    """The first 16 hexadecimal digits of a SHA-256 over all pieces, each with its length."""
    found = hashlib.sha256()
    for piece in pieces:
        raw = piece.encode() if isinstance(piece, str) else piece
        found.update(b"%d:" % len(raw) + raw)
    return found.hexdigest()[:16]


# ------------------------------------------------------------------ which modules code reaches


class _Code:
    """A module's text, read once: its tree, the nodes that are asked about, and a digest of its meaning."""

    def __init__(self, text: str):
        self.tree = ast.parse(text)
        self.nodes = [node for node in ast.walk(self.tree) if isinstance(node, _ASKED)]

    @cached_property
    def digest(self) -> str:
        body = [statement for statement in self.tree.body if not _is_table(statement)]
        return digest(canonical(ast.Module(body, [])))


_ASKED = (ast.Import, ast.ImportFrom, ast.Attribute, ast.Constant)
_code = cache(_Code)


class Package:
    """The modules of a package under `root`, and what each of them reaches."""

    def __init__(self, root: Path, name: str = LIBRARY):
        self.root, self.name = root, name
        self._codes: dict[str, _Code] = {}
        self._direct: dict[str, set[str]] = {}

    def file(self, module: str) -> Path | None:
        """The file of a module such as "lvm_lib.vae"; None where there is none."""
        place = self.root.joinpath(*module.split("."))
        return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)

    def code(self, module: str) -> _Code:
        """The code of a module. Raises SyntaxError with the file's name."""
        if module not in self._codes:
            path = self.file(module)
            assert path is not None, module
            try:
                self._codes[module] = _code(path.read_text(encoding="utf-8"))
            except SyntaxError as error:
                error.filename = str(path)
                raise
        return self._codes[module]

    def digest(self, module: str) -> str:
        """A digest of a module's code, without comments and docstrings.

        The table of a package that imports when asked does not count: of its names a chapter reaches some, and those
        modules count themselves. So a new name makes no chapter stale.
        """
        return self.code(module).digest

    def where(self, package: str) -> dict[str, str] | None:
        """Public name -> module, of a package that imports its modules only when asked; None for any other."""
        for statement in self.code(package).tree.body:
            if _is_table(statement):
                table = ast.literal_eval(statement.value)  # type: ignore[attr-defined]  # an assignment, by its target
                return {name: f"{package}.{module}" for module, names in table.items() for name in names}
        return None

    def taken(self, module: str, name: str) -> set[str]:
        """The modules that `from module import name` reaches, beside `module` itself."""
        if self.file(f"{module}.{name}"):
            return {f"{module}.{name}"}
        table = self.where(module) or {}
        return set(table.values()) if name == "*" else {table[name]} if name in table else set()

    def direct(self, module: str) -> set[str]:
        """What a module of the package reaches in one step, the packages around it included."""
        if module not in self._direct:
            path = self.file(module)
            inside = module if path is not None and path.name == "__init__.py" else module.rpartition(".")[0]
            self._direct[module] = self.reached_by(self.code(module).nodes, inside)
        return self._direct[module]

    def reached_by(self, nodes: list[ast.AST], inside: str = "") -> set[str]:
        """The modules of the package that code names: in imports, and as attributes of what it imported."""
        reached, names = set(), {}
        for node in nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name.split(".")[0] == self.name:
                        reached.add(alias.name)
                        names[alias.asname or self.name] = alias.name if alias.asname else self.name
            elif isinstance(node, ast.ImportFrom):
                base = self._base(node, inside)
                if base.split(".")[0] != self.name:
                    continue
                reached.add(base)
                for alias in node.names:
                    found = self.taken(base, alias.name)
                    reached |= found
                    if f"{base}.{alias.name}" in found:
                        names[alias.asname or alias.name] = f"{base}.{alias.name}"
        for node in nodes:
            if isinstance(node, ast.Attribute):
                reached |= self._along(node, names)
        return {around for module in reached for around in self._with_parents(module)}

    def _base(self, node: ast.ImportFrom, inside: str) -> str:
        """The module that a from-import names, relative ones resolved against the package that it stands in."""
        if not node.level:
            return node.module or ""
        parts = inside.split(".")[: len(inside.split(".")) - node.level + 1]
        return ".".join([*parts, *filter(None, [node.module])])

    def _along(self, node: ast.Attribute, names: dict[str, str]) -> set[str]:
        """The modules along a dotted name such as figures.ElboFigure or lvm_lib.check.elbo_gap."""
        chain = [node.attr]
        while isinstance(node.value, ast.Attribute):
            node = node.value
            chain.append(node.attr)
        if not isinstance(node.value, ast.Name) or node.value.id not in names:
            return set()
        module, found = names[node.value.id], set()
        for name in reversed(chain):
            taken = self.taken(module, name)
            found |= taken
            if f"{module}.{name}" not in taken:
                break
            module = f"{module}.{name}"
        return found

    def _with_parents(self, module: str) -> list[str]:
        parts = module.split(".")
        around = [".".join(parts[:k]) for k in range(1, len(parts) + 1)]
        return [name for name in around if self.file(name)]

    def closure(self, start: set[str]) -> set[str]:
        """All modules that those of `start` reach, themselves included."""
        reached: set[str] = set()
        waiting = set(start)
        while waiting:
            module = waiting.pop()
            reached.add(module)
            waiting |= self.direct(module) - reached
        return reached

    def data_of(self, module: str) -> set[Path]:
        """The data files beside a module, and those of the folders beside it that it names.

        A file that bears another module's name is that module's alone.
        """
        path = self.file(module)
        assert path is not None, module
        named = {node.value for node in self.code(module).nodes if isinstance(node, ast.Constant)}
        named = {name for name in named if isinstance(name, str) and re.fullmatch(r"[\w-]+", name)}
        beside = [path.parent] if path.parent != self.root / self.name else []
        inner = [path.parent / name for name in named if (path.parent / name).is_dir()]
        folders = [*beside, *(folder for folder in inner if not (folder / "__init__.py").exists())]
        found = {file for folder in folders for file in folder.iterdir() if file.suffix in DATA_SUFFIXES}
        return {file for file in found if file.stem == path.stem or not file.with_suffix(".py").exists()}


# ------------------------------------------------------------------ the parts of a chapter


def source(cell: dict) -> str:
    """A cell's source as one string (notebook files keep it as a list of lines)."""
    return "".join(cell["source"])


def is_exercise(cell: dict) -> bool:
    """Whether a code cell asks for a reader's answer: it calls one of the book's checks."""
    return bool(EXERCISE.search(source(cell)))


def counted(notebook: dict) -> list[dict]:
    """The code cells that a run hangs on: all but the first one and the exercises."""
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return [cell for cell in code if not is_exercise(cell) and "setup" not in cell["metadata"].get("tags", [])]


def parsed(text: str) -> ast.Module:
    """The syntax tree of a cell; what IPython alone understands (lines with % or !) is left out, and kept as text."""
    lines = text.splitlines()
    plain = "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in lines)
    odd = [ast.Expr(ast.Constant(line)) for line in lines if line.lstrip().startswith(("%", "!"))]
    try:
        tree = ast.parse(plain)
    except SyntaxError:  # a cell that is meant to raise, or one that is being written
        return ast.Module([ast.Pass(), ast.Expr(ast.Constant(text))], [])
    return ast.Module([ast.Pass(), *tree.body, *odd], [])


def cell_digest(cell: dict) -> str:
    """A digest of a code cell's meaning and of its tags."""
    return digest(canonical(parsed(source(cell))), *sorted(cell["metadata"].get("tags", [])))


def imported(nodes: Iterable[ast.AST]) -> set[str]:
    """The top-level names of all packages that code imports, outside the standard library."""
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").split(".")[0])
    return found - set(sys.stdlib_module_names)


def pins(root: Path) -> dict[str, str]:
    """Distribution -> its line in requirements.txt."""
    lines = (root / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return {line.split("==")[0].lower(): line.strip() for line in lines if "==" in line and not line.startswith("#")}


@cache
def file_digest(path: Path, changed: int) -> str:
    """A digest of a file's bytes; `changed`, its time of change, renews what is remembered.

    Of an experiment's file what it found counts, not what that hangs on or was made with.
    """
    if path.parent.name == "experiments" and path.suffix == ".json":
        said = json.loads(path.read_text(encoding="utf-8"))
        return digest(json.dumps([said.get(part) for part in FOUND], sort_keys=True))
    return digest(path.read_bytes())


def reached(notebook: dict, package: Package) -> set[str]:
    """The library's modules that a chapter names; of its exercises only the checks (the rest is a reader's answer)."""
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]

    def named(cells) -> set[str]:
        return package.reached_by([node for cell in cells for node in ast.walk(parsed(source(cell)))])

    chapter = counted(notebook)
    answers = [cell for cell in code if is_exercise(cell)]
    judges = {name for name in named([*chapter, *answers]) if name.startswith(f"{package.name}.check")}
    return named(chapter) | judges


def parts(notebook: dict, root: Path = ROOT, package: Package | None = None) -> dict[str, str]:
    """All that a chapter's run hangs on: the name of each part and its digest."""
    package = package or Package(root)
    cells = counted(notebook)
    own = [node for cell in cells for node in ast.walk(parsed(source(cell)))]
    modules = sorted(package.closure({package.name, *reached(notebook, package)}))
    found = {CODE_CELLS: digest(*(f"{cell['id']}:{cell_digest(cell)}" for cell in cells))}
    for module in modules:
        path = package.file(module)
        assert path is not None, module
        found[path.relative_to(root).as_posix()] = package.digest(module)
        for file in sorted(package.data_of(module)):
            found[file.relative_to(root).as_posix()] = file_digest(file, file.stat().st_mtime_ns)
    known = pins(root)
    names = imported([*own, *(node for module in modules for node in package.code(module).nodes)]) - {package.name}
    for name in sorted({DISTRIBUTIONS.get(name, name).lower() for name in names} & set(known)):
        found[known[name]] = ""
    return dict(sorted(found.items()))


def changes(before: dict[str, str], now: dict[str, str]) -> list[str]:
    """What has changed between two keys, in words: [] where nothing has."""
    said = []
    for name in sorted({*before, *now}):
        if before.get(name) == now.get(name):
            continue
        if "==" in name:
            if name in now:
                said.append(f"{name} is pinned now")
            elif name.split("==")[0] not in {other.split("==")[0] for other in now}:
                said.append(f"{name.split('==')[0]} is no longer imported")
        elif name == CODE_CELLS:
            said.append("its code cells changed")
        else:
            said.append(
                f"{name} {'changed' if name in before and name in now else 'is new' if name in now else 'is gone'}"
            )
    return said


def read(path: Path) -> dict:
    """A notebook's JSON."""
    return json.loads(path.read_text(encoding="utf-8"))
