"""Formulas, rendered at build time by KaTeX in an embedded JavaScript engine: no script, no shift in the page.

A displayed formula breaks where its line ends, before a relation or a sign or after a wide space, and goes on indented.
One in aligned rows, or of several statements, has a second form for narrow screens, one under the other, each of which
breaks like that; assets/book.css shows the one that fits. A formula in the text breaks inside no parentheses or bars
that fit a line, and a short one nowhere.

The list of all equations has so many formulas that a telephone would work on them for a second before its first words
stand. Its formulas but the first are in the page as text, for whom no script runs as elements, and become elements
when they come near (assets/book.js).

A formula that KaTeX does not know is a warning, an error in a strict build. There are no macros of the book's own:
in Jupyter, Colab and on GitHub nobody would know them.
"""

from __future__ import annotations

import functools
import html
import itertools
import re
from pathlib import Path

import identities
from docutils import nodes
from sphinx.locale import _
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

log = logging.getLogger(__name__)
KATEX = Path(__file__).resolve().parent / "katex" / "katex.min.js"
OPENING, CLOSING = re.compile(r"[(\[\u201c]+$"), re.compile(r"^[.,;:!?)\]\u201d\u2019'-]+")
BASE = '<span class="katex-base"'
SPACES = r'(?:<span class="mspace[^"]*"(?: style="[^"]*")?></span>)*'
BOUND = re.compile(r'</span>(<span class="katex-base">(<span class="katex-strut"[^>]*></span>))')
OPERATOR = re.compile(rf'<span class="m(?:rel|bin)">([^<]*)</span>{SPACES}$')
WIDE_SPACE = re.compile(
    rf'<span class="mspace" style="margin-right:[12]em;"></span><span class="mspace allowbreak"></span>{SPACES}$'
)
PARENTHESES = re.compile(r'<span class="m(?:open|close)">([^<]*)')
THIN = '<span class="mspace" style="margin-right:0.1667em;"></span>'
NORM = re.compile(rf'({THIN})?<span class="mord">∥</span>({THIN})?')  # between two thin spaces it is a divergence's
BAR = re.compile(r'<span class="mord">∣</span>')  # of a norm or a determinant: those of a condition are relations
KEPT = "∣∼∈"  # no line begins with one of these
ROWS = re.compile(r"\s*\\begin\{(aligned|gathered)\}(.*)\\end\{\1\}\s*([.,;]?)\s*", flags=re.S)
SCRIPTS = "mover|munder|munderover|msub|msup|msubsup"
NAME = r"<mi[^>]*>[^<]*</mi><mo>\u2061</mo>"  # KaTeX makes two elements of the name of an operator
FIRST, LAST = re.compile(rf"(<(?:{SCRIPTS})\b[^>]*>)({NAME})"), re.compile(rf"({NAME})(</(?:{SCRIPTS})>)")
WHOLE = 18  # letters of a formula of the text that does not break at all: half a line of the narrowest screen
FEW = 6  # letters of a long one that do not stand alone on a line
AT_ONCE = 4  # formulas of the list of equations that are elements from the start: they fill the first window
TOKEN = re.compile(r"\\\\(?:\[[^\]]*\])?|\\[a-zA-Z]+|\\.|.", flags=re.S)


@functools.cache
def engine():
    import quickjs

    context = quickjs.Context()
    context.eval(KATEX.read_text(encoding="utf-8") + ";0")
    # join('') makes one flat string: the binding cannot hand over a concatenation that is not flattened yet.
    context.eval(
        "function render(formula, display) { return [katex.renderToString(formula, {displayMode: display, "
        "throwOnError: true, output: 'htmlAndMathml'})].join(''); };0"
    )
    return context.get("render")


@functools.cache
def render(formula: str, display: bool) -> str:
    """A formula in HTML and MathML. What stands under, over or beside something is one element, as MathML wants it."""
    shown = FIRST.sub(r"\1<mrow>\2</mrow>", engine()(formula, display))
    return LAST.sub(r"<mrow>\1</mrow>\2", shown)


def rendered(node, formula: str, display: bool) -> str:
    try:
        return render(formula, display)
    except Exception as error:  # the engine raises one class for all
        log.warning("formula not rendered: %s: %s", formula, str(error).split("\n")[0], location=node, type="formula")
        return f"<code>{html.escape(formula)}</code>"


def tie(app, doctree, docname) -> None:
    """Give each formula in the text the punctuation that touches it, so that no line begins with a full stop.

    In the list of all equations, note which formulas come late.
    """
    for node in list(doctree.findall(nodes.math)):
        for name, step, pattern in (("head", -1, OPENING), ("tail", 1, CLOSING)):
            place = node.parent.index(node) + step
            text = node.parent[place] if 0 <= place < len(node.parent) else None
            if isinstance(text, nodes.Text) and (found := pattern.search(text.astext())):
                node[name] = found[0]
                node.parent.replace(text, nodes.Text(pattern.sub("", text.astext(), count=1)))
    if docname == identities.PAGE:
        for node in itertools.islice(doctree.findall(nodes.math_block), AT_ONCE, None):
            node["late"] = True


def visit_inline(self, node: nodes.math) -> None:
    shown = f'<span class="math notranslate nohighlight">{together(rendered(node, node.astext(), False))}</span>'
    head, tail = html.escape(node.get("head", ""), quote=False), html.escape(node.get("tail", ""), quote=False)
    if head or tail:
        start, base, rest = shown.partition(BASE)
        formula = start + base + rest.replace(BASE, f"<wbr>{BASE}")  # where a long formula may still break
        shown = f'<span class="lvm-tied">{head}{formula}{tail}</span>'
    self.body.append(shown)
    raise nodes.SkipNode


class Inside:
    """Whether the end of what was read of a formula stands inside parentheses or between bars."""

    def __init__(self):
        self.depth, self.bars = 0, 0

    def after(self, line: str) -> bool:
        plain = "".join(PARENTHESES.findall(line))
        self.depth += plain.count("(") - plain.count(")")
        self.bars += sum(not (before and behind) for before, behind in NORM.findall(line)) + len(BAR.findall(line))
        return self.depth > 0 or self.bars % 2 == 1


def letters(shown: str) -> int:
    """How many letters of a formula, or of a part of it, are seen."""
    return len(html.unescape(re.sub(r"<[^>]+>|\u200b|\s", "", seen_only(shown))))


def together(shown: str) -> str:
    """A formula of the text in which what stands inside parentheses or between bars is one piece.

    A short one is one piece as a whole, and of a long one no few letters are left alone at a line's end or start.
    """
    first, *rest = BOUND.split(shown)
    pieces = list(zip(rest[::3], rest[1::3], rest[2::3], strict=True))
    short = letters(shown) <= WHOLE
    done, line, inside, seen = "", first, Inside(), letters(first)  # seen: letters of the piece that is open
    for k, (base, strut, piece) in enumerate(pieces, 1):
        behind = sum(letters(later) for *_, later in pieces[k - 1 :])
        if inside.after(line) or short or seen < FEW or behind < FEW:
            done, line, seen = done + line, strut + piece, seen + letters(piece)
        else:
            done, line, seen = f"{done}{line}</span>", base + piece, letters(piece)
    return done + line


def breaking(node, formula: str) -> str:
    """A displayed formula that may break before each relation and sign on its outermost level, and at wide spaces."""
    shown = rendered(node, re.sub(r"(\\q?quad(?![a-zA-Z])|\\:)", r"\1\\allowbreak ", formula), True)
    shown = shown.replace(r"\allowbreak ", "")  # in the formula's own text
    first, *rest = BOUND.split(shown)
    done, line, inside = "", first, Inside()  # what is closed; the piece that is open
    for base, strut, piece in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        kept = inside.after(line)
        operator, wide = OPERATOR.search(line), WIDE_SPACE.search(line)
        if kept or (operator and operator[1] in KEPT):
            done, line = done + line, strut + piece
        elif operator:
            done, line = f"{done}{line[: operator.start()]}</span>", base + operator[0] + piece
        elif wide:
            done, line = f'{done}{line[: wide.start()]}</span><span class="lvm-quad"> </span>', base + piece
        else:
            done, line = f"{done}{line}</span>", base + piece
    return done + line


def seen_only(shown: str) -> str:
    """A formula without its half for those who do not see it."""
    return re.sub(r'<span class="katex-mathml">.*?</math></span>', "", shown, flags=re.S)


def statements(row: str) -> list[str]:
    """The parts of a row that wide spaces set apart, those inside braces not counted."""
    parts, depth = [""], 0
    for token in TOKEN.findall(row):
        depth += {"{": 1, r"\begin": 1, r"\left": 1, "}": -1, r"\end": -1, r"\right": -1}.get(token, 0)
        if depth == 0 and token == r"\qquad":
            parts.append("")
        else:
            parts[-1] += token
    return parts


def rows(formula: str) -> list[tuple[str, bool]]:
    """The rows of a formula where it is narrow, and whether each goes on from the one above; empty where it is one.

    They are those of an aligned or gathered formula, each cut where wide spaces set its statements apart.
    """
    found = ROWS.fullmatch(formula)
    if not found:
        parts = statements(formula)
        return [(part, _qualifies(part)) for part in parts] if len(parts) > 1 else []
    lines, depth = [[""]], 0
    for token in TOKEN.findall(found[2]):
        depth += {"{": 1, r"\begin": 1, "}": -1, r"\end": -1}.get(token, 0)
        if depth == 0 and token.startswith(r"\\"):
            lines.append([""])
        elif depth == 0 and token == "&":
            lines[-1].append("")
        else:
            lines[-1][-1] += token
    lines[-1][-1] += found[3]
    done = []
    for cells in lines:
        first, *others = statements("{} " + " ".join(cells))
        done.append((first, len(cells) > 1 and cells[0].strip() in ("", "{}")))
        done += [(part, _qualifies(part)) for part in others]
    return [(row, goes_on) for row, goes_on in done if row.strip(" {}")]


def _qualifies(part: str) -> bool:
    """Whether a part behind a wide space says for what the part before it holds."""
    return part.lstrip().startswith((r"\text", "("))


def visit_block(self, node: nodes.math_block) -> None:
    self.body.append(self.starttag(node, "div", CLASS="math notranslate nohighlight"))
    formula = node.astext()
    if r"\\" in formula and r"\begin" not in formula:
        formula = r"\begin{aligned}" + formula + r"\end{aligned}"
    lines = rows(formula)
    shown = breaking(node, formula)
    if lines:
        narrow = "".join(
            f'<div class="lvm-row{" lvm-goes-on" if goes_on else ""}">{seen_only(breaking(node, line))}</div>'
            for line, goes_on in lines
        )
        shown = f'<div class="lvm-wide">{shown}</div><div class="lvm-narrow" aria-hidden="true">{narrow}</div>'
    if node.get("late"):
        shown = f'<noscript class="lvm-late">{shown}</noscript>'
    self.body.append(f'<div class="lvm-formula" role="group" aria-label="Formula">{shown}</div>')
    if node["number"]:
        number = get_node_equation_number(self, node)
        self.body.append(f'<span class="eqno">({number})')
        self.add_permalink_ref(node, _("Link to this equation"))
        self.body.append(identities.link(self, node, number))
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app) -> None:
    app.connect("doctree-resolved", tie)
    app.add_html_math_renderer("katex_static", (visit_inline, None), (visit_block, None))
