"""Numbers that were written as text: `0.85`, `0,85`, `-1.2e-3`, `17/20`, `log(512)`, `sqrt(3)/2`, `2^7`, `0.85 nats`.

A parser of its own: text is never evaluated as a program. Several numbers stand apart by `;`, by spaces, or by commas
with a space behind them; by such commas or by spaces also where each has a comma of its own, `1,04, 0,35` and
`1,04 0,35`.
"""

from __future__ import annotations

import math
import re
import unicodedata

__all__ = ["numbers", "unit"]

LONGEST = 200  # characters that are looked at
DEEPEST = 20  # brackets within brackets
FUNCTIONS = {
    "exp": math.exp,
    "ln": math.log,
    "log": math.log,
    "log10": math.log10,
    "log2": math.log2,
    "sqrt": math.sqrt,
    "tanh": math.tanh,
}
CONSTANTS = {"e": math.e, "pi": math.pi}
TOKEN = re.compile(r"(?:(\d+(?:[.,]\d*)?|[.,]\d+)(e[+-]?\d+(?![\w.]))?|([a-z]+\d*)|(\*\*|[-+*/^()]))\s*")
COMMA = re.compile(r"[-+]?\d*,\d+(?:e[-+]?\d+)?")  # a number with a decimal comma
UNIT = re.compile(r"(?<![a-z])(nat|bit)s?\s*(?:(?:/|per)\s*[a-z]+)?$|%$")


def unit(text: str) -> str:
    """The unit that is written behind a number: "nats", "bits", "%", or "" if there is none."""
    found = UNIT.search(_plain(text))
    return "" if found is None else f"{found[1]}s" if found[1] else "%"


def numbers(text: str) -> list[float]:
    """The numbers of a text; raises ValueError, with what is wrong, if one of them cannot be read."""
    plain = UNIT.sub("", _plain(text)).strip()
    if plain[:1] + plain[-1:] == "[]" or (plain[:1] + plain[-1:] == "()" and not re.search(r"[()]", plain[1:-1])):
        plain = plain[1:-1].strip()
    return [_value(part.strip()) for part in _apart(plain)]


def _apart(plain):
    """The pieces of a text that stand for a number each."""
    if ";" in plain:
        return plain.split(";")
    by_commas = re.split(r",\s", plain)
    by_spaces = re.split(r"(?<=[\d).])\s+(?=[-+]?[\d.])", plain)
    for parts in (by_commas, by_spaces):
        if len(parts) > 1 and all("," not in part or COMMA.fullmatch(part.strip()) for part in parts):
            return parts
    return plain.split(",") if len(by_commas) > 1 or plain.count(",") > 1 else by_spaces


def _plain(text):
    if len(text) > LONGEST:
        raise ValueError("a text that is too long")
    if any(unicodedata.category(letter) == "No" for letter in text):  # 2½ would be read as 21/2
        raise ValueError("a fraction in one sign: write 1/2")
    text = unicodedata.normalize("NFKC", text).lower().replace("\u2212", "-").replace("\u00d7", "*")
    return re.sub(r"\b(?:np|math|numpy|torch)\.", "", text).strip()


def _value(text):
    """The value of one expression. Grammar: sum of products of signed powers of numbers, functions and brackets."""
    tokens, at = [], 0
    while at < len(text):
        found = TOKEN.match(text, at)
        if found is None:
            raise ValueError(f"a text that is no number ('{text[at]}' is not understood)")
        tokens.append(_number(found[1], found[2] or "") if found[1] else found[3] or found[4])
        at = found.end()
    try:
        value, rest = _sum(tokens, 0)
    except ArithmeticError:
        raise ValueError("a text that has no finite value") from None
    if rest != len(tokens):
        raise ValueError(f"a text that is no number ({_shown(tokens[rest])} is not expected there)")
    if not math.isfinite(value):
        raise ValueError("a text that has no finite value")
    return value


def _shown(token):
    return f"'{token:g}'" if isinstance(token, float) else f"'{token}'"


def _of(function, *arguments):
    """function(*arguments) where it has a real value; else ArithmeticError."""
    try:
        return function(*arguments)
    except ValueError:
        raise ArithmeticError from None


def _number(digits, power):
    if re.fullmatch(r"[1-9]\d{0,2},\d{3}", digits):
        raise ValueError(
            f"{digits}, which may mean two things: write {digits.replace(',', '.')} or {digits.replace(',', '')}"
        )
    return float(digits.replace(",", ".") + power)


def _sum(tokens, at, depth=0):
    value, at = _product(tokens, at, depth)
    while at < len(tokens) and tokens[at] in ("+", "-"):
        more, next_at = _product(tokens, at + 1, depth)
        value, at = (value + more if tokens[at] == "+" else value - more), next_at
    return value, at


def _product(tokens, at, depth):
    value, at = _signed(tokens, at, depth)
    while at < len(tokens) and tokens[at] in ("*", "/"):
        more, next_at = _signed(tokens, at + 1, depth)
        value, at = (value * more if tokens[at] == "*" else value / more), next_at
    return value, at


def _signed(tokens, at, depth):
    if depth > DEEPEST:
        raise ValueError("a text with too many brackets")
    if at < len(tokens) and tokens[at] in ("+", "-"):
        value, end = _signed(tokens, at + 1, depth + 1)
        return (-value if tokens[at] == "-" else value), end
    value, at = _atom(tokens, at, depth)
    if at < len(tokens) and tokens[at] in ("^", "**"):
        power, at = _signed(tokens, at + 1, depth + 1)
        value = _of(math.pow, value, power)
    return value, at


def _atom(tokens, at, depth):
    token = tokens[at] if at < len(tokens) else None
    if isinstance(token, float):
        return token, at + 1
    if token in CONSTANTS:
        return CONSTANTS[token], at + 1
    function = FUNCTIONS.get(str(token))
    if function is not None:
        at += 1
        if at >= len(tokens) or tokens[at] != "(":
            raise ValueError(f"a text in which {token} wants brackets")
    elif token != "(":
        raise ValueError(
            "a text that ends too early"
            if token is None
            else f"a text that is no number ({_shown(token)} is not understood)"
        )
    value, at = _sum(tokens, at + 1, depth + 1)
    if at >= len(tokens) or tokens[at] != ")":
        raise ValueError("a text with an open bracket")
    return (value if function is None else _of(function, value)), at + 1
