"""Formulas, rendered at build time by KaTeX in an embedded JavaScript engine: no script, no shift in the page.

A formula that KaTeX does not know is a warning, and so an error in a strict build.
"""

from __future__ import annotations

import functools
import html
from pathlib import Path

import identities
from docutils import nodes
from sphinx.locale import _
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

log = logging.getLogger(__name__)
KATEX = Path(__file__).resolve().parent / "katex" / "katex.min.js"
JOIN, OPENING, CLOSING = "\N{WORD JOINER}", ("(", "[", "\u201c"), tuple(".,;:!?)]\u201d\u2019'-")
# Shorthands of the whole book; the notation page explains them.
MACROS = {r"\E": r"\mathbb{E}", r"\R": r"\mathbb{R}", r"\N": r"\mathcal{N}", r"\KL": r"\operatorname{KL}",
          r"\Var": r"\operatorname{Var}", r"\tr": r"\operatorname{tr}", r"\ELBO": r"\operatorname{ELBO}"}


@functools.cache
def engine():
    import json

    import quickjs

    context = quickjs.Context()
    context.eval(KATEX.read_text(encoding="utf-8") + ";0")
    # join('') makes one flat string: the binding cannot hand over a concatenation that is not flattened yet.
    context.eval("function render(formula, display) { return [katex.renderToString(formula, {displayMode: display, "
                 f"throwOnError: true, output: 'htmlAndMathml', macros: {json.dumps(MACROS)}}})].join(''); }};0")
    return context.get("render")


@functools.lru_cache(maxsize=None)
def render(formula: str, display: bool) -> str:
    return engine()(formula, display)


def rendered(node, formula: str, display: bool) -> str:
    try:
        return render(formula, display)
    except Exception as error:  # the engine raises one class for all
        log.warning("formula not rendered: %s: %s", formula, str(error).split("\n")[0], location=node, type="formula")
        return f"<code>{html.escape(formula)}</code>"


def neighbours(node: nodes.math) -> tuple[str, str]:
    """A word joiner on each side where punctuation stands: no line may begin with a full stop or end with a bracket."""
    place = node.parent.index(node)
    before = node.parent[place - 1].astext() if place else ""
    after = node.parent[place + 1].astext() if place + 1 < len(node.parent) else ""
    return JOIN * before.endswith(OPENING), JOIN * after.startswith(CLOSING)


def visit_inline(self, node: nodes.math) -> None:
    before, after = neighbours(node)
    self.body.append(before + '<span class="math notranslate nohighlight">' + rendered(node, node.astext(), False)
                     + "</span>" + after)
    raise nodes.SkipNode


def visit_block(self, node: nodes.math_block) -> None:
    self.body.append(self.starttag(node, "div", CLASS="math notranslate nohighlight"))
    formula = node.astext()
    if r"\\" in formula and r"\begin" not in formula:
        formula = r"\begin{aligned}" + formula + r"\end{aligned}"
    self.body.append('<div class="lvm-formula" role="group" aria-label="Formula">'
                     + rendered(node, formula, True) + "</div>")
    if node["number"]:
        number = get_node_equation_number(self, node)
        self.body.append(f'<span class="eqno">({number})')
        self.add_permalink_ref(node, _("Link to this equation"))
        self.body.append(identities.link(self, node, number))
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app) -> None:
    app.add_html_math_renderer("katex_static", (visit_inline, None), (visit_block, None))
