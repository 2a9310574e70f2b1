"""A downloader for pooch that goes on where an interrupted download stopped.

pooch checks checksums and keeps the cache; its own downloader begins anew after a cut connection.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import requests

__all__ = ["ResumingDownloader"]

CHUNK = 1 << 16  # bytes
TIMEOUT = (10, 60)  # seconds to connect, seconds without a byte
WAIT = 1.0  # seconds before the second attempt, twice that before the third


class ResumingDownloader:
    """pooch's `downloader(url, output_file, pooch)`: collects in `part`, then moves it to `output_file`.

    A cut connection is tried again up to `attempts` times in all, each time from the last byte that came (HTTP
    Range); a server that does not know ranges sends all of it again. If no attempt ends well, a ConnectionError says
    so and `part` stays for the next call.
    """

    def __init__(self, part: str | Path, progress: bool = True, attempts: int = 3):
        self.part, self.progress, self.attempts = Path(part), progress, attempts

    def __call__(self, url: str, output_file: str | Path, pooch: object | None = None) -> None:
        """Fetch `url` into `output_file`, the way in which pooch calls it."""
        from requests import RequestException
        from urllib3.exceptions import HTTPError

        for attempt in range(1, self.attempts + 1):
            try:
                self._continue(url)
                break
            except (RequestException, HTTPError) as error:
                if attempt == self.attempts or not _passing(error):
                    raise ConnectionError(
                        f"{url} could not be fetched in {attempt} attempt(s): {error}. "
                        f"{self._have()} bytes are kept in {self.part}; the next call goes on "
                        f"from there. Another address can be given as `mirror`."
                    ) from error
                time.sleep(WAIT * attempt)
        os.replace(self.part, output_file)

    def _have(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _continue(self, url: str) -> None:
        """Append the rest of the file to `part`, or write all of it where the server cannot send the rest."""
        import requests

        have = self._have()
        headers = {"Accept-Encoding": "identity"}  # the bytes as stored: checksums are of these
        if have:
            headers["Range"] = f"bytes={have}-"
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
            sent = response.headers.get("Content-Range", "")
            rest = response.status_code == 206 and sent.startswith(f"bytes {have}-")
            if have and not rest and response.status_code in (206, 416):  # not the bytes that were asked for
                self.part.unlink()
                return self._continue(url)
            response.raise_for_status()
            self._write(response, have if rest else 0)

    def _write(self, response: requests.Response, have: int) -> None:
        from tqdm.auto import tqdm

        length = response.headers.get("Content-Length")
        bar = tqdm(
            total=have + int(length) if length else None,
            initial=have,
            unit="B",
            unit_scale=True,
            desc=self.part.stem,
            disable=not self.progress,
        )
        with bar, open(self.part, "ab" if have else "wb") as file:
            for chunk in response.raw.stream(CHUNK, decode_content=False):
                file.write(chunk)
                bar.update(len(chunk))


def _passing(error: Exception) -> bool:
    """Whether another attempt may help: not where the server says that the fault is the request's (4xx)."""
    response = getattr(error, "response", None)
    return not isinstance(error, ValueError) and (response is None or response.status_code >= 500)
