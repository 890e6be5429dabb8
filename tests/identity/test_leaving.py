"""Suspended, and gone for good: what stops at once, who takes over, and who must stay."""

from __future__ import annotations

from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.audit.models import AuditEvent
from app.identity import queries
from app.identity.errors import LastAdministrator
from app.identity.models import ApiToken, SecondFactor
from app.identity.service import staff, tokens
from app.identity.states import StaffStatus
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.transactions import in_transaction
from app.members.models import Member
from tests.harness.people import enrolled, hire, signed_in_client
from tests.members import examples

BY = Actor.system("tests")


@pytest.fixture
def admin(app: Flask) -> FlaskClient:
    return signed_in_client(app, hire("administrator"))


@pytest.fixture
def officer(app: Flask) -> UUID:
    return hire("officer", username="naomi")


@pytest.fixture
def looked_after(officer: UUID) -> list[UUID]:
    """Three members: whose loans she looks after, whom she visits, and both."""
    examples.open_books()
    return [
        examples.register(officer_id=str(officer)),
        examples.register(agent_id=str(officer)),
        examples.register(officer_id=str(officer), agent_id=str(officer)),
    ]


def token_of(staff_id: UUID) -> str:
    issued = in_transaction(lambda: tokens.issue(name="t", staff_id=staff_id, scopes=["mpesa.query"], days=1, by=BY))
    return issued.secret


def test_who_is_suspended_loses_sessions_and_tokens_at_once_and_gets_the_tokens_back(
    app: Flask, admin: FlaskClient, officer: UUID
) -> None:
    secret, window = token_of(officer), signed_in_client(app, officer)

    admin.post(f"/users/{officer}/status", data={"status": "suspended"})
    during = (queries.token_holder(secret), window.get("/account/sessions").status_code)
    admin.post(f"/users/{officer}/status", data={"status": "active"})

    assert during == (None, 303)
    assert queries.token_holder(secret) is not None
    assert window.get("/account/sessions").status_code == 303


def test_who_leaves_leaves_no_token_and_no_secret_behind(admin: FlaskClient, officer: UUID) -> None:
    secret = token_of(enrolled(officer))

    answer = admin.post(f"/users/{officer}/status", data={"status": "left"})

    assert answer.status_code == 303
    assert queries.token_holder(secret) is None
    assert db.session.scalars(select(ApiToken.revoked_at)).one() is not None
    assert db.session.scalars(select(SecondFactor)).all() == []


def test_members_are_handed_over_before_somebody_leaves(
    admin: FlaskClient, officer: UUID, looked_after: list[UUID]
) -> None:
    heir = hire("officer", username="paul")

    page = admin.get(f"/users/{officer}/leaving")
    nobody = admin.post(f"/users/{officer}/status", data={"status": "left"})
    herself = admin.post(f"/users/{officer}/status", data={"status": "left", "successor": str(officer)})
    standing = queries.get(officer).status
    answer = admin.post(f"/users/{officer}/status", data={"status": "left", "successor": str(heir)})

    assert "Who looks after 3 members from now on" in page.text
    assert (nobody.status_code, herself.status_code) == (422, 422)
    assert "Choose who looks after 3 members from now on." in nobody.text
    assert standing is StaffStatus.ACTIVE
    assert answer.status_code == 303
    db.session.expire_all()
    now = db.session.execute(select(Member.officer_id, Member.agent_id).where(Member.id.in_(looked_after))).all()
    assert {carer for row in now for carer in row if carer} == {heir}
    trail = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "members.handed_over")).all()
    assert {event.subject_id for event in trail} == {str(member_id) for member_id in looked_after}


def test_who_left_long_ago_or_is_suspended_takes_nobody_over(
    admin: FlaskClient, officer: UUID, looked_after: list[UUID]
) -> None:
    gone = hire("officer")
    in_transaction(lambda: staff.set_status(gone, StaffStatus.SUSPENDED, by=BY))

    answer = admin.post(f"/users/{officer}/status", data={"status": "left", "successor": str(gone)})

    assert answer.status_code == 422
    assert "Choose somebody who works here." in answer.text
    assert queries.get(officer).status is StaffStatus.ACTIVE


def test_who_looks_after_nobody_leaves_without_a_choice(admin: FlaskClient, officer: UUID) -> None:
    page = admin.get(f"/users/{officer}/leaving").text
    admin.post(f"/users/{officer}/status", data={"status": "left"})

    assert "Who looks after" not in page
    assert admin.get(f"/users/{officer}/leaving").status_code == 409


def test_the_last_who_can_manage_users_stays(app: Flask) -> None:
    boss = hire("administrator")
    in_transaction(lambda: staff.create(username="new", name="N", branch_id=1, roles=["administrator"], by=BY))

    for change in (
        lambda: staff.set_status(boss, StaffStatus.SUSPENDED, by=BY),
        lambda: staff.set_status(boss, StaffStatus.LEFT, by=BY),
        lambda: staff.set_roles(boss, ["teller"], by=BY),
    ):
        with pytest.raises(LastAdministrator):  # who was only invited cannot sign in yet
            in_transaction(change)

    hire("administrator")
    in_transaction(lambda: staff.set_roles(boss, ["teller"], by=BY))
