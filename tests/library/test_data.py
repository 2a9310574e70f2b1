"""The embedded images are the ones of the record, binarisation is what it says, downloads survive a bad connection."""

import gzip
import hashlib
import json
import re
import struct
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvm_lib import data
from lvm_lib.data import downloads, idx, resume
from lvm_lib.data.binary import KEYS

FOLDER = Path(data.__file__).parent
CHECKSUMS = json.loads((FOLDER / "checksums.json").read_text())
SETS = sorted(CHECKSUMS)
SPLITS = ("train", "test")


def sha256(content):
    return hashlib.sha256(content).hexdigest()


# --- the embedded sets -----------------------------------------------------------------------------------------------


def test_the_record_covers_every_embedded_set():
    assert sorted(data.EMBEDDED) == SETS
    assert {f"{name}.npz" for name in SETS} == {path.name for path in FOLDER.glob("*.npz")}


@pytest.mark.parametrize("name", SETS)
def test_file_and_arrays_have_the_recorded_checksums(name):
    images, record = data.load(name), CHECKSUMS[name]
    assert sha256((FOLDER / f"{name}.npz").read_bytes()) == record["file"]
    for split in SPLITS:
        assert sha256(getattr(images, split).tobytes()) == record[split]
        assert sha256(getattr(images, f"{split}_labels").astype(np.uint8).tobytes()) == record[f"{split}_labels"]


def test_provenance_quotes_exactly_the_recorded_checksums():
    rows = re.findall(r"^\|.*`([0-9a-f]{64})` \|$", (FOLDER / "PROVENANCE.md").read_text(), flags=re.MULTILINE)
    assert sorted(rows) == sorted(value for record in CHECKSUMS.values() for value in record.values())


@pytest.mark.parametrize("name", SETS)
def test_sizes_and_types(name):
    images = data.load(name)
    assert images.train.shape == (9000, 28, 28) and images.test.shape == (1000, 28, 28)
    assert images.train.dtype == images.test.dtype == np.uint8
    assert images.train_labels.shape == (9000,) and images.test_labels.shape == (1000,)
    assert images.train_labels.dtype == images.test_labels.dtype == np.int64
    assert len(images.names) == len(set(images.names)) == 10
    assert "9000 train" in repr(images)


def test_class_counts():
    digits, clothing = data.load("digits"), data.load("clothing")
    both = np.bincount(digits.train_labels) + np.bincount(digits.test_labels)
    # MNIST's first 10,000 training images have these counts
    assert both.tolist() == [1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]
    assert np.bincount(clothing.train_labels).tolist() == [900] * 10
    assert np.bincount(clothing.test_labels).tolist() == [100] * 10


@pytest.mark.parametrize("name", SETS)
def test_no_image_occurs_twice(name):
    images = data.load(name)
    train, test = ({image.tobytes() for image in getattr(images, split)} for split in SPLITS)
    assert len(train) == 9000 and len(test) == 1000
    assert not train & test


@pytest.mark.parametrize("name", SETS)
def test_splits_are_shuffled(name):
    labels = data.load(name).train_labels
    repeats = np.mean(labels[1:] == labels[:-1])  # 1/10 for independent labels; nearly 1 for sorted ones
    assert abs(repeats - 0.1) < 5 * np.sqrt(0.09 / 9000)


@pytest.mark.parametrize("name", SETS)
def test_labels_belong_to_the_images(name):
    """Nearest class mean, a rule without any tuning, is right far more often than the 10 % of chance."""
    images = data.load(name)
    train, test = data.flat(images.train), data.flat(images.test)
    means = np.stack([train[images.train_labels == label].mean(axis=0) for label in range(10)])
    squared = (test**2).sum(1)[:, None] - 2 * test @ means.T + (means**2).sum(1)
    assert np.mean(squared.argmin(axis=1) == images.test_labels) > 0.6


def test_orientation():
    """Upright and not mirrored: what each class is known to look like, and what turning would spoil."""
    clothing, digits = data.load("clothing"), data.load("digits")
    ink = {name: clothing.train[clothing.train_labels == k].mean(axis=0) for k, name in enumerate(clothing.names)}
    assert ink["Ankle boot"][14:].sum() > 1.2 * ink["Ankle boot"][:14].sum()  # the sole is below
    assert ink["Ankle boot"][:10, 14:].sum() > 1.5 * ink["Ankle boot"][:10, :14].sum()  # the shaft is at the right
    assert ink["Trouser"][-4:, 13:15].mean() < 0.5 * ink["Trouser"][4:8, 13:15].mean()  # legs part below
    six, nine = (digits.train[digits.train_labels == k].mean(axis=0) for k in (6, 9))
    assert six[16:].sum() > six[:12].sum() and nine[:12].sum() > nine[16:].sum()  # the loop of 6 is below, of 9 above
    one = digits.train[digits.train_labels == 1].mean(axis=0)
    row, column = np.mgrid[:28, :28] - 13.5
    assert (row * column * one).sum() < 0  # most people lean a 1 to the right
    assert np.median(digits.train) == 0  # light ink on a dark ground: the background is 0


@pytest.mark.parametrize("name", SETS)
def test_arrays_are_read_only_and_shared(name):
    images = data.load(name)
    assert data.load(name) is images
    for array in (images.train, images.test, images.train_labels, images.test_labels, data.binarised(name, "test")):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    with pytest.raises(AttributeError):
        images.train = images.test


@pytest.mark.parametrize("wrong", ["mnist", "", None, 3, ["digits"]])
def test_unknown_names_list_the_choices(wrong):
    for call in (data.load, data.binarised):
        with pytest.raises(ValueError, match="'digits', 'clothing'"):
            call(wrong)
    if wrong != "mnist":
        with pytest.raises(ValueError, match="'mnist', 'fashion_mnist'"):
            data.download(wrong)


def test_import_and_load_need_numpy_only():
    code = (
        "import sys, socket; socket.socket.connect = None; from lvm_lib import data; data.load('digits');"
        "data.binarised('clothing');"
        "print([m for m in ('pooch', 'requests', 'tqdm', 'torch', 'scipy', 'matplotlib') if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=FOLDER.parents[1]
    )
    assert run.stdout.strip() == "[]"


# --- Images, flat, unit ----------------------------------------------------------------------------------------------

PIXELS = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)


def images_with(**changes):
    given = {"train": PIXELS, "test": PIXELS[:1], "train_labels": [0, 1], "test_labels": [1], "names": ("a", "b")}
    return data.Images(**(given | changes))


def test_images_leave_the_caller_s_array_writable():
    own = PIXELS.copy()
    images = images_with(train=own)
    assert own.flags.writeable and not images.train.flags.writeable


@pytest.mark.parametrize(
    "changes, error, words",
    [
        ({"train": PIXELS / 255}, TypeError, "train must be a uint8"),
        ({"test": [[1]]}, TypeError, "test must be a uint8"),
        ({"train": PIXELS[0]}, ValueError, "train must have shape"),
        ({"test": PIXELS[:0], "test_labels": np.zeros(0, int)}, ValueError, "test must have shape"),
        ({"train_labels": [0]}, ValueError, "train_labels must be 2 integers"),
        ({"test_labels": [0.5]}, ValueError, "test_labels must be 1 integers"),
        ({"train_labels": [0, 2]}, ValueError, r"train_labels must lie in 0\.\.1"),
        ({"test_labels": [-1]}, ValueError, r"test_labels must lie in 0\.\.1"),
        ({"test": np.zeros((1, 4, 3), np.uint8)}, ValueError, "one size"),
    ],
)
def test_images_refuse_what_does_not_fit(changes, error, words):
    with pytest.raises(error, match=words):
        images_with(**changes)


def test_flat_keeps_grey_levels_row_by_row():
    rows = data.flat(PIXELS)
    assert rows.dtype == np.float64 and rows.shape == (2, 12)
    assert rows[1].tolist() == list(range(12, 24))
    levels = data.flat(data.load("digits").test)
    assert levels.shape == (1000, 784) and levels.max() == 255 and levels.min() == 0


def test_unit_scales_and_keeps_the_shape():
    scaled = data.unit(np.array([[0, 51, 255]], np.uint8))
    assert scaled.dtype == np.float64 and scaled.tolist() == [[0.0, 0.2, 1.0]]
    assert np.array_equal(data.unit(data.flat(PIXELS)), data.flat(PIXELS) / 255)


@pytest.mark.parametrize("function", [data.flat, data.unit, lambda images: data.binarise(images, 0)])
@pytest.mark.parametrize(
    "wrong, error",
    [
        (PIXELS / 255, ValueError),
        (PIXELS - 1.0, ValueError),
        (PIXELS * 255.0, ValueError),
        (PIXELS[:0], ValueError),
        (np.full((1, 2, 2), np.nan), ValueError),
        ("digits", TypeError),
        (None, TypeError),
    ],
)
def test_pixels_that_are_no_grey_levels_are_refused(function, wrong, error):
    with pytest.raises(error, match="images must"):
        function(wrong)


def test_flat_wants_three_axes():
    with pytest.raises(ValueError, match=r"\(n, h, w\)"):
        data.flat(PIXELS[0])


# --- binarisation ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("split", SPLITS)
def test_the_fixed_binarisation_never_changes(name, split):
    pixels, grey = data.binarised(name, split), getattr(data.load(name), split)
    assert pixels.dtype == np.uint8 and pixels.shape == grey.shape and set(np.unique(pixels)) == {0, 1}
    assert sha256(pixels.tobytes()) == CHECKSUMS[name][f"binarised_{split}"]
    assert pixels[grey == 0].max() == 0 and pixels[grey == 255].min() == 1


def test_the_fixed_binarisation_of_the_test_set_is_the_default():
    assert data.binarised("digits") is data.binarised("digits", "test")
    assert len(set(KEYS.values())) == len(KEYS) == 2 * len(SETS)
    with pytest.raises(ValueError, match="'train' or 'test'"):
        data.binarised("digits", "validation")


def philox4x64(key, blocks):
    """Philox 4x64-10 from its paper (Salmon et al. 2011), in Python integers: the independent route."""
    mask, outputs = 2**64 - 1, []
    for block in range(1, blocks + 1):
        counter, (k0, k1) = [block, 0, 0, 0], (key, 0)
        for _ in range(10):
            first, second = 0xD2E7470EE14C6C93 * counter[0], 0xCA5A826395121157 * counter[2]
            counter = [second >> 64 ^ counter[1] ^ k0, second & mask, first >> 64 ^ counter[3] ^ k1, first & mask]
            k0, k1 = (k0 + 0x9E3779B97F4A7C15) & mask, (k1 + 0xBB67AE8584CAA73B) & mask
        outputs += counter
    return outputs


def test_the_stream_is_philox_as_published():
    """Draws for the first digit, without NumPy's generator and with whole-number arithmetic only."""
    grey = data.load("digits").test[0].ravel().tolist()
    raw = philox4x64(KEYS["digits", "test"], 784 // 4)
    expected = [int((word >> 11) * 255 < level << 53) for word, level in zip(raw, grey, strict=True)]
    assert data.binarised("digits", "test")[0].ravel().tolist() == expected


def binomial_z(binary, grey):
    """For each grey level 1..254: (ones - expected) / standard deviation of the binomial count."""
    ones = np.bincount(grey.ravel(), weights=binary.ravel(), minlength=256)[1:255]
    n, p = np.bincount(grey.ravel(), minlength=256)[1:255], np.arange(1, 255) / 255
    assert n.min() > 0
    return (ones - n * p) / np.sqrt(n * p * (1 - p))


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("fresh", [False, True])
def test_each_grey_level_is_the_probability_of_a_one(name, split, fresh):
    grey = getattr(data.load(name), split)
    z = binomial_z(data.binarise(grey, 7) if fresh else data.binarised(name, split), grey)
    assert np.abs(z).max() < 5  # 254 levels: 5 standard deviations by chance in one of 7,000 runs
    assert abs((z**2).mean() - 1) < 5 * np.sqrt(2 / 254)  # as scattered as independent draws, no less


def test_fresh_binarisations_differ_and_a_seed_repeats_one():
    grey = data.load("digits").test
    generator = np.random.default_rng(1)
    first, second = data.binarise(grey, generator), data.binarise(grey, generator)
    assert not np.array_equal(first, second)
    assert np.array_equal(first, data.binarise(grey, 1))
    assert first.dtype == np.uint8 and first.flags.writeable
    with pytest.raises(TypeError, match="rng"):
        data.binarise(grey, None)


@settings(deadline=None, derandomize=True, max_examples=50)
@given(level=st.integers(0, 255), seed=st.integers(0, 2**32))
def test_binarise_takes_floats_that_are_whole(level, seed):
    whole, same = np.full((3, 5), level, np.uint8), np.full((3, 5), float(level))
    assert np.array_equal(data.binarise(whole, seed), data.binarise(same, seed))


# --- idx files -------------------------------------------------------------------------------------------------------


def zipped(content: bytes) -> bytes:
    """gzip without the time of day: what a test is called must not depend on when it was collected."""
    return gzip.compress(content, mtime=0)


def idx_bytes(array):
    return zipped(struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes())


@settings(deadline=None, derandomize=True, max_examples=30)
@given(shape=st.lists(st.integers(1, 6), min_size=1, max_size=3), seed=st.integers(0, 99))
def test_idx_returns_what_was_written(tmp_path_factory, shape, seed):
    array = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    path = tmp_path_factory.mktemp("idx") / "a.gz"
    path.write_bytes(idx_bytes(array))
    assert np.array_equal(idx.read_idx(path, len(shape)), array)


@pytest.mark.parametrize(
    "content, words",
    [
        (b"<html>", "not an idx file .* begins with '3c68746d'"),
        (idx_bytes(PIXELS)[:-9], "not a whole gzip file"),
        (zipped(b"\0\0\x08\x01\0\0\0\x02ab"), "3 axes"),
        (zipped(b"\0\0\x08\x03"), "3 axes"),
        (zipped(struct.pack(">4B3I", 0, 0, 8, 3, 2, 2, 2) + b"1234567"), "holds 7 entries"),
        (b"", "idx|gzip"),
    ],
    ids=["no gzip", "cut short", "one axis", "header cut short", "too few entries", "empty"],
)
def test_idx_names_a_bad_file(tmp_path, content, words):
    path = tmp_path / "bad.gz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=words) as caught:
        idx.read_idx(path, 3)
    assert "bad.gz" in str(caught.value)


# --- downloads, from a server on this machine ------------------------------------------------------------------------

rng = np.random.default_rng(5)
SMALL = {
    downloads.TRAIN: rng.integers(0, 256, (200, 28, 28), dtype=np.uint8),
    downloads.TRAIN_LABELS: rng.integers(0, 10, 200, dtype=np.uint8),
    downloads.TEST: rng.integers(0, 256, (30, 28, 28), dtype=np.uint8),
    downloads.TEST_LABELS: rng.integers(0, 10, 30, dtype=np.uint8),
}
FILES = {name: idx_bytes(array) for name, array in SMALL.items()}
SIZE = len(FILES[downloads.TRAIN])
CUT = 70_001  # more than one chunk, less than the file


class Handler(BaseHTTPRequestHandler):
    """Serves FILES; `server` says how many requests for the training images to cut, and other bad behaviour."""

    def do_GET(self):
        server, name, asked = self.server, self.path.rpartition("/")[2], self.headers.get("Range")
        server.requests.append((name, asked))
        content = server.files.get(name)
        if content is None:
            return self.send_error(404)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and server.ranges else 0
        if start >= len(content):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start + server.shift}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        cut = name == downloads.TRAIN and server.cuts > 0
        server.cuts -= cut
        self.wfile.write(content[start : start + CUT] if cut else content[start:])

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    assert CUT < SIZE - CUT
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(resume, "WAIT", 0)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.files, running.requests, running.cuts, running.ranges, running.shift = dict(FILES), [], 0, True, 0
        running.address = f"http://127.0.0.1:{running.server_port}/some/folder"
        source = downloads.Source(
            running.address, {name: sha256(content) for name, content in FILES.items()}, tuple("0123456789")
        )
        monkeypatch.setitem(downloads.SOURCES, "mnist", source)
        threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield running
        running.shutdown()


def fetched(folder):
    return data.download("mnist", folder, progress=False)


def train_requests(server):
    return [asked for name, asked in server.requests if name == downloads.TRAIN]


def assert_complete(images, folder):
    assert np.array_equal(images.train, SMALL[downloads.TRAIN]) and np.array_equal(images.test, SMALL[downloads.TEST])
    assert np.array_equal(images.train_labels, SMALL[downloads.TRAIN_LABELS])
    assert np.array_equal(images.test_labels, SMALL[downloads.TEST_LABELS])
    assert images.train_labels.dtype == np.int64
    assert sorted(path.name for path in (folder / "mnist").iterdir()) == sorted(FILES)  # no .part, nothing else


def test_a_download_is_made_once(server, tmp_path):
    images = fetched(tmp_path)
    assert_complete(images, tmp_path)
    assert sorted(server.requests) == sorted((name, None) for name in FILES)
    with pytest.raises(ValueError, match="read-only"):
        images.train[0] = 0
    server.requests.clear()
    assert_complete(fetched(str(tmp_path)), tmp_path)
    assert server.requests == []


def test_a_mirror_may_be_given_and_a_bar_shown(server, tmp_path, monkeypatch, capsys):
    source = downloads.SOURCES["mnist"]
    elsewhere = downloads.Source("http://127.0.0.1:9/", source.sha256, source.names)
    monkeypatch.setitem(downloads.SOURCES, "mnist", elsewhere)
    assert_complete(data.download("mnist", tmp_path, mirror=server.address + "/"), tmp_path)
    shown = capsys.readouterr().err
    assert all(name in shown for name in FILES)


def test_a_cut_connection_is_taken_up_within_one_call(server, tmp_path):
    server.cuts = 1
    assert_complete(fetched(tmp_path), tmp_path)
    assert train_requests(server) == [None, f"bytes={CUT}-"]


def test_a_cut_download_is_taken_up_by_the_next_call(server, tmp_path, monkeypatch):
    monkeypatch.setattr(resume.ResumingDownloader.__init__, "__defaults__", (True, 1))  # one attempt a call
    server.cuts = 1
    with pytest.raises(ConnectionError, match=f"{CUT} bytes are kept"):
        fetched(tmp_path)
    part = tmp_path / "mnist" / f"{downloads.TRAIN}.part"
    assert part.read_bytes() == FILES[downloads.TRAIN][:CUT]
    assert_complete(fetched(tmp_path), tmp_path)
    assert train_requests(server) == [None, f"bytes={CUT}-"]


def test_attempts_end_and_each_goes_on_from_the_last(server, tmp_path):
    server.files[downloads.TRAIN] = FILES[downloads.TRAIN] * 3  # never whole in three cut attempts
    server.cuts = 99
    with pytest.raises(ConnectionError, match=r"3 attempt.*mirror"):
        fetched(tmp_path)
    assert train_requests(server) == [None, f"bytes={CUT}-", f"bytes={2 * CUT}-"]


def test_a_server_without_ranges_sends_all_again(server, tmp_path):
    server.cuts, server.ranges = 1, False
    assert_complete(fetched(tmp_path), tmp_path)
    assert train_requests(server) == [None, f"bytes={CUT}-"]


def test_an_answer_for_another_range_is_not_appended(server, tmp_path):
    server.cuts, server.shift = 1, 5
    assert_complete(fetched(tmp_path), tmp_path)
    assert train_requests(server) == [None, f"bytes={CUT}-", None]


@pytest.mark.parametrize("kept", [b"of another file", FILES[downloads.TRAIN] + b"too long"])
def test_a_bad_part_is_thrown_away(server, tmp_path, kept):
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / f"{downloads.TRAIN}.part").write_bytes(kept)
    assert_complete(fetched(tmp_path), tmp_path)
    assert train_requests(server) == [f"bytes={len(kept)}-", None]


def test_a_damaged_file_is_named_and_not_kept(server, tmp_path):
    bad = bytearray(FILES[downloads.TEST])
    bad[100] ^= 1
    server.files[downloads.TEST] = bytes(bad)
    with pytest.raises(ValueError, match=downloads.TEST) as caught:
        fetched(tmp_path)
    for word in (downloads.TEST, sha256(FILES[downloads.TEST]), sha256(bytes(bad))):
        assert word in str(caught.value)
    assert not list((tmp_path / "mnist").glob(f"*{downloads.TEST}*"))
    server.files[downloads.TEST] = FILES[downloads.TEST]
    assert_complete(fetched(tmp_path), tmp_path)


def test_a_file_damaged_on_disk_is_fetched_again(server, tmp_path):
    fetched(tmp_path)
    (tmp_path / "mnist" / downloads.TEST_LABELS).write_bytes(b"damaged")
    server.requests.clear()
    assert_complete(fetched(tmp_path), tmp_path)
    assert server.requests == [(downloads.TEST_LABELS, None)]


def test_a_missing_file_is_not_asked_for_again(server, tmp_path):
    del server.files[downloads.TRAIN]
    with pytest.raises(ConnectionError, match="404"):
        fetched(tmp_path)
    assert train_requests(server) == [None]


@pytest.mark.parametrize("wrong", ["ftp://127.0.0.1/", "", 3, ["http://127.0.0.1/"]])
def test_a_mirror_must_be_an_address(wrong):
    with pytest.raises(ValueError, match="mirror must be an address"):
        data.download("mnist", mirror=wrong)


def test_published_sources_are_whole():
    assert set(data.SOURCES) == {"mnist", "fashion_mnist"}
    sums = [value for source in data.SOURCES.values() for value in source.sha256.values()]
    assert all(set(source.sha256) == set(FILES) for source in data.SOURCES.values())
    assert len(set(sums)) == 8 and all(re.fullmatch("[0-9a-f]{64}", value) for value in sums)
