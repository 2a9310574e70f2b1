"""Chapters read well where nobody knows MyST, and the page gets the same out of them; and they keep their limits."""

import json
import re

import pytest
from docutils.nodes import make_id

from tools import chapters, identities, keys, length, plain, references

CHAPTERS = chapters.chapter_paths()
ALL = chapters.chapter_paths()
REWRITTEN = [path for path in ALL if path.stem not in length.TO_COME]
OLD = json.loads((chapters.ROOT / "tests" / "notebooks" / "old_anchors.json").read_text(encoding="utf-8"))
MOVED = json.loads((plain.BOOK / "moved.json").read_text(encoding="utf-8"))
TEXT = r"""
<a id="two-rulers"></a>

## Two rulers

*About 5 minutes.*

> **The question**
>
> What is $x$, by [(elbo-bayes)](#elbo-bayes)?
> - a list

> A quote like any other.

<a id="elbo-bayes"></a>

$$
a = b
\tag{elbo-bayes}
$$

See [(kl-mle)](kl_and_mle.ipynb#kl-mle), [the rulers](#two-rulers), [the next chapter](elbo.ipynb), a [page](https://a.b/c.md)
and [[A, 2016]](appendix/references.md#burda2016importance) [[B, 2017]](appendix/references.md#blei2017variational).

```python
x = [a](b.md)
```
"""
DRESSED = r"""
(two-rulers)=
## Two rulers

[About 5 minutes.]{.lvm-minutes}

:::{admonition} The question
:class: question
What is $x$, by {eq}`elbo-bayes`?
- a list
:::

> A quote like any other.

$$
a = b
$$ (elbo-bayes)

See {eq}`kl-mle`, {ref}`the rulers <two-rulers>`, {doc}`the next chapter <elbo>`, a [page](https://a.b/c.md)
and {cite}`burda2016importance,blei2017variational`.

```python
x = [a](b.md)
```
"""


def test_the_build_dresses_the_plain_form():
    assert plain.dressed(TEXT) == DRESSED


def test_what_an_author_wrote_in_myst_becomes_plain_and_dresses_back():
    made = plain.plain(DRESSED.replace("[About 5 minutes.]{.lvm-minutes}", "*About 5 minutes.*"), "elbo")
    assert plain.raw(made) == []
    assert re.sub(r"\s+", " ", plain.dressed(made)) == re.sub(r"\s+", " ", DRESSED)
    assert plain.plain(made, "elbo") == made


@pytest.mark.parametrize(
    "text", ["::: {note}", "a {eq}`x-y`", "(two-rulers)=", "$$\na\n$$ (x-y)", "{cite}`a`, {cite}`b`"]
)
def test_what_is_not_plain_is_named(text):
    assert plain.raw(text)


def test_a_reference_to_nothing_is_refused():
    with pytest.raises(ValueError, match="no chapter has a formula"):
        plain.plain("{eq}`elbo-nothing`", "elbo")
    with pytest.raises(ValueError, match=r"references\.bib"):
        plain.plain("{cite}`nobody1900`", "elbo")


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_is_plain(path):
    assert plain.faults(path) == []


def test_the_list_of_references_is_that_of_the_bib_file():
    page = (plain.BOOK / "appendix" / "references.md").read_text(encoding="utf-8")
    assert plain.with_references(page) == page, "python -m tools.plain book/elbo.ipynb writes it"
    assert "{bibliography}" in plain.bibliography(page) and "{bibliography}" not in page
    keys_listed = re.findall(r'<a id="(\w+)">', page)
    assert sorted(keys_listed) == sorted(plain.entries()) and len(set(keys_listed)) == len(keys_listed)
    names = [references.folded(name) for name in re.findall(r'^- <a id="\w+"></a>([^,.]+),', page, flags=re.M)]
    assert names == sorted(names) and len(names) == len(keys_listed), "surname first, whatever accents it has"


def test_no_two_works_are_cited_by_one_mark():
    marks = [plain.cited(key).partition("](")[0] for key in plain.entries()]
    assert len(set(marks)) == len(marks), sorted(mark for mark in set(marks) if marks.count(mark) > 1)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_links_lead_somewhere(path):
    """Anchors on their pages, pages in their places: the links as a plain Jupyter follows them."""
    cells = [keys.source(cell) for cell in keys.read(path)["cells"] if cell["cell_type"] == "markdown"]
    for text in cells:
        for file, anchor in re.findall(r"\]\((?!\w+:)([\w./-]*)(?:#([\w-]+))?\)", text):
            target = path.parent / file if file else path
            assert target.exists(), f"{path.stem} links to {file}"
            if anchor:
                here = target.read_text(encoding="utf-8").replace('\\"', '"')
                assert f'<a id="{anchor}"></a>' in here, f"{file}#{anchor}"


def anchors(path):
    """The ids that a chapter's page has: of headings, labels and formulas."""
    found = set()
    for text in identities.markdown(path):
        found |= {make_id(re.sub(r"[$*`]", "", heading)) for heading in re.findall(r"^#+ (.+)$", text, flags=re.M)}
        found |= set(re.findall(r"^\(([\w-]+)\)=", text, flags=re.M))
        found |= {f"equation-{label}" for label in re.findall(r"\$\$ \(([\w-]+)\)", text)}
    return found


@pytest.mark.parametrize("page", OLD)
def test_old_anchors_still_land(page):
    """Links that readers keep: old names stand as <a id="..."></a>, or in book/moved.json."""
    places = {anchor: place.partition("#") for anchor, place in MOVED.get(page, {}).items()}
    for anchor, (target, _, new) in places.items():
        assert (new or anchor) in anchors(plain.BOOK / f"{target}.ipynb"), f"{anchor} is not on {target}"
    assert sorted(set(OLD[page]) - anchors(plain.BOOK / f"{page}.ipynb") - set(places)) == []


# ---------------------------------------------------------------- length


def notebook(*cells):
    kinds = {"m": "markdown", "c": "code"}
    return {
        "cells": [
            {"cell_type": kinds[kind], "id": f"c{number}", "metadata": {"tags": list(tags)}, "source": source}
            for number, (kind, source, *tags) in enumerate(cells)
        ]
    }


SAMPLE = notebook(
    ("c", "import lvm_lib", "setup"),
    ("m", "# Title\n\nOne two $a = b$ [three](#x).\n\n$$\na b c\n$$ (x-y)\n"),
    ("c", "a = 1\n\nb = 2  # two"),
    ("m", "## Part\n\nfour five\n\n> **Exercise 1. Not counted**\n>\n> no no\n\n<details>no no</details>\n"),
    ("c", "plot()", "hide-input"),
    ("c", "live = ElboFigure(x=1)\nlive"),
    ("c", "check.elbo_gap(...)"),
    ("m", "## Exercises\n\nno no no"),
)


def test_words_lines_formulas_and_figures_are_counted_where_they_count():
    first, part = length.sections(SAMPLE)
    assert (first.heading, first.words, first.lines, first.formulas, first.figures) == ("Title", 5, 2, 1, 0)
    assert (part.heading, part.words, part.lines, part.formulas, part.figures) == ("Part", 3, 2, 0, 1)
    whole = length.total([first, part])
    assert whole.time == pytest.approx(8 / 200 + 4 / 15 + 1 / 2 + 3)


def test_minutes_are_written_once_and_do_not_count():
    once = length.stated(json.loads(json.dumps(SAMPLE)))
    assert "# Title\n\n*About 5 minutes without exercises.*\n\nOne" in once["cells"][1]["source"]
    assert "## Part\n\n*About 3 minutes.*\n\nfour" in once["cells"][3]["source"]
    twice = length.stated(json.loads(json.dumps(once)))
    assert twice == once and length.sections(once) == length.sections(SAMPLE)


def test_chapters_keep_their_length_and_say_it():
    assert [fault for path in REWRITTEN for fault in length.faults(path)] == []


def test_the_chapters_to_come_are_chapters():
    assert set(length.TO_COME) <= {path.stem for path in ALL}


# ---------------------------------------------------------------- what is folded, and what never is


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_what_teaches_is_never_folded_and_what_is_folded_is_so_in_jupyter_too(path):
    for cell in keys.read(path)["cells"]:
        tags, hidden = set(cell["metadata"].get("tags", [])), cell["metadata"].get("jupyter", {}).get("source_hidden")
        assert not ("teaches" in tags and (length.FOLDED & tags or hidden)), cell["id"]
        assert bool(hidden) == ("hide-input" in tags), f"{cell['id']}: python -m tools.plain book/{path.name}"


def test_chapters_say_which_cells_teach_and_fold_their_plots():
    for path in (path for path in REWRITTEN if path.stem != "intro"):  # the front page types no code
        code = keys.counted(keys.read(path))
        tagged = [cell for cell in code if "teaches" in cell["metadata"].get("tags", [])]
        plots = [cell for cell in code if "plots.show(" in keys.source(cell)]
        assert tagged, f"{path.stem} has no cell that teaches"
        open_plots = [cell["id"] for cell in plots if "hide-input" not in cell["metadata"].get("tags", [])]
        assert open_plots == [], f"{path.stem}: a cell that only draws is folded"


def test_live_figures_have_names_and_one_is_read_back():
    for path in (path for path in REWRITTEN if path.stem != "intro"):
        code = [keys.source(cell) for cell in keys.counted(keys.read(path))]
        names = [name for text in code for name in re.findall(r"^(\w+) = [A-Z]\w+Figure\(", text, flags=re.M)]
        assert "figure" not in names and len(set(names)) == len(names), f"{path.stem}: figure is what a plot is called"
        read = [name for name in names if any(re.search(rf"\b{name}\.(?!observe)\w+", text) for text in code)]
        assert not names or read, f"{path.stem}: no cell reads back what a reader set"
