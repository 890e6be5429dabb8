"""Edits say which version they were made from, so that nobody overwrites what he has not seen (RFC 9110, 13)."""

from __future__ import annotations

import re

from flask import Response, after_this_request, request

from app.api.errors import Malformed, VersionNeeded, VersionStale

HEADER = "If-Match"
_TAG = r'(?:W/)?"[^"]*"'
_TAGS = re.compile(rf"{_TAG}(?:\s*,\s*{_TAG})*")


def matching(current: int) -> int:
    """The version that the sender has seen, which is the current one.

    Refuses with VersionNeeded, Malformed and VersionStale. ``*`` would overwrite what nobody has looked at.
    """
    sent = request.headers.get(HEADER, "").strip()
    if sent in ("", "*"):
        raise VersionNeeded
    if not _TAGS.fullmatch(sent):
        raise Malformed(f'{HEADER} is not an ETag like "3", with its quotation marks. Nothing was saved.')
    if not request.if_match.contains(str(current)):
        raise stale(current)
    return current


def stale(current: int) -> VersionStale:
    """That the record has moved on; the answer carries the ETag of what is there now."""

    @after_this_request
    def name_current(response: Response) -> Response:
        response.set_etag(str(current))
        return response

    return VersionStale()


def unless_known(response: Response) -> Response:
    """Say only that nothing has changed to whoever holds this version already."""
    if response.get_etag()[0] and request.method in ("GET", "HEAD"):
        response.make_conditional(request)
    return response
