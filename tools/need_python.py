"""Say which Python the book needs, before anything is downloaded.

Any Python can read this file, 2.7 too (a test tries).
"""

import os
import sys

NEEDED = (3, 11)  # what README.md names; tests/book/test_install.py holds every pin to it


def missing(version, needed=NEEDED):
    """What to do where Python `version` is too old, in a sentence; "" where it is not."""
    if tuple(version) >= tuple(needed):
        return ""
    return "The book needs Python {} or newer, and this is {}. Name another: make book PYTHON=python3.12".format(
        ".".join(map(str, needed)),
        ".".join(map(str, version)),
    )


if __name__ == "__main__":
    said = missing(sys.version_info[:3])
    if said:
        sys.stderr.write(said + "\n(this one: " + os.path.realpath(sys.executable) + ")\n")
        sys.exit(1)
