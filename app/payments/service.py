"""PaymentService: one interface over all rails for asking for money and learning what became of it.

Persist, then call: a payment is saved before its rail is asked, and the answer is saved as it came. A time-out is not a
failure. What arrives is credited in `receipts.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg.errors
from sqlalchemy.exc import IntegrityError

from app import audit
from app.identity.service import authorise
from app.kernel import clock, leases
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.doorbell import ring
from app.kernel.encryption import keyed_hash
from app.kernel.money import Money, total
from app.kernel.phones import Phone
from app.members import queries as members
from app.messaging import service as messaging
from app.payments import destinations, queries, rails, receipts, rules
from app.payments.destinations import PayableAccount, Purpose
from app.payments.errors import AccountNotFitting, PromptOpen
from app.payments.models import AllocationState, Method, Payment, PaymentAllocation, PaymentMove
from app.payments.rails import Answer, Outcome
from app.payments.receipts import ReceivedMoney
from app.payments.states import Direction, PaymentState

CALL_LEASE_SECONDS = 90  # longer than a token and two tries with their time-outs; the sweep then takes over
REFERENCE_LENGTH = 12  # mpesa.md 3.1: AccountReference, letters and digits


@dataclass(frozen=True, slots=True)
class Intended:
    """What one share of a prompt is for; the account may be left out where exactly one fits."""

    purpose: Purpose
    account: int | None
    amount: Money


@dataclass(frozen=True, slots=True)
class Call:
    """One call to a rail that was claimed: made outside the transaction, answered in the next."""

    rail: str
    message: Any
    fence: int


class PaymentService:
    """What can be done with payments, by one actor. Every method runs inside the caller's transaction."""

    def __init__(self, by: Actor) -> None:
        self.by = by

    def prompt(self, member_id: UUID, *, phone: Phone, intended: Sequence[Intended], rail: str = "mpesa") -> UUID:
        """Ask a member, on the phone, to pay: text first, then have the rail send the prompt.

        Refuses with MemberMissing, Invalid (phone or amount that the rail cannot carry), PurposeUnknown,
        AccountNotFitting and PromptOpen.
        """
        member = members.get(member_id)
        amount = total(share.amount for share in intended)
        authorise(self.by, "payments.prompt", whereabouts=member.whereabouts, amount=amount)
        carrier = rails.chosen(rail)
        carrier.check(phone, amount)
        accounts = [_fitting_account(member_id, share) for share in intended]
        payment = Payment(
            direction=Direction.IN,
            rail=rail,
            method=Method.PROMPT,
            amount=amount,
            state=PaymentState.CREATED,
            state_at=clock.now(),
            created_at=clock.now(),
            due_at=clock.now(),
            member_id=member_id,
            phone=phone,
            phone_hash=keyed_hash("phone", phone.msisdn),
            account_reference=_reference(accounts, member.number),
            requested_by=self.by.as_json(),
            allocations=[
                PaymentAllocation(
                    number=number,
                    purpose=share.purpose,
                    member_account_id=account.id,
                    account_label=account.label,
                    amount=share.amount,
                    state=AllocationState.INTENDED,
                )
                for number, (share, account) in enumerate(zip(intended, accounts, strict=True), start=1)
            ],
        )
        _insert_prompt(payment)
        self._note_creation(payment, branch_id=member.branch_id)
        carrier.prepare(payment, account_reference=payment.account_reference)
        messaging.queue_sms(
            phone,
            "payment_prompt",
            {"amount": amount, "account": accounts[0].number, "purpose": intended[0].purpose.noun},
            language=member.language,
            cause=("payment", str(payment.id)),
            member_id=member_id,
        )
        ring("payments.submit", payment.id)
        return payment.id

    def claim_for_submission(self, payment_id: UUID) -> Call | None:
        """Take a payment that wants sending: it is *submitted* from here on, whatever happens to us."""
        payment = leases.claim(Payment, payment_id, seconds=CALL_LEASE_SECONDS)
        if payment is None:
            return None
        if payment.state is PaymentState.CREATED:
            payment.submitted_at = clock.now()
            payment.move_to(PaymentState.SUBMITTED, by=self.by, evidence="request")
        elif payment.resend_at is None:
            leases.done(payment, next_at=payment.due_at)
            ring("payments.poll", payment.id)
            return None
        payment.resend_at = None
        payment.sendings += 1
        return Call(payment.rail, rails.get(payment.rail).request_for(payment), payment.fence)

    def claim_for_question(self, payment_id: UUID) -> Call | None:
        """Take a payment whose outcome is due to be asked for or looked for."""
        payment = leases.claim(Payment, payment_id, seconds=CALL_LEASE_SECONDS)
        if payment is None:
            return None
        if payment.state is PaymentState.CREATED or payment.resend_at is not None:
            leases.done(payment, next_at=payment.due_at)
            ring("payments.submit", payment.id)
            return None
        if payment.state is PaymentState.SUBMITTED:  # whoever sent it did not live to write the answer down
            payment.move_to(
                PaymentState.UNKNOWN, by=self.by, evidence="lease", detail="Contact was lost while sending."
            )
        if self._end_of_search(payment) or payment.state.is_closed:
            leases.done(payment)
            return None
        rail = rails.get(payment.rail)
        if payment.state.awaits_receipt:
            rail.seek(payment)
        question = None if payment.state is PaymentState.PAID else rail.question_for(payment)
        if question is None:
            self._wait(payment)
            return None
        return Call(payment.rail, question, payment.fence)

    def record_answer(self, payment_id: UUID, answer: Answer, *, evidence: str) -> None:
        """Store what the rail answered to our request or question, and go where it points.

        Evidence counts even from a worker whose lease ran out: the table of moves decides what it can still change.
        """
        payment = queries.for_update(payment_id)
        rails.get(payment.rail).record(payment, answer)
        self._apply(payment, answer, evidence)

    def apply_answer(self, payment_id: UUID, answer: Answer, *, evidence: str) -> bool:
        """Go where a callback points; returns whether the payment moved. A late failure never undoes a success."""
        return self._apply(queries.for_update(payment_id), answer, evidence)

    def receive(self, money: ReceivedMoney, *, prompt: UUID | None) -> UUID:
        """Credit money against its receipt number, once, whichever way it was learned; returns the payment.

        ``prompt`` is the prompt that the provider's message speaks about; none: the money came by itself.
        """
        return receipts.credit(money, prompt=prompt, by=self.by)

    def allocate(self, allocation_id: UUID, *, reference: str) -> UUID:
        """Give money in suspense to the account that a person names by its number; returns the payment.

        Refuses with NotInSuspense, AccountNotFitting and what the destination refuses.
        """
        return receipts.allocate(allocation_id, reference=reference, by=self.by)

    def look_soon(self, payment_id: UUID) -> None:
        """Ask again now rather than later: somebody told us that there is news."""
        payment = queries.for_update(payment_id)
        if not payment.state.is_closed and payment.submitted_at is not None:
            payment.due_at = clock.now()
            ring("payments.poll", payment.id)

    def _apply(self, payment: Payment, answer: Answer, evidence: str) -> bool:
        if answer.outcome is Outcome.WAIT:
            return self._send_again_later(payment, answer, evidence)
        target = rules.state_after(payment.state, answer.outcome, age=payment.age)
        moved = payment.move_to(target, by=self.by, evidence=evidence, detail=answer.detail, code=answer.code)
        if payment.state.is_closed:
            leases.done(payment)
        else:
            self._wait(payment)
        if moved and payment.state is PaymentState.PAID:
            rails.get(payment.rail).seek(payment)
        return moved

    def _send_again_later(self, payment: Payment, answer: Answer, evidence: str) -> bool:
        """The provider refused before it did anything, so the same request may go out again, a few times."""
        if payment.state is not PaymentState.SUBMITTED:
            self._wait(payment)
            return False
        if payment.sendings > len(rules.RESEND_AFTER):
            moved = payment.move_to(
                PaymentState.FAILED, by=self.by, evidence=evidence, detail=answer.detail, code=answer.code
            )
            leases.done(payment)
            return moved
        pause = max(rules.RESEND_AFTER[payment.sendings - 1], timedelta(seconds=answer.pause_seconds))
        payment.resend_at = clock.now() + pause
        payment.detail, payment.code = answer.detail, answer.code
        leases.done(payment, next_at=payment.resend_at)
        return False

    def _wait(self, payment: Payment) -> None:
        asked_at = payment.submitted_at or payment.created_at
        leases.done(payment, next_at=rules.next_question(asked_at, clock.now()))

    def _end_of_search(self, payment: Payment) -> bool:
        """A prompt of which neither pull nor statement knows anything after 48 hours did not happen."""
        if payment.direction is not Direction.IN or payment.state is not PaymentState.UNKNOWN:
            return False
        if payment.age < rules.SOUGHT_FOR:
            return False
        return payment.move_to(
            PaymentState.EXPIRED, by=self.by, evidence="search", detail="No receipt was found within 48 hours."
        )

    def _note_creation(self, payment: Payment, *, branch_id: int) -> None:
        db.session.add(
            PaymentMove(
                payment_id=payment.id,
                from_state=None,
                to_state=payment.state,
                at=clock.now(),
                by=self.by.as_json(),
                evidence="request",
                detail="",
            )
        )
        audit.record(
            "payments.prompted",
            subject=("payment", payment.id),
            by=self.by,
            after={
                "amount": str(payment.amount),
                "account": payment.account_reference,
                "member": str(payment.member_id),
            },
            branch_id=branch_id,
        )


def _fitting_account(member_id: UUID, share: Intended) -> PayableAccount:
    destination = destinations.get(share.purpose)
    accounts = destination.accounts_of(member_id)
    if share.account is None:
        if len(accounts) != 1:
            raise AccountNotFitting(
                "Name the account: more than one fits." if accounts else "The member has no account for this."
            )
        account = accounts[0]
    else:
        found = next((account for account in accounts if account.id == share.account), None)
        if found is None:
            raise AccountNotFitting
        account = found
    destination.check_prompt(account.id, share.amount)
    return account


def _reference(accounts: Sequence[PayableAccount], member_number: str) -> str:
    """The number that a member would type: the account's, else the member's."""
    own = destinations.normalised(accounts[0].number) if len(accounts) == 1 else ""
    return own if 0 < len(own) <= REFERENCE_LENGTH else destinations.normalised(member_number)[:REFERENCE_LENGTH]


def _insert_prompt(payment: Payment) -> None:
    """Flush now: the unique index on open prompts answers the race of two officers, and the id is needed."""
    open_prompt = queries.open_prompt(payment.rail, payment.phone_hash)
    if open_prompt is not None:
        raise PromptOpen(open_prompt)
    try:
        with db.session.begin_nested():
            db.session.add(payment)
    except IntegrityError as error:
        if not isinstance(error.orig, psycopg.errors.UniqueViolation):
            raise
        raise PromptOpen(queries.open_prompt(payment.rail, payment.phone_hash)) from None
