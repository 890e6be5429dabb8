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
from app.identity.errors import TokenOver
from app.identity.models import ApiToken
from app.identity.service import staff, tokens
from app.identity.states import StaffStatus
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.errors import Invalid
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


def test_a_new_secret_leaves_the_one_before_good_for_a_while(
    client: FlaskClient, officer: UUID, clock: SettableClock
) -> None:
    clock.set("2026-11-22T06:00+00:00")
    first = issue(officer)
    second = in_transaction(lambda: tokens.rotate(first.token_id, overlap_hours=4, by=BY))

    def good() -> tuple[int, int]:
        return tuple(client.get(QUERY, headers=bearer(one)).status_code for one in (first, second))

    at_once = good()
    clock.forward(hours=4, seconds=-1)
    just_before = good()
    clock.forward(seconds=1)

    assert first.token_id == second.token_id
    assert (at_once, just_before, good()) == ((404, 404), (404, 404), (401, 404))


def test_a_secret_that_leaked_is_worth_nothing_at_once(client: FlaskClient, officer: UUID) -> None:
    first = issue(officer)
    second = in_transaction(lambda: tokens.rotate(first.token_id, overlap_hours=0, by=BY))

    assert client.get(QUERY, headers=bearer(first)).status_code == 401
    assert client.get(QUERY, headers=bearer(second)).status_code == 404


def test_only_the_secret_before_lives_on(client: FlaskClient, officer: UUID) -> None:
    first = issue(officer)
    second = in_transaction(lambda: tokens.rotate(first.token_id, overlap_hours=24, by=BY))
    third = in_transaction(lambda: tokens.rotate(first.token_id, overlap_hours=24, by=BY))

    codes = [client.get(QUERY, headers=bearer(one)).status_code for one in (first, second, third)]
    in_transaction(lambda: tokens.revoke(first.token_id, by=BY))

    assert codes == [401, 404, 404]
    assert [client.get(QUERY, headers=bearer(one)).status_code for one in (second, third)] == [401, 401]


@pytest.mark.parametrize("hours", [-1, 25])
def test_the_overlap_has_an_end(officer: UUID, hours: int) -> None:
    first = issue(officer)

    with pytest.raises(Invalid):
        in_transaction(lambda: tokens.rotate(first.token_id, overlap_hours=hours, by=BY))


def test_what_is_over_gets_no_new_secret(officer: UUID, clock: SettableClock) -> None:
    clock.set("2026-11-22T06:00+00:00")
    revoked, expired = issue(officer), issue(officer, days=1)
    in_transaction(lambda: tokens.revoke(revoked.token_id, by=BY))
    clock.forward(days=1)

    for one in (revoked, expired):
        with pytest.raises(TokenOver):
            in_transaction(lambda one=one: tokens.rotate(one.token_id, overlap_hours=1, by=BY))


def test_an_administrator_makes_a_new_secret_and_sees_until_when_the_old_one_is_good(
    officer: UUID, signed_in: Callable[[str], FlaskClient], client: FlaskClient, clock: SettableClock
) -> None:
    clock.set("2026-11-22T06:00+00:00")
    first, admin = issue(officer), signed_in("administrator")
    address = f"/api-tokens/{first.token_id}/rotate"

    asked, refused = admin.get(address), admin.post(address, data={"overlap_hours": "48"})
    made = admin.post(address, data={"overlap_hours": "24"})

    assert "The present secret stays good for" in asked.text
    assert refused.status_code == 422
    secret = re.search(r"pmj_[\w-]{43}", made.text)
    assert made.status_code == 200 and secret is not None
    assert client.get(QUERY, headers={"Authorization": f"Bearer {secret[0]}"}).status_code == 404
    assert "secret before: until" in admin.get("/api-tokens").text
    assert secret[0] not in admin.get("/api-tokens").text


def test_the_page_warns_of_tokens_that_end_soon_and_says_from_where_they_are_used(
    officer: UUID, signed_in: Callable[[str], FlaskClient], client: FlaskClient
) -> None:
    client.get(QUERY, headers=bearer(issue(officer, days=10)))

    page = signed_in("administrator").get("/api-tokens").text

    assert "These tokens end within two weeks: till." in page
    assert "from 127.0.0.1" in page
