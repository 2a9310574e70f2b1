"""Chapters that write a net or its training out write the recipe's, and the labs begin with it."""

import ast

import pytest
import torch
from torch import nn

from lvm_lib import recipes
from lvm_lib.labs import tokens, tokens_lab, vae, vae_lab
from lvm_lib.likelihoods import Gaussian
from lvm_lib.quantize import VectorQuantizer
from lvm_lib.vqvae import conv_vqvae
from tools import chapters, keys


def source(chapter, cell):
    cells = keys.read(chapters.ROOT / "book" / f"{chapter}.ipynb")["cells"]
    return next(keys.source(found) for found in cells if found["id"] == cell)


def shapes(net):
    return [tuple(weight.shape) for weight in net.parameters()]


def calls(text):
    """The arguments of each call in a piece of code that are numbers, by the last name of what is called."""
    found = {}
    for call in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        values = [node.value for node in call.args if isinstance(node, ast.Constant)]
        named = {word.arg: word.value.value for word in call.keywords if isinstance(word.value, ast.Constant)}
        found.setdefault(name, (values, named))
    return found


def test_the_vae_that_its_chapter_writes_out_is_the_first_recipe():
    room = {"nn": nn, "torch": torch}
    exec(source("vae", "network"), room)
    assert shapes(room["Net"]()) == shapes(recipes.first_vae(seed=0))
    written = calls(source("vae", "loop"))
    (first, beyond), _ = written["range"]
    told = recipes.FIRST_VAE
    assert (told["epochs"], told["batch"]) == (beyond - first, *written["split"][0])
    assert told["learning_rate"] == written["Adam"][1]["lr"]
    assert told["schedule"] is None and "lr_scheduler" not in source("vae", "loop")
    assert told["binarise_fresh"] and "bernoulli" in written


def test_the_tokenizer_that_its_chapter_writes_out_is_the_recipe():
    fitted = []
    room = {
        "VectorQuantizer": VectorQuantizer,
        "conv_vqvae": conv_vqvae,
        "Gaussian": Gaussian,
        "torch": torch,
        "fit": lambda net, x, **told: fitted.append((net, told)),
        "parameters": lambda net: 0,
        "print": lambda *words: None,
        "train": None,
        "test": torch.zeros(1, 784),
    }
    exec(source("vqvae_tokenizers", "train"), room)
    [(net, told)], recipe = fitted, recipes.tokenizer(seed=0)
    assert told == {"seed": 0, **recipes.TOKENIZER}
    ours, theirs = recipe.state_dict(), net.state_dict()
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert repr(net) == repr(recipe) and net.commitment == recipe.commitment
    assert net.quantiser.decay == recipe.quantiser.decay and vars(net.likelihood) == vars(recipe.likelihood)


class Enough(Exception):
    """Ends a lab's training where all that was asked has been seen."""


def trained_by(monkeypatch, room, lab, times):
    """Where nobody has moved a control, of each of `times` trainings: the net, and what `fit` hears."""
    seen = []

    def fit(net, x, *, seed, callback, loss=None, **told):
        seen.append((net, told))
        if len(seen) == times:
            raise Enough

    monkeypatch.setattr(room, "fit", fit)
    lab.train_button.click()
    with pytest.raises(Enough):
        lab.wait(60)
    return seen


def test_the_labs_begin_with_the_nets_of_their_chapters(monkeypatch):
    [(net, told)] = trained_by(monkeypatch, vae, vae_lab(), 1)
    assert shapes(net) == shapes(recipes.first_vae(seed=0)) and told == recipes.FIRST_VAE
    (net, told), (prior, told_prior) = trained_by(monkeypatch, tokens, tokens_lab(lambda trained: None), 2)
    assert repr(net) == repr(recipes.tokenizer(seed=0)) and told == recipes.TOKENIZER
    assert repr(prior) == repr(recipes.pixelcnn(seed=0)) and told_prior == recipes.PIXELCNN
