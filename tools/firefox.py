"""One pass over the built pages in Firefox: figures, fields and the trainer (`python -m tools.firefox`).

    python -m tools.firefox                      every page, from its file, without a network
    python -m tools.firefox --pages elbo vae     some pages

The other tests look at the pages in Chromium. This drives a Firefox of the machine by its own protocol (Marionette,
JSON over a socket), so that nothing has to be installed beside it. On each page it asks: are all figures alive, do
they answer keys and a drag with numbers (none missing, infinite or undefined), is a wrong answer judged, does the
trainer train 20 steps, and did Firefox itself report an error of a script, a style or a policy? Every address but the
pages' own leads to a closed door. Exit status: 0 if nothing was found, 1 if something was, 2 without Firefox.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SITE = Path(os.environ.get("LVM_SITE", ROOT / "_build" / "html"))
SECONDS = 120.0  # that one answer of the browser may take
STEPS = 20  # of the trainer
ROOM = 5.0  # nats: what they may cost a net that was trained before
SETTINGS = {
    "marionette.port": 0,
    "network.proxy.type": 1,  # a proxy that does not exist: nothing but files is reached
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
    "network.proxy.allow_hijacking_localhost": True,
    "app.update.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
}

# What follows runs in the page. Each is the body of an async function.
ALIVE = """
for (const root of document.querySelectorAll("[data-lvm-live]")) {
  root.scrollIntoView({ block: "center" });
  for (let i = 0; i < 600; i++) {
    if (root.dataset.lvmStatus === "alive" && root.querySelector("[data-numbers]")) break;
    if (root.dataset.lvmStatus === "failed") break;
    await new Promise((done) => setTimeout(done, 100));
  }
}
return [...document.querySelectorAll("[data-lvm-live]")].map((root) => [root.dataset.lvmLive, root.dataset.lvmStatus]);
"""
NUMBERS = """
const root = document.querySelectorAll("[data-lvm-live]")[arguments[0]].querySelector("[data-numbers]");
await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
for (let i = 0; i < 600 && (root.dataset.waits === "yes" || root.classList.contains("is-waiting")); i++)
  await new Promise((done) => setTimeout(done, 50));
for (let i = 0; i < 30 && root.dataset.numbers === arguments[1]; i++) // some compute a while
  await new Promise((done) => setTimeout(done, 50));
return [root.dataset.numbers, root.innerText];
"""
KEYS = """
const root = document.querySelectorAll("[data-lvm-live]")[arguments[0]];
const found = [...root.querySelectorAll("[role=slider], input[type=range]")];
const node = found.filter((one) => one.getClientRects().length)[arguments[1]];
if (!node) return null;
node.scrollIntoView({ block: "center" });
node.focus();
const box = node.getBoundingClientRect();
return [Math.round(box.x + box.width / 2), Math.round(box.y + box.height / 2)];
"""
ANSWER = """
const said = [];
for (const form of document.querySelectorAll("form[data-exercise]")) {
  form.scrollIntoView({ block: "center" });
  for (let i = 0; i < 200 && form.querySelector("fieldset")?.disabled; i++)
    await new Promise((done) => setTimeout(done, 50));
  form.querySelectorAll("input").forEach((input) => { input.value = "12345"; });
  form.querySelector("input").dispatchEvent(new Event("input", { bubbles: true }));
  form.requestSubmit();
  const status = form.querySelector("[role=status]");
  for (let i = 0; i < 200 && !status.textContent; i++) await new Promise((done) => setTimeout(done, 50));
  said.push([form.dataset.exercise, status.textContent]);
}
return said;
"""
TRAIN = """
const root = document.querySelector("[data-figure=trainer]");
if (!root) return null;
root.scrollIntoView({ block: "center" });
const press = [...root.querySelectorAll("button")].find((button) => button.textContent.trim() === "Train");
const before = JSON.parse(root.dataset.numbers);
press.click();
const now = () => JSON.parse(root.dataset.numbers);
for (let i = 0; i < 900 && !(now().step >= before.step + arguments[0]); i++)
  await new Promise((done) => setTimeout(done, 100));
[...root.querySelectorAll("button")].find((button) => button.textContent.trim() === "Pause")?.click();
await new Promise((done) => setTimeout(done, 500));
return [before, now()];
"""
ERRORS = """
const said = Services.console.getMessageArray().filter((one) => one instanceof Ci.nsIScriptError)
  .filter((one) => !(one.flags & Ci.nsIScriptError.warningFlag) && /^(file|https?|blob):/.test(one.sourceName || ""))
  .map((one) => `${one.errorMessage} (${one.sourceName.split("/").pop()}:${one.lineNumber})`);
Services.console.reset();
return said;
"""


class Firefox:
    """A headless Firefox and the line to it."""

    def __init__(self, program: str):
        self.folder = tempfile.TemporaryDirectory(prefix="lvm-firefox-", ignore_cleanup_errors=True)
        profile = Path(self.folder.name)
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in SETTINGS.items()]
        (profile / "user.js").write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.process = subprocess.Popen(
            [
                program,
                "--headless",
                "--marionette",
                "--remote-allow-system-access",
                "--no-remote",
                "--profile",
                str(profile),
                "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(profile), "MOZ_DISABLE_CONTENT_SANDBOX": "1"},
        )
        self.line = self._line(profile / "MarionetteActivePort")
        self.kept, self.numbers = b"", itertools.count(1)
        self._read()  # its greeting
        self.ask("WebDriver:NewSession")
        self.ask("WebDriver:SetTimeouts", {"script": int(1000 * SECONDS), "pageLoad": int(1000 * SECONDS)})

    def _line(self, file: Path) -> socket.socket:
        until = time.monotonic() + SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            with contextlib.suppress(OSError, ValueError):
                return socket.create_connection(("127.0.0.1", int(file.read_text())), timeout=SECONDS)
            time.sleep(0.2)
        raise RuntimeError("Firefox opened no line within two minutes")

    def _read(self):
        while b":" not in self.kept:
            self.kept += self._more()
        length, _, rest = self.kept.partition(b":")
        while len(rest) < int(length):
            rest += self._more()
        self.kept = rest[int(length) :]
        return json.loads(rest[: int(length)])

    def _more(self) -> bytes:
        part = self.line.recv(1 << 16)
        if not part:
            raise RuntimeError("Firefox hung up")
        return part

    def ask(self, command: str, parameters: dict | None = None):
        """The answer to a command. Raises RuntimeError with what Firefox says against it."""
        text = json.dumps([0, next(self.numbers), command, parameters or {}]).encode()
        self.line.sendall(str(len(text)).encode() + b":" + text)
        _, _, error, answer = self._read()
        if error:
            raise RuntimeError(f"{command}: {error.get('message')}")
        return answer.get("value", answer) if isinstance(answer, dict) else answer

    def run(self, body: str, *arguments):
        """What the body of an async function returns, in the page."""
        script = f"return (async function () {{ {body} }}).apply(null, arguments)"
        return self.ask("WebDriver:ExecuteScript", {"script": script, "args": list(arguments)})

    def errors(self) -> list[str]:
        """The errors that Firefox itself reported of the page since it was asked last."""
        self.ask("Marionette:SetContext", {"value": "chrome"})
        try:
            return self.ask("WebDriver:ExecuteScript", {"script": ERRORS, "args": []})
        finally:
            self.ask("Marionette:SetContext", {"value": "content"})

    def press(self, *keys: str) -> None:
        """Press and release keys, by WebDriver's codes."""
        acts = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.ask("WebDriver:PerformActions", {"actions": [{"type": "key", "id": "keys", "actions": acts}]})

    def drag(self, start: tuple[int, int], by: tuple[int, int]) -> None:
        """Drag with the mouse."""
        move = {"type": "pointerMove", "duration": 0, "origin": "viewport"}
        acts = [
            {**move, "x": start[0], "y": start[1]},
            {"type": "pointerDown", "button": 0},
            {**move, "x": start[0] + by[0] // 2, "y": start[1] + by[1] // 2, "duration": 50},
            {**move, "x": start[0] + by[0], "y": start[1] + by[1], "duration": 50},
            {"type": "pointerUp", "button": 0},
        ]
        self.ask("WebDriver:PerformActions", {"actions": [{"type": "pointer", "id": "mouse", "actions": acts}]})

    def end(self) -> None:
        """End the browser, and what it wrote."""
        with contextlib.suppress(OSError, RuntimeError):
            self.ask("Marionette:Quit", {"flags": ["eForceQuit"]})
        self.line.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(20)
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()


def program() -> str | None:
    """Where a Firefox lies, or None."""
    return next(filter(None, map(shutil.which, ("firefox", "firefox-esr"))), None)


def unsound(said: str, first: str) -> str:
    """What is wrong with a figure's numbers, or nothing. What it does not tell at first it need not tell."""
    try:
        numbers, before = json.loads(said), json.loads(first)
    except ValueError:
        return "has numbers that are no JSON"
    lost = [name for name, value in numbers.items() if value is None and before.get(name) is not None]
    return f"has no number in {', '.join(lost)}" if lost else ""


def handled(browser: Firefox, index: int) -> Iterator[str]:
    """What is wrong with a figure under keys and drags."""
    first, text = browser.run(NUMBERS, index)
    states, now = {first}, first
    for handle in range(40):
        spot = browser.run(KEYS, index, handle)
        if spot is None:
            break
        for keys in ("\ue012", "\ue014", "\ue013"):  # left, right, up
            browser.press(keys)
            now, text = browser.run(NUMBERS, index, now)
            states.add(now)
        if spot[1] > 0:
            browser.drag(browser.run(KEYS, index, handle), (18, -12))
            now, text = browser.run(NUMBERS, index, now)
            states.add(now)
        yield from filter(
            None, [unsound(now, first), "says undefined or NaN" if "undefined" in text or "NaN" in text else ""]
        )
    if handle and len(states) == 1:
        yield "answers neither keys nor a drag"


def faults(browser: Firefox, page: str) -> tuple[list[str], int, int]:
    """(what is wrong with a page, its figures, its fields)."""
    browser.ask("WebDriver:Navigate", {"url": (SITE / page).as_uri()})
    found, alive = [], browser.run(ALIVE)
    for index, (name, status) in enumerate(alive):
        if status != "alive":
            found.append(f"figure {name} is {status}")
            continue
        found += [f"figure {name} {why}" for why in dict.fromkeys(handled(browser, index))]
    said = browser.run(ANSWER)
    found += [f"field {name} says nothing" for name, verdict in said if not verdict]
    if any(name == "trainer" for name, _ in alive):  # as it opens, not as the keys left it
        browser.ask("WebDriver:Navigate", {"url": "about:blank"})
        browser.ask("WebDriver:Navigate", {"url": (SITE / page).as_uri()})
        browser.run(ALIVE)
    if trained := browser.run(TRAIN, STEPS):
        before, after = trained
        if not after["step"] >= before["step"] + STEPS or not after["minus_elbo"] < before["minus_elbo"] + ROOM:
            found.append(f"the trainer went from {before} to {after}")
    found += browser.errors()
    return found, len(alive), len(said)


def main() -> int:
    """Drive the pages; say what was seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", nargs="+", metavar="NAME", help="names such as elbo; all if none is given")
    asked = parser.parse_args()
    pages = sorted(path.relative_to(SITE).as_posix() for path in SITE.glob("book/**/*.html"))
    if asked.pages:
        pages = [page for page in pages if Path(page).stem in asked.pages]
    if not pages:
        print("No such page is built: `make book` first.")
        return 2
    where = program()
    if where is None:
        print("There is no Firefox here: install one (on Debian: apt-get install firefox-esr).")
        return 2
    browser, bad = Firefox(where), []
    try:
        for page in pages:
            wrong, figures, fields = faults(browser, page)
            print(f"{page}: {figures} figures, {fields} fields, {len(wrong)} faults", *wrong, sep="\n  ", flush=True)
            bad += wrong
    finally:
        browser.end()
    print(f"{len(pages)} pages, {len(bad)} faults")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
