"""The training loop and the files of weights: seeds, schedules, interruption, divergence, refusals."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from lvm_lib.autoencoder import mlp_autoencoder, seeded
from lvm_lib.data import binarised, load, unit
from lvm_lib.fit import fit, load_weights, save_weights
from lvm_lib.likelihoods import Gaussian
from lvm_lib.vae import mlp_vae


class Line(nn.Module):
    """A model whose best weight is known: the mean of x."""

    def __init__(self, start=0.0):
        super().__init__()
        self.level = nn.Parameter(torch.tensor(start, dtype=torch.float64))

    def loss(self, x, generator):
        return ((x - self.level) ** 2).mean()


def rows(n=50, seed=0):
    return np.random.default_rng(seed).normal(3, 1, (n, 1))


def same_weights(first, second):
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


# ------------------------------------------------------------------ what training does


def test_it_finds_the_best_weight():
    model, x = Line(), rows()
    history = fit(model, x, epochs=400, seed=0, batch=50, learning_rate=0.1)
    assert model.level.item() == pytest.approx(x.mean(), abs=1e-4)
    assert history.loss[-1] == pytest.approx(x.var(), abs=1e-6)
    assert [record.epoch for record in history.records] == list(range(1, 401)) and not history.interrupted


def test_a_constant_rate_is_adam_and_nothing_else():
    model, x = Line(), torch.tensor(rows())
    fit(model, x, epochs=30, seed=0, batch=50, learning_rate=0.01, schedule=None)
    other = Line()
    optimiser = torch.optim.Adam(other.parameters(), lr=0.01)
    for _ in range(30):
        optimiser.zero_grad()
        other.loss(x, None).backward()
        optimiser.step()
    assert model.level.item() == pytest.approx(other.level.item(), rel=1e-10)


def test_one_cycle_rises_to_the_rate_asked_for_and_falls_to_almost_nothing():
    history = fit(Line(), rows(), epochs=100, seed=0, batch=50, learning_rate=0.2)
    rates = np.array([record.learning_rate for record in history.records])
    peak = rates.argmax()
    assert rates.max() == pytest.approx(0.2, rel=1e-2) and 25 <= peak <= 33
    assert (np.diff(rates[:peak]) > 0).all() and (np.diff(rates[peak:]) < 0).all() and rates[-1] < 1e-4


def test_the_recorded_loss_is_the_average_over_images_also_where_the_last_batch_is_short():
    x = rows(50)
    history = fit(Line(), x, epochs=1, seed=0, batch=32, learning_rate=1e-12, schedule=None)
    assert history.loss[0] == pytest.approx((x**2).mean(), rel=1e-9)


def test_every_image_is_seen_once_an_epoch_in_a_new_order():
    seen = []

    class Watch(Line):
        def loss(self, x, generator):
            seen.append(x[:, 0].clone())
            return super().loss(x, generator)

    fit(Watch(), np.arange(10.0)[:, None], epochs=2, seed=0, batch=4)
    epochs = torch.cat(seen[:3]), torch.cat(seen[3:])
    for order in epochs:
        assert sorted(order.tolist()) == list(range(10))
    assert not torch.equal(*epochs)


def test_a_loss_of_ones_own_replaces_the_models():
    model, x = Line(), rows()
    fit(model, x, epochs=300, seed=0, batch=50, learning_rate=0.1, loss=lambda x, _: (x + model.level).pow(2).mean())
    assert model.level.item() == pytest.approx(-x.mean(), abs=1e-3)


# ------------------------------------------------------------------ chance


def test_several_arrays_are_indexed_alike_and_whole_numbers_stay_whole():
    """Each batch holds the same rows of all of them, in the order in which one array alone would come."""
    seen, alone = [], []

    def loss(x, labels, generator):
        assert x.dtype == model.level.dtype and labels.dtype == torch.int64
        seen.append((x, labels))
        return ((x - model.level) ** 2).mean()

    x, labels = rows(50), np.arange(50, dtype=np.uint8)
    model, same = Line(), Line()
    history = fit(model, (x.astype(np.float32), labels), epochs=2, seed=0, batch=16, loss=loss)
    for batch_x, batch_labels in seen:
        np.testing.assert_array_equal(batch_x, x.astype(np.float32)[batch_labels])
    assert sorted(torch.cat([part for _, part in seen[:4]]).tolist()) == list(range(50))
    plain = fit(
        same,
        x.astype(np.float32),
        epochs=2,
        seed=0,
        batch=16,
        loss=lambda x, generator: alone.append(x) or ((x - same.level) ** 2).mean(),
    )
    assert history.loss == plain.loss and all(torch.equal(one, two) for (one, _), two in zip(seen, alone, strict=True))


def test_of_several_arrays_the_first_is_binarised_and_lengths_must_agree():
    grey, marks = np.full((40, 3), 0.5), np.arange(40)
    drawn = []
    fit(
        model := Line(),
        (grey, marks, grey),
        epochs=1,
        seed=0,
        binarise_fresh=True,
        loss=lambda x, y, z, generator: drawn.append((x, z)) or ((x - model.level) ** 2).mean(),
    )
    assert set(drawn[0][0].unique().tolist()) == {0.0, 1.0} and (drawn[0][1] == 0.5).all()
    for bad, message in (
        ((grey, marks[:-1]), "x must hold arrays of one length"),
        ((), "at least one array"),
        ((grey, np.nan * grey), r"x\[1\] must be finite"),
    ):
        with pytest.raises(ValueError, match=message):
            fit(Line(), bad, epochs=1, seed=0)


def test_equal_seeds_give_equal_weights_and_no_global_chance_is_touched():
    x = np.random.default_rng(0).random((200, 784))
    torch.manual_seed(11)
    expected = torch.rand(2)
    torch.manual_seed(11)
    models = []
    for seed in (1, 1, 2):
        models.append(mlp_vae(2, (16,), seed=0))
        fit(models[-1], x, epochs=2, seed=seed, binarise_fresh=True)
    torch.testing.assert_close(torch.rand(2), expected, rtol=0, atol=0)
    assert same_weights(models[0], models[1]) and not same_weights(models[0], models[2])


def test_seeded_layers_do_not_depend_on_what_came_before():
    with seeded(4):
        first = nn.Linear(3, 2)
    torch.rand(100)
    with seeded(4):
        assert same_weights(first, nn.Linear(3, 2))


def test_fresh_binarisation_draws_each_pixel_with_its_own_probability_anew_each_epoch():
    seen = []

    class Watch(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(()))

        def loss(self, x, generator):
            seen.append(x.clone())
            return self.weight**2

    probability = torch.linspace(0, 1, 21).repeat(100, 1)
    given = probability.clone()
    fit(Watch(), probability, epochs=20, seed=0, batch=100, binarise_fresh=True)
    draws = torch.stack(seen)  # (20, 100, 21): the rows are alike, so their order does not matter
    assert torch.equal(draws * draws, draws) and torch.equal(probability, given)
    share = draws.mean((0, 1))
    error = (given[0] * (1 - given[0]) / 2000).sqrt()
    assert (abs(share - given[0]) <= 5 * error + 1e-6).all()
    assert draws[:, :, 0].sum() == 0 and (draws[:, :, -1] == 1).all()
    assert not torch.equal(draws[0].sum(0), draws[1].sum(0))


@pytest.mark.parametrize("threads", [1, 2])
def test_a_small_vae_on_digits_beats_independent_pixels(threads):
    """At any number of threads: better than the best model without latents, on test images never trained on."""
    train, test = unit(load("digits").train[:1500]).reshape(1500, 784), binarised("digits", "test").reshape(1000, 784)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        model = mlp_vae(2, (64,), seed=0)
        fit(model, train, epochs=6, seed=0, binarise_fresh=True, batch=30, learning_rate=0.01)
        with torch.no_grad():
            reached = model.elbo(test, 0, samples=5).mean().item()
    finally:
        torch.set_num_threads(before)
    share = np.clip(train.mean(axis=0), 1e-3, 1 - 1e-3)
    alone = (test * np.log(share) + (1 - test) * np.log(1 - share)).sum(axis=1).mean()
    assert reached > alone + 15


def test_bfloat16_learns_too_and_keeps_float32_weights():
    x = unit(load("digits").train[:500]).reshape(500, 784)
    model = mlp_vae(2, (32,), seed=0)
    history = fit(model, x, epochs=8, seed=0, binarise_fresh=True, batch=50, bf16=True)
    assert history.loss[-1] < 0.6 * history.loss[0]
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


# ------------------------------------------------------------------ checkpoints, interruption, divergence


def test_checkpoints_are_copies_of_the_weights_at_their_epochs():
    model, levels = Line(), {0: 0.0}
    history = fit(
        model,
        rows(),
        epochs=5,
        seed=0,
        batch=50,
        learning_rate=0.1,
        checkpoints=(0, 2, 5),
        callback=lambda model, record: levels.__setitem__(record.epoch, model.level.item()),
    )
    assert sorted(history.checkpoints) == [0, 2, 5]
    for epoch, state in history.checkpoints.items():
        assert state["level"].item() == levels[epoch]
    model.load_state_dict(history.checkpoints[2])
    assert model.level.item() == levels[2] != levels[5]


def test_a_callback_that_says_so_ends_the_training():
    history = fit(Line(), rows(), epochs=50, seed=0, callback=lambda model, record: record.epoch == 3)
    assert len(history.records) == 3 and not history.interrupted


def test_ctrl_c_keeps_what_was_learned():
    class Interrupted(Line):
        calls = 0

        def loss(self, x, generator):
            self.calls += 1
            if self.calls == 8:  # in the middle of the third epoch
                raise KeyboardInterrupt
            return super().loss(x, generator)

    model = Interrupted()
    history = fit(model, rows(60), epochs=10, seed=0, batch=20, learning_rate=0.1, checkpoints=(1, 9))
    assert history.interrupted and len(history.records) == 2 and sorted(history.checkpoints) == [1]
    assert model.level.item() != history.checkpoints[1]["level"].item() and not model.training


def test_divergence_names_the_epoch_and_the_learning_rate():
    class Breaks(Line):
        calls = 0

        def loss(self, x, generator):
            self.calls += 1
            return super().loss(x, generator) * (float("nan") if self.calls == 3 else 1)

    model = Breaks()
    with pytest.raises(FloatingPointError, match=r"nan in epoch 3.*learning_rate below 0.5"):
        fit(model, rows(), epochs=5, seed=0, batch=50, learning_rate=0.5)
    assert torch.isfinite(model.level)  # the step that would have made the weights NaN was not taken


def test_history_cannot_be_changed():
    history = fit(Line(), rows(), epochs=1, seed=0)
    for record, name in ((history, "records"), (history.records[0], "loss")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(record, name, 0)


def test_progress_goes_to_stderr_and_only_when_asked(capfd):
    fit(Line(), rows(), epochs=2, seed=0)
    assert capfd.readouterr() == ("", "")
    fit(Line(), rows(), epochs=2, seed=0, progress=True)
    out, err = capfd.readouterr()
    assert out == "" and "epoch" in err


# ------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    "change, error, message",
    [
        ({"x": rows() * np.nan}, ValueError, "x must be finite"),
        ({"x": np.zeros((0, 1))}, ValueError, "x must not be empty"),
        ({"x": "data"}, TypeError, "x must be a tensor or array"),
        ({"epochs": 0}, ValueError, "epochs must be at least 1"),
        ({"epochs": 1.5}, TypeError, "epochs must be an integer"),
        ({"seed": None}, TypeError, "seed must be an integer"),
        ({"seed": -1}, ValueError, "seed must be at least 0"),
        ({"batch": 0}, ValueError, "batch must be at least 1"),
        ({"learning_rate": 0}, ValueError, "learning_rate must be a positive"),
        ({"learning_rate": float("inf")}, ValueError, "learning_rate must be a positive"),
        ({"learning_rate": "fast"}, TypeError, "learning_rate must be a number"),
        ({"schedule": "cosine"}, ValueError, "schedule must be one of"),
        ({"checkpoints": (9,)}, ValueError, "checkpoints must lie in 0..2"),
        ({"checkpoints": (0.5,)}, TypeError, "checkpoints must be an integer"),
        ({"callback": 3}, TypeError, "callback must be a function"),
        ({"loss": 3}, TypeError, "loss must be a function"),
        ({"model": nn.ReLU()}, TypeError, "model must be a torch module with parameters"),
        ({"model": nn.Linear(1, 1)}, TypeError, "the model must have one"),
        ({"binarise_fresh": True}, ValueError, r"x must hold probabilities in \[0, 1\]"),
    ],
)
def test_bad_arguments_are_named(change, error, message):
    arguments = {"model": Line(), "x": rows(), "epochs": 2, "seed": 0} | change
    with pytest.raises(error, match=message):
        fit(**arguments)


# ------------------------------------------------------------------ files


def test_weights_return_as_they_were_saved_with_their_notes(tmp_path):
    model, other = (mlp_vae(2, (8,), 6, Gaussian(0.3, learned=True), seed=seed) for seed in (0, 1))
    save_weights(model, tmp_path / "weights.safetensors", {"data": "six pixels"})
    assert not same_weights(model, other)
    assert load_weights(other, tmp_path / "weights.safetensors") == {"data": "six pixels"}
    assert same_weights(model, other)
    assert (tmp_path / "weights.safetensors").read_bytes()[8:9] == b"{"  # a JSON header: no pickle


def test_a_wrong_file_is_refused_and_the_model_left_alone(tmp_path):
    model, before = mlp_vae(2, (8,), 6, seed=0), mlp_vae(2, (8,), 6, seed=0)
    path = tmp_path / "weights.safetensors"
    with pytest.raises(FileNotFoundError, match="found none"):
        load_weights(model, path)
    path.write_bytes(b"not weights at all")
    with pytest.raises(ValueError, match="must name a safetensors file"):
        load_weights(model, path)
    torch.save(model.state_dict(), path)
    with pytest.raises(ValueError, match="must name a safetensors file"):
        load_weights(model, path)
    save_file({"level": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match="lacks its metadata"):
        load_weights(model, path)
    save_weights(mlp_autoencoder(2, (8,), 6, seed=0), path)
    with pytest.raises(ValueError, match="weights of a VAE, got those of a AE"):
        load_weights(model, path)
    save_weights(mlp_vae(2, (9,), 6, seed=1), path)
    with pytest.raises(ValueError, match=r"decoder.0.bias has \[9\] in the file, \[8\] in the model"):
        load_weights(model, path)
    save_weights(mlp_vae(2, (8, 8), 6, seed=1), path)
    with pytest.raises(ValueError, match="in the file"):
        load_weights(model, path)
    assert same_weights(model, before)


def test_notes_are_text_and_models_are_modules(tmp_path):
    with pytest.raises(TypeError, match="notes must map strings to strings"):
        save_weights(Line(), tmp_path / "a", {"epochs": 3})
    with pytest.raises(TypeError, match="model must be a torch module"):
        save_weights({}, tmp_path / "a")
    with pytest.raises(TypeError, match="model must be a torch module"):
        load_weights(None, tmp_path / "a")


def test_importing_the_library_does_not_import_torch():
    code = "import sys, lvm_lib; assert 'torch' not in sys.modules; lvm_lib.fit; assert 'torch' in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=1200)
