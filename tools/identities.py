"""Equations, their tests and their code: every labelled equation of the book has a test, and every test an equation.

    python -m tools.identities             print the table; the exit status is 1 where the two do not match

Labels are read from the chapters by the parser that the book uses, so that what counts here is what is numbered there.
Tests are read from tests/identities/*.py as text (their code is not imported): see tests/identities/gate.py for how
to write one. A function or class of lvm_lib that computes an equation has its label in brackets in its docstring, as in
"... [em-m-step]". The page book/appendix/identities.md is filled in from both by _ext/identities.py.
"""

from __future__ import annotations

import ast
import collections
import functools
import itertools
import re
import sys
from pathlib import Path
from typing import NamedTuple

import nbformat

from tools import plain

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path("tests") / "identities"
SHORT = {
    "latent_variable_models": "lvm",
    "kl_and_mle": "kl",
    "em_vs_vae": "em",  # what labels begin with, where not
    "kmeans_to_vqvae": "kmeans",
    "vqvae_tokenizers": "tok",
    "what_a_vae_optimises": "vae",
    "priors_over_tokens": "tok",
}  # the page's name
MARK = re.compile(rf"\[((?:{'|'.join([*SHORT.values(), 'elbo', 'vae'])})-[a-z-]+)\]")  # a label in a docstring
CODE = {"code", "code-block", "code-cell", "literalinclude", "parsed-literal", "sourcecode"}


class Label(NamedTuple):
    """A labelled equation: where it stands and what it says."""

    label: str
    page: str  # the page's path from the root, without suffix: book/elbo
    suffix: str  # .ipynb or .md
    title: str  # the page's first heading
    heading: str  # the nearest heading above the equation
    tex: str


class Test(NamedTuple):
    """A test of an equation, as its source tells it."""

    __test__ = False  # not for pytest

    label: str
    file: str
    line: int
    function: str
    says: str  # the first line of the docstring
    tolerance: float | None  # largest relative difference of the two sides
    sigmas: float | None  # largest difference in standard errors, where a side is an average of samples


class Code(NamedTuple):
    """A function or class of the library that computes an equation: its docstring holds the label in brackets."""

    label: str
    file: str
    line: int
    name: str  # with its class, if it has one


# ------------------------------------------------------------------ equations


@functools.cache
def parser():
    """The part of the book's Markdown that can hold a labelled equation."""
    from markdown_it import MarkdownIt
    from mdit_py_plugins.colon_fence import colon_fence_plugin
    from mdit_py_plugins.dollarmath import dollarmath_plugin
    from mdit_py_plugins.front_matter import front_matter_plugin

    return (
        MarkdownIt("commonmark")
        .use(front_matter_plugin)
        .use(colon_fence_plugin)
        .use(dollarmath_plugin, allow_labels=True, label_normalizer=lambda label: re.sub(r"\s+", "-", label))
    )


def pages(root: Path) -> list[Path]:
    """Every page under book/, in the order of _toc.yml; pages that it does not name come last."""
    toc = root / "_toc.yml"
    listed = toc.read_text(encoding="utf-8") if toc.exists() else ""
    order = re.findall(r"^\s*(?:root|-?\s*file):\s*(\S+)", listed, re.M)
    found = [
        path
        for pattern in ("*.ipynb", "*.md")
        for path in sorted((root / "book").rglob(pattern))
        if ".ipynb_checkpoints" not in path.parts
    ]

    def place(path):
        name = path.relative_to(root).with_suffix("").as_posix()
        return order.index(name) if name in order else len(order)

    return sorted(found, key=place)


def markdown(path: Path) -> list[str]:
    """The Markdown texts of a page: its text cells, or the whole file."""
    if path.suffix == ".md":
        return [path.read_text(encoding="utf-8")]
    cells = nbformat.read(path, as_version=4).cells
    return [plain.dressed(cell.source) for cell in cells if cell.cell_type == "markdown"]


def labels(root: Path = ROOT) -> list[Label]:
    """Every labelled equation of the book, in reading order; a label that stands twice comes twice."""
    found = []
    for path in pages(Path(root)):
        events = [event for text in markdown(path) for event in _events(text)]
        headings = [text for kind, text, _ in events if kind == "heading"]
        title = heading = headings[0] if headings else path.stem
        page = path.relative_to(root).with_suffix("").as_posix()
        for kind, text, tex in events:
            if kind == "heading":
                heading = text
            else:
                found.append(Label(text, page, path.suffix, title, heading, tex))
    return found


def _events(text: str):
    """("heading", text, "") and ("label", label, tex) in the order of the text, also from inside directives."""
    tokens = parser().parse(text)
    for token, following in itertools.zip_longest(tokens, tokens[1:]):
        if token.type == "heading_open":
            yield "heading", following.content, ""
        elif token.type == "math_block_label":
            yield "label", token.info, token.content.strip()
        elif token.type in ("fence", "colon_fence") and (directive := re.match(r"\s*\{([\w:-]+)\}", token.info)):
            if directive[1] == "math":
                option = re.search(r"^:label:\s*(\S+)\s*$", token.content, re.M)
                if option:
                    yield "label", option[1], re.sub(r"^:\w+:.*$", "", token.content, flags=re.M).strip()
            elif directive[1] not in CODE:
                yield from _events(token.content)


# ------------------------------------------------------------------ tests


def tests(root: Path = ROOT) -> list[Test]:
    """Every function decorated with `@identity("label", ...)` in tests/identities/*.py."""
    found = []
    for path in sorted((Path(root) / FOLDER).glob("*.py")):
        if path.stem == "gate" or path.stem.startswith(("test_", "conftest")):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        for node in ast.walk(tree):
            for call in getattr(node, "decorator_list", ()):
                if isinstance(call, ast.Call) and ast.unparse(call.func) in ("identity", "gate.identity"):
                    found.append(_test(node, call, path.relative_to(root).as_posix()))
    return found


def _test(node, call, file: str) -> Test:
    """One test from its syntax; raises ValueError where label or bounds are not written out as constants."""
    try:
        (label,) = (ast.literal_eval(argument) for argument in call.args)
        bounds = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    except ValueError:
        raise ValueError(
            f"{file}:{node.lineno}: @identity takes one label and constants, got {ast.unparse(call)}"
        ) from None
    says = (ast.get_docstring(node) or "").split("\n")[0].rstrip(".")
    return Test(label, file, node.lineno, node.name, says, bounds.get("tolerance"), bounds.get("sigmas"))


# ------------------------------------------------------------------ code


def code(root: Path = ROOT) -> list[Code]:
    """Every place of lvm_lib whose docstring names an equation, file by file."""
    found = []
    for path in sorted((Path(root) / "lvm_lib").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        found += _named(tree, "", path.relative_to(root).as_posix())
    return found


def _named(node, inside: str, file: str):
    """What the functions and classes in `node` name; `inside`: the class around them, with its dot."""
    for part in node.body:
        if isinstance(part, ast.FunctionDef | ast.ClassDef):
            for label in MARK.findall(ast.get_docstring(part) or ""):
                yield Code(label, file, part.lineno, inside + part.name)
            if isinstance(part, ast.ClassDef):
                yield from _named(part, f"{part.name}.", file)


# ------------------------------------------------------------------ do they match?


def problems(root: Path = ROOT) -> list[str]:
    """What is wrong, a sentence each: nothing where every equation has a test and every test an equation."""
    equations, checks, places = labels(root), tests(root), code(root)
    tested, labelled = {check.label for check in checks}, {equation.label for equation in equations}
    said = []
    for label, times in collections.Counter(equation.label for equation in equations).items():
        if times > 1:
            said.append(f"equation {label} is labelled {times} times")
    for equation in equations:
        name = equation.page.rsplit("/", 1)[-1]
        prefix = SHORT.get(name, name.replace("_", "-")) + "-"
        if equation.label not in tested:
            said.append(
                f'equation {equation.label} in {equation.page}{equation.suffix} ("{equation.heading}") '
                f"has no test in {FOLDER.as_posix()}"
            )
        if not equation.label.startswith(prefix):
            said.append(f"equation {equation.label} in {equation.page}{equation.suffix} must begin with {prefix}")
    for check in checks:
        if check.label not in labelled:
            said.append(
                f"{check.file}:{check.line}: {check.function} tests {check.label}, and no equation has this label"
            )
        if not check.says:
            said.append(f"{check.file}:{check.line}: {check.function} has no docstring that says what is compared")
    said += [
        f"{place.file}:{place.line}: {place.name} names {place.label}, and no equation has this label"
        for place in places
        if place.label not in labelled
    ]
    return said


def main() -> int:
    equations, checks, places = labels(), tests(), code()
    width = max([len(equation.label) for equation in equations] + [5])
    for equation in equations:
        own = [check for check in checks if check.label == equation.label]
        where = ", ".join(f"{check.file}:{check.line} {check.function}" for check in own) or "NO TEST"
        computed = ", ".join(
            f"{place.file}:{place.line} {place.name}" for place in places if place.label == equation.label
        )
        print(f"{equation.label:{width}}  {equation.page:20}  {where}  {computed}".rstrip())
    said = problems()
    print(*said, sep="\n", file=sys.stderr)
    print(f"{len(equations)} equations, {len(checks)} tests, {len(said)} problems")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
