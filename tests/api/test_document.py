"""The document says what is true: every address is in it, and it is what OpenAPI 3.1 says a document is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.api.document import ASIDE, PREFIX, described, document, methods
from app.api.webhooks.events import EVENTS
from app.identity.scopes import SCOPES
from app.identity.service import tokens
from app.kernel.actor import Actor
from app.kernel.transactions import in_transaction
from tests.harness.people import hire

BY = Actor.system("tests")


@pytest.fixture(scope="module")
def _documents() -> dict[str, Any]:
    return {}


@pytest.fixture
def made(app: Flask, _documents: dict[str, Any]) -> dict[str, Any]:
    """Made once: it is the same for every test."""
    return _documents.setdefault("made", document(app))


def operations(made: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in made["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def test_every_address_of_the_api_is_described_or_left_out_for_a_reason(app: Flask, made: dict[str, Any]) -> None:
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith(PREFIX)]
    addresses = {(rule.rule, method) for rule in rules for method in methods(rule)}

    told = {(one.rule.rule, one.method) for one in described(app)}
    assert {rule for rule, _ in addresses - told} == set(ASIDE)
    assert len(told) == len(list(operations(made)))


def test_the_document_is_valid(made: dict[str, Any]) -> None:
    assert made["openapi"].startswith("3.1.")
    assert [error.message for error in OpenAPIV31SpecValidator(made).iter_errors()] == []


def test_operations_have_words_names_of_their_own_and_a_room(made: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(made)]

    assert len(names) == len(set(names))
    for path, _, operation in operations(made):
        assert operation["summary"][0].isupper(), path
        assert operation["tags"][0] in {tag["name"] for tag in made["tags"]}, path
    assert all(tag["description"].endswith(".") for tag in made["tags"])


def test_every_operation_but_the_providers_needs_a_scope_that_exists(made: dict[str, Any]) -> None:
    for path, _, operation in operations(made):
        needed = [scope for requirement in operation["security"] for scope in requirement["token"]]
        assert set(needed) <= SCOPES.keys()
        assert (needed == []) is (path == "/api/mpesa/callback"), path
        assert ("401" in operation["responses"]) is bool(needed), path


def test_every_scope_opens_something(made: dict[str, Any]) -> None:
    opened = {scope for _, _, operation in operations(made) for one in operation["security"] for scope in one["token"]}

    assert opened == SCOPES.keys()


def test_what_moves_money_needs_a_key_and_edits_need_a_version(made: dict[str, Any]) -> None:
    headers = {
        operation["operationId"]: {
            parameter["name"]: parameter["required"]
            for parameter in operation["parameters"]
            if parameter["in"] == "header"
        }
        for _, _, operation in operations(made)
        if "parameters" in operation
    }

    assert headers["mpesa_stk_push"] == {"Idempotency-Key": True}
    assert headers["payments_allocate"] == {"Idempotency-Key": True}
    assert headers["savings_open_account"] == {"Idempotency-Key": False}
    assert headers["members_edit"] == {"If-Match": True}
    assert headers["members_show"] == {"If-None-Match": False}
    assert "members_search" not in headers


def test_bodies_and_answers_are_closed(made: dict[str, Any]) -> None:
    schemas = made["components"]["schemas"].items()
    objects = {name: schema for name, schema in schemas if schema.get("type") == "object"}

    assert [name for name, schema in objects.items() if schema.get("additionalProperties") is not False] == []
    assert [name for name, schema in schemas if not schema.keys() & {"type", "anyOf"}] == ["AnyCallback"]


def test_money_is_never_a_number_in_an_answer(made: dict[str, Any]) -> None:
    account = made["components"]["schemas"]["AccountAnswer"]["properties"]

    assert account["balance"]["type"] == "string"
    assert account["balance"]["pattern"] == r"^-?\d+\.\d{2}$"


def test_what_is_refused_is_told_by_its_code(made: dict[str, Any]) -> None:
    answers = made["paths"]["/api/mpesa/stk-push"]["post"]["responses"]

    assert "urn:pamoja:problem:prompt_open" in answers["409"]["description"]
    assert list(answers["409"]["content"]) == ["application/problem+json"]
    assert {"202", "400", "401", "403", "409", "413", "415", "422", "429", "500", "503"} == set(answers)


def test_what_we_tell_by_ourselves_is_described(made: dict[str, Any]) -> None:
    assert set(made["webhooks"]) == set(EVENTS)


@pytest.fixture
def go_live(app: Flask) -> Iterator[Callable[[], None]]:
    """Call it to be in production from then on."""
    before = app.extensions["settings"]
    yield lambda: app.extensions.update(settings=replace(before, profile="production"))
    app.extensions["settings"] = before


def bearer(owner: UUID) -> dict[str, str]:
    issued = in_transaction(lambda: tokens.issue(name="reader", staff_id=owner, scopes=["society.read"], days=1, by=BY))
    return {"Authorization": f"Bearer {issued.secret}"}


def test_in_the_sandbox_anybody_may_read_it(client: FlaskClient) -> None:
    assert client.get("/api/openapi.json").json["info"]["title"] == "Pamoja"
    assert client.get("/api/docs").status_code == 200


def test_in_production_strangers_may_not(client: FlaskClient, go_live: Callable[[], None]) -> None:
    go_live()

    document, page = client.get("/api/openapi.json"), client.get("/api/docs")

    assert (document.status_code, document.mimetype) == (401, "application/problem+json")
    assert (page.status_code, page.location) == (303, "/sign-in?next=/api/docs")


def test_in_production_staff_and_programs_may(
    client: FlaskClient, signed_in: Callable[[str], FlaskClient], go_live: Callable[[], None]
) -> None:
    headers, teller = bearer(hire("teller")), signed_in("teller")
    go_live()

    assert client.get("/api/openapi.json", headers=headers).status_code == 200
    assert client.get("/api/openapi.json", headers={"Authorization": "Bearer pmj_made-up"}).status_code == 401
    assert teller.get("/api/docs").status_code == 200
    assert teller.get("/api/openapi.json").status_code == 200


def test_a_cookie_opens_nothing_else_below_api(signed_in: Callable[[str], FlaskClient]) -> None:
    assert signed_in("administrator").get("/api/members").status_code == 401
