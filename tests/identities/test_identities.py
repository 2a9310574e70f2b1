"""The identity gate: each equation holds, its test would notice an error, and no equation is without a test."""

import functools
import importlib.util
import textwrap
from pathlib import Path

import gate
import nbformat
import numpy as np
import pytest
from gate import AtMost, Equal, Sampled

from tools import identities

SEEDS = (0, 1, 2)


def load_all():
    """Import every file of tests, which registers its identities."""
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.stem != "gate" and not path.stem.startswith("test_"):
            spec = importlib.util.spec_from_file_location(f"identities_of_{path.stem}", path)
            spec.loader.exec_module(importlib.util.module_from_spec(spec))


load_all()
every_identity = pytest.mark.parametrize(
    "identity", gate.REGISTERED, ids=[f"{one.label}:{one.function.__name__}" for one in gate.REGISTERED]
)


claims_of = functools.cache(lambda identity, seed: identity.claims(seed))  # one computation for two tests


@every_identity
@pytest.mark.parametrize("seed", SEEDS)
def test_identity_holds(identity, seed):
    said = identity.said(claims_of(identity, seed), "faults")
    assert not said, said


@every_identity
@pytest.mark.parametrize("seed", SEEDS)
def test_a_wrong_sign_factor_or_constant_would_be_seen(identity, seed):
    said = identity.said(claims_of(identity, seed), "weak")
    assert not said, said


def test_every_equation_has_a_test_and_every_test_an_equation():
    problems = identities.problems()
    assert not problems, "\n".join(problems)


def test_the_page_lists_exactly_what_runs():
    """What is read from the source is what is registered when the source runs."""
    read = sorted((test.label, test.function, test.tolerance, test.sigmas) for test in identities.tests())
    run = sorted((one.label, one.function.__name__, one.tolerance, one.sigmas) for one in gate.REGISTERED)
    assert read == run


# ------------------------------------------------------------------ the gate itself


def weak(claim, limit=1e-8):
    return list(claim.weak(limit))


def faults(claim, limit=1e-8):
    return list(claim.faults(limit))


def test_a_true_equation_passes_and_a_wrong_one_does_not():
    assert not faults(Equal({"a": 3.0}, {"b": 1.0, "c": 2.0}))
    assert faults(Equal({"a": 3.0}, {"b": 1.0, "c": -2.0}))
    assert faults(Equal({"a": [3.0, 3.0]}, {"b": [3.0, 3.0 + 1e-6]}))


def test_a_term_that_vanishes_has_no_power_and_is_named():
    silent = Equal({"a": 3.0}, {"b": 3.0, "nothing": 0.0})
    assert len(weak(silent)) == 3 and all("nothing" in sentence for sentence in weak(silent))
    allowed = Equal({"a": 3.0}, {"b": 3.0, "nothing": 0.0}, zero=("nothing",))
    assert not weak(allowed) and not faults(allowed)


def test_a_term_that_is_said_to_vanish_must_vanish():
    assert "said to be zero" in faults(Equal({"a": 3.0}, {"b": 2.0, "c": 1.0}, zero=("c",)))[0]


def test_two_terms_that_cancel_still_have_power():
    assert not weak(Equal({"a": 3.0}, {"b": 3.0, "up": 5.0, "down": -5.0}))


def test_an_inequality_needs_its_direction_and_its_case_of_equality():
    same = Equal({"a": 2.0}, {"b": 2.0})
    assert not faults(AtMost({"a": 1.0}, {"b": 2.0}, same)) and not weak(AtMost({"a": 1.0}, {"b": 2.0}, same))
    assert "slack" in faults(AtMost({"a": 2.0}, {"b": 1.0}, same))[0]
    assert "slack" in faults(AtMost({"a": 2.0}, {"b": 2.0}, same))[0]
    assert faults(AtMost({"a": 1.0}, {"b": 2.0}, Equal({"a": 1.0}, {"b": 2.0})))


def test_an_average_of_samples_is_measured_in_standard_errors():
    draws = np.random.default_rng(0).normal(1.0, 1.0, 100_000)
    error = draws.std() / np.sqrt(len(draws))
    fine = Sampled({"average": draws.mean()}, {"expectation": 1.0}, error=error)
    assert not faults(fine, 4) and not weak(fine, 4)
    assert faults(Sampled({"average": draws.mean()}, {"expectation": 1.1}, error=error), 4)
    few = Sampled({"average": draws[:20].mean()}, {"expectation": 1.0}, error=draws[:20].std() / np.sqrt(20))
    assert not faults(few, 4) and weak(few, 4)


def test_shapes_that_differ_and_terms_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        faults(Equal({"a": np.ones(3)}, {"b": 1.0}))
    with pytest.raises(ValueError, match="term b is not finite"):
        faults(Equal({"a": 1.0}, {"b": np.nan}))


def test_a_loose_tolerance_is_refused():
    with pytest.raises(ValueError, match="some-label"):
        gate.identity("some-label", tolerance=0.1)


def test_a_test_that_claims_nothing_or_has_no_bound_for_its_claim_fails():
    registry = []
    register = gate.identity("some-label", tolerance=1e-8, registry=registry)
    register(lambda rng: [])
    register(lambda rng: Sampled({"a": 1.0}, {"b": 1.0}, error=0.1))
    with pytest.raises(ValueError, match="no claim"):
        registry[0].claims(0)
    with pytest.raises(ValueError, match="needs sigmas="):
        registry[1].claims(0)


# ------------------------------------------------------------------ labels and tests in a small tree


@pytest.fixture
def tree(tmp_path):
    """A book of one chapter and one page, with a test for each of its equations."""
    cells = [
        nbformat.v4.new_markdown_cell("# A chapter\n\n$$\na = b\n$$ (one-first)\n\n```\n$$ x $$ (one-quoted)\n```"),
        nbformat.v4.new_code_cell("text = '''\n$$ y $$ (one-in-code)\n'''"),
        nbformat.v4.new_markdown_cell(
            "## Later\n\n::::{admonition} Inside\n:class: goals\n\n- a list\n\n"
            "  $$\n  c = d\n  $$ (one-nested)\n\n::::\n\n$$ unlabelled $$\n\n"
            "```{math}\n:label: one-directive\ne = f\n```"
        ),
    ]
    (tmp_path / "book" / "appendix").mkdir(parents=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "book" / "one.ipynb")
    (tmp_path / "book" / "appendix" / "two.md").write_text("# Two\n\n$$ g = h $$ (two-only)\n")
    labels = ("one-first", "one-nested", "one-directive", "two-only")
    (tmp_path / "tests" / "identities").mkdir(parents=True)
    (tmp_path / "tests" / "identities" / "one.py").write_text(
        "import gate\nfrom gate import identity\n"
        + "".join(
            f'\n\n@identity("{label}", tolerance=1e-8)\n'
            f'def check{number}(rng):\n    """This against that {number}."""\n'
            for number, label in enumerate(labels)
        )
    )
    return tmp_path


def test_labels_are_those_that_the_book_numbers(tree):
    found = identities.labels(tree)
    assert [(one.label, one.page, one.title, one.heading, one.tex) for one in found] == [
        ("one-first", "book/one", "A chapter", "A chapter", "a = b"),
        ("one-nested", "book/one", "A chapter", "Later", "c = d"),
        ("one-directive", "book/one", "A chapter", "Later", "e = f"),
        ("two-only", "book/appendix/two", "Two", "Two", "g = h"),
    ]


def test_tests_are_read_without_running_them(tree):
    path = tree / "tests" / "identities" / "one.py"
    path.write_text(path.read_text() + "\nraise SystemExit('must not run')\n")
    found = identities.tests(tree)
    assert [test.function for test in found] == ["check0", "check1", "check2", "check3"]
    assert found[0] == ("one-first", "tests/identities/one.py", 6, "check0", "This against that 0", 1e-8, None)
    assert identities.problems(tree) == []


def test_a_label_without_a_test_is_found(tree):
    page = tree / "book" / "appendix" / "two.md"
    page.write_text(page.read_text() + "\n$$ untested $$ (two-more)\n")
    (said,) = identities.problems(tree)
    assert "two-more" in said and "no test" in said


def test_a_test_without_a_label_is_found(tree):
    page = tree / "book" / "appendix" / "two.md"
    page.write_text("# Two\n\n$$ g = h $$\n")
    (said,) = identities.problems(tree)
    assert "two-only" in said and "check3" in said and "no equation" in said


@pytest.mark.parametrize(
    "addition, expected",
    [("$$ again $$ (one-first)", "labelled 2 times"), ("$$ foreign $$ (three-first)", "must begin with two-")],
)
def test_a_label_twice_or_of_another_chapter_is_found(tree, addition, expected):
    page = tree / "book" / "appendix" / "two.md"
    page.write_text(page.read_text() + "\n" + addition + "\n")
    assert any(expected in said for said in identities.problems(tree))


def test_a_test_must_say_what_it_compares_and_name_its_label_plainly(tree):
    path = tree / "tests" / "identities" / "one.py"
    path.write_text(path.read_text().replace('"""This against that 0."""', "pass"))
    assert any("no docstring" in said for said in identities.problems(tree))
    path.write_text(
        textwrap.dedent("""
        from gate import identity
        @identity(make_label(), tolerance=1e-8)
        def check(rng): ...
    """)
    )
    with pytest.raises(ValueError, match=r"one.py:4"):
        identities.tests(tree)


STATED = {  # equations that no function of lvm_lib computes: laws, limits and proofs, which a test compares
    "em-bias em-dequantised em-dropped em-exponential em-fisher em-gain em-preconditioned em-rate em-soft",
    "elbo-code-length elbo-data elbo-fisher elbo-gradient elbo-importance-bias elbo-three-terms",
    "kl-bits-per-dim kl-chain kl-code kl-empirical kl-entropy-scale kl-invariance kl-mle kl-moment-matching",
    "kl-nonnegative kl-optimism kl-pixel-scale kl-reverse kl-sample",
    "kmeans-cannot-beat kmeans-elbo kmeans-evenness kmeans-gradient-step kmeans-huygens kmeans-late-losses",
    "kmeans-point-density",
    "lvm-kl-posterior-prior lvm-naive lvm-naive-bias lvm-naive-variance",
    "tok-beta-unit tok-fitted-rate tok-residual-rate",
    "vae-ae-limit vae-rate-split vae-water-filling",
}


def test_an_equation_stands_in_the_docstring_of_what_computes_it_or_is_none_that_is_computed():
    labelled, named = {label.label for label in identities.labels()}, {place.label for place in identities.code()}
    stated = {label for line in STATED for label in line.split()}
    assert named <= labelled, "a docstring names a label that no chapter has"
    assert not named & stated and named | stated == labelled


def test_labels_in_docstrings_are_found_with_their_place():
    (place,) = [part for part in identities.code() if part.label == "em-m-step"]
    assert (place.file, place.name) == ("lvm_lib/em.py", "m_step_gaussian")
    line = (identities.ROOT / place.file).read_text(encoding="utf-8").splitlines()[place.line - 1]
    assert line.startswith("def m_step_gaussian(")
    assert identities.MARK.findall("shape [0, 1], [em-f] and [kl-sample] [x-y]") == ["em-f", "kl-sample"]
