"""Every public function of the library says what it takes, what it gives back and what it refuses."""

import ast
import re
from pathlib import Path

import pytest

LIBRARY = Path(__file__).resolve().parents[2] / "lvm_lib"

TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(LIBRARY.rglob("*.py"))}


def modules():
    """The public modules, as paths."""
    return sorted(path for path in LIBRARY.rglob("*.py") if not path.name.startswith("_"))


def public(tree):
    """(name, function) of everything public in a module; a class's maker goes by the name of the class."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node.name, node
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for part in node.body:
                if isinstance(part, ast.FunctionDef) and (not part.name.startswith("_") or part.name == "__init__"):
                    yield f"{node.name}.{part.name}", part


def arguments(function):
    """Every parameter but self and cls."""
    given = function.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    return [one for one in every if one is not None and one.arg not in ("self", "cls")]


def untyped(tree):
    """What a module leaves open: a parameter without a type, or Any; a function that does not say what it returns."""
    for name, function in public(tree):
        for one in arguments(function):
            if one.annotation is None or re.search(r"\bAny\b", ast.unparse(one.annotation)):
                yield f"{name}({one.arg})"
        if function.name != "__init__" and (function.returns is None or "Any" in ast.unparse(function.returns)):
            yield f"{name} ->"


# ---------------------------------------------------------------- what may raise


def functions(tree, name):
    """Functions and methods of that name in a module; of a class, what makes it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name == name:
            yield from (part for part in node.body if getattr(part, "name", "") in ("__init__", "__post_init__"))
        elif isinstance(node, ast.FunctionDef) and node.name == name:
            yield node


def makers(node, path, tree):
    """(path, tree, function) of what makes a class: its own maker, or that of its first base that has one."""
    own = [(path, tree, maker) for maker in functions(tree, node.name)]
    for base in map(ast.unparse, () if own else node.bases):
        origin, name = imported(path, tree).get(base, (path, base))
        there = TREES[origin] if origin != path else tree
        classes = [one for one in there.body if isinstance(one, ast.ClassDef) and one.name == name]
        own = own or [maker for one in classes for maker in makers(one, origin, there)]
    return own


def imported(path, tree):
    """Name in a module -> (module of the library that it comes from, its name there or None for a module)."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level and path is not None:
            folder = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            for alias in node.names:
                inside, whole = folder / f"{alias.name}.py", folder.with_suffix(".py")
                origin = (inside, None) if inside in TREES else (whole, alias.name) if whole in TREES else None
                if origin:
                    found[alias.asname or alias.name] = origin
    return found


def callees(node, path, tree):
    """(path, tree, function) of the library's functions that a call may reach, where its words say which."""
    function, known = node.func, imported(path, tree)
    if isinstance(function, ast.Name):
        origin, name = known.get(function.id, (None, function.id))
        where = (origin, TREES[origin]) if origin else (path, tree)
        yield from ((*where, one) for one in (functions(where[1], name) if name else ()))
    elif isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        owner = function.value.id
        if owner in ("self", "cls"):
            yield from ((path, tree, one) for one in functions(tree, function.attr))
        elif owner in known and known[owner][1] is None:
            origin = known[owner][0]
            yield from ((origin, TREES[origin], one) for one in functions(TREES[origin], function.attr))


def refuses(function, path, tree, above=()):
    """Whether a function raises: itself, or through what it calls in the library."""
    if function in above:
        return False
    if function not in KNOWN:
        found = any(
            (isinstance(node, ast.Raise) and node.exc is not None and "NotImplementedError" not in ast.unparse(node))
            or (
                isinstance(node, ast.Call)
                and any(refuses(one, *at, (*above, function)) for *at, one in callees(node, path, tree))
            )
            for node in ast.walk(function)
        )
        if above and not found:  # perhaps cut short by a circle
            return False
        KNOWN[function] = found
    return KNOWN[function]


KNOWN = {}


def answering(function):
    """A check of answers: what it refuses the learner reads as a message, for @guarded raises nothing."""
    return any(ast.unparse(one) == "guarded" for one in function.decorator_list)


def offered(tree):
    """(name, function) of what is public, also through a private base of a public class."""
    yield from public(tree)
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    bases = {ast.unparse(base) for node in classes if not node.name.startswith("_") for base in node.bases}
    for node in classes:
        if node.name.startswith("_") and node.name in bases:
            parts = (part for part in node.body if isinstance(part, ast.FunctionDef) and part.name[0] != "_")
            yield from ((f"{node.name}.{part.name}", part) for part in parts)


def silent(tree, path=None):
    """Public functions and classes that refuse an argument and do not say so."""
    says = re.compile(r"\b[Rr]aises?\b|Error\b")
    for name, function in offered(tree):
        if function.name == "__init__" or answering(function) or not arguments(function):
            continue
        if any(ast.unparse(one).endswith(".setter") for one in function.decorator_list):
            continue  # its words stand at the getter
        if refuses(function, path, tree) and not says.search(ast.get_docstring(function) or ""):
            yield name
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            refused = any(refuses(maker, *at) for *at, maker in makers(node, path, tree))
            if refused and not says.search(ast.get_docstring(node) or ""):
                yield node.name


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(LIBRARY)))
def test_every_public_parameter_has_a_type_and_none_is_any(path):
    assert list(untyped(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(LIBRARY)))
def test_what_a_public_function_refuses_stands_in_its_docstring(path):
    assert list(silent(TREES[path], path)) == []


SLOPPY = '''
def area(width, height: Any) -> float:
    """Width times height."""
    return _side(width) * height


def _side(value):
    if value < 0:
        raise ValueError("width must not be negative")
    return value


class Box:
    """A box."""

    def __init__(self, width: float):
        if width < 0:
            raise ValueError("width must not be negative")


class Crate(Box):
    """A box of wood."""
'''


def test_what_is_left_open_is_seen():
    tree = ast.parse(SLOPPY)
    assert list(untyped(tree)) == ["area(width)", "area(height)"]
    assert list(silent(tree)) == ["area", "Box", "Crate"]
    mended = ast.parse(SLOPPY.replace("times height.", "times height. Raises ValueError."))
    assert list(silent(mended)) == ["Box", "Crate"]
