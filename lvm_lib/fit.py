"""The training loop of the networks, `fit`, and their files: `save_weights`, `load_weights`.

A model needs only a `loss(x, generator)`, a number to make small, averaged over the batch; where the data is several
tensors, indexed alike, `loss(x, labels, generator)` and so on. Chance enters through one torch.Generator, made from
the seed: batch order, fresh binarisation, samples of z. Equal seeds (and equal starts) give equal weights, on one
machine at one number of threads.

Other loops in Python: the VAE's chapter writes one out, to be read; `variational.climb` moves a model and its q
together, of which each data point's own has gradients of another kind (sparse) and another rate; `variational._infer`
and a cell of the VAE's chapter move q alone. The figure in the page trains in JavaScript.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn
from tqdm.auto import tqdm

from ._checks import count, describe, real_number
from ._torch import real_tensor, torch_generator

__all__ = ["History", "Record", "fit", "load_weights", "save_weights"]

SCHEDULES = ("one-cycle", None)
Data = np.ndarray | torch.Tensor
FEW = 10  # steps below which a cycle has no room: its first and last steps would be all there is
ABSURD = 1e6  # a loss so many times the first one's size (or a nat, if that is more) above it has run away


@dataclass(frozen=True)
class Record:
    """One epoch: its number from 1, the loss averaged over its images, the last learning rate.

    seconds: since the start.
    """

    epoch: int
    loss: float
    learning_rate: float
    seconds: float


@dataclass(frozen=True, eq=False)
class History:
    """What training did: one record per *finished* epoch, the checkpoints asked for, and whether it was cut short.

    checkpoints: epoch -> state_dict, copies on the CPU; epoch 0 is the start. model.load_state_dict takes one.
    schedule: what the learning rate followed; None, a constant rate, where there were too few steps for a cycle.
    """

    records: tuple[Record, ...]
    checkpoints: dict[int, dict[str, torch.Tensor]] = field(repr=False)
    interrupted: bool = False
    schedule: str | None = None

    @property
    def loss(self) -> tuple[float, ...]:
        """The losses, epoch by epoch."""
        return tuple(record.loss for record in self.records)


Loss = Callable[..., torch.Tensor]  # (x_batch, generator) -> a number
Callback = Callable[[nn.Module, Record], bool | None]


def fit(
    model: nn.Module,
    x: Data | tuple[Data, ...],
    *,
    epochs: int,
    seed: int,
    loss: Loss | None = None,
    batch: int = 128,
    learning_rate: float = 3e-3,
    schedule: str | None = "one-cycle",
    binarise_fresh: bool = False,
    device: str | torch.device = "cpu",
    bf16: bool = False,
    progress: bool = False,
    checkpoints: Iterable[int] = (),
    callback: Callback | None = None,
) -> History:
    """Train `model` on x by Adam, in place, and return what happened.

    x: (n, D), tensor or array; taken into the dtype of the weights and indexed, batch by batch. Or a tuple of several,
        n long and indexed alike, say (images, labels): in it, whole numbers stay whole (int64).
    loss: (x_batch, generator) -> a number, or (first_batch, second_batch, ..., generator); model.loss if None.
    schedule: "one-cycle" (the rate rises to `learning_rate` over the first 30 % of steps and falls to almost 0 after,
        Smith and Topin 2018), or None for a constant rate. With fewer than 10 steps in all the rate is constant.
    binarise_fresh: x (of several, the first) holds probabilities in [0, 1], and every epoch draws each pixel anew as 0
        or 1 with them.
    bf16: multiply in bfloat16 (fast on processors that know it, slow on others); weights stay float32.
    progress: a bar on stderr.  checkpoints: epochs (0 ... epochs) at which to keep a copy of the weights.
    callback: called as callback(model, record) after each epoch; if it returns True, training stops there.

    A part of the model that has a method `meet` is given x once, before the first step (a Gaussian likelihood takes its
    unit from it). A last batch of one row joins the batch before it.
    Ctrl-C keeps what was learned, and the history says `interrupted`. A loss that is not finite, or has run away,
    raises FloatingPointError. TypeError or ValueError for arguments that do not fit. The model is left in eval mode.
    """
    epochs, batch = count("epochs", epochs), count("batch", batch)
    loss, marks = _arguments(model, epochs, loss, schedule, checkpoints, callback)
    learning_rate = real_number("learning_rate", learning_rate, positive=True)
    generator = torch_generator("seed", count("seed", seed, 0), device)
    model.to(device)
    weight = next(model.parameters()).detach()
    like = weight if weight.element_size() >= 4 else weight.float()  # data keep their digits
    data = _Data(_tensors(x, like), binarise_fresh)
    _introduce(model, data.tensors[0])
    optimiser = _adam(model.parameters(), learning_rate)
    steps = epochs * len(_sizes_of_batches(len(data), batch))
    schedule = schedule if steps >= FEW else None
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=steps) if schedule else None
    autocast = torch.autocast(torch.device(device).type, torch.bfloat16, enabled=bool(bf16))

    first = None
    records, kept, interrupted = [], {0: _copy(model)} if 0 in marks else {}, False
    start = time.perf_counter()
    model.train()
    try:
        for epoch in tqdm(range(1, epochs + 1), disable=not progress, leave=False, unit="epoch"):
            total = 0.0
            for rows in data.epoch(batch, generator):
                with autocast:
                    value = loss(*rows, generator)
                optimiser.zero_grad()
                value.backward()
                number = _finite(value, epoch, learning_rate, first)
                first, total = number if first is None else first, total + number * len(rows[0])
                rate = optimiser.param_groups[0]["lr"]
                optimiser.step()
                if cycle:
                    cycle.step()
            records.append(Record(epoch, total / len(data), float(rate), time.perf_counter() - start))
            if epoch in marks:
                kept[epoch] = _copy(model)
            if callback and callback(model, records[-1]) is True:
                break
    except KeyboardInterrupt:
        interrupted = True
    finally:
        model.eval()
    return History(tuple(records), kept, interrupted, schedule)


def _introduce(model: nn.Module, x: torch.Tensor) -> None:
    """Show x to every part of the model that has a method `meet`."""
    for part in model.modules():
        meet = getattr(part, "meet", None)
        if callable(meet):
            meet(x)


def _sizes_of_batches(n: int, batch: int) -> list[int]:
    """How many rows each batch of an epoch has; a lone last row joins the batch before it."""
    sizes = [batch] * (n // batch) + ([n % batch] if n % batch else [])
    if len(sizes) > 1 and sizes[-1] == 1 and batch > 1:
        sizes[-2:] = [batch + 1]
    return sizes


def _tensors(x: Data | tuple[Data, ...], weight: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """The data as tensors of one length: of the weights' dtype, but where several are given, whole numbers as int64."""
    if not isinstance(x, tuple):
        return (real_tensor("x", x, like=weight),)
    if not x:
        raise ValueError("x must hold at least one array, got an empty tuple")
    tensors = []
    for i, part in enumerate(x):
        tensor = real_tensor(f"x[{i}]", part)
        whole = not tensor.is_floating_point() and tensor.dtype != torch.bool
        tensors.append(tensor.to(weight.device, torch.int64) if whole else tensor.to(weight))
    if len({len(tensor) if tensor.ndim else 0 for tensor in tensors}) != 1 or not tensors[0].ndim:
        raise ValueError(f"x must hold arrays of one length, got shapes {[tuple(tensor.shape) for tensor in tensors]}")
    return tuple(tensors)


class _Data:
    """The training data, tensors of one length, and one epoch of it as batches in random order."""

    def __init__(self, tensors: tuple[torch.Tensor, ...], binarise_fresh: bool):
        self.tensors, self.grey = tensors, None
        if binarise_fresh:
            x = tensors[0]
            if x.min() < 0 or x.max() > 1:
                raise ValueError(
                    "x must hold probabilities in [0, 1] if binarise_fresh (grey levels divided by 255), "
                    f"got values from {x.min():g} to {x.max():g}"
                )
            self.tensors = (x.clone(), *tensors[1:])
            self.grey = ((x > 0) & (x < 1)).flatten().nonzero().squeeze(1)  # the others are what they are, always
            self.probability = x.flatten()[self.grey]

    def __len__(self) -> int:
        return len(self.tensors[0])

    def epoch(self, batch: int, generator: torch.Generator) -> Iterator[tuple[torch.Tensor, ...]]:
        x = self.tensors[0]
        if self.grey is not None:
            draw = torch.rand(self.probability.shape, generator=generator, dtype=x.dtype, device=x.device)
            x.view(-1)[self.grey] = (draw < self.probability).to(x.dtype)
        order = torch.randperm(len(x), generator=generator, device=x.device)
        for rows in order.split(_sizes_of_batches(len(order), batch)):
            yield tuple(tensor[rows] for tensor in self.tensors)


def _arguments(
    model: nn.Module,
    epochs: int,
    loss: Loss | None,
    schedule: str | None,
    checkpoints: Iterable[int],
    callback: Callback | None,
) -> tuple[Loss, set[int]]:
    """The loss to use and the set of checkpoints, or an error."""
    if not isinstance(model, nn.Module) or not any(True for _ in model.parameters()):
        raise TypeError(f"model must be a torch module with parameters, got {describe(model)}")
    loss = getattr(model, "loss", None) if loss is None else loss
    if not callable(loss):
        raise TypeError(
            f"loss must be a function (x, ..., generator) -> number, or the model must have one, got {describe(loss)}"
        )
    if schedule not in SCHEDULES:
        raise ValueError(f"schedule must be one of {SCHEDULES}, got {schedule!r}")
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be a function (model, record), got {describe(callback)}")
    marks = {count("checkpoints", epoch, 0) for epoch in checkpoints}
    if marks and max(marks) > epochs:
        raise ValueError(f"checkpoints must lie in 0..{epochs}, the epochs, got {max(marks)}")
    return loss, marks


def _adam(parameters: Iterable[nn.Parameter], learning_rate: float) -> torch.optim.Adam:
    """Adam in one fused kernel, where this torch and device have it."""
    parameters = list(parameters)
    try:
        return torch.optim.Adam(parameters, lr=learning_rate, fused=True)
    except (RuntimeError, TypeError):
        return torch.optim.Adam(parameters, lr=learning_rate)


def _finite(value: torch.Tensor, epoch: int, learning_rate: float, first: float | None) -> float:
    """The loss as a number; FloatingPointError where it is none, or has run away from the `first` one."""
    number = float(value.detach())
    if not math.isfinite(number):
        raise FloatingPointError(
            f"the loss became {number} in epoch {epoch}: training has diverged; try a "
            f"learning_rate below {learning_rate:g} (the weights are of no use any more)"
        )
    if first is not None and number - first > ABSURD * max(abs(first), 1.0):
        raise FloatingPointError(
            f"the loss became {number:g} in epoch {epoch}, from {first:g} at the start: training has run away; try a "
            f"learning_rate below {learning_rate:g}, or data of order one (the weights are of no use any more)"
        )
    return number


def _copy(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}


# ---------------------------------------------------------------- files


def save_weights(model: nn.Module, path: str | Path, notes: dict[str, str] | None = None) -> None:
    """Write the weights as safetensors (never pickle), with the class, the shape of every tensor, and `notes`.

    The file is written whole or not at all: where that fails (a full disk), what stood at `path` is still there.
    Raises TypeError unless `notes` maps strings to strings, OSError where the file cannot be written.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch module, got {describe(model)}")
    notes = notes or {}
    if not isinstance(notes, dict) or not all(isinstance(text, str) for pair in notes.items() for text in pair):
        raise TypeError("notes must map strings to strings")
    metadata = {"class": type(model).__name__, "sizes": json.dumps(_sizes(model)), "notes": json.dumps(notes)}
    tensors = {name: tensor.contiguous() for name, tensor in _copy(model).items()}
    unfinished = Path(f"{path}.{os.getpid()}.part")
    try:
        save_file(tensors, str(unfinished), metadata=metadata)
        unfinished.replace(path)
    except SafetensorError as error:
        raise OSError(f"path could not be written: {str(path)!r} ({error})") from error
    finally:
        unfinished.unlink(missing_ok=True)


def load_weights(model: nn.Module, path: str | Path) -> dict[str, str]:
    """Read weights that `save_weights` wrote into a model of the same class and sizes; returns the notes.

    Raises FileNotFoundError, or ValueError for a file that is not safetensors, not of `save_weights`, or of another
    model; the model is then as it was.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch module, got {describe(model)}")
    if not Path(path).is_file():
        raise FileNotFoundError(f"path must name a file of weights, found none at {str(path)!r}")
    try:
        with safe_open(str(path), "pt") as file:
            metadata = file.metadata() or {}
        tensors = load_file(str(path))
    except SafetensorError as error:
        raise ValueError(f"path must name a safetensors file, got {Path(path).name!r} ({error})") from None
    if not {"class", "sizes", "notes"} <= set(metadata):
        raise ValueError(
            f"path must name a file written by lvm_lib.fit.save_weights, {Path(path).name!r} lacks its metadata"
        )
    if metadata["class"] != type(model).__name__:
        raise ValueError(f"path must hold weights of a {type(model).__name__}, got those of a {metadata['class']}")
    _same_sizes({name: list(tensor.shape) for name, tensor in tensors.items()}, _sizes(model))
    model.load_state_dict(tensors)
    return json.loads(metadata["notes"])


def _sizes(model: nn.Module) -> dict[str, list[int]]:
    return {name: list(tensor.shape) for name, tensor in model.state_dict().items()}


def _same_sizes(stored: dict[str, list[int]], expected: dict[str, list[int]]) -> None:
    for name in sorted(stored.keys() | expected.keys()):
        if stored.get(name) != expected.get(name):
            raise ValueError(
                f"path must hold weights of the model's sizes: {name} has {stored.get(name, 'none')} in "
                f"the file, {expected.get(name, 'none')} in the model"
            )
