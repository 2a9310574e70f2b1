"""In JupyterLab, with a kernel: a live figure appears, moves, and Python reads it back.

A lab trains and shows its figure.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request

import nbformat
import pytest
from built_book import ROOT
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
SECONDS = 40


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A JupyterLab on this machine alone, in an empty folder with one notebook: its address and the folder."""
    if subprocess.run([sys.executable, "-m", "jupyterlab", "--version"], capture_output=True).returncode:
        if os.environ.get("CI"):
            pytest.fail("JupyterLab is missing, and in CI nothing may be skipped")
        pytest.skip("JupyterLab is missing: pip install -r requirements-test.txt")
    folder, port = tmp_path_factory.mktemp("lab"), free_port()
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL, id="all")])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "figure.ipynb")
    own = {
        name: str(folder / f".{name.lower()}")
        for name in (
            "JUPYTER_CONFIG_DIR",
            "JUPYTER_DATA_DIR",
            "JUPYTER_RUNTIME_DIR",
            "JUPYTERLAB_SETTINGS_DIR",
            "JUPYTERLAB_WORKSPACES_DIR",
            "IPYTHONDIR",
        )
    }
    environment = {
        **os.environ,
        **own,
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        "--IdentityProvider.token=",
        "--ServerApp.password=",
        "--ServerApp.disable_check_xsrf=True",
        "--allow-root",
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        f"--ServerApp.root_dir={folder}",
    ]
    with open(folder / "server.log", "w") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        answers(address + "/api/status", server, folder / "server.log")
        start_kernel(address)
        yield address, folder
    finally:
        server.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(10)
        if server.poll() is None:
            server.kill()


def answers(url, server, log) -> None:
    """Wait until the server answers; fails with its log if it ended, or after a minute."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2):
            return
        time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")


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
