"""The page "Identities", made of the equations and their tests, and the small link from each equation to its entry."""

from __future__ import annotations

import hashlib
import html
import itertools
import os
import re

from sphinx.util import logging

from tools import chapters
from tools import identities as read

log = logging.getLogger(__name__)
PAGE = "book/appendix/identities"
MARK = "\N{CHECK MARK}\N{VARIATION SELECTOR-15}"  # as text, not as a picture
MARKER = "<!-- equations and tests -->"
LONGEST = 24  # letters of an expression in which no line breaks
BRACKETS = re.compile(rf"\((?!\w{{3,}} \w{{2,}})[^()]{{1,{LONGEST}}}\)")  # (N - 3), (D log 2)
FUNCTION = re.compile(r"(?<!\w)(?:log|exp|Var) (?=(?:log )?[A-Za-z]\b|\d|\|)")  # log |dy/dx|
OPERATOR = re.compile(r"(?<=[\w)\]²ᵀ]) ([-−+/=]) (?=[\w(\[|𝟏])")  # 2 / (N - 3)


def anchor(label: str) -> str:
    """Where the entry of an equation stands on the page."""
    return f"test-of-{label}"


# ------------------------------------------------------------------ the page


def page_text(equations, tests, code=()) -> str:
    """The list in Markdown: a section per page of the book, an entry per equation. It repeats no label."""
    parts = []
    for page, group in itertools.groupby(equations, key=lambda equation: equation.page):
        entries = list(group)
        up = "../" * PAGE.count("/")
        parts.append(f"## {entries[0].title}\n\nChapter: [{entries[0].title}]({up}{page}{entries[0].suffix})")
        for equation in entries:
            own = [test for test in tests if test.label == equation.label]
            where = "" if equation.heading == equation.title else f", {equation.heading}"
            parts += [
                f"({anchor(equation.label)})=",
                f"**Equation** {{eq}}`{equation.label}`{where}",
                formula(equation.tex),
                "\n".join([*map(entry, own), *(place(part) for part in code if part.label == equation.label)])
                or "- No test compares the two sides yet.",
            ]
    return "\n\n".join(parts) or "No equation of the book carries a label yet."


def formula(tex: str) -> str:
    """The equation without its label, so that the label stays the chapter's, and without the comma of its sentence."""
    return f"$$\n{tex.strip().rstrip(',.').rstrip()}\n$$"


def entry(test) -> str:
    """What a test compares, how closely, and where it stands."""
    bounds = []
    if test.tolerance is not None:
        bounds.append(f"to within {power_of_ten(test.tolerance)} of the larger side")
    if test.sigmas is not None:
        bounds.append(f"averages of samples to within {test.sigmas:g} standard errors")
    place = f"`{test.file}`, `{test.function}`"
    if address := chapters.repository():
        place = f"[{place}]({address}/blob/v{chapters.version()}/{test.file}#L{test.line})"
    return f"- {plain(test.says)}; {', '.join(bounds)}. Test: {place}"


def place(part) -> str:
    """Where the library computes an equation."""
    words = f"`{part.file}`, `{part.name}`"
    if address := chapters.repository():
        words = f"[{words}]({address}/blob/v{chapters.version()}/{part.file}#L{part.line})"
    return f"- Code: {words}"


def plain(text: str) -> str:
    """Words of a docstring as Markdown that shows them as they are; a one-hot's bold 1 in any font."""
    shown = re.sub(r"([\\`*_{}\[\]<>$#|+~-])", r"\\\1", tied(text))
    return re.sub(r"𝟏\\_(\w)", r"**1**{sub}`\1`", shown)


def tied(text: str) -> str:
    """Words in which no line breaks inside a short expression."""
    text = BRACKETS.sub(lambda found: whole(found[0]), text)
    text = FUNCTION.sub(lambda found: whole(found[0]), text)
    return OPERATOR.sub(lambda found: whole(found[0]), text)


def whole(expression: str) -> str:
    """An expression on one line, with its minus sign, which nothing finds behind such spaces."""
    return expression.replace(" - ", " \N{MINUS SIGN} ").replace(" ", "\N{NO-BREAK SPACE}")


def power_of_ten(number: float) -> str:
    """1e-8 in Markdown."""
    mantissa, exponent = f"{number:e}".split("e")
    mantissa = f"{float(mantissa):g}"
    return f"{'' if mantissa == '1' else mantissa + ' × '}10{{sup}}`{int(exponent)}`".replace("`-", "`\N{MINUS SIGN}")


def fill(app, docname: str, source: list[str]) -> None:
    """Note what a page was made from; put the list where the marker stands."""
    equations, tests, code = everything(app)
    app.env.lvm_tested = {**getattr(app.env, "lvm_tested", {}), docname: key(app, docname)}
    if docname != PAGE:
        return
    if MARKER not in source[0]:
        log.warning("%s: the marker %s is missing", PAGE, MARKER, type="identities")
    source[0] = source[0].replace(MARKER, page_text(equations, tests, code))


# ------------------------------------------------------------------ what depends on what


def everything(app):
    """Equations of the book's pages, all tests, and where the library computes them; read once in a build."""
    if not hasattr(app, "lvm_identities"):
        try:
            equations = [equation for equation in read.labels() if equation.page in app.env.found_docs]
            app.lvm_identities = equations, read.tests(), read.code()
        except (ValueError, SyntaxError) as error:  # a test that cannot be read
            log.warning("identities: %s", error, type="identities")
            app.lvm_identities = [], [], []
    return app.lvm_identities


def key(app, docname: str) -> str:
    """What a page shows of tests: all for the list, for a chapter whether each of its equations has one."""
    equations, tests, code = everything(app)
    if docname == PAGE:
        shown = equations, tests, code, chapters.repository(), chapters.version()
    else:
        tested = {test.label for test in tests}
        own = [equation.label for equation in equations if equation.page == docname and equation.label in tested]
        shown = PAGE in app.env.found_docs, own
    return hashlib.sha256(repr(shown).encode()).hexdigest()


def outdated(app, env, added, changed, removed):
    """Pages to read again although their file is as it was.

    The list where any page or test changed, chapters where a test came or went. With LVM_CHAPTER, other chapters wait
    for the next whole build.
    """
    vars(app).pop("lvm_identities", None)
    only, kept = os.environ.get("LVM_CHAPTER"), getattr(env, "lvm_tested", {})
    again = [
        name
        for name in env.found_docs - added
        if kept.get(name) != key(app, name) and (not only or name == PAGE or name.rsplit("/", 1)[-1] == only)
    ]
    if (added | changed | removed) and PAGE in env.found_docs - added:
        again.append(PAGE)
    return sorted(set(again))


# ------------------------------------------------------------------ the link beside an equation's number


def link(translator, node, number) -> str:
    """HTML: a link from a numbered equation to its entry; nothing where it has no test, and on the page itself."""
    app, docname, label = translator.builder.app, translator.builder.current_docname, node.get("label")
    if not label or docname == PAGE or PAGE not in app.env.found_docs:
        return ""
    if label not in {test.label for test in everything(app)[1]}:
        return ""
    target = html.escape(f"{translator.builder.get_relative_uri(docname, PAGE)}#{anchor(label)}", quote=True)
    name = f"Test of equation {number}"
    return f'<a class="lvm-tested" href="{target}" aria-label="{name}" title="{name}">{MARK}</a>'


def setup(app) -> None:
    app.connect("env-get-outdated", outdated)
    app.connect("source-read", fill)
