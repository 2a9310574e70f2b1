"""The page frame: what its template needs, and one style sheet made of the book's and the figures' own."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from docutils import nodes
from markupsafe import Markup, escape

from tools import chapters

ROOT = Path(__file__).resolve().parent.parent
FIGURES = ROOT / "lvm_lib" / "figures"
REPORT_PAGE = "book/appendix/cite"
OWN_TITLES = {"search": "Search", "genindex": "Index"}  # set in their templates
FORMULA_FONTS = {
    'class="katex': "Main-Regular",
    "mathnormal": "Math-Italic",
    "mathbb": "AMS-Regular",
    "mathcal": "Caligraphic-Regular",
}
FRONT_DOOR = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="0; url={page}">
<title>{title}</title>
</head>
<body><main><h1>{title}</h1><p><a href="{page}">Open the book</a></p></main></body>
</html>
"""


def style() -> str:
    """All style of the book: the palette (one source for Python, JavaScript and CSS), the pages, the figures."""
    from lvm_lib.plots.palette import css

    return "\n".join(
        [
            css(),
            (ROOT / "assets" / "book.css").read_text(encoding="utf-8"),
            (FIGURES / "figure.css").read_text(encoding="utf-8"),
        ]
    )


def own_files(app) -> None:
    """Write the style sheet and the figures' bundles among the static files."""
    if app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    (static / "figures").mkdir(parents=True, exist_ok=True)
    (static / "lvm.css").write_text(style(), encoding="utf-8")
    for bundle in (FIGURES / "bundle").glob("*.js"):
        (static / "figures" / bundle.name).write_bytes(bundle.read_bytes())


def frame_digest(app, config) -> None:
    """A digest of all that every page shares, as a setting: where it changes, Sphinx writes every page again."""
    shared = sorted([*(ROOT / "assets").glob("*.js"), *(ROOT / "_ext").glob("*.py")])
    config.html_theme_options.pop("repository_url", None)  # the theme's buttons know three hosts, and are not used
    config.lvm_frame = hashlib.sha256(style().encode() + b"".join(path.read_bytes() for path in shared)).hexdigest()[:8]


def plain(paragraph) -> str:
    """A paragraph's words on one line; empty where it holds a formula, which only TeX could spell."""
    return "" if next(paragraph.findall(nodes.math), None) is not None else " ".join(paragraph.astext().split())


def description(doctree, title: str) -> str:
    """What search engines show: the page's first paragraph in plain words; one of its own where it has none."""
    for paragraph in doctree.findall(nodes.paragraph) if doctree is not None else ():
        text = plain(paragraph)
        if len(text) > 40:
            return text if len(text) < 160 else text[:157].rsplit(" ", 1)[0] + " …"
    return f"{title}: a page of an interactive book on latent variable models, with live figures and code that runs."


def sections(listing: str) -> str:
    """The page's own sections, one level, as a list of links; empty where there are fewer than two."""
    inner = re.search(r"<ul>\s*<li>.*?(<ul>.*</ul>)\s*</li>\s*</ul>", listing, flags=re.S)
    return inner[1] if inner and inner[1].count("<li>") > 1 else ""


def contents(app, pagename: str, context) -> str:
    """The book's table of contents."""
    root = app.config.root_doc
    here = ' class="current" aria-current="page"' if pagename == root else ""
    listing = context["toctree"](maxdepth=1, collapse=False, includehidden=True, titles_only=True) or ""
    listing = listing.replace(' aria-level="2"', "").replace(
        ' role="heading"', ""
    )  # the page's own heading comes first
    listing = re.sub(
        r'<a class="current reference internal"', '<a class="current reference internal" aria-current="page"', listing
    )
    return f'<ul><li><a href="{context["pathto"](root)}"{here}>Front page</a></li></ul>{listing}'


def fill(app, pagename, templatename, context, doctree) -> None:
    address = chapters.repository()
    title = context.get("title") or OWN_TITLES.get(pagename, "Start")
    if "body" in context:  # a role that its standard has withdrawn since; the list they stand in is marked as one
        context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')
        # Folded code is named by the words that are read there, which say what it is.
        context["body"] = context["body"].replace('<summary aria-label="Toggle hidden content">', "<summary>")
    is_chapter = pagename.startswith("book/") and (ROOT / f"{pagename}.ipynb").exists()
    context.update(
        lvm_style=app.config.lvm_frame,
        lvm_version=chapters.version(),
        lvm_contents=contents(app, pagename, context),
        lvm_sections=sections(context.get("toc") or ""),
        lvm_formulas='class="katex' in (context.get("body") or ""),
        lvm_fonts=fonts(context.get("body") or ""),
        lvm_description=description(doctree, Markup(title).striptags()),
        lvm_report=f"{address}/issues/new?title=Error%20on%20{pagename}" if address else "",
        lvm_report_page=REPORT_PAGE if REPORT_PAGE in app.env.found_docs else "",
        lvm_colab=chapters.colab(pagename) if is_chapter else "",
    )


def fonts(body: str) -> list[str]:
    """The fonts that the head of a page asks for first, so that no line moves when they come."""
    first = ["fonts/source-serif-4-latin-400-normal.woff2", "fonts/source-serif-4-latin-600-normal.woff2"]
    for mark, name in FORMULA_FONTS.items():
        if mark in body:
            first.append(f"katex/fonts/KaTeX_{name}.woff2")
    return first


def own_pages(app, error) -> None:
    """Write index.html, which leads to the first page, and remove the pages of chapters that are gone."""
    if error or app.builder.format != "html":
        return
    out, first = Path(app.outdir), app.config.root_doc
    if first != "index":
        door = FRONT_DOOR.format(page=escape(app.builder.get_target_uri(first)), title=escape(app.config.project))
        (out / "index.html").write_text(door, encoding="utf-8")
    kept = {*app.env.found_docs, *app.config.html_additional_pages, "index", "search", "genindex"}
    for page in out.rglob("*.html"):
        name = page.relative_to(out)
        if name.parts[0] != "_static" and name.with_suffix("").as_posix() not in kept:
            page.unlink()


def unused_statics(app, error) -> None:
    """Remove what the theme and its companions ship and no page of this book loads."""
    if error or app.builder.format != "html":
        return
    import shutil

    static = Path(app.outdir) / "_static"
    for name in ("scripts", "styles", "vendor", "images", "locales"):
        shutil.rmtree(static / name, ignore_errors=True)
    kept = {
        "lvm.css",
        "book.js",
        "host.js",
        "favicon.svg",
        "mark.svg",
        "documentation_options.js",
        "doctools.js",
        "language_data.js",
        "sphinx_highlight.js",
        "searchtools.js",
    }
    for path in static.iterdir():
        if path.is_file() and path.name not in kept:
            path.unlink()


def setup(app) -> None:
    app.add_config_value("lvm_frame", "", "html")
    app.connect("config-inited", frame_digest)
    app.connect("builder-inited", own_files)
    app.connect("html-page-context", fill, priority=900)
    app.connect("build-finished", own_pages, priority=400)  # before the theme's own index.html
    app.connect("build-finished", unused_statics)
