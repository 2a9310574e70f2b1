"""A JupyterLab on this machine alone, for the tests that open notebooks in it."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from built_book import ROOT

SECONDS = 40


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def serving(folder):
    """Serve a folder until the end; gives the address."""
    if subprocess.run([sys.executable, "-m", "jupyterlab", "--version"], capture_output=True).returncode:
        if os.environ.get("CI"):
            pytest.fail("JupyterLab is missing, and in CI nothing may be skipped")
        pytest.skip("JupyterLab is missing: pip install -r requirements-test.txt")
    port = free_port()
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
        yield address
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
