"""Names of files: what a browser sent is only remembered for people, and never a path, a header or a key."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath
from urllib.parse import quote

from app.kernel.files.kinds import Kind

LONGEST_NAME = 120
_UNSAFE_IN_ASCII = re.compile(r"[^A-Za-z0-9 ._()-]+", re.A)
_RESERVED = re.compile(r'[<>:"|?*]')  # what Windows refuses in a name


def clean(name: str) -> str:
    """The last part of a name, in one line, without control and direction characters, and short.

    ``../../app.py`` is ``app.py``; a right-to-left mark cannot make ``exe.pdf`` of ``fdp.exe``.
    """
    last = re.split(r"[\\/]", unicodedata.normalize("NFC", name))[-1]
    kept = "".join(letter for letter in last if unicodedata.category(letter)[0] != "C")
    line = " ".join(_RESERVED.sub("_", kept).split()).strip(". ")
    path = PurePosixPath(line or "file")
    room = LONGEST_NAME - len(path.suffix)
    return f"{path.stem[:room].rstrip()}{path.suffix}" if room > 0 else line[:LONGEST_NAME]


def served(name: str, kind: Kind) -> str:
    """The name under which a file leaves: its stem, and the ending of what it really is."""
    stem = PurePosixPath(clean(name)).stem or "file"
    return f"{stem}{kind.extensions[0]}"


def attachment(name: str) -> str:
    """A Content-Disposition by RFC 6266: ASCII for old browsers, UTF-8 for the others; nothing can end the header."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = _UNSAFE_IN_ASCII.sub("_", plain).strip() or "file"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
