"""Fewer bytes over the wire: Brotli where the browser takes it, else gzip.

Compressing a page that holds both a secret and somebody's input lets an attacker guess the secret from the page's
length (BREACH): another site makes the browser ask again and again, each time with another guess in the address. So an
answer is compressed only when the browser says that our own page or the person asked for it (``Sec-Fetch-Site``, which
a script cannot set). See docs/decisions for the choice.
"""

from __future__ import annotations

import gzip
from collections.abc import Collection

import brotli
from flask import Flask, Response, request
from werkzeug.datastructures import Accept

PLAIN = "identity"
_QUALITY_ONCE = 11  # static files: compressed at start, so take the time
_QUALITY_LARGE = 9  # seconds for the last tenth would delay every start
_LARGE_BYTES = 200_000
_QUALITY_EACH = 5  # pages: about 1 ms for 20 KB
_GZIP_EACH = 6
_WORTH_BYTES = 400  # below this the headers weigh more than what is saved
_TEXTUAL = ("text/", "application/json", "application/problem+json", "application/javascript", "image/svg+xml")
_ASKED_FROM_ELSEWHERE = {"cross-site", "same-site"}


def all_codings(content: bytes, mimetype: str) -> dict[str, bytes]:
    """A static file in each coding; pictures that are compressed already stay as they are."""
    if not mimetype.startswith(_TEXTUAL):
        return {PLAIN: content}
    quality = _QUALITY_LARGE if len(content) > _LARGE_BYTES else _QUALITY_ONCE
    return {
        "br": brotli.compress(content, quality=quality),
        "gzip": gzip.compress(content, compresslevel=9, mtime=0),
        PLAIN: content,
    }


def best(accepted: Accept, *, offered: Collection[str]) -> str:
    """The coding to use: ours in order of size among what the browser takes at all."""
    for coding in ("br", "gzip"):
        if coding in offered and accepted.quality(coding) > 0:
            return coding
    return PLAIN


def install(app: Flask) -> None:
    """Compress every textual answer that is worth it."""
    app.after_request(_compress)


def _compress(response: Response) -> Response:
    if not _may_compress(response):
        return response
    response.vary.add("Accept-Encoding")
    coding = best(request.accept_encodings, offered=("br", "gzip"))
    if coding == PLAIN or request.headers.get("Sec-Fetch-Site") in _ASKED_FROM_ELSEWHERE:
        return response
    content = response.get_data()
    if coding == "br":
        response.set_data(brotli.compress(content, quality=_QUALITY_EACH))
    else:
        response.set_data(gzip.compress(content, compresslevel=_GZIP_EACH))
    response.headers["Content-Encoding"] = coding
    return response


def _may_compress(response: Response) -> bool:
    return (
        not response.direct_passthrough
        and not response.is_streamed
        and "Content-Encoding" not in response.headers
        and not response.get_etag()[0]  # a strong one names these very bytes
        and (response.mimetype or "").startswith(_TEXTUAL)
        and (response.content_length or 0) >= _WORTH_BYTES
    )
