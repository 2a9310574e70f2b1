"""`holds`: what it prints, when it fails, and what it leaves for `tools.elsewhere`."""

import json
import math

import numpy as np
import pytest
import torch

from lvm_lib.claims import holds


@pytest.mark.parametrize(
    ("value", "bounds", "line"),
    [
        (11.06, {"at_least": 5, "unit": "nats"}, "ahead: 11.1 nats (claimed: at least 5)"),
        (0.01234, {"at_most": 0.05}, "ahead: 0.0123 (claimed: at most 0.05)"),
        (12, {"at_least": 0, "at_most": 50.5}, "ahead: 12 (claimed: at least 0 and at most 50.5)"),
        (5720.4, {"at_least": 1000}, "ahead: 5720.4 (claimed: at least 1000)"),
        (2.0, {"at_least": 2, "at_most": 2}, "ahead: 2.00 (claimed: at least 2 and at most 2)"),
        (0.99998, {"at_least": 0.99, "at_most": 1.01}, "ahead: 1.000 (claimed: at least 0.99 and at most 1.01)"),
        (-145.3, {"at_least": -155}, "ahead: -145.3 (claimed: at least -155)"),
        (0.000810, {"at_most": 0.02}, "ahead: 0.000810 (claimed: at most 0.02)"),
        (0.0, {"at_most": 1e-10}, "ahead: 0 (claimed: at most 1e-10)"),
        (3.2e-11, {"at_most": 1e-10}, "ahead: 3.2e-11 (claimed: at most 1e-10)"),
        (np.int64(3), {"at_most": 4.5}, "ahead: 3 (claimed: at most 4.5)"),
        (math.inf, {"at_least": 4}, "ahead: inf (claimed: at least 4)"),
    ],
)
def test_a_claim_that_holds_is_one_line_with_number_and_bounds(value, bounds, line, capsys):
    assert holds("ahead", value, **bounds) is None
    assert capsys.readouterr().out == line + "\n"


@pytest.mark.parametrize(
    "value", [11.06, np.float32(11.06), np.array([11.06]), torch.tensor(11.06, requires_grad=True)]
)
def test_a_number_may_come_in_any_array(value, capsys):
    holds("ahead", value, at_least=5)
    assert capsys.readouterr().out == "ahead: 11.1 (claimed: at least 5)\n"


@pytest.mark.parametrize(
    ("value", "bounds"),
    [
        (4.999, {"at_least": 5}),
        (5.001, {"at_most": 5}),
        (float("nan"), {"at_least": 5}),
        (float("nan"), {"at_most": 5}),
        (float("inf"), {"at_most": 5}),
        (-float("inf"), {"at_least": 5}),
        (7, {"at_least": 5, "at_most": 6}),
    ],
)
def test_a_claim_that_does_not_hold_fails_by_name_value_and_bound(value, bounds, capsys):
    with pytest.raises(AssertionError) as error:
        holds("nats ahead", value, **bounds)
    assert "nats ahead" in str(error.value) and repr(float(value)) in str(error.value)
    assert all(f"{bound:g}" in str(error.value) for bound in bounds.values())
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("value", [True, np.array([1.0, 2.0]), "5"])
def test_a_value_is_one_number(value):
    with pytest.raises(TypeError, match="value must be"):
        holds("ahead", value, at_least=0)


def test_a_claim_needs_a_bound_and_a_range_that_is_not_empty():
    with pytest.raises(ValueError, match="at_least or at_most must be given"):
        holds("ahead", 1.0)
    with pytest.raises(ValueError, match="at_least must not lie above at_most, got 3 and 2"):
        holds("ahead", 2.5, at_least=3, at_most=2)


def test_claims_are_recorded_held_or_not(tmp_path, monkeypatch, capsys):
    path = tmp_path / "claims.jsonl"
    monkeypatch.setenv("LVM_CLAIMS", str(path))
    holds("first", 2.5, at_least=1)
    with pytest.raises(AssertionError):
        holds("second", float("nan"), at_most=3)
    first, second = (json.loads(line) for line in path.read_text().splitlines())
    assert first == {"name": "first", "value": 2.5, "at_least": 1.0, "at_most": None}
    assert second["name"] == "second" and np.isnan(second["value"]) and second["at_most"] == 3.0
