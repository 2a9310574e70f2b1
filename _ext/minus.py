"""A real minus sign and symbols (symbols.py) where a page's reader meets numbers; code keeps the hyphen of ASCII.

Text, tables, captions, alternative texts and what code printed get U+2212, which is as wide as a plus and is read aloud
as "minus". What a reader may copy into Python stays: code, and whatever a script reads from attributes.
"""

from __future__ import annotations

import re

import symbols

MINUS = "−"
UNARY = re.compile(r"(?<![\w.\-–—−])-(?=\.?\d|[A-Za-z(])")  # -3, -ELBO, -(a + b); no word-part, no --option
BINARY = re.compile(r"(?<=[\w)\]²’'|] )-(?= [\w(\[])")  # a - b
PIECE = re.compile(r"<!--.*?-->|<(?:\"[^\"]*\"|'[^']*'|[^'\">])*>", flags=re.S)
READ = re.compile(r'(?<=\salt=")[^"]*(?=")|(?<=\stitle=")[^"]*(?=")')  # attributes for readers
PRINTED = re.compile(r'class="(?:[^"]* )?output[ "]')  # what a cell showed
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
CELLS = {"td", "th"}
CODE = {"annotation", "code", "kbd", "math", "pre", "samp", "script", "style", "svg", "textarea"}


def signed(text: str) -> str:
    """A piece of text with real minus signs."""
    return BINARY.sub(MINUS, UNARY.sub(MINUS, text))


def _is_code(name: str, tag: str) -> bool:
    return name in CODE or 'class="katex' in tag


def with_minus(body: str) -> str:
    """A page's HTML with real minus signs in its text and in what its code printed, and with symbols in its text."""
    done, open_, at = [], [], 0  # open_: (name, whether what stands inside is code, whether it was printed)
    for piece in PIECE.finditer(body):
        text, tag = body[at : piece.start()], piece[0]
        inside, code, printed = open_[-1] if open_ else ("", False, False)
        if code:
            done.append(text)
        elif printed and inside == "pre":
            done.append(symbols.printed(signed(text)))
        else:
            tabled = any(name in CELLS for name, *_ in open_)
            done.append(symbols.marked(symbols.tabled(signed(text)) if tabled else signed(text)))
        at = piece.end()
        name = re.match(r"</?([a-zA-Z][\w-]*)", tag)
        if name and tag.startswith("</"):
            while open_ and open_.pop()[0] != name[1]:
                pass
        elif name and name[1] not in VOID and not tag.endswith("/>"):
            printed = printed or (name[1] == "div" and PRINTED.search(tag) is not None)
            code = code or (_is_code(name[1], tag) and not (printed and name[1] == "pre"))
            open_.append((name[1], code, printed))
        done.append(READ.sub(lambda found: symbols.spelt(signed(found[0])), tag))
    done.append(symbols.marked(signed(body[at:])))
    return "".join(done)
