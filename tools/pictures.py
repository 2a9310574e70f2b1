"""Pictures as they are stored: few colours, and one drawing for both themes.

A figure is drawn twice, on a light ground and on a dark one. The two drawings cover the same pixels, so they are stored
as one PNG whose pixels are numbers, and two lists of colours for these numbers: one stands in the PNG, the other beside
it. The dark picture is the same file with the other list; to put it together needs no drawing and no compression.
"""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np

SIZES = (16, 32, 64, 128, 256)  # how many colours are tried
TYPICAL, RARE = 1.5, 14.0  # grey levels of 255: root mean square error, and what 999 of 1,000 pixels stay within
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def paired(light: bytes, dark: bytes) -> tuple[bytes, bytes]:
    """(PNG on the light ground, its colours on the dark one) of two drawings of one size.

    Raises ValueError where the sizes differ.
    """
    one, two = (_pixels(picture) for picture in (light, dark))
    if one.shape != two.shape:
        raise ValueError(f"both drawings must have one size, got {one.shape[1::-1]} and {two.shape[1::-1]}")
    numbers, colours = few(np.concatenate([one, two], axis=2))
    return _png(numbers, colours[:, :3]), colours[:, 3:].tobytes()


def single(picture: bytes) -> bytes:
    """A PNG in few colours, where that is smaller; one with transparent pixels stays as it is."""
    from PIL import Image

    with Image.open(io.BytesIO(picture)) as image:
        if image.convert("RGBA").getextrema()[3][0] < 255:
            return picture
    return min(picture, _png(*few(_pixels(picture))), key=len)


def recoloured(picture: bytes, colours: bytes) -> bytes:
    """The PNG `picture` with another list of colours, three bytes each.

    Raises ValueError where `picture` is no PNG with a list of that length.
    """
    if not picture.startswith(SIGNATURE):
        raise ValueError("picture must be a PNG")
    at, parts = len(SIGNATURE), [SIGNATURE]
    while at < len(picture):
        (length,) = struct.unpack_from(">I", picture, at)
        kind = picture[at + 4 : at + 8]
        if kind == b"PLTE":
            if length != len(colours):
                raise ValueError(f"colours must be {length} bytes, as many as the picture has, got {len(colours)}")
            body = kind + colours
            parts.append(struct.pack(">I", length) + body + struct.pack(">I", zlib.crc32(body)))
        else:
            parts.append(picture[at : at + 12 + length])
        at += 12 + length
    if not any(part[4:8] == b"PLTE" for part in parts[1:]):
        raise ValueError("picture must hold a list of colours")
    return b"".join(parts)


def few(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(number per pixel (h, w), colour per number (k, c)) for pixels (h, w, c): as few colours as look the same.

    Each number stands for the pixels nearest to it, and has the colour that most of these have: grounds stay exact.
    """
    h, w, c = pixels.shape
    flat = pixels.reshape(-1, c)
    weights = 256 ** np.arange(c, dtype=np.int64)  # a pixel's colours as one whole number, to find equal ones fast
    _, first, which, counts = np.unique(
        flat.astype(np.int64) @ weights, return_index=True, return_inverse=True, return_counts=True
    )
    known = flat[first].astype(np.float32)  # (n, c)
    for k in SIZES:
        if k >= len(known):
            label, chosen = np.arange(len(known)), np.arange(len(known))
            break
        label, chosen = _nearest_of(known, counts, k)
        error = np.abs(known - known[chosen[label]]).max(axis=1)
        order = np.argsort(error)
        within = error[order][np.searchsorted(np.cumsum(counts[order]), 0.999 * counts.sum())]
        if np.sqrt((counts * error**2).sum() / counts.sum()) <= TYPICAL and within <= RARE:
            break
    return label[which].reshape(h, w).astype(np.uint8), known[chosen].astype(np.uint8)


def _nearest_of(known: np.ndarray, counts: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """(cluster of each colour (n,), the colour that stands for each cluster (k,)): K-means with counts, 6 rounds."""
    chosen = [int(np.argmax(counts))]
    far = ((known - known[chosen[0]]) ** 2).sum(axis=1)
    while len(chosen) < k:  # the next start: far from those there are, and frequent
        chosen.append(int(np.argmax(far * np.sqrt(counts))))
        far = np.minimum(far, ((known - known[chosen[-1]]) ** 2).sum(axis=1))
    centres = known[chosen]
    for _ in range(6):
        label = _nearest(known, centres)
        total = np.maximum(np.bincount(label, counts, k), 1e-9)
        centres = np.stack([np.bincount(label, counts * column, k) / total for column in known.T], axis=1)
    label = _nearest(known, centres.astype(np.float32))
    order = np.lexsort((counts, label))  # by cluster, the most frequent colour last
    last = order[np.r_[np.diff(label[order]) != 0, True]]
    kept = label[last]
    renumbered = np.zeros(k, int)
    renumbered[kept] = np.arange(len(kept))
    return renumbered[label], last


def _nearest(known: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """The nearest centre of each colour, in blocks of rows."""
    squares = (centres**2).sum(axis=1)
    blocks = [known[i : i + 8192] for i in range(0, len(known), 8192)]
    return np.concatenate([(squares - 2 * block @ centres.T).argmin(axis=1) for block in blocks])


def _pixels(picture: bytes) -> np.ndarray:
    from PIL import Image

    with Image.open(io.BytesIO(picture)) as image:
        return np.asarray(image.convert("RGB"))


def _png(numbers: np.ndarray, colours: np.ndarray) -> bytes:
    from PIL import Image

    image = Image.fromarray(numbers, "P")
    image.putpalette(np.ascontiguousarray(colours).tobytes())
    found = io.BytesIO()
    image.save(found, "PNG", optimize=True)
    return found.getvalue()
