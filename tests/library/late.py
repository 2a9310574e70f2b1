"""An answer that takes time to find is found when it is first asked for, and not when the tests are collected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Late(NamedTuple):
    """find() is the answer."""

    find: Callable[[], Any]
