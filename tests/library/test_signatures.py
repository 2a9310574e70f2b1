"""Every public function of the library says what it takes, what it gives back and what it refuses."""

import ast
import re
from pathlib import Path

import pytest

LIBRARY = Path(__file__).resolve().parents[2] / "lvm_lib"

# What raises TypeError or ValueError for its caller: the checks that `_checks` and `_torch` lend to the other modules.
CHECKS = {
    node.name
    for name in ("_checks.py", "_torch.py")
    for node in ast.parse((LIBRARY / name).read_text(encoding="utf-8")).body
    if isinstance(node, ast.FunctionDef) and re.search(r"raise |\bcount\(", ast.unparse(node))
}


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


def called(node):
    """The name that a call calls, where it is a function of this module or of the checks."""
    if isinstance(node.func, ast.Name):
        return node.func.id
    if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
        return node.func.attr if node.func.value.id in ("self", "cls", "_checks") else None
    return None


def refuses(function, own, seen=frozenset()):
    """Whether a function raises: itself, by a check, or through a private function of its module."""
    for node in ast.walk(function):
        if isinstance(node, ast.Raise) and node.exc is not None and "NotImplementedError" not in ast.unparse(node):
            return True
        name = called(node) if isinstance(node, ast.Call) else None
        if name in CHECKS and name not in own:
            return True
        private = own.get(name, []) if (name or "").startswith("_") and name not in seen else []
        if any(refuses(other, own, seen | {name}) for other in private):
            return True
    return False


def silent(tree):
    """Public functions and classes that refuse something and do not say so."""
    own = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            own.setdefault(node.name, []).append(node)
    says = re.compile(r"\b[Rr]aises?\b|Error\b")
    for name, function in public(tree):
        if (
            function.name != "__init__"
            and refuses(function, own)
            and not says.search(ast.get_docstring(function) or "")
        ):
            yield name
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            makers = [
                p for p in node.body if isinstance(p, ast.FunctionDef) and p.name in ("__init__", "__post_init__")
            ]
            if any(refuses(maker, own) for maker in makers) and not says.search(ast.get_docstring(node) or ""):
                yield node.name


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(LIBRARY)))
def test_every_public_parameter_has_a_type_and_none_is_any(path):
    assert list(untyped(ast.parse(path.read_text(encoding="utf-8")))) == []


# What a check refuses of an answer, the learner reads as a message: nothing is raised.
RAISING = [path for path in modules() if path.parent.name != "check"]


@pytest.mark.parametrize("path", RAISING, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_what_a_public_function_refuses_stands_in_its_docstring(path):
    assert list(silent(ast.parse(path.read_text(encoding="utf-8")))) == []


SLOPPY = '''
def area(width, height: Any) -> float:
    """Width times height."""
    return _side(width) * height


def _side(value):
    return real_number("width", value)


class Box:
    """A box."""

    def __init__(self, width: float):
        if width < 0:
            raise ValueError("width must not be negative")
'''


def test_what_is_left_open_is_seen():
    tree = ast.parse(SLOPPY)
    assert list(untyped(tree)) == ["area(width)", "area(height)"]
    assert list(silent(tree)) == ["area", "Box"]
    assert list(silent(ast.parse(SLOPPY.replace("times height.", "times height. Raises ValueError.")))) == ["Box"]
