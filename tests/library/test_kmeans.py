"""K-means: the two steps against brute force, Lloyd's algorithm against scikit-learn, empty clusters, errors."""

import numpy as np
import pytest
from sklearn.cluster import KMeans as Peer
from sklearn.exceptions import ConvergenceWarning

from lvm_lib import _nearest
from lvm_lib import kmeans as km
from lvm_lib._nearest import Search


@pytest.fixture
def blobs():
    rng = np.random.default_rng(0)
    return np.concatenate([rng.normal(m, 0.7, (150, 5)) for m in (-3.0, 0.0, 2.5)]) + 100.0


def brute(x, centroids):
    table = ((x[:, None] - centroids) ** 2).sum(axis=2)
    return table.argmin(axis=1), table.min(axis=1)


@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-10), (np.float32, 1e-3)])
def test_assign_is_the_nearest_also_far_from_the_origin(blobs, dtype, tolerance):
    found = km.assign(blobs.astype(dtype), blobs[::50])
    codes, squares = brute(blobs, blobs[::50])
    assert found.codes.dtype == np.int64 and np.array_equal(found.codes, codes)
    assert np.abs(found.squared_distance - squares).max() < tolerance


def test_of_equally_near_centroids_the_first_is_taken():
    assert km.assign([[0.0, 0.0]], [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]).codes.tolist() == [0]


@pytest.mark.parametrize("n, d, k", [(64, 3, 2), (130, 20000, 3), (1000, 784, 10), (1, 1, 1), (700, 2, 600)])
def test_blocks_of_every_size_agree_with_brute_force(n, d, k):
    rng = np.random.default_rng(1)
    x, centroids = rng.normal(size=(n, d)), rng.normal(size=(k, d))
    codes = np.array([((x[i] - centroids) ** 2).sum(axis=1).argmin() for i in range(n)])
    assert np.array_equal(km.assign(x, centroids).codes, codes)


@pytest.mark.parametrize("k", [3, 8, 20])
def test_lloyd_ends_where_scikit_learn_ends(blobs, k):
    start = blobs[np.random.default_rng(k).choice(len(blobs), k, replace=False)]
    ours = km.lloyd(blobs, start)
    theirs = Peer(k, init=start, n_init=1, algorithm="lloyd", tol=0).fit(blobs)
    assert ours.converged and not ours.emptied
    assert abs(ours.inertia / theirs.inertia_ - 1) < 1e-10
    assert np.abs(ours.centroids - theirs.cluster_centers_).max() < 1e-9
    assert np.array_equal(ours.codes, theirs.labels_)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_points_that_are_not_compared_keep_the_code_that_they_would_get(monkeypatch, dtype, offset):
    x = (np.random.default_rng(0).normal(size=(3_000, 17)) + offset).astype(dtype)
    compared, compare = [], Search._compare
    monkeypatch.setattr(Search, "_compare", lambda self, rows: compared.append(rows) or compare(self, rows))
    start = km.kmeans_plus_plus(x, 12, 0)
    run, plain = km.lloyd(x, start), start
    for _ in range(run.iterations):
        plain = km.lloyd_step(x, plain)
    np.testing.assert_allclose(run.centroids, plain, atol=1e-5 if dtype == np.float32 else 1e-11)
    np.testing.assert_array_equal(run.codes, km.assign(x, run.centroids).codes)
    assert run.converged and sum(map(len, compared[1:])) < 0.9 * len(x) * run.iterations  # and some were spared


def test_the_number_of_threads_changes_no_bit(monkeypatch):
    x = np.random.default_rng(0).normal(size=(5_003, 41)).astype(np.float32)
    start = km.kmeans_plus_plus(x, 12, 0)
    monkeypatch.setattr(_nearest, "PAYS", 0)
    runs = []
    for threads in (1, 3):
        monkeypatch.setattr(_nearest, "THREADS", threads)
        runs.append(km.lloyd(x, start))
    assert runs[0].history == runs[1].history and len(runs[0].history) > 10
    np.testing.assert_array_equal(runs[0].centroids, runs[1].centroids)


def test_sums_of_what_moved_are_those_of_all(blobs):
    """The whole run by repeated full steps, with nothing kept from round to round."""
    start = blobs[::30]
    run, centroids = km.lloyd(blobs, start, empty="keep"), start
    for _ in range(run.iterations):
        centroids = km.lloyd_step(blobs, centroids)
    assert np.abs(run.centroids - centroids).max() < 1e-10


def test_inertia_never_rises_and_is_the_sum_of_squares(blobs):
    run = km.kmeans(blobs, 6, 0, restarts=2)
    assert (np.diff(run.history) <= 1e-9 * run.inertia).all() and run.history[-1] == run.inertia
    assert abs(run.inertia - brute(blobs, run.centroids)[1].sum()) < 1e-8 * run.inertia
    assert run.counts.sum() == len(blobs) and abs(km.inertia(blobs, run.centroids, run.codes) / run.inertia - 1) < 1e-12


def test_an_empty_cluster_takes_the_farthest_point_or_stays_and_is_reported():
    x = np.array([[0.0], [0.1], [0.2], [9.0]])
    start = np.array([[0.1], [50.0]])
    moved, kept = km.lloyd(x, start), km.lloyd(x, start, empty="keep")
    assert moved.emptied[0] == (1, 1) and sorted(moved.centroids[:, 0]) == pytest.approx([0.1, 9.0])
    assert kept.emptied and kept.centroids[1, 0] == 50.0 and kept.counts.tolist() == [4, 0]
    assert moved.inertia < kept.inertia and (np.diff(moved.history) <= 1e-12).all()


def test_fewer_distinct_points_than_clusters_ends_and_says_so():
    x = np.repeat([[0.0], [1.0]], 5, axis=0)
    run = km.lloyd(x, [[0.0], [0.4], [0.9]])
    assert run.converged and run.inertia == 0 and run.emptied
    with pytest.raises(ValueError, match="at least 3 distinct points, got 2"):
        km.kmeans_plus_plus(x, 3, 0)


def test_plus_plus_takes_distinct_rows_far_apart():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(m, 0.01, (500, 2)) for m in (0.0, 10.0, 20.0)])
    for seed in range(20):
        start = km.kmeans_plus_plus(x, 3, seed)
        assert {round(v / 10) for v in start[:, 0]} == {0, 1, 2}
        assert all((row == x).all(axis=1).any() for row in start)


def test_more_restarts_are_never_worse_and_seeds_repeat(blobs):
    one, many = km.kmeans(blobs, 12, 3, restarts=1), km.kmeans(blobs, 12, 3, restarts=8)
    assert many.inertia <= one.inertia
    assert np.array_equal(km.kmeans(blobs, 12, 3, restarts=1).centroids, one.centroids)


def test_float32_stays_and_is_close(blobs):
    single = km.kmeans(blobs.astype(np.float32), 5, 0)
    assert single.centroids.dtype == np.float32
    assert abs(single.inertia / km.kmeans(blobs, 5, 0).inertia - 1) < 1e-4


def test_iterations_may_be_cut_short(blobs):
    run = km.lloyd(blobs, blobs[:8], iterations=1)
    assert run.iterations == 1 and not run.converged


@pytest.mark.parametrize(
    "call, error, text",
    [
        (lambda x: km.assign(x, x[:2, :3]), ValueError, "centroids must have D = 5 columns"),
        (lambda x: km.assign(np.where(x > 101, np.nan, x), x[:2]), ValueError, "x must be finite"),
        (lambda x: km.assign(np.where(x > 101, np.inf, x).astype(np.float32), x[:2]), ValueError, "x must be finite"),
        (lambda x: km.assign(x[0], x[:2]), ValueError, "2 axes"),
        (lambda x: km.kmeans(x, len(x) + 1, 0), ValueError, "no more than the 450 points"),
        (lambda x: km.lloyd(x[:2], x[:3]), ValueError, "no more than the 2 points"),
        (lambda x: km.lloyd(x, x[:3], empty="drop"), ValueError, "empty must be one of"),
        (lambda x: km.update(x, np.full(len(x), 3), x[:3]), ValueError, "0 ... 2"),
        (lambda x: km.update(x, np.zeros(len(x)), x[:3]), TypeError, "integers"),
        (lambda x: km.kmeans(x, 2.0, 0), TypeError, "k must be an integer"),
        (lambda x: km.kmeans(x, 2, -1), TypeError, "rng"),
    ],
)
def test_bad_input_is_named(blobs, call, error, text):
    with pytest.raises(error, match=text):
        call(blobs)


@pytest.fixture(autouse=True)
def quiet():
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield
