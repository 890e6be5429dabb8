"""How an endpoint may answer: its success, what it refuses, and what can befall every request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from openapi_pydantic import Header, MediaType, Reference, Response
from werkzeug.http import HTTP_STATUS_CODES

from app.api import answers, problems
from app.api.document.schemas import plain
from app.api.endpoints import Contract
from app.kernel.answers import PageAnswer, VersionedAnswer
from app.kernel.errors import Refusal
from app.web.access import UNSAFE

CREATED = 201
_EVERYWHERE = {
    400: "The request cannot be understood: a parameter that is unknown, repeated or unreadable.",
    401: "There is no token, or it is unknown, expired or revoked.",
    403: "The token lacks the scope, or its owner no longer has the right.",
    429: "Too many requests; `Retry-After` says how many seconds to wait.",
    500: "A mistake of ours. It is recorded under `request_id`. A request with a key may be sent again.",
    503: "The database or another part does not answer, or somebody holds the same record. Try again later.",
}
_BY_KIND = {
    404: "There is no such record, or it is out of reach of the token's owner.",
    412: "The record has changed since it was read; the `ETag` names what is there now. Nothing was saved.",
    413: "The body is larger than any real one.",
    415: "The body is not declared as `application/json`.",
    422: "Fields are wrong; `errors` has a sentence for each. Nothing was done.",
    428: "The header `If-Match` is missing. Nothing was saved.",
}
_HEADERS = {
    "X-Request-ID": "Names this request in our log; quote it when you ask for help.",
    "Retry-After": "Seconds to wait before the next request.",
    "WWW-Authenticate": "`Bearer`, as RFC 6750 has it.",
    "ETag": "The record's version; send it back in `If-Match` or `If-None-Match`.",
    "Location": "Where the new record can be read.",
    "Link": 'The next page, with `rel="next"`; absent on the last one.',
    answers.REPLAYED: "`true`: this key was used before with the same body, and this is the first answer again.",
}
_ON_PROBLEM = {401: ("WWW-Authenticate",), 412: ("ETag",), 429: ("Retry-After",), 503: ("Retry-After",)}


def headers() -> dict[str, Header | Reference]:
    """The headers of answers, described once."""
    return {name: Header(description=text, schema=plain(type="string")) for name, text in _HEADERS.items()}


def common(problem: Reference) -> dict[str, Response | Reference]:
    """The answers that need no words of an endpoint's own."""
    return {_name(status): _problem(status, text, problem) for status, text in (_EVERYWHERE | _BY_KIND).items()}


def of(
    contract: Contract, *, method: str, has_address: bool, answer: Reference, problem: Reference
) -> dict[str, Response | Reference]:
    """Every answer that this endpoint may give, by status."""
    found: dict[str, Response | Reference] = {str(contract.status): _success(contract, method, answer)}
    if contract.version and method == "GET":
        found["304"] = Response(description="Unchanged: the sender has this version.", headers=_named("ETag"))
    refused = _by_status(contract.refuses)
    for status in sorted({*_usual(contract, method, has_address), *refused}):
        text = (_EVERYWHERE | _BY_KIND).get(status, "The state of things no longer allows it. Nothing was done.")
        if status in refused:
            found[str(status)] = _problem(status, text + "\n\n" + _codes(refused[status]), problem)
        else:
            found[str(status)] = Reference(**{"$ref": f"#/components/responses/{_name(status)}"})
    return found


def _usual(contract: Contract, method: str, has_address: bool) -> set[int]:
    found = set(_EVERYWHERE) if contract.scope else {400, 429, 500, 503}
    if has_address:
        found.add(404)
    if contract.query:
        found.add(422)
    if method in UNSAFE:
        found.add(413)
    if method in UNSAFE and contract.scope:
        found |= {415, 422}
        if contract.version:
            found |= {412, 428}
    return found


def _success(contract: Contract, method: str, answer: Reference) -> Response:
    named = ["X-Request-ID"]
    if issubclass(contract.answer, VersionedAnswer):
        named.append("ETag")
    if issubclass(contract.answer, PageAnswer):
        named.append("Link")
    if contract.status == CREATED:
        named.append("Location")
    if contract.takes_key(method):
        named.append(answers.REPLAYED)
    return Response(
        description=(contract.answer.__doc__ or "").strip().splitlines()[0],
        headers=_named(*named),
        content={"application/json": MediaType(schema=answer)},
    )


def _problem(status: int, text: str, problem: Reference) -> Response:
    return Response(
        description=text,
        headers=_named("X-Request-ID", *_ON_PROBLEM.get(status, ())),
        content={problems.MEDIA_TYPE: MediaType(schema=problem)},
    )


def _codes(refusals: Iterable[type[Refusal]]) -> str:
    return "\n".join(
        f"* `{problems.TYPE}{kind.code}`: {(kind.__doc__ or '').strip().splitlines()[0]}" for kind in refusals
    )


def _by_status(refusals: Iterable[type[Refusal]]) -> Mapping[int, list[type[Refusal]]]:
    found: dict[int, list[type[Refusal]]] = {}
    for kind in refusals:
        found.setdefault(kind.status, []).append(kind)
    return found


def _named(*names: str) -> dict[str, Header | Reference]:
    return {name: Reference(**{"$ref": f"#/components/headers/{name}"}) for name in names}


def _name(status: int) -> str:
    return HTTP_STATUS_CODES[status].title().replace(" ", "").replace("-", "")
