"""What comes back from Daraja: an answer, a refusal in one of seven envelopes, or trouble on the way. All pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from . import fields
from .fields import Fields, Unreadable


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back from one HTTP call: a status and a text, or the trouble instead.

    ``not_sent`` means the request never left us; ``unknown`` that it may have been carried out.
    """

    status: int | None = None
    text: str = field(default="", repr=False)
    trouble: Literal["not_sent", "unknown"] | None = None

    @property
    def body(self) -> Fields | None:
        """The JSON object of the answer; None for a page, a plain text or nothing."""
        try:
            return Fields(fields.read_json(self.text))
        except Unreadable:
            return None


@dataclass(frozen=True, slots=True)
class Fault:
    """Why Daraja refused, whichever of its envelopes it used."""

    status: int | None
    code: str
    message: str


def read_fault(reply: Reply) -> Fault:
    """The error code and text of a refusal (envelopes E1 to E7).

    A refusal without any code we know keeps an empty one; its text is whatever can be shown.
    """
    body = reply.body
    if body is None:
        return Fault(reply.status, "", re.sub(r"<[^>]*>|\s+", " ", reply.text).strip()[:200])
    for nested in ("fault", "ResponseHeader", "header"):
        inner = body.get(nested)
        if isinstance(inner, Mapping):
            return _nested_fault(reply.status, Fields(inner), body)
    code = lenient(body, "errorCode", "rescode", "ResponseCode", "ResponseStatus")
    words = lenient(
        body, "errorMessage", "resmsg", "Status_Message", "ResponseDescription", "ResponseMessage", "error_description"
    )
    return Fault(reply.status, code, words)


def _nested_fault(status: int | None, inner: Fields, body: Fields) -> Fault:
    detail, inside = inner.get("detail"), body.get("body")
    code = lenient(inner, "responseCode", "status")
    if isinstance(detail, Mapping):
        code = lenient(Fields(detail), "errorcode") or code
    words = lenient(inner, "faultstring", "responseDescription", "ResponseMessage", "message")
    if isinstance(inside, Mapping):
        words = lenient(Fields(inside), "message") or words
    return Fault(status, code, words)


def lenient(values: Fields, *names: str) -> str:
    """A text for an error report, where an odd type must not raise a second error."""
    value = values.get(*names)
    return value.strip() if isinstance(value, str) else str(value) if isinstance(value, int) else ""


def is_accepted(reply: Reply, *codes: str) -> bool:
    """Did Daraja answer with its success code (``0``; pull says ``1000``)?"""
    body = reply.body
    if reply.status != 200 or body is None:
        return False
    return lenient(body, "ResponseCode", "ResponseStatus") in (codes or ("0",))
