"""The process in which a submission's code runs: it runs cells, calls functions that they made, and nothing else.

Started by prison.py with two pipes, which the judge holds on the other side. Standard input and output lead nowhere.
"""

from __future__ import annotations

import ast
import sys
import types

from tools.grading import wire

SAID = 500  # characters of an error
CO_COROUTINE = 0x80  # a cell that awaits


class Shell:
    """Stands where IPython's shell would be: a magic or a command of the system does nothing here."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *arguments, **named: None

    def getoutput(self, *arguments, **named):
        """What `files = !ls` would give."""
        return []


class Recorder(types.ModuleType):
    """Stands where `lvm_lib.check` would be: keeps what a check is asked, and judges nothing."""

    def __init__(self):
        super().__init__("lvm_lib.check")
        self.kept: dict[str, tuple[tuple, dict]] = {}

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)

        def check(*answers, **named):
            self.kept[name] = answers, named

        return check


class Inside:
    """What the judge may ask: "before", "cell", "call", "get", "slope"."""

    def __init__(self, line: wire.Line):
        self.line = line
        self.things: dict[int, object] = {}
        self.names: dict[str, object] = {"__name__": "__main__", "__builtins__": __builtins__}
        shell = Shell()
        self.names |= {"display": shell.display, "get_ipython": lambda: shell}  # a notebook has them without an import
        self.recorder = Recorder()
        import lvm_lib

        sys.modules["lvm_lib.check"] = self.recorder
        lvm_lib.check = self.names["check"] = self.recorder  # there also where its import is gone

    # -------------------------------------------------------------- values

    def handle(self, value) -> dict:
        identity = len(self.things)
        self.things[identity] = value
        torch = sys.modules.get("torch")
        if torch is not None and isinstance(value, torch.nn.Module):
            value.eval()
        return {"handle": identity, "type": type(value).__name__[:80], "calls": callable(value)}

    def encode(self, value):
        return wire.encode(value, self.handle)

    def taken(self, data: dict):
        """A handle of the judge's: a function that it lends, or a tensor whose gradient it wants."""
        if "tensor" in data:
            leaf = data["tensor"].requires_grad_()
            self.things[("leaf", data["grows"])] = leaf
            return leaf

        def lent(*arguments):
            self.line.send({"back": data["handle"], "arguments": self.encode(list(arguments))})
            answer = self.line.receive()
            if "error" in answer:
                kind = getattr(__builtins__, answer["error"][0], RuntimeError)
                raise (kind if isinstance(kind, type) and issubclass(kind, Exception) else RuntimeError)(
                    answer["error"][1]
                )
            return wire.decode(answer["value"], self.taken)

        return lent

    # -------------------------------------------------------------- what is asked

    def before(self, message: dict) -> dict:
        """Run the statements that an exercise needs, each for itself: what fails is missed by the exercise."""
        for code in message["codes"]:
            self.quietly(code)
        return {"value": None}

    def cell(self, message: dict) -> dict:
        """Run an exercise's cell; what its check was asked, or its arguments' values."""
        self.recorder.kept.pop(message["check"], None)
        error = None
        try:
            self.run(message["source"], "your cell")
        except BaseException as problem:
            error = account(problem)
        asked = message["check"] in self.recorder.kept
        answers, named = self.recorder.kept.get(message["check"], ((), {}))
        if not asked:  # the call is gone, or never reached
            answers = tuple(self.value_of(code) for code in message["arguments"])
        return {
            "answers": self.encode(answers),
            "named": {name: self.encode(value) for name, value in named.items()},
            "asked": asked,
            "error": error,
            "torch": "torch" in sys.modules,
        }

    def run(self, code: str, name: str) -> None:
        """Run code as a notebook does, where a cell may await."""
        compiled = compile(code, name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        if compiled.co_flags & CO_COROUTINE:
            import asyncio

            asyncio.run(eval(compiled, self.names))
        else:
            exec(compiled, self.names)

    def quietly(self, code: str) -> None:
        try:
            self.run(code, "a cell before")
        except BaseException as problem:
            if isinstance(problem, KeyboardInterrupt):
                raise

    def value_of(self, code: str):
        try:
            return eval(compile(ast.parse(code, mode="eval"), "its arguments", "eval"), self.names)
        except BaseException:
            return ...

    def call(self, message: dict) -> dict:
        function = self.things[message["handle"]]
        arguments = wire.decode(message["arguments"], self.taken)
        named = {name: wire.decode(value, self.taken) for name, value in message["named"].items()}
        return {"value": self.encode(function(*arguments, **named))}

    def get(self, message: dict) -> dict:
        return {"value": self.encode(getattr(self.things[message["handle"]], message["name"]))}

    def slope(self, message: dict) -> dict:
        """Gradients of tensors that a call returned, by those that it was given."""
        import torch

        pairs = [
            (self.things[number], wire.decode(slope, self.taken))
            for number, slope in zip(message["of"], message["slopes"], strict=True)
            if slope is not None
        ]
        leaves = [self.things[("leaf", number)] for number in message["by"]]
        found = torch.autograd.grad(
            [of for of, _ in pairs], leaves, [slope for _, slope in pairs], retain_graph=True, allow_unused=True
        )
        return {"value": [None if part is None else self.encode(part.detach()) for part in found]}

    def serve(self) -> None:
        while True:
            try:
                message = self.line.receive()
            except wire.Closed:
                return
            try:
                answer = getattr(self, message["do"])(message)  # the judge asks, not the submission
            except BaseException as problem:
                answer = {"error": account(problem)}
            self.line.send(answer)


def account(problem: BaseException) -> list:
    """[names of the error's classes, its text], whatever it is."""
    kinds = [kind.__name__[:80] for kind in type(problem).__mro__][:20]
    try:
        said = str(problem)[:SAID]
    except BaseException:
        said = ""
    return [kinds, said]


if __name__ == "__main__":
    ends = int(sys.argv[1]), int(sys.argv[2])
    if sys.argv[3] == "walled":  # within namespaces of its own this counts its own processes and threads alone
        import resource

        resource.setrlimit(resource.RLIMIT_NPROC, (64, 64))
    Inside(wire.Line(*ends)).serve()
