"""API tokens: shown once, kept as a hash, good within their scopes until they expire or are revoked."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.audit.models import AuditEvent
from app.identity.models import ApiToken
from app.identity.service import staff, tokens
from app.identity.states import StaffStatus
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.transactions import in_transaction
from tests.harness.clock import SettableClock
from tests.harness.people import hire

BY = Actor.system("tests")
QUERY = f"/api/mpesa/query/{uuid4()}"


def issue(owner: UUID, *scopes: str, days: int = 30) -> tokens.Issued:
    return in_transaction(
        lambda: tokens.issue(name="till", staff_id=owner, scopes=scopes or ("mpesa.query",), days=days, by=BY)
    )


def bearer(issued: tokens.Issued) -> dict[str, str]:
    return {"Authorization": f"Bearer {issued.secret}"}


@pytest.fixture
def officer(app: Flask) -> UUID:
    return hire("officer")


def test_a_token_opens_what_its_scope_says(client: FlaskClient, officer: UUID) -> None:
    assert client.get(QUERY, headers=bearer(issue(officer))).status_code == 404  # let in: there is no such payment


def test_another_scope_does_not(client: FlaskClient, officer: UUID) -> None:
    answer = client.get(QUERY, headers=bearer(issue(officer, "mpesa.prompt")))

    assert answer.status_code == 403
    assert answer.json["type"] == "urn:pamoja:problem:scope_missing"


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Bearer pmj_made-up", "Basic dXNlcjpwYXNz", "Bearer " + "x" * 5000, "pmj_"],
)
def test_no_token_or_a_made_up_one_is_refused_alike(client: FlaskClient, app: Flask, header: str | None) -> None:
    answer = client.get(QUERY, headers={} if header is None else {"Authorization": header})

    assert answer.status_code == 401
    assert answer.json["detail"] == "Send a valid token in the header Authorization: Bearer TOKEN."
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="pamoja"')


def test_an_expired_token_is_worth_nothing(client: FlaskClient, officer: UUID, clock: SettableClock) -> None:
    clock.set("2026-11-22T06:00+00:00")
    issued = issue(officer, days=30)

    clock.forward(days=30, seconds=-1)
    just_before = client.get(QUERY, headers=bearer(issued)).status_code
    clock.forward(seconds=1)

    assert (just_before, client.get(QUERY, headers=bearer(issued)).status_code) == (404, 401)


def test_a_revoked_token_is_worth_nothing_at_once(
    client: FlaskClient, officer: UUID, signed_in: Callable[[str], FlaskClient]
) -> None:
    issued = issue(officer)
    admin = signed_in("administrator")

    answer = admin.post(f"/api-tokens/{issued.token_id}/revoke")
    again = admin.post(f"/api-tokens/{issued.token_id}/revoke")

    assert (answer.status_code, again.status_code) == (303, 303)
    assert client.get(QUERY, headers=bearer(issued)).status_code == 401
    assert "Revoked" in admin.get("/api-tokens").text
    actions = db.session.scalars(select(AuditEvent.action).where(AuditEvent.subject_type == "api_token")).all()
    assert sorted(actions) == ["identity.token_issued", "identity.token_revoked"]


@pytest.mark.parametrize("status", [StaffStatus.SUSPENDED, StaffStatus.LEFT])
def test_a_token_ends_with_its_owners_access(client: FlaskClient, officer: UUID, status: StaffStatus) -> None:
    issued = issue(officer)
    in_transaction(lambda: staff.set_status(officer, status, by=BY))

    assert client.get(QUERY, headers=bearer(issued)).status_code == 401


def test_a_token_loses_what_its_owners_role_loses(client: FlaskClient, officer: UUID) -> None:
    issued = issue(officer, "mpesa.prompt")
    in_transaction(lambda: staff.set_roles(officer, ["auditor"], by=BY))

    answer = client.post("/api/mpesa/stk-push", json={}, headers=bearer(issued))

    assert answer.status_code == 403
    assert answer.json["type"] == "urn:pamoja:problem:owner_may_not"


def test_the_secret_is_stored_nowhere(officer: UUID) -> None:
    issued = issue(officer)

    row = db.session.scalars(select(ApiToken)).one()
    everything = f"{row.token_hash.hex()} {row.hint} {row.name} {db.session.scalars(select(AuditEvent.after)).all()}"
    assert len(issued.secret) == 47
    assert issued.secret not in everything
    assert issued.secret.removeprefix("pmj_").encode().hex() not in everything
    assert issued.secret.endswith(row.hint)


def test_the_last_use_is_noted_once_a_minute(client: FlaskClient, officer: UUID, clock: SettableClock) -> None:
    began = clock.set("2026-11-22T06:00+00:00")
    headers = bearer(issue(officer))

    noted = []
    for _ in range(3):
        client.get(QUERY, headers=headers)
        noted.append(db.session.scalar(select(ApiToken.used_at)))
        clock.forward(seconds=40)

    assert noted == [began, began, began + timedelta(seconds=80)]


def test_an_administrator_issues_a_token_that_is_shown_once(
    officer: UUID, signed_in: Callable[[str], FlaskClient], client: FlaskClient
) -> None:
    admin = signed_in("administrator")
    form = {"name": "Till system", "staff_id": str(officer), "scopes": ["mpesa.query", "mpesa.prompt"], "days": "90"}

    answer = admin.post("/api-tokens", data=form)

    assert answer.status_code == 201
    secret = re.search(r"<code>(pmj_[\w-]+)</code>", answer.text)
    assert secret
    assert secret[1] not in admin.get("/api-tokens").text
    assert client.get(QUERY, headers={"Authorization": f"Bearer {secret[1]}"}).status_code == 404


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": ""}, "This is needed."),
        ({"scopes": ""}, "Choose at least one thing it may do."),
        ({"scopes": "everything"}, "Choose at least one thing it may do."),
        ({"staff_id": str(uuid4())}, "Choose somebody who works here."),
        ({"staff_id": "me"}, "Choose one of the options."),
        ({"days": "0"}, "Enter 1 or more."),
        ({"days": "9999"}, "Enter 366 or less."),
    ],
)
def test_a_wrong_form_issues_nothing(
    officer: UUID, signed_in: Callable[[str], FlaskClient], changes: dict[str, str], sentence: str
) -> None:
    form = {"name": "Till", "staff_id": str(officer), "scopes": "mpesa.query", "days": "90"}

    answer = signed_in("administrator").post("/api-tokens", data=form | changes)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert db.session.scalars(select(ApiToken)).all() == []
