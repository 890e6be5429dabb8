"""The values that travel into the ledger and out of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import NewType

from app.kernel.enums import LabelledEnum
from app.kernel.money import Money

EntryId = NewType("EntryId", int)
MemberAccountId = NewType("MemberAccountId", int)


class AccountKind(LabelledEnum):
    """What a member account is the record of."""

    SAVINGS = "savings", "Savings account"
    SHARES = "shares", "Share account"
    LOAN = "loan", "Loan"
    FEES = "fees", "Fees owed"


@dataclass(frozen=True, slots=True)
class Line:
    """One posting: so much on an account of the chart, at a branch, for a member account if it is a control account."""

    account: str  # the chart's code
    amount: Money  # debit plus, credit minus
    branch_id: int
    member_account: int | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """The business record an entry was made for."""

    type: str
    id: str


@dataclass(frozen=True, slots=True)
class BatchEntry:
    """One entry among many that are posted together."""

    key: str
    on: date
    cause: Cause
    description: str
    lines: tuple[Line, ...]
    relates_to_on: date | None = None


@dataclass(frozen=True, slots=True)
class BatchResult:
    """How much a batch wrote, and how many of its entries had been posted before."""

    entries: int
    postings: int
    replayed: int


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch of the society."""

    id: int
    code: str
    name: str
    is_active: bool


@dataclass(frozen=True, slots=True)
class LedgerAccount:
    """A line of the chart of accounts."""

    id: int
    code: str
    name: str
    type: str
    natural_side: int
    is_control: bool
    is_active: bool


@dataclass(frozen=True, slots=True)
class MemberAccount:
    """The ledger's record of one savings account, share account or loan."""

    id: MemberAccountId
    number: str
    kind: AccountKind
    branch_id: int
    ledger_account: str
    opened_on: date
    closed_on: date | None


@dataclass(frozen=True, slots=True)
class Balance:
    """What a member account has on one ledger account, counted on the account's natural side."""

    amount: Money
    held: Money
    floor: Money | None

    @property
    def available(self) -> Money:
        """What is free: not held, and above the floor."""
        return self.amount - self.held - (self.floor or Money(0))


@dataclass(frozen=True, slots=True)
class EntryHead:
    """What an entry says about itself; its lines are asked for apart."""

    id: EntryId
    value_on: date
    booked_on: date
    posted_at: datetime
    relates_to_on: date | None
    cause: Cause
    description: str
    actor_kind: str
    actor_id: str
    key: str
    reverses: EntryId | None
    on_behalf_of: str | None = None  # for whom, or of what two people approved, who approved it


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One movement of an account, with the balance after it."""

    entry_id: EntryId
    line: int
    booked_on: date
    value_on: date
    posted_at: datetime
    description: str
    cause: Cause
    amount: Money  # on the account's natural side: what makes it grow is plus
    balance: Money


@dataclass(frozen=True, slots=True)
class TrialBalanceLine:
    """One ledger account of a trial balance."""

    code: str
    name: str
    type: str
    debit: Money
    credit: Money


@dataclass(frozen=True, slots=True)
class Day:
    """A business day."""

    on: date
    state: str  # open, closing, sealed
    opened_at: datetime
    sealed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Seal:
    """The seal of a business day and what it covers."""

    on: date
    hash: bytes
    entry_count: int
    posting_count: int
    debits: Money
