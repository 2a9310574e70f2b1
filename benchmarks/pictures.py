"""The pictures of the page "Benchmarks", drawn when results are stored, so that a build of the book draws nothing.

    python -m benchmarks.pictures     draw them anew from results.json

benchmarks/pictures/<name>-<theme>.png, for a phone <name>-narrow-<theme>.png, and index.json: what they were drawn
from, and the text alternative of each.
Where the results or what draws them changed since, a picture is stale, and whoever asks for it gets a new one.
"""

from __future__ import annotations

import ast
import functools
import json

from tools import keys

from . import report

FOLDER = report.HERE / "pictures"
NAMES = {
    "ratios": report.ratios_figure,
    "chapters": report.chapters_figure,
    "exponents": report.growth_figure,
    "exponents-more": functools.partial(report.growth_figure, line=1),
}
FORMS = ("light", "dark", "narrow-light", "narrow-dark")  # the narrow ones of a picture of one panel


def key(results: dict) -> str:
    """What the pictures hang on: the results, the rows with their targets, pages' titles, and the code that draws."""
    files = sorted([*report.HERE.glob("*.py"), *(keys.ROOT / "lvm_lib" / "plots").glob("*.py")])
    code = [keys.canonical(ast.parse(path.read_text(encoding="utf-8"))) for path in files]
    return keys.digest(json.dumps(results, sort_keys=True), *report.titles(), *code)


def draw(name: str, results: dict) -> tuple[dict[str, bytes], str] | None:
    """A picture for each form that it has, and the text alternative; None where nothing is measured yet."""
    import base64

    import matplotlib.pyplot as plt

    from lvm_lib.plots.show import drawn
    from tools.pictures import single

    made = NAMES[name](results)
    if made is None:
        return None
    figure, alt, narrow = made
    (light, dark), small = drawn(figure, narrow)
    plt.close(figure)
    for said in small.get("crowded", []):
        print(f"{name}, on a phone: {said}")
    raws = [light, dark, *(small[theme] for theme in ("light", "dark") if small)]
    return {form: single(base64.b64decode(raw)) for form, raw in zip(FORMS, raws, strict=False)}, alt


def stored(name: str, results: dict) -> tuple[dict[str, bytes], str] | None:
    """The stored picture; None where there is none that was drawn from these results."""
    index = FOLDER / "index.json"
    said = json.loads(index.read_text(encoding="utf-8")) if index.exists() else {}
    if said.get("key") != key(results) or name not in said.get("alt", {}):
        return None
    files = {form: FOLDER / f"{name}-{form}.png" for form in FORMS}
    return {form: file.read_bytes() for form, file in files.items() if file.exists()}, said["alt"][name]


def of(name: str, results: dict) -> tuple[dict[str, bytes], str] | None:
    """The stored picture, or where that is stale a new one; None where nothing is measured."""
    return stored(name, results) or draw(name, results)


def main() -> None:
    """Draw all pictures from the stored results."""
    results = report.read(report.RESULTS)
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    alts = {}
    for name in NAMES:
        made = draw(name, results)
        if made is not None:
            pictures, alts[name] = made
            for form, raw in pictures.items():
                (FOLDER / f"{name}-{form}.png").write_bytes(raw)
    text = json.dumps({"alt": alts, "key": key(results)}, indent=1, ensure_ascii=False, sort_keys=True)
    (FOLDER / "index.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
