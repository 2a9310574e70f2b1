"""`tools.elsewhere` and `tools.perturb`: what they read, run and conclude. The log itself: test_trained_claims.py."""

import math
import os
import subprocess
import sys

import nbformat
import pytest

from tools import chapters, elsewhere, perturb

CLAIM = "from lvm_lib.claims import holds\nholds('nats ahead', {value}, at_least=5)"


def notebook_of(*sources, tags=("nbval-ignore-output",)):
    first = nbformat.v4.new_code_cell("import lvm_lib", id="setup")
    cells = [nbformat.v4.new_code_cell(s, id=f"c{n}", metadata={"tags": list(tags)}) for n, s in enumerate(sources)]
    return nbformat.v4.new_notebook(cells=[first, *cells])


def log_of(notebook, *runs, failed=None):
    entries = {
        f"run {n}": {"code": elsewhere.code(notebook), "failed": failed or {}, "claims": c} for n, c in enumerate(runs)
    }
    return {"chapter": {"a processor": entries}}


# ---------------------------------------------------------------- claims as they stand in the code


def test_claims_are_read_with_their_bounds():
    source = (
        "holds('a (b)', x, at_least=-5.5)\n"
        "holds(f'{name}: more', y, at_most=3, unit='nats')\n"
        "holds('c', z, at_least=1, at_most=2)"
    )
    first, second, third = elsewhere.claims(notebook_of(source))
    assert first == elsewhere.Claim(r"a\ \(b\)", -5.5, None)
    assert second == elsewhere.Claim(r".+:\ more", None, 3)
    assert third.at_least == 1 and third.at_most == 2


@pytest.mark.parametrize("source", ["holds('a', x, at_least=limit)", "holds(name, x, at_least=3)", "holds()"])
def test_a_claim_whose_name_or_bound_is_not_written_there_is_refused(source):
    with pytest.raises(ValueError, match="written in the call"):
        elsewhere.claims(notebook_of(source))


def test_the_key_moves_with_the_code_and_not_with_bounds_comments_or_exercises():
    key = elsewhere.code(notebook_of("holds('a', f(2), at_least=1)", "check.answer(...)"))
    assert elsewhere.code(notebook_of("holds('a',  f(2), at_least=0.5)  # less", "check.answer(3)")) == key
    assert elsewhere.code(notebook_of("holds('a', f(3), at_least=1)", "check.answer(...)")) != key


def test_the_key_does_not_move_with_the_name_that_a_reader_sees_of_a_run_beside_stored_ones():
    key = elsewhere.code(notebook_of("stored.within('mute, 6', f(2))"))
    for name in ("'mute start, six epochs'", "f'{names[6]}: mute'"):
        assert elsewhere.code(notebook_of(f"stored.within('mute, 6', f(2), name={name})")) == key
    assert elsewhere.code(notebook_of("names = {6: 'six'}", f"stored.within('mute, 6', f(2), name={name})")) == key
    assert elsewhere.code(notebook_of("stored.within('mute, 7', f(2), name='mute start')")) != key
    assert elsewhere.code(notebook_of("stored.within('mute, 6', f(2), unit='a')")) != key
    named, bare = notebook_of("holds(name='a', value=f(2))"), notebook_of("holds(value=f(2))")
    assert elsewhere.code(named) != elsewhere.code(bare)


CLAIMS_Y = "holds('a', f(y), at_least=1)"
PICTURE = "y = 1\nplots.show(f(y), alt='a')"


@pytest.mark.parametrize(
    ("cell", "later", "counts"),
    [
        ("plots.show(draw(2), alt='a')", CLAIMS_Y, False),
        ("print(draw(2))", CLAIMS_Y, False),
        ("table({'a': [draw(2)]}, 'caption')", CLAIMS_Y, False),
        ("x = draw(2)", CLAIMS_Y, False),
        ("y = draw(2)", CLAIMS_Y, True),
        ("y.part = draw(2)", CLAIMS_Y, True),
        ("y[2] = 3", CLAIMS_Y, True),
        ("draw(2)", CLAIMS_Y, True),
        ("for x in (1, 2):\n    draw(x)", CLAIMS_Y, True),
        ("x = 3", "y = x\n" + CLAIMS_Y, True),
        ("figure, axis = plots.subplots()\naxis.plot(2)\nplots.show(figure, alt='a')", CLAIMS_Y, False),
        ("figure, y = plots.subplots()\nplots.show(figure, alt='a')", CLAIMS_Y, True),
        ("for x in (1, 2):\n    y = x\nplots.show(f(x), alt='a')", "print([y for y in [3]])", False),
        ("for x in (1, 2):\n    y = x\nplots.show(f(x), alt='a')", CLAIMS_Y, True),
        (PICTURE, "print(y)", False),
        (PICTURE, "y = 2\n" + CLAIMS_Y, False),
        (PICTURE, "y += 1\n" + CLAIMS_Y, True),
        (PICTURE, "y = y + 1\n" + CLAIMS_Y, True),
        (PICTURE, "def g(y):\n    return y\nholds('a', g(2), at_least=1)", False),
        (PICTURE, "def g(x):\n    return y\nholds('a', g(2), at_least=1)", True),
        ("def y(x):\n    return x\nplots.show(f(y), alt='a')", CLAIMS_Y, True),
        ("torch.manual_seed(2)\nplots.show(f(2), alt='a')", CLAIMS_Y, True),
        ("plots.show(f(torch.randn(2)), alt='a')", CLAIMS_Y, True),
        ("assert f(2) < 3\nplots.show(f(2), alt='a')", CLAIMS_Y, True),
        ("holds('b', f(2), at_least=1)\nplots.show(f(2), alt='a')", CLAIMS_Y, True),
    ],
)
def test_what_is_shown_counts_where_something_later_may_hang_on_it(cell, later, counts):
    assert (elsewhere.code(notebook_of(later)) != elsewhere.code(notebook_of(cell, later))) is counts


# ---------------------------------------------------------------- room


def test_room_is_counted_from_the_mean_in_standard_deviations():
    values = [10.0, 12.0, 11.0]
    assert elsewhere.Claim("a", 5.0, None).room(values) == pytest.approx(6)
    assert elsewhere.Claim("a", None, 12.5).room(values) == pytest.approx(1.5)
    assert elsewhere.Claim("a", 5.0, 12.5).room(values) == pytest.approx(1.5)
    assert elsewhere.Claim("a", 11.5, None).room(values) == pytest.approx(-0.5)
    assert elsewhere.Claim("a", 9, None).room([10.0, 10.0]) == math.inf
    assert elsewhere.Claim("a", 10, None).room([10.0, 10.0]) == 0
    assert elsewhere.Claim("a", 11, None).room([10.0]) == -math.inf


def test_six_deviations_are_needed_and_four_from_thirty_runs_on():
    notebook = notebook_of(CLAIM.format(value="x"))
    runs = [{"nats ahead": 10.0 + (-1) ** n} for n in range(30)]  # mean 10, deviation 1.02: room 4.9
    assert elsewhere.faults("chapter", notebook, log_of(notebook, *runs)) == []
    assert elsewhere.faults("chapter", notebook, log_of(notebook, *runs[:4])) == []  # too few to know a deviation
    (fault,) = elsewhere.faults("chapter", notebook, log_of(notebook, *runs[:28]))
    assert "room of 4.9 sd, 6 needed (28 runs): nats ahead" in fault


def test_what_the_log_lacks_or_counts_against_a_chapter_is_said():
    notebook = notebook_of(CLAIM.format(value="x"))

    def said(log):
        return "\n".join(elsewhere.faults("chapter", notebook, log))

    assert "no run has claimed: nats ahead" in said(log_of(notebook, {"nats behind": 9.0}))
    assert "c0 failed: AssertionError" in said(log_of(notebook, {"nats ahead": 9.0}, failed={"c0": "AssertionError"}))
    assert "run 1 (a processor): nats ahead is 4, beyond its bound" in said(log_of(notebook, {}, {"nats ahead": 4.0}))
    assert said(log_of(notebook, {"nats ahead": 9.0})) == said({}) == ""


def test_what_has_not_run_with_this_code_is_said():
    notebook = notebook_of(CLAIM.format(value="x"))
    log = log_of(notebook, *[{"nats ahead": 9.0}] * 5)
    assert elsewhere.missing("chapter", notebook, log, ["run 0", "run 4"]) == []
    assert elsewhere.missing("chapter", notebook, log, ["run 4", "run 5"]) == ["chapter: not yet run: run 5"]
    other = notebook_of(CLAIM.format(value="y"))
    said = ["chapter: not yet run: run 0", "chapter: 0 runs know no spread, 5 do"]
    assert elsewhere.missing("chapter", other, log, ["run 0"]) == said
    (fault,) = elsewhere.faults("chapter", other, log_of(notebook, {"nats ahead": 4.0}, failed={}))
    assert "nats ahead is 4, beyond its bound" in fault  # its values count until it has run again, its failures do not
    assert elsewhere.faults("chapter", other, log_of(notebook, {"nats ahead": 9.0}, failed={"c0": "why"})) == []


# ---------------------------------------------------------------- runs


def test_a_variant_sets_what_it_says_before_python_starts():
    found = elsewhere.variants(2, 7)
    assert list(found) == ["1 thread", "2 threads", "4 threads", "scalar", "avx2", "perturbed 7", "perturbed 8"]
    assert found["scalar"]["ATEN_CPU_CAPABILITY"] == "default" and found["perturbed 8"] == {"LVM_PERTURB": "8"}
    code = "import torch; print(torch.backends.cpu.get_cpu_capability())"
    for name, capability in (("scalar", "DEFAULT"), ("avx2", "AVX2")):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            env={**os.environ, **found[name]},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() in (capability, "DEFAULT")  # a processor without AVX2 has nothing but the default


def test_a_run_finds_claims_and_failures(tmp_path):
    sources = [CLAIM.format(value=7.25), CLAIM.format(value="float('nan')").replace("nats ahead", "lost"), "1 / 0"]
    path = tmp_path / "small.ipynb"
    notebook = notebook_of(*sources)
    notebook.cells[0].source = f"import sys; sys.path.insert(0, {str(chapters.ROOT)!r})"
    chapters.write(path, notebook)
    found = elsewhere.run(path, {})
    assert found["claims"] == {"nats ahead": 7.25}
    assert set(found["failed"]) == {"c1", "c2"}
    assert found["failed"]["c1"] == "AssertionError: lost: nan, but at least 5 is claimed"
    assert found["failed"]["c2"] == "ZeroDivisionError: division by zero"


def test_another_output_than_the_stored_one_fails_a_run(tmp_path):
    notebook = notebook_of("print('12.4 nats')", tags=())
    notebook.cells[0].execution_count, notebook.cells[1].execution_count = 1, 2
    notebook.cells[1].outputs = [nbformat.v4.new_output("stream", text="11.1 nats\n")]
    notebook.cells[0].source = ""
    chapters.write(tmp_path / "small.ipynb", notebook)
    assert elsewhere.run(tmp_path / "small.ipynb", {})["failed"] == {"c0": "Cell outputs differ"}


NETS = """\
import torch
def make():
    torch.manual_seed(0)
    return torch.nn.Linear(30, 20)
def moved(net, before):
    return (net.weight / before - 1).abs().max().item()
net, twin = make(), make()
before = net.weight.detach().clone()
chance = torch.get_rng_state()
torch.optim.{optimiser}(net.parameters(), lr=0.1)
assert torch.equal(torch.get_rng_state(), chance)                  # torch's own chance is as if nothing happened
once = moved(net, before)
torch.optim.{optimiser}(net.parameters(), lr=0.1)
torch.optim.{optimiser}(twin.parameters(), lr=0.1)
assert {low} <= once <= {high} and moved(net, before) == once      # a net trained twice is moved once
assert torch.equal(net.weight, twin.weight)                        # equal nets stay equal
torch.optim.{optimiser}([{{"params": make().weight}}], lr=0.1)"""
CODES = """\
import sys; sys.path.insert(0, {root!r})
import torch
from lvm_lib.quantize import VectorQuantizer
layer = VectorQuantizer(30, 4, seed=0, start="random")
start = layer.codebook.clone()
layer.eval()(torch.randn(9, 4))
assert torch.equal(layer.codebook, start)
seen = []
layer._learn = lambda rows, indices: seen.append(layer.codebook.clone())
layer.train()(torch.randn(9, 4)), layer(torch.randn(9, 4))
change = (seen[0] / start - 1).abs().max().item()
assert {low} <= change <= {high} and torch.equal(seen[0], seen[1])
exact = VectorQuantizer(30, 4, seed=0, start="random").double()
exact._learn = lambda rows, indices: None
exact.train()(torch.randn(9, 4).double())
assert torch.equal(exact.codebook, start.double())"""


@pytest.mark.parametrize(("seed", "low", "high"), [("", 0, 0), ("7", 1e-6, 1e-5), ("commit", 1e-6, 1e-5)])
def test_nets_of_a_chapter_start_beside_their_seed_where_it_is_asked(seed, low, high, tmp_path):
    sources = [NETS.format(optimiser=o, low=low, high=high) for o in ("Adam", "SGD")]
    chapters.write(
        tmp_path / "small.ipynb", notebook_of(*sources, CODES.format(root=str(chapters.ROOT), low=low, high=high))
    )
    plugin = ["-c", str(chapters.ROOT / "pyproject.toml"), "--confcutdir=/", "-p", "conftest", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval", *plugin, str(tmp_path / "small.ipynb")],
        cwd=chapters.ROOT,
        env={**os.environ, "LVM_PERTURB": seed, "PYTHONPATH": str(chapters.ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert ("repeats it" in done.stdout) == bool(seed)
    if seed:
        assert f"LVM_PERTURB={perturb.seed_of(seed)} repeats it" in done.stdout


@pytest.mark.parametrize("text", ["-1", "seven", "1.5", "²"])
def test_a_seed_is_a_whole_number_or_the_commit(text):
    with pytest.raises(ValueError, match="LVM_PERTURB must be a whole number or 'commit'"):
        perturb.seed_of(text)
