"""The bench's own arithmetic.

Rows are well formed, a worker times what it should, verdicts follow from numbers and targets.
"""

import json
import math
import re
import sys

import pytest

from tools import chapters

sys.path.insert(0, str(chapters.ROOT))
bench = pytest.importorskip("benchmarks.__main__")
report = pytest.importorskip("benchmarks.report")
row = pytest.importorskip("benchmarks.row")
worker = pytest.importorskip("benchmarks.worker")

RUN = {"seconds": 1.0, "fastest": 0.9, "slowest": 1.2, "quality": 3.0, "runs": 5, "also": {"wide": 90.0}}


def comparison(aim=0.5):
    return row.Row("R", "Peer", "nats", None, None, row.within(0.1), aim)


def stored(ratio, fault=""):
    return {"ours": {"1": RUN, "2": RUN}, "theirs": {"1": RUN, "2": RUN}, "ratio": ratio, "fault": fault}


def aim(*limits):
    return row.Aim("A", "nats", None, tuple(row.Limit(*limit) for limit in limits))


# ------------------------------------------------------------------ rows and workers


def test_every_file_lists_rows_of_known_kinds():
    assert {
        "book",
        "decode",
        "gaussian_mixture",
        "growth",
        "kmeans",
        "ppca",
        "quantiser",
        "token_prior",
        "vae",
        "vae_scores",
        "vqvae",
    } <= set(report.files())
    rows = report.every()
    assert len({one.name for one in rows}) == len(rows)
    for one in rows:
        parts = {row.Row: ("ours", "theirs", "agree"), row.Aim: ("ours",), row.Growth: ("at",), row.Reading: ("read",)}[
            type(one)
        ]
        assert all(callable(getattr(one, part)) for part in parts)


def test_every_limit_names_a_number_that_the_row_brings():
    for one in report.every(row.Aim):
        names = [limit.what for limit in one.limits]
        assert "seconds" in names and one.quality in names and len(set(names)) == len(names)
        assert all(limit.sense in ("below", "above") for limit in one.limits)
    for one in report.every(row.Reading):
        assert one.limits and all(limit.what == name for name, limit in one.limits.items())
    for one in report.every(row.Growth):
        assert all(len(knob.sizes) >= 3 and knob.sizes[-1] == 8 * knob.sizes[0] for knob in one.knobs.values())


def test_small_sizes_are_taken_only_when_they_are_asked_for(monkeypatch):
    monkeypatch.delenv(row.SMALL, raising=False)
    assert row.sized(9, 1) == 9
    monkeypatch.setenv(row.SMALL, "1")
    assert row.sized(9, 1) == 1


def test_a_run_may_time_a_part_of_itself():
    assert worker.timed(lambda: row.Measured(1.5, 0.25, {"wide": 2})) == row.Measured(1.5, 0.25, {"wide": 2.0})
    whole = worker.timed(lambda: 2)
    assert whole.quality == 2.0 and 0 <= whole.seconds < 1


def test_a_worker_keeps_every_number_of_every_run():
    numbers = iter(range(10))
    one = row.Aim(
        "A", "nats", lambda target: lambda: row.Measured(next(numbers), 2.0, {"wide": 7}), (), repeats=3, warm=True
    )
    assert worker.several(one, "ours", None) == {
        "seconds": [2.0] * 3,
        "quality": [1.0, 2.0, 3.0],
        "also": {"wide": [7.0] * 3},
    }


def test_growth_is_measured_at_every_size_of_every_knob():
    asked = []

    def at(knob, size):
        asked.append((knob, size))
        return lambda: row.Measured(0.0, size**2 / 100)

    grown = worker.grown(row.Growth("G", {"N": row.Knob((1, 2), 2), "D": row.Knob((3,), 2)}, at))
    assert grown == {"N": {"sizes": [1, 2], "seconds": [0.01, 0.04]}, "D": {"sizes": [3], "seconds": [0.09]}}
    assert asked == [("N", 1), ("N", 2), ("D", 3)]


def test_agreement():
    assert row.within(0.1)(1.0, 1.05) == "" and "differs by 1" in row.within(0.1)(1.0, 2.0)
    assert row.at_most()(1.0, 2.0) == "" and "worse by 1" in row.at_most()(2.0, 1.0)


def test_the_page_s_engine_answers_on_every_network_that_is_shipped(monkeypatch):
    from benchmarks import decode
    from tools.need_node import NEEDED, node_version

    if node_version() < NEEDED:
        pytest.skip("Node.js 18 is missing")
    monkeypatch.setenv(row.SMALL, "1")
    found = decode.read()
    shipped = {prior["name"] for prior in json.loads((decode.NETS / "tokens.json").read_text())["priors"]} - {"uniform"}
    assert set(found) == set(decode.ROWS[0].limits) | {f"49 tokens drawn from the prior {name}" for name in shipped}
    assert all(0 < milliseconds < math.inf for milliseconds in found.values())


def test_unknown_rows_are_named(capsys):
    assert bench.main(["nonsense"]) == 2
    assert "no such rows: nonsense" in capsys.readouterr().err


def test_a_row_that_fails_is_reported_and_the_others_run(monkeypatch, capsys, tmp_path):
    def read():
        raise RuntimeError("no Node.js here")

    one, two = row.Reading("one", "What", "s", read), row.Reading("two", "What", "s", lambda: {"cold": 3.0})
    monkeypatch.setattr(report, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(bench.pictures, "FOLDER", tmp_path / "pictures")
    monkeypatch.setattr(report, "files", lambda: ["here"])
    monkeypatch.setattr(report, "rows", lambda file: [one, two])
    monkeypatch.setattr(report, "text", lambda results: ", ".join(results["rows"]))
    assert bench.main([]) == 1
    said = capsys.readouterr()
    assert "no Node.js here" in said.err and said.out == "two\n"
    written = json.loads(report.RESULTS.read_text())
    assert written["rows"]["two"]["values"] == {"cold": 3.0} and written["machine"] == bench.machine()


def test_results_of_another_machine_or_of_rows_that_are_gone_are_dropped(capsys):
    here = {"machine": {"cores": 2}, "versions": {"numpy": "2"}}
    name = report.every()[0].name
    rows = {name: {"values": {}}, "gone": {"values": {}}}
    assert bench.kept({**here, "rows": rows}, here)["rows"] == {name: {"values": {}}}
    assert bench.kept({**here, "versions": {}, "rows": rows}, here)["rows"] == {}
    assert "dropped" in capsys.readouterr().err


# ------------------------------------------------------------------ verdicts


def test_a_comparison_is_reached_or_missed_and_why():
    assert report.verdict(comparison(), stored(0.5)) == "reached"
    assert report.verdict(comparison(), stored(0.51)) == "missed: faster than Peer, but not by as much as aimed at"
    assert report.verdict(comparison(), stored(1.2)) == "missed: slower than Peer"
    assert report.verdict(comparison(), stored(0.1, "is worse by 1")) == "missed: nats is worse by 1"
    assert (
        report.verdict(comparison(), stored(2, "is worse by 1")) == "missed: nats is worse by 1, and slower than Peer"
    )
    assert report.verdict(comparison(), None) == "not measured"
    assert report.verdict(comparison(aim=None), stored(1.2)) == ""


def test_an_aim_is_reached_where_every_limit_is_kept():
    found = {"ours": {"2": RUN}}
    assert (
        report.verdict(aim(("nats", "below", 3.1), ("wide", "above", 80), ("seconds", "below", 2)), found) == "reached"
    )
    assert (
        report.verdict(aim(("nats", "below", 3.0), ("seconds", "below", 2)), found) == "missed: nats 3 is not below 3"
    )
    assert report.verdict(aim(("wide", "above", 95), ("seconds", "below", 0.5)), found) == (
        f"missed: wide 90 is not above 95, and {report.tied('1 s')} is not below {report.tied('0.5 s')}"
    )
    assert report.verdict(aim(("unheard", "below", 3)), found).startswith("missed")
    assert report.verdict(aim(("nats", "below", 3)), None) == "not measured"


def test_the_faster_number_of_threads_counts():
    assert report.best({"1": {"seconds": 2.0}, "2": {"seconds": 1.5}}) == {"seconds": 1.5}


def test_a_limit_is_not_met_by_what_is_no_number():
    assert not row.Limit("x", "below", 1).met(math.nan) and not row.Limit("x", "above", 1).met(math.nan)
    assert not row.Limit("x", "below", 1).met(1) and row.Limit("x", "above", 1).met(1.1)


def test_the_summary_counts_and_names_what_is_missed(monkeypatch):
    rows = [
        comparison(),
        aim(("nats", "below", 2), ("seconds", "below", 2)),
        row.Reading(
            "B", "What", "s", None, {"cold": row.Limit("cold", "below", 5), "all": row.Limit("all", "below", 5)}
        ),
    ]
    monkeypatch.setattr(report, "every", lambda kind=object: [one for one in rows if isinstance(one, kind)])
    results = {"rows": {"R": stored(0.4), "A": {"ours": {"2": RUN}}, "B": {"values": {"cold": 9.0}}}}
    assert report.summary(results) == (
        "Of 4 targets 1 is reached, 2 are missed, 1 is not measured. "
        "Missed: A (nats 3 is not below 2); B: cold (not below 5 s)."
    )
    assert report.targets(results).rows == [
        ("R", "at most 0.5 of Peer’s time", "0.400 of its time", "reached"),
        (
            "A",
            f"nats below 2; below {report.tied('2 s')}",
            f"nats 3; {report.tied('1.00 s')} {report.tied('(0.900 to 1.20)')}",
            "missed: nats 3 is not below 2",
        ),
        ("B: cold", "below 5 s", "9.00 s", "missed: not below 5 s"),
        ("B: all", "below 5 s", "not measured", "not measured"),
    ]


# ------------------------------------------------------------------ slopes


@pytest.mark.parametrize("exponent", [-1.0, 0.0, 0.5, 1.0, 2.0, 3.0])
def test_the_slope_of_an_exact_power_law_is_its_exponent(exponent):
    sizes = [3, 10, 70, 2000]
    assert report.slope(sizes, [0.02 * size**exponent for size in sizes]) == pytest.approx(exponent, abs=1e-12)


def test_a_slope_is_the_least_squares_line():
    """Against numpy's, on points that lie on no line; and one size tells no slope."""
    import numpy as np

    sizes, seconds = [1, 2, 4, 9], [1.0, 2.5, 3.0, 11.0]
    assert report.slope(sizes, seconds) == pytest.approx(np.polyfit(np.log(sizes), np.log(seconds), 1)[0], rel=1e-12)
    assert math.isnan(report.slope([4], [1.0])) and math.isnan(report.slope([], []))
    with pytest.raises(ValueError, match="as many seconds as sizes"):
        report.slope([1, 2], [1.0])


def test_an_exponent_is_put_beside_the_expected_one():
    assert report.compared(1.2, 1) == report.compared(0.8, 1) == "as expected"
    assert (
        report.compared(1.3, 1) == "grows faster than expected"
        and report.compared(1.6, 2) == "grows more slowly than expected"
    )
    assert report.compared(math.nan, 1) == "not measured"


# ------------------------------------------------------------------ numbers, and what is stored


def test_numbers_keep_three_digits():
    assert [report.number(value) for value in (0.046370, 12.345, 123.4, 1234.5, 0, 60, 1)] == [
        "0.0464",
        "12.3",
        "123",
        "1,234",
        "0",
        "60",
        "1",
    ]
    measured = (
        (7.9, "7.90"),
        (24.02, "24.0"),
        (107.28, "107"),
        (0.23, "0.230"),
        (95, "95"),
        (0.0, "0"),
        (-1234.5, "−1,234"),
    )
    assert [report.measured(value) for value, _ in measured] == [said for _, said in measured]
    assert report.rounded(-5.93472610) == "−5.93" and report.rounded(393123.456) == "393,000"


def test_a_time_is_told_in_milliseconds_below_a_second():
    run = {"seconds": 0.0302708, "fastest": 0.029965, "slowest": 0.034979}
    assert report.spread(run) == f"{report.tied('30.3 ms')} {report.tied('(30.0 to 35.0)')}"
    slow = report.spread({name: 100 * value for name, value in run.items()})
    assert slow.split() == ["3.03", "s", "(3.00", "to", "3.50)"] and slow.count(" ") == 1


@pytest.mark.parametrize(
    "value, other, said",
    [
        (391645.40625, 391645.7075304548, "equal"),
        (162.58826923828127, 158.72431406249999, "+3.9"),
        (-5.7654321, -5.1234567, "−0.64"),
        (186.62310763835666, 186.62310959848352, "equal"),
        (391000.0, 391645.7, "−650"),
        (1.0, 0.0, "+1"),
        (0.0, 0.0, "equal"),
    ],
)
def test_a_quality_is_compared_before_it_is_rounded(value, other, said):
    assert report.less(value, other) == said


def test_names_are_written_as_they_are_read():
    assert report.named("PPCA, 10,000 x 784") == "PPCA, 10,000\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}784"
    assert report.named("49 tokens drawn from the prior PixelCNN") == "49 tokens drawn from the PixelCNN prior"
    assert report.named("VAE, 16-D") == "VAE, 16-D" and report.named("test -ELBO") == "test −ELBO"
    assert report.titled("elbo") == "The evidence lower bound" and report.titled("notation") == "Notation"
    assert report.titled("of_no_page") == "of no page"


def test_chapters_of_the_build_stand_in_the_order_of_the_book_behind_what_was_built_as_a_whole():
    from benchmarks import book

    values = {"vae": 4.0, "elbo": 3.0, book.ALL: 7.0, book.COLD: 9.0, "kl_and_mle": 2.0}
    assert list(report.in_order(values)) == [
        book.COLD,
        book.ALL,
        "KL divergence and maximum likelihood",
        "The evidence lower bound",
        "The variational autoencoder",
    ]


def test_no_name_of_a_file_and_no_letter_for_times_is_shown():
    results, audit = report.read(report.RESULTS), report.read(report.AUDIT)
    tables = [report.targets(results), report.peers(results), report.qualities(), report.pages(audit)]
    tables += [report.readings(results, file) for file in ("decode", "book")] + [report.growths(results)]
    cells = [cell for table in tables for row in table.rows for cell in row]
    assert cells and not [cell for cell in cells if "_" in cell or re.search(r"\d x \d", cell)]
    assert not [cell for cell in cells if re.fullmatch(r"\W?0\.\d*[1-9]\d{3,}", cell)]


def test_stored_results_are_what_the_report_can_read():
    results = report.read(report.RESULTS)
    if results:
        assert results["machine"]["processor"] and "numpy" in results["versions"] and results["rows"]
        assert report.text(results) and report.targets(results).rows
    audit = report.read(report.AUDIT)
    if audit:
        assert audit["machine"] and len(report.pages(audit).rows) == 1 + len(audit["pages"])


def test_an_audit_is_kept_page_by_page_and_only_of_this_machine(tmp_path, monkeypatch):
    from tools import audit

    for name in ("a.html", "b.html"):
        (tmp_path / name).write_text("")
    monkeypatch.setattr(audit, "SITE", tmp_path)
    path = tmp_path / "audit.json"
    for page, size in (("a.html", 1.0), ("b.html", 2.0), ("a.html", 3.0)):
        audit.store({"page": page, "first load": size}, 3, path)
    pages = json.loads(path.read_text())["pages"]
    assert {name: (one["first load"], one["runs"]) for name, one in pages.items()} == {
        "a.html": (3.0, 3),
        "b.html": (2.0, 3),
    }
    (tmp_path / "b.html").unlink()
    audit.store({"page": "a.html"}, 1, path)
    assert list(json.loads(path.read_text())["pages"]) == ["a.html"]
    path.write_text(json.dumps({"machine": {"processor": "another"}, "pages": {"a.html": {}, "c.html": {}}}))
    (tmp_path / "c.html").write_text("")
    audit.store({"page": "a.html"}, 1, path)
    assert list(json.loads(path.read_text())["pages"]) == ["a.html"]
