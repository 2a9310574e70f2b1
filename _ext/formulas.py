"""Formulas, rendered at build time by KaTeX in an embedded JavaScript engine: no script, no shift in the page.

A formula that KaTeX does not know is a warning, an error in a strict build. There are no macros of the book's own:
in Jupyter, Colab and on GitHub nobody would know them.
"""

from __future__ import annotations

import functools
import html
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
    return engine()(formula, display)


def rendered(node, formula: str, display: bool) -> str:
    try:
        return render(formula, display)
    except Exception as error:  # the engine raises one class for all
        log.warning("formula not rendered: %s: %s", formula, str(error).split("\n")[0], location=node, type="formula")
        return f"<code>{html.escape(formula)}</code>"


def tie(app, doctree, docname) -> None:
    """Give each formula in the text the punctuation that touches it, so that no line begins with a full stop."""
    for node in list(doctree.findall(nodes.math)):
        for name, step, pattern in (("head", -1, OPENING), ("tail", 1, CLOSING)):
            place = node.parent.index(node) + step
            text = node.parent[place] if 0 <= place < len(node.parent) else None
            if isinstance(text, nodes.Text) and (found := pattern.search(text.astext())):
                node[name] = found[0]
                node.parent.replace(text, nodes.Text(pattern.sub("", text.astext(), count=1)))


def visit_inline(self, node: nodes.math) -> None:
    shown = f'<span class="math notranslate nohighlight">{rendered(node, node.astext(), False)}</span>'
    head, tail = html.escape(node.get("head", ""), quote=False), html.escape(node.get("tail", ""), quote=False)
    if head or tail:
        start, base, rest = shown.partition(BASE)
        formula = start + base + rest.replace(BASE, f"<wbr>{BASE}")  # where a long formula may still break
        shown = f'<span class="lvm-tied">{head}{formula}{tail}</span>'
    self.body.append(shown)
    raise nodes.SkipNode


def visit_block(self, node: nodes.math_block) -> None:
    self.body.append(self.starttag(node, "div", CLASS="math notranslate nohighlight"))
    formula = node.astext()
    if r"\\" in formula and r"\begin" not in formula:
        formula = r"\begin{aligned}" + formula + r"\end{aligned}"
    self.body.append(
        '<div class="lvm-formula" role="group" aria-label="Formula">' + rendered(node, formula, True) + "</div>"
    )
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
