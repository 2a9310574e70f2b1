"""Quick questions in the built page: a guess, the same question after the chapter, what is said of each choice.

Every choice of every chapter is taken, by a test that knows nothing but the notebooks' metadata.
"""

from __future__ import annotations

import json
import sys

import pytest
from built_book import SITE
from test_accessibility import LAPTOP, PHONE, faults
from test_links import fault, places

from tools import chapters, keys, quick

sys.path.insert(0, str(keys.ROOT / "_ext"))
import answers

CHAPTERS = [path for path in chapters.chapter_paths() if path.stem not in quick.WITHOUT]
PAGES = {f"book/{path.stem}.html": quick.blocks(keys.read(path)) for path in CHAPTERS}
PAGE = "book/elbo.html"
FIRST = PAGES[PAGE]["before"][0]
YOURS = "book/appendix/your_answers.html"
CHOOSE = """async ([id, at]) => {
  const form = document.getElementById(id);
  form.querySelectorAll("input").forEach((input, place) => { input.checked = place === at; });
  form.querySelector("input").dispatchEvent(new Event("change", { bubbles: true }));
  form.requestSubmit();
  const said = form.querySelector(".lvm-verdict");
  for (let i = 0; i < 400 && !said.textContent; i++) await new Promise((done) => setTimeout(done, i ? 10 : 0));
  return [said.textContent, said.querySelector("a")?.getAttribute("href") ?? "", form.dataset.verdict];
}"""


def choose(page, name, when, at):
    return page.evaluate(CHOOSE, [f"{name}-{when}", at])


def kept(page) -> dict:
    return json.loads(page.evaluate("localStorage.getItem('lvm-answers')"))["exercises"]


def right(question) -> int:
    return next(at for at, choice in enumerate(question["choices"]) if choice.get("right"))


@pytest.mark.parametrize("page", PAGES)
def test_every_choice_is_judged_and_leads_to_a_place(visit, page):
    seen = visit(page)
    for question in PAGES[page]["before"] + PAGES[page]["after"]:
        for at, choice in enumerate(question["choices"]):
            said, link, verdict = choose(seen.page, question["name"], "after", at)
            is_right = choice.get("right", False)
            assert said.startswith(f"{'Right' if is_right else 'Not right'}: {answers.words(choice['because'])} See ")
            assert verdict == ("right" if is_right else "wrong")
            assert "#" in link and fault(link, (SITE / page).resolve()) == "", link
    assert seen.errors == [] and seen.foreign == []


def test_a_guess_stands_beside_the_question_after_the_chapter_and_all_of_it_is_kept(visit):
    seen = visit(PAGE, "http")
    shown, name, wrong = seen.page, FIRST["name"], (right(FIRST) + 1) % 3
    assert choose(shown, name, "before", wrong)[0].startswith("Noted.")
    shown.get_by_role("button", name="Keep", exact=True).click()
    after = shown.locator(f"#{name}-after")
    guess = f"Before the chapter you chose: {FIRST['choices'][wrong]['says']}"
    assert after.locator(".lvm-first").text_content() == guess
    assert choose(shown, name, "after", right(FIRST))[2] == "right"
    assert "your first guess stays" in choose(shown, name, "before", right(FIRST))[0]
    said = [FIRST["choices"][at]["says"] for at in (wrong, right(FIRST))]
    assert kept(shown)[name]["answers"] == said
    shown.wait_for_timeout(500)
    shown.reload()
    shown.wait_for_function("() => document.querySelector('form[data-quick] fieldset').disabled === false")
    assert after.locator(".lvm-first").text_content() == guess
    assert after.locator("input").nth(right(FIRST)).is_checked() and after.get_attribute("data-verdict") == "right"
    assert shown.locator(f"#{name}-before input").nth(wrong).is_checked()

    seen.open(seen.page.url.replace(PAGE, YOURS))
    main = shown.locator("[data-your-answers]")
    main.get_by_text("Quick questions: 1 of 8 right.").wait_for()
    assert main.get_by_text(", ".join(said)).count() == 1
    with shown.expect_download() as coming:
        shown.get_by_role("button", name="Save to a file").click()
    text = coming.value.path().read_text(encoding="utf-8")
    shown.get_by_role("button", name="Erase all").click()
    shown.get_by_role("button", name="Erase", exact=True).click()
    opener = shown.get_by_label("Bring back from a file")
    opener.set_input_files({"name": "a.md", "mimeType": "text/markdown", "buffer": text.encode()})
    shown.locator("[role=status]").get_by_text("Brought back: 1 answer.").wait_for()
    assert kept(shown)[name]["answers"] == said
    assert seen.errors == [] and seen.foreign == []


@pytest.mark.parametrize(
    "change",
    [
        {"stamp": "an older one"},
        {"answers": ["<img src=x onerror=alert(1)>", "x" * 10_000]},
        {"answers": [FIRST["choices"][0]["says"]]},
        {"answers": ["", "", ""]},
    ],
    ids=["changed", "hostile", "too few", "too many"],
)
def test_an_answer_that_is_none_to_this_question_is_dropped_with_a_word(visit, change):
    seen = visit(PAGE, "http")
    shown, name = seen.page, FIRST["name"]
    choose(shown, name, "after", 0)
    shown.locator(f"#{name}-after").get_by_role("button", name="Keep", exact=True).click()
    state = json.loads(shown.evaluate("localStorage.getItem('lvm-answers')"))
    state["exercises"][name].update(change)
    shown.evaluate("(text) => localStorage.setItem('lvm-answers', text)", json.dumps(state))
    shown.wait_for_timeout(500)
    shown.reload()
    shown.wait_for_function("() => document.querySelector('form[data-quick] fieldset').disabled === false")
    said = shown.locator(f"#{name}-after .lvm-verdict").text_content()
    assert "has changed since you answered it" in said and len(said) < 200
    assert shown.locator(f"#{name}-after input:checked").count() == 0
    assert name not in kept(shown)
    assert seen.errors == []


def test_by_keyboard_alone_and_without_a_choice(visit):
    shown, name = visit(PAGE).page, FIRST["name"]
    form = shown.locator(f"#{name}-before")
    form.get_by_role("button").first.click()
    assert form.get_by_role("status").text_content() == "Choose one of the answers first."
    assert form.get_by_role("group").get_attribute("aria-describedby") == form.get_by_role("status").get_attribute("id")
    form.get_by_role("radio").first.focus()
    shown.keyboard.press("ArrowDown")
    assert form.get_by_role("radio").nth(1).is_checked() and form.get_by_role("status").text_content() == ""
    shown.keyboard.press("Tab")
    assert shown.evaluate("document.activeElement.textContent") == "Note this guess, question 1"
    shown.keyboard.press("Enter")
    form.get_by_text("Noted.").wait_for()


def test_what_is_pressed_is_large_no_rule_is_broken_and_it_prints(visit, axe):
    shown = visit(PAGE, viewport={"width": 320, "height": 700}, reduced_motion="reduce").page
    choose(shown, FIRST["name"], "after", (right(FIRST) + 1) % 3)
    boxes = shown.evaluate(
        "[...document.querySelectorAll('.lvm-quick :is(label, button)')].map((node) => {"
        "const box = node.getBoundingClientRect(); return [box.width, box.height, box.right]; })"
    )
    assert boxes and min(min(box[:2]) for box in boxes) >= 44 and max(box[2] for box in boxes) <= 320
    assert faults(shown, axe, (PHONE, "light"), (LAPTOP, "dark"), parts=("main .lvm-quick",)) == {}
    shown.emulate_media(forced_colors="active")
    assert shown.locator(f"#{FIRST['name']}-after .lvm-verdict").is_visible()
    shown.emulate_media(media="print", forced_colors="none")
    assert not shown.locator(".lvm-quick button").first.is_visible()
    assert shown.locator(f"#{FIRST['name']}-after input:checked").is_visible()


def test_a_damaged_table_is_said_and_without_javascript_a_sentence_says_what_is_missing(visit):
    seen = visit(YOURS)
    seen.page.context.route("**/_exercises/*.js", lambda route: route.abort())
    shown = seen.open((SITE / PAGE).as_uri())
    said, _, _ = choose(shown, FIRST["name"], "after", 1)
    assert said.startswith("Not judged: ") and shown.locator(f"#{FIRST['name']}-after input").nth(1).is_checked()
    plain = visit(PAGE, java_script_enabled=False).page
    assert "needs JavaScript" in plain.locator(".lvm-quick-box noscript, .lvm-quick-box .lvm-note").last.text_content()
    assert places((SITE / PAGE).resolve()) >= {f"{FIRST['name']}-before", f"{FIRST['name']}-after"}


def test_no_answer_stands_in_the_page():
    for page, blocks in PAGES.items():
        text = (SITE / page).read_text(encoding="utf-8")
        assert not any(choice["because"] in text for asked in blocks.values() for q in asked for choice in q["choices"])
