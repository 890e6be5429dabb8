"""MpesaService and the rail: what happens when there is no token, no settings, or an answer that helps nobody."""

from __future__ import annotations

import dataclasses
import itertools
import logging
from datetime import timedelta
from uuid import UUID

import pytest

from app.kernel import clock as kernel_clock
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.errors import Invalid
from app.kernel.money import Money, kes
from app.kernel.phones import Phone
from app.kernel.transactions import in_transaction
from app.payments.models import CallbackOutcome
from app.payments.rails import Outcome
from app.payments.rails.mpesa import client as daraja
from app.payments.rails.mpesa import configuration, errands, jobs, queries
from app.payments.rails.mpesa.codes import Again
from app.payments.rails.mpesa.errors import NotSetUp
from app.payments.rails.mpesa.fields import Limits
from app.payments.rails.mpesa.messages import StkPush
from app.payments.rails.mpesa.models import ErrandKind, ErrandState, MpesaErrand, MpesaPull
from app.payments.rails.mpesa.service import Hooks, MpesaService, NotAnswered
from tests.payments.mpesa import samples
from tests.payments.mpesa.conftest import SHORTCODE, arrive, c2b_body, payment, prompt, rail, receipt, row_of, sent
from tests.payments.mpesa.fake_daraja import Said, fake_daraja

BY = Actor.system("tests")
PHONE = Phone("254712345678")
HOOKS = Hooks(*(f"http://127.0.0.1:8000/hooks/m/00ff/{flow}" for flow in ("confirm", "validate", "pull")))
TOKEN = {"access_token": "a-token-of-tests", "expires_in": "3599"}


def answering(*said):
    """A token for whoever asks, and these answers to the requests, the last one again and again."""
    answers = itertools.chain(said, itertools.repeat(said[-1]))
    return lambda asked: Said.json(TOKEN) if asked.path.startswith("/oauth") else next(answers)


def without_token(_asked):
    return Said(503)


def service(url, **changes):
    paybill = configuration.current()
    return MpesaService(dataclasses.replace(paybill, api_url=url, **changes))


def push(**changes):
    paybill = configuration.current()
    values = {
        "shortcode": SHORTCODE,
        "passkey": paybill.passkey,
        "phone": PHONE,
        "amount": kes("250"),
        "account_reference": "SV000123",
        "description": "Deposit",
        "callback_url": "http://127.0.0.1:8000/hooks/m/00ff/stk",
        "at": kernel_clock.now(),
    }
    return StkPush(**values | changes)


def sample(name):
    reply = samples.reply(name)
    return Said(reply.status, reply.text)


def test_a_prompt_without_a_token_never_left(app, paybill):
    with fake_daraja(without_token) as fake:
        answer = service(fake.url).stk_push(push(), Limits())

    assert answer.outcome is Outcome.WAIT
    assert fake.times("stkpush") == 0


def test_a_prompt_that_mpesa_would_refuse_is_not_even_sent(app, paybill):
    with fake_daraja(answering(Said(200))) as fake:
        answer = service(fake.url).stk_push(push(amount=kes("250,001")), Limits())

    assert (answer.outcome, fake.asked) == (Outcome.FAILED, [])
    assert "250,000" in answer.detail


def test_a_lowered_limit_holds_for_prompts_that_were_asked_for_before(app, paybill):
    with fake_daraja(answering(Said(200))) as fake:
        answer = service(fake.url).stk_push(push(), Limits(Money(100), kes("200")))

    assert (answer.outcome, fake.asked) == (Outcome.FAILED, [])


def test_a_refused_token_is_replaced_once_and_not_for_ever(app, paybill):
    with fake_daraja(answering(sample("error_e1_stk_token.json"))) as fake:
        answer = service(fake.url).stk_push(push(), Limits())

    assert answer.outcome is Outcome.WAIT
    assert (fake.times("stkpush"), fake.times("oauth")) == (2, 2)


def test_the_answer_that_is_kept_holds_no_token(app, paybill):
    echo = Said.json({"errorCode": "400.002.02", "errorMessage": f"Bad Request - {TOKEN['access_token']}"}, 400)
    with fake_daraja(answering(echo)) as fake:
        answer = service(fake.url).stk_push(push(), Limits())

    assert TOKEN["access_token"] not in answer.raw


def test_a_question_without_a_token_taught_nothing(app, paybill):
    with fake_daraja(without_token) as fake:
        answer = service(fake.url).stk_query("ws_CO_1", at=kernel_clock.now())

    assert answer.outcome is Outcome.WAIT


def test_an_answer_about_another_prompt_taught_nothing(app, paybill):
    with fake_daraja(answering(sample("stk_query_paid.json"))) as fake:
        answer = service(fake.url).stk_query("ws_CO_another", at=kernel_clock.now())

    assert answer.outcome is Outcome.WAIT


def test_without_a_token_nothing_is_registered_or_pulled(app, paybill):
    with fake_daraja(without_token) as fake:
        asking = service(fake.url)
        for ask in (
            lambda: asking.register_c2b(HOOKS, "Completed"),
            lambda: asking.pull(kernel_clock.now() - timedelta(hours=1), kernel_clock.now()),
            lambda: asking.test_connection(at=kernel_clock.now()),
        ):
            with pytest.raises(NotAnswered) as refused:
                ask()
            assert refused.value.meaning.again is Again.SAME


def test_with_safaricom_the_nominated_phone_is_needed(app, paybill):
    with fake_daraja(answering(Said(200))) as fake, pytest.raises(ValueError, match="nominated phone"):
        service(fake.url, plain_http=False).register_pull(HOOKS)


def test_a_connection_test_that_proves_half_says_so(app, paybill):
    with fake_daraja(answering(Said(503))) as fake:
        words = service(fake.url).test_connection(at=kernel_clock.now())

    assert words == "M-PESA accepts the keys. It did not say whether it accepts the passkey."


def test_version_one_addresses_are_registered_where_version_one_is(app, paybill):
    with fake_daraja(answering(sample("c2b_register_ack.json"))) as fake:
        service(fake.url, c2b_version="v1").register_c2b(HOOKS, "Completed")

    assert fake.asked[-1].path == daraja.C2B_REGISTER_PATHS["v1"]


@pytest.mark.parametrize("missing", ["mpesa_shortcode", "mpesa_consumer_key", "mpesa_consumer_secret", "mpesa_passkey"])
def test_a_rail_without_its_settings_is_off(app, paybill, missing):
    assert rail().is_ready()

    paybill(**{missing: None})

    assert not rail().is_ready()
    with pytest.raises(NotSetUp):
        rail().check(PHONE, kes("100"))
    with pytest.raises(NotSetUp):
        in_transaction(lambda: errands.ask(ErrandKind.CONNECTION_TEST, by=BY))


def test_a_callback_address_that_mpesa_filters_turns_the_rail_off_in_words(app, paybill):
    paybill(mpesa_callback_url="https://mpesa.sacco.example")

    with pytest.raises(NotSetUp, match="mpesa"):
        rail().check(PHONE, kes("100"))


@pytest.mark.parametrize("amount", ["0.50", "250,001"])
def test_an_amount_that_mpesa_does_not_carry_is_refused_beside_its_field(app, paybill, amount):
    with pytest.raises(Invalid) as refused:
        rail().check(PHONE, kes(amount))

    assert list(refused.value.errors) == ["amount"]


def test_limits_are_those_of_the_day(app, paybill, clock):
    clock.set("2026-11-20T09:00:00+00:00")
    db.session.execute(
        db.text("insert into mpesa_limit values ('2026-11-21', 1000, 30000000, 'tests'), ('2020-01-01', 1, 2, 'tests')")
    )
    db.session.commit()
    assert configuration.limits() == Limits(Money(100), Money(25_000_000))

    clock.set("2026-11-20T21:00:00+00:00")  # midnight in Nairobi

    assert configuration.limits() == Limits(Money(1_000), Money(30_000_000))


def test_a_prompt_whose_paybill_is_no_longer_set_up_fails_in_words(society, paybill):
    payment_id = prompt(society)
    paybill(mpesa_shortcode=None)

    request = in_transaction(lambda: rail().request_for(payment(payment_id)))
    answer = rail().send(request)

    assert (answer.outcome, answer.detail) == (Outcome.FAILED, "M-PESA is not set up")
    assert rail().question_for(payment(payment_id)) is None


def test_the_stored_request_holds_no_secret(society):
    payment_id = prompt(society)

    call = in_transaction(lambda: rail().request_for(payment(payment_id)))

    stored = str(row_of(payment_id).request)
    assert call.push.callback_url not in stored
    assert call.push.passkey not in stored
    assert "Password" not in stored
    assert call.push.passkey not in repr(call)
    assert society.phone.msisdn not in repr(call)


def test_an_id_that_mpesa_gives_twice_finds_the_first_prompt_only(society, caplog):
    one, two = sent(society), sent(society, phone=Phone("254712999126"), acknowledged=False)
    known = row_of(one).checkout_request_id

    with caplog.at_level(logging.WARNING, "pamoja.security"):
        in_transaction(lambda: queries.note_ids(row_of(two), "1-2-3", known))

    assert queries.by_checkout_request_id(known).payment_id == one
    assert row_of(two).checkout_request_id is None
    assert "mpesa.request_id_repeated" in caplog.text


def test_an_answered_question_is_noted_and_so_is_news_on_the_pull_address(society):
    body = c2b_body(receipt(), society.account_number)

    assert arrive("validate", SHORTCODE, body) is CallbackOutcome.REPEATED
    assert arrive("pull", SHORTCODE, {"anything": 1}) is CallbackOutcome.APPLIED
    assert db.session.get_one(MpesaPull, SHORTCODE).due_at is not None


def test_an_errand_of_a_paybill_that_is_gone_is_refused(app, paybill):
    errand_id = in_transaction(lambda: errands.ask(ErrandKind.C2B_REGISTER, by=BY))
    assert list(jobs.due_errands()) == [("mpesa.run_errand", (errand_id,))]
    paybill(mpesa_shortcode=None)

    jobs.run_errand(errand_id)
    jobs.run_errand(errand_id)

    errand = errands.get(errand_id)
    assert (errand.state, errand.attempts) == (ErrandState.REFUSED, 1)
    assert list(jobs.due_errands()) == []


def test_an_errand_that_was_taken_over_is_not_written_by_the_first(app, paybill, clock):
    errand_id = in_transaction(lambda: errands.ask(ErrandKind.C2B_REGISTER, by=BY))
    slow = in_transaction(lambda: errands.claim_task(errand_id))
    clock.forward(seconds=errands.LEASE_SECONDS + 1)
    in_transaction(lambda: errands.claim_task(errand_id))

    in_transaction(lambda: errands.finish(slow, errands.Result(ErrandState.DONE, "too late")))

    assert db.session.get_one(MpesaErrand, errand_id).state is ErrandState.WAITING


def test_an_errand_that_nobody_asked_for_is_missing(app):
    with pytest.raises(errands.ErrandMissing):
        errands.get(UUID(int=1))


def test_everything_mpesa_lists_is_wanted_once_a_day(society):
    jobs.pull_all_receipts()

    row = db.session.get_one(MpesaPull, SHORTCODE)
    assert row.wanted_since < kernel_clock.now() - timedelta(hours=47)
