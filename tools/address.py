"""The book's one address: read in any form, written into the settings and the notebooks (`make address`).

    python -m tools.address https://github.com/you/book   writes that
    python -m tools.address                               writes the address of the remote `origin`
    python -m tools.address none                          takes it out again

It stands in `_config.yml`, in each notebook's first cell, which fetches the library from there, and as a link to Colab
in each notebook's first text. No chapter is run again: neither of these cells counts in a stored run. The pages of a
workflow may name their repository by the variable LVM_REPOSITORY; then a link to Colab is drawn only where the first
cells name it too, for a notebook that looks for its library elsewhere would not run.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

from tools import chapters, keys

FORMS = (
    re.compile(r"https?://(?:[^/@]+@)?(?P<host>[^/@:]+(?::\d+)?)/(?P<path>.+)", re.I),
    re.compile(r"(?:ssh|git|git\+ssh|git\+https)://(?:[^/@]+@)?(?P<host>[^/@:]+)(?::\d+)?/(?P<path>.+)", re.I),
    re.compile(r"(?:[\w.-]+@)(?P<host>[\w-]+(?:\.[\w-]+)+):(?!/)(?P<path>.+)"),
    re.compile(r"(?P<host>[\w-]+(?:\.[\w-]+)+)/(?P<path>.+)"),
)
WANTED = "an address looks like https://github.com/you/book or git@github.com:you/book.git"
NAMED = re.compile(r'^    repository(?:, \w+)? = "([^"]*)"', re.M)
LINK = re.compile(r"\n\[Run this chapter on Colab\]\(https://colab\.research\.google\.com/[^)\n]*\)\n")


def understood(text: str) -> str:
    """The https address that a text means, without an end such as .git or /tree/main; "" for "".

    Raises ValueError, with what is wanted, where none can be read. A password in the text is left out.
    """
    text = text.strip().strip("\"'<>").strip()
    if not text:
        return ""
    found = next((match for form in FORMS if (match := form.fullmatch(text))), None)
    if found is None:
        raise ValueError(f"{text!r} is not understood: {WANTED}")
    host = re.sub(r"^www\.", "", found["host"].lower())
    path = re.split(r"[?#]|/-/|/(?:tree|blob|commits?|issues|pulls?|actions|settings|releases)(?:/|$)", found["path"])[
        0
    ]
    parts = [part for part in path.strip("/").removesuffix(".git").split("/") if part]
    if len(parts) < 2 or (host == "github.com" and len(parts) != 2):
        raise ValueError(f"{text!r} names no repository: {WANTED}")
    if not all(re.fullmatch(r"[\w.~-]+", part) and part.strip(".") for part in parts):
        raise ValueError(f"{text!r} has signs that no repository's name has: {WANTED}")
    if "." not in host:
        raise ValueError(f"{text!r} names the host {host!r}, which no other machine knows: {WANTED}")
    return f"https://{host}/{'/'.join(parts)}"


def origin(root: Path = chapters.ROOT) -> str:
    """The address of the remote `origin`. Raises ValueError where there is none, or it leads to a folder."""
    done = subprocess.run(["git", "remote", "get-url", "origin"], cwd=root, capture_output=True, text=True)
    if done.returncode:
        raise ValueError("this copy has no remote named origin: name the address, make address URL=...")
    return understood(done.stdout)


def named(notebook: dict) -> str | None:
    """The repository that a notebook's first cell fetches the library from; None where it is no first cell."""
    cells = notebook["cells"]
    found = NAMED.search(keys.source(cells[0])) if cells and cells[0]["cell_type"] == "code" else None
    return found[1] if found else None


def without_link(notebook: dict) -> dict:
    """The same notebook, its text without the link to Colab: a page draws its own."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = LINK.sub("", keys.source(cell))
            break
    return notebook


def addressed(notebook: dict, address: str, docname: str) -> dict:
    """The same notebook with the first cell and the link of an address."""
    without_link(notebook)
    first, text = notebook["cells"][0], next((c for c in notebook["cells"] if c["cell_type"] == "markdown"), None)
    if "setup" in first["metadata"].get("tags", []):
        first["source"] = chapters.FIRST_CELL.format(repository=address, version=chapters.version())
    link = chapters.on_colab(address, docname)
    if link and text is not None:
        title = re.match(r"# .*\n", text["source"] + "\n")
        place = title.end() if title else 0
        text["source"] = f"{text['source'][:place]}\n[Run this chapter on Colab]({link})\n{text['source'][place:]}"
    return notebook


def write(address: str, root: Path = chapters.ROOT) -> list[str]:
    """Write an address into the settings and the notebooks; the files that changed."""
    changed = []
    config = root / "_config.yml"
    before = config.read_text(encoding="utf-8")
    text, found = re.subn(r"^(repository:\n  url:).*$", rf'\1 "{address}"', before, flags=re.M)
    if found != 1:
        raise ValueError("_config.yml has no setting `repository: url:`")
    if text != before:
        chapters.write_whole(config, text)
        changed.append(config.name)
    for path in chapters.chapter_paths():
        before = path.read_text(encoding="utf-8")
        docname = path.relative_to(root).with_suffix("").as_posix()
        text = json.dumps(addressed(json.loads(before), address, docname), indent=1, ensure_ascii=False) + "\n"
        if text != before:
            chapters.write_whole(path, text)
            changed.append(f"{docname}.ipynb")
    return changed


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the book's address into the settings and the notebooks.")
    parser.add_argument("address", nargs="?", default="", help="any form of it; none: that of the remote origin")
    text = parser.parse_args().address
    try:
        address = "" if text.strip().lower() == "none" else understood(text) or origin()
        changed = write(address)
    except ValueError as error:
        print(f"No address written: {error}.", file=sys.stderr)
        return 1
    print(f"The book's address is {address or 'empty'}: {len(changed)} files changed, no chapter was run.")
    if address and not chapters.on_colab(address, "book/intro"):
        print("Colab opens notebooks from github.com only: the pages draw no link to it.")
    if changed:
        print(f'Commit them: git commit -m "The book\'s address" {" ".join(changed)}')
    return 0


if __name__ == "__main__":
    sys.exit(main())
