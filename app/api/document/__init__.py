"""The document of the JSON API (OpenAPI 3.1), made from what the endpoints declare.

Nothing is written down a second time: parameters, bodies and answers are the models that read and send them, refusals
are the classes that endpoints say they refuse with, and addresses are those of the address map.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import openapi_pydantic as openapi
from flask import Flask
from openapi_pydantic import Components, Info, OpenAPI, SecurityScheme, Server, Tag
from werkzeug.routing import Rule

from app.api import endpoints, problems
from app.api.document import outcomes, told
from app.api.document.operations import Endpoint, operation, tag_of
from app.api.document.schemas import Schemas
from app.identity.scopes import SCOPES

PREFIX = "/api/"
TITLE, VERSION = "Pamoja", "1.0"
_PROSE = """\
Everything that members of staff do on screen, for other programs. The guide with runnable examples is `docs/api.md`.

* A token acts for somebody and never may more than this person: within its scopes, the owner's role and its reach. What
  is out of reach is answered like what does not exist.
* Amounts are decimal strings in Kenya shillings, dates `YYYY-MM-DD`, instants UTC.
* A field or parameter that is not described is refused, and so is a text with a NUL in it; new fields may be added to
  answers at any time.
* What goes wrong is `application/problem+json`; compare `type`, show `detail`.
"""

ASIDE: Mapping[str, str] = {
    "/api/openapi.json": "this document itself",
    "/api/docs": "a page for people that shows this document",
}
"""Addresses below /api that the document leaves out, and why."""


def document(app: Flask) -> dict[str, Any]:
    """The whole document, made once for each application."""
    if "openapi" not in app.extensions:
        app.extensions["openapi"] = _made(app)
    return copy.copy(app.extensions["openapi"])


def described(app: Flask) -> list[Endpoint]:
    """Every endpoint of the address map that declares what it takes and answers, in the order of addresses."""
    found = []
    for rule in app.url_map.iter_rules():
        contract = endpoints.contract_of(app.view_functions[rule.endpoint])
        if contract is not None and rule.rule.startswith(PREFIX):
            found += [Endpoint(rule, method, app.view_functions[rule.endpoint], contract) for method in methods(rule)]
    return sorted(found, key=lambda one: (one.path, one.method))


def methods(rule: Rule) -> list[str]:
    """What an address is asked by; HEAD and OPTIONS follow from the others."""
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


def _made(app: Flask) -> dict[str, Any]:
    found = described(app)
    schemas = Schemas([one.contract for one in found], problem=problems.ProblemBody)
    paths: dict[str, dict[str, openapi.Operation]] = {}
    for one in found:
        paths.setdefault(one.path, {})[one.method.lower()] = operation(one, schemas)
    skeleton = OpenAPI(
        openapi="3.1.1",
        info=Info(
            title="Pamoja", version=VERSION, summary="JSON API of a savings and credit society", description=_PROSE
        ),
        jsonSchemaDialect="https://spec.openapis.org/oas/3.1/dialect/base",
        servers=[Server(url="/", description="This system")],
        tags=[Tag(name=name, description=text) for name, text in _tags(found).items()],
        paths={path: openapi.PathItem.model_validate(methods) for path, methods in paths.items()},
        components=Components(
            securitySchemes={"token": _security()},
            headers=outcomes.headers(),
            responses=outcomes.common(schemas.reference(problems.ProblemBody)),
        ),
    )
    made = skeleton.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True)
    made["components"]["schemas"] = schemas.definitions
    made["webhooks"] = told.webhooks()
    return made


def _security() -> SecurityScheme:
    scopes = "\n".join(f"* `{scope.code}`: {scope.label}" for scope in SCOPES.values())
    return SecurityScheme(
        type="http",
        scheme="bearer",
        bearerFormat="pmj_...",
        description=f"A token that an administrator issued under *API tokens*. Its scopes:\n\n{scopes}",
    )


def _tags(found: list[Endpoint]) -> dict[str, str]:
    rooms = {tag_of(one): one.room for one in sorted(found, key=tag_of)}
    return rooms | {"webhooks": "What we send to other programs by ourselves."}
