"""The registration fee: owed from the day of joining, paid in one or several parts.

What a member owes stands on an account of the member's own under "Fees receivable from members". Income and excise are
booked when the fee falls due; what is paid settles the account. The account cannot be overpaid (the ledger keeps its
floor at zero): money above what is owed is refused here and waits in suspense for a person, who knows what it was for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID, uuid4

from sqlalchemy import select

from app import audit
from app.fees import queries, service
from app.fees.errors import MoreThanOwed, NothingToCharge
from app.fees.events import Bearer, Event
from app.fees.models import FeeCharged, MemberFeeAccount
from app.identity.service import authorise
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.errors import Invalid
from app.kernel.money import ZERO, Money
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.ledger.values import AccountKind, Cause, MemberAccountId
from app.members import queries as members
from app.members.rules import compact
from app.payments.destinations import PayableAccount, Receipt

RECEIVABLE = "1245"  # fees receivable from members
PREFIX = "RF"  # before the member's number
CAUSE = "fee"  # an accountant may reverse such an entry: the fee is waived, as far as nothing was paid on it


def charge(member_id: UUID, *, on: date, by: Actor) -> bool:
    """Have a member owe the registration fee, if one is set and it was not charged before; says whether it was.

    Called when somebody joins, and by hand for who joined before there was a fee. Refuses with MemberMissing.
    """
    member = members.get_for_update(member_id)  # two clicks at once open one account
    if charged(member_id) or not (quote := queries.quote(Event.REGISTRATION, on=on)).total:
        return False
    source = service.Source(RECEIVABLE, member.branch_id)
    if quote.borne_by is not Bearer.SOCIETY:
        source = service.Source(RECEIVABLE, member.branch_id, _account_for(member_id, member.number, on=on, by=by))
    cause = Cause(CAUSE, str(member_id))
    service.charge(Event.REGISTRATION, source=source, on=on, cause=cause, key=_key(member_id), by=by)
    audit.record(
        "fees.registration_charged",
        subject=("member", member_id),
        by=by,
        after={"fee": quote.fee, "excise": quote.excise, "borne_by": quote.borne_by},
        branch_id=member.branch_id,
    )
    return True


def joined(member_id: UUID, on: date, by: Actor) -> None:
    """Somebody joined: the fee falls due, if there is one."""
    charge(member_id, on=on, by=by)


def charge_by_hand(member_id: UUID, *, on: date, by: Actor) -> None:
    """The same when somebody asks for it. Refuses with MemberMissing and NothingToCharge."""
    authorise(by, "fees.charge", whereabouts=members.get(member_id).whereabouts)
    if not charge(member_id, on=on, by=by):
        raise NothingToCharge("There is no registration fee to charge: none is set, or it was charged before.")


def charged(member_id: UUID) -> FeeCharged | None:
    """What a member was charged for joining."""
    return queries.charged(_key(member_id))


def is_waived(fee: FeeCharged) -> bool:
    """Whether what was charged was reversed in the books."""
    return ledger_queries.reversal_of(fee.entry_id) is not None


def find(text: str) -> int | None:
    """The account that a payer names: its own number, else the member's while something is owed. Exactly."""
    reference = compact(text)
    if reference.startswith(PREFIX):
        return db.session.scalar(select(MemberFeeAccount.id).where(MemberFeeAccount.number == _number(reference[2:])))
    member_id = members.by_number(reference)
    owed = queries.owed(member_id) if member_id else None
    return owed.account.id if owed else None


def accounts_of(member_id: UUID) -> Sequence[PayableAccount]:
    """What the member can be asked to pay: the account while something is owed."""
    owed = queries.owed(member_id)
    return [_payable(owed.account)] if owed else []


def describe(account: int) -> PayableAccount:
    """What an account is, and whose. Refuses with FeeAccountMissing."""
    return _payable(queries.account(account))


def check_prompt(account: int, amount: Money) -> None:
    """Refuse with Invalid to ask for more than is owed, or to ask a member whom we do not prompt."""
    member = members.get(queries.account(account).member_id)
    if not member.status.may_be_prompted:
        raise Invalid({"account": f"A member who is “{member.status.label}” is not prompted."})
    owed = ledger_queries.balance(account)
    if amount > owed:
        raise Invalid({"amount": f"Only {owed} of the registration fee is owed."})


def receive(receipt: Receipt, account: int, *, on: date, by: Actor) -> int:
    """Settle what is owed with money that came; returns the entry.

    Refuses with FeeAccountMissing, MoreThanOwed, and with the ledger's own refusals.
    """
    fees = queries.account(account)
    owed = ledger_queries.balance(account)
    if receipt.amount > owed:
        raise MoreThanOwed(fees.number, owed)
    branch = ledger_queries.branch_of(account)
    return ledger.post(
        [
            ledger.debit(receipt.clearing_account, receipt.amount, branch=receipt.branch_id),
            ledger.credit(RECEIVABLE, receipt.amount, branch=branch, member_account=account),
        ],
        on=on,
        cause=Cause("payment", str(receipt.payment_id)),
        key=receipt.key,
        by=by,
        description=f"Registration fee {receipt.receipt_number}",
    )


def in_the_way_of_leaving(member_id: UUID) -> list[str]:
    """What a member who wants to leave still owes here, as sentences."""
    owed = queries.owed(member_id)
    return [f"{owed.amount} of the registration fee is still owed."] if owed else []


def move_to_branch(member_id: UUID, branch_id: int, by: Actor) -> None:
    """Take what a member owes along to another branch. Refuses with the ledger's BranchClosed."""
    account = queries.account_of(member_id)
    if account:
        ledger.move_account(
            MemberAccountId(account.id),
            to_branch=branch_id,
            cause=Cause("member", str(member_id)),
            key=f"move:{account.id}:{uuid4()}",
            by=by,
        )


def _account_for(member_id: UUID, member_number: str, *, on: date, by: Actor) -> int:
    known = queries.account_of(member_id)
    if known:
        return known.id
    number = _number(member_number)
    branch = members.get(member_id).branch_id
    account_id = ledger.open_account(AccountKind.FEES, number, branch, [RECEIVABLE], floor=ZERO, by=by)
    db.session.add(MemberFeeAccount(id=account_id, number=number, member_id=member_id, opened_on=on))
    db.session.flush()  # the charge that follows names it
    return account_id


def _number(member_number: str) -> str:
    return f"{PREFIX}-{compact(member_number)}"


def _key(member_id: UUID) -> str:
    return f"registration:{member_id}"


def _payable(account: MemberFeeAccount) -> PayableAccount:
    return PayableAccount(account.id, account.number, account.number, account.member_id)
