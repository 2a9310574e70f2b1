"""The idx file format, in which MNIST and Fashion-MNIST are published.

Two zero bytes, a type code (8: unsigned byte), the number of axes, each axis' length as a big-endian 32-bit integer,
then the entries, last axis fastest. The files are published gzipped. Browsers and archive programs unzip them on the
way and rename them, so the content says what a file is: the two bytes 1f 8b begin a gzip file.
"""

from __future__ import annotations

import gzip
import math
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

__all__ = ["find_idx", "read_idx"]

UNSIGNED_BYTE = 8
GZIP = b"\x1f\x8b"
ZIP = b"PK\x03\x04"


def read_idx(path: str | Path, ndim: int) -> np.ndarray:
    """The uint8 array with `ndim` axes in the idx file `path`, gzipped or plain; read-only.

    A file that is not there under that name is looked for under its usual other names (`find_idx`).
    Raises FileNotFoundError, and ValueError that names the file: not of this format, cut short, or of other axes.
    """
    path = find_idx(path)
    content = _unzipped(path)
    start = 4 + 4 * ndim
    if content[:4] != bytes([0, 0, UNSIGNED_BYTE, ndim]) or len(content) < start:
        raise ValueError(
            f"{path} is not an idx file of bytes with {ndim} axes, gzipped or plain: "
            f"it begins with {content[:4].hex()!r}" + (", and ends in its header" if len(content) < start else "")
        )
    shape = tuple(int(length) for length in np.frombuffer(content, ">u4", count=ndim, offset=4))
    if len(content) - start != math.prod(shape):  # in Python's integers: a damaged header may announce any number
        raise ValueError(f"{path} announces the shape {shape} but holds {len(content) - start} entries")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def find_idx(path: str | Path) -> Path:
    """`path`, or the file that it became: without or with .gz, with a dot before "idx", in a folder of such a name.

        train-images-idx3-ubyte.gz    train-images-idx3-ubyte    train-images.idx3-ubyte    ...

    Then as a second download is named, "train-images-idx3-ubyte (1).gz", and with other capitals.
    Raises FileNotFoundError, with the names that were tried.
    """
    path = Path(path)
    names = list(_other_names(path.name))
    for candidate in (path, *(path.parent / name for name in names), *_alike(path.parent, path.name)):
        if candidate.is_file():
            return candidate
    tried = ", ".join(dict.fromkeys((path.name, *names)))
    raise FileNotFoundError(
        f"{path} must name an idx file, found none in {path.parent} under the names {tried}, nor a copy of one"
    )


def _plain(name: str) -> str:
    return re.sub(r"\.gz$", "", name, flags=re.IGNORECASE)


def _other_names(name: str) -> Iterator[str]:
    plain = _plain(name)
    for stem in dict.fromkeys((plain, plain.replace("-idx", ".idx"), plain.replace(".idx", "-idx"))):
        yield from (stem, f"{stem}.gz", f"{stem}/{stem}", f"{stem}.gz/{stem}")


def _alike(folder: Path, name: str) -> list[Path]:
    """What in `folder`, and in folders of such a name in it, has one of the names that `name` may have become."""
    if not folder.is_dir():
        return []
    stem = re.escape(_plain(name)).replace(r"\-idx", "[-.]idx").replace(r"\.idx", "[-.]idx")
    names = re.compile(rf"{stem}( ?\(\d+\))?(\.gz)?", re.IGNORECASE)

    def fitting(place: Path) -> list[Path]:
        return sorted((p for p in place.iterdir() if names.fullmatch(p.name)), key=lambda p: (len(p.name), p.name))

    first = fitting(folder)
    return [*first, *(path for place in first if place.is_dir() for path in fitting(place))]


def _unzipped(path: Path) -> bytes:
    """The content of a file, unzipped as often as it was zipped."""
    content = path.read_bytes()
    if content[:4] == ZIP:
        raise ValueError(f"{path} is a zip archive: unpack it first, its files may then stay as they are")
    while content[:2] == GZIP:
        try:
            content = gzip.decompress(content)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{path} is not a whole gzip file ({error})") from None
    return content
