"""What a view returned becomes an answer: its status, its body, and the headers that say how to go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Response, jsonify, request, url_for

from app.kernel.answers import Answer, PageAnswer, VersionedAnswer
from app.kernel.idempotency import Once

REPLAYED = "Idempotent-Replayed"


@dataclass(frozen=True, slots=True)
class Created:
    """What was made, and the address at which it can be read."""

    made: Answer | Once
    location: str


def response(result: Answer | Once | Created, *, status: int) -> Response:
    """What a view returned, as it is sent."""
    if isinstance(result, Created):
        made = response(result.made, status=status)
        made.headers["Location"] = result.location
        return made
    if isinstance(result, Once):
        sent = jsonify(result.value)
        if result.replayed:
            sent.headers[REPLAYED] = "true"
    else:
        sent = jsonify(result.model_dump(mode="json"))
    sent.status_code = status
    if isinstance(result, VersionedAnswer):
        sent.set_etag(str(result.version))
    if isinstance(result, PageAnswer) and result.next:
        sent.headers["Link"] = f'<{_page_after(result.next)}>; rel="next"'
    return sent


def _page_after(token: str) -> str:
    """This list, with the same filter, from the next page on."""
    assert request.endpoint is not None, "a view answers"
    asked: dict[str, Any] = {**(request.view_args or {}), **request.args.to_dict(), "after": token}
    return url_for(request.endpoint, **asked)
