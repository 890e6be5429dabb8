"""Whatever goes wrong under /api is told as application/problem+json (RFC 9457), in one shape."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask, Response, g, request
from pydantic import ConfigDict, Field

from app.kernel.answers import Answer
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
    412: "Changed meanwhile",
    413: "Body too large",
    415: "Unsupported media type",
    422: "Fields are wrong",
    428: "Version needed",
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


class FieldProblem(Answer):
    """What is wrong with one field."""

    field: str = Field(description="Its name; parts of lists by place, as in `next_of_kin.0.name`.")
    detail: str = Field(description="A sentence that can stand beside the field.")


class ProblemBody(Answer):
    """What went wrong (RFC 9457)."""

    model_config = ConfigDict(title="Problem")

    type: str = Field(pattern=f"^{TYPE}[a-z_]+$", description="The kind of problem: what programs compare.")
    title: str
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="A sentence for a person; says whether anything was done.")
    errors: list[FieldProblem]
    request_id: str | None = Field(description="Names this request in our log.")


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
    body = ProblemBody(
        type=TYPE + code,
        title=TITLES.get(status, "Refused"),
        status=status,
        detail=detail,
        errors=[FieldProblem(field=name, detail=sentence) for name, sentence in (fields or {}).items()],
        request_id=g.get("request_id"),
    )
    return Response(body.model_dump_json(), status=status, content_type=MEDIA_TYPE)


def _code(problem: Problem) -> str:
    return TITLES.get(problem.status, "refused").lower().replace(" ", "_") if problem.code == "http" else problem.code


def _challenge() -> str:
    return 'Bearer realm="pamoja"' + (', error="invalid_token"' if "Authorization" in request.headers else "")
