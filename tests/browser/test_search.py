"""The search finds what is in the book, says where, and works wherever a page opens, by keyboard too."""

import gzip
import json
import re
import shutil
import subprocess

import pytest
from built_book import ROOT, SITE

from tools import identities
from tools.budgets import budget

# Words in -ise and -ize that have one spelling, or whose other one nobody writes.
ONE_SPELLING = (
    r"exercis|nois|otherwis|likewis|rais|prais|promis|precis|[a-z]+wis|compris|premis|pris|advis|supervis|ris|siz"
)
ANSWERS = """
import { readFileSync } from "node:fs";
import { find, prepare, row } from "ROOT/js/engine/search.js";
const [listed, questions] = JSON.parse(readFileSync(0, "utf8"));
const book = prepare(listed);
const answer = (question) => {
  const { results, all } = find(book, question);
  return { all, rows: results.map(row).map((each) => ({ ...each, snippet: each.snippet.map(([part]) => part).join(""),
    heading: each.heading.map(([part]) => part).join("") })) };
};
console.log(JSON.stringify(Object.fromEntries(questions.map((question) => [question, answer(question)]))));
"""
EVERYWHERE = ("file", "http")


@pytest.fixture(scope="module")
def index() -> list[dict]:
    text = (SITE / "_search" / "book.js").read_text(encoding="utf-8")
    return json.loads(text.removeprefix("lvmSearchBook="))


@pytest.fixture(scope="module")
def answers(index):
    """answers(questions): what the engine finds for each of them in the built book."""

    def ask(questions):
        script = ANSWERS.replace("ROOT", ROOT.as_posix())
        done = subprocess.run(
            [shutil.which("node"), "--input-type=module", "-e", script],
            input=json.dumps([index, list(questions)]),
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return ask


def sections(index):
    """Page and section of all that is searched: anchor, heading, text, equations, names."""
    for page in index:
        for _, *rest in page["sections"]:
            yield page, [*rest, "", "", ""][:5]


def test_the_index_is_light_and_sphinx_ships_none_of_its_own():
    assert len(gzip.compress((SITE / "_search" / "book.js").read_bytes(), 9)) < budget("scripts", "words")
    script = SITE / "_static" / "bundle" / "search.min.js"
    assert len(gzip.compress(script.read_bytes(), 9)) < budget("scripts", "search")
    shipped = {path.name for path in SITE.rglob("*.js")}
    old = {"searchindex.js", "searchtools.js", "doctools.js", "language_data.js", "sphinx_highlight.js"}
    assert not shipped & (old | {"documentation_options.js"})
    others = [page for page in SITE.rglob("*.html") if page.name != "search.html"]
    assert not [page for page in others if "search.min.js" in page.read_text(encoding="utf-8")]


def test_each_place_that_is_found_is_there(index):
    texts, lost = {}, []
    for page, (anchor, _, _, equations, _) in sections(index):
        address = f"{page['page']}#{anchor}" if page["page"] else anchor
        places = [address, *(f"{page['page']}#equation-{name}" for name in equations.split())] if address else []
        for place in places:
            file, _, name = place.partition("#")
            if file not in texts:
                text = (SITE / file).read_text(encoding="utf-8")
                texts[file] = set(re.findall(r'\bid="([^"]+)"', text)) | {""}
            if name not in texts[file]:
                lost.append(place)
    assert lost == []
    assert len({file for file in texts if file.startswith("book/")}) > 15


def test_formulas_in_results_can_be_read(index):
    """Signs stand apart from what they join, a name from its argument, an index from a power."""
    texts = {(page["page"], name): text for page, (name, _, text, _, _) in sections(index)}
    all_of_them = " ".join(texts.values())
    assert "s_j^2 = σ^2/λ_j" in all_of_them and "log p_θ(x)" in all_of_them
    assert not re.findall(r"\w[≤≥≈]\w|\N{FUNCTION APPLICATION}(?![(\[])", all_of_them)


def test_hints_solutions_and_printed_numbers_are_not_searched(index):
    """No list of results gives an answer away."""
    chapter = next(page for page in index if page["page"] == "book/elbo.html")
    words = " ".join(section[3] for section in chapter["sections"] if len(section) > 3)
    assert "Split log p" in words
    text = (SITE / "book/elbo.html").read_text(encoding="utf-8")
    folded = re.findall(r'<details class="(?:hint|solution)"><summary>\w+</summary>\s*<p>([^<&]{25,})', text)
    assert len(folded) >= 3
    assert not [text for text in folded if " ".join(text.split())[:25] in words]


def test_each_equation_and_each_function_is_found_by_its_name(index, answers):
    labels = [label.label for label in identities.labels()]
    functions = {heading for page, (_, heading, _, _, _) in sections(index) if not page["page"]}
    found = answers([*labels, *functions])
    for label in labels:
        assert found[label]["rows"][0]["address"].endswith(f"#equation-{label}"), label
    for name in functions:
        rows = found[name]["rows"]
        among = rows[:3] if re.search(r"_|[a-z][A-Z]", name) else rows  # a plain word stands in the text, too
        assert any(row["heading"] == name or name in row["code"] for row in among), name
    assert len(labels) > 100 and len(functions) > 150


def test_each_pair_of_characters_of_each_chinese_term_is_found(answers):
    glossary = (ROOT / "book" / "appendix" / "glossary.md").read_text(encoding="utf-8")
    runs = {
        run for term in re.findall(r'lang="zh-Hans">([^<]+)', glossary) for run in re.findall(r"[\u4e00-\u9fff]+", term)
    }
    pairs = {run[at : at + 2] for run in runs for at in range(len(run) - 1)}
    assert {"后验", "码字", "变分"} <= pairs
    for pair, found in answers([*pairs, *runs]).items():
        assert found["all"] and found["rows"], pair
        assert any(pair in row["snippet"] or pair in row["heading"] for row in found["rows"]), pair


def test_both_spellings_of_every_word_find_the_same(index, answers):
    words = {
        word
        for _, parts in sections(index)
        for word in re.findall(r"\b[a-z]+i[sz](?:e|es|ed|er|ers|ing|ation|ations)\b", " ".join(parts).lower())
        if not re.match(ONE_SPELLING, word)
    }
    other = {
        word: re.sub(
            r"i([sz])(?=(?:e|es|ed|er|ers|ing|ation|ations)$)", lambda found: "iz" if found[1] == "s" else "is", word
        )
        for word in words
    }
    pairs = other | {"reparametrisation": "reparameterization", "colour": "color"}
    found = answers([*pairs, *pairs.values()])
    lack = [word for word, twin in pairs.items() if found[word] != found[twin] or not found[word]["rows"]]
    assert lack == [], "js/engine/spellings.js lacks a row"
    assert len(words) > 30
    for hyphened, whole in {"k-means": "kmeans", "vq-vae": "VQVAE"}.items():
        both = [{row["address"] for row in found["rows"]} for found in answers([hyphened, whole]).values()]
        assert both[1] and both[1] <= both[0]


@pytest.mark.parametrize("scheme", EVERYWHERE)
def test_a_reader_types_and_goes_to_the_section_by_keyboard_alone(visit, scheme):
    seen = visit("search.html", scheme)
    page = seen.page
    assert not page.evaluate("Boolean(window.lvmSearchBook)")  # it comes when it is wanted
    page.locator("#search-field").focus()
    page.keyboard.type("em-m-step")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('#search-status').textContent.startsWith('1 place')")
    row = page.locator(".lvm-found li").first
    assert "Chapter 6" in row.text_content() and "EM is max" in row.text_content()
    assert row.locator("mark").count() + row.locator("code").count() > 0
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.matches('.lvm-found a')")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.id") == "search-field"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/book/em_vs_vae.html#equation-em-m-step")
    assert page.locator("#equation-em-m-step").evaluate("(node) => node.getBoundingClientRect().top < innerHeight")
    assert seen.errors == [] and seen.foreign == []


def test_every_question_is_answered_by_a_sentence_and_runs_nothing(visit):
    seen = visit("search.html")
    page, field, status = seen.page, seen.page.locator("#search-field"), seen.page.locator("#search-status")

    def ask(question, words):
        field.fill(question)
        field.press("Enter")
        page.wait_for_function(
            "(words) => new RegExp(words).test(document.querySelector('#search-status').textContent)", arg=words
        )
        return page.locator(".lvm-found li").count()

    assert status.get_attribute("role") == "status"
    assert ask("posterior", r"^\d+ places in \d+ pages\.$") == 20
    more = page.locator("#search-results > button")
    more.click()
    assert page.evaluate("document.activeElement.matches('.lvm-found li:nth-child(21) a')")
    assert page.locator(".lvm-found li").count() > 20
    assert ask("后验", r"^\d+ places? in \d+ page") >= 1
    assert "后验" in page.locator("mark").first.text_content()
    assert ask("", "^Nothing was asked") == 0
    assert ask("((*", "neither a letter nor a digit") == 0
    assert ask("zzzzzzzz", "^Nothing in the book holds “zzzzzzzz”") == 0
    ask("<img src=x onerror=\"document.title='owned'\">", "place")
    ask("elbo " * 3000, "first 200 letters")
    assert page.locator("#search-results :is(img, script)").count() == 0 and "owned" not in page.title()
    assert seen.errors == [] and seen.foreign == []


def test_it_works_in_a_sandboxed_frame_that_refuses_storage(beside, tmp_path):
    shutil.copytree(SITE / "_static", tmp_path / "_static", ignore=shutil.ignore_patterns("figures", "katex"))
    shutil.copytree(SITE / "_search", tmp_path / "_search")
    shutil.copy(SITE / "search.html", tmp_path / "search.html")
    (tmp_path / "frame.html").write_text(
        '<!doctype html><html lang="en"><title>t</title>'
        '<iframe sandbox="allow-scripts" src="search.html?q=posterior" width="800" height="700"></iframe></html>'
    )
    with beside(tmp_path) as go:  # over http: from a file, no frame without an origin may load anything
        seen = go("frame.html", "http")
        frame = seen.page.frame_locator("iframe")
        frame.locator(".lvm-found li").first.wait_for()
        frame.locator("#search-field").fill("码字")
        frame.locator("form button").click()
        frame.locator(".lvm-found mark", has_text="码字").first.wait_for()
        fonts = ("from origin 'null'", "Failed to load resource")  # only these are asked for by origin
        assert [text for text in seen.errors if not any(words in text for words in fonts)] == [] and seen.foreign == []


def test_a_missing_index_is_said_and_asked_for_again(visit):
    seen = visit("search.html")
    seen.page.context.route("**/_search/book.js", lambda route: route.abort())
    field = seen.page.locator("#search-field")
    field.fill("posterior")
    field.press("Enter")
    seen.page.locator("#search-status", has_text="nothing can be looked for").wait_for()
    seen.page.context.unroute("**/_search/book.js")
    field.press("Enter")
    seen.page.locator(".lvm-found li").first.wait_for()
