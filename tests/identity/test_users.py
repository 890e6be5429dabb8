"""The users' pages: created, given roles, suspended; each change leaves its trace and takes effect at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.audit.models import AuditEvent
from app.identity import queries
from app.identity.models import Staff, StaffSession
from app.identity.states import StaffStatus
from app.kernel.database import db
from tests.harness.people import hire, signed_in_client, without_token

SignedIn = Callable[[str], FlaskClient]
NEW = {"name": "Jane Wanjiru", "username": "Jane.W", "branch_id": "1", "roles": "teller"}


@pytest.fixture
def admin(signed_in: SignedIn) -> FlaskClient:
    return signed_in("administrator")


@pytest.fixture
def teller(app: Flask) -> UUID:
    return hire("teller", username="teller")


def events(action: str) -> list[tuple[Any, Any]]:
    """What the trail says of an action: before and after."""
    rows = db.session.execute(select(AuditEvent.before, AuditEvent.after).where(AuditEvent.action == action))
    return [(row.before, row.after) for row in rows]


def test_a_new_user_gets_a_one_time_code_that_is_shown_once(admin: FlaskClient) -> None:
    answer = admin.post("/users", data=NEW)

    assert answer.status_code == 201
    shown = re.search(r"<code>([a-z2-9-]{23})</code>", answer.text)
    assert shown
    staff = queries.by_username("jane.w")
    assert staff is not None
    assert staff.name == "Jane Wanjiru"
    assert [role.code for role in staff.roles] == ["teller"]
    assert shown[1] not in admin.get(f"/users/{staff.id}").text
    (_, after) = events("identity.staff_created")[-1]
    assert after == {"username": "jane.w", "name": "Jane Wanjiru", "roles": ["teller"]}
    assert shown[1] not in str(db.session.execute(select(AuditEvent)).all())


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"username": ""}, "username", "This is needed."),
        ({"username": "9lives"}, "username", "begin with a letter"),
        ({"username": "teller"}, "username", "Somebody has this username already"),
        ({"name": "<b>"}, "name", "Enter the name in letters"),
        ({"roles": ""}, "roles", "Choose at least one role."),
        ({"roles": "owner"}, "roles", "Choose at least one role."),
        ({"branch_id": "99"}, "branch_id", "Choose one of the branches."),
        ({"status": "active"}, "status", "not known here"),
    ],
)
def test_what_is_wrong_with_a_new_user_is_said_beside_the_field(
    admin: FlaskClient, teller: UUID, changes: dict[str, str], field: str, sentence: str
) -> None:
    answer = admin.post("/users", data=NEW | changes)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert queries.by_username("jane.w") is None


def test_roles_count_from_the_next_request_on(admin: FlaskClient, app: Flask, teller: UUID) -> None:
    window = signed_in_client(app, teller)
    before = window.get("/users").status_code

    answer = admin.post(f"/users/{teller}/roles", data={"roles": ["teller", "administrator"]})

    assert (answer.status_code, answer.location) == (303, f"/users/{teller}")
    assert (before, window.get("/users").status_code) == (403, 200)
    assert events("identity.roles_changed") == [({"roles": ["teller"]}, {"roles": ["administrator", "teller"]})]


def test_no_role_at_all_is_not_possible(admin: FlaskClient, teller: UUID) -> None:
    answer = admin.post(f"/users/{teller}/roles", data={})

    assert answer.status_code == 422
    assert [role.code for role in queries.get(teller).roles] == ["teller"]


@pytest.mark.parametrize("status", ["suspended", "left"])
def test_withdrawing_access_ends_every_session_at_once(
    admin: FlaskClient, app: Flask, teller: UUID, status: str
) -> None:
    windows = [signed_in_client(app, teller) for _ in range(2)]
    before = [window.get("/account/password").status_code for window in windows]

    answer = admin.post(f"/users/{teller}/status", data={"status": status})

    assert answer.status_code == 303
    assert before == [200, 200]
    assert [window.get("/account/password").status_code for window in windows] == [303, 303]
    assert events("identity.status_changed") == [({"status": "active"}, {"status": status})]


def test_who_was_suspended_can_come_back_but_who_left_cannot(admin: FlaskClient, teller: UUID) -> None:
    admin.post(f"/users/{teller}/status", data={"status": "suspended"})
    back = admin.post(f"/users/{teller}/status", data={"status": "active"})
    admin.post(f"/users/{teller}/status", data={"status": "left"})
    again = admin.post(f"/users/{teller}/status", data={"status": "active"})

    assert (back.status_code, again.status_code) == (303, 409)
    assert "is marked as left" in again.text
    assert db.session.get_one(Staff, teller).status is StaffStatus.LEFT


def test_nobody_changes_the_own_roles_or_access(app: Flask) -> None:
    oneself = hire("administrator")
    window = signed_in_client(app, oneself)

    roles = window.post(f"/users/{oneself}/roles", data={"roles": "teller"})
    status = window.post(f"/users/{oneself}/status", data={"status": "suspended"})
    password = window.post(f"/users/{oneself}/password")

    assert [roles.status_code, status.status_code, password.status_code] == [409, 409, 409]
    assert "Ask another administrator" in roles.text
    assert window.get("/users").status_code == 200


def test_a_new_password_for_a_user_ends_his_sessions(admin: FlaskClient, app: Flask, teller: UUID) -> None:
    window = signed_in_client(app, teller)

    answer = admin.post(f"/users/{teller}/password")

    assert answer.status_code == 200
    assert re.search(r"<code>[a-z2-9-]{23}</code>", answer.text)
    assert window.get("/account/password").status_code == 303
    assert events("identity.password_reset") == [(None, {"password": "changed"})]


def test_an_administrator_can_sign_a_user_out_everywhere(admin: FlaskClient, app: Flask, teller: UUID) -> None:
    window = signed_in_client(app, teller)

    assert "127.0.0.1" in admin.get(f"/users/{teller}").text
    admin.post(f"/users/{teller}/sessions/end")

    assert window.get("/account/password").status_code == 303
    reasons = db.session.scalars(select(StaffSession.end_reason).where(StaffSession.staff_id == teller)).all()
    assert [reason.value for reason in reasons if reason] == ["ended_by_administrator"]


def test_name_and_branch_can_be_corrected(admin: FlaskClient, teller: UUID) -> None:
    answer = admin.post(f"/users/{teller}/details", data={"name": "Jane Njeri", "branch_id": "1"})
    wrong = admin.post(f"/users/{teller}/details", data={"name": "Jane Njeri", "branch_id": "77"})

    assert (answer.status_code, wrong.status_code) == (303, 422)
    assert "Choose one of the branches." in wrong.text
    assert queries.get(teller).name == "Jane Njeri"
    assert events("identity.details_changed")[0][1] == {"name": "Jane Njeri"}


def test_the_list_shows_who_has_which_standing(admin: FlaskClient, teller: UUID) -> None:
    admin.post(f"/users/{teller}/status", data={"status": "suspended"})

    suspended, active = admin.get("/users?status=suspended"), admin.get("/users?status=active")

    assert (suspended.status_code, active.status_code) == (200, 200)
    assert f"/users/{teller}" in suspended.text
    assert f"/users/{teller}" not in active.text
    assert admin.get("/users?status=nonsense").status_code == 200


def test_a_user_who_does_not_exist_is_not_found(admin: FlaskClient) -> None:
    assert admin.get(f"/users/{uuid4()}").status_code == 404
    assert admin.post(f"/users/{uuid4()}/status", data={"status": "left"}).status_code == 404


def test_a_form_without_our_token_changes_nothing(admin: FlaskClient, teller: UUID) -> None:
    answer = without_token(admin).post(f"/users/{teller}/status", data={"status": "left"})

    assert answer.status_code == 403
    assert db.session.get_one(Staff, teller).status is StaffStatus.ACTIVE


def test_names_are_shown_as_text(admin: FlaskClient, teller: UUID) -> None:
    db.session.get_one(Staff, teller).name = "<script>alert(1)</script>"
    db.session.commit()

    page = admin.get("/users").text

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
