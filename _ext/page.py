"""The page frame: what its template needs, and one style sheet made of the book's and the figures' own."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from docutils import nodes
from tools import chapters

ROOT = Path(__file__).resolve().parent.parent
FIGURES = ROOT / "lvm_lib" / "figures"
REPORT_PAGE = "book/appendix/cite"


def style() -> str:
    """All style of the book: the palette (one source for Python, JavaScript and CSS), the pages, the figures."""
    from lvm_lib.plots.palette import css

    return "\n".join([css(), (ROOT / "assets" / "book.css").read_text(encoding="utf-8"),
                      (FIGURES / "figure.css").read_text(encoding="utf-8")])


def own_files(app) -> None:
    """Write the style sheet and the figures' bundles among the static files."""
    if app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    (static / "figures").mkdir(parents=True, exist_ok=True)
    (static / "lvm.css").write_text(style(), encoding="utf-8")
    for bundle in (FIGURES / "bundle").glob("*.js"):
        (static / "figures" / bundle.name).write_bytes(bundle.read_bytes())
    digest = hashlib.sha256(style().encode() + b"".join(path.read_bytes() for path in sorted((ROOT / "assets").glob("*.js"))))
    app.lvm_style = digest.hexdigest()[:8]


def first_paragraph(doctree) -> str:
    """The first paragraph of a page in plain words, for its description."""
    for paragraph in doctree.findall(nodes.paragraph) if doctree is not None else ():
        text = " ".join(paragraph.astext().split())
        if len(text) > 40:
            return text if len(text) < 160 else text[:157].rsplit(" ", 1)[0] + " …"
    return "An interactive book on latent variable models: one bound, read as a code length."


def sections(app, pagename: str) -> str:
    """The page's own sections, one level, as a list of links; empty where there are fewer than two."""
    toc = app.env.tocs.get(pagename)
    if toc is None:
        return ""
    html = app.builder.render_partial(toc)["fragment"]
    inner = re.search(r"<ul>\s*<li>.*?(<ul>.*</ul>)\s*</li>\s*</ul>", html, flags=re.S)
    if inner is None or inner[1].count("<li>") < 2:
        return ""
    return inner[1]


def contents(app, pagename: str, context) -> str:
    """The book's table of contents."""
    root = app.config.root_doc
    here = ' class="current" aria-current="page"' if pagename == root else ""
    listing = context["toctree"](maxdepth=1, collapse=False, includehidden=True, titles_only=True) or ""
    listing = re.sub(r'<a class="current reference internal"', '<a class="current reference internal" aria-current="page"', listing)
    return f'<ul><li><a href="{context["pathto"](root)}"{here}>Start</a></li></ul>{listing}'


def fill(app, pagename, templatename, context, doctree) -> None:
    address = chapters.repository()
    github = address.split("github.com/")[-1] if "github.com/" in address else ""
    is_chapter = pagename.startswith("book/") and (ROOT / f"{pagename}.ipynb").exists()
    colab = f"https://colab.research.google.com/github/{github}/blob/v{chapters.version()}/{pagename}.ipynb"
    context.update(
        lvm_style=app.lvm_style,
        lvm_version=chapters.version(),
        lvm_contents=contents(app, pagename, context),
        lvm_sections=sections(app, pagename),
        lvm_formulas='class="katex' in (context.get("body") or ""),
        lvm_description=first_paragraph(doctree),
        lvm_report=f"{address}/issues/new?title=Error%20on%20{pagename}" if address else "",
        lvm_report_page=REPORT_PAGE if REPORT_PAGE in app.env.found_docs else "",
        lvm_colab=colab if github and is_chapter else "",
    )


def unused_statics(app, error) -> None:
    """Remove what the theme and its companions ship and no page of this book loads."""
    if error or app.builder.format != "html":
        return
    import shutil

    static = Path(app.outdir) / "_static"
    for name in ("scripts", "styles", "vendor", "images", "locales"):
        shutil.rmtree(static / name, ignore_errors=True)
    kept = {"lvm.css", "book.js", "host.js", "favicon.svg", "mark.svg", "documentation_options.js", "doctools.js",
            "language_data.js", "sphinx_highlight.js", "searchtools.js"}
    for path in static.iterdir():
        if path.is_file() and path.name not in kept:
            path.unlink()


def setup(app) -> None:
    app.connect("builder-inited", own_files)
    app.connect("html-page-context", fill, priority=900)
    app.connect("build-finished", unused_statics)
