"""No claim of a chapter hangs on one trajectory: trained numbers are claimed through `holds`, with room."""

import nbformat
import pytest
import taint

from tools import chapters, elsewhere
from tools.budgets import budget

PATHS = chapters.chapter_paths()
NOTEBOOKS = {path.stem: nbformat.read(path, as_version=4) for path in PATHS}
CLAIMING = [name for name, notebook in NOTEBOOKS.items() if elsewhere.claims(notebook)]
NET = "net = make()\nfit(net, x, epochs=3)"


def cells_of(notebook):
    return [
        (cell.id, cell.source, "nbval-ignore-output" in cell.metadata.get("tags", []))
        for cell in notebook.cells
        if cell.cell_type == "code" and "setup" not in cell.metadata.get("tags", [])
    ]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_trained_numbers_are_claimed_through_holds(name):
    assert taint.problems(cells_of(NOTEBOOKS[name])) == []


def test_the_training_chapters_claim_something():
    assert set(CLAIMING) >= {"vae", "what_a_vae_optimises", "em_vs_vae", "kmeans_to_vqvae", "vqvae_tokenizers"}
    assert set(CLAIMING) >= {"priors_over_tokens", "every_model_on_its_ruler"}


@pytest.mark.parametrize("name", CLAIMING)
def test_no_run_elsewhere_failed_and_no_claim_lacks_room(name):
    """What `python -m tools.elsewhere --report` says of the runs in the log; there it also says which are missing."""
    assert elsewhere.faults(name, NOTEBOOKS[name], elsewhere.read()) == []


@pytest.mark.parametrize("name", CLAIMING)
def test_a_chapter_claims_at_most_twelve_things_in_a_run(name):
    for runs in elsewhere.read().get(name, {}).values():
        assert all(len(run["claims"]) <= budget("chapter", "claims") for run in runs.values())


@pytest.mark.parametrize(
    ("sources", "fault"),
    [
        ([NET, "assert net(x).mean() > 3"], "asserts"),
        ([NET + "\nassert net(x).mean() > 3"], "asserts"),
        (
            ["net = make()\noptimiser = torch.optim.SGD(net.parameters())\noptimiser.step()", "assert net.w > 1"],
            "asserts",
        ),
        (
            ["def train(seed):\n    net = make(seed)\n    fit(net, x)\n    return net", "a = train(0)\nassert a.w > 1"],
            "asserts",
        ),
        (["def timed(net, s):\n    fit(net, x)", "net = make()\ntimed(net, 3)", "assert net.w > 1"], "asserts"),
        ([NET, "def error(x):\n    return net(x) - x", "e = error(x)", "assert e < 1"], "asserts"),
        (
            [
                NET,
                "def error(x):\n    return net(x) - x",
                "def twice(x):\n    return error(x) * 2",
                "assert twice(x) < 1",
            ],
            "asserts",
        ),
        ([NET, "scores = {}\nscores['net'] = net(x)", "assert scores['other'] < 1"], "asserts"),
        ([NET, "scores = []\nfor n in (1, 2):\n    scores.append(net(n))", "assert scores[0] < 1"], "asserts"),
        ([NET, "a, b = 1, net(x)\nassert b < a"], "asserts"),
        (["run = ways.climb('em', start, x)", "end = run.records[-1]\nassert end.objective > 0"], "asserts"),
        ([NET, "np.testing.assert_allclose(net(x), 3)"], "asserts"),
        (["for seed in range(3):\n    net = make(seed)\n    fit(net, x)\n    assert net.w > 1"], "asserts"),
        ([NET, "if ready:\n    assert net.w > 1"], "asserts"),
        ([NET, "with torch.no_grad():\n    e = net(x)\nassert e > 1"], "asserts"),
        ([NET, "w = lambda x: net(x)", "assert w(x) > 1"], "asserts"),
        ([NET, "print(net(x))"], "prints trained"),
        ([NET, "e = net(x).mean()\nprint(f'{e:.1f} nats')"], "prints trained"),
        ([NET, "for n in (1, 2):\n    print(net(n))"], "prints trained"),
        (["holds('a', 3, at_least=2)"], "without the tag"),
    ],
)
def test_a_poisoned_chapter_is_found_out(sources, fault):
    cells = [(f"cell-{number}", source, False) for number, source in enumerate(sources)]
    assert any(fault in problem for problem in taint.problems(cells)), taint.problems(cells)


@pytest.mark.parametrize(
    "sources",
    [
        [NET, "assert data.mean() > 3"],
        [NET, "net = make()\nassert net(x) > 3"],  # a new one, not trained
        [NET, "print('trained')"],
        ["def train(seed):\n    net = make(seed)\n    fit(net, x)\n    return net", "assert x.mean() > 3"],
        ["f = Figure()\nf.fit()\nassert f.mean > 1"],
        ["model = em.fit_mixture(x, 3)\nassert model.evidence(x) > 1\nprint(model)"],
        [NET, "def f(net):\n    return net + 1", "assert f(2) == 3"],  # its own argument, of the same name
        [
            "def train(x, seed):\n    net = make(seed)\n    fit(net, x)",
            "train(data, 0)\nn = 1",
            "assert data.mean() > 0",
        ],
    ],
)
def test_a_sound_chapter_is_not_accused(sources):
    assert taint.problems([(f"cell-{number}", source, False) for number, source in enumerate(sources)]) == []


def test_claims_are_counted_and_stand_in_no_loop():
    many = "\n".join(f"holds('claim {n}', {n}, at_least=0)" for n in range(13))
    assert taint.problems([("a", many, True)]) == ["13 claims, at most 12 are allowed"]
    assert "in a loop" in taint.problems([("a", "for n in (1, 2):\n    holds('a', n, at_least=0)", True)])[0]
