"""In JupyterLab, with a kernel: a live figure appears, moves, and Python reads it back.

A lab trains and shows its figure.
"""

import contextlib
import json
import time
import urllib.request

import nbformat
import pytest
from lab_server import SECONDS, serving
from playwright.sync_api import TimeoutError as PlaywrightTimeout

CELL = """\
import json, pathlib, ipywidgets
from lvm_lib.figures import GradientFigure
from lvm_lib.labs import Lab

figure = GradientFigure(mean=0.0)

def train(settings, progress, stopped):
    progress(0.5, "half")
    return settings["mean"]

def show(mean):
    pathlib.Path("trained.json").write_text(json.dumps(mean))
    return GradientFigure(mean=mean)

def moved(change):
    pathlib.Path("moved.json").write_text(json.dumps({"mean": figure.mean, "ratio_mean": figure.ratio_mean}))

figure.observe(moved, ["mean", "ratio_mean"])
lab = Lab({"mean": ipywidgets.FloatSlider(1.0, min=-2, max=2, description="mean")}, train, show)
ipywidgets.VBox([lab, figure])"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A JupyterLab in an empty folder with one notebook: its address and the folder."""
    folder = tmp_path_factory.mktemp("lab")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL, id="all")])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "figure.ipynb")
    with serving(folder) as address:
        start_kernel(address)
        yield address, folder


def start_kernel(address) -> None:
    """Start the notebook's kernel before any page does: the page then has none to start and nothing to ask."""
    wish = {"path": "figure.ipynb", "name": "figure.ipynb", "type": "notebook", "kernel": {"name": "python3"}}
    request = urllib.request.Request(
        address + "/api/sessions", json.dumps(wish).encode(), {"Content-Type": "application/json"}
    )
    urllib.request.urlopen(request, timeout=SECONDS).close()


def stated(root) -> dict:
    return json.loads(root.get_attribute("data-numbers"))


def test_a_figure_lives_and_moves_and_a_lab_trains(lab, browser):
    address, folder = lab
    with browser.new_context(viewport={"width": 1400, "height": 1000}) as window:
        page = window.new_page()
        page.set_default_timeout(1000 * SECONDS)
        page.goto(f"{address}/doc/tree/figure.ipynb")
        page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]")  # the kernel is there
        run(page)
        figure = page.locator("[data-figure=gradient]").first
        figure.wait_for()
        assert stated(figure)["mean"] == 0.0
        for _ in range(3):
            figure.get_by_label("mean of q").press("ArrowRight")
        page.wait_for_function(
            "JSON.parse(document.querySelector('[data-figure=gradient]').dataset.numbers).mean > 0.25"
        )
        now = stated(figure)
        page.wait_for_timeout(1000)  # what is read back is sent at 10 Hz
        found = written(page, folder / "moved.json")

        page.get_by_role("button", name="Train").click()
        assert written(page, folder / "trained.json") == 1.0
        page.wait_for_function("document.querySelectorAll('[data-figure=gradient]').length === 2")
        means = sorted(stated(page.locator("[data-figure=gradient]").nth(i))["mean"] for i in range(2))
    assert abs(found["mean"] - now["mean"]) < 1e-9 and abs(found["ratio_mean"] / now["ratio_mean"] - 1) < 1e-6
    assert means == [now["mean"], 1.0]


def run(page):
    """Click into the cell and press Shift+Enter, again where JupyterLab lost the first or put a question before it."""
    cell, questions, asked = page.locator(".jp-Notebook .jp-CodeCell").first, page.locator("dialog.jp-Dialog"), []
    for _ in range(SECONDS // 5):
        with contextlib.suppress(PlaywrightTimeout):  # a question came up in between: answered below, then tried again
            cell.locator(".cm-content").click(timeout=5000)
            page.keyboard.press("Shift+Enter")
        for _ in range(25):
            page.wait_for_timeout(200)
            if cell.locator(".jp-InputPrompt").inner_text().strip("[]: \xa0"):  # a number, or * while it runs
                return
            if questions.count():
                asked.append(" / ".join(questions.first.inner_text().split("\n")))
                questions.first.locator(".jp-mod-accept").click()
    pytest.fail(f"JupyterLab did not run the cell; it asked: {asked}")


def written(page, path):
    """What the kernel wrote to `path`, once it has."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):  # not there yet, or half written
            return json.loads(path.read_text())
        page.wait_for_timeout(100)
    pytest.fail(f"the kernel did not write {path.name}")
