"""Every address, walked by everybody: who may, who may not, and nothing that nobody has thought about."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.identity.scopes import SCOPES
from app.identity.service import tokens
from app.kernel.actor import Actor
from app.kernel.transactions import in_transaction
from app.web.access import Public, declared
from app.web.cookies import COOKIELESS
from tests.harness.people import CSRF_SECRET, csrf_token, hire
from tests.identity import matrix
from tests.identity.test_sign_in import csrf_token as token_of_page

PASSWORD = "four quiet elephants wade"
LAST = ("POST", "/sign-out")  # whoever walks on after this is somebody else


@pytest.fixture
def rules(app: Flask) -> dict[tuple[str, str], Rule]:
    return matrix.addresses(app)


def walk() -> list[matrix.Row]:
    return sorted(matrix.meant(), key=lambda row: row.key == LAST)


def ask(client: FlaskClient, app: Flask, row: matrix.Row, rule: Rule, headers: dict[str, str]) -> TestResponse:
    address = matrix.address_of(app, rule)
    if address.startswith("/api/") and row.method != "GET":
        return client.open(address, method=row.method, json={}, headers={**headers, "Idempotency-Key": "walk"})
    return client.open(address, method=row.method, headers=headers)


def is_let_in(answer: TestResponse) -> bool:
    return answer.status_code not in (401, 403) and not (answer.location or "").startswith("/sign-in")


def test_every_address_says_who_may_reach_it(app: Flask, rules: dict[tuple[str, str], Rule]) -> None:
    silent = [key for key, rule in rules.items() if declared(app.view_functions[rule.endpoint]) is None]

    assert silent == []


def test_every_address_has_a_row_and_every_row_an_address(app: Flask, rules: dict[tuple[str, str], Rule]) -> None:
    rows = {row.key for row in matrix.meant()}

    new = [matrix.as_declared(app, method, rules[method, rule]).as_line() for method, rule in rules.keys() - rows]
    assert new == [], "check these against what is meant and add them to access_matrix.csv:\n" + "\n".join(sorted(new))
    assert rows - rules.keys() == set()


def test_what_is_open_says_why(app: Flask, rules: dict[tuple[str, str], Rule]) -> None:
    for key, rule in rules.items():
        declaration = declared(app.view_functions[rule.endpoint])
        if isinstance(declaration, Public):
            assert len(declaration.reason.split()) > 3, key


def test_nothing_but_sign_in_and_the_watchdogs_is_open_to_browsers() -> None:
    open_pages = {row.rule for row in matrix.meant() if row.anonymous == "open" and not row.rule.startswith(COOKIELESS)}

    assert open_pages == {"/sign-in", "/welcome", "/healthz", "/readyz", "/metrics", "/static/<path:filename>"}


def test_who_is_not_signed_in_gets_no_further(
    app: Flask, client: FlaskClient, rules: dict[tuple[str, str], Rule]
) -> None:
    with client.session_transaction() as cookie:
        cookie["csrf_token"] = CSRF_SECRET
    headers = {"X-CSRFToken": csrf_token(app)}

    for row in walk():
        answer = ask(client, app, row, rules[row.key], headers)
        if row.anonymous == "open":
            assert is_let_in(answer), row.key
        elif row.anonymous == "token":
            assert (answer.status_code, answer.mimetype) == (401, "application/problem+json"), row.key
        else:
            assert answer.status_code == 303, row.key
            assert (answer.location or "").startswith("/sign-in"), row.key


@pytest.mark.parametrize("role", matrix.ROLES)
def test_each_role_may_what_the_table_says_and_nothing_else(
    app: Flask, client: FlaskClient, rules: dict[tuple[str, str], Rule], role: str
) -> None:
    headers = sign_in(client, role)

    for row in walk():
        if row.anonymous == "token":
            continue
        answer = ask(client, app, row, rules[row.key], headers)
        if row.roles[role] == "no":
            assert answer.status_code == 403, row.key
            assert "Your role does not include this." in answer.text, row.key
        elif row.key != LAST:
            assert is_let_in(answer), (row.key, answer.status_code)
        else:
            assert (answer.status_code, answer.location) == (303, "/sign-in")


@pytest.mark.parametrize("role", matrix.ROLES)
def test_a_token_gives_no_more_than_its_owner_may(
    app: Flask, client: FlaskClient, rules: dict[tuple[str, str], Rule], role: str
) -> None:
    owner, by = hire(role), Actor.system("tests")
    issued = in_transaction(lambda: tokens.issue(name="walk", staff_id=owner, scopes=SCOPES.keys(), days=1, by=by))
    headers = {"Authorization": f"Bearer {issued.secret}"}

    for row in walk():
        if row.anonymous == "token":
            answer = ask(client, app, row, rules[row.key], headers)
            assert is_let_in(answer) is (row.roles[role] != "no"), (row.key, answer.text)


@pytest.mark.parametrize("role", ["administrator"])
def test_no_form_is_taken_without_our_token(
    app: Flask, client: FlaskClient, rules: dict[tuple[str, str], Rule], role: str
) -> None:
    sign_in(client, role)

    for row in walk():
        if row.method == "GET" or row.rule.startswith(COOKIELESS):
            continue
        for headers in ({}, {"X-CSRFToken": "made-up"}):
            answer = ask(client, app, row, rules[row.key], headers)
            assert answer.status_code == 403, row.key
            assert "refresh" in answer.text, row.key


def test_a_token_of_somebody_elses_page_is_not_ours(app: Flask, client: FlaskClient) -> None:
    sign_in(client, "administrator")
    other = app.test_client()
    foreign = token_of_page(other.get("/sign-in"))

    assert client.post("/sign-out", data={"csrf_token": foreign}).status_code == 403


def test_what_declares_nothing_is_refused_even_to_the_administrator(app: Flask, client: FlaskClient) -> None:
    headers = sign_in(client, "administrator")
    view = app.view_functions["home.more"]
    app.view_functions["home.more"] = lambda: "never seen"
    try:
        answer = client.get("/more", headers=headers)
    finally:
        app.view_functions["home.more"] = view

    assert answer.status_code == 403
    assert "never seen" not in answer.text


def sign_in(client: FlaskClient, role: str) -> dict[str, str]:
    """Sign in for real; returns the headers that our pages send along."""
    hire(role, username=role, password=PASSWORD)
    form = {"username": role, "password": PASSWORD, "csrf_token": token_of_page(client.get("/sign-in"))}
    assert client.post("/sign-in", data=form).status_code == 303
    return {"X-CSRFToken": token_of_page(client.get("/account/password"))}


def test_a_nul_is_refused_wherever_it_is_typed(
    app: Flask, client: FlaskClient, rules: dict[tuple[str, str], Rule]
) -> None:
    headers = sign_in(client, "administrator")

    for row in walk():
        address = matrix.address_of(app, rules[row.key])
        if row.rule.startswith(COOKIELESS) or row.rule.startswith("/static/") or row.key == LAST:
            continue
        answers = [client.open(f"{address}?q=a%00b", method=row.method, headers=headers)]
        if row.method == "POST":
            answers.append(client.post(address, data={"q": "a\0b"}, headers=headers))
        assert {answer.status_code for answer in answers} == {400}, row.key
