"""The lab of the chapter on tokenizers, without a front end.

It trains both halves, can be stopped, and hands them on.
"""

import ipywidgets
import pytest

from lvm_lib.figures import PriorFigure
from lvm_lib.labs import TrainedTokens, tokens_lab

pytestmark = pytest.mark.slow  # nets are trained, or run in two languages

WAIT = 300


def small(show=lambda trained: None):
    lab = tokens_lab(show, channels=4)
    for name, value in {"codes": 16, "epochs": 1, "prior_epochs": 1}.items():
        lab.controls[name].value = value
    return lab


def test_it_trains_a_tokenizer_and_a_prior_and_hands_them_to_the_figure():
    lab = small(lambda trained: PriorFigure(trained.tokenizer, {trained.settings["prior"]: trained.prior}))
    lab.train_button.click()
    lab.wait(WAIT)
    assert isinstance(lab.result, TrainedTokens) and isinstance(lab.shown, PriorFigure)
    assert lab.result.prior.codes == lab.result.tokenizer.quantiser.size == 16
    assert (
        0 < lab.result.squared_error < 0.1 and 1 <= lab.result.perplexity <= 16 and 0 < lab.result.nats_per_token < 2.8
    )
    assert "nats per token" in lab.status.value


def test_stopped_before_the_prior_it_shows_nothing():
    lab = small(ipywidgets.Label)
    lab.controls["epochs"].value = 30
    lab.train_button.click()
    lab.stop()
    lab.wait(WAIT)
    assert lab.result is None and lab.shown is None and lab.status.value.startswith("Stopped")


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="channels must be at least 1"):
        tokens_lab(lambda trained: None, channels=0)
