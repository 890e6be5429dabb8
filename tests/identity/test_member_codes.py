"""PINs and one-time codes: counted before they are looked at, bound to what they are for, readable nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from app.audit.models import AuditEvent
from app.identity.member_codes import one_time, pins, rules
from app.identity.member_codes.errors import (
    CodeBudgetSpent,
    NoCodeSent,
    PinLocked,
    PinPaused,
    PinRefused,
    WrongPin,
)
from app.identity.member_codes.models import MemberPin, OneTimeCode
from app.identity.member_codes.one_time import Bound, Outcome, Verdict
from app.identity.member_codes.rules import About
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.phones import Phone
from app.kernel.transactions import in_transaction
from app.messaging import rules as messaging_rules
from app.messaging import service as messaging
from app.messaging.answers import Answer
from app.messaging.answers import Outcome as Sent
from app.messaging.errors import TooManyTexts
from tests.harness.clock import SettableClock
from tests.harness.texts import latest, number_in, sms_is_on
from tests.members import examples

PHONE, OTHER = Phone("254712345678"), Phone("254722000111")
JANE = Actor("staff", "jane", "web", "10.0.0.7")
NOON = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
MARY = ("member", UUID("0198f3c2-0000-7000-8000-000000000001"))
TRANSFER_A = Bound("transfer", ("transfer", "A"), {"amount": "500.00", "to": "254733000111"})
TRANSFER_B = Bound("transfer", ("transfer", "B"), {"amount": "500.00", "to": "254733000111"})
ABOUT = About(date(1988, 3, 14), ("254712345678", "29876543"))


@pytest.fixture(autouse=True)
def sms(request: pytest.FixtureRequest) -> Iterator[None]:
    if "app" not in request.fixturenames:
        yield
        return
    with sms_is_on(request.getfixturevalue("app")):
        yield


def send(bound: Bound = TRANSFER_A, phone: Phone = PHONE) -> str:
    in_transaction(lambda: one_time.send(bound, phone, "phone_code", {}, language="en", by=JANE))
    return number_in("phone_code")


def check(typed: str, bound: Bound = TRANSFER_A) -> Verdict:
    return in_transaction(lambda: one_time.check(bound, typed, by=JANE))


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


# One-time codes


def test_a_code_is_six_digits_good_once(app: Flask) -> None:
    code = send()

    assert len(code) == 6
    assert check(code).outcome is Outcome.RIGHT
    assert check(code).outcome is Outcome.GONE


def test_what_is_stored_of_a_code_does_not_tell_it(app: Flask) -> None:
    code = send()

    row = db.session.execute(text("SELECT one_time_code.*::text FROM one_time_code")).scalar_one()
    assert code not in row
    message = latest("phone_code")
    assert code not in message.text
    assert "****" in message.text
    assert code.encode() not in db.session.execute(text("SELECT secret_text FROM sms_message")).scalar_one()


@pytest.mark.parametrize(
    "other",
    [
        TRANSFER_B,
        Bound("withdrawal", TRANSFER_A.subject, TRANSFER_A.facts),
        Bound("transfer", TRANSFER_A.subject, {"amount": "50000.00", "to": "254733000111"}),
        Bound("transfer", TRANSFER_A.subject, {"amount": "500.00", "to": "254700000000"}),
    ],
    ids=["another transfer", "another purpose", "another amount", "another payee"],
)
def test_the_code_of_one_transfer_is_no_good_for_another(app: Flask, other: Bound) -> None:
    code = send()

    assert not check(code, other).is_right
    assert check(code).is_right


def test_five_wrong_tries_void_a_code(app: Flask) -> None:
    code = send()

    left = [check(wrong(code)).tries_left for _ in range(5)]

    assert left == [4, 3, 2, 1, 0]
    assert check(code).outcome is Outcome.GONE


def test_a_code_is_good_for_ten_minutes(app: Flask, clock: SettableClock) -> None:
    clock.set(NOON)
    code = send()
    clock.forward(minutes=10)

    assert check(code).outcome is Outcome.GONE


def test_a_new_code_voids_the_older(app: Flask) -> None:
    first, second = send(), send()

    if first != second:
        assert check(first).outcome is Outcome.WRONG
    assert check(second).is_right


def test_of_many_right_tries_at_once_one_is_right(committed_app: Flask) -> None:
    with committed_app.app_context(), sms_is_on(committed_app):
        code = send()

    def attempt(_: int) -> Outcome:
        with committed_app.app_context():
            return check(code).outcome

    with ThreadPoolExecutor(10) as pool:
        outcomes = list(pool.map(attempt, range(20)))

    assert outcomes.count(Outcome.RIGHT) == 1
    assert outcomes.count(Outcome.GONE) == 19


def test_a_phone_gets_five_codes_an_hour_and_ten_a_day(app: Flask, clock: SettableClock) -> None:
    clock.set(NOON)
    for _ in range(5):
        send()
    with pytest.raises(CodeBudgetSpent) as refused:
        send()
    assert refused.value.retry_after_seconds == 3601
    assert "try again in 1 hour" in refused.value.message or "try again in 2 hours" in refused.value.message
    send(phone=OTHER)

    clock.forward(hours=1, seconds=1)
    for _ in range(5):
        send()
    clock.forward(hours=2)
    with pytest.raises(CodeBudgetSpent):
        send()
    assert db.session.scalar(select(func.count()).select_from(OneTimeCode)) == 11


def test_the_budget_is_not_outrun_by_asking_at_once(committed_app: Flask) -> None:
    def ask(number: int) -> bool:
        with committed_app.app_context():
            try:
                bound = Bound("transfer", ("transfer", str(number)))
                in_transaction(lambda: one_time.send(bound, PHONE, "phone_code", {}, language="en", by=JANE))
            except CodeBudgetSpent:
                return False
            return True

    with sms_is_on(committed_app), ThreadPoolExecutor(8) as pool:
        sent = list(pool.map(ask, range(12)))

    assert sent.count(True) == 5


def test_without_sms_no_code_is_sent_and_the_old_one_stays(app: Flask) -> None:
    code = send()
    app.extensions["sms_provider"] = None

    with pytest.raises(NoCodeSent):
        send()

    assert check(code).is_right


def test_every_step_of_a_code_is_on_record(app: Flask) -> None:
    code = send()
    check(wrong(code))
    check(code)

    actions = list(db.session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))
    assert actions == ["identity.code_sent", "identity.code_wrong", "identity.code_used"]
    assert code not in str(db.session.execute(text("SELECT array_agg(e::text) FROM audit_event e")).scalar_one())


# Texts


def test_a_secret_is_gone_from_the_outbox_once_it_was_sent(app: Flask) -> None:
    code = send()
    message = latest("phone_code")

    sending = in_transaction(lambda: messaging.claim_for_sending(message.id))
    assert sending is not None
    assert code in sending.text
    in_transaction(
        lambda: messaging.record_answer(message.id, Answer(Sent.ACCEPTED, "Sent", "101", "x1"), fence=sending.fence)
    )

    assert latest("phone_code").secret_text is None
    assert latest("phone_code").text.startswith("****")


def test_a_secret_that_may_be_tried_again_is_kept_for_that(app: Flask) -> None:
    code = send()
    message = latest("phone_code")
    sending = in_transaction(lambda: messaging.claim_for_sending(message.id))
    assert sending is not None

    in_transaction(lambda: messaging.record_answer(message.id, Answer(Sent.RETRY, "No route"), fence=sending.fence))

    assert code in (latest("phone_code").secret_text or "")


def test_a_phone_gets_so_many_texts_a_day_receipts_apart(app: Flask) -> None:
    facts = {"name": "Mary", "number": "M000123"}

    def texted(number: int, template: str = "member_welcome", **more: object) -> object:
        values = {**facts, **more}
        cause = ("test", f"{template}{number}")
        return in_transaction(
            lambda: messaging.queue_sms(PHONE, template, values, language="en", cause=cause)  # type: ignore[arg-type]
        )

    sent = [texted(number) for number in range(messaging_rules.TEXTS_A_DAY + 1)]
    assert [one is None for one in sent].count(True) == 1
    assert texted(1, "payment_in_suspense", amount="1", receipt="X", at=NOON) is not None
    with pytest.raises(TooManyTexts) as refused:
        send()
    assert 0 < refused.value.retry_after_seconds <= 86_401


# PINs


@pytest.mark.parametrize(
    "pin",
    ["1111", "1234", "4321", "9876", "0123", "2468", "1212", "123123", "2580", "1988", "1403", "0314", "140388",
     "5678", "345678", "6543", "2987", "2547"],
)  # fmt: skip
def test_a_pin_that_is_easy_to_guess_is_refused(pin: str) -> None:
    assert rules.why_not_pin(pin, ABOUT)


@pytest.mark.parametrize("pin", ["123", "1234567", "12a4", "", "١٢٣٤", "12 34"])
def test_what_is_no_pin_is_refused(pin: str) -> None:
    assert rules.why_not_pin(pin, ABOUT) == "A PIN has 4 to 6 digits."


@pytest.mark.parametrize("pin", ["4829", "7305", "91746", "860415"])
def test_any_other_pin_is_accepted(pin: str) -> None:
    assert rules.why_not_pin(pin, ABOUT) is None


def test_the_wait_for_the_next_code_is_the_longest_of_its_limits() -> None:
    minute = timedelta(minutes=1)

    assert rules.wait_for_budget([NOON - minute] * 4, NOON) is None
    assert rules.wait_for_budget([NOON - minute] * 5, NOON) == timedelta(minutes=59)
    assert rules.wait_for_budget([NOON - 5 * timedelta(hours=1)] * 10, NOON) == timedelta(hours=19)


@pytest.fixture
def mary(app: Flask) -> UUID:
    examples.open_books()
    return examples.register(payment_phone="0712345678", national_id="29876543")


def issue(member_id: UUID) -> str:
    in_transaction(lambda: pins.issue(member_id, PHONE, about=ABOUT, language="sw", by=JANE))
    return number_in("member_pin")


def enter(member_id: UUID, pin: str) -> bool:
    """As a door does it: count, compare, write down what came of it."""
    candidate = in_transaction(lambda: pins.begin(member_id))
    try:
        pins.check(candidate, pin)
    except WrongPin:
        in_transaction(lambda: pins.record_failure(candidate, by=JANE))
        raise
    return in_transaction(lambda: pins.confirm(candidate, by=JANE))


def change(member_id: UUID, pin: str, new: str) -> None:
    candidate = in_transaction(lambda: pins.begin(member_id))
    pins.check(candidate, pin)
    in_transaction(lambda: pins.change(candidate, new, about=ABOUT, by=JANE))


def test_the_first_pin_must_be_changed_at_first_use(mary: UUID) -> None:
    pin = issue(mary)

    assert enter(mary, pin) is True
    change(mary, pin, "4829")

    assert enter(mary, "4829") is False
    with pytest.raises(WrongPin):
        enter(mary, pin)


def test_a_first_pin_is_good_for_a_day(mary: UUID, clock: SettableClock) -> None:
    clock.set(NOON)
    pin = issue(mary)
    clock.forward(hours=24)

    with pytest.raises(WrongPin):
        enter(mary, pin)


def test_three_wrong_tries_lock_a_pin_until_it_is_reset(mary: UUID, clock: SettableClock) -> None:
    clock.set(NOON)
    pin = issue(mary)
    for _ in range(3):
        with pytest.raises(WrongPin):
            enter(mary, "0007")
        clock.forward(minutes=2)

    with pytest.raises(PinLocked):
        enter(mary, pin)
    clock.forward(hours=10)
    with pytest.raises(PinLocked):
        enter(mary, pin)
    assert pins.standing(mary).is_locked  # type: ignore[union-attr]

    assert enter(mary, issue(mary)) is True
    actions = list(db.session.scalars(select(AuditEvent.action).where(AuditEvent.action.startswith("identity.pin_"))))
    assert actions.count("identity.pin_locked") == 1
    assert {"identity.pin_issued", "identity.pin_reset", "identity.pin_failed"} <= set(actions)


def test_pauses_grow_with_each_wrong_try(mary: UUID, clock: SettableClock) -> None:
    clock.set(NOON)
    pin = issue(mary)
    waits = []
    for _ in range(2):
        with pytest.raises(WrongPin):
            enter(mary, "0007")
        with pytest.raises(PinPaused) as paused:
            enter(mary, pin)
        waits.append(paused.value.retry_after_seconds)
        clock.forward(seconds=waits[-1])

    assert waits == [11, 61]
    assert enter(mary, pin) is True


def test_the_right_pin_forgets_the_wrong_tries(mary: UUID, clock: SettableClock) -> None:
    clock.set(NOON)
    pin = issue(mary)
    for _ in range(3):
        for _ in range(2):
            with pytest.raises(WrongPin):
                enter(mary, "0007")
            clock.forward(minutes=2)
        assert enter(mary, pin) is True


def test_a_reset_ends_the_old_pin_and_holds_money_back_for_a_day(mary: UUID, clock: SettableClock) -> None:
    clock.set(NOON)
    first = issue(mary)
    assert pins.money_out_from(mary) is None
    second = issue(mary)

    if first != second:
        with pytest.raises(WrongPin):
            enter(mary, first)
    assert pins.money_out_from(mary) == NOON + timedelta(hours=24)


def test_a_pin_that_was_reset_meanwhile_is_not_confirmed(mary: UUID) -> None:
    pin = issue(mary)
    candidate = in_transaction(lambda: pins.begin(mary))
    pins.check(candidate, pin)
    issue(mary)

    with pytest.raises(WrongPin):
        in_transaction(lambda: pins.confirm(candidate, by=JANE))


def test_an_own_pin_must_not_be_easy_nor_the_same(mary: UUID) -> None:
    pin = issue(mary)

    with pytest.raises(PinRefused) as easy:
        change(mary, pin, "1234")
    assert "too easy" in easy.value.errors["pin"]
    with pytest.raises(PinPaused):
        change(mary, pin, pin)


def test_a_pin_is_stored_as_a_slow_hash_and_texted_once(mary: UUID) -> None:
    pin = issue(mary)

    row = db.session.scalars(select(MemberPin)).one()
    assert row.pin_hash.startswith("$argon2id$")
    assert pin not in latest("member_pin").text
    assert "PIN yako" in latest("member_pin").text


def test_no_more_than_three_wrong_pins_get_through_however_many_come_at_once(committed_app: Flask) -> None:
    with committed_app.app_context(), sms_is_on(committed_app):
        examples.open_books()
        mary = examples.register()
        issue(mary)

    def guess(_: int) -> str:
        with committed_app.app_context():
            try:
                candidate = in_transaction(lambda: pins.begin(mary))
                pins.check(candidate, "0007")
            except (PinLocked, PinPaused):
                return "refused"
            except WrongPin:
                return "looked at"
        raise AssertionError("the guess is wrong")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(guess, range(12)))

    assert 1 <= answers.count("looked at") <= 3
