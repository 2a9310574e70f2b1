"""Processes that begin where another stands that has imported what a build needs: each is forked from it.

A build of a small book spends a third of its time on imports of Sphinx and its company, which no test is about. The
book's own code, that of `lvm_lib`, `tools` and `_ext`, is imported by each process for itself, from the folder that it
runs in. Variables that a process reads as it starts (PYTHONHASHSEED, those of the arithmetic) need a real start.
"""

import atexit
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SERVER = r"""
import importlib, json, os, runpy, sys, traceback

for name in ("jupyter_book.cli.main", "jupyter_book.sphinx", "sphinx.application", "sphinx.builders.html",
             "myst_nb.sphinx_ext", "sphinx.ext.mathjax", "nbformat", "nbclient", "bs4", "yaml", "quickjs"):
    try:
        importlib.import_module(name)
    except ImportError:
        pass


def run(job):
    for number, file in enumerate((os.devnull, job["out"], job["err"])):
        os.dup2(os.open(file, os.O_RDONLY if number == 0 else os.O_WRONLY), number)
    os.environ.clear()
    os.environ.update(job["environment"])
    os.chdir(job["folder"])
    kind, what, *words = job["words"]
    sys.argv = [kind, *words]
    sys.path_importer_cache.clear()
    importlib.invalidate_caches()
    try:
        if kind == "-m":
            runpy.run_module(what, run_name="__main__", alter_sys=True)
        else:
            exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})
        return 0
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1


for line in sys.stdin:
    child = os.fork()
    if not child:
        code = run(json.loads(line))
        import atexit
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
AT_START = ("PYTHON", "OMP_", "OPENBLAS_", "MKL_", "ATEN_")


class Warm:
    """One such process, and what is forked from it, one after the other; it ends with the process that started it."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="warm-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen([sys.executable, "-c", SERVER], text=True, cwd=self.folder, **pipes)

    def run(self, words, folder, environment):
        """As subprocess.run([sys.executable, *words], ...) there, with text in what it gives."""
        out, err = self.folder / "out", self.folder / "err"
        out.write_text("")
        err.write_text("")
        job = {"words": words, "folder": str(folder), "environment": environment, "out": str(out), "err": str(err)}
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        code = int(self.process.stdout.readline())
        return subprocess.CompletedProcess(words, code, out.read_text(), err.read_text())


@functools.cache
def process() -> Warm:
    """The one of this process."""
    return Warm()


def can_be(command, variables) -> bool:
    """Whether a command may be such a process."""
    python = command[0] == sys.executable and command[1] in ("-c", "-m") and hasattr(os, "fork")
    return python and not any(name.startswith(AT_START) for name in variables)
