"""The idx file format, in which MNIST and Fashion-MNIST are published.

Two zero bytes, a type code (8: unsigned byte), the number of axes, each axis' length as a big-endian 32-bit integer,
then the entries, last axis fastest. The files are published gzipped. Browsers and archive programs unzip them on the
way and rename them, so the content says what a file is: the two bytes 1f 8b begin a gzip file.
"""

from __future__ import annotations

import gzip
import math
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
    """`path`, or the file that it became: without or with .gz, with a dot before "idx", in a folder of its own name.

        train-images-idx3-ubyte.gz    train-images-idx3-ubyte    train-images.idx3-ubyte    ...

    Raises FileNotFoundError, with the names that were tried.
    """
    path = Path(path)
    candidates = [path, *(path.parent / name for name in _other_names(path.name))]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    tried = ", ".join(str(candidate.relative_to(path.parent)) for candidate in candidates)
    raise FileNotFoundError(f"{path} must name an idx file, found none in {path.parent} under the names {tried}")


def _other_names(name: str) -> Iterator[str]:
    plain = name.removesuffix(".gz")
    stems = dict.fromkeys((plain, plain.replace("-idx", ".idx"), plain.replace(".idx", "-idx")))
    for stem in stems:
        yield from (stem, f"{stem}.gz", f"{stem}/{stem}", f"{stem}.gz/{stem}")


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
