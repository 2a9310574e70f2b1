"""Bad input to anything public: an error that names the argument and says what was expected, and never a NaN.

Every public function, class and method stands in one of the tables `bad_*.py`, or in `ELSEWHERE` with the test that has
it, or is what a function returns.
"""

import importlib
from pathlib import Path

import golden_scrubber
import numpy as np
import pytest
import traitlets
from bad_input import ROWS, faults, public_calls, reals, row, whole

from lvm_lib import figures

HERE = Path(__file__).parent
for table in sorted(HERE.glob("bad_*.py")):
    importlib.import_module(table.stem)

RETURNED = {
    "coding.Sent",
    "token_coding.ReceivedTokens",
    "token_coding.SentTokens",
    "bounds.ClosedElboTerms",
    "bounds.ElboTerms",
    "em.EMFit",
    "map_em.MapFit",
    "token_bounds.SpreadBound",
    "fit.History",
    "fit.Record",
    "gradients.GradientSamples",
    "kmeans.Assignment",
    "kmeans.KMeans",
    "labs.four_ways.FourWays",
    "labs.tokens.TrainedTokens",
    "labs.vae.Trained",
    "latent_plane.Gaps",
    "latent_plane.PlaneEvidence",
    "ppca.FactorAnalysisFit",
    "quantize.Losses",
    "quantize.Quantised",
    "quantize.Usage",
    "refine.Refined",
    "tables.Table",
    "token_priors.Drawn",
    "variational.Climb",
    "variational.ClimbRecord",
}
ELSEWHERE = {  # beginning of a key: the file and the test that give it bad input
    "check.": ("test_check.py", "test_arbitrary_objects_never_raise"),  # a self-check takes whatever a student answers
    "figures.": ("test_bad_input.py", "test_every_trait_of_every_figure_is_guarded"),
    "data.images.Images": ("test_data.py", "test_images_refuse_what_does_not_fit"),
    "data.downloads.": ("test_data.py", "test_a_mirror_must_be_an_address"),
    "data.idx.": ("test_data.py", "test_idx_names_a_bad_file"),
    "data.resume.": ("test_data.py", "test_attempts_end_and_each_goes_on_from_the_last"),
    "coding.BitsBack": ("test_coding.py", "test_arguments_that_cannot_be_right_are_refused"),
    "coding.Stack": ("test_coding.py", "test_arguments_that_cannot_be_right_are_refused"),
    "token_coding.TokenCode": ("test_figure_sendtokens.py", "test_what_cannot_be_sent_is_refused"),
    "experiments.": ("test_experiments.py", "test_what_does_not_fit_is_named"),
    "fit.": ("test_fit.py", "test_bad_arguments_are_named"),
    "likelihoods.Bernoulli": ("test_likelihoods.py", "test_bernoulli_refuses_grey_pixels"),
    "likelihoods._Discretised": ("test_likelihoods.py", "test_discretised_likelihoods_refuse_what_is_no_grey_level"),
    "likelihoods.DiscretisedPixels": (
        "test_likelihoods.py",
        "test_discretised_likelihoods_refuse_what_is_no_grey_level",
    ),
    "likelihoods.Gaussian.": ("test_likelihoods.py", "test_a_std_that_is_none_is_refused"),
    "plots.": ("test_bad_input.py", "test_plots_say_what_they_need"),
    "quadrature.product": ("test_quadrature.py", "test_bad_input_is_refused_by_name"),
    "tables.table": ("test_tables.py", "test_what_does_not_fit_is_named"),
    "shipped.": ("test_figure_plane.py", "test_another_beta_is_named"),
}


@pytest.mark.parametrize("key", sorted(ROWS))
def test_bad_input_is_named_and_never_becomes_nan(key):
    assert faults(ROWS[key]) == []


def test_everything_public_is_in_a_table():
    known = (*ELSEWHERE,)
    left = [key for key in public_calls() if key not in ROWS and key not in RETURNED and not key.startswith(known)]
    assert left == [], "give each a row in a table bad_*.py of this folder"


def test_the_tables_hold_nothing_else():
    public = public_calls()
    assert sorted(set(ROWS) - set(public)) == []
    assert [start for start in ELSEWHERE if not any(key.startswith(start) for key in public)] == []
    for file, test in ELSEWHERE.values():
        assert f"def {test}(" in (HERE / file).read_text(encoding="utf-8"), f"{file} has no {test}"


@pytest.mark.parametrize("cls", figures.every(), ids=lambda cls: cls.name)
def test_every_trait_of_every_figure_is_guarded(cls):
    """A value that a figure cannot show is refused when it is set, and the figure stays as it was."""
    figure = (
        golden_scrubber.made() if cls is figures.ScrubberFigure else cls()
    )  # it has no default: it shows a training
    before = {name: getattr(figure, name) for name in cls.state}
    for name in cls.state:
        for bad in (np.nan, np.inf, "<img src=x>", None, object(), [[1, 2, 3]]):
            with pytest.raises((traitlets.TraitError, ValueError), match=rf"\b{name}\b"):
                setattr(figure, name, bad)
    assert {name: getattr(figure, name) for name in cls.state} == before


def test_plots_say_what_they_need():
    from lvm_lib import plots

    figure, axis = plots.subplots()
    with pytest.raises(ValueError, match="pictures"):
        plots.images(axis, np.zeros((3, 3)), columns=1)
    with pytest.raises(ValueError, match="pictures"):
        plots.images(axis, np.full((1, 3, 3), np.nan), columns=1)
    with pytest.raises(TypeError, match="pictures"):
        plots.images(axis, "a picture", columns=1)
    with pytest.raises(ValueError, match="columns"):
        plots.images(axis, np.zeros((1, 3, 3)), columns=0)
    with pytest.raises(ValueError, match="alt"):
        plots.show(figure, alt="plot")
    with pytest.raises(KeyError, match="data, prior"):
        plots.colour("no such thing")


# ---------------------------------------------------------------- the judge itself


def silent(x):
    return np.log(np.asarray(x, dtype=float))


def nameless(x):
    if not np.isfinite(np.asarray(x, dtype=float)).all():
        raise ValueError("something is wrong")
    return np.asarray(x, dtype=float)


@pytest.mark.parametrize("call, said", [(silent, "taken without a word"), (nameless, "does not name it")])
def test_the_judge_sees_a_function_that_does_not_look(call, said):
    try:
        row(call, x=reals([1.0, 2.0]))
        assert any(said in fault for fault in faults(ROWS[f"{call.__module__}.{call.__name__}"]))
    finally:
        ROWS.pop(f"{call.__module__}.{call.__name__}", None)


def test_the_judge_sees_nan_and_another_answer():
    def half_looking(x, k):
        if not isinstance(x, np.ndarray):
            return 0.0
        return (x - x) / x.sum() * k

    try:
        row(half_looking, x=reals(np.array([1.0, 2.0])), k=whole(2))
        found = faults(ROWS[f"{__name__}.{half_looking.__qualname__}"])
        assert any("NaN in the answer" in fault for fault in found) and any(
            "another answer" in fault for fault in found
        )
    finally:
        ROWS.pop(f"{__name__}.{half_looking.__qualname__}", None)
