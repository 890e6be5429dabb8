"""What is sensitive asks again who one is, and the way leads back."""

from __future__ import annotations

from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.audit.models import AuditEvent
from app.identity import queries
from app.kernel.database import db
from app.web.access import Staff, declared
from tests.harness.clock import SettableClock
from tests.harness.people import app_code, enrolled, hire, signed_in_client, without_token
from tests.identity import matrix
from tests.identity.test_sign_in import PASSWORD

SENSITIVE = "/account/second-factor/new"


@pytest.fixture
def jane(app: Flask) -> UUID:
    return hire("administrator", username="jane", password=PASSWORD)


@pytest.fixture
def stale(app: Flask, jane: UUID, clock: SettableClock) -> FlaskClient:
    """A window in which somebody signed in ten minutes ago."""
    clock.set("2026-11-22T06:00:05+00:00")
    window = signed_in_client(app, jane)
    clock.forward(minutes=10)
    return window


def test_what_gives_rights_secrets_or_ways_in_is_sensitive(app: Flask) -> None:
    sensitive = {
        key
        for key, rule in matrix.addresses(app).items()
        if isinstance(view := declared(app.view_functions[rule.endpoint]), Staff) and view.fresh
    }

    assert sensitive >= {
        ("POST", "/account/password"),
        ("POST", "/account/second-factor/new"),
        ("POST", "/account/second-factor/recovery-codes"),
        ("POST", "/account/sessions/<uuid:session_id>/end"),
        ("POST", "/account/sessions/end-others"),
        ("POST", "/api-tokens"),
        ("POST", "/settings/mpesa"),
        ("POST", "/users"),
        ("POST", "/users/<uuid:staff_id>/details"),
        ("POST", "/users/<uuid:staff_id>/password"),
        ("POST", "/users/<uuid:staff_id>/roles"),
        ("POST", "/users/<uuid:staff_id>/second-factor"),
        ("POST", "/users/<uuid:staff_id>/sessions/<uuid:session_id>/end"),
        ("POST", "/users/<uuid:staff_id>/sessions/end"),
        ("POST", "/users/<uuid:staff_id>/status"),
    }


def test_a_sign_in_counts_for_ten_minutes(app: Flask, jane: UUID, clock: SettableClock) -> None:
    clock.set("2026-11-22T06:00:05+00:00")
    window = signed_in_client(app, jane)

    clock.forward(minutes=9, seconds=59)
    soon = window.get(SENSITIVE).status_code
    clock.forward(seconds=1)
    late = window.get(SENSITIVE)

    assert (soon, late.status_code, late.location) == (200, 303, f"/account/confirm?next={SENSITIVE}")
    assert window.get("/account/sessions").status_code == 200


def test_the_code_of_the_app_leads_back_and_counts_anew(stale: FlaskClient, jane: UUID) -> None:
    enrolled(jane)

    page = stale.get(f"/account/confirm?next={SENSITIVE}")
    by_password = stale.post("/account/confirm", data={"password": PASSWORD, "next": SENSITIVE})
    answer = stale.post("/account/confirm", data={"code": app_code(), "next": SENSITIVE})

    assert 'name="password"' not in page.text
    assert by_password.status_code == 422
    assert (answer.status_code, answer.location) == (303, SENSITIVE)
    assert stale.get(SENSITIVE).status_code == 200
    assert db.session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)).all()[-1] == "identity.confirmed"


def test_the_password_will_do_in_the_sandbox_for_who_has_no_second_factor(stale: FlaskClient) -> None:
    wrong = stale.post("/account/confirm", data={"password": "wrong", "next": SENSITIVE})
    empty = stale.post("/account/confirm", data={"password": ""})
    right = stale.post("/account/confirm", data={"password": PASSWORD, "next": SENSITIVE})

    assert (wrong.status_code, empty.status_code) == (422, 422)
    assert "This is not your password." in wrong.text
    assert f'value="{SENSITIVE}"' in wrong.text
    assert (right.status_code, right.location) == (303, SENSITIVE)


def test_guessing_the_password_here_is_counted_like_at_sign_in(stale: FlaskClient) -> None:
    answers = [stale.post("/account/confirm", data={"password": "wrong"}).status_code for _ in range(6)]

    assert answers == [422] * 5 + [429]


def test_the_session_gets_a_new_token_and_forms_in_other_windows_stay_good(app: Flask, stale: FlaskClient) -> None:
    planted = stale.get_cookie("pamoja")
    assert planted is not None

    stale.post("/account/confirm", data={"password": PASSWORD})

    thief = app.test_client()
    thief.set_cookie("pamoja", planted.value)
    assert thief.get("/account/sessions").status_code == 303
    assert stale.post("/account/sessions/end-others").status_code == 303  # with the token that its pages had before


def test_a_form_that_was_sent_is_not_done_and_its_page_says_so(stale: FlaskClient, jane: UUID) -> None:
    teller = hire("teller", username="kevin")
    headers = {"Referer": f"http://localhost/users/{teller}"}

    asked = stale.post(f"/users/{teller}/status", data={"status": "left"}, headers=headers)
    page = stale.get(asked.location or "")
    back = stale.post("/account/confirm", data={"password": PASSWORD, "next": f"/users/{teller}"})

    assert asked.location == f"/account/confirm?next=/users/{teller}"
    assert "Nothing was done yet." in page.text
    assert back.location == f"/users/{teller}"
    assert queries.get(teller).status.value == "active"


def test_a_page_with_a_sensitive_form_says_so_before_it_is_filled_in(app: Flask, stale: FlaskClient) -> None:
    before = stale.get("/settings/mpesa").text
    stale.post("/account/confirm", data={"password": PASSWORD})
    after = stale.get("/settings/mpesa").text

    assert 'href="/account/confirm?next=/settings/mpesa"' in before
    assert "Confirm first" not in after


def test_a_part_of_a_page_has_the_whole_page_lead_there(stale: FlaskClient) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://localhost/users?status=left"}

    answer = stale.post("/users", data={}, headers=headers)

    assert (answer.status_code, answer.text) == (204, "")
    assert answer.headers["HX-Redirect"] == "/account/confirm?next=/users?status%3Dleft"


@pytest.mark.parametrize("foreign", ["https://evil.example/x", "//evil.example", "/\\evil", "javascript:alert(1)"])
def test_the_way_never_leads_to_another_site(stale: FlaskClient, foreign: str) -> None:
    asked = stale.post("/users", data={}, headers={"Referer": foreign})
    page = stale.get("/account/confirm", query_string={"next": foreign})
    answer = stale.post("/account/confirm", data={"password": PASSWORD, "next": foreign})

    assert asked.location == "/account/confirm"
    assert "evil" not in page.text
    assert "javascript" not in page.text.split("<main")[1]
    assert answer.location == "/"


def test_who_may_not_is_told_so_before_being_asked_anything(app: Flask, clock: SettableClock) -> None:
    clock.set("2026-11-22T06:00:05+00:00")
    window = signed_in_client(app, hire("teller"))
    clock.forward(minutes=11)

    assert window.get("/users/new").status_code == 403


def test_a_form_of_another_site_is_refused_before_anything_is_asked(stale: FlaskClient) -> None:
    assert without_token(stale).post("/users", data={}).status_code == 403


def test_a_recovery_code_will_do_as_well(app: Flask, jane: UUID, clock: SettableClock) -> None:
    clock.set("2026-11-22T06:00:05+00:00")
    window = signed_in_client(app, enrolled(jane))
    shown = window.post("/account/second-factor/recovery-codes").text
    code = shown.split("<li><code>")[1].split("</code>")[0]
    clock.forward(minutes=11)

    answer = window.post("/account/confirm", data={"code": code, "next": SENSITIVE}, follow_redirects=True)

    assert answer.status_code == 200
    assert "You used a recovery code. 9 are left." in answer.text
