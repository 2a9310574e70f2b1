"""Letters, powers and indices as they are written by hand, where a table, a label or a test's sentence has plain text.

What a cell gives to `table` and what a test says of itself is plain text, read in a terminal as well: theta^2, E_q,
1e-12. In a page it becomes θ², E with an index, 10⁻¹². A number stays with its error, its unit and its times sign on
one line, and in a table so does a short expression: d = 1, p(x, z). What code prints gets its infinity, its bars and
its dots.
Apostrophes are curly and 28 x 28 has a times sign wherever a reader meets them.
"""

from __future__ import annotations

import re

GREEK = {"beta": "β", "theta": "θ", "sigma": "σ", "phi": "φ", "lambda": "λ", "mu": "μ"}
LOWERED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹ᵀ", "−0123456789T")
BELOW = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
HIGH = re.compile("[⁻⁰¹²³⁴⁵⁶⁷⁸⁹ᵀ]+")
NAMES = re.compile(r"(?<![\w-])(?:K-means|VQ-VAE|[EM]-steps?|one-hots?)(?![\w-])")
SIGNS = {"||": "∥", "&gt;=": "≥", "&lt;=": "≤", "...": "…"}
INFINITE = re.compile(r"(?<=[-−])inf(?!\w)|(?<!\S)inf(?=\s*$)")
BASE = re.compile(r"(?<![\w.])log(2|10)(?!\w)")
LONGEST = 18  # letters of an expression in a table in which no line breaks
CALL = re.compile(rf"(?<=\w)\([^()]{{1,{LONGEST - 2}}}\)")  # p(x, z), N(0.6, 1²)
EQUAL = re.compile(r"(?<![\w.])(?:\w{2,5}, )?\w{1,5} (?:[=<>≤≥≈]|&[lg]t;) [-−]?[\w.,]{1,9}(?!\w)")  # PPCA, d = 1
OF_WHAT = re.compile(r"\b(?:log|E) (?=[pqP](?:_\w+)?\()")  # log p(x)
GIVEN = re.compile("\\([^()<>]*\u00a0\\|\u00a0[^()<>]*\\)")  # (x | code), where a line would break behind the bar
RAISED = str.maketrans("-−0123456789T", "⁻⁻⁰¹²³⁴⁵⁶⁷⁸⁹ᵀ")
NAMED = re.compile(rf"(?<![\w.\\])({'|'.join(GREEK)})(['’]?)(?![\w(]|\.\w)")
POWER = re.compile(r"(?<=[A-Za-zβθσφλμ0-9)\]])\^([-−]?\d{1,2}|T)(?!\w)")
TEN = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)e([-−+]?)(\d{1,3})(?!\w)")
INDEX = re.compile(r"(?<![\w.])(d?[A-Za-zℓ𝟏βθσφ])_(\w{1,3})(?![\w(])")
APOSTROPHE = re.compile(r"(?<=\w)(?:'|&#x27;)(?=[A-Za-z])|(?<=s)(?:'|&#x27;)(?= \w)")  # Jensen's, the images' mean
PRIME = re.compile(r"(?<![\w'’‘])([A-Za-zβθσφλμ])(?:['’]|&#x27;)(?!\w)")  # f'(z), q'
TIMES = re.compile(r"(?<=\d) x (?=\d)")
KEPT = re.compile(
    r"(?<=[\d.]) (?=(?:%|nats?|bits?|kB|MB|ms|px)(?!\w))| (?=± )|(?<= ±) |(?<=\d) (?=× \d)|(?<=\d ×) (?=\d)"
)


def raised(number: str) -> str:
    return number.translate(RAISED)


def _ten(found: re.Match) -> str:
    factor, sign, power = found.groups()
    exponent = raised(f"{'-' if sign in ('-', '−') else ''}{int(power)}")
    return f"10{exponent}" if float(factor) == 1 else f"{factor} · 10{exponent}"


def spelt(text: str) -> str:
    """A piece of text with the apostrophes and times signs of print."""
    return TIMES.sub(" × ", APOSTROPHE.sub("’", text))


def plain(text: str) -> str:
    """A piece of text with its symbols, without markup."""
    text = PRIME.sub(r"\1′", NAMED.sub(lambda found: GREEK[found[1]] + found[2], text))
    text = TEN.sub(_ten, POWER.sub(lambda found: raised(found[1]), text))
    for typed, sign in SIGNS.items():
        text = text.replace(typed, sign)
    return KEPT.sub("\u00a0", spelt(INFINITE.sub("∞", text)))


def printed(text: str) -> str:
    """A piece of what code printed, with the signs that are no letters of it: ∞, ∥, …, log₂, and powers of ten."""
    for typed in ("||", "..."):
        text = text.replace(typed, SIGNS[typed])
    text = BASE.sub(lambda found: f"log{found[1].translate(BELOW)}", INFINITE.sub("∞", text))
    return lifted(TEN.sub(_ten, spelt(text)))


def tabled(text: str) -> str:
    """A piece of a table's text in which no line breaks inside a short expression; a slip is broken, not BROKEN."""
    for short in (CALL, EQUAL, OF_WHAT):
        text = short.sub(lambda found: found[0].replace(" ", "\u00a0"), text)
    return "broken" if text.strip() == "BROKEN" else text


def whole(text: str) -> str:
    """A piece of a page's text in which no line breaks inside these names, or at the bar of (x | z)."""
    for kept in (NAMES, GIVEN):
        text = kept.sub(r'<span class="lvm-whole">\g<0></span>', text)
    return text


def lifted(text: str) -> str:
    """A piece of a page's text with its powers marked, so that any font has them."""
    return HIGH.sub(lambda found: f"<sup>{found[0].translate(LOWERED)}</sup>", text)


def marked(text: str) -> str:
    """A piece of a page's text with its symbols; indices and powers are marked, so that any font has them."""
    shown = BASE.sub(r"log<sub>\1</sub>", INDEX.sub(r"\1<sub>\2</sub>", plain(text)))
    return whole(lifted(shown))
