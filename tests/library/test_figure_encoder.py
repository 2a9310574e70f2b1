"""Be the encoder from the Python side: against the library's own quadrature, its invariants, answers, errors."""

import golden_encoder
import golden_posterior
import numpy as np
import pytest
import torch
import traitlets
from golden_encoder import ANSWERS, like

from lvm_lib import data, latent_plane
from lvm_lib.figures import BeTheEncoderFigure
from lvm_lib.figures.network import unpack
from lvm_lib.quadrature import plane
from lvm_lib.vae import VAE, GaussianEncoder


@pytest.fixture(scope="module")
def shown():
    return golden_encoder.figure()


def rounded(shown):
    """The VAE with the weights that the page has."""
    encoder, decoder = (unpack(shown.nets[part], shown.weights).double() for part in ("encoder", "decoder"))
    return VAE(GaussianEncoder(encoder), decoder, golden_posterior.small_vae().likelihood, 2)


@pytest.mark.parametrize("digit", range(3))
def test_evidence_and_gaps_are_those_of_the_library_s_own_grid(shown, digit):
    """`latent_plane.gaps` finds its own grid, and climbs from its own starts."""
    n = like(shown, digit=digit, answers=f"{digit},0,0,0,0").numbers()
    x = torch.tensor(data.binarised("digits").reshape(1000, -1)[[3, 50, 200][digit]], dtype=torch.float64)[None]
    found = latent_plane.gaps(rounded(shown), x)
    assert n["evidence"] == pytest.approx(found.evidence, abs=2e-3)
    assert n["amortised"] == pytest.approx(found.amortised.elbo, abs=5e-3)
    assert n["network_short"] == pytest.approx(found.amortisation, abs=1e-2)
    assert n["family_short"] == pytest.approx(found.approximation, abs=1e-2)


def test_a_q_by_hand_is_worth_what_a_fine_rule_says(shown):
    """On the posterior's grid to a thousandth of a nat; where 5 x 5 points stand for the integral, roughly."""
    decoder, seen = rounded(shown).decoder, set()
    for at in golden_encoder.states():
        mean, std = at.q
        fine = plane(-6, 6, 81)
        x = at._posterior(at.digit).x[None]
        log_px = latent_plane.log_px_at(decoder, torch.tensor(mean + std * fine.points), torch.tensor(x))[0].numpy()
        mass = np.exp(fine.log_weights - 0.5 * (fine.points**2).sum(1)) / (2 * np.pi)
        n = at.numbers()
        rate = (
            torch.distributions.kl_divergence(
                *[
                    torch.distributions.Normal(*map(torch.tensor, pair))
                    for pair in (((mean, std)), ((np.zeros(2), np.ones(2))))
                ]
            ).sum()
        ).item()
        assert n["rate"] == pytest.approx(rate, abs=1e-9)
        room = 3e-3 if n["exact"] else max(0.5, 0.05 * abs(n["reconstruction"]))
        assert n["reconstruction"] == pytest.approx(float(mass @ log_px), abs=room), (n, at.q)
        seen.add(n["exact"])
    assert seen == {True, False}


def test_invariants_hold_in_every_state_and_numbers_are_found_again(shown):
    traits = {key: getattr(shown, key) for key in shown.carried}
    for at in golden_encoder.states():
        n = at.numbers()
        assert BeTheEncoderFigure.broken(n) == []
        assert BeTheEncoderFigure.recomputed(n, traits) == n
        assert all(getattr(at, key) == n[key] for key in at.read_back)


def test_no_q_of_the_family_beats_the_best(shown):
    generator = np.random.default_rng(2)
    at = like(shown, digit=1)
    mean, std = at.best_q
    best = at._best(1).elbo
    for size in (0.01, 0.1, 0.5):
        for _ in range(40):
            shift, wider = generator.normal(0, size, (2, 2))
            assert at._terms(1, mean + shift * std, std * np.exp(wider)).elbo <= best + 1e-5


def test_revealing_answers_once_and_the_score_adds_up(shown):
    at = like(shown, mean1=0.2, log_std2=-2.0)
    assert not at.revealed and at.numbers()["evidence"] is None and at.score == 0
    at.reveal()
    assert at.revealed and at.answers == "0,0.2000,0.0000,-1.0000,-2.0000"
    first, n = at.score, at.numbers()
    assert first == pytest.approx(n["yours_short"], abs=1e-9) and at.network == pytest.approx(n["network_short"])
    at.mean1 = 0.9
    at.reveal()
    assert at.score == first and at.elbo != n["elbo"], "what was answered stays answered; the ellipse may be moved"
    at.digit = 2
    assert not at.revealed
    at.reveal()
    assert at.numbers()["answered"] == 2 and at.score == pytest.approx(first + at.numbers()["yours_short"], abs=1e-9)


def test_the_encoder_s_and_the_best_q_are_what_they_are_worth(shown):
    at = like(shown, answers=ANSWERS)
    n = at.numbers()
    assert at._terms(0, *at.encoder_q).elbo == pytest.approx(n["amortised"], abs=1e-3)
    assert at._terms(0, *at.best_q).elbo == pytest.approx(n["best"], abs=1e-3)


@pytest.mark.parametrize(
    "key, value, said",
    [
        ("evidence", -999.0, "log p"),
        ("elbo", 0.0, "reconstruction - rate"),
        ("amortised", 0.0, "the encoder's"),
        ("yours_short", -5.0, "gaps"),
        ("score", -3.0, "score"),
        ("answered", 6, "round"),
        ("revealed", False, "nothing of the truth"),
        ("rate", -1.0, "KL"),
    ],
)
def test_a_wrong_number_is_noticed(shown, key, value, said):
    numbers = {**like(shown, answers=ANSWERS).numbers(), key: value}
    assert any(said in rule for rule in BeTheEncoderFigure.broken(numbers))


def test_the_picture_and_its_words_follow_the_state(shown):
    hidden, revealed = like(shown), like(shown, answers=ANSWERS)
    assert hidden.png() != revealed.png()
    assert "hidden" in hidden.alt and f"{revealed.numbers()['best']:.2f}" in revealed.alt


@pytest.mark.parametrize(
    "bad, words",
    [
        ({"digit": 3}, "digit must be a whole number from 0 to 2"),
        ({"mean1": 4.5}, "mean1 must be a number from -4 to 4"),
        ({"log_std1": 2.0}, "log_std1 must be a number"),
        ({"answers": "0,0,0"}, "answers must be at most 5 answers"),
        ({"answers": "7,0,0,0,0"}, "answers must be at most 5 answers"),
        ({"answers": "0,0,0,0,0_0,0,0,0,0"}, "answers must be at most 5 answers"),
        ({"answers": "0,0,0,0,nan"}, "answers must be at most 5 answers"),
        ({"answers": 3}, "answers must be"),
    ],
)
def test_errors_name_what_came_and_what_was_expected(shown, bad, words):
    with pytest.raises(traitlets.TraitError, match=words):
        like(shown, **bad)
    with pytest.raises(ValueError, match="elbo is read back"):
        shown.elbo = 0.0


def test_what_is_no_such_vae_is_refused():
    with pytest.raises(TypeError, match="vae must be a VAE with two latent dimensions"):
        BeTheEncoderFigure("vae")
    with pytest.raises(TypeError, match="takes vae, images"):
        BeTheEncoderFigure(golden_posterior.small_vae(), theta=1)
