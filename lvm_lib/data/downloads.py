"""The full MNIST and Fashion-MNIST, fetched when asked for and checked against published checksums."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .._checks import describe
from .embedded import CLOTHING, DIGITS
from .idx import find_idx, read_idx
from .images import Images
from .resume import ResumingDownloader

__all__ = ["SOURCES", "Source", "download"]

TRAIN, TRAIN_LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"
TEST, TEST_LABELS = "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"


@dataclass(frozen=True)
class Source:
    """Where a full set is to be had: a base address, file name -> SHA-256, and the names of the classes."""

    mirror: str
    sha256: dict[str, str]
    names: tuple[str, ...]


SOURCES = {
    "mnist": Source(
        mirror="https://ossci-datasets.s3.amazonaws.com/mnist/",
        sha256={
            TRAIN: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            TRAIN_LABELS: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            TEST: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            TEST_LABELS: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        },
        names=DIGITS,
    ),
    "fashion_mnist": Source(
        mirror="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        sha256={
            TRAIN: "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            TRAIN_LABELS: "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            TEST: "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            TEST_LABELS: "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        },
        names=CLOTHING,
    ),
}


def download(name: str, folder: str | Path | None = None, progress: bool = True, mirror: str | None = None) -> Images:
    """The full set "mnist" or "fashion_mnist" in its official split: 60,000 training and 10,000 test images.

    The four files go to `folder`/`name` (by default into the user's cache folder) and are fetched once: the next call
    checks them and asks for nothing. An interrupted download is taken up again. A file that lies there unzipped or
    renamed (as some browsers leave it) is taken as it is: checksums are published of the zipped ones only. `mirror`
    is another base address, `progress` shows a bar for each file. Raises ValueError for another name or mirror, and
    for a file whose SHA-256 is wrong (the message gives the expected and the found one; the file is not kept);
    ConnectionError if a file cannot be fetched.
    """
    import pooch

    if not isinstance(name, str) or name not in SOURCES:
        raise ValueError(f"name must be one of {', '.join(map(repr, SOURCES))}, got {name!r}")
    source = SOURCES[name]
    base = _address(source.mirror if mirror is None else mirror)
    place = Path(pooch.os_cache("lvm_lib") if folder is None else folder).expanduser() / name
    paths = {file: _fetch(base + file, file, sha256, place, progress) for file, sha256 in source.sha256.items()}
    return Images(
        train=read_idx(paths[TRAIN], 3),
        train_labels=read_idx(paths[TRAIN_LABELS], 1),
        test=read_idx(paths[TEST], 3),
        test_labels=read_idx(paths[TEST_LABELS], 1),
        names=source.names,
    )


def _address(mirror: object) -> str:
    """The base address with a closing slash."""
    if not isinstance(mirror, str) or not mirror.startswith(("http://", "https://")):
        came = repr(mirror) if isinstance(mirror, str) else describe(mirror)
        raise ValueError(f"mirror must be an address that begins with http:// or https://, got {came}")
    return mirror.rstrip("/") + "/"


def _fetch(url: str, file: str, sha256: str, folder: Path, progress: bool) -> Path:
    """The path of one checked file, which is downloaded unless it is there already."""
    import pooch

    renamed = _renamed(folder / file)
    if renamed:
        return renamed
    part = folder / f"{file}.part"
    fetch = {
        "known_hash": f"sha256:{sha256}",
        "fname": file,
        "path": folder,
        "downloader": ResumingDownloader(part, progress),
    }
    resumes = part.exists()
    try:
        return pooch.retrieve(url, **fetch)
    except ValueError:
        if not resumes:
            raise
        return pooch.retrieve(url, **fetch)  # the part that was kept may have been bad: once more, from the start


def _renamed(path: Path) -> Path | None:
    """The file that `path` became when somebody unzipped or renamed it; None if it is as published, or not there."""
    try:
        found = find_idx(path)
    except FileNotFoundError:
        return None
    return None if found == path else found
