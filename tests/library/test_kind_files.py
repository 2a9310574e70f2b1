"""Kind "files in the wild": idx files as browsers and archive programs leave them, whole or damaged."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from lvm_lib import data
from lvm_lib.data import downloads
from lvm_lib.data.idx import find_idx, read_idx

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 4, 5), dtype=np.uint8)


def plain(array, kind=8):
    return struct.pack(f">4B{array.ndim}I", 0, 0, kind, array.ndim, *array.shape) + array.tobytes()


def zipped(content):
    return gzip.compress(content, mtime=0)


GUISES = {"plain": plain(PIXELS), "zipped": zipped(plain(PIXELS)), "zipped twice": zipped(zipped(plain(PIXELS)))}
NAMES = [
    "train-images-idx3-ubyte.gz",
    "train-images-idx3-ubyte",
    "train-images.idx3-ubyte",
    "train-images.idx3-ubyte.gz",
    "train-images-idx3-ubyte/train-images-idx3-ubyte",
    "train-images.idx3-ubyte/train-images.idx3-ubyte",
    "train-images-idx3-ubyte/train-images.idx3-ubyte",
    "train-images.idx3-ubyte/train-images-idx3-ubyte",
    "train-images-idx3-ubyte.gz/train-images.idx3-ubyte",
    "train-images-idx3-ubyte.gz/train-images-idx3-ubyte.gz",
    "train-images-idx3-ubyte (1).gz",
    "train-images-idx3-ubyte(12)",
    "train-images.idx3-ubyte (2)",
    "train-images-idx3-ubyte (1)/train-images.idx3-ubyte",
    "train-images-idx3-ubyte.GZ",
    "Train-Images-idx3-ubyte",
]


@pytest.mark.parametrize("guise", GUISES)
@pytest.mark.parametrize("there", NAMES)
@pytest.mark.parametrize("asked", NAMES[:4])
def test_a_good_file_is_read_whatever_became_of_it(tmp_path, guise, there, asked):
    """Content and name are independent: a .gz that is none, a zipped file without .gz."""
    (tmp_path / there).parent.mkdir(exist_ok=True)
    (tmp_path / there).write_bytes(GUISES[guise])
    assert np.array_equal(read_idx(tmp_path / asked, 3), PIXELS)
    assert np.array_equal(read_idx(str(tmp_path / asked), 3), PIXELS)


def test_the_file_that_was_asked_for_comes_first(tmp_path):
    other = PIXELS[::-1].copy()
    (tmp_path / "a-idx3-ubyte").write_bytes(plain(PIXELS))
    (tmp_path / "a-idx3-ubyte.gz").write_bytes(zipped(plain(other)))
    assert np.array_equal(read_idx(tmp_path / "a-idx3-ubyte", 3), PIXELS)
    assert np.array_equal(read_idx(tmp_path / "a-idx3-ubyte.gz", 3), other)


def test_a_copy_is_taken_only_where_nothing_else_is_there(tmp_path):
    (tmp_path / "a-idx3-ubyte (1)").write_bytes(plain(PIXELS[::-1].copy()))
    (tmp_path / "a-idx3-ubyte-old").write_bytes(plain(PIXELS[:1]))
    assert find_idx(tmp_path / "a-idx3-ubyte.gz").name == "a-idx3-ubyte (1)"
    (tmp_path / "a.idx3-ubyte").mkdir()
    (tmp_path / "a.idx3-ubyte" / "a.idx3-ubyte").write_bytes(plain(PIXELS))
    assert np.array_equal(read_idx(tmp_path / "a-idx3-ubyte.gz", 3), PIXELS)


@pytest.mark.parametrize("zip_it", [False, True])
@pytest.mark.parametrize(
    "content, words",
    [
        (plain(PIXELS)[:-1], "announces the shape .* holds 59 entries"),
        (plain(PIXELS) + b"x", "holds 61 entries"),
        (plain(PIXELS)[:9], "ends in its header"),
        (plain(PIXELS)[:2], "ends in its header"),
        (b"", "begins with ''"),
        (plain(PIXELS[0]), "3 axes"),
        (plain(PIXELS, kind=0x0D), "begins with '00000d03'"),
        (b"\x89PNG\r\n\x1a\n" + bytes(99), "begins with '89504e47'"),
        (b"<!DOCTYPE html><html>no such bucket</html>", "not an idx file"),
        (b"version https://git-lfs.github.com/spec/v1\n", "not an idx file"),
        (struct.pack(">4B3I", 0, 0, 8, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1), "announces the shape .4294967295, "),
        (struct.pack(">4B3I", 0, 0, 8, 3, 2**31, 2**31, 4), "holds 0 entries"),  # 2^64: nothing in 64 bits
        (b"PK\x03\x04" + bytes(40), "zip archive"),
    ],
)
def test_a_bad_file_is_named_with_what_is_wrong(tmp_path, content, words, zip_it):
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(zipped(content) if zip_it else content)
    with pytest.raises(
        ValueError, match=words if not (zip_it and words == "zip archive") else "not an idx file"
    ) as caught:
        read_idx(path, 3)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("left", [3, 12, -9, -1])
def test_a_zipped_file_cut_short_is_named(tmp_path, left):
    path = tmp_path / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(GUISES["zipped"][:left])
    with pytest.raises(ValueError, match=r"t10k.* not a whole gzip file"):
        read_idx(path, 3)


def test_a_missing_file_is_a_missing_file_and_the_names_tried_are_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"train-images-idx3-ubyte.gz must name .* train-images.idx3-ubyte"):
        read_idx(tmp_path / "train-images-idx3-ubyte.gz", 3)
    (tmp_path / "train-images-idx3-ubyte").mkdir()  # a folder, and nothing in it
    with pytest.raises(FileNotFoundError):
        find_idx(tmp_path / "train-images-idx3-ubyte")


@pytest.mark.parametrize(
    "rename", [lambda n: n.removesuffix(".gz"), lambda n: n.removesuffix(".gz").replace("-idx", ".idx")]
)
def test_a_download_takes_the_files_that_somebody_unzipped_there(tmp_path, rename):
    """No request is made: the address answers to nobody."""
    small = {
        downloads.TRAIN: PIXELS,
        downloads.TRAIN_LABELS: np.arange(3, dtype=np.uint8),
        downloads.TEST: PIXELS[:2],
        downloads.TEST_LABELS: np.arange(2, dtype=np.uint8),
    }
    folder: Path = tmp_path / "fashion_mnist"
    folder.mkdir()
    for name, array in small.items():
        (folder / rename(name)).write_bytes(plain(array))
    images = data.download("fashion_mnist", tmp_path, progress=False, mirror="http://127.0.0.1:9/")
    assert np.array_equal(images.train, PIXELS) and np.array_equal(images.test_labels, [0, 1])
    assert images.names == downloads.SOURCES["fashion_mnist"].names
