"""Experiments over many seeds, longer than a chapter may run: one module each, its results stored beside it.

A module has SEEDS, whole numbers, and measure(seed), which gives one run's numbers by name. `make experiments` runs it
for each seed and writes <name>.json: the numbers, and what they hang on (tools/experiments.py). A chapter reads them,
runs one seed of its own, and claims that it lies within their spread:

    from lvm_lib import experiments
    from lvm_lib.experiments import importance_bounds

    stored = experiments.stored(importance_bounds)
    stored.pair("wide, K = 256")                    (mean, standard error), for a table
    stored.within("wide, K = 256", value, name="wide net, 256 samples: ELBO")        prints both, or fails
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import SupportsFloat

import numpy as np
from scipy.special import stdtrit

from .._checks import describe, real_array

__all__ = ["Stored", "stored"]

HERE = Path(__file__).parent
ROOM = 6.0  # standard deviations that a run of one's own may lie away, at least
CHANCE = 1e-3  # with which it lies farther away than `bounds` says, were runs normal
ROUNDING = 1e-9  # relative, of numbers without chance: they are stored in ten digits


@dataclass(frozen=True)
class Stored:
    """What an experiment found.

    name: its module.  seeds: one per run.  values: name of a number -> its value in each run.
    """

    name: str
    seeds: tuple[int, ...]
    values: dict[str, np.ndarray]

    def _of(self, number: object) -> np.ndarray:
        """The values of a number; ValueError where the experiment has none of this name."""
        if not isinstance(number, str) or number not in self.values:
            raise ValueError(f"number must be one of {', '.join(self.values)}, got {describe(number)}")
        return self.values[number]

    def mean(self, number: str) -> float:
        """The mean over the runs; raises ValueError where `number` names none."""
        return float(self._of(number).mean())

    def spread(self, number: str) -> float:
        """The standard deviation between runs; raises ValueError where `number` names none."""
        return float(self._of(number).std(ddof=1))

    def error(self, number: str) -> float:
        """The standard error of the mean; raises ValueError where `number` names none."""
        return self.spread(number) / math.sqrt(len(self.seeds))

    def pair(self, number: str) -> tuple[float, float]:
        """(mean, standard error), a cell of a table; raises ValueError where `number` names none."""
        return self.mean(number), self.error(number)

    def within(self, number: str, value: SupportsFloat, *, unit: str = "nats", name: str | None = None) -> None:
        """Print a run's own `value` beside the stored ones, or fail where it lies outside their spread.

        It may lie as far from their mean as `bounds` says. unit: printed after the numbers.
        name: what a reader sees in place of `number`, one line.
        The error is printed in two digits, value and mean in as many decimals as it has.
        Raises AssertionError where it does not, ValueError or TypeError for arguments that do not fit.
        """
        low, high = self.bounds(number)
        array = real_array("value", value)
        if array.size != 1:
            raise TypeError(f"value must be one number, got {describe(value)}")
        if not isinstance(unit, str):
            raise TypeError(f"unit must be a string, got {describe(unit)}")
        name = number if name is None else _line("name", name)
        found, unit = array.item(), f" {unit}" if unit else ""
        places = _places(self.mean(number), self.error(number))
        said = f"{self.mean(number):.{places}f} ± {self.error(number):.{places}f}{unit} over {len(self.seeds)} runs"
        if not low <= found <= high:
            raise AssertionError(f"{name}: {found:.6g}{unit} lies outside {low:.6g} to {high:.6g}; stored {said}")
        print(f"{name}: {found:.{places}f}{unit} here; stored {said}")

    def bounds(self, number: str) -> tuple[float, float]:
        """The interval in which one more run is expected; raises ValueError where `number` names none.

        mean ± t sd sqrt(1 + 1 / n), with sd the standard deviation between the n runs. For normal runs a new one lies
        outside with chance CHANCE where t is that quantile of Student's t with n - 1 degrees of freedom; at least ROOM.
        """
        n = len(self.seeds)
        away = max(ROOM, float(stdtrit(n - 1, 1 - CHANCE / 2))) * self.spread(number) * math.sqrt(1 + 1 / n)
        away += ROUNDING * abs(self.mean(number))
        return self.mean(number) - away, self.mean(number) + away


def _line(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {describe(value)}")
    if len(value.splitlines()) > 1 or not value.strip():
        raise ValueError(f"{name} must be one line that is not empty, got {value!r}")
    return value.strip()


def _places(mean: float, error: float) -> int:
    """How many decimals show an error in two digits, or a mean in three where there is no error but rounding."""
    number, digits = (error, 2) if error > ROUNDING * abs(mean) else (mean, 3)
    return max(0, digits - 1 - int(f"{number:.{digits - 1}e}".partition("e")[2])) if number else 0


def stored(experiment: ModuleType) -> Stored:
    """The stored results of one of the modules beside this file.

    Raises TypeError where `experiment` is no such module, ValueError where it has never been run.
    """
    if not isinstance(experiment, ModuleType) or not experiment.__name__.startswith(f"{__name__}."):
        raise TypeError(f"experiment must be a module of {__name__}, got {describe(experiment)}")
    name = experiment.__name__.rpartition(".")[2]
    path = HERE / f"{name}.json"
    if not path.exists():
        raise ValueError(f"experiment must have been run, got {name}, which has no {path.name}: `make experiments`")
    said = json.loads(path.read_text(encoding="utf-8"))
    return Stored(name, tuple(said["seeds"]), {key: np.array(values) for key, values in said["values"].items()})
