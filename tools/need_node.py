"""Say what is missing where there is no Node.js 18 or newer; in CI that is an error (`make test`)."""

import os
import re
import shutil
import subprocess
import sys


def node_version() -> int:
    """Node.js' major version, 0 where there is none."""
    if not shutil.which("node") or not shutil.which("npm"):
        return 0
    found = re.match(r"v(\d+)", subprocess.run(["node", "--version"], capture_output=True, text=True).stdout)
    return int(found[1]) if found else 0


if __name__ == "__main__":
    if node_version() < 18:
        print(
            "Node.js 18 or newer with npm is missing: the tests of the pages' JavaScript and the accessibility tests "
            "cannot run (nodejs.org, or your system's packages).",
            file=sys.stderr,
        )
        if os.environ.get("CI"):
            print("In CI nothing may be skipped.", file=sys.stderr)
        sys.exit(1)
