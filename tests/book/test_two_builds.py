"""Two builds at once do not harm each other: one waits, and the chapters are run once."""

import os
import subprocess
import sys


def test_one_of_two_builds_waits(small_book):
    command = [
        sys.executable,
        "-c",
        "from jupyter_book.cli.main import main; main()",
        "build",
        ".",
        "-n",
        "-W",
        "--keep-going",
    ]
    both = [
        subprocess.Popen(
            command,
            cwd=small_book.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=dict(os.environ),
        )
        for _ in range(2)
    ]
    said = [build.communicate(timeout=3000)[0] for build in both]
    assert [build.returncode for build in both] == [0, 0], said
    assert sum(text.count("running intro") for text in said) == 1
    assert sum("another build of this book is running" in text for text in said) <= 1
    assert "first answer" in small_book.page() and "untouched" in small_book.page("second")


def test_a_damaged_run_of_an_earlier_build_is_run_again(built_book):
    small_book = built_book
    kept = small_book.folder / "_build" / "runs" / "intro" / "run.json"
    kept.write_text(kept.read_text()[:100])
    (small_book.folder / "_build" / ".doctrees" / "environment.pickle").unlink()
    assert "running intro" in small_book.build().stdout
    assert "first answer" in small_book.page()
