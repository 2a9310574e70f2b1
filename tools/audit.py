"""Measure every page of the built book: Lighthouse, bytes, requests, shifts, frames (`make audit`).

    python -m tools.audit                      every page, best of three runs
    python -m tools.audit --quick              one run
    python -m tools.audit --pages elbo intro   some pages
    python -m tools.audit --frames             frames alone, without Lighthouse and without Node.js

The numbers go to benchmarks/audit.json too, page by page, with the machine; the book's page "Benchmarks" shows them.

What is measured, and how:
- Lighthouse's four scores: its mobile preset (a slowed processor and net), in a browser of its own for each run. It
  slows the processor by a factor of 4, whatever the processor; here less where the pace below is missed. The
  performance score swings by some 15 points on a busy machine; bytes and blocking requests do not.
- First load: a telephone's window, nothing in its cache, nobody scrolls. Bytes as they travel, compressed by gzip.
- A figure: its script and its side file, compressed. Its still picture counts with the page.
- CLS: the layout shifts that Lighthouse sees, or those of one way down the page, during which every figure comes to
  life: the larger.
- Alive, of the landing page: a telephone's window again, the processor slowed as for Lighthouse, 10 Mbit/s with 40 ms
  to the first byte. Its figure is brought into view as soon as the page is read; seconds from the click until it
  answers.
- Frame: a figure's handles (its sliders, where it has no handle) are dragged by a mouse at 60 Hz. From Chromium's
  trace: the processor time of all that the page's main thread does from one draw to the next, or to the end of the
  frame (events, script, style, layout, paint; not the compositor's and the raster's threads), its 95th percentile over
  all draws, the best of three drags. It is time on the processor and not on the clock; what other programs take from
  its caches and its memory still counts, hence the best of three. The processor is not slowed.
- Pace: machines differ, and one machine from day to day (the same commit took 1.2 to 1.5 times as long on two days of
  November 2026). So a yardstick, a page that always draws the same, is measured by the same trace before and after a
  page's figures. What is stored is measured time, and the yardstick's. Where the yardstick takes longer than
  tools/budgets.toml says, a frame is shown as it would be at that pace, and the processor is slowed less (by
  Lighthouse, and for the landing page). A faster machine is taken as it is: there the yardstick says little (on one
  that drew it in half the time, 2.9 to 5.3 ms within an hour, figures took nine tenths of theirs).

Exit status: 0 if every aim is met, 1 if one is missed, 2 if the audit cannot run here.
"""

from __future__ import annotations

import argparse
import functools
import gzip
import importlib.util
import json
import mimetypes
import operator
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from benchmarks.machine import machine
from tools.budgets import budget
from tools.need_browser import chromium
from tools.need_node import NEEDED, node_version

ROOT = Path(__file__).resolve().parent.parent
SITE = Path(os.environ.get("LVM_SITE", ROOT / "_build" / "html"))
STORED = ROOT / "benchmarks" / "audit.json"
LIGHTHOUSE = ROOT / "node_modules" / ".bin" / "lighthouse"
LANDING = "book/intro.html"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
BROWSER = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-dev-shm-usage",
]
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
SHIFTS = """window.lvmShifts = 0; new PerformanceObserver((list) => {
    for (const shift of list.getEntries()) if (!shift.hadRecentInput) window.lvmShifts += shift.value;
}).observe({ type: "layout-shift", buffered: true });"""
COMPRESSED = ("text/", "application/json", "application/javascript", "image/svg+xml")
# what: (unit, its budget, sign)
KINDS = {
    "performance": ("", "performance", ">="),
    "accessibility": ("", "accessibility", ">="),
    "best-practices": ("", "best_practices", ">="),
    "seo": ("", "seo", ">="),
    "first load": ("kB", "first_load", "<"),
    "blocking requests": ("", "blocking", "<="),
    "CLS": ("", "shift", "<"),
    "alive": ("s", "alive", "<"),
    "figure": ("kB", "figure", "<="),
    "frame, p95": ("ms", "frame", "<"),
}
YARDSTICK = """<!doctype html><style>body { font: 14px sans-serif; width: 900px }
span { display: inline-block; min-width: 40px }</style>
<div></div><svg width="640" height="360"><path fill="none" stroke="#000"/></svg><p></p><script>
const [text, told, path] = ["div", "p", "path"].map((name) => document.querySelector(name));
const put = (to, words) => to.append(Object.assign(document.createElement("span"), { textContent: words }));
for (let i = 0; i < 1500; i++) put(text, `${i} `);
for (let i = 0; i < 12; i++) put(told, "");
let frame = 0;
const draw = () => {
  frame++;
  let way = "M0 180";
  for (let i = 1; i < 320; i++)
    way += `L${2 * i} ${(180 + 120 * Math.sin(i / 20 + frame / 7) * Math.exp(-i / 300)).toFixed(2)}`;
  path.setAttribute("d", way);
  for (const [i, span] of [...told.children].entries()) span.textContent = (10 * Math.sin(frame + i)).toFixed(3);
  requestAnimationFrame(draw);
};
requestAnimationFrame(draw);
</script>"""
MET = {">=": operator.ge, "<": operator.lt, "<=": operator.le}


def _aim(unit: str, name: str, sign: str) -> tuple[str, str, Callable[[float], bool]]:
    bound = budget("page", name)
    said = {">=": "≥", "<=": "≤"}.get(sign, sign)
    words = f"{bound:g}" if sign == ">=" and bound == 100 else f"{said} {bound:g}"
    return unit, words, lambda value: MET[sign](value, bound)


# what: (unit, the aim in words, is it met?)
AIMS = {what: _aim(*kind) for what, kind in KINDS.items()} | {"requests": ("", "", lambda value: True)}


# ------------------------------------------------------------------ serving


@functools.cache
def travels(path: Path, changed: float) -> tuple[bytes, str, bool]:
    """A file as it is sent: its bytes, its type, whether they are compressed."""
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    raw = path.read_bytes()
    squeeze = kind.startswith(COMPRESSED)
    return (gzip.compress(raw, 9, mtime=0) if squeeze else raw), kind, squeeze


def sent(path: Path) -> int:
    """How many bytes of a file travel, headers apart."""
    return len(travels(path, path.stat().st_mtime)[0])


class Compressing(BaseHTTPRequestHandler):
    """A file server as hosts of static pages are: gzip, connections kept."""

    protocol_version = "HTTP/1.1"
    site = SITE

    def do_GET(self):
        path = (self.site / unquote(urlsplit(self.path).path).lstrip("/")).resolve()
        path = path / "index.html" if path.is_dir() else path
        if not path.is_relative_to(self.site.resolve()) or not path.is_file():
            return self.answer(404, b"", "text/plain", False)
        return self.answer(200, *travels(path, path.stat().st_mtime))

    def answer(self, status: int, body: bytes, kind: str, squeezed: bool):
        self.send_response(status)
        text = kind.startswith("text/") or kind.endswith(("json", "javascript"))
        self.send_header("Content-Type", f"{kind}; charset=utf-8" if text else kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=600")
        if squeezed:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def served(site: Path) -> tuple[ThreadingHTTPServer, str]:
    handler = type("Handler", (Compressing,), {"site": site})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_address[1]}/"


# ------------------------------------------------------------------ measuring


def slowdown(took: float) -> float:
    """By what this processor, whose yardstick took so long, is slowed: 4, less on a slow one, at least 1."""
    return max(1.0, 4 * at_pace(took))


def at_pace(took: float) -> float:
    """What a time measured where the yardstick took so long is multiplied by: 1, less on a slow machine."""
    return min(1.0, budget("page", "pace") / took)


def lighthouse(url: str, runs: int, browser: str, slow: float) -> dict:
    """The best score of each category and the smallest layout shift; what fails in the best run."""
    best, failed, shifts = {}, {}, []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.json"
            done = subprocess.run(
                [
                    str(LIGHTHOUSE),
                    url,
                    "--quiet",
                    "--output=json",
                    f"--output-path={report}",
                    f"--only-categories={','.join(CATEGORIES)}",
                    f"--throttling.cpuSlowdownMultiplier={slow:.2f}",
                    f"--chrome-flags=--headless=new {' '.join(BROWSER)}",
                ],
                env={**os.environ, "CHROME_PATH": browser},
                capture_output=True,
                text=True,
                timeout=300,
            )
            if not report.exists():
                raise RuntimeError(f"Lighthouse gave no report: {(done.stderr or done.stdout).strip()[-400:]}")
            found = json.loads(report.read_text(encoding="utf-8"))
        shifts.append(found["audits"]["cumulative-layout-shift"].get("numericValue", 0.0))
        for name, category in found["categories"].items():
            score = round(100 * (category["score"] or 0))
            if score > best.get(name, -1):
                best[name] = score
                audits = [found["audits"][ref["id"]] for ref in category["auditRefs"] if ref["weight"]]
                failed[name] = [
                    audit["title"]
                    for audit in audits
                    if (audit["score"] or 0) < 0.9
                    and audit["scoreDisplayMode"] not in ("notApplicable", "manual", "informative")
                ]
    failed = {name: titles for name, titles in failed.items() if titles and best[name] < 100}
    return {"scores": best, "CLS": min(shifts), "failed": failed}


def first_load(browser, url: str) -> dict:
    """Bytes and requests of a first visit without scrolling; then the shifts on the way down."""
    context = browser.new_context(**PHONE)
    page = context.new_page()
    page.add_init_script(SHIFTS)
    devtools = context.new_cdp_session(page)
    devtools.send("Network.enable")
    loaded = []
    devtools.on("Network.loadingFinished", lambda event: loaded.append(event["encodedDataLength"]))
    page.goto(url, wait_until="load")
    page.wait_for_timeout(1200)
    size, requests = sum(loaded), len(loaded)
    blocking = page.evaluate("""performance.getEntriesByType("resource")
        .filter((entry) => entry.renderBlockingStatus === "blocking")
        .map((entry) => entry.name.split("/").pop().split("?")[0])""")
    top = 0
    while top < page.evaluate("document.documentElement.scrollHeight"):  # it grows: sections are laid out late
        page.evaluate(f"window.scrollTo({{top: {top}, behavior: 'instant'}})")
        page.wait_for_timeout(120)
        top += 600
    shifts = page.evaluate("window.lvmShifts")
    context.close()
    return {"first load": size / 1000, "requests": requests, "blocking": blocking, "CLS": shifts}


def time_to_life(browser, url: str, slow: float) -> float:
    """Seconds until the first live figure of a page answers, on a slow telephone and a middling net."""
    context = browser.new_context(**PHONE)
    page = context.new_page()
    page.add_init_script("""addEventListener("DOMContentLoaded", () => {
        const host = document.querySelector("[data-lvm-live]");
        new MutationObserver(() => { window.lvmAlive ??= performance.now() / 1000; })
            .observe(host, { attributes: true, attributeFilter: ["data-lvm-status"] });
        const show = () => host.scrollIntoView({ block: "center", behavior: "instant" });
        show();
        setInterval(show, 100); // sections above it are laid out on the way and move it
    });""")
    devtools = context.new_cdp_session(page)
    devtools.send("Network.enable")
    devtools.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 40, "downloadThroughput": 10e6 / 8, "uploadThroughput": 10e6 / 8},
    )
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": slow})
    page.goto(url, wait_until="commit")
    page.wait_for_function("window.lvmAlive", timeout=60_000)
    seconds = page.evaluate("window.lvmAlive")
    context.close()
    return seconds


def figure_sizes(page) -> dict[str, float]:
    """What each live figure of an open page adds to it, in kB as it travels."""
    hosts = page.evaluate("""[...document.querySelectorAll("[data-lvm-live]")].map((host) =>
        [host.dataset.lvmId, host.dataset.lvmLive, new URL(host.dataset.lvmState, document.baseURI).pathname])""")
    sizes = {}
    for identity, name, state in hosts:
        files = [SITE / "_static" / "figures" / f"{name}.js", SITE / unquote(state).lstrip("/")]
        sizes[identity] = sum(sent(path) for path in files if path.is_file()) / 1000
    return sizes


def pace(browser, runs: int) -> float:
    """What a frame of the yardstick takes in this browser now, in ms: the median, best of `runs`."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_content(YARDSTICK)
    page.wait_for_timeout(400)
    found = []
    for _ in range(runs):
        browser.start_tracing(page=page, categories=["devtools.timeline", "toplevel"])
        page.wait_for_timeout(1200)
        found.append(statistics.median(frames_of(json.loads(browser.stop_tracing())["traceEvents"])))
    page.close()
    return min(found)


def figures_frames(browser, url: str, runs: int) -> dict:
    """The frames of a page's figures, as measured, and the yardstick beside them: {} where nothing can be dragged."""
    before = pace(browser, runs)
    frames = drag_frames(browser, url, runs)
    return {"frames": frames, "pace": (before + pace(browser, runs)) / 2} if frames else {"frames": {}}


def drag_frames(browser, url: str, runs: int) -> dict[str, float]:
    """For each live figure the 95th percentile, in ms, of the main thread's work in a frame of a drag.

    Best of `runs`.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(url)
    found = {}
    for host in page.locator("[data-lvm-live]").element_handles():
        for _ in range(40):  # sections above it are laid out on the way and move it
            host.evaluate("node => node.scrollIntoView({ block: 'center', behavior: 'instant' })")
            page.wait_for_timeout(100)
            if host.evaluate("node => node.dataset.lvmStatus"):
                break
        handles = visible(host, "[role=slider]:not(input)") or visible(host, "input[type=range]")
        best = []
        for _ in range(runs):
            works = []
            for handle in handles:
                handle.evaluate("node => node.scrollIntoView({ block: 'center', behavior: 'instant' })")
                page.wait_for_timeout(150)
                works += frames_of(traced_drag(browser, page, handle))
            if works:
                best.append(percentile(works, 95))
        if best:
            found[host.get_attribute("data-lvm-id")] = min(best)
    context.close()
    return found


def visible(host, selector: str) -> list:
    """The elements of a figure that a selector names and a reader sees."""
    return [node for node in host.query_selector_all(selector) if node.is_visible()]


def traced_drag(browser, page, handle, seconds: float = 1.2) -> list[dict]:
    """Chromium's trace of a drag back and forth."""
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.wait_for_timeout(100)
    devtools = page.context.new_cdp_session(page)  # Playwright's own move runs scripts in the page each time
    browser.start_tracing(page=page, categories=["devtools.timeline", "toplevel"])
    start, number = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        number += 1
        swing = 60 * abs((number / 20) % 2 - 1)  # to and fro, 3 px each time
        devtools.send(
            "Input.dispatchMouseEvent",
            {"type": "mouseMoved", "x": x - 30 + swing, "y": y + 15 - swing / 2, "button": "left", "buttons": 1},
        )
        time.sleep(max(0.0, number / 60 - (time.perf_counter() - start)))
    trace = json.loads(browser.stop_tracing())
    devtools.detach()
    page.mouse.up()
    return trace["traceEvents"]


def frames_of(events: list[dict]) -> list[float]:
    """The main thread's processor time from each draw of a figure to its next one, in ms.

    A draw is a task in which an animation frame is fired. All outermost tasks that begin within a sixtieth of a second
    count, whatever they are for: until the next draw, or to the end of the frame where nothing is drawn after it.
    """
    draws = [event for event in events if event["name"] == "FireAnimationFrame"]
    if not draws:
        return []
    busiest = statistics.mode((event["pid"], event["tid"]) for event in draws)
    own = sorted(
        (
            event
            for event in events
            if (event["pid"], event["tid"]) == busiest and event.get("ph") == "X" and event["name"].endswith("RunTask")
        ),
        key=lambda event: (event["ts"], -event["dur"]),
    )
    tasks, covered = [], 0
    for event in own:  # outermost tasks only
        if event["ts"] >= covered:
            tasks.append(event)
            covered = event["ts"] + event["dur"]
    moments = [event["ts"] for event in draws if (event["pid"], event["tid"]) == busiest]
    frames: list[float] = []
    end = 0.0
    for task in tasks:
        if any(task["ts"] <= at < task["ts"] + task["dur"] for at in moments):
            frames.append(0.0)
            end = task["ts"] + 1e6 / 60
        if task["ts"] < end:
            frames[-1] += task.get("tdur", task["dur"]) / 1000
    return frames[:-1]  # the last one has no end


def percentile(values: list[float], of: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(of / 100 * (len(ordered) - 1)))]


# ------------------------------------------------------------------ the table


def pages(names: list[str]) -> list[str]:
    """Pages that are read themselves; those whose path ends in one of `names` where any are given."""
    found = sorted(
        path.relative_to(SITE).as_posix()
        for path in SITE.rglob("*.html")
        if "_static" not in path.parts and 'http-equiv="refresh"' not in path.read_text(encoding="utf-8")
    )
    wanted = [page for page in found if not names or any(Path(page).stem == Path(name).stem for name in names)]
    unknown = [name for name in names if not any(Path(page).stem == Path(name).stem for page in found)]
    if unknown:
        known = ", ".join(Path(page).stem for page in found)
        raise SystemExit(f"no such page: {', '.join(unknown)}; there are {known}")
    return wanted


def frames_alone(page: str, url: str, runs: int, path: str) -> dict:
    """The frames of a page's figures and nothing else."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=BROWSER)
        report = {"page": page, **figures_frames(browser, url + page, runs)}
        browser.close()
    return report


def measure(page: str, url: str, runs: int, path: str) -> dict:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=BROWSER)
        slow = slowdown(pace(browser, runs))
        browser.close()
    report = {"page": page, "slowed": slow, **lighthouse(url + page, runs, path, slow)}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=BROWSER)
        walked = first_load(browser, url + page)
        report.update(walked, CLS=max(report["CLS"], walked["CLS"]))
        context = browser.new_context()
        opened = context.new_page()
        opened.goto(url + page)
        report["figures"] = figure_sizes(opened)
        context.close()
        report.update(figures_frames(browser, url + page, runs) if report["figures"] else {"frames": {}})
        if page == LANDING:
            report["alive"] = time_to_life(browser, url + page, slow)
        browser.close()
    return report


def rows(report: dict) -> list[tuple[str, str, float]]:
    """(what, for whom, number) of a page's report, in the order of the table; frames alone where that is all."""
    lines = []
    if "scores" in report:
        lines += [(name, "", report["scores"][name]) for name in CATEGORIES]
        lines += [
            ("first load", "", report["first load"]),
            ("blocking requests", "", len(report["blocking"])),
            ("requests", "", report["requests"]),
            ("CLS", "", report["CLS"]),
        ]
        lines += [("alive", "", report["alive"])] if "alive" in report else []
        lines += [("figure", name, size) for name, size in report["figures"].items()]
    scale = at_pace(report["pace"]) if report["frames"] else 1.0
    return lines + [("frame, p95", name, time_ * scale) for name, time_ in report["frames"].items()]


def shown(report: dict) -> tuple[str, int]:
    """A page's report in words, and how many aims it misses."""
    lines, missed = [report["page"]], 0
    for what, whose, value in rows(report):
        unit, words, met = AIMS[what]
        number = f"{value:.3f}" if what == "CLS" else f"{value:.1f}" if isinstance(value, float) else str(value)
        verdict = "" if not words else "ok" if met(value) else "MISSED"
        missed += verdict == "MISSED"
        note = f"  ({', '.join(report['blocking'])})" if what == "blocking requests" and report["blocking"] else ""
        lines.append(f"  {f'{what} {whose}'.strip():<28}{number:>9} {unit:<3} {words:<9}{verdict}{note}".rstrip())
    for category, audits in report.get("failed", {}).items():
        lines += [f"    {category}: {audit}" for audit in audits]
    return "\n".join(lines), missed


def store(report: dict, runs: int, path: Path) -> None:
    """Put a page's report among those at `path`; what is of another machine, or of a page that is gone, is dropped."""
    try:
        pages_before = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        pages_before = {}
    same = pages_before.get("machine") == machine()
    kept = {name: old for name, old in pages_before.get("pages", {}).items() if same and (SITE / name).exists()}
    kept[report["page"]] = {**report, "date": date.today().isoformat(), "runs": runs}
    text = json.dumps({"machine": machine(), "pages": kept}, indent=1, sort_keys=True) + "\n"
    path.write_text(text, encoding="utf-8")


def missing(frames: bool = False) -> str:
    """What keeps the audit (or that of the frames alone) from running here; empty if nothing does."""
    if not frames and node_version() < NEEDED:
        return f"Node.js {NEEDED} or newer is missing (nodejs.org, or your system's packages): Lighthouse needs it."
    if not frames and not LIGHTHOUSE.exists():
        return "Lighthouse is missing: run `npm ci` in the book's folder."
    if not (chromium() and Path(chromium()).exists()):
        return (
            "No Chromium found: install it (apt install chromium, or `python -m playwright install chromium`), "
            "or name one in the variable CHROMIUM."
        )
    if importlib.util.find_spec("playwright") is None:
        return "Playwright is missing: run `make test` once, or pip install -r requirements-test.txt."
    if not (SITE / "index.html").exists():
        return "The book is not built: run `make book` first."
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the pages of the built book.")
    parser.add_argument(
        "--pages", nargs="+", default=[], metavar="PAGE", help="names such as elbo; all pages if not given"
    )
    parser.add_argument("--quick", action="store_true", help="one run instead of the best of three")
    parser.add_argument("--frames", action="store_true", help="measure the frames of live figures and nothing else")
    parser.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        default=STORED,
        help="where the numbers go (benchmarks/audit.json if not given)",
    )
    options = parser.parse_args()
    if lacking := missing(options.frames):
        print(lacking, file=sys.stderr)
        return 2
    server, url = served(SITE)
    runs = 1 if options.quick else 3
    reports, missed = [], 0
    for page in pages(options.pages):
        report = frames_alone(page, url, runs, chromium()) if options.frames else measure(page, url, runs, chromium())
        if options.frames and not report["frames"]:
            continue  # a page without live figures
        reports.append(report)
        if not options.frames:
            store(report, runs, options.json)
        text, misses = shown(reports[-1])
        missed += misses
        print(text, flush=True)
    server.shutdown()
    aims = sum(bool(AIMS[what][1]) for report in reports for what, _, _ in rows(report))
    busy = f"; load of this machine {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    scores = "" if options.frames else "Lighthouse and "
    print(
        f"{len(reports)} pages, {aims} aims, {missed} missed. {scores}frames: best of {runs}; a frame: "
        f"the main thread's processor time by Chromium's trace{busy}."
    )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
