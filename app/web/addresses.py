"""Addresses that a browser brings along, and whether we send anybody there."""

from __future__ import annotations

from urllib.parse import urlsplit


def is_own_path(target: str) -> bool:
    """Whether an address leads to one of our own pages and nowhere else, however a browser may read it.

    Browsers take ``//evil`` and ``/\\evil`` for other sites, and drop tabs and line breaks before they look.
    """
    if not target.startswith("/") or target.startswith("//") or "\\" in target or not target.isprintable():
        return False
    parts = urlsplit(target)
    return not parts.scheme and not parts.netloc
