"""A page folds the code that does not teach, and makes tables of the claims of a run; notebooks stay as they are."""

import base64
import io
import re
import sys

import numpy as np
import pytest
from bs4 import BeautifulSoup
from PIL import Image

from lvm_lib import experiments, plots
from lvm_lib.plots.show import in_both_themes
from tools import pictures as pictures_of_both
from tools.keys import ROOT

sys.path.insert(0, str(ROOT / "_ext"))
import cards
import formulas
import minus
import panels
import reading


def cell(source="x = 1\n\ny = 2", tags=(), said=""):
    outputs = [{"output_type": "stream", "name": "stdout", "text": said}] if said else []
    return {"cell_type": "code", "id": "a", "metadata": {"tags": list(tags)}, "source": source, "outputs": outputs}


@pytest.mark.parametrize("tag", ["teaches", "remove-cell", "remove-input"])
def test_what_teaches_is_not_folded_nor_what_is_hidden_already(tag):
    (kept,) = reading.with_folds({"cells": [cell(tags=[tag])]})["cells"]
    assert kept["metadata"] == {"tags": [tag]}


def test_all_other_code_is_folded_under_words_that_say_how_much_it_is():
    (folded,) = reading.with_folds({"cells": [cell(tags=["nbval-ignore-output"])]})["cells"]
    assert "hide-input" in folded["metadata"]["tags"]
    assert folded["metadata"]["mystnb"]["code_prompt_show"] == "Code, 2 lines"


CLAIMED = "gap: 11.1 nats (claimed: at least 5)\nerror: -0.3 (claimed: at most 1)\n"


def cells_of(output):
    return re.findall(r"<t[hd]\b[^>]*>(.*?)</t[hd]>", output["data"]["text/html"])


def test_claims_of_a_run_become_a_table_and_a_single_one_a_sentence():
    alone = "one alone: 3 nats here; stored 4.0 ± 1.0 nats over 3 runs\nafter\n"
    first, table, last = reading.tabled(cell(said=f"before\n{CLAIMED}{alone}")["outputs"][0])
    assert first["text"] == "before\n"
    assert cells_of(table)[:3] == ["quantity", "in this run", "the text claims"]
    assert cells_of(table)[3:] == ["gap", "11.1 nats", "at least 5 nats", "error", "−0.3", "at most 1"]
    assert table["data"]["text/plain"] == CLAIMED
    said = "3 nats in this run; 4.0 ± 1.0 nats is the mean of 3 stored runs with other random seeds"
    assert last["text"] == f"one alone: {said}\nafter\n"
    (kept,) = reading.tabled(cell(said="gap: 11.1 nats (claimed: at least 5)\n")["outputs"][0])
    assert kept["text"] == "gap: 11.1 nats in this run; the text claims at least 5 nats\n"


def test_stored_runs_stand_beside_this_one_under_their_number_and_their_unit():
    lines = (
        "a: 0.652 nats here; stored 0.802 ± 0.050 nats over 4 runs\n"
        "b: 0.000581 nats here; stored 0.000428 ± 0.000072 nats over 4 runs\n"
    )
    (table,) = reading.tabled(cell(said=lines)["outputs"][0])
    assert cells_of(table)[:3] == ["quantity", "in this run", "mean of 4 stored runs"]
    assert "<caption>This run (nats), beside the mean of stored runs" in table["data"]["text/html"]
    assert cells_of(table)[3:] == ["a", "0.652", "0.802 ± 0.050", "b", "0.000581", "0.000428 ± 0.000072"]
    (other,) = reading.tabled(cell(said=lines.replace("over 4 runs\nb", "over 6 runs\nb"))["outputs"][0])
    assert cells_of(other)[2] == "mean of the stored runs"


def test_a_run_beside_stored_ones_is_shown_with_the_digits_that_were_printed(capsys):
    """Who prints the line rounds it, in test_experiments.py: the error in two digits, value and mean as it."""
    for values, found in (
        ([-150.5, -151.0, -151.5], -151.2),
        ([4e-4, 5e-4, 6e-4], 0.00055),
        ([90.0, 120.0, 150.0], 133),
    ):
        experiments.Stored("drawn", (1, 2, 3), {"x": np.array(values)}).within("x", found)
    (table,) = reading.tabled(cell(said=capsys.readouterr().out)["outputs"][0])
    shown = [cells_of(table)[at : at + 2] for at in (4, 7, 10)]
    assert shown == [["−151.20", "−151.00 ± 0.29"], ["0.000550", "0.000500 ± 0.000058"], ["133", "120 ± 17"]]


def test_of_rows_beside_stored_runs_each_has_as_many_decimals_where_no_error_is_lost():
    lines = "a: 0.506 here; stored 0.531 ± 0.028 over 12 runs\nb: 0.4960 here; stored 0.5139 ± 0.0079 over 12 runs\n"
    (table,) = reading.tabled(cell(said=lines)["outputs"][0])
    assert cells_of(table)[3:] == ["a", "0.506", "0.531 ± 0.028", "b", "0.496", "0.514 ± 0.008"]
    assert "<caption>This run, beside the mean" in table["data"]["text/html"]
    (kept,) = reading.tabled(cell(said=lines.replace("0.0079", "0.0004"))["outputs"][0])
    assert cells_of(kept)[7:] == ["0.4960", "0.5139 ± 0.0004"]
    signed = (
        "a: -0.0299 nats here; stored -0.0180 ± 0.0056 nats over 3 runs\n"
        "b: 1.086 nats here; stored 0.944 ± 0.054 nats over 3 runs\n"
    )
    (table,) = reading.tabled(cell(said=signed)["outputs"][0])
    assert cells_of(table)[3:] == ["a", "−0.030", "−0.018 ± 0.006", "b", "1.086", "0.944 ± 0.054"]


def test_one_nat_is_singular():
    (said,) = reading.tabled(cell(said="gap: 4.76 nats (claimed: at least 1)\n")["outputs"][0])
    assert said["text"] == "gap: 4.76 nats in this run; the text claims at least 1 nat\n"
    (said,) = reading.tabled(cell(said="gap: 4.1 nats (claimed: at least 0.1 and at most 11)\n")["outputs"][0])
    assert said["text"].endswith("at least 0.1 and at most 11 nats\n")


def test_thousands_have_one_look_in_tables_and_in_what_is_printed():
    made = '<table class="lvm-table"><td>16641</td><td>−4084.66 ± 1e4</td></table> 5000'
    html = reading.with_commas({"output_type": "execute_result", "data": {"text/html": [made]}})["data"]["text/html"]
    assert html == made.replace("16641", "16,641").replace("4084", "4,084")
    printed = "1200 of 9000, W is (784, 1600), x[:1000], 0.12345, 1,000, v2000\n"
    said = reading.with_commas(cell(said=printed)["outputs"][0])["text"]
    assert said == printed.replace("1200", "1,200").replace("9000", "9,000")
    live = {"output_type": "display_data", "data": {"text/html": '<div data-numbers="4084"></div>'}}
    assert reading.with_commas(live) == live


def test_rows_of_a_formula_are_told_apart_from_what_stands_inside():
    found = formulas.rows(r"\begin{aligned} a &= \sum_{\substack{i \\ j}} b \\ &+ c \end{aligned}.")
    assert [goes_on for _, goes_on in found] == [False, True]
    assert [" ".join(line.split()) for line, _ in found] == [r"{} a = \sum_{\substack{i \\ j}} b", "{} + c ."]
    assert formulas.rows(r"a = \begin{cases} 1 \\ 0 \end{cases}") == []


@pytest.mark.parametrize(
    "formula, starts",
    [
        ("a = b - c", "=−"),  # a line may begin with a relation or a sign
        (r"p(x \mid z) = q(a + b)", "="),  # but not inside plain parentheses
        (r"\|x - y\|^2 \le 1", "≤"),  # nor between the bars of a norm
        (r"\operatorname{KL}(p \,\|\, q) \ge 0", "≥"),
        (r"z \sim p, \qquad x \in X", "x"),  # a wide space ends a line
    ],
)
def test_a_line_begins_with_a_relation_or_a_sign_of_the_outermost_level(formula, starts):
    shown = formulas.breaking(None, formula)
    bases = shown.split('<span class="katex-base">')[2:]
    assert [re.sub(r"<[^>]+>", "", base)[0] for base in bases] == list(starts)
    assert "allowbreak" not in re.search(r"<annotation.*?</annotation>", shown)[0]


def drawn(*columns):
    """A picture of 1,400 x 300 with ink in these columns."""
    pixels = np.full((300, 1400), 255, dtype=np.uint8)
    for start, end in columns:
        pixels[100:120, start:end] = 0
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


def test_panels_are_parted_by_a_column_of_nothing_and_a_label_goes_with_what_follows():
    assert panels.panels(drawn((10, 1390))) == []
    (left, first), (right, second) = panels.panels(drawn((10, 640), (660, 680), (720, 1390)))
    assert left + first < 660 / 1400 and right < 660 / 1400 and right + second >= 1390 / 1400


def test_a_strip_of_many_images_is_one_picture():
    assert panels.panels(drawn(*((20 + 130 * k, 130 + 130 * k) for k in range(10)))) == []


def test_of_two_statements_each_has_a_row_where_it_is_narrow():
    rows = formulas.rows(r"x = f(z), \qquad z = \begin{cases} 1 & a \qquad b \\ 0 \end{cases}")
    assert [row.strip() for row, _ in rows] == ["x = f(z),", r"z = \begin{cases} 1 & a \qquad b \\ 0 \end{cases}"]
    assert [goes_on for _, goes_on in rows] == [False, False]
    assert [on for _, on in formulas.rows(r"a = b \qquad \text{for every } z")] == [False, True]  # it says when
    assert [on for _, on in formulas.rows(r"\begin{aligned} a &= b, \qquad c = d \\ &+ e \end{aligned}")] == [
        False,
        False,
        True,
    ]
    assert formulas.rows(r"a = b \quad c") == []


@pytest.mark.parametrize(
    "formula, pieces",
    [
        (r"\operatorname{KL}(q(z \mid x) \,\Vert\, p(z))", 1),
        (r"\beta \ge 1", 1),  # what is short does not break at all
        (r"\operatorname{Var}_x[m_j(x)] > 0.01", 1),
        (r"z_1 + z_2 + z_3 + z_4 = y_1 + y_2 + y_3 + y_4", 3),  # what is long does, leaving no few letters alone
        (r"M_{jj} = 1 + (\lambda_j - \sigma^2) / \sigma^2 - x_j", 2),
        (r"|x - \mu - Wz|^2 + |x - \mu - Vz|^2 + 1", 2),
        (r"(z - m)^2 + (y - m)^2 = \tfrac12 (a + b)", 3),
    ],
)
def test_a_formula_in_the_text_breaks_inside_no_parentheses_or_bars_and_leaves_little_alone(formula, pieces):
    shown = formulas.together(formulas.render(formula, False))
    assert shown.count(formulas.BASE) == pieces
    assert re.sub(r"<[^>]+>", "", shown) == re.sub(r"<[^>]+>", "", formulas.render(formula, False))


@pytest.mark.parametrize(
    "body, shown",
    [
        ("<p>a bound of -110 nats</p>", "<p>a bound of −110\u00a0nats</p>"),
        ("<p>a 28 x 28 image, 5 × 5 × 5</p>", "<p>a 28\u00a0×\u00a028 image, 5\u00a0×\u00a05\u00a0×\u00a05</p>"),
        ("<p>up to theta. Not theta.grad</p>", "<p>up to θ. Not theta.grad</p>"),
        ("<caption>log p(x) - L_K, (-1, -.5)</caption>", "<caption>log p(x) − L<sub>K</sub>, (−1, −.5)</caption>"),
        (
            "<td>-ELBO</td><td>one-off, 10-20, 1e-12, 2026-11-28</td>",
            "<td>−ELBO</td><td>one-off, 10-20, 10<sup>−12</sup>, 2026-11-28</td>",
        ),
        (
            '<div class="output stream"><pre>KL -1.5 - 2</pre></div>',
            '<div class="output stream"><pre>KL −1.5 − 2</pre></div>',
        ),
        (
            "<th>theta' of E_q[log p(x, z)]</th><td>5 ± 0.3 nats, 7.2e-05, s^2 I, W W^T, KL(p || q) &gt;= 0</td>",
            "<th>θ′ of E<sub>q</sub>[log\u00a0p(x,\u00a0z)]</th>"
            "<td>5\u00a0±\u00a00.3\u00a0nats, 7.2 · 10<sup>−5</sup>, "
            "s<sup>2</sup> I, W W<sup>T</sup>, KL(p\u00a0∥\u00a0q) ≥ 0</td>",
        ),
        (
            '<img alt="F\'s way, 4 x 4, is -3" title="a man\'s" data-title="a man\'s" data-numbers="-3">',
            '<img alt="F’s way, 4 × 4, is −3" title="a man’s" data-title="a man\'s" data-numbers="-3">',
        ),
        (
            "<p>Jensen&#x27;s, its images' mean, 28 x 28, f'(z) q'</p>",
            "<p>Jensen’s, its images’ mean, 28\u00a0×\u00a028, f′(z) q′</p>",
        ),
        (
            '<div class="output"><pre>EM\'s end, 28 x 28</pre></div>',
            '<div class="output"><pre>EM’s end, 28 × 28</pre></div>',
        ),
    ],
)
def test_numbers_and_symbols_are_written_as_they_are_read(body, shown):
    assert minus.with_minus(body) == shown


@pytest.mark.parametrize(
    "body",
    [
        '<div class="cell tag_nbval-ignore-output"><pre>x = <span class="mi">-1</span></pre></div>',
        "<p>run <code>make -j</code> or <code>x[-1]</code></p>",
        '<span class="katex"><annotation>-1</annotation><span>-1</span></span>',
        "<script>f(-1)</script>",
        "<pre>x = 'a' + \"it's\", 2 x 2</pre>",
        "<p>a well-known rate of 3-5 parts (two-sided), x_train, theta(x), p.sigma, 0x1e5</p>",
    ],
)
def test_code_and_words_keep_their_hyphens(body):
    assert minus.with_minus(body) == body


WIDE = (
    '<table class="lvm-table"><caption>c</caption><thead><tr><th scope="col">model</th>'
    + "".join(f'<th scope="col">measured, "{k}"</th>' for k in range(5))
    + '</tr></thead><tbody><tr><th scope="row">PPCA</th>'
    + "<td>−4084.7</td>" * 5
    + "</tr></tbody></table>"
)


def test_a_wide_table_carries_its_headings_and_its_roles_and_a_narrow_one_stays():
    made = BeautifulSoup(cards.with_cards(f"<p>a</p>{WIDE}"), "html.parser")
    assert made.table["role"] == "table" and "lvm-cards" in made.table["class"]
    assert [cell["data-heading"] for cell in made.select("td")] == [f'measured, "{k}"' for k in range(5)]
    assert [row["role"] for row in made.select("tr")] == ["row", "row"]
    assert {head["role"] for head in made.select("thead th")} == {"columnheader"}
    assert made.select_one("tbody th")["role"] == "rowheader" and made.select_one("tbody th")["data-heading"] == "model"
    narrow = WIDE.replace("measured", "m").replace("−4084.7", "1")
    assert cards.with_cards(narrow) == narrow


def test_each_part_of_a_list_whose_rows_are_stacked_says_its_role_and_no_other_table_does():
    row = '<tr class="row-even" id="term-q"><td><p>q</p></td></tr>'
    body = f'<table class="table"><thead><tr><th class="head">Term</th></tr></thead><tbody>{row}</tbody></table>{WIDE}'
    made = BeautifulSoup(cards.with_roles(body), "html.parser")
    told = [(part.name, part.get("role")) for part in made.table.find_all(True) if part.name != "p"]
    assert told == [
        ("thead", "rowgroup"),
        ("tr", "row"),
        ("th", "columnheader"),
        ("tbody", "rowgroup"),
        ("tr", "row"),
        ("td", "cell"),
    ]
    assert made.table["role"] == "table" and made.select_one("#term-q")["class"] == ["row-even"]
    assert cards.with_roles(body).endswith(WIDE)


def test_a_table_from_markdown_can_be_written_as_one_of_results():
    head = '<tr class="row-odd"><th class="head"><p>What</p></th>\n<th class="head text-right"><p>Took</p></th>\n</tr>'
    row = '<tr class="row-even"><td><p>a <em>fit</em></p></td>\n<td class="text-right"><p>3 ms</p></td>\n</tr>'
    body = f'<p>a</p><table class="table">\n<thead>\n{head}\n</thead>\n<tbody>\n{row}\n</tbody>\n</table>{WIDE}'
    written = cards.as_results(body)
    made = BeautifulSoup(written, "html.parser").table
    assert made["class"] == ["lvm-table"] and written.endswith(WIDE)
    assert [(cell.name, cell.get("scope"), cell["style"]) for cell in made.find_all(["th", "td"])] == [
        ("th", "col", "text-align:left"),
        ("th", "col", "text-align:right"),
        ("th", "row", "text-align:left"),
        ("td", None, "text-align:right"),
    ]
    assert str(made.select_one("tbody th").em) == "<em>fit</em>" and made.td.get_text() == "3 ms"


def in_table(words, tag="td"):
    """What the build writes for a cell of a table."""
    body = f'<table class="lvm-table"><tbody><tr><{tag}>{words}</{tag}></tr></tbody></table>'
    return re.search(rf"<{tag}>(.*)</{tag}>", minus.with_minus(body))[1].replace("\u00a0", "~")


@pytest.mark.parametrize(
    "words, shown",
    [
        ("PPCA, d = 16", "PPCA,~d~=~16"),
        ("factor analysis, d = 16", "factor analysis, d~=~16"),
        ("log p(x, z), draw 1", "log~p(x,~z), draw 1"),
        ("best log p(x | code)", 'best log~p<span class="lvm-whole">(x~|~code)</span>'),
        ("N(-1.5, 0.7²)", "N(−1.5,~0.7<sup>2</sup>)"),
        ("KL(data || model)", "KL(data~∥~model)"),
        ("error, K = 1,000", "error,~K~=~1,000"),
        ("spread (of all seeds that ran)", "spread (of all seeds that ran)"),
        ("-log2 P(message)", "−log<sub>2</sub> P(message)"),
        ("-inf", "−∞"),
        ("inf", "∞"),
        ("... turned back", "… turned back"),
        ("BROKEN", "broken"),
        ("<code>d = 1, -inf, BROKEN ...</code>", "<code>d = 1, -inf, BROKEN ...</code>"),
        ('<a href="a.html?x = 1&y=...">p(x, z)</a>', '<a href="a.html?x = 1&y=...">p(x,~z)</a>'),
    ],
)
def test_no_line_of_a_cell_breaks_inside_a_short_expression_and_signs_are_written_as_they_are_read(words, shown):
    assert in_table(words) == shown and in_table(words, "th") == shown


def test_outside_tables_lines_break_and_numbers_for_scripts_stay():
    live = '<div data-numbers="-inf ... d = 1"></div><p>for d = 1, p(x, z)</p>'
    assert minus.with_minus(live) == live


def test_what_was_printed_has_its_signs_too_and_code_its_own():
    printed = '<div class="output stream"><pre>KL(q || p) = -inf ... log2 P, math.inf, info, 3e-08\n</pre></div>'
    said = minus.with_minus(printed)
    assert "KL(q ∥ p) = −∞ … log₂ P, math.inf, info, 3 · 10<sup>−8</sup>\n" in said
    code = "<pre>a || b ... -inf log2 3e-08</pre>"
    assert minus.with_minus(code) == code


def test_a_heading_on_a_card_keeps_its_power():
    made = BeautifulSoup(
        cards.with_cards(WIDE.replace("measured", "log<sub>2</sub> error / 2σ<sup>2</sup>, 10<sup>−3</sup>")),
        "html.parser",
    )
    assert made.td["data-heading"] == 'log₂ error / 2σ², 10⁻³, "0"'


def test_a_heading_on_a_card_keeps_its_indices():
    heading = "losses on z<sub>e</sub>, <em>E</em>"
    made = BeautifulSoup(
        cards.with_cards(WIDE.replace("measured", heading).replace("4084.7", "4<sup>5</sup>")), "html.parser"
    )
    first, said = made.td.find_all("span", recursive=False)
    assert "data-heading" not in made.td.attrs
    assert first["class"] == ["lvm-heading"] and first["aria-hidden"] == "true"
    assert first.decode_contents() == f'{heading}, "0"' and said.decode_contents() == "−4<sup>5</sup>"
    assert made.select_one("tbody th")["data-heading"] == "model"


def few(name):
    """A table of claims, with one row."""
    lines = f"{name}: 1.29 (claimed: at least 0.4)\n"
    (match,) = [reading.CLAIM.fullmatch(lines.strip())]
    return reading.table(reading.CLAIM, [match])


def test_tables_of_claims_are_cards_all_alike_and_their_names_have_no_heading():
    made = BeautifulSoup(cards.with_cards(few("gap")), "html.parser")
    assert made.table["class"] == ["lvm-table", "lvm-cards"] and "data-stacked" not in made.table.attrs
    assert [cell.get("data-heading") for cell in made.select("tbody :is(th, td)")] == [
        None,
        "in this run",
        "the text claims",
    ]


def test_a_table_whose_cells_would_take_many_lines_is_wide():
    short = few("gap").replace(cards.STACKED, "")
    assert cards.with_cards(short) == short
    long = few("young net: cosine of the step at the code and of the way to the best code").replace(cards.STACKED, "")
    assert "lvm-cards" in cards.with_cards(long)


def strip_picture(images, titled=True, rows=1):
    pixels = np.full((60 + 84 * rows, 1382), 255, np.uint8)
    for word in range(3 * titled):
        pixels[8:30, 8 + 60 * word : 56 + 60 * word] = 0
    wide = 1366 // images
    for row in range(rows):
        for k in range(images):
            pixels[50 + 84 * row : 130 + 84 * row, 8 + wide * k : wide * (k + 1)] = 0
    held = io.BytesIO()
    Image.fromarray(pixels).save(held, "PNG")
    return held.getvalue()


def test_a_strip_of_images_has_a_title_of_words_and_a_long_one_two_halves():
    title, strip = panels.strips(strip_picture(8))
    assert len(title) == 3 and all(word[3] == 22 for word in title)
    assert strip[1:] == (50, strip[2], 80) and strip[2] > 1300
    _, left, right = panels.strips(strip_picture(16, rows=2))
    assert left[3] == right[3] == 164 and left[0] + left[2] < right[0] and abs(left[2] - right[2]) < 3
    assert len(panels.strips(strip_picture(16, rows=5))) == 2  # a map stays whole


@pytest.mark.parametrize("density, pictures", [(0.0, 16), (0.2, 16), (1.0, 16), (0.2, 5)])
def test_strips_as_chapters_draw_them_are_found_however_much_ink_they_have(density, pictures):
    figure, axes = plots.subplots(2, 1, height=1.65 if pictures > 10 else 3.4)
    stack = np.random.default_rng(0).random((pictures, 28, 28)) < density
    for axis in axes:
        plots.images(axis, stack.astype(float), columns=pictures, high=1.0)
        axis.set_title("Means of p(x | z), for z from the prior")
    picture, _ = pictures_of_both.paired(*map(base64.b64decode, in_both_themes(figure)))
    assert panels.panels(picture) == []
    halves = 2 if pictures > 10 else 1
    assert [isinstance(line, list) for line in panels.strips(picture)] == [True, *[False] * halves] * 2
    left = panels.strips(picture)[1]
    assert left[2] == pytest.approx(figure.get_figwidth() * 192 / halves, rel=0.03)


def test_a_drawing_is_no_strip():
    pixels = np.full((300, 1382), 255, np.uint8)
    pixels[50:250, 100:1300] = np.where(np.arange(200)[:, None] > np.arange(1200) / 9, 90, 255)  # an area under a line
    held = io.BytesIO()
    Image.fromarray(pixels).save(held, "PNG")
    assert panels.strips(held.getvalue()) == []
