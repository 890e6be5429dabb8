"""Whatever goes wrong under /api is told as application/problem+json (RFC 9457), in one shape."""

from __future__ import annotations

import json
from collections.abc import Mapping

from flask import Flask, Response, g, request

from app.web import errors
from app.web.errors import Problem

PREFIX = "/api/"
TYPE = "urn:pamoja:problem:"  # names the kind of problem; programs compare it, nobody opens it
MEDIA_TYPE = "application/problem+json"

TITLES = {
    400: "Bad request",
    401: "Token needed",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Body too large",
    415: "Unsupported media type",
    422: "Fields are wrong",
    429: "Too many requests",
    500: "Internal error",
    503: "Not available",
}

# What the router and the server refuse before any of our own sentences is reached.
_PLAIN = {
    400: "The request could not be read.",
    404: "There is nothing at this address.",
    405: "This address does not take that method; see the header Allow.",
    408: "The request took too long to arrive.",
    413: "The body is too large.",
    415: "This media type is not read here.",
    429: "Too many requests; wait as long as the header Retry-After says.",
}


def install(app: Flask) -> None:
    """Answer problems of programs in their own words."""
    errors.edge(app, PREFIX, render)


def render(problem: Problem) -> Response:
    """A problem as programs read it."""
    detail = problem.message
    if problem.code == "http":
        detail = _PLAIN.get(problem.status, "This request cannot be answered.")
    response = problem_response(problem.status, code=_code(problem), detail=detail, fields=problem.errors)
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = _challenge()
    return response


def problem_response(status: int, *, code: str, detail: str, fields: Mapping[str, str] | None = None) -> Response:
    """The body: what kind of problem, what to say to a person, and what is wrong with each field."""
    title = TITLES.get(status, "Refused")
    body = {
        "type": TYPE + code,
        "title": title,
        "status": status,
        "detail": detail,
        "errors": [{"field": name, "detail": sentence} for name, sentence in (fields or {}).items()],
        "request_id": g.get("request_id"),
    }
    return Response(json.dumps(body), status=status, content_type=MEDIA_TYPE)


def _code(problem: Problem) -> str:
    return TITLES.get(problem.status, "refused").lower().replace(" ", "_") if problem.code == "http" else problem.code


def _challenge() -> str:
    return 'Bearer realm="pamoja"' + (', error="invalid_token"' if "Authorization" in request.headers else "")
