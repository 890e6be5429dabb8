"""One endpoint as an operation of the document: address, parameters, body, answers, who may."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from openapi_pydantic import MediaType, Operation, Parameter, Reference, RequestBody, Schema
from werkzeug.routing import Rule
from werkzeug.routing.converters import AnyConverter, IntegerConverter, UUIDConverter

from app.api import preconditions, problems, replays
from app.api.document import outcomes
from app.api.document.schemas import Schemas, plain
from app.api.endpoints import Contract
from app.kernel.idempotency import KEY_LENGTH
from app.web.access import UNSAFE

_LARGEST = 2**63 - 1
_ARGUMENTS = {
    "account_number": "The number of a savings account, such as `SV-000123`.",
    "allocation_id": "The id of a share of a payment.",
    "member_id": "The member's id.",
    "member_number": "The member's number, such as `M000123`.",
    "payment_id": "The payment's id.",
    "payment_reference": "The payment's id, or M-PESA's CheckoutRequestID.",
    "product_id": "The product's id.",
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one address, with what it declares."""

    rule: Rule
    method: str
    view: Callable[..., Any]
    contract: Contract

    @property
    def path(self) -> str:
        """The address as the document writes it: ``/api/members/{member_id}``."""
        return re.sub(r"<(?:[^:<>]+:)?(\w+)>", r"{\1}", self.rule.rule)

    @property
    def room(self) -> str:
        """What the room's door says it is for."""
        return _first_line(sys.modules[inspect.unwrap(self.view).__module__].__doc__)


def tag_of(endpoint: Endpoint) -> str:
    """The room that an endpoint is a door of: its blueprint, without the word for the kind of door."""
    return endpoint.rule.endpoint.split(".")[0].removesuffix("_api")


def operation(endpoint: Endpoint, schemas: Schemas) -> Operation:
    """What is said about one endpoint."""
    contract, words = endpoint.contract, inspect.getdoc(endpoint.view) or ""
    return Operation(
        tags=[tag_of(endpoint)],
        operationId=endpoint.rule.endpoint.replace("_api.", "_"),
        summary=_first_line(words).rstrip("."),
        description=_description(contract, words),
        parameters=_parameters(endpoint, schemas) or None,
        requestBody=_body(contract, schemas),
        responses=outcomes.of(
            contract,
            method=endpoint.method,
            has_address=bool(endpoint.rule.arguments),
            answer=schemas.reference(contract.answer),
            problem=schemas.reference(problems.ProblemBody),
        ),
        security=[{"token": [contract.scope]}] if contract.scope else [],
    )


def _description(contract: Contract, words: str) -> str:
    more = words.partition("\n")[2].strip()
    needed = f"Scope: `{contract.scope}`." if contract.scope else "No token is needed."
    return f"{more}\n\n{needed}".strip()


def _parameters(endpoint: Endpoint, schemas: Schemas) -> list[Parameter | Reference]:
    contract = endpoint.contract
    found: list[Parameter | Reference] = [_argument(endpoint.rule, name) for name in sorted(endpoint.rule.arguments)]
    if contract.query:
        found += [
            _parameter(
                name,
                "query",
                schema.get("description"),
                plain(**schema),
                required=schemas.is_needed(contract.query, name),
            )
            for name, schema in schemas.parameters(contract.query).items()
        ]
    if contract.takes_key(endpoint.method):
        found.append(_key(contract))
    if contract.version:
        found.append(_precondition(endpoint.method))
    return found


def _argument(rule: Rule, name: str) -> Parameter:
    return _parameter(name, "path", _ARGUMENTS[name], _part(rule._converters[name]), required=True)


def _part(converter: object) -> Schema:
    """What may stand in this part of an address, as the router reads it."""
    match converter:
        case UUIDConverter():
            return plain(type="string", format="uuid")
        case IntegerConverter():
            return plain(type="integer", minimum=0, maximum=_LARGEST)
        case AnyConverter():
            return plain(type="string", enum=sorted(converter.items))
        case _:
            return plain(type="string", minLength=1)


def _key(contract: Contract) -> Parameter:
    return _parameter(
        replays.HEADER,
        "header",
        "A key of your own for this request: sent again with it, nothing is done twice.",
        plain(type="string", pattern=f"^[!-~]{{1,{KEY_LENGTH}}}$", examples=["till-3-2026-11-22-0041"]),
        required=contract.moves_money,
    )


def _precondition(method: str) -> Parameter:
    if method in UNSAFE:
        words = "The ETag of the record that you read and now change."
        tag = plain(type="string", pattern='^"[0-9]+"$', examples=['"3"'])
        return _parameter(preconditions.HEADER, "header", words, tag, required=True)
    words = "The ETag of the record that you have: answered with 304 if it is still the same."
    return _parameter("If-None-Match", "header", words, plain(type="string", examples=['"3"']), required=False)


def _parameter(name: str, place: str, words: str | None, schema: Schema, *, required: bool) -> Parameter:
    facts = {"name": name, "in": place, "required": required, "schema": schema}
    return Parameter.model_validate(facts | ({"description": words} if words else {}))


def _body(contract: Contract, schemas: Schemas) -> RequestBody | None:
    if contract.body is None:
        return None
    schema = schemas.reference(contract.body, "validation")
    return RequestBody(required=contract.scope is not None, content={"application/json": MediaType(schema=schema)})


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]
