"""The page frame: what its template needs, and one style sheet made of the book's and the figures' own."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from urllib.parse import quote

import cards
import downloads
import front
import minus
import symbols
from docutils import nodes
from markupsafe import Markup, escape

from tools import chapters

ROOT = Path(__file__).resolve().parent.parent
FIGURES = ROOT / "lvm_lib" / "figures"
REPORT_PAGE = "book/appendix/cite"
BEHIND = ("book/appendix/benchmarks", "book/appendix/status")  # about the build, not for readers
HYPHENED = re.compile(rf"(?!{symbols.NAMES.pattern})\b\w{{1,8}}(?:-\w{{1,8}})+\b")  # minus.py keeps those names whole
HEIGHTS = json.loads((ROOT / "assets" / "heights.json").read_text(encoding="utf-8"))
OWN_TITLES = {"search": "Search", "genindex": "Index"}  # set in their templates
FORMULA_FONTS = {
    'class="katex': "Main-Regular",
    "mathnormal": "Math-Italic",
    "mathbb": "AMS-Regular",
    "mathcal": "Caligraphic-Regular",
}
# What the theme's companion asks a kernel's script for, in each chapter: there is no such script in this book.
THEBE = re.compile(
    r'\s*<script type="text/x-thebe-config">.*?</script>\s*<script>kernelName = [^<]*</script>', flags=re.S
)
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
    """All style of the book: the palette (one source for Python, JavaScript and CSS), the pages, the figures, formulas.

    One sheet, for which a page waits once; the other file that it waits for is first.js.
    """
    from lvm_lib.plots.palette import QUANTITIES, SURFACES, css

    formulas = (ROOT / "assets" / "katex" / "katex.min.css").read_text(encoding="utf-8")
    dark = "".join(f"--lvm-{name}:{pair[True]};" for name, pair in {**QUANTITIES, **SURFACES}.items())
    return "\n".join(
        [
            css(),
            # where no script sets the theme, the system's
            f"@media (prefers-color-scheme:dark){{html.lvm-page:not([data-theme]){{{dark}}}}}",
            (ROOT / "assets" / "book.css").read_text(encoding="utf-8"),
            (FIGURES / "figure.css").read_text(encoding="utf-8"),
            formulas.replace("url(fonts/", "url(katex/fonts/"),
        ]
    )


def training_images(name: str = "digits") -> str:
    """The script with the images on which a page may train: loaded when a reader first does."""
    from lvm_lib.data.deflated import page_script

    return page_script(name)


def own_files(app) -> None:
    """Write the style sheet, the figures' bundles and the training images among the static files."""
    if app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    (static / "figures").mkdir(parents=True, exist_ok=True)
    (static / "lvm.css").write_text(style(), encoding="utf-8")
    for bundle in (FIGURES / "bundle").glob("*.js"):
        (static / "figures" / bundle.name).write_bytes(bundle.read_bytes())
    for name in ("digits", "clothing"):
        if (ROOT / "lvm_lib" / "data" / f"{name}.npz").exists():  # the tests' small books come without data
            (static / "figures" / f"{name}-images.js").write_text(training_images(name), encoding="utf-8")


def frame_digest(app, config) -> None:
    """A digest of all that every page shares, as a setting: where it changes, Sphinx writes every page again."""
    book = ROOT / "book"
    shared = sorted(
        [
            *(ROOT / "assets").rglob("*.js"),
            *(ROOT / "assets").glob("*.json"),  # what the place of each figure and section is given
            *(ROOT / "_ext").glob("*.py"),
            *book.glob("moved.json"),
            *book.glob("appendix/glossary.md"),  # chapters link to its terms
        ]
    )
    asked = repr((front.questions(), front.minutes()))  # in the contents, and at the foot of each page
    config.html_theme_options.pop("repository_url", None)  # the theme's buttons know three hosts, and are not used
    config.lvm_frame = hashlib.sha256(
        (style() + asked).encode() + b"".join(path.read_bytes() for path in shared)
    ).hexdigest()[:8]


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
    one_level = re.sub(r"(?<!^)<ul>.*?</ul>", "", inner[1], flags=re.S) if inner else ""
    return one_level if one_level.count("<li>") > 1 else ""


def timed(listing: str, body: str) -> str:
    """The list of a page's sections with the minutes that stand under their headings."""
    heading = r'<section id="([^"]+)">(?:\s*<span [^>]*></span>)*\s*<h2>(?:(?!</h2>).)*</h2>'
    times = dict(re.findall(rf'{heading}\s*<p><span class="lvm-minutes">About (\d+) ', body, flags=re.S))

    def with_time(link: re.Match) -> str:
        return f"{link[1]}{short(times[link[2]])}</a>" if link[2] in times else link[0]

    return re.sub(r'(<a [^>]*href="#([^"]+)"[^>]*>(?:(?!</a>).)*)</a>', with_time, listing, flags=re.S)


def short(minutes) -> str:
    """Minutes beside a name in a list."""
    return f' <small class="lvm-time">{minutes} min</small>'


def chapter_numbers(app) -> dict[str, int]:
    """The chapters of the book in the order of its contents, counted from one; the other pages have no number."""
    listed = app.env.toctree_includes.get(app.config.root_doc, [])
    found = [name for name in listed if Path(app.env.doc2path(name)).suffix == ".ipynb"]
    return {name: number for number, name in enumerate(found, 1)}


def contents(app, pagename: str, context, here: str) -> str:
    """The book's table of contents, with the sections of the present page under its name.

    Pages about the build (BEHIND) are no reader's: they are reached from the footer and from the instructors' page.
    """
    root = app.config.root_doc
    mark = ' class="current" aria-current="page"' if pagename == root else ""
    listing = context["toctree"](maxdepth=1, collapse=False, includehidden=True, titles_only=True) or ""
    listing = listing.replace(' aria-level="2"', "").replace(
        ' role="heading"', ""
    )  # the page's own heading comes first
    listing = re.sub(
        r'<a class="current reference internal"', '<a class="current reference internal" aria-current="page"', listing
    )
    for page in BEHIND:
        listing = re.sub(rf'<li [^>]*><a [^>]*href="{re.escape(address(context, page))}"[^>]*>.*?</li>\s*', "", listing)
    listing = re.sub(r'<p class="caption"[^>]*>(?:(?!</p>).)*</p>\s*<ul[^>]*>\s*</ul>', "", listing, flags=re.S)
    for page, number in chapter_numbers(app).items():
        link = re.escape(address(context, page))
        time = short(front.minutes()[name]) if (name := page.rsplit("/", 1)[-1]) in front.minutes() else ""
        listing = re.sub(
            rf'(<a [^>]*href="{link}"[^>]*>)(.*?)</a>',
            lambda found, number=number, time=time: (
                f'{found[1]}<span class="lvm-number">{number}</span> {found[2]}{time}</a>'
            ),
            listing,
            flags=re.S,
        )
    listing = re.sub(r"(?<=>)[^<]+", lambda words: symbols.whole(words[0]), listing)
    listing = f'<ul><li><a href="{address(context, root)}"{mark}>Front page</a></li></ul>{listing}'
    below = here.replace("<ul>", '<ul class="lvm-here">', 1)
    return re.sub(r'(aria-current="page"[^>]*>.*?</a>)', lambda found: found[1] + below, listing, count=1)


def address(context, page: str) -> str:
    """A page's address as the contents on this page give it."""
    return context["pathto"](page)


def turn(app, pagename: str, context) -> None:
    """Give what comes before and next its chapter's number and question; the reader's way ends before BEHIND."""
    numbers = {app.builder.get_relative_uri(pagename, name): n for name, n in chapter_numbers(app).items()}
    behind = {app.builder.get_relative_uri(pagename, name) for name in BEHIND}
    front_page = app.builder.get_relative_uri(pagename, app.config.root_doc)
    for side in ("prev", "next"):
        there = context.get(side)
        if there and (there["link"] in behind or pagename in BEHIND):
            context[side] = None
        elif there:
            question = front.questions().get(Path(there["link"]).stem) if there["link"] in numbers else None
            title = "Front page" if there["link"] == front_page else there["title"]
            number = numbers.get(there["link"])
            context[side] = {**there, "title": title, "number": number, "question": question}


def headed(body: str, number: int | None) -> str:
    """The page's text with its chapter's number above its title, and with headings that break at no hyphen."""
    if number:
        body = body.replace("<h1>", f'<h1><span class="lvm-kicker">Chapter {number}</span> ', 1)

    def whole(heading: re.Match) -> str:
        pieces = re.split(r"(<[^>]+>)", heading[0])
        return "".join(
            piece if piece.startswith("<") else HYPHENED.sub(r'<span class="lvm-whole">\g<0></span>', piece)
            for piece in pieces
        )

    return re.sub(r"<h[12]>(?:(?!katex).)*?</h[12]>", whole, body, flags=re.S)


def with_heights(body: str, pagename: str) -> str:
    """The page's text, whose sections claim the heights of assets/heights.json until they have their own."""
    known = HEIGHTS.get(pagename, {})

    def claiming(section: re.Match) -> str:
        if section[1] not in known:
            return section[0]
        phone, column = known[section[1]]
        return f'{section[0][:-1]} style="--phone:{phone}px;--column:{column}px">'

    return re.sub(r'<section id="([^"]+)">', claiming, body)


def fill(app, pagename, templatename, context, doctree) -> None:
    repository = chapters.repository()
    title = context.get("title") or OWN_TITLES.get(pagename, "Start")
    if "body" in context:  # a role that its standard has withdrawn since; the list they stand in is marked as one
        context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')
        # Folded code is named by the words that are read there, which say what it is.
        context["body"] = context["body"].replace('<summary aria-label="Toggle hidden content">', "<summary>")
        context["body"] = headed(context["body"], chapter_numbers(app).get(pagename))
        context["body"] = THEBE.sub("", context["body"])
        if repository:
            context["body"] = with_reports(context["body"], repository, pagename, Markup(title).striptags())
        if pagename in cards.RESULTS:
            context["body"] = cards.as_results(context["body"])
        context["body"] = cards.with_cards(minus.with_minus(context["body"]))
        if pagename in cards.LISTS:
            context["body"] = cards.with_roles(context["body"])
    here = timed(sections(context.get("toc") or ""), context.get("body") or "")
    if "body" in context:
        context["body"] = with_heights(context["body"], pagename)
    turn(app, pagename, context)
    is_chapter = pagename.startswith("book/") and (ROOT / f"{pagename}.ipynb").exists()
    if is_chapter and "body" in context:
        context["body"] = context["body"].replace(
            "</h1>", f"</h1>{in_notebook(pagename, pagename in chapter_numbers(app))}", 1
        )
    context.update(
        lvm_style=app.config.lvm_frame,
        lvm_version=chapters.version(),
        lvm_contents=contents(app, pagename, context, here),
        lvm_sections=here,
        lvm_number=chapter_numbers(app).get(pagename),
        lvm_behind=[(name, app.env.titles[name].astext()) for name in BEHIND if name in app.env.found_docs],
        lvm_code='hide above-input"' in (context.get("body") or ""),
        lvm_resume=is_chapter,
        lvm_answers=re.search("data-(?:exercise|quick)=", context.get("body") or "") is not None,
        lvm_yours="data-your-answers" in (context.get("body") or ""),
        lvm_fonts=fonts(context.get("body") or ""),
        lvm_description=description(doctree, Markup(title).striptags()),
        lvm_report=new_issue(repository, f"Error on {pagename}") if repository else "",
        lvm_report_page=REPORT_PAGE if REPORT_PAGE in app.env.found_docs else "",
        lvm_colab=chapters.colab(pagename) if is_chapter else "",
        lvm_moved=moved(app, pagename) if is_chapter else {},
    )


def new_issue(repository: str, title: str, text: str = "") -> str:
    """The address that opens a new issue: in GitLab's form where the host is one, else in that of GitHub and Gitea."""
    gitlab = "gitlab" in repository.split("/")[2]
    form = "/-/issues/new?issue[title]={}&issue[description]={}" if gitlab else "/issues/new?title={}&body={}"
    whole = repository + form.format(quote(title), quote(text))
    return whole if text else whole[: whole.rindex("&")]


def with_reports(body: str, repository: str, pagename: str, title: str) -> str:
    """The page's text with a link at the end of each of its sections, which opens an issue on that section."""
    import search_index  # it reads this module's tables

    headings = {
        section.anchor: search_index.read(section.heading)
        for section in search_index.sections(f"<article>{body}<footer>")
    }
    written, at = "", 0
    around: list[str] = []
    for tag in re.finditer(r"<(/?)section\b([^>]*)>", body):
        if not tag[1]:
            anchor = re.search(r'\bid="([^"]+)"', tag[2])
            around.append(anchor[1] if anchor else "")
            continue
        anchor = around.pop() if around else ""
        if len(around) != 1 or not headings.get(anchor):
            continue
        place = f"{pagename}.html#{anchor}, version {chapters.version()}\n\n"
        link = new_issue(repository, f"{title}: {headings[anchor]}", place)
        section = f'<span class="visually-hidden">: {escape(headings[anchor])}</span>'
        written += f'{body[at : tag.start()]}<p class="lvm-report">'
        written += f'<a href="{escape(link)}">Report an error in this section{section}</a></p>\n'
        at = tag.start()
    return written + body[at:]


def in_notebook(pagename: str, chapter: bool = True) -> str:
    """The links below a title, to the page's notebook and to Colab; or what to do where that link is missing."""
    what = "chapter" if chapter else "page"
    file = downloads.link(pagename, f"Download this {what}’s notebook")
    if link := chapters.colab(pagename):
        return f'\n<p class="lvm-open">{file} · <a href="{escape(link)}">Run this {what} on Colab</a></p>'
    if chapters.unaddressed(pagename):
        how = "it has a link to Colab after <code>make address</code> and a commit"
        return f'\n<p class="lvm-open">{file}. This notebook names another repository, or none: {how}.</p>'
    return f'\n<p class="lvm-open">{file}</p>'


def moved(app, pagename: str) -> dict[str, str]:
    """Where sections went that once stood on this page (book/moved.json): old anchor -> address from this page."""
    file = ROOT / "book" / "moved.json"
    places = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    found = {}
    for anchor, place in places.get(Path(pagename).name, {}).items():
        page, _, new = place.partition("#")
        found[anchor] = f"{app.builder.get_relative_uri(pagename, f'book/{page}')}#{new or anchor}"
    return found


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
    (static / "katex" / "katex.min.css").unlink(missing_ok=True)  # it is a part of lvm.css
    kept = {
        "lvm.css",
        "book.js",
        "first.js",
        "host.js",
        "favicon.svg",
        "mark.svg",
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
