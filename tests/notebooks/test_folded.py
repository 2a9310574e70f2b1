"""Hints and solutions as one parser reads them; every exercise of the book has both."""

import json
import re
from pathlib import Path

import pytest

from tools.folded import folded, without

BOOK = Path(__file__).resolve().parents[2] / "book"
TEXT = """Before

<details class="hint"><summary>Hint</summary>

look

</details>

<details class="solution"><summary>Solution</summary>

```python
print("</details>")
```

</details>

After
"""


def test_parts_are_read_with_class_summary_text_and_code():
    hint, solution = folded(TEXT)
    assert (hint.kind, hint.summary, hint.text, hint.code()) == ("hint", "Hint", "look", None)
    assert (solution.kind, solution.code()) == ("solution", 'print("</details>")\n')
    assert TEXT[solution.start :].startswith('<details class="solution">') and TEXT[: solution.end].endswith(
        "</details>"
    )


def test_parts_are_left_out_by_class_or_all():
    assert without(TEXT, "solution").endswith("look\n\n</details>\n\nAfter\n")
    assert without(TEXT) == "Before\n\nAfter\n"
    assert without("no part") == "no part"


def test_what_stands_in_a_fence_is_code():
    assert folded("```html\n<details>\n```\n") == []


@pytest.mark.parametrize(
    "text, words",
    [("<details>open", "not closed"), ("<details>a<details>b</details></details>", "stands in another")],
)
def test_what_would_fold_too_much_is_refused(text, words):
    with pytest.raises(ValueError, match=words):
        folded(text)


@pytest.mark.parametrize("path", sorted(BOOK.glob("*.ipynb")), ids=lambda path: path.stem)
def test_every_exercise_has_a_hint_and_a_solution(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    exercises = [text for text in texts if re.search(r"^(?:> \*\*|:+\{admonition\} )Exercise \d", text, flags=re.M)]
    for text in exercises:
        assert [part.kind for part in folded(text)] == ["hint", "solution"], text[:80]
    kinds = [part.kind for text in texts for part in folded(text)]
    # Other folds (answers of the quick questions, the riddle of the first page) stand outside exercises.
    assert sum(kind in {"hint", "solution"} for kind in kinds) == 2 * len(exercises)
