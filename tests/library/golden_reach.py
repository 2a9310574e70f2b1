"""The table of state that each figure sends, in its first state, for Node's tests.

`python tests/library/golden_reach.py` writes it where `node --test js/tests` finds it without Python.
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILE = ROOT / "js" / "tests" / "reach.json"


def golden() -> dict:
    import golden_encoder
    import golden_posterior
    import golden_scrubber

    from lvm_lib import figures

    given = {
        "encoder": golden_encoder.figure,
        "posterior": golden_posterior.figure,
        "scrubber": golden_scrubber.figure,
    }  # small nets, not the shipped ones
    return json.loads(json.dumps({cls.name: given.get(cls.name, cls)().reach for cls in figures.every()}))


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]
    FILE.write_text(json.dumps(golden(), indent=1) + "\n", encoding="utf-8")
