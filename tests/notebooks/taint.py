"""Which names of a notebook hang on training: a simple analysis of its cells' syntax trees, in their order.

A value is *trained* if it comes out of a training call (`fit(...)`, `climb(...)`, `optimiser.step()`, or a function of
the notebook that makes one), or is computed from a trained value. `fit(net, ...)` makes `net` trained; a step makes
trained what the optimiser was made from. The analysis errs on the safe side: one trained entry makes a list trained,
what may happen in a branch happens, a loop runs. Assigning something else to a name sets it free again.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tools.budgets import budget

TRAINS = {"fit", "climb"}  # functions, by whatever module they are reached
STEPS = {"step"}  # methods
PRINTS = {"print", "within", "table"}  # what shows numbers as text


class Notebook:
    """What is known after the cells that were read so far."""

    def __init__(self):
        self.trained: set[str] = set()
        self.functions: dict[str, ast.FunctionDef | ast.Lambda] = {}
        self.made_from: dict[str, set[str]] = {}  # of an object: the names in the expression that made it
        self.imported: set[str] = set()

    def read(self, source: str) -> ast.Module:
        """Read one cell; returns its tree, statements and calls of `print` marked with `.is_trained`."""
        tree = ast.parse(source)
        self.block(tree.body, certain=True)
        return tree

    # ------------------------------------------------ expressions

    def is_training(self, call: ast.AST) -> bool:
        """Whether a call trains something, itself or through a function of the notebook."""
        match call:
            case ast.Call(func=ast.Name(id=name)):
                return name in TRAINS or (name in self.functions and self.body_trains(name))
            case ast.Call(func=ast.Attribute(value=value, attr=name)):
                module = isinstance(value, ast.Name)  # ways.climb, not figure.fit()
                return name in STEPS or (name in TRAINS and module and value.id not in self.made_from)
        return False

    def body_trains(self, name: str, seen: frozenset[str] = frozenset()) -> bool:
        if name in seen or name not in self.functions:
            return False
        inside = [node for node in ast.walk(self.functions[name]) if isinstance(node, ast.Call)]
        called = {call.func.id for call in inside if isinstance(call.func, ast.Name)}
        plain = [call for call in inside if not (isinstance(call.func, ast.Name) and call.func.id in self.functions)]
        return any(map(self.is_training, plain)) or any(self.body_trains(other, seen | {name}) for other in called)

    def is_trained(self, node: ast.AST, seen: frozenset[str] = frozenset(), own: frozenset[str] = frozenset()) -> bool:
        """Whether an expression trains, or reads a trained name, also inside a function of the notebook.

        seen: functions that are being looked into already.  own: names that mean something else in this scope.
        """
        match node:
            case ast.Call() if self.is_training(node):
                return True
            case ast.Name(id=name, ctx=ast.Load()) if name not in own:
                function = self.functions.get(name)
                inside = function is not None and name not in seen and self.is_trained(function, seen | {name})
                return name in self.trained or inside
            case ast.FunctionDef() | ast.Lambda():
                own |= {argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)}
                own |= stored(node) if isinstance(node, ast.FunctionDef) else set()
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                if any(self.is_trained(part.iter, seen, own) for part in node.generators):
                    return True
                own |= stored(node)
        return any(self.is_trained(child, seen, own) for child in ast.iter_child_nodes(node))

    # ------------------------------------------------ statements

    def block(self, statements: list[ast.stmt], certain: bool) -> None:
        for statement in statements:
            self.statement(statement, certain)

    def statement(self, node: ast.stmt, certain: bool) -> None:
        match node:
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                self.imported |= {(alias.asname or alias.name).split(".")[0] for alias in names}
                return
            case ast.FunctionDef():
                self.functions[node.name] = node
                self.trained.discard(node.name)
                return
            case ast.Assign(targets=targets, value=value):
                self.assign(targets, value, certain)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self.assign([target], value, certain)
            case ast.AugAssign(target=target, value=value):
                self.assign([target], value, certain=False)
            case ast.For(target=target, iter=source, body=body, orelse=orelse):
                self.mark(source)
                for _ in range(2):  # the second round knows what the first left behind
                    self.assign([target], source, certain)
                    self.block(body, certain)
                self.block(orelse, certain)
                return
            case ast.While(test=test, body=body) | ast.If(test=test, body=body):
                for _ in range(2):
                    self.mark(test)
                    self.block(body + node.orelse, certain=False)
                return
            case ast.With(items=items, body=body):
                for item in items:
                    self.mark(item)
                self.block(body, certain)
                return
            case ast.Try():
                handlers = [statement for handler in node.handlers for statement in handler.body]
                self.block(node.body + handlers + node.orelse + node.finalbody, certain=False)
                return
        self.mark(node)

    def assign(self, targets: list[ast.expr], value: ast.expr, certain: bool) -> None:
        trained = self.is_trained(value)
        for target in targets:
            for name in (n.id for n in ast.walk(target) if isinstance(n, ast.Name)):
                if trained:
                    self.trained.add(name)
                elif certain and not isinstance(target, (ast.Subscript, ast.Attribute)):
                    self.trained.discard(name)
            if isinstance(target, ast.Name):
                self.made_from[target.id] = {n.id for n in ast.walk(value) if isinstance(n, ast.Name)}
                self.functions.pop(target.id, None)
                if isinstance(value, ast.Lambda):
                    self.functions[target.id] = value

    def mark(self, node: ast.AST) -> None:
        """Mark the expressions of a simple statement, and note what its calls change in place."""
        for call in [n for n in ast.walk(node) if isinstance(n, ast.Call)]:
            if self.is_training(call):
                self.trained |= self.trained_by(call)
        match node:  # results.append(trained): a method that is called for what it does
            case ast.Expr(value=ast.Call(func=ast.Attribute() as method) as call):
                if any(map(self.is_trained, arguments(call))):
                    self.trained |= base(method) - self.imported
        for part in [node, *(call for call in calls(node) if called(call) in PRINTS)]:
            part.is_trained = getattr(part, "is_trained", False) or self.is_trained(part)

    def trained_by(self, call: ast.Call) -> set[str]:
        """The names whose objects a training call changes."""
        if isinstance(call.func, ast.Attribute) and call.func.attr in STEPS:
            made_from = (self.made_from.get(name, set()) for name in base(call.func))
            return base(call.func).union(*made_from) - self.imported
        if isinstance(call.func, ast.Name) and call.func.id in self.functions:
            function = self.functions[call.func.id]
            changed = set().union(*(self.trained_by(c) for c in calls(function) if self.is_training(c)))
            named = [argument.arg for argument in function.args.args]
            given = dict(zip(named, call.args, strict=False)) | {word.arg: word.value for word in call.keywords}
            return {n.id for name, value in given.items() if name in changed for n in ast.walk(value)
                    if isinstance(n, ast.Name)}  # fmt: skip  # one clause to a line
        first = [*call.args[:1], *(word.value for word in call.keywords if word.arg == "model")]
        return {n.id for value in first for n in ast.walk(value) if isinstance(n, ast.Name)}


def arguments(call: ast.Call) -> Iterator[ast.expr]:
    yield from call.args
    yield from (word.value for word in call.keywords)


def stored(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def calls(node: ast.AST) -> list[ast.Call]:
    return [n for n in ast.walk(node) if isinstance(n, ast.Call)]


def base(node: ast.expr) -> set[str]:
    """The name that an attribute or an entry belongs to: of `a.b[0].c`, a."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return {node.id} if isinstance(node, ast.Name) else set()


# ------------------------------------------------------------------ what a chapter may not do


def called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def problems(cells: list[tuple[str, str, bool]], most: int = int(budget("chapter", "claims"))) -> list[str]:
    """What breaks the rules about trained numbers in cells (id, source, whether its output is left uncompared).

    No assertion in a cell that reads a trained value, but `holds`; no such cell may print unless its output is left
    uncompared; `holds` stands in no loop and in uncompared cells only; there are at most `most` of them.
    """
    notebook, found, count = Notebook(), [], 0
    for name, source, uncompared in cells:
        tree = notebook.read(source)
        depends = any(getattr(node, "is_trained", False) for node in ast.walk(tree))
        claims = [call for call in calls(tree) if called(call) == "holds"]
        count += len(claims)
        asserts = [n for n in ast.walk(tree) if isinstance(n, ast.Assert)]
        asserts += [call for call in calls(tree) if called(call).startswith("assert")]
        loops = [n for n in ast.walk(tree) if isinstance(n, (ast.For, ast.While, ast.FunctionDef, ast.comprehension))]
        if depends and asserts:
            found.append(f"{name}: asserts in a cell with trained values; claim them through holds")
        if claims and not uncompared:
            found.append(f"{name}: claims without the tag nbval-ignore-output")
        if any(called(call) == "holds" for loop in loops for call in calls(loop)):
            found.append(f"{name}: holds in a loop or function: claim the worst of the values, once")
        if not uncompared and any(
            called(call) in PRINTS and getattr(call, "is_trained", False) for call in calls(tree)
        ):
            found.append(f"{name}: prints trained numbers as compared output")
    if count > most:
        found.append(f"{count} claims, at most {most} are allowed")
    return found
