"""Experiments: what is stored is what their code gives, their numbers are read rightly, and a chapter runs one seed."""

import json
import types

import numpy as np
import pytest
from scipy import stats

from lvm_lib import experiments
from tools import chapters, keys
from tools import experiments as tool
from tools.budgets import budget

NAMES = tool.names()


def module(name="coin"):
    return types.ModuleType(f"lvm_lib.experiments.{name}")


@pytest.fixture
def coin(tmp_path, monkeypatch):
    """An experiment of three runs, stored in a folder of its own."""
    values = {"heads": [0.4, 0.5, 0.6], "sure": [1.0, 1.0, 1.0]}
    said = tool.described("A coin.\nThrown.", [1, 2, 3], values, {}, {})
    (tmp_path / "coin.json").write_text(json.dumps(said))
    monkeypatch.setattr(experiments, "HERE", tmp_path)
    return experiments.stored(module())


def test_stored_numbers_have_mean_spread_and_error(coin):
    assert coin.name == "coin" and coin.seeds == (1, 2, 3)
    assert coin.pair("heads") == pytest.approx((0.5, 0.1 / np.sqrt(3)))
    assert coin.spread("heads") == pytest.approx(0.1)
    said = json.loads((experiments.HERE / "coin.json").read_text())
    assert said["about"] == "A coin" and said["results"]["heads"]["error"] == pytest.approx(coin.error("heads"))


def test_a_run_within_the_spread_is_said_and_another_fails(coin, capsys):
    coin.within("heads", 0.55, unit="")
    assert capsys.readouterr().out == "heads: 0.550 here; stored 0.500 ± 0.058 over 3 runs\n"
    room = stats.t(2).ppf(0.9995) * 0.1 * np.sqrt(4 / 3)  # three runs know little: 36 standard deviations
    coin.within("heads", 0.5 + 0.999 * room)
    with pytest.raises(AssertionError, match=r"heads: 4\.15604 nats lies outside"):
        coin.within("heads", 0.5 + 1.002 * room)
    coin.within("sure", 1.0 + 1e-12)
    with pytest.raises(AssertionError):
        coin.within("sure", 1.0 + 1e-6)


@pytest.mark.parametrize(
    ("values", "value", "said"),
    [
        ([-150.5, -151.0, -151.5], -151.2, "-151.20 here; stored -151.00 ± 0.29"),
        ([32.30, 32.35, 32.25], 32.2, "32.200 here; stored 32.300 ± 0.029"),
        ([90.0, 120.0, 150.0], 133.3, "133 here; stored 120 ± 17"),
        ([4e-4, 5e-4, 6e-4], 0.00055, "0.000550 here; stored 0.000500 ± 0.000058"),
        ([1.0, 1.1725, 1.345], 1.2, "1.20 here; stored 1.17 ± 0.10"),
        ([0.1, 0.1, 0.1], 0.1, "0.100 here; stored 0.100 ± 0.000"),
        ([0.0, 0.0, 0.0], 0.0, "0 here; stored 0 ± 0"),
    ],
)
def test_the_error_is_said_in_two_digits_and_the_rest_in_its_decimals(values, value, said, capsys):
    experiments.Stored("drawn", (1, 2, 3), {"x": np.array(values)}).within("x", value, unit="")
    assert capsys.readouterr().out == f"x: {said} over 3 runs\n"


def test_a_reader_sees_the_name_that_is_given(coin, capsys):
    coin.within("heads", 0.55, name="share of heads: three coins")
    assert capsys.readouterr().out.startswith("share of heads: three coins: 0.550 nats here; stored 0.500 ± ")
    with pytest.raises(AssertionError, match=r"^share of heads: 9 nats lies outside"):
        coin.within("heads", 9, name="share of heads")
    with pytest.raises(ValueError, match="number must be one of heads, sure"):
        coin.within("tails", 0.55, name="share of heads")


@pytest.mark.parametrize("runs", [3, 5, 12])
def test_one_normal_run_in_a_thousand_lies_outside(runs, monkeypatch):
    """At most: with twelve runs the six standard deviations that any run may lie away are the wider ones."""
    monkeypatch.setattr(experiments, "ROOM", 0.0)
    values = np.random.default_rng(runs).normal(7.0, 2.0, size=(20_000, runs + 1))
    outside = 0
    for row in values:
        low, high = experiments.Stored("drawn", tuple(range(runs)), {"x": row[:-1]}).bounds("x")
        outside += not low <= row[-1] <= high
    assert 5 <= outside <= 40  # twenty expected
    monkeypatch.undo()
    low, high = experiments.Stored("drawn", tuple(range(runs)), {"x": values[0, :-1]}).bounds("x")
    assert high - low >= 12 * values[0, :-1].std(ddof=1)


def test_what_does_not_fit_is_named(coin):
    for call in (coin.mean, coin.spread, coin.error, coin.pair, coin.bounds):
        with pytest.raises(ValueError, match="number must be one of heads, sure"):
            call("tails")
    for bad in ("seven", None, [1.0, 2.0]):
        with pytest.raises(TypeError, match="value"):
            coin.within("heads", bad)
    with pytest.raises(ValueError, match="value"):
        coin.within("heads", float("nan"))
    with pytest.raises(TypeError, match="unit"):
        coin.within("heads", 0.5, unit=3)
    for bad in (3, ["heads"], b"heads"):
        with pytest.raises(TypeError, match="name must be a string"):
            coin.within("heads", 0.5, name=bad)
    for bad in ("", " ", "two\nlines"):
        with pytest.raises(ValueError, match="name must be one line that is not empty"):
            coin.within("heads", 0.5, name=bad)
    with pytest.raises(ValueError, match="make experiments"):
        experiments.stored(module("unheard"))
    for bad in (json, "coin", None):
        with pytest.raises(TypeError, match="experiment"):
            experiments.stored(bad)


def test_stored_results_are_not_stale():
    """`python -m tools.experiments` runs those that are."""
    assert {name: why for name in NAMES if (why := tool.stale(name))} == {}


def test_stored_results_are_whole():
    for name in NAMES:
        said = tool.stored(name)
        assert len(set(said["seeds"])) == len(said["seeds"]) >= 3, name
        assert said["results"] == {number: tool.summary(values) for number, values in said["values"].items()}
        assert all(len(values) == len(said["seeds"]) for values in said["values"].values())
        assert (tool.FOLDER / f"{name}.json").stat().st_size < budget("repository", "experiment")


def test_a_chapter_shows_each_and_claims_its_own_run_within_its_spread():
    code = {path.stem: [keys.source(c) for c in keys.counted(keys.read(path))] for path in chapters.chapter_paths()}
    for name in NAMES:
        users = [page for page, texts in code.items() if any(name in text and "experiments" in text for text in texts)]
        assert users, f"no chapter shows {name}"
        for page in users:
            assert any(".within(" in text for text in code[page]), f"{page} shows {name} and runs no seed of it"


def test_a_change_of_its_code_makes_it_stale_and_its_results_are_no_part_of_it(tmp_path):
    folder = tmp_path / "lvm_lib" / "experiments"
    folder.mkdir(parents=True)
    (tmp_path / "requirements.txt").write_text("")
    (tmp_path / "lvm_lib" / "__init__.py").write_text("")
    (folder / "__init__.py").write_text("")
    (folder / "a.py").write_text("SEEDS = (1, 2)\n")
    (folder / "b.py").write_text("SEEDS = (1, 2)\n")

    def now():
        return tool.parts("a", keys.Package(tmp_path))

    first = now()
    (folder / "a.json").write_text("{}")
    (folder / "b.json").write_text("{}")
    (folder / "b.py").write_text("SEEDS = (1, 2, 3)\n")
    (folder / "a.py").write_text("SEEDS = (1, 2)  # two\n")
    assert now() == first
    (folder / "a.py").write_text("SEEDS = (1, 2, 3)\n")
    assert keys.changes(first, now()) == ["lvm_lib/experiments/a.py changed"]
    package = keys.Package(tmp_path)
    assert package.data_of("lvm_lib.experiments.a") == {folder / "a.json"}  # of a chapter that shows a
