"""Say what is missing where Node.js is not there or too old; in CI that is an error (`make test`)."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "package.json"
NEEDED = int(re.match(r">=(\d+)", json.loads(PACKAGE.read_text(encoding="utf-8"))["engines"]["node"]).group(1))


def node_version() -> int:
    """Node.js' major version, 0 where there is none."""
    if not shutil.which("node") or not shutil.which("npm"):
        return 0
    found = re.match(r"v(\d+)", subprocess.run(["node", "--version"], capture_output=True, text=True).stdout)
    return int(found[1]) if found else 0


if __name__ == "__main__":
    if node_version() < NEEDED:
        print(
            f"Node.js {NEEDED} or newer with npm is missing: the tests of the pages' JavaScript and the accessibility "
            "tests cannot run (nodejs.org, or your system's packages).",
            file=sys.stderr,
        )
        if os.environ.get("CI"):
            print("In CI nothing may be skipped.", file=sys.stderr)
        sys.exit(1)
