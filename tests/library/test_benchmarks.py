"""The bench's own arithmetic: rows are well formed, a worker times what it should, faults and missed aims are printed."""

import json
import sys

import pytest
from tools import chapters

sys.path.insert(0, str(chapters.ROOT))
bench = pytest.importorskip("benchmarks.__main__")
row = pytest.importorskip("benchmarks.row")
worker = pytest.importorskip("benchmarks.worker")


def test_every_file_lists_rows():
    files = [path.stem for path in bench.HERE.glob("*.py") if path.stem not in bench.NOT_ROWS]
    assert {"gaussian_mixture", "ppca", "vae"} <= set(files)
    for file in files:
        rows = __import__(f"benchmarks.{file}", fromlist=["ROWS"]).ROWS
        assert rows and all(isinstance(one, row.Row) for one in rows)
        assert all(callable(part) for one in rows for part in (one.ours, one.theirs, one.agree))


def test_a_run_may_time_a_part_of_itself():
    assert worker.timed(lambda: row.Measured(1.5, 0.25)) == row.Measured(1.5, 0.25)
    whole = worker.timed(lambda: 2)
    assert whole.quality == 2.0 and 0 <= whole.seconds < 1


def test_agreement():
    assert row.within(0.1)(1.0, 1.05) == "" and "differs by 1" in row.within(0.1)(1.0, 2.0)
    assert row.at_most()(1.0, 2.0) == "" and "worse by 1" in row.at_most()(2.0, 1.0)


def result(ratio, fault):
    run = {"seconds": 1.0, "fastest": 0.9, "slowest": 1.2, "quality": 3.0, "runs": 5}
    return {"machine": {"processor": "P", "cores": 2, "python": "3"}, "versions": {"numpy": "2"},
            "rows": {"R": {"peer": "Q", "aim": 0.5, "unit": "nats", "ratio": ratio, "fault": fault,
                           "ours": {1: run, 2: run}, "theirs": {"1": run, "2": run}}}}


def test_the_table_says_what_was_missed():
    assert "met" in bench.table(result(0.4, "")) and "as good" in bench.table(result(0.4, ""))
    assert "MISSED" in bench.table(result(0.6, "")) and "QUALITY IS WORSE" in bench.table(result(0.4, "is worse by 1"))


def test_unknown_rows_are_named(capsys):
    assert bench.main(["nonsense"]) == 2
    assert "no such rows: nonsense" in capsys.readouterr().err


def test_stored_results_name_machine_and_versions():
    if bench.RESULTS.exists():
        stored = json.loads(bench.RESULTS.read_text())
        assert stored["machine"]["processor"] and "numpy" in stored["versions"] and stored["rows"]
