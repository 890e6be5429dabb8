"""Money that arrived is credited against its receipt number, once, whichever way it was learned."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from app.kernel import clock as kernel_clock
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.money import ZERO, kes
from app.kernel.transactions import in_transaction
from app.ledger import models as ledger_tables
from app.ledger import queries as ledger
from app.members.states import MemberStatus
from app.messaging.models import SmsMessage
from app.payments import queries
from app.payments.errors import AccountNotFitting, NotInSuspense
from app.payments.models import AllocationState, Method, Payment, PaymentAllocation
from app.payments.rails import Answer, Outcome
from app.payments.service import PaymentService, ReceivedMoney
from app.payments.states import PaymentState
from tests.ledger.journal import journal, stored
from tests.members import examples
from tests.payments.mpesa.conftest import OFFICER, payment, receipt, sent, someone

MPESA = Actor.provider("daraja")


def money(number, amount="1,500", *, account="", channel="callback", paid_at=None, phone=None):
    return ReceivedMoney(
        rail="mpesa",
        receipt_number=number,
        amount=kes(amount),
        paid_at=paid_at or kernel_clock.now(),
        payer_phone=phone,
        payer_name="MARY",
        account_text=account,
        clearing_account="1120",
        channel=channel,
    )


def receive(arrived, *, prompt=None):
    return in_transaction(lambda: PaymentService(MPESA).receive(arrived, prompt=prompt))


def entries_of(payment_id):
    return [
        stored(entry_id)
        for entry_id in db.session.scalars(
            select(ledger_tables.entry.c.id).where(ledger_tables.entry.c.cause_id == str(payment_id)).order_by("id")
        )
    ]


def suspense_balance():
    return ledger.ledger_balance("2210")


def shares(payment_id, *states):
    found = payment(payment_id).allocations
    return [share for share in found if not states or share.state in states]


def test_the_money_of_a_prompt_goes_where_it_was_meant_to(society):
    before, prompt_id, number = society.balance(), sent(society), receipt()

    receive(money(number), prompt=prompt_id)

    paid = payment(prompt_id)
    assert (paid.state, paid.receipt_number) == (PaymentState.SUCCEEDED, number)
    assert society.balance() == before + kes("1,500")
    branch = "" if ledger.branch_of(society.account_id) == ledger.head_office() else "NKU"
    assert entries_of(prompt_id) == [
        journal(
            f"""
            2026-11-20 Deposit {number}
              1120 M-PESA paybill     1,500.00
              2010 {society.account_number}{" @" + branch if branch else ""}  -1,500.00
            """
            + (
                f"""  1990 inter-branch  -1,500.00
              1990 inter-branch @{branch}  1,500.00
            """
                if branch
                else ""
            )
        )
    ]


def test_the_member_is_told_only_by_the_transaction_that_credits(society, texts):
    prompt_id, number = sent(society), receipt()

    def told():
        return db.session.scalars(
            select(SmsMessage.template).where(SmsMessage.cause_id == str(prompt_id)).order_by(SmsMessage.template)
        ).all()

    def cut_off():
        PaymentService(MPESA).receive(money(number), prompt=prompt_id)
        raise RuntimeError("the worker is cut off before the commit")

    with pytest.raises(RuntimeError):
        in_transaction(cut_off)
    assert told() == ["payment_prompt"]
    assert entries_of(prompt_id) == []

    receive(money(number), prompt=prompt_id)
    assert told() == ["payment_prompt", "payment_received"]


@pytest.mark.parametrize("channels", [("callback", "confirmation", "pull"), ("pull", "confirmation", "callback")])
def test_one_receipt_by_three_channels_is_credited_once(society, channels):
    before, prompt_id, number = society.balance(), sent(society), receipt()

    for channel in channels:
        receive(money(number, channel=channel), prompt=prompt_id)

    assert society.balance() == before + kes("1,500")
    assert len(entries_of(prompt_id)) == 1


def test_money_with_a_known_account_is_credited_however_the_number_was_typed(society):
    before = society.balance()

    payment_id = receive(
        money(receipt(), account=f" {society.account_number.lower().replace('-', ' ')} ", channel="confirmation")
    )

    assert society.balance() == before + kes("1,500")
    assert payment(payment_id).member_id == society.member_id
    assert payment(payment_id).method is Method.PAYBILL


def test_money_with_a_member_number_goes_to_the_members_normal_account(society):
    before = society.balance()

    receive(money(receipt(), account=society.member_number, channel="confirmation"))

    assert society.balance() == before + kes("1,500")


def test_money_that_nobody_recognises_waits_in_suspense(society):
    number = receipt()

    payment_id = receive(money(number, account="SHARES", channel="confirmation"))

    assert entries_of(payment_id) == [
        journal(
            f"""
            2026-11-20 M-PESA {number}, not yet allocated
              1120 M-PESA paybill             1,500.00
              2210 unidentified receipts     -1,500.00
            """
        )
    ]
    assert queries.in_suspense()[:2] == (1, kes("1,500"))


def test_a_person_allocates_what_is_in_suspense_once(society):
    before = society.balance()
    payment_id = receive(money(receipt(), account="SHARES", channel="confirmation"))
    held = shares(payment_id)[0].id

    in_transaction(lambda: PaymentService(OFFICER).allocate(held, reference=society.account_number))
    with pytest.raises(NotInSuspense):
        in_transaction(lambda: PaymentService(OFFICER).allocate(held, reference=society.account_number))

    assert society.balance() == before + kes("1,500")
    assert suspense_balance() == ZERO
    assert [share.state for share in shares(payment_id)] == [AllocationState.MOVED, AllocationState.POSTED]


def test_an_account_that_does_not_exist_leaves_the_money_in_suspense(society):
    payment_id = receive(money(receipt(), account="?", channel="confirmation"))

    with pytest.raises(AccountNotFitting):
        in_transaction(lambda: PaymentService(OFFICER).allocate(shares(payment_id)[0].id, reference="SV-999999"))

    assert suspense_balance() == kes("1,500")


def test_a_destination_that_refuses_sends_its_share_to_suspense(society):
    prompt_id = sent(society)
    examples.change_status(society.member_id, MemberStatus.DECEASED)

    receive(money(receipt()), prompt=prompt_id)

    share = shares(prompt_id)[0]
    assert payment(prompt_id).state is PaymentState.SUCCEEDED
    assert share.state is AllocationState.SUSPENSE
    assert share.reason
    assert suspense_balance() == kes("1,500")


def test_a_receipt_before_its_prompts_callback_is_posted_once_and_becomes_the_prompts(society):
    before, prompt_id, number = society.balance(), sent(society), receipt()
    first_id = receive(money(number, account="typo", channel="confirmation"))
    assert suspense_balance() == kes("1,500")

    receive(money(number, channel="callback"), prompt=prompt_id)

    assert society.balance() == before + kes("1,500")
    assert suspense_balance() == ZERO
    assert queries.get(first_id).id == prompt_id
    assert payment(prompt_id).state is PaymentState.SUCCEEDED
    assert not payment(prompt_id).needs_review


def test_what_was_credited_elsewhere_stays_and_is_shown_for_review(society):
    other = someone(1)
    before, elsewhere = society.balance(), other.balance()
    prompt_id, number = sent(society), receipt()
    first_id = receive(money(number, account=other.account_number, channel="confirmation"))

    receive(money(number, channel="callback"), prompt=prompt_id)

    assert (society.balance(), other.balance()) == (before, elsewhere + kes("1,500"))
    merged = payment(prompt_id)
    assert merged.needs_review
    assert queries.get(first_id).id == prompt_id
    counted = [share.amount for share in merged.allocations if share.state.counts]
    assert counted == [kes("1,500")]


def test_a_member_is_not_told_twice_of_one_receipt(society, texts):
    prompt_id, number = sent(society), receipt()
    receive(money(number, account=society.account_number, channel="confirmation"))

    receive(money(number, channel="callback"), prompt=prompt_id)

    received = select(SmsMessage.id).where(SmsMessage.template == "payment_received")
    assert len(db.session.scalars(received).all()) == 1


def test_a_repeat_after_the_two_became_one_changes_nothing(society):
    before, prompt_id, number = society.balance(), sent(society), receipt()
    receive(money(number, account="typo", channel="confirmation"))
    receive(money(number, channel="callback"), prompt=prompt_id)

    assert receive(money(number, account="typo", channel="pull")) == prompt_id
    receive(money(number, channel="callback"), prompt=prompt_id)

    assert society.balance() == before + kes("1,500")


def test_another_amount_than_was_asked_for_waits_for_a_person(society):
    before, prompt_id = society.balance(), sent(society)

    receive(money(receipt(), "1,400"), prompt=prompt_id)

    assert society.balance() == before
    assert suspense_balance() == kes("1,400")
    assert "KES 1,500.00 was asked for and KES 1,400.00 came" in (payment(prompt_id).needs_review or "")


def test_a_second_receipt_for_one_prompt_is_a_payment_of_its_own_for_review(society):
    prompt_id = sent(society)
    receive(money(receipt()), prompt=prompt_id)

    second_id = receive(money(receipt(), account="again"), prompt=prompt_id)

    assert second_id != prompt_id
    assert payment(second_id).needs_review


def test_money_after_a_failure_was_reported_still_counts(society):
    before, prompt_id = society.balance(), sent(society)
    in_transaction(
        lambda: PaymentService(MPESA).apply_answer(
            prompt_id, Answer(Outcome.CANCELLED, "Cancelled on the phone", "1032"), evidence="callback"
        )
    )
    assert payment(prompt_id).state is PaymentState.CANCELLED

    receive(money(receipt()), prompt=prompt_id)

    assert payment(prompt_id).state is PaymentState.SUCCEEDED
    assert society.balance() == before + kes("1,500")


def test_a_late_failure_never_undoes_a_success(society):
    prompt_id = sent(society)
    receive(money(receipt()), prompt=prompt_id)

    moved = in_transaction(
        lambda: PaymentService(MPESA).apply_answer(
            prompt_id, Answer(Outcome.FAILED, "Not enough money", "1"), evidence="callback"
        )
    )

    assert not moved
    assert payment(prompt_id).state is PaymentState.SUCCEEDED


def test_money_counts_on_the_providers_day_in_nairobi(society, clock):
    paid_at = kernel_clock.now() - timedelta(hours=13)  # 23:00 on 19 November in Nairobi

    payment_id = receive(money(receipt(), account=society.account_number, paid_at=paid_at))

    assert [entry.on.isoformat() for entry in entries_of(payment_id)] == ["2026-11-19"]


def test_a_provider_whose_clock_runs_ahead_cannot_post_into_tomorrow(society, clock):
    paid_at = kernel_clock.now() + timedelta(hours=13)

    payment_id = receive(money(receipt(), account=society.account_number, paid_at=paid_at))

    assert [entry.on.isoformat() for entry in entries_of(payment_id)] == ["2026-11-20"]


def test_the_database_refuses_a_second_payment_with_the_same_receipt(society):
    number = receipt()
    receive(money(number, account=society.account_number))

    with pytest.raises(Exception, match="uq_payment_rail_receipt_number"), db.session.begin_nested():
        db.session.execute(
            text(
                "INSERT INTO payment (direction, rail, method, amount_cents, state, state_at, created_at,"
                " account_reference, receipt_number, requested_by)"
                " SELECT direction, rail, method, amount_cents, state, state_at, created_at,"
                " account_reference, receipt_number, requested_by FROM payment WHERE receipt_number = :number"
            ),
            {"number": number},
        )


def test_thirty_messages_about_one_receipt_at_once_credit_it_once(committed_app, clock, committed_society):
    """Ten callbacks, ten confirmations with the account as typed, ten pulled lines: all on real connections."""
    prompt_id, number, before = committed_society.prompt(), receipt(), committed_society.balance()
    start, credited = threading.Barrier(30), []

    def run(channel):
        with committed_app.app_context():
            start.wait()
            prompt = prompt_id if channel == "callback" else None
            credited.append(receive(money(number, account=committed_society.reference, channel=channel), prompt=prompt))

    threads = [threading.Thread(target=run, args=(channel,)) for channel in ("callback", "confirmation", "pull") * 10]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with committed_app.app_context():
        assert len(credited) == 30
        assert committed_society.balance() == before + kes("1,500")
        carriers = db.session.scalars(select(Payment.id).where(Payment.receipt_number == number)).all()
        assert carriers == [prompt_id]
        counted = db.session.scalar(
            select(func.sum(PaymentAllocation.amount)).where(PaymentAllocation.state.in_(["posted", "suspense"]))
        )
        assert counted == kes("1,500")
