"""The second factor: set up, asked for at sign-in, each code good once, recovery codes for a lost phone."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import UUID

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.approvals.models import Approval
from app.audit.models import AuditEvent
from app.identity import queries, totp
from app.identity.errors import OwnAccess
from app.identity.models import RecoveryCode, SecondFactor, StaffSession
from app.identity.service import second_factor, tokens
from app.identity.states import SessionState
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.transactions import in_transaction
from tests.approvals.pressing import decide
from tests.harness.clock import SettableClock
from tests.harness.people import APP, app_code, enrolled, hire, signed_in_client
from tests.identity import matrix
from tests.identity.test_sign_in import PASSWORD, csrf_token, sign_in
from tests.members import examples

A_PAGE = "/account/sessions"
CODES = re.compile(r"<li><code>([a-z2-9]{5}-[a-z2-9]{5})</code>")


@pytest.fixture
def jane(app: Flask) -> UUID:
    return enrolled(hire("teller", username="jane", password=PASSWORD))


@pytest.fixture
def half_open(app: Flask, jane: UUID) -> FlaskClient:
    return signed_in_client(app, jane, state=SessionState.HALF_OPEN)


@pytest.fixture
def window(app: Flask, jane: UUID) -> FlaskClient:
    return signed_in_client(app, jane)


def actions() -> list[str]:
    return list(db.session.scalars(select(AuditEvent.action).order_by(AuditEvent.at, AuditEvent.id)))


def recovery_codes_of(window: FlaskClient) -> list[str]:
    return CODES.findall(window.post("/account/second-factor/recovery-codes").text)


def test_the_library_makes_the_codes_of_the_standard(clock: SettableClock) -> None:
    """RFC 6238, appendix B: secret "12345678901234567890", SHA-1, the last six of its eight digits."""
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

    clock.set("2005-03-18T01:58:29+00:00")

    assert totp.code_at(secret, totp.step_of(clock())) == "081804"
    assert totp.matching_step(secret, "081804", instant=clock()) == 37037036


def test_after_the_password_the_code_is_asked_for_and_then_the_page_that_was_wanted(
    client: FlaskClient, jane: UUID
) -> None:
    entered = sign_in(client, "jane", target="/members")
    before = client.get("/members")
    page = client.get(entered.location or "")
    answer = client.post("/sign-in/code", data={"code": app_code(), "next": "/members", "csrf_token": csrf_token(page)})

    assert entered.location == "/sign-in/code?next=/members"
    assert before.location == "/sign-in/code?next=/members"
    assert (answer.status_code, answer.location) == (303, "/members")
    assert client.get("/members").status_code == 200
    assert actions()[-2:] == ["identity.password_accepted", "identity.signed_in"]


def test_a_code_may_be_typed_in_two_groups(half_open: FlaskClient) -> None:
    code = app_code()

    assert half_open.post("/sign-in/code", data={"code": f" {code[:3]} {code[3:]}"}).location == "/"


def test_a_password_alone_opens_no_page_of_any_kind(app: Flask, half_open: FlaskClient) -> None:
    rules: dict[tuple[str, str], Rule] = matrix.addresses(app)
    second_step = {"/sign-in/code", "/sign-in/set-up", "/sign-out"}

    for row in matrix.meant():
        if row.anonymous != "sign-in" or row.rule in second_step or row.key not in rules:
            continue
        address = matrix.address_of(app, rules[row.key])
        answer = half_open.open(address, method=row.method)
        part = half_open.open(address, method=row.method, headers={"HX-Request": "true"})
        assert answer.status_code == 303, row.key
        assert (answer.location or "").startswith("/sign-in/code"), row.key
        assert (part.status_code, part.text) == (403, ""), row.key
        assert part.headers["HX-Redirect"].startswith("/sign-in/code"), row.key


def test_a_page_that_does_not_exist_shows_no_places_to_go_before_the_code(half_open: FlaskClient) -> None:
    answer = half_open.get("/nothing/here")

    assert answer.status_code == 404
    assert 'href="/members"' not in answer.text


def test_who_has_a_factor_cannot_set_up_another_by_the_password_alone(half_open: FlaskClient, jane: UUID) -> None:
    page = half_open.get("/sign-in/set-up")
    secret = second_factor.proposal(jane, db.session.scalars(select(StaffSession.id)).one())
    forced = half_open.post("/sign-in/set-up", data={"code": pyotp.TOTP(secret).now()})

    assert (page.location, forced.location) == ("/sign-in/code", "/sign-in/code")
    assert db.session.get_one(SecondFactor, jane).secret == APP


def test_the_session_gets_a_new_token_with_the_code(app: Flask, client: FlaskClient, jane: UUID) -> None:
    sign_in(client, "jane")
    planted = client.get_cookie("pamoja")
    assert planted is not None
    page = client.get("/sign-in/code")
    client.post("/sign-in/code", data={"code": app_code(), "csrf_token": csrf_token(page)})

    thief = app.test_client()
    thief.set_cookie("pamoja", planted.value)

    assert client.get(A_PAGE).status_code == 200
    assert (thief.get(A_PAGE).location or "").startswith("/sign-in?")


@pytest.mark.parametrize("typed", ["000000", "12345", "abcdef", "ab-cd", "١٢٣٤٥٦", "x" * 40])
def test_a_wrong_code_opens_nothing_and_leaves_a_trace(half_open: FlaskClient, jane: UUID, typed: str) -> None:
    answer = half_open.post("/sign-in/code", data={"code": typed})

    assert answer.status_code == 422
    assert "This code is not right." in answer.text
    assert (half_open.get(A_PAGE).location or "").startswith("/sign-in/code")
    assert actions()[-1] == "identity.second_factor_failed"


def test_a_code_is_good_once_in_whichever_session(app: Flask, jane: UUID, clock: SettableClock) -> None:
    clock.set("2026-11-22T06:00:05+00:00")
    first, second = (signed_in_client(app, jane, state=SessionState.HALF_OPEN) for _ in range(2))
    code = app_code()

    taken, replayed = (
        first.post("/sign-in/code", data={"code": code}),
        second.post("/sign-in/code", data={"code": code}),
    )
    before = second.post("/sign-in/code", data={"code": app_code(steps=-1)})
    clock.forward(seconds=30)
    after = second.post("/sign-in/code", data={"code": app_code()})

    assert [taken.status_code, replayed.status_code, before.status_code, after.status_code] == [303, 422, 422, 303]
    assert "has been used already" in replayed.text


def test_a_phone_may_be_half_a_minute_off_but_no_more(app: Flask, jane: UUID, clock: SettableClock) -> None:
    clock.set("2026-11-22T06:00:05+00:00")

    def answer(steps: int) -> int:
        window = signed_in_client(app, enrolled(jane), state=SessionState.HALF_OPEN)
        return window.post("/sign-in/code", data={"code": app_code(steps=steps)}).status_code

    assert [answer(steps) for steps in (-2, -1, 0, 1, 2)] == [422, 303, 303, 303, 422]


def test_guessing_codes_is_counted_across_sessions_and_the_owner_gets_in_after_the_pause(
    app: Flask, jane: UUID, clock: SettableClock
) -> None:
    clock.set("2026-11-22T06:00:05+00:00")

    def guess() -> int:
        window = signed_in_client(app, jane, state=SessionState.HALF_OPEN)
        return window.post("/sign-in/code", data={"code": "000000"}).status_code

    answers = [guess() for _ in range(6)]
    owner = signed_in_client(app, jane, state=SessionState.HALF_OPEN)
    locked = owner.post("/sign-in/code", data={"code": app_code()})
    clock.forward(seconds=61)
    let_in = owner.post("/sign-in/code", data={"code": app_code()})

    assert answers == [422] * 5 + [429]
    assert (locked.status_code, locked.headers["Retry-After"]) == (429, "61")
    assert let_in.status_code == 303


def test_recovery_codes_are_counted_with_the_codes_of_the_app(app: Flask, window: FlaskClient, jane: UUID) -> None:
    good = recovery_codes_of(window)[0]
    half_open = signed_in_client(app, jane, state=SessionState.HALF_OPEN)

    answers = [half_open.post("/sign-in/code", data={"code": "aaaaa-bbbbb"}).status_code for _ in range(5)]
    locked = half_open.post("/sign-in/code", data={"code": good})

    assert answers == [422] * 5
    assert locked.status_code == 429
    assert queries.recovery_codes_left(jane) == 10


def test_a_recovery_code_stands_in_for_the_phone_once(app: Flask, window: FlaskClient, jane: UUID) -> None:
    codes = recovery_codes_of(window)

    def enter(code: str) -> int:
        half_open = signed_in_client(app, jane, state=SessionState.HALF_OPEN)
        answer = half_open.post("/sign-in/code", data={"code": code}, follow_redirects=True)
        said.append(answer.text)
        return answer.status_code

    said: list[str] = []
    answers = [enter(codes[0]), enter(codes[0]), enter(codes[1].upper().replace("-", " "))]

    assert len(set(codes)) == 10
    assert answers == [200, 422, 200]
    assert "You used a recovery code. 9 are left." in said[0]
    assert "8 of 10 are left" in window.get("/account/second-factor").text


def test_new_recovery_codes_make_the_old_ones_worthless(app: Flask, window: FlaskClient, jane: UUID) -> None:
    old, new = recovery_codes_of(window), recovery_codes_of(window)
    half_open = signed_in_client(app, jane, state=SessionState.HALF_OPEN)

    answers = [half_open.post("/sign-in/code", data={"code": code}).status_code for code in (old[0], new[0])]

    assert answers == [422, 303]


def test_one_persons_recovery_code_is_not_anothers(app: Flask, window: FlaskClient) -> None:
    code = recovery_codes_of(window)[0]
    other = signed_in_client(app, enrolled(hire("teller")), state=SessionState.HALF_OPEN)

    assert other.post("/sign-in/code", data={"code": code}).status_code == 422


def test_a_dump_of_the_database_shows_no_secret_and_no_code(app: Flask, window: FlaskClient, jane: UUID) -> None:
    codes = recovery_codes_of(window)

    stored = str(db.session.execute(text("SELECT secret FROM second_factor")).scalar_one())
    hashes = db.session.scalars(select(RecoveryCode.code_hash)).all()
    trail = str(db.session.execute(text("SELECT * FROM audit_event")).all())

    assert APP not in stored
    assert all(len(code_hash) == 32 for code_hash in hashes)
    assert not any(code in trail for code in [*codes, APP])


def test_the_sandbox_exempts_who_has_none_but_whoever_sets_one_up_must_show_it(app: Flask) -> None:
    hire("teller", username="kevin", password=PASSWORD)
    client = app.test_client()
    without = sign_in(client, "kevin").location
    page = client.get("/account/second-factor/new")
    key = re.findall(r"<code>([A-Z2-7 ]{39})</code>", page.text)[0].replace(" ", "")
    done = client.post(
        "/account/second-factor/new", data={"code": pyotp.TOTP(key).now(), "csrf_token": csrf_token(page)}
    )

    assert without == "/"
    assert done.status_code == 201
    assert len(CODES.findall(done.text)) == 10
    assert client.get(A_PAGE).status_code == 200
    assert sign_in(app.test_client(), "kevin").location == "/sign-in/code"


def test_setting_up_shows_a_picture_and_the_same_key_until_the_first_code_is_right(app: Flask) -> None:
    window = signed_in_client(app, hire("teller", username="kevin"))

    first, again = window.get("/account/second-factor/new"), window.get("/account/second-factor/new")
    wrong = window.post("/account/second-factor/new", data={"code": "000000"})

    keys = {re.findall(r"<code>([A-Z2-7 ]{39})</code>", page.text)[0] for page in (first, again, wrong)}
    assert len(keys) == 1
    assert '<svg viewBox="0 0' in first.text
    assert "style=" not in first.text
    assert wrong.status_code == 422
    assert "This code is not right." in wrong.text
    assert db.session.scalars(select(SecondFactor)).all() == []


def test_another_app_ends_the_one_of_before_and_every_other_session(
    app: Flask, window: FlaskClient, jane: UUID
) -> None:
    elsewhere = signed_in_client(app, jane)
    page = window.get("/account/second-factor/new")
    key = re.findall(r"<code>([A-Z2-7 ]{39})</code>", page.text)[0].replace(" ", "")

    window.post("/account/second-factor/new", data={"code": pyotp.TOTP(key).now()})

    assert db.session.get_one(SecondFactor, jane).secret == key
    assert key != APP
    assert window.get(A_PAGE).status_code == 200
    assert elsewhere.get(A_PAGE).status_code == 303
    next_page = window.get("/account/second-factor/new").text
    assert key not in next_page.replace(" ", "")


def test_the_code_that_set_an_app_up_is_used_up(app: Flask) -> None:
    kevin = hire("teller", username="kevin", password=PASSWORD)
    window = signed_in_client(app, kevin)
    page = window.get("/account/second-factor/new")
    key = re.findall(r"<code>([A-Z2-7 ]{39})</code>", page.text)[0].replace(" ", "")
    code = pyotp.TOTP(key).now()
    window.post("/account/second-factor/new", data={"code": code})
    half_open = signed_in_client(app, kevin, state=SessionState.HALF_OPEN)

    assert "has been used already" in half_open.post("/sign-in/code", data={"code": code}).text


def asked_to_take_away(admin: FlaskClient, staff_id: UUID, reason: str) -> TestResponse:
    return admin.post(f"/users/{staff_id}/second-factor", data={"reason": reason, "key": f"asked {reason}"})


def test_what_was_lost_is_taken_away_by_two_people_who_say_why(
    app: Flask, signed_in: Callable[[str], FlaskClient], window: FlaskClient, jane: UUID
) -> None:
    examples.open_books()
    admin, manager = signed_in("administrator"), signed_in("manager")

    bare = asked_to_take_away(admin, jane, "")
    asked = asked_to_take_away(admin, jane, "Phone stolen at the market")
    approval = re.findall(r"/approvals/[0-9a-f-]{36}", admin.get(f"/users/{jane}").text)[0]
    alone = admin.get(approval).text
    still_there = queries.second_factor_since(jane)
    approved = decide(manager, approval)

    assert (bare.status_code, asked.status_code) == (422, 303)
    assert 'name="verdict"' not in alone
    assert still_there is not None
    assert approved.status_code == 303
    assert queries.second_factor_since(jane) is None
    assert queries.recovery_codes_left(jane) == 0
    assert window.get(A_PAGE).status_code == 303
    event = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "identity.second_factor_reset")).one()
    assert event.after == {"reason": "Phone stolen at the market"}
    assert event.channel == "approval"


def test_nobody_asks_for_it_or_approves_it_for_himself(app: Flask, signed_in: Callable[[str], FlaskClient]) -> None:
    examples.open_books()
    oneself, manager = enrolled(hire("administrator")), enrolled(hire("manager"))
    asked_to_take_away(signed_in("administrator"), manager, "He says it is lost")
    waiting = db.session.scalars(select(Approval.id)).one()

    own_wish = decide(signed_in_client(app, manager), f"/approvals/{waiting}")
    with pytest.raises(OwnAccess):
        in_transaction(lambda: second_factor.reset(oneself, by=Actor("staff", str(oneself), "web"), reason="simple"))

    assert own_wish.status_code == 409
    assert queries.second_factor_since(manager) is not None


def test_a_session_that_waits_for_its_code_ends_soon(half_open: FlaskClient, clock: SettableClock) -> None:
    clock.forward(minutes=15)

    assert (half_open.get("/sign-in/code").location or "").startswith("/sign-in?")


def test_tokens_of_programs_need_no_second_factor(app: Flask, client: FlaskClient, jane: UUID) -> None:
    by = Actor.system("tests")
    issued = in_transaction(lambda: tokens.issue(name="till", staff_id=jane, scopes=["mpesa.query"], days=1, by=by))

    answer = client.get(f"/api/mpesa/query/{jane}", headers={"Authorization": f"Bearer {issued.secret}"})

    assert answer.status_code == 404


def test_security_events_say_who_and_how_and_no_secret(
    app: Flask, client: FlaskClient, jane: UUID, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="security")
    sign_in(client, "jane", "wrong")
    sign_in(client, "jane")
    page = client.get("/sign-in/code")
    client.post("/sign-in/code", data={"code": "000000", "csrf_token": csrf_token(page)})
    client.post("/sign-in/code", data={"code": app_code(), "csrf_token": csrf_token(page)})

    events = [record for record in caplog.records if record.name == "security"]
    assert [event.message for event in events] == [
        "sign_in_failed", "password_accepted", "second_factor_failed", "second_factor_shown",
    ]  # fmt: skip
    assert [event.levelname for event in events] == ["WARNING", "INFO", "WARNING", "INFO"]
    assert not any(secret in str(event.__dict__) for event in events for secret in (PASSWORD, "000000", APP))
