"""Signing in and out, as a browser sees it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.audit.models import AuditEvent
from app.identity import passwords
from app.identity.models import SignInCounter, Staff, StaffSession
from app.identity.service import sign_in as service
from app.identity.service import staff as staff_service
from app.identity.states import StaffStatus
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.transactions import in_transaction
from tests.harness import people
from tests.harness.clock import SettableClock

PASSWORD = "four quiet elephants wade"
A_PAGE = "/account/sessions"  # one that everybody who is signed in may open
ELSEWHERE = {"REMOTE_ADDR": "10.9.9.9"}
ADMIN = Actor.system("tests")


def csrf_token(page: TestResponse) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found, "the page has a form"
    return found[1]


def sign_in(
    client: FlaskClient, username: str, password: str = PASSWORD, *, target: str | None = None, **options: object
) -> TestResponse:
    form = {"username": username, "password": password, "csrf_token": csrf_token(client.get("/sign-in"))}
    return client.post("/sign-in", data=form | ({"next": target} if target else {}), **options)


def guess_at_many(count: int) -> None:
    """Tries at so many usernames from one address, without the slow look at a password."""

    def work() -> None:
        for number in range(count):
            service.count_try(f"user{number}", address="127.0.0.1")

    in_transaction(work)


@pytest.fixture
def jane(app: Flask) -> str:
    people.hire("teller", username="jane", password=PASSWORD)
    return "jane"


def test_a_right_password_leads_home_in_a_session_of_its_own(client: FlaskClient, jane: str) -> None:
    answer = sign_in(client, jane)

    assert (answer.status_code, answer.location) == (303, "/")
    assert client.get(A_PAGE).status_code == 200


def test_capitals_and_blanks_around_the_username_do_not_matter(client: FlaskClient, jane: str) -> None:
    assert sign_in(client, "  JANE ").status_code == 303


@pytest.mark.parametrize(
    ("username", "password"),
    [("jane", "wrong"), ("jane", PASSWORD + " "), ("nobody", PASSWORD), ("jane", PASSWORD.upper())],
)
def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(
    client: FlaskClient, jane: str, username: str, password: str
) -> None:
    answer = sign_in(client, username, password)

    assert answer.status_code == 401
    assert "The username or the password is not right." in answer.text
    assert password not in answer.text.replace(f'value="{username}"', "")
    assert client.get("/").status_code == 303


def test_empty_fields_are_named_and_what_was_typed_stays(client: FlaskClient, app: Flask) -> None:
    answer = sign_in(client, "jane", "")

    assert answer.status_code == 422
    assert 'value="jane"' in answer.text
    assert 'id="password-error"' in answer.text


def test_somebody_unknown_costs_as_long_as_somebody_known(
    client: FlaskClient, jane: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    verify = passwords.matches
    monkeypatch.setattr(passwords, "matches", lambda stored, typed: checked.append(stored) or verify(stored, typed))

    sign_in(client, "jane", "wrong")
    sign_in(client, "nobody", "wrong")

    parameters = {stored.rsplit("$", 2)[0] for stored in checked}
    assert len(checked) == 2
    assert len(parameters) == 1


@pytest.mark.parametrize("status", [StaffStatus.SUSPENDED, StaffStatus.LEFT])
def test_who_is_suspended_or_gone_gets_the_same_answer_as_a_stranger(
    client: FlaskClient, jane: str, status: StaffStatus
) -> None:
    staff_id = db.session.scalars(select(Staff.id)).one()
    in_transaction(lambda: staff_service.set_status(staff_id, status, by=ADMIN))

    answer = sign_in(client, jane)

    assert answer.status_code == 401
    assert "The username or the password is not right." in answer.text


@pytest.mark.parametrize("target", ["/members/new", "/payments?state=pending"])
def test_sign_in_goes_on_to_the_page_that_was_asked_for(client: FlaskClient, jane: str, target: str) -> None:
    assert sign_in(client, jane, target=target).location == target


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "https://evil.example",
        "https:evil",
        "/\\evil.example",
        "\\\\evil",
        "javascript:alert(1)",
        "/\t/evil",
        "/%09/x\n",
        "evil",
    ],
)
def test_sign_in_never_leads_to_another_site(client: FlaskClient, jane: str, target: str) -> None:
    page = client.get("/sign-in", query_string={"next": target})
    answer = sign_in(client, jane, target=target)

    assert 'name="next"' not in page.text
    assert answer.location == "/"


def test_a_page_asked_for_while_signed_out_is_come_back_to(client: FlaskClient, jane: str) -> None:
    answer = client.get("/users?status=left")

    assert (answer.status_code, answer.location) == (303, "/sign-in?next=/users?status%3Dleft")


def test_a_part_of_a_page_sends_the_whole_page_to_sign_in(client: FlaskClient, app: Flask) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://localhost/members?q=wanjiru"}

    answer = client.get("/users", headers=headers)

    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/sign-in?next=/members?q%3Dwanjiru"
    assert answer.text == ""


def test_who_is_signed_in_is_sent_on_from_the_sign_in_page(client: FlaskClient, jane: str) -> None:
    sign_in(client, jane)

    assert client.get("/sign-in?next=/more").location == "/more"


def test_the_session_of_before_is_worth_nothing_after_sign_in(client: FlaskClient, jane: str, app: Flask) -> None:
    token_before = csrf_token(client.get("/sign-in"))
    cookie_before = client.get_cookie("pamoja")

    sign_in(client, jane)

    cookie_after = client.get_cookie("pamoja")
    assert cookie_before is not None
    assert cookie_after is not None
    assert cookie_before.value != cookie_after.value
    answer = client.post("/sign-out", data={"csrf_token": token_before})
    assert answer.status_code == 403
    thief = app.test_client()
    thief.set_cookie("pamoja", cookie_before.value)
    assert thief.get("/").status_code == 303


def test_signing_in_again_makes_a_new_token(client: FlaskClient, jane: str) -> None:
    sign_in(client, jane)
    sign_in_page = client.get("/account/password")
    client.post("/sign-out", data={"csrf_token": csrf_token(sign_in_page)})
    sign_in(client, jane)

    hashes = db.session.scalars(select(StaffSession.token_hash)).all()
    assert len(set(hashes)) == 2


def test_signing_out_kills_the_session_and_not_only_the_cookie(client: FlaskClient, jane: str, app: Flask) -> None:
    sign_in(client, jane)
    copied = client.get_cookie("pamoja")
    assert copied is not None

    answer = client.post("/sign-out", data={"csrf_token": csrf_token(client.get("/account/password"))})

    assert (answer.status_code, answer.location) == (303, "/sign-in")
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    thief = app.test_client()
    thief.set_cookie("pamoja", copied.value)
    assert thief.get("/").status_code == 303
    assert db.session.scalars(select(StaffSession.end_reason)).one().value == "signed_out"


def test_a_session_ends_after_a_quarter_of_an_hour_without_use(
    client: FlaskClient, jane: str, clock: SettableClock
) -> None:
    clock.set("2026-11-22T06:00+00:00")
    sign_in(client, jane)

    clock.forward(minutes=14)
    used = client.get(A_PAGE).status_code
    clock.forward(minutes=14)
    used_again = client.get(A_PAGE).status_code
    clock.forward(minutes=15)

    assert (used, used_again, client.get(A_PAGE).status_code) == (200, 200, 303)


def test_a_session_ends_after_a_working_day_however_busy(client: FlaskClient, jane: str, clock: SettableClock) -> None:
    clock.set("2026-11-22T06:00+00:00")
    sign_in(client, jane)

    for _ in range(59):
        clock.forward(minutes=10)
        assert client.get(A_PAGE).status_code == 200
    clock.forward(minutes=10)

    assert client.get(A_PAGE).status_code == 303


def test_the_last_use_of_a_session_is_not_written_for_every_click(
    client: FlaskClient, jane: str, clock: SettableClock
) -> None:
    began = clock.set("2026-11-22T06:00+00:00")
    sign_in(client, jane)

    clock.forward(seconds=59)
    client.get(A_PAGE)
    soon = db.session.scalars(select(StaffSession.seen_at)).one()
    clock.forward(seconds=2)
    client.get(A_PAGE)
    db.session.expire_all()
    later = db.session.scalars(select(StaffSession.seen_at)).one()

    assert (soon, later) == (began, began + timedelta(seconds=61))


def test_a_changed_cookie_is_no_session(client: FlaskClient, jane: str, app: Flask) -> None:
    sign_in(client, jane)
    cookie = client.get_cookie("pamoja")
    assert cookie is not None

    stranger = app.test_client()
    stranger.set_cookie("pamoja", cookie.value[:-2] + "xx")

    assert stranger.get("/").status_code == 303


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(client: FlaskClient, jane: str) -> None:
    answer = sign_in(client, jane)

    cookies = {cookie.split("=")[0]: cookie.split("; ")[1:] for cookie in answer.headers.getlist("Set-Cookie")}
    assert cookies.keys() == {"pamoja", "pamoja-known"}
    assert set(cookies["pamoja"]) == {"HttpOnly", "Path=/", "SameSite=Lax"}
    assert set(cookies["pamoja"]) < set(cookies["pamoja-known"])


def test_six_tries_in_a_row_lock_the_username_for_a_while(client: FlaskClient, jane: str, clock: SettableClock) -> None:
    clock.set("2026-11-22T06:00+00:00")

    answers = [sign_in(client, jane, "wrong").status_code for _ in range(6)]
    locked = sign_in(client, jane)

    assert answers == [401] * 5 + [429]
    assert locked.status_code == 429
    assert locked.headers["Retry-After"] == "61"
    assert "Wait 2 minutes" in locked.text
    clock.forward(seconds=61)
    assert sign_in(client, jane).status_code == 303


def test_who_guesses_elsewhere_does_not_lock_the_browser_of_the_owner(
    client: FlaskClient, jane: str, app: Flask
) -> None:
    sign_in(client, jane)
    client.post("/sign-out", data={"csrf_token": csrf_token(client.get(A_PAGE))})
    stranger = app.test_client()
    guesses = [sign_in(stranger, jane, "wrong", environ_base=ELSEWHERE).status_code for _ in range(6)]

    locked_for_strangers = sign_in(app.test_client(), jane).status_code
    wrong_here = sign_in(client, jane, "wrong").status_code
    right_here = sign_in(client, jane).status_code
    still_locked = sign_in(app.test_client(), jane).status_code

    assert guesses == [401] * 5 + [429]
    assert (locked_for_strangers, wrong_here, right_here, still_locked) == (429, 401, 303, 429)


def test_a_known_browser_is_no_place_to_guess_at_either(client: FlaskClient, jane: str, app: Flask) -> None:
    people.hire("teller", username="kevin", password=PASSWORD)
    sign_in(client, jane)
    client.post("/sign-out", data={"csrf_token": csrf_token(client.get(A_PAGE))})

    own = [sign_in(client, jane, "wrong").status_code for _ in range(6)]
    of_another = [sign_in(client, "kevin", "wrong").status_code for _ in range(6)]
    forged = app.test_client()
    forged.set_cookie("pamoja-known", "WyJrZXZpbiIsIm1hcmsiXQ.forged.signature")

    assert own == [401] * 5 + [429]
    assert of_another == [401] * 5 + [429]
    assert sign_in(forged, "kevin").status_code == 429


def test_a_right_password_forgets_the_tries_before(client: FlaskClient, jane: str, app: Flask) -> None:
    for _ in range(4):
        sign_in(client, jane, "wrong")
    sign_in(client, jane)

    other = app.test_client()
    answers = [sign_in(other, jane, "wrong").status_code for _ in range(5)]

    assert answers == [401] * 5


def test_unknown_usernames_are_locked_like_known_ones(client: FlaskClient, jane: str) -> None:
    known = [sign_in(client, jane, "wrong").status_code for _ in range(7)]
    unknown = [sign_in(client, "nobody", "wrong").status_code for _ in range(7)]

    assert known == unknown


def test_one_try_each_at_many_usernames_locks_the_address(client: FlaskClient, app: Flask) -> None:
    guess_at_many(49)

    answers = [sign_in(client, f"user{number}", "wrong").status_code for number in range(49, 51)]

    assert answers == [401, 429]
    elsewhere = sign_in(client, "user99", "wrong", environ_base={"REMOTE_ADDR": "10.0.0.9"})
    assert elsewhere.status_code == 401


def test_signing_in_in_between_does_not_clear_the_address_of_a_guesser(client: FlaskClient, jane: str) -> None:
    guess_at_many(10)
    sign_in(client, jane)

    tries = db.session.scalars(select(SignInCounter.tries).where(SignInCounter.kind == "address")).one()
    assert tries == 10


def test_counters_know_nobody_by_name(client: FlaskClient, jane: str) -> None:
    sign_in(client, "my secret password by mistake", "wrong")

    rows = db.session.execute(select(SignInCounter.kind, SignInCounter.key_hash)).all()
    assert len(rows) == 2
    assert all(len(row.key_hash) == 32 for row in rows)
    assert "mistake" not in str(rows)


def test_sign_in_and_its_failures_leave_a_trace(client: FlaskClient, jane: str) -> None:
    sign_in(client, jane, "wrong")
    sign_in(client, "nobody", "wrong")
    sign_in(client, jane)

    actions = db.session.scalars(select(AuditEvent.action).order_by(AuditEvent.at, AuditEvent.id)).all()
    assert actions == ["identity.staff_created", "identity.sign_in_failed", "identity.signed_in"]
    assert db.session.scalar(select(func.count()).where(AuditEvent.address == "127.0.0.1")) == 2


def test_the_trace_of_the_failure_that_locks_a_name_says_until_when(
    client: FlaskClient, jane: str, clock: SettableClock
) -> None:
    clock.set("2026-11-22T06:00+00:00")
    for _ in range(6):
        sign_in(client, jane, "wrong")

    failed = select(AuditEvent.after).where(AuditEvent.action == "identity.sign_in_failed")
    traces = list(db.session.scalars(failed.order_by(AuditEvent.id)))
    assert traces == [None] * 4 + [{"locked_until": "2026-11-22T06:01:00+00:00"}]


def test_a_form_without_a_token_signs_nobody_in(client: FlaskClient, jane: str) -> None:
    answer = client.post("/sign-in", data={"username": jane, "password": PASSWORD})

    assert answer.status_code == 403
    assert "refresh" in answer.text
    assert client.get("/").status_code == 303


def test_a_form_of_another_site_signs_nobody_in(client: FlaskClient, jane: str) -> None:
    assert sign_in(client, jane, headers={"Origin": "https://evil.example"}).status_code == 403
    assert sign_in(client, jane, headers={"Origin": "null"}).status_code == 403
    assert sign_in(client, jane, headers={"Origin": "http://localhost"}).status_code == 303


def test_the_sandbox_names_its_demonstration_users(client: FlaskClient, app: Flask) -> None:
    page = client.get("/sign-in").text

    assert "<b>auditor</b>" in page
    assert app.extensions["settings"].demo_password in page
