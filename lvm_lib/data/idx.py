"""The idx file format, in which MNIST and Fashion-MNIST are published.

Two zero bytes, a type code (8: unsigned byte), the number of axes, each axis' length as a big-endian 32-bit integer,
then the entries, last axis fastest. Here the files are gzipped.
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np

__all__ = ["read_idx"]

UNSIGNED_BYTE = 8


def read_idx(path, ndim: int) -> np.ndarray:
    """The uint8 array with `ndim` axes in the gzipped idx file `path`; a ValueError names a file that is none."""
    path = Path(path)
    try:
        content = gzip.decompress(path.read_bytes())
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path} is not a whole gzip file ({error})") from None
    start = 4 + 4 * ndim
    if content[:4] != bytes([0, 0, UNSIGNED_BYTE, ndim]) or len(content) < start:
        raise ValueError(f"{path} is not an idx file of bytes with {ndim} axes: it begins with {content[:4].hex()!r}")
    shape = tuple(int(length) for length in np.frombuffer(content, ">u4", count=ndim, offset=4))
    if len(content) - start != np.prod(shape, dtype=np.int64):
        raise ValueError(f"{path} announces the shape {shape} but holds {len(content) - start} entries")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
