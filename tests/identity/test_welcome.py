"""Invited, and choosing a password with a one-time code: good for a day, once, and it opens no session."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from app.audit.models import AuditEvent
from app.identity import passwords, queries
from app.identity.models import Staff, StaffInvitation
from app.identity.service import staff
from app.identity.states import StaffStatus
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.transactions import in_transaction
from tests.harness.clock import SettableClock
from tests.harness.people import enrolled, hire, signed_in_client
from tests.identity.test_sign_in import PASSWORD, csrf_token, sign_in

BY = Actor.system("tests")
NEW = "a goat on every second roof"


@pytest.fixture
def code(app: Flask) -> str:
    """That with which kevin, who was invited, chooses a password."""
    created = in_transaction(
        lambda: staff.create(username="kevin", name="Kevin Omondi", branch_id=1, roles=["teller"], by=BY)
    )
    return created.code


def choose(client: FlaskClient, username: str, code: str, new: str = NEW, again: str | None = None) -> TestResponse:
    token = csrf_token(client.get("/welcome"))
    form = {"username": username, "code": code, "new": new, "again": again or new, "csrf_token": token}
    return client.post("/welcome", data=form)


def test_whoever_is_invited_chooses_a_password_and_then_signs_in(client: FlaskClient, code: str) -> None:
    before = sign_in(client, "kevin", NEW).status_code
    chosen = choose(client, "Kevin", code.upper().replace("-", " "))
    page = client.get("/sign-in")
    at_once = client.get("/account/sessions")

    assert before == 401
    assert (chosen.status_code, chosen.location) == (303, "/sign-in")
    assert "Your password is set." in page.text
    assert (at_once.location or "").startswith("/sign-in?")  # the code alone opened nothing
    assert sign_in(client, "kevin", NEW).location == "/"


def test_the_code_is_good_once(client: FlaskClient, code: str) -> None:
    first, second = choose(client, "kevin", code), choose(client, "kevin", code, "another goat on that roof")

    assert (first.status_code, second.status_code) == (303, 422)
    assert "the code has been used or has expired" in second.text
    assert sign_in(client, "kevin", NEW).status_code == 303


def test_the_code_is_good_for_a_day(app: Flask, client: FlaskClient, clock: SettableClock) -> None:
    clock.set("2026-11-22T06:00+00:00")
    by = Actor.system("tests")
    made = [
        in_transaction(lambda name=name: staff.create(username=name, name="A B", branch_id=1, roles=["teller"], by=by))
        for name in ("early", "late")
    ]

    clock.forward(hours=23, minutes=59)
    early = choose(client, "early", made[0].code).status_code
    clock.forward(minutes=1)
    late = choose(client, "late", made[1].code).status_code

    assert (early, late) == (303, 422)


@pytest.mark.parametrize(
    ("username", "typed", "new", "again", "sentence"),
    [
        ("kevin", "aaaaa-bbbbb-ccccc-ddddd", NEW, NEW, "The username or the code is not right"),
        ("nobody", None, NEW, NEW, "The username or the code is not right"),
        ("nobody", None, "short", "short", "The username or the code is not right"),
        ("kevin", "aaaaa-bbbbb-ccccc-ddddd", "short", "short", "The username or the code is not right"),
        ("kevin", None, "short", "short", "Use at least 15 characters."),
        ("kevin", None, "kevin omondi kevin", "kevin omondi kevin", "too easy to guess"),
        ("kevin", None, NEW, NEW + "!", "This differs from the password above."),
        ("kevin", None, "", "", "This is needed."),
    ],
)
def test_what_is_wrong_is_said_and_the_code_stays_good(
    client: FlaskClient, code: str, username: str, typed: str | None, new: str, again: str, sentence: str
) -> None:
    answer = choose(client, username, typed or code, new, again)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert NEW not in answer.text
    assert choose(client, "kevin", code).status_code == 303


def test_guessing_is_counted_like_at_sign_in(client: FlaskClient, code: str) -> None:
    answers = [choose(client, "kevin", "aaaaa-bbbbb-ccccc-ddddd").status_code for _ in range(6)]
    right = choose(client, "kevin", code)

    assert answers == [422] * 5 + [429]
    assert right.status_code == 429
    assert int(right.headers["Retry-After"]) > 0


def test_a_reset_makes_the_old_password_worthless_and_keeps_the_second_factor(app: Flask, client: FlaskClient) -> None:
    jane = enrolled(hire("teller", username="jane", password=PASSWORD))
    window = signed_in_client(app, jane)
    admin = signed_in_client(app, hire("administrator"))

    page = admin.post(f"/users/{jane}/password").text
    code = re.findall(r"<code>([a-z2-9-]{23})</code>", page)[0]
    old = sign_in(client, "jane").status_code
    chosen = choose(client, "jane", code)

    assert "/welcome" in page
    assert (old, chosen.status_code) == (401, 303)
    assert window.get("/account/sessions").status_code == 303
    assert sign_in(client, "jane", NEW).location == "/sign-in/code"
    assert code not in admin.get(f"/users/{jane}").text


def test_a_new_code_makes_the_one_before_worthless(client: FlaskClient, code: str) -> None:
    kevin = db.session.scalars(select(Staff.id)).one()
    newer = in_transaction(lambda: staff.invite_again(kevin, by=BY))

    assert choose(client, "kevin", code).status_code == 422
    assert choose(client, "kevin", newer).status_code == 303


@pytest.mark.parametrize("status", [StaffStatus.SUSPENDED, StaffStatus.LEFT])
def test_who_is_suspended_or_gone_chooses_nothing(client: FlaskClient, code: str, status: StaffStatus) -> None:
    kevin = db.session.scalars(select(Staff.id)).one()
    in_transaction(lambda: staff.set_status(kevin, status, by=BY))

    assert choose(client, "kevin", code).status_code == 422
    assert queries.get(kevin).password_hash is None


def test_choosing_a_password_ends_every_session(app: Flask, client: FlaskClient) -> None:
    jane = hire("teller", username="jane", password=PASSWORD)
    code = in_transaction(lambda: staff.invite_again(jane, by=BY))
    window = signed_in_client(app, jane)

    choose(client, "jane", code)

    assert window.get("/account/sessions").status_code == 303
    assert passwords.matches(str(queries.get(jane).password_hash), NEW)


def test_nothing_that_is_stored_gives_the_code_away(client: FlaskClient, code: str) -> None:
    choose(client, "kevin", code)

    trail = str(db.session.execute(text("SELECT * FROM audit_event")).all())
    assert code not in trail
    assert NEW not in trail
    assert len(db.session.scalars(select(StaffInvitation.code_hash)).one()) == 32
    last = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "identity.password_chosen")).one()
    assert last.after == {"password": "changed", "with": "invitation"}


def test_the_page_of_a_user_says_how_long_the_code_is_good(app: Flask, code: str, clock: SettableClock) -> None:
    admin = signed_in_client(app, hire("administrator"))
    kevin = queries.by_username("kevin")
    assert kevin is not None

    waiting = admin.get(f"/users/{kevin.id}").text
    listed = admin.get("/users").text
    clock.forward(hours=25)
    admin = signed_in_client(app, hire("administrator"))
    expired = admin.get(f"/users/{kevin.id}").text

    assert "Has not chosen a password yet." in waiting
    assert listed.count("No password yet") == 1
    assert "The one-time code is good until" in waiting
    assert "The one-time code has expired; make a new one." in expired
