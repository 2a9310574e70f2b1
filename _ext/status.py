"""The appendix page "Status": what the stored runs of the chapters took, and what they were made with."""

from __future__ import annotations

import html

from tools import chapters

PAGE = "book/appendix/status"


def always(app, env, added, changed, removed):
    """The page is written at every build: what it says changes without it."""
    return [PAGE] if PAGE in env.found_docs else []


def table(head: tuple[str, str], rows, right: bool = False) -> str:
    """An HTML table of two columns; right: the second one holds numbers, which end below each other."""
    end = ' style="text-align:right"' if right else ""
    lines = "".join(f'<tr><th scope="row">{name}</th><td{end}>{value}</td></tr>' for name, value in rows)
    heads = f'<th scope="col">{head[0]}</th><th scope="col"{end}>{head[1]}</th>'
    return f'<table class="lvm-table"><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>'


def times(made: dict[str, dict]) -> str:
    """What each chapter's run took, in whole seconds, and their sum. made: its link -> what its run was made with."""
    seconds = {link: round(run["seconds"]) for link, run in made.items()}
    rows = [*seconds.items(), ("All together", sum(seconds.values()))]
    return table(("Chapter", "Seconds"), [(link, f"{taken:,}") for link, taken in rows], right=True)


def versions(made: dict[str, dict]) -> str:
    """What the runs were made with; where they differ, each version that there is."""
    runs = [{"Python": run["python"], **run["versions"]} for run in made.values()]
    names = dict.fromkeys(name for run in runs for name in run)
    found = {name: sorted({run[name] for run in runs if name in run}) for name in names}
    return table(("Package", "Version"), [(name, ", ".join(values)) for name, values in found.items()])


def link(app, name: str) -> str:
    """A link to a chapter by its title; the front page's own is the first chapter's too."""
    title = "Front page" if name == app.config.root_doc else app.env.titles[name].astext()
    return f'<a href="{app.builder.get_relative_uri(PAGE, name)}">{html.escape(title)}</a>'


def fill(app, pagename, templatename, context, doctree) -> None:
    if pagename != PAGE:
        return
    known = getattr(app.env, "lvm_made", {})
    made = {link(app, name): known[name] for path in chapters.chapter_paths() if (name := f"book/{path.stem}") in known}
    context["body"] = (
        context["body"]
        .replace('<div class="lvm-times"></div>', times(made))
        .replace('<div class="lvm-versions"></div>', versions(made))
    )


def setup(app) -> None:
    app.connect("env-get-outdated", always)
    app.connect("html-page-context", fill)
