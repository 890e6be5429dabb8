"""Crediting money that has arrived: against its receipt number, once, whichever way it was learned.

A callback, a paybill confirmation and a pulled line may all report one receipt. A lock on the receipt number puts them
in a row, the unique (rail, receipt number) is the last word, and the ledger's own key makes a second entry impossible.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select

from app import audit
from app.identity.service import authorise
from app.kernel import clock, leases
from app.kernel.actor import Actor
from app.kernel.announcements import announce
from app.kernel.database import db
from app.kernel.encryption import keyed_hash
from app.kernel.errors import Refusal
from app.kernel.money import Money
from app.kernel.phones import Phone
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.ledger.service import Cause
from app.members import queries as members
from app.messaging import service as messaging
from app.messaging.texts import Fact
from app.payments import destinations, queries, rules
from app.payments.destinations import PayableAccount, Purpose, Receipt
from app.payments.errors import AccountNotFitting, NotInSuspense
from app.payments.models import AllocationState, Method, Payment, PaymentAllocation
from app.payments.states import Direction, PaymentState

SUSPENSE_ACCOUNT = "2210"  # unidentified M-PESA receipts: sacco-kenya.md 3.2, journals 4 and 5


@dataclass(frozen=True, slots=True)
class ReceivedMoney:
    """Money that a provider says has reached us, with the receipt that proves it."""

    rail: str
    receipt_number: str
    amount: Money
    paid_at: datetime
    payer_phone: Phone | None
    payer_name: str | None
    account_text: str  # as the payer typed it
    clearing_account: str  # where the provider holds it for us
    channel: str  # callback, confirmation or pull: how it was learned


def credit(money: ReceivedMoney, *, prompt: UUID | None, by: Actor) -> UUID:
    """Credit ``money`` and return the payment that carries it; a receipt that is known changes nothing twice."""
    one_at_a_time(money.rail, money.receipt_number)
    known = queries.by_receipt(money.rail, money.receipt_number)
    if prompt is None:
        return known.id if known else _by_itself(money, by).id

    payment = queries.for_update(prompt)
    if payment.receipt_number is not None:
        return _already_paid(payment, money, known, by).id
    if known is None:
        _settle_prompt(payment, money, by)
    else:
        _become_one(payment, known, by)
    return payment.id


def allocate(allocation_id: UUID, *, reference: str, by: Actor) -> UUID:
    """Move one share out of suspense to the account that ``reference`` names exactly."""
    held = queries.allocation_for_update(allocation_id)
    within = authorise(by, "payments.allocate", whereabouts=queries.whereabouts(held.payment_id), amount=held.amount)
    if held.state is not AllocationState.SUSPENSE:
        raise NotInSuspense
    found = destinations.look_up(reference)
    if found is None:
        raise AccountNotFitting("No account or member has this number.")
    destination, account = found
    member = members.get(account.member_id)
    if not within.holds(member.whereabouts):
        raise AccountNotFitting("No account or member has this number.")
    payment = held.payment
    share = _add_share(payment, destination.purpose, account, held.amount)
    share.entry_id = destination.receive(
        _receipt(payment, share, SUSPENSE_ACCOUNT), account.id, on=clock.business_date(), by=by
    )
    share.state, held.state = AllocationState.POSTED, AllocationState.MOVED
    payment.member_id = payment.member_id or account.member_id
    audit.record(
        "payments.allocated",
        subject=("payment", payment.id),
        by=by,
        before={"account": "suspense"},
        after={"account": account.number, "amount": str(share.amount)},
        branch_id=member.branch_id,
    )
    announce("payment.allocated", subject=("payment", payment.id), facts=payment.facts())
    _tell(payment)
    return payment.id


def one_at_a_time(rail: str, receipt_number: str) -> None:
    """Whoever else has news of this receipt waits until we are through. Taken before any payment is locked."""
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"receipt {rail} {receipt_number}", 0))))


def _settle_prompt(payment: Payment, money: ReceivedMoney, by: Actor) -> None:
    """The prompt's money: each share goes where it was meant to."""
    _note_receipt(payment, money)
    if rules.shares([share.amount for share in payment.allocations], money.amount) is None:
        _hold_instead(payment, money, by)
    for share in payment.allocations:
        if share.state is AllocationState.INTENDED:
            _credit_share(payment, share, by)
    _succeed(payment, money.channel, by)
    _tell(payment)


def _by_itself(money: ReceivedMoney, by: Actor) -> Payment:
    """Money that nobody prompted for: to the account that the payer typed, else to suspense."""
    found = destinations.look_up(money.account_text)
    account = found[1] if found else None
    payment = Payment(
        direction=Direction.IN,
        rail=money.rail,
        method=Method.PAYBILL,
        amount=money.amount,
        state=PaymentState.CREATED,
        state_at=clock.now(),
        created_at=clock.now(),
        member_id=account.member_id if account else None,
        account_reference=money.account_text,
        requested_by=by.as_json(),
    )
    _note_receipt(payment, money)
    db.session.add(payment)
    db.session.flush()  # its shares are posted under its id
    if found:
        share = _add_share(payment, found[0].purpose, found[1], money.amount)
        _credit_share(payment, share, by)
    else:
        share = _add_share(payment, None, None, money.amount)
        _post_to_suspense(payment, share, "No account or member has this number.", by)
    _succeed(payment, money.channel, by)
    _tell(payment)
    return payment


def _already_paid(payment: Payment, money: ReceivedMoney, known: Payment | None, by: Actor) -> Payment:
    """The prompt has its receipt: the same one again, or a second payment that was made on it."""
    if payment.receipt_number == money.receipt_number:
        return payment
    second = known or _by_itself(money, by)
    second.needs_review = f"Came for the prompt that receipt {payment.receipt_number} had already paid."
    return second


def _become_one(prompt: Payment, earlier: Payment, by: Actor) -> None:
    """The receipt was credited before its prompt's own message came: nothing is posted twice.

    A share still in suspense is allocated as the prompt intended; what was credited elsewhere stays and is shown for
    review. The prompt is the payment from now on; the other keeps only a pointer to it.
    """
    receipt_number, channel = earlier.receipt_number, "receipt"
    earlier.receipt_number, earlier.merged_into_id = None, prompt.id
    db.session.flush()  # the unique receipt number must be free before the prompt takes it
    prompt.receipt_number, prompt.paid_at = receipt_number, earlier.paid_at
    prompt.clearing_account, prompt.payer = earlier.clearing_account, earlier.payer

    held = [share for share in earlier.allocations if share.state is AllocationState.SUSPENSE]
    credited = [share for share in earlier.allocations if share.state is AllocationState.POSTED]
    intended = [share for share in prompt.allocations if share.state is AllocationState.INTENDED]
    if held and not credited and rules.shares([s.amount for s in intended], earlier.amount) is not None:
        for share in intended:
            _credit_share(prompt, share, by, clearing_account=SUSPENSE_ACCOUNT)
        for share in held:
            share.state = AllocationState.MOVED
        _succeed(prompt, channel, by)
        _tell(prompt)
    else:  # nothing was credited now, and the member has been told of what was credited then
        _take_over(prompt, intended, held + credited)
        _succeed(prompt, channel, by)


def _take_over(prompt: Payment, intended: list[PaymentAllocation], shares: list[PaymentAllocation]) -> None:
    """What was credited stays where it is, now as shares of the prompt."""
    meant = [(share.member_account_id, share.amount) for share in intended]
    got = [(share.member_account_id, share.amount) for share in shares]
    for share in intended:
        share.state = AllocationState.REPLACED
    for share in shares:
        share.number = _next_number(prompt)
        share.payment = prompt
        db.session.flush()  # numbers are handed out one by one
    if meant != got:
        prompt.needs_review = f"Receipt {prompt.receipt_number} had been credited before this prompt's own answer came."


def _credit_share(
    payment: Payment, share: PaymentAllocation, by: Actor, *, clearing_account: str | None = None
) -> None:
    """Hand one share to its destination. One that refuses sends it to suspense: a receipt is never lost."""
    assert share.purpose is not None and share.member_account_id is not None
    source = clearing_account or payment.clearing_account
    assert source is not None, "received money has a clearing account"
    try:
        with db.session.begin_nested():  # a refusal must leave nothing of what the destination had begun
            share.entry_id = destinations.get(share.purpose).receive(
                _receipt(payment, share, source), share.member_account_id, on=_value_date(payment), by=by
            )
            share.state = AllocationState.POSTED
    except Refusal as refusal:
        _post_to_suspense(payment, share, refusal.message, by, source=source)


def _hold_instead(payment: Payment, money: ReceivedMoney, by: Actor) -> None:
    """Another amount came than was asked for: a person decides where it goes."""
    for share in payment.allocations:
        share.state = AllocationState.REPLACED
    share = _add_share(payment, None, None, money.amount)
    payment.needs_review = f"{payment.amount} was asked for and {money.amount} came."
    _post_to_suspense(payment, share, payment.needs_review, by)


def _post_to_suspense(
    payment: Payment, share: PaymentAllocation, reason: str, by: Actor, *, source: str | None = None
) -> None:
    """Dr clearing, Cr unidentified receipts; money that is in suspense already stays there."""
    clearing = source or payment.clearing_account
    assert clearing is not None, "received money has a clearing account"
    branch = ledger_queries.head_office()
    share.entry_id = ledger.post(
        [
            ledger.debit(clearing, share.amount, branch=branch),
            ledger.credit(SUSPENSE_ACCOUNT, share.amount, branch=branch),
        ],
        on=_value_date(payment),
        cause=Cause("payment", str(payment.id)),
        key=f"payment:{payment.id}:{share.number}:suspense",
        by=by,
        description=f"M-PESA {payment.receipt_number}, not yet allocated",
    )
    share.state, share.reason = AllocationState.SUSPENSE, reason  # only now: posting flushes, and a share has its entry


def _add_share(
    payment: Payment, purpose: Purpose | None, account: PayableAccount | None, amount: Money
) -> PaymentAllocation:
    share = PaymentAllocation(
        number=_next_number(payment),
        purpose=purpose,
        member_account_id=account.id if account else None,
        account_label=account.label if account else "",
        amount=amount,
        state=AllocationState.INTENDED,
    )
    payment.allocations.append(share)
    db.session.flush()  # its number is part of the ledger's key
    return share


def _next_number(payment: Payment) -> int:
    return max((share.number for share in payment.allocations), default=0) + 1


def _receipt(payment: Payment, share: PaymentAllocation, clearing_account: str) -> Receipt:
    assert payment.receipt_number is not None and payment.paid_at is not None
    return Receipt(
        payment_id=payment.id,
        allocation=share.number,
        rail=payment.rail,
        receipt_number=payment.receipt_number,
        amount=share.amount,
        clearing_account=clearing_account,
        branch_id=ledger_queries.head_office(),
        payer=payment.payer,
        paid_at=payment.paid_at,
    )


def _note_receipt(payment: Payment, money: ReceivedMoney) -> None:
    payment.receipt_number = money.receipt_number
    payment.paid_at = money.paid_at
    payment.clearing_account = money.clearing_account
    payment.payer = money.payer_name
    if payment.phone is None and money.payer_phone is not None:
        payment.phone = money.payer_phone
        payment.phone_hash = keyed_hash("phone", money.payer_phone.msisdn)


def _value_date(payment: Payment) -> date:
    """The provider's day in Nairobi; a clock that runs ahead of ours must not reach into tomorrow."""
    assert payment.paid_at is not None
    return min(clock.eat(payment.paid_at).date(), clock.business_date())


def _succeed(payment: Payment, channel: str, by: Actor) -> None:
    came_from = payment.state
    moved = payment.move_to(PaymentState.SUCCEEDED, by=by, evidence=channel)
    assert moved, f"money came for a payment that is {came_from}"
    leases.done(payment)


def _tell(payment: Payment) -> None:
    """Text whom it concerns, in the transaction that credits: what is said is what is saved."""
    phone = _listener(payment)
    if phone is None:
        return
    member = members.get(payment.member_id) if payment.member_id else None
    assert payment.receipt_number is not None and payment.paid_at is not None
    facts: dict[str, Fact] = {"amount": payment.amount, "receipt": payment.receipt_number, "at": payment.paid_at}
    credited = next((share for share in payment.allocations if share.state is AllocationState.POSTED), None)
    if credited:
        assert credited.purpose is not None and credited.member_account_id is not None
        account = destinations.get(credited.purpose).describe(credited.member_account_id)
        balance = ledger_queries.balance(account.id)
        facts |= {"purpose": credited.purpose.noun, "account": account.number, "balance": balance}
    messaging.queue_sms(
        phone,
        "payment_received" if credited else "payment_in_suspense",
        facts,
        language=member.language if member else "en",
        cause=("payment", str(payment.id)),
        member_id=payment.member_id,
    )


def _listener(payment: Payment) -> Phone | None:
    """The phone that is told: the member's own, for the text names the balance, and somebody else may have paid.

    Money that is nobody's yet concerns whoever sent it, if the provider told us the number.
    """
    return members.payment_phone(payment.member_id) if payment.member_id else payment.phone
