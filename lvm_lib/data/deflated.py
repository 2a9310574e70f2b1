"""The embedded images as a page takes them: the compressed bytes of their file, as they stand in it."""

from __future__ import annotations

import base64
import io
import json
import zipfile
import zlib
from pathlib import Path

import numpy as np

from .binary import binarised
from .embedded import known, load

__all__ = ["PART", "STEP", "beside", "deflated", "page_script"]

PART = 4500  # clothes that a page loads to train on: all 9,000 would take 2.6 MB, these take 1.4
STEP = 17  # grey levels between two of the 16 that are kept of them
SEEN, NAMED = 500, 200  # test clothes, and those of them whose class is told


def deflated(name: str, split: str = "train") -> bytes:
    """The images of an embedded set, "train" or "test": a deflated file of NumPy, header and all.

    Raises ValueError for another name or split.
    """
    if split not in ("train", "test"):
        raise ValueError(f"split must be 'train' or 'test', got {split!r}")
    path = Path(__file__).with_name(f"{known(name)}.npz")
    with zipfile.ZipFile(path) as stored, path.open("rb") as raw:
        about = stored.getinfo(f"{split}.npy")
        raw.seek(about.header_offset + 26)  # where a local header says how long its name and its extras are
        lengths = raw.read(4)
        skipped = int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")
        raw.seek(about.header_offset + 30 + skipped)
        return raw.read(about.compress_size)


def coarse(images: np.ndarray) -> np.ndarray:
    """Grey levels 0 to 255 as the nearest of 16, 0 to 15: times STEP they are levels again."""
    return np.round(np.asarray(images) / STEP).astype(np.uint8)


def beside(name: str) -> tuple[dict[str, bytes], dict]:
    """What a page loads of a set beside its figures, deflated; and what it must know of it.

    Digits: the training images. Clothing: the first PART training images in 16 grey levels, and the test images (those
    of the digits travel with the figure). Raises ValueError for another name.
    """
    if known(name) == "digits":
        return {"train": deflated(name)}, {"scale": 1}
    images, header = load(name), io.BytesIO()
    np.save(header, coarse(images.train[:PART]))
    parts = {"train": header.getvalue(), "grey": coarse(images.test[:SEEN]).tobytes()}
    pixels = np.packbits(binarised(name)[:SEEN].reshape(SEEN, -1), axis=1).tobytes()
    about = {"scale": STEP, "labels": images.test_labels[:NAMED].tolist(), "names": list(images.names), "count": PART}
    return {key: _deflate(raw) for key, raw in parts.items()} | {"pixels": pixels}, about


def _deflate(raw: bytes) -> bytes:
    work = zlib.compressobj(9, zlib.DEFLATED, -15)
    return work.compress(raw) + work.flush()


def page_script(name: str) -> str:
    """The script with a set's images, which a page loads when a reader first trains on it.

    Raises ValueError for another name.
    """
    parts, about = beside(name)
    held = {**{key: base64.b64encode(raw).decode() for key, raw in parts.items()}, **about}
    return f'lvmFigureState("{name}-images",{json.dumps(held, separators=(",", ":"))});\n'
