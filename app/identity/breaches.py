"""Passwords that were found in data breaches, from a list on this machine: a password that is asked about stays here.

The list is that of haveibeenpwned.com, ordered by hash: lines like ``000000005AD76BD555C1D6D771DE417A4B87E4B4:10``.
It has many gigabytes, so it is not read but searched where it lies. Without one, the common passwords that come with
zxcvbn are all that is known; see ``passwords``.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import BinaryIO

from flask import current_app, has_app_context

from config import Settings

HASH_LENGTH = 40


def is_known(password: str) -> bool:
    """Whether the list, if there is one, holds this password."""
    settings: Settings | None = current_app.extensions["settings"] if has_app_context() else None
    if settings is None or settings.breached_passwords is None:
        return False
    wanted = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
    path = Path(settings.breached_passwords)
    with path.open("rb") as lines:
        return _holds(lines, wanted, size=path.stat().st_size)


def _holds(lines: BinaryIO, wanted: bytes, *, size: int) -> bool:
    """Halve the stretch in which the line must begin, until it is found or there is none."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        found, start = _line_from(lines, middle)
        if not found or found >= wanted:
            high = middle
        else:
            low = start + len(found)
        if found == wanted:
            return True
    return False


def _line_from(lines: BinaryIO, position: int) -> tuple[bytes, int]:
    """The hash of the first line that begins at this position or behind it, and where that is."""
    lines.seek(max(position - 1, 0))
    if position > 0:
        lines.readline()
    start = lines.tell()
    return lines.readline()[:HASH_LENGTH].upper().strip(), start
