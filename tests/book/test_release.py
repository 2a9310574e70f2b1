"""A release is one archive that opens from any folder, and one tag; nothing half-done is released."""

import subprocess
import zipfile

import pytest

from tools import chapters, release


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "html"
    (folder / "book").mkdir(parents=True)
    (folder / "index.html").write_text("<a href='book/intro.html'>Open</a>")
    (folder / "book" / "intro.html").write_text("<h1>Text</h1>")
    (folder / ".buildinfo").write_text("of this build alone")
    return folder


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "a").write_text("a")
    for words in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "a"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder


def test_the_archive_holds_the_pages_in_one_folder_and_nothing_of_the_build(site, tmp_path):
    out = release.pack(site, tmp_path / "book-1.zip")
    with zipfile.ZipFile(out) as archive:
        assert sorted(archive.namelist()) == ["book-1/book/intro.html", "book-1/index.html"]
        assert archive.testzip() is None
        archive.extractall(tmp_path / "stick")
    assert (tmp_path / "stick" / "book-1" / "book" / "intro.html").read_text() == "<h1>Text</h1>"
    assert not list(tmp_path.glob("*.part"))


def test_the_archive_holds_what_it_takes_to_run_the_notebooks(site, tmp_path):
    beside = release.runnable()
    wheel = next(name for name in beside if name.endswith(".whl"))
    assert f"pip install --extra-index-url https://download.pytorch.org/whl/cpu {wheel}" in beside["RUN.txt"].decode()
    out = release.pack(site, tmp_path / "book-1.zip", beside)
    with zipfile.ZipFile(out) as archive:
        names = archive.namelist()
    assert {f"book-1/notebooks/{path.name}" for path in chapters.chapter_paths()} < set(names)
    assert f"book-1/{wheel}" in names and "book-1/index.html" in names
    first = out.read_bytes()
    assert release.pack(site, out, beside).read_bytes() == first


def test_the_same_pages_give_the_same_archive(site, tmp_path):
    first = release.pack(site, tmp_path / "book-1.zip").read_bytes()
    for path in site.rglob("*.html"):
        path.touch()
    assert release.pack(site, tmp_path / "book-1.zip").read_bytes() == first


def test_there_is_no_archive_without_a_book(tmp_path):
    with pytest.raises(release.Refused, match="make book"):
        release.pack(tmp_path, tmp_path / "book.zip")
    assert not (tmp_path / "book.zip").exists()


def test_a_changed_tree_is_not_released(repository):
    release.check(repository, tag="v1")
    (repository / "a").write_text("b")
    with pytest.raises(release.Refused, match="commit or stash"):
        release.check(repository, tag="v1")


def test_a_version_is_released_once(repository):
    subprocess.run(["git", "tag", "v1"], cwd=repository, check=True)
    with pytest.raises(release.Refused, match="v1 exists"):
        release.check(repository, tag="v1")
    release.check(repository, tag="v2")


@pytest.mark.parametrize(
    "changelog, words",
    [
        ("## 2.0\n\n- b\n", "no section"),
        ("## 1.0 (unreleased)\n\n- a\n", "unreleased"),
        ("## 1.0.1\n\n- a\n", "no section"),
    ],
)
def test_a_version_without_its_notes_is_not_released(changelog, words):
    with pytest.raises(release.Refused, match=words):
        release.notes("1.0", changelog)


def test_the_notes_are_the_version_s_section():
    assert release.notes("1.0", "# Changelog\n\n## 1.0 (2026-01-01)\n\n- a\n\n## 0.9\n\n- b\n") == "- a"


def test_this_book_s_changelog_speaks_of_its_version():
    assert f"## {chapters.version()}" in (chapters.ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_whoever_cites_the_book_names_its_version():
    number = chapters.version()
    assert f"version: {number}\n" in (chapters.ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version {number}" in (chapters.ROOT / "book" / "appendix" / "cite.md").read_text(encoding="utf-8")
