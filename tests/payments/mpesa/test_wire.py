"""The rail against the simulated provider: two processes, real HTTP, the provider's own faults and books."""

from __future__ import annotations

import itertools
import time
from datetime import timedelta

import pytest

from app.kernel import clock as kernel_clock
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.phones import Phone
from app.kernel.transactions import in_transaction
from app.payments import inbox
from app.payments import jobs as payment_jobs
from app.payments.models import Payment
from app.payments.rails import Outcome
from app.payments.rails.mpesa import client as daraja
from app.payments.rails.mpesa import configuration, errands, jobs, pulling
from app.payments.rails.mpesa.client import DarajaClient, Timeouts
from app.payments.rails.mpesa.codes import Again
from app.payments.rails.mpesa.models import (
    ErrandKind,
    ErrandState,
    MpesaErrand,
    MpesaPull,
    MpesaToken,
    MpesaTransaction,
)
from app.payments.rails.mpesa.service import MpesaService, NotAnswered
from app.payments.service import PaymentService
from app.payments.states import PaymentState
from tests.payments.mpesa.conftest import SHORTCODE, arrive, payment, prompt, row_of
from tests.sandbox.catcher import Catcher

_phones = itertools.count(254712700001)
BY = Actor.system("tests")


@pytest.fixture
def catcher():
    catcher = Catcher()
    yield catcher
    catcher.close()


@pytest.fixture
def wire(app, society, paybill, sandbox, catcher, clock):
    """The society's paybill is the simulator's; what it posts is caught, and the clock runs."""
    clock.run()
    given = sandbox.control("GET", "/credentials")["daraja"]
    paybill(
        mpesa_api_url=given["api_url"],
        mpesa_consumer_key=given["consumer_key"],
        mpesa_consumer_secret=given["consumer_secret"],
        mpesa_passkey=given["passkey"],
        mpesa_callback_url=catcher.url(""),
    )
    return sandbox


@pytest.fixture
def phone():
    return Phone(str(next(_phones)))


def mpesa(*, timeouts=None) -> MpesaService:
    paybill = configuration.current()
    assert paybill is not None
    return MpesaService(paybill, client=DarajaClient(paybill.api_url, timeouts=timeouts))


def run(job, *args):
    job(*args)
    db.session.expire_all()


def submit(society, phone, amount="250"):
    payment_id = prompt(society, amount, phone=phone)
    payment_jobs.submit(payment_id)
    return payment_id


def deliver(catcher, *, at_least=1):
    """Hand what the provider posted to the inbox, each message as often as it came."""
    outcomes = []
    for caught in catcher.wait(at_least):
        subject, flow = _subject(caught.path), caught.path.rsplit("/", 1)[1]
        outcomes.append(arrive(flow, subject, caught.text))
    return outcomes


def _subject(path):
    secret, flow = path.split("/")[-2:]
    found = inbox.address(secret, flow)
    assert found is not None, "the provider called an address that we gave it"
    return found.subject_id


def test_a_prompt_rings_is_paid_and_is_credited(wire, society, catcher, phone):
    before = society.balance()
    payment_id = submit(society, phone)
    assert payment(payment_id).state is PaymentState.PENDING

    wire.answer(phone.msisdn)
    deliver(catcher)

    paid = payment(payment_id)
    [line] = wire.lines_of(phone.msisdn)
    assert paid.state is PaymentState.SUCCEEDED
    assert paid.receipt_number == line["receipt"]
    assert (society.balance() - before).decimal() == "250.00"


@pytest.mark.parametrize(
    ("action", "state", "words"),
    [
        ("cancel", PaymentState.CANCELLED, "Cancelled on the phone"),
        ("wrong_pin", PaymentState.FAILED, "Wrong PIN"),
    ],
)
def test_what_the_member_does_is_told_in_plain_words(wire, society, catcher, phone, action, state, words):
    payment_id = submit(society, phone)

    wire.answer(phone.msisdn, action)
    deliver(catcher)

    closed = payment(payment_id)
    assert (closed.state, closed.detail) == (state, words)


@pytest.mark.parametrize(
    ("fault", "state"),
    [("insufficient_funds", PaymentState.FAILED), ("unreachable", PaymentState.EXPIRED)],
)
def test_what_happens_to_the_member_is_told_too(wire, society, catcher, phone, fault, state):
    wire.fault(fault, phone=phone.msisdn)
    wire.phone(phone.msisdn, auto_answer="pin")

    payment_id = submit(society, phone)
    deliver(catcher)

    assert payment(payment_id).state is state


def test_a_query_says_paid_and_the_pulled_list_gives_the_receipt(wire, society, catcher, phone):
    wire.fault("callback_lost", phone=phone.msisdn)
    before = society.balance()
    registered()
    payment_id = submit(society, phone)
    wire.answer(phone.msisdn)
    _wait_until(lambda: wire.lines_of(phone.msisdn))

    ask(payment_id)
    assert payment(payment_id).state is PaymentState.PAID
    run(jobs.pull, SHORTCODE)

    paid = payment(payment_id)
    assert (paid.state, paid.receipt_number) == (PaymentState.SUCCEEDED, wire.lines_of(phone.msisdn)[0]["receipt"])
    assert (society.balance() - before).decimal() == "250.00"
    assert db.session.query(MpesaTransaction).filter_by(receipt_number=paid.receipt_number).one().channels == ["pull"]


def test_the_same_money_by_callback_and_pull_is_credited_once(wire, society, catcher, phone):
    before = society.balance()
    registered()
    payment_id = submit(society, phone)
    wire.answer(phone.msisdn)
    deliver(catcher)

    in_transaction(lambda: pulling.want_all(SHORTCODE))
    run(jobs.pull, SHORTCODE)
    in_transaction(lambda: pulling.want_all(SHORTCODE))

    assert (society.balance() - before).decimal() == "250.00"
    number = payment(payment_id).receipt_number
    assert db.session.query(MpesaTransaction).filter_by(receipt_number=number).one().channels == ["callback", "pull"]


def test_a_lost_acknowledgement_is_unknown_and_is_never_sent_again(wire, society, catcher, phone):
    wire.fault("timeout_after", operation="stk_push", phone=phone.msisdn, delay_seconds=3)
    before = society.balance()
    payment_id = prompt(society, "250", phone=phone)
    call = in_transaction(lambda: _service().claim_for_submission(payment_id))

    answer = mpesa(timeouts=Timeouts(1, 1)).stk_push(call.message.push, call.message.limits)
    in_transaction(lambda: _service().record_answer(payment_id, answer, evidence="answer"))
    assert answer.outcome is Outcome.UNKNOWN
    assert payment(payment_id).state is PaymentState.UNKNOWN

    run(payment_jobs.submit, payment_id)
    wire.answer(phone.msisdn)
    deliver(catcher)

    assert payment(payment_id).state is PaymentState.SUCCEEDED
    assert len(wire.lines_of(phone.msisdn)) == 1
    assert (society.balance() - before).decimal() == "250.00"


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("error_500_before", Outcome.UNKNOWN),
        ("error_500_after", Outcome.UNKNOWN),
        ("spike_arrest", Outcome.WAIT),
        ("token_expired", Outcome.ACCEPTED),
    ],
)
def test_each_fault_of_the_gateway_leaves_what_the_table_says(wire, society, phone, fault, outcome):
    wire.fault(fault, operation="stk_push", phone=phone.msisdn)
    payment_id = prompt(society, "250", phone=phone)
    call = in_transaction(lambda: _service().claim_for_submission(payment_id))

    assert mpesa().stk_push(call.message.push, call.message.limits).outcome is outcome


def test_a_token_that_expires_in_the_middle_is_replaced_and_the_prompt_is_sent_once(wire, society, catcher, phone):
    wire.fault("token_expired", operation="stk_push", phone=phone.msisdn)

    payment_id = submit(society, phone)

    assert payment(payment_id).state is PaymentState.PENDING
    assert db.session.query(MpesaToken).one().fetches == 2
    wire.answer(phone.msisdn)
    deliver(catcher)
    assert len(wire.lines_of(phone.msisdn)) == 1


def test_ten_callbacks_at_once_and_forged_ones_credit_once(wire, society, catcher, phone):
    before = society.balance()
    wire.fault("callback_duplicate", phone=phone.msisdn)
    payment_id = submit(society, phone)
    wire.answer(phone.msisdn)

    deliver(catcher, at_least=10)

    assert payment(payment_id).state is PaymentState.SUCCEEDED
    assert (society.balance() - before).decimal() == "250.00"


def test_forged_callbacks_move_nothing_and_the_honest_one_does(wire, society, catcher, phone):
    before = society.balance()
    wire.fault("callback_forged", phone=phone.msisdn)
    payment_id = submit(society, phone)
    wire.answer(phone.msisdn)

    outcomes = deliver(catcher, at_least=3)

    assert [outcome.value for outcome in outcomes] == ["flagged", "flagged", "applied"]
    assert payment(payment_id).receipt_number == wire.lines_of(phone.msisdn)[0]["receipt"]
    assert (society.balance() - before).decimal() == "250.00"


def test_a_failure_that_comes_before_the_success_does_not_stand(wire, society, catcher, phone):
    wire.fault("callback_out_of_order", phone=phone.msisdn)
    payment_id = submit(society, phone)
    wire.answer(phone.msisdn)

    deliver(catcher, at_least=2)

    assert payment(payment_id).state is PaymentState.SUCCEEDED


def test_registered_addresses_hear_of_paybill_payments(wire, society, catcher, phone):
    before = society.balance()
    registered()

    body = {"phone": phone.msisdn, "shortcode": SHORTCODE, "account": society.account_number, "amount": 300}
    wire.control("POST", "/paybill", body, expect=201)
    _wait_until(lambda: any(caught.path.endswith("/confirm") for caught in catcher.caught))
    deliver(catcher)

    assert (society.balance() - before).decimal() == "300.00"
    assert db.session.query(Payment).one().receipt_number == wire.lines_of(phone.msisdn)[0]["receipt"]


def test_a_payment_that_nobody_told_us_of_is_found_in_the_pulled_list(wire, society, catcher, phone):
    registered(pull_only=True)
    wire.control(
        "POST",
        "/paybill",
        {"phone": phone.msisdn, "shortcode": SHORTCODE, "account": "NOBODY", "amount": 300},
        expect=201,
    )
    _wait_until(lambda: wire.lines_of(phone.msisdn))

    jobs.pull_receipts()
    run(jobs.pull, SHORTCODE)

    found = db.session.query(Payment).filter_by(receipt_number=wire.lines_of(phone.msisdn)[0]["receipt"]).one()
    assert found.amount.cents == 30_000
    assert db.session.get_one(MpesaPull, SHORTCODE).complete_until is not None


def test_pages_are_read_to_the_end_and_each_receipt_once(wire, society, catcher, phone):
    wire.settings(pull_page_rows=2)
    registered(pull_only=True)
    for _ in range(5):
        body = {"phone": phone.msisdn, "shortcode": SHORTCODE, "account": society.account_number, "amount": 10}
        wire.control("POST", "/paybill", body, expect=201)
    _wait_until(lambda: len(wire.lines_of(phone.msisdn)) == 5)

    for _ in range(2):
        in_transaction(lambda: pulling.want_all(SHORTCODE))
        db.session.query(MpesaPull).update({"due_at": kernel_clock.now()})
        db.session.commit()
        run(jobs.pull, SHORTCODE)

    numbers = {line["receipt"] for line in wire.lines_of(phone.msisdn)}
    assert db.session.query(Payment).filter(Payment.receipt_number.in_(numbers)).count() == 5


@pytest.mark.parametrize("zone", ["utc", "eat"])
def test_a_pulled_time_finds_its_prompt_whichever_zone_it_means(wire, society, catcher, phone, zone):
    wire.settings(pull_time=zone)
    wire.fault("callback_lost", phone=phone.msisdn)
    registered(pull_only=True)
    payment_id = submit(society, phone)
    wire.answer(phone.msisdn)
    _wait_until(lambda: wire.lines_of(phone.msisdn))

    in_transaction(lambda: pulling.want_all(SHORTCODE))
    run(jobs.pull, SHORTCODE)

    paid = payment(payment_id)
    assert paid.state is PaymentState.SUCCEEDED
    assert abs(paid.paid_at - kernel_clock.now()) < timedelta(minutes=5) or zone == "utc"


def test_a_refused_pull_is_noted_and_tried_again(wire, society):
    in_transaction(lambda: pulling.want_all(SHORTCODE))
    wire.fault("error_500_before", operation="pull_query")

    run(jobs.pull, SHORTCODE)

    row = db.session.get_one(MpesaPull, SHORTCODE)
    assert row.complete_until is None
    assert row.due_at is not None
    assert row.leased_until is None


def test_the_simulator_is_registered_with_once_without_anybody_asking(wire, society):
    for _ in range(2):
        in_transaction(lambda: errands.register_with_simulator(BY))

    asked = db.session.query(MpesaErrand).all()
    assert sorted(errand.kind.value for errand in asked) == ["c2b_register", "pull_register"]
    for errand in asked:
        run(jobs.run_errand, errand.id)
        assert errands.get(errand.id).state is ErrandState.DONE


def test_safaricom_is_never_registered_with_unasked(wire, society, paybill):
    paybill(mpesa_api_url="https://sandbox.safaricom.co.ke")

    in_transaction(lambda: errands.register_with_simulator(BY))

    assert db.session.query(MpesaErrand).count() == 0


def test_a_connection_test_says_that_keys_paybill_and_passkey_are_good(wire, society):
    errand = done(ErrandKind.CONNECTION_TEST)

    assert (errand.state, errand.detail) == (
        ErrandState.DONE,
        "M-PESA accepts the keys, the paybill and the passkey.",
    )


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"mpesa_consumer_secret": "another-secret"}, "The consumer key or secret is wrong."),
        ({"mpesa_passkey": "f" * 64}, "The passkey or shortcode is wrong."),
        ({"mpesa_shortcode": "999111"}, "Our paybill number is not known to M-PESA."),
    ],
)
def test_a_connection_test_says_what_is_wrong(wire, society, paybill, wrong, words):
    paybill(**wrong)

    errand = done(ErrandKind.CONNECTION_TEST)

    assert (errand.state, errand.detail) == (ErrandState.REFUSED, words)


def test_a_registration_that_is_refused_says_so(wire, society, sandbox):
    wire.settings(profile="production")

    errand = done(ErrandKind.C2B_REGISTER)

    assert errand.state is ErrandState.REFUSED
    assert "refuses a field" in errand.detail or "callback address" in errand.detail


def test_an_errand_without_an_answer_is_tried_three_times(wire, society):
    wire.fault("error_500_before", operation="c2b_register", times=5)
    errand_id = in_transaction(lambda: errands.ask(ErrandKind.C2B_REGISTER, by=BY))

    for _ in range(4):
        db.session.query(MpesaErrand).filter(MpesaErrand.due_at.is_not(None)).update({"due_at": kernel_clock.now()})
        db.session.commit()
        run(jobs.run_errand, errand_id)

    errand = errands.get(errand_id)
    assert (errand.state, errand.attempts) == (ErrandState.UNANSWERED, 3)


def test_a_product_that_is_not_enabled_is_a_matter_of_settings(wire, society, sandbox):
    wire.settings(products_off="pull")

    with pytest.raises(NotAnswered) as refused:
        mpesa().pull(kernel_clock.now() - timedelta(hours=1), kernel_clock.now())

    assert refused.value.meaning.again is Again.SETUP


def test_an_unknown_path_is_told_as_a_wrong_address(wire, society):
    reply = mpesa()._call("/mpesa/nothing/v1/here", {})

    assert reply.status == 404
    assert daraja.STK_PUSH_PATH.startswith("/mpesa")


def _service():
    return PaymentService(BY)


def ask(payment_id):
    """Ask the provider now, whatever the timetable says."""
    db.session.query(Payment).filter_by(id=payment_id).update({"due_at": kernel_clock.now()})
    db.session.commit()
    run(payment_jobs.poll, payment_id)


def done(kind):
    errand_id = in_transaction(lambda: errands.ask(kind, by=BY))
    run(jobs.run_errand, errand_id)
    return errands.get(errand_id)


def registered(*, pull_only=False):
    """Have the addresses registered with the provider, as an administrator would."""
    paybill = configuration.current()
    secret = in_transaction(lambda: _open(paybill))
    hooks = errands.Hooks(*(paybill.hook(secret, flow) for flow in errands.C2B_FLOWS.split()))
    if not pull_only:
        mpesa().register_c2b(hooks, "Completed")
    mpesa().register_pull(hooks)


def _open(paybill):
    return inbox.open_address("mpesa", errands.C2B_FLOWS, paybill.shortcode)


def _wait_until(true, seconds=10):
    give_up = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < give_up, "the provider did not do it"
        time.sleep(0.05)


def test_ids_of_a_prompt_are_kept_unreadable(wire, society, phone):
    payment_id = submit(society, phone)

    assert row_of(payment_id).checkout_request_id.endswith(phone.msisdn[-9:])
    raw = db.session.execute(db.text("select row_to_json(stk_push_request)::text from stk_push_request")).scalar_one()
    assert phone.msisdn[-9:] not in raw
