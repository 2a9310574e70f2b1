"""Exercises answered in the built page, by tests that know nothing of them but their tables.

Every field is answered rightly, by each of its slips and emptily; what the page says is what Python's check says, with
the signs of a page (`words` of _ext/answers.py).
Then: what is kept, what a reload finds, the file that answers travel in, and what is no answer and no file.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import re
import sys

import numpy as np
import pytest
from built_book import SITE, read_pages
from test_accessibility import LAPTOP, PHONE, faults

from lvm_lib import check
from tools import chapters, exercises, keys
from tools.audit import SHIFTS

sys.path.insert(0, str(keys.ROOT / "_ext"))
import answers

PAGES = [page for page in read_pages() if "data-exercise=" in (SITE / page).read_text(encoding="utf-8")]
YOURS = "book/appendix/your_answers.html"
# Answer a form and wait for its verdict, many times in one call: [[name, texts], ...] -> what was said.
ANSWER = """async (trials) => {
  const said = [];
  for (const [name, texts] of trials) {
    const form = document.querySelector(`form[data-exercise="${name}"]`);
    form.querySelectorAll("input").forEach((input, at) => { input.value = texts[at]; });
    form.querySelector("input").dispatchEvent(new Event("input", { bubbles: true }));
    const status = form.querySelector("[role=status]");
    form.requestSubmit();
    for (let i = 0; i < 400 && !status.textContent; i++) await new Promise((done) => setTimeout(done, i ? 10 : 0));
    said.push(status.textContent);
  }
  return said;
}"""


def names(page) -> list[str]:
    return re.findall(r'data-exercise="(\w+)"', (SITE / page).read_text(encoding="utf-8"))


def written(values) -> str:
    return "; ".join(repr(float(value)) for value in np.ravel(values))


def right(name) -> list[str]:
    """A right answer to every part of an exercise."""

    def of(part):
        if part["kind"] == "number":
            return written(part["truth"])
        band = next(band for band in part["bands"] if band["right"])
        return repr((band["low"] + min(band["high"], 2 * band["low"] + 1)) / 2)

    return [of(part) for part in exercises.table(name)["parts"]]


def trials(name):
    """Right answers; each part by each of its slips, the others right; each part alone; nothing; and what is none."""
    yield right(name)
    for at, part in enumerate(exercises.table(name)["parts"]):
        for value in [slip["value"] for slip in part.get("slips", [])]:
            yield [written(value) if i == at else text for i, text in enumerate(right(name))]
        for text in ("", "one", "<b>1</b>", "9" * 10_000, "nan", "１", "1e999"):
            yield [text if i == at else other for i, other in enumerate(right(name))]
    yield ["" for _ in right(name)]


@functools.cache
def by_python(name, texts) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exercises.answered(name, *texts)
    return printed.getvalue().removesuffix("\n")


def answer(page, *asked) -> list[str]:
    return page.evaluate(ANSWER, [[name, texts] for name, texts in asked])


def kept(page) -> dict:
    return json.loads(page.evaluate("localStorage.getItem('lvm-answers')"))


def reload(page):
    """Come again: the browser hands over what is kept a moment after it was written."""
    page.wait_for_timeout(500)
    page.reload()
    page.wait_for_function("() => document.querySelector('form[data-exercise] fieldset').disabled === false")


def test_every_exercise_with_a_table_has_fields():
    """Those of the chapters' notebooks, each once, and no other; no number exercise is missing in the notebooks."""
    cells = [cell for path in chapters.chapter_paths() for cell in keys.read(path)["cells"]]
    asked = [name for cell in cells for name in exercises.asked(cell) if exercises.table(name)]
    assert sorted(name for page in PAGES for name in names(page)) == sorted(set(asked))
    assert set(check.tables()) <= set(asked)


@pytest.mark.parametrize("page", read_pages())
def test_no_page_says_that_nothing_was_answered_and_none_loads_what_it_does_not_need(page):
    text = (SITE / page).read_text(encoding="utf-8")
    assert "Not answered yet" not in text
    assert ("answers.min.js" in text) == (page in PAGES)
    assert ("yours.min.js" in text) == (page == YOURS)


@pytest.mark.parametrize(
    "page, scheme",
    [*((page, "http") for page in PAGES), (PAGES[0], "file")],  # from a file only the loading differs
)
def test_every_field_is_judged_in_the_words_of_python(visit, page, scheme):
    seen = visit(page, scheme)
    shown, here = seen.page, names(page)
    asked = [(name, texts) for name in here for texts in trials(name)]
    said = answer(shown, *asked)
    for (name, texts), verdict in zip(asked, said, strict=True):
        expected = answers.words(by_python(name, tuple(texts)))
        assert answers.words(verdict) == expected, (name, [text[:60] for text in texts])
    # All of it right, and kept after one yes: a reload finds everything, and the contents list counts it.
    answer(shown, *[(name, right(name)) for name in here])
    assert shown.evaluate("localStorage.getItem('lvm-answers')") is None
    assert shown.locator(".lvm-ask").count() == 1
    shown.get_by_role("button", name="Keep", exact=True).click()
    assert set(kept(shown)["exercises"]) == set(here)
    reload(shown)
    forms = shown.evaluate(
        "[...document.querySelectorAll('form[data-exercise]')].map((form) => [form.dataset.exercise, "
        "form.dataset.verdict, [...form.querySelectorAll('input')].map((input) => input.value)])"
    )
    assert forms == [[name, "right", right(name)] for name in here]
    # The page's own stamps are those of the list that is counted by: else a page was built from other tables.
    counted = shown.evaluate(
        "[...document.querySelectorAll('form[data-exercise]')].map(({ dataset }) => [dataset.exercise, dataset.stamp])"
    )
    shown.wait_for_function("() => window.lvmExerciseList !== undefined")
    listed = shown.evaluate("lvmExerciseList").copy()
    stamps = next(chapter["exercises"] for chapter in listed if page.endswith(chapter["page"]))
    assert [[each["name"], each["stamp"]] for each in stamps] == counted
    count = shown.locator(".chapters a[aria-current] .lvm-done")
    count.get_by_text("exercises right").wait_for(state="attached")
    assert count.text_content() == f"{len(here)} of {len(here)} exercises right"
    assert shown.locator(".lvm-ask").count() == 0
    assert seen.errors == [] and seen.foreign == []


@pytest.mark.parametrize("page", PAGES[:1])
class TestOnePage:
    def test_by_keyboard_alone(self, visit, page):
        """A field is reached by its label's name, Enter judges, and what is said stands in a live region."""
        shown, name = visit(page).page, names(page)[0]
        form = shown.locator(f'form[data-exercise="{name}"]')
        first = form.get_by_role("textbox").first
        first.focus()
        for at, text in enumerate(right(name)):
            if at:
                shown.keyboard.press("Tab")
            shown.keyboard.type(text)
        shown.keyboard.press("Enter")
        status = form.get_by_role("status")
        status.get_by_text("Right: ").wait_for()
        assert first.get_attribute("aria-describedby") == status.get_attribute("id")
        assert all(box.get_attribute("id") for box in form.get_by_role("textbox").all())
        shown.keyboard.press("Tab")
        assert shown.evaluate("document.activeElement.textContent").startswith("Check your answer to ")
        shown.keyboard.press("Tab")
        assert shown.evaluate("document.activeElement.textContent") == "Keep"
        shown.keyboard.press("Enter")
        assert "Kept" in shown.evaluate("document.activeElement.textContent")

    def test_what_is_pressed_is_large_and_no_rule_is_broken(self, visit, axe, page):
        shown = visit(page, viewport=PHONE, reduced_motion="reduce").page
        answer(shown, *[(name, [*right(name)[:-1], "one"]) for name in names(page)])
        boxes = shown.evaluate(
            "[...document.querySelectorAll('.lvm-answer :is(input, button)')].map((node) => {"
            "const box = node.getBoundingClientRect(); return [box.width, box.height]; })"
        )
        assert boxes and min(side for box in boxes for side in box) >= 44
        assert faults(shown, axe, (PHONE, "light"), (LAPTOP, "dark"), parts=("main .lvm-answer",)) == {}
        shown.emulate_media(forced_colors="active")
        assert shown.locator(".lvm-answer .lvm-verdict").first.is_visible()

    def test_printed_fields_are_lines_with_the_answer(self, visit, page):
        shown, name = visit(page).page, names(page)[0]
        answer(shown, (name, right(name)))
        shown.emulate_media(media="print")
        form = shown.locator(f'form[data-exercise="{name}"]')
        style = form.locator("input").first.evaluate(
            "(node) => [getComputedStyle(node).borderTopWidth, getComputedStyle(node).borderBottomWidth, node.value]"
        )
        assert style == ["0px", "1px", right(name)[0]]
        assert not form.locator("button").first.is_visible()

    def test_without_javascript_a_sentence_says_what_is_missing(self, visit, page):
        form = visit(page, java_script_enabled=False).page.locator("form[data-exercise]").first
        assert "needs JavaScript" in form.locator("noscript, .lvm-note").last.text_content()
        assert form.locator("input").first.is_disabled()

    @pytest.mark.parametrize("damage", ["missing", "corrupt", "other"])
    def test_a_damaged_table_is_said_and_nothing_is_lost(self, visit, page, damage):
        seen = visit(YOURS)
        body = {"missing": None, "corrupt": 'lvmExercises("x","###")', "other": "0;"}[damage]
        seen.page.context.route(
            "**/_exercises/*.js",
            lambda route: route.abort() if body is None else route.fulfill(body=body, content_type="text/javascript"),
        )
        shown = seen.open((SITE / page).as_uri())
        name = names(page)[0]
        (said,) = answer(shown, (name, right(name)))
        assert (said.startswith("Not judged: ") and "could not be loaded" in said) or "damaged" in said
        assert shown.locator(f'form[data-exercise="{name}"] input').first.input_value() == right(name)[0]

    def test_a_browser_that_keeps_nothing_judges_all_the_same(self, visit, page):
        seen = visit(YOURS)
        seen.page.add_init_script(
            "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('', 'SecurityError'); } })"
        )
        shown, name = seen.open((SITE / page).as_uri()), names(page)[0]
        assert answer(shown, (name, right(name)))[0].startswith("Right: ")
        assert "keeps nothing" in shown.locator(".lvm-answer .lvm-note").last.text_content()
        assert seen.errors == []

    def test_a_changed_exercise_drops_its_answer_with_a_word(self, visit, page):
        shown, name = visit(page).page, names(page)[0]
        answer(shown, (name, right(name)))
        shown.get_by_role("button", name="Keep", exact=True).click()
        changed = kept(shown)
        changed["exercises"][name]["stamp"] = "an older one"
        shown.evaluate("(text) => localStorage.setItem('lvm-answers', text)", json.dumps(changed))
        reload(shown)
        form = shown.locator(f'form[data-exercise="{name}"]')
        assert "has changed since you answered it" in form.locator(".lvm-verdict").text_content()
        assert right(name)[0][:20] in form.locator(".lvm-verdict").text_content()
        assert form.locator("input").first.input_value() == ""
        assert name not in kept(shown)["exercises"]


def test_nothing_moves_when_the_list_of_answers_comes(visit, address):
    seen = visit(None, viewport={"width": 412, "height": 823})
    seen.page.add_init_script(SHIFTS)
    waiting = []
    seen.context.route("**/_exercises/all.js*", lambda route: waiting.append(route))
    with seen.page.expect_request("**/_exercises/all.js*"):
        seen.page.goto(address + YOURS, wait_until="domcontentloaded")
    seen.page.wait_for_timeout(300)  # the page is drawn without its list
    waiting[0].continue_()
    seen.page.locator(".lvm-answered").first.wait_for()
    seen.page.wait_for_timeout(300)
    assert seen.page.evaluate("lvmShifts") < 0.02


@pytest.mark.parametrize("scheme", ["file", "http"])
def test_your_answers_travel_in_a_file_and_can_be_erased(
    visit,
    address,
    scheme,
    axe,
    tmp_path,  # a fixture
):
    page = PAGES[0]
    seen = visit(page, scheme)
    shown, here = seen.page, names(page)
    answer(shown, *[(name, right(name)) for name in here], (here[0], ["<b>no</b>\n```" for _ in right(here[0])]))
    shown.get_by_role("button", name="Keep", exact=True).click()
    before = kept(shown)
    url = (SITE / YOURS).as_uri() if scheme == "file" else address + YOURS
    seen.open(url)
    status = shown.locator("[data-your-answers] [role=status]")
    main = shown.locator("[data-your-answers]")
    main.get_by_text(f"{len(here) - 1} of {len(here)} right.").wait_for()
    with shown.expect_download() as coming:
        shown.get_by_role("button", name="Save to a file").click()
    file = tmp_path / "answers.md"
    coming.value.save_as(file)
    assert file.read_text(encoding="utf-8").startswith("# Answers to the exercises of")
    if scheme == "http":  # from a file axe may not read the style sheet, and says so
        assert faults(shown, axe, (PHONE, "dark"), (LAPTOP, "light"), parts=("main",)) == {}

    shown.get_by_role("button", name="Erase all").click()
    assert kept(shown) == before  # asked first
    shown.get_by_role("button", name="Erase", exact=True).click()
    assert shown.evaluate("localStorage.getItem('lvm-answers')") is None
    opener = shown.get_by_label("Bring back from a file")
    for text, words in {
        "no file of answers": "holds no answers",
        file.read_text(encoding="utf-8")[:-150]: "damaged",
        file.read_text(encoding="utf-8").replace('"version": 1', '"version": 2'): "another version",
    }.items():
        opener.set_input_files({"name": "other.md", "mimeType": "text/markdown", "buffer": text.encode()})
        status.get_by_text(words).wait_for()
        assert "Nothing was changed." in status.text_content()
    opener.set_input_files(file)
    status.get_by_text("Brought back: ").wait_for()
    assert kept(shown) == before
    opener.set_input_files(file)  # twice brings no more
    status.get_by_text("Brought back: 0 answers.").wait_for()
    assert kept(shown) == before
    assert seen.errors == [] and seen.foreign == []
