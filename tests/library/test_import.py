"""`import lvm_lib` is light: nothing heavy is loaded before it is needed."""

import subprocess
import sys
from pathlib import Path

import pytest

import lvm_lib

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "matplotlib", "scipy", "anywidget", "ipywidgets", "IPython", "pooch")


def loaded_by(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after `statement`."""
    code = f"{statement}\nimport sys\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_library_loads_nothing_heavy():
    assert loaded_by("import lvm_lib").isdisjoint(HEAVY)


def test_the_exact_half_needs_neither_torch_nor_plots():
    loaded = loaded_by("from lvm_lib import bounds, check, claims, curve, data, densities, mixture, ppca, quadrature")
    assert loaded.isdisjoint({"torch", "matplotlib", "anywidget", "IPython"})


@pytest.mark.parametrize("name", lvm_lib.MODULES)
def test_every_listed_module_is_there_and_says_what_is_public(name):
    module = getattr(lvm_lib, name)
    assert module.__all__ and all(hasattr(module, item) for item in module.__all__)
    assert module.__doc__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nosuch"):
        _ = lvm_lib.nosuch
