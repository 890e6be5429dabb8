"""Where one is signed in: seen, and ended."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.audit.models import AuditEvent
from app.identity.browsers import in_words
from app.identity.models import StaffSession
from app.identity.states import SessionState
from app.kernel.database import db
from tests.harness.clock import SettableClock
from tests.harness.people import hire, signed_in_client
from tests.identity.test_sign_in import PASSWORD, csrf_token, sign_in

A_PAGE = "/account/sessions"
ANDROID = "Mozilla/5.0 (Linux; Android 14; SM-A057F) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36"  # noqa: E501 - as the phone says it


@pytest.fixture
def jane(app: Flask) -> UUID:
    return hire("teller", username="jane", password=PASSWORD)


@pytest.fixture
def here(app: Flask, jane: UUID) -> FlaskClient:
    return signed_in_client(app, jane)


def sessions_of(staff_id: UUID) -> list[StaffSession]:
    db.session.expire_all()
    found = select(StaffSession).where(StaffSession.staff_id == staff_id).order_by(StaffSession.id)
    return list(db.session.scalars(found))


def test_each_browser_is_named_with_address_and_times_and_this_one_is_marked(
    app: Flask, jane: UUID, clock: SettableClock
) -> None:
    clock.set("2026-11-22T06:00+00:00")
    phone = app.test_client()
    sign_in(phone, "jane", headers={"User-Agent": ANDROID}, environ_base={"REMOTE_ADDR": "10.1.2.3"})
    clock.forward(minutes=5)
    here = signed_in_client(app, jane)

    page = here.get(A_PAGE).text

    assert "Chrome on Android" in page
    assert "10.1.2.3" in page
    assert "5 min" in page
    assert "09:15" in page  # EAT: a quarter of an hour after its last use
    assert page.count("This one") == 1
    assert "after 15 minutes without use, and after 10 hours in any case" in page


def test_one_can_be_ended_and_its_cookie_is_worth_nothing(app: Flask, jane: UUID, here: FlaskClient) -> None:
    elsewhere = signed_in_client(app, jane)
    other = sessions_of(jane)[1]

    answer = here.post(f"/account/sessions/{other.id}/end")

    assert (answer.status_code, answer.location) == (303, A_PAGE)
    assert elsewhere.get(A_PAGE).status_code == 303
    assert here.get(A_PAGE).status_code == 200
    assert sessions_of(jane)[1].end_reason is not None
    assert sessions_of(jane)[1].end_reason.value == "ended_by_owner"
    assert here.post(f"/account/sessions/{other.id}/end").status_code == 404


def test_all_others_can_be_ended_at_once(app: Flask, jane: UUID, here: FlaskClient) -> None:
    others = [signed_in_client(app, jane) for _ in range(3)]

    here.post("/account/sessions/end-others")

    assert [other.get(A_PAGE).status_code for other in others] == [303] * 3
    assert here.get(A_PAGE).status_code == 200
    event = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "identity.sessions_ended")).one()
    assert event.after == {"sessions": 3}


def test_nobody_ends_somebody_elses(app: Flask, jane: UUID, here: FlaskClient) -> None:
    kevin = hire("teller")
    window = signed_in_client(app, kevin)
    (theirs,) = sessions_of(kevin)

    foreign, missing = here.post(f"/account/sessions/{theirs.id}/end"), here.post(f"/account/sessions/{uuid4()}/end")

    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert "There is no such record" in foreign.text
    assert window.get(A_PAGE).status_code == 200


def test_an_administrator_sees_and_ends_a_single_one(app: Flask, jane: UUID, here: FlaskClient) -> None:
    boss = hire("administrator")
    admin = signed_in_client(app, boss)
    elsewhere = signed_in_client(app, jane)
    (first, second), (own,) = sessions_of(jane), sessions_of(boss)

    page = admin.get(f"/users/{jane}").text
    answer = admin.post(f"/users/{jane}/sessions/{first.id}/end")
    mixed_up = admin.post(f"/users/{jane}/sessions/{own.id}/end")

    assert f"/users/{jane}/sessions/{second.id}/end" in page
    assert (answer.status_code, mixed_up.status_code) == (303, 404)
    assert here.get(A_PAGE).status_code == 303
    assert elsewhere.get(A_PAGE).status_code == 200


def test_somebody_who_knows_the_password_but_has_no_code_is_seen(app: Flask, jane: UUID, here: FlaskClient) -> None:
    signed_in_client(app, jane, state=SessionState.HALF_OPEN)

    assert "Waiting for the code" in here.get(A_PAGE).text


def test_a_part_asked_for_after_the_end_leads_the_page_to_sign_in(here: FlaskClient, clock: SettableClock) -> None:
    clock.forward(minutes=16)
    headers = {"HX-Request": "true", "HX-Current-URL": "http://localhost/members?q=kamau"}

    answer = here.get("/payments/", headers=headers)

    assert (answer.status_code, answer.text) == (401, "")
    assert answer.headers["HX-Redirect"] == "/sign-in?next=/members?q%3Dkamau"


def test_a_form_sent_after_the_end_leads_back_to_its_page(here: FlaskClient, clock: SettableClock) -> None:
    clock.forward(minutes=16)

    answer = here.post("/account/password", data={}, headers={"Referer": "http://localhost/account/password"})

    assert answer.location == "/sign-in?next=/account/password"


def test_signing_out_clears_the_browser_and_kills_every_copy_of_the_cookie(app: Flask, jane: UUID) -> None:
    client = app.test_client()
    sign_in(client, "jane")
    cookie = client.get_cookie("pamoja")
    assert cookie is not None
    page = client.get(A_PAGE)

    answer = client.post("/sign-out", data={"csrf_token": csrf_token(page)})
    app.extensions["redis"].flushall()
    thief = app.test_client()
    thief.set_cookie("pamoja", cookie.value)

    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert page.headers["Cache-Control"] == "no-store"
    assert thief.get(A_PAGE).status_code == 303


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (ANDROID, "Chrome on Android"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Windows"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/126.0 Safari/537.36 Edg/126.0", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 9) AppleWebKit/537.36 Chrome/115.0 Mobile OPR/76.2", "Opera on Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Safari/604.1", "Safari on an iPhone"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/17.5 Safari/605.1.15", "Safari on a Mac"),
        ("Mozilla/5.0 (Mobile; Nokia 8110 4G; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5", "Firefox on KaiOS"),
        ("curl/8.5", "A browser"),
        (None, "A browser"),
    ],
)
def test_a_browser_is_called_as_its_owner_knows_it(user_agent: str | None, words: str) -> None:
    assert in_words(user_agent) == words
