"""Quick questions: three before each chapter and five after it, as cells say them; none is answered by its wording."""

from __future__ import annotations

import copy
import re
from collections import Counter

import pytest

from tools import chapters, keys, quick

CHAPTERS = [path for path in chapters.chapter_paths() if path.stem not in quick.WITHOUT]
QUESTIONS = [question for path in CHAPTERS for question in quick.asked(keys.read(path))]
HEDGES = re.compile(r"\b(?:may|might|can|could|often|usually|mostly|sometimes|nearly|about|in general|tends?)\b", re.I)
ABSOLUTES = re.compile(r"\b(?:always|never|all|every|none|only|any|nothing|certain)\b", re.I)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_has_its_questions_and_each_choice_leads_to_a_section(path):
    assert quick.faults(keys.read(path), path.name) == []


def test_names_are_unique_and_nothing_is_asked_twice():
    assert len(QUESTIONS) == 8 * len(CHAPTERS)
    for field in ("name", "ask"):
        assert Counter(question[field] for question in QUESTIONS).most_common(1)[0][1] == 1


def right(question) -> int:
    return next(at for at, choice in enumerate(question["choices"]) if choice.get("right"))


def share(marks) -> float:
    return sum(marks) / len(QUESTIONS)


def test_the_right_choice_has_no_place_of_its_own():
    """Chance gives each of three places a third; within a chapter no place holds more than half."""
    places = Counter(map(right, QUESTIONS))
    assert all(0.25 <= places[at] / len(QUESTIONS) <= 0.42 for at in range(3)), places
    for path in CHAPTERS:
        here = Counter(map(right, quick.asked(keys.read(path))))
        assert max(here.values()) <= 4, path.stem


def test_the_right_choice_has_no_length_of_its_own():
    """Whoever takes the longest, the shortest or the one between is right about as often as by chance."""
    lengths = [([len(choice["says"]) for choice in question["choices"]], right(question)) for question in QUESTIONS]
    longest = share(sizes[at] == max(sizes) for sizes, at in lengths)
    shortest = share(sizes[at] == min(sizes) for sizes, at in lengths)
    assert longest <= 0.45 and shortest <= 0.45 and 1 - longest - shortest <= 0.55, (longest, shortest)


@pytest.mark.parametrize("words", [HEDGES, ABSOLUTES], ids=["hedges", "absolutes"])
def test_the_right_choice_has_no_words_of_its_own(words):
    """Hedges, and words for everything and nothing, stand in right and in wrong choices about equally often."""
    hits = {True: 0, False: 0}
    for question in QUESTIONS:
        for choice in question["choices"]:
            hits[choice.get("right", False)] += bool(words.search(choice["says"]))
    rights = len(QUESTIONS)
    wrongs = sum(len(question["choices"]) for question in QUESTIONS) - rights
    assert abs(hits[True] / rights - hits[False] / wrongs) < 0.15, hits


NOTEBOOK = keys.read(chapters.ROOT / "book" / "elbo.ipynb")


def damaged(change) -> list[str]:
    notebook = copy.deepcopy(NOTEBOOK)
    cells = [cell for cell in notebook["cells"] if quick.block(cell)]
    change(cells, quick.block(cells[1])["questions"][0])
    return quick.faults(notebook, "elbo.ipynb")


DAMAGES = {
    "two cells": lambda cells, question: cells[0]["metadata"].pop("quick"),
    "5 questions": lambda cells, question: quick.block(cells[1])["questions"].pop(),
    "a name such as": lambda cells, question: question.update(name="Elbo 1"),
    "only one": lambda cells, question: [choice.update(right=True) for choice in question["choices"]],
    "and only one": lambda cells, question: [choice.pop("right", None) for choice in question["choices"]],
    "three choices or four": lambda cells, question: question["choices"].pop(),
    "plain text": lambda cells, question: question.update(ask="What is $x$?"),
    "without formulas": lambda cells, question: question["choices"][0].update(says="<b>bold</b>"),
    "say the same": lambda cells, question: question["choices"][0].update(says=question["choices"][1]["says"]),
    "one sentence": lambda cells, question: question["choices"][0].update(because="One. Two."),
    "leads to no section": lambda cells, question: question["choices"][0].update(see="no-such-place"),
    "no-such-page": lambda cells, question: question["choices"][0].update(see="no-such-page.ipynb#a"),
    "each choice has": lambda cells, question: question["choices"][0].pop("because"),
    "not what its metadata says": lambda cells, question: cells[0].update(source="Something else"),
}


@pytest.mark.parametrize("words", DAMAGES)
def test_what_is_wrong_with_a_question_is_named(words):
    assert words in "; ".join(damaged(DAMAGES[words]))


def test_another_wording_of_a_reason_keeps_an_answer_and_another_question_does_not():
    question = copy.deepcopy(QUESTIONS[0])
    before = quick.stamp(question)
    question["choices"][0]["because"] = "Other words."
    assert quick.stamp(question) == before
    question["choices"][0]["says"] += " now"
    assert quick.stamp(question) != before


def test_a_form_is_one_block_that_shows_signs_as_they_are():
    notebook = copy.deepcopy(NOTEBOOK)
    question = quick.blocks(notebook)["before"][0]
    question["choices"][0]["says"] = 'x < y & "z"'
    made = quick.forms(notebook, "before", "../_exercises/elbo.js")
    assert "\n\n" not in made and made.count("<form") == 3 and made.count('type="radio"') >= 9
    assert "x &lt; y &amp; &quot;z&quot;" in made and "because" not in made
    assert not any(choice["because"] in made for choice in question["choices"])  # no eye meets an answer by chance
    after = quick.forms(notebook, "after", "../_exercises/elbo.js")
    assert after.count("<form") == 8 and after.count('data-first="yes"') == 3
