"""Everything that changes the ledger. Each use case is one call of a door in the database, which checks and refuses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import text

from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.money import Money
from app.ledger import queries
from app.ledger.batch import post_batch
from app.ledger.errors import in_words
from app.ledger.values import AccountKind, BatchEntry, BatchResult, Cause, EntryId, Line, MemberAccountId

DAY_END = "dayend"  # the one system actor that may still book on a day that is over: its close


def debit(account: str, amount: Money, *, branch: int, member_account: int | None = None) -> Line:
    """A line on the debit side."""
    return Line(account, amount, branch, member_account)


def credit(account: str, amount: Money, *, branch: int, member_account: int | None = None) -> Line:
    """A line on the credit side."""
    return Line(account, -amount, branch, member_account)


def post(
    lines: Sequence[Line],
    *,
    on: date,
    cause: Cause,
    key: str,
    by: Actor,
    description: str,
    relates_to_on: date | None = None,
    reverses: EntryId | None = None,
    booked_on: date | None = None,
    may_move: bool = True,
) -> EntryId:
    """Post one entry; the same key with the same money is the same entry again.

    It counts on ``on``. If that month is closed it counts on the first open day and keeps ``on`` as the date it relates
    to, unless it may not move. ``booked_on`` is for the close of a day that is over.
    Refuses with PeriodClosed, DateInFuture, BelowFloor, AccountClosed, LedgerAccountRetired, BranchClosed, KeyUsed,
    AlreadyReversed; BooksBehind while a new day is being opened.
    """
    with in_words():
        entry_id = db.session.scalar(
            _POST,
            {
                "key": key,
                "on": on,
                "cause_type": cause.type,
                "cause_id": cause.id,
                "description": description,
                **actor_columns(by),
                "accounts": [line.account for line in lines],
                "branches": [line.branch_id for line in lines],
                "member_accounts": [line.member_account for line in lines],
                "amounts": [line.amount.cents for line in lines],
                "relates_to_on": relates_to_on,
                "reverses": reverses,
                "booked_on": booked_on,
                "may_move": may_move,
            },
        )
    assert entry_id is not None
    return EntryId(entry_id)


_POST = text(
    "SELECT ledger.post_entry(:key, :on, :cause_type, :cause_id, :description,"
    " :actor_kind, :actor_id, :actor_channel, :on_behalf_of,"
    " CAST(:accounts AS text[]), CAST(:branches AS integer[]), CAST(:member_accounts AS bigint[]),"
    " CAST(:amounts AS bigint[]),"
    " CAST(:relates_to_on AS date), CAST(:reverses AS bigint), CAST(:booked_on AS date), :may_move)"
)


def reverse(entry_id: EntryId, *, on: date, key: str, by: Actor, reason: str) -> EntryId:
    """Correct an entry by its mirror. The first stays as it is and is reversed once.

    Refuses with EntryMissing, AlreadyReversed, AccountMoved and what `post` refuses.
    """
    original = queries.entry(entry_id)
    mirror = [Line(line.account, -line.amount, line.branch_id, line.member_account) for line in queries.lines(entry_id)]
    return post(mirror, on=on, cause=original.cause, key=key, by=by, description=reason, reverses=entry_id)


def open_account(
    kind: AccountKind | str, number: str, branch_id: int, controls: Sequence[str], *, floor: Money | None, by: Actor
) -> MemberAccountId:
    """Open the ledger's record of a savings account, share account or loan.

    The first of ``controls`` is the account of the money itself and has the floor. Refuses with NumberTaken.
    """
    return open_accounts(kind, [(number, branch_id)], controls, floor=floor, by=by)[0]


def open_accounts(
    kind: AccountKind | str,
    accounts: Sequence[tuple[str, int]],
    controls: Sequence[str],
    *,
    floor: Money | None,
    by: Actor,
) -> list[MemberAccountId]:
    """Open many accounts (number, branch) of one kind at once; their ids come back in the same order.

    Refuses with NumberTaken.
    """
    opened: list[MemberAccountId] = _call(
        "open_accounts(:kind, CAST(:numbers AS text[]), CAST(:branches AS integer[]), CAST(:controls AS text[]),"
        " CAST(:floor AS bigint), :by)",
        kind=AccountKind(kind).value,
        numbers=[number for number, _ in accounts],
        branches=[branch_id for _, branch_id in accounts],
        controls=list(controls),
        floor=_cents(floor),
        by=by.principal,
    )
    return opened


def add_balance(account: int, code: str, *, floor: Money | None, by: Actor) -> None:
    """Keep an account on one more control account; nothing changes if it is there. Refuses with AccountClosed."""
    _call(
        "add_balance(:account, :code, CAST(:floor AS bigint), :by)",
        account=account,
        code=code,
        floor=_cents(floor),
        by=by.principal,
    )


def close_account(account: int, *, by: Actor) -> None:
    """Close an account for good. Refuses with AccountNotEmpty and AccountClosed."""
    _call("close_account(:account, :by)", account=account, by=by.principal)


def move_account(account: int, *, to_branch: int, cause: Cause, key: str, by: Actor) -> EntryId | None:
    """Move an account to another branch, with its money by one entry; none if it is there or empty.

    Refuses with AccountClosed and BranchClosed.
    """
    moved: EntryId | None = _call(
        "move_account(:account, :to_branch, :key, :cause_type, :cause_id,"
        " :actor_kind, :actor_id, :actor_channel, :on_behalf_of)",
        account=account,
        to_branch=to_branch,
        key=key,
        cause_type=cause.type,
        cause_id=cause.id,
        **actor_columns(by),
    )
    return moved


def set_floor(account: int, code: str, floor: Money | None, *, by: Actor) -> None:
    """Say below what the free balance may not go. Refuses with BelowFloor if it already is."""
    _call(
        "set_floor(:account, :code, CAST(:floor AS bigint), :by)",
        account=account,
        code=code,
        floor=_cents(floor),
        by=by.principal,
    )


def place_hold(account: int, code: str, *, kind: str, source: str, amount: Money, by: Actor) -> int:
    """Set money aside for one source; asking again changes nothing. Refuses with BelowFloor and HoldDiffers."""
    hold_id: int = _call(
        "place_hold(:account, :code, :kind, :source, CAST(:amount AS bigint), :by)",
        account=account,
        code=code,
        kind=kind,
        source=source,
        amount=amount.cents,
        by=by.principal,
    )
    return hold_id


def release_hold(*, kind: str, source: str, by: Actor) -> bool:
    """Let go of what a source held; says whether it still did. Refuses with HoldMissing."""
    released: bool = _call("release_hold(:kind, :source, :by)", kind=kind, source=source, by=by.principal)
    return released


def add_branch(code: str, name: str, *, by: Actor) -> int:
    """Found a branch. Refuses with NumberTaken."""
    branch_id: int = _call("add_branch(:code, :name, :by)", code=code, name=name, by=by.principal)
    return branch_id


def rename_branch(code: str, name: str, *, by: Actor) -> None:
    """Give a branch another name; its code stays. Refuses with BranchClosed if there is no such branch."""
    _call("rename_branch(:code, :name, :by)", code=code, name=name, by=by.principal)


def close_branch(code: str, *, by: Actor) -> None:
    """Close a branch that keeps no open account and owns and owes nothing.

    Refuses with BranchClosed and BranchNotEmpty; Busy while somebody posts a long batch.
    """
    _call("close_branch(:code, :by)", code=code, by=by.principal)


def add_ledger_account(
    code: str,
    name: str,
    type: str,  # noqa: A002 - the word of every chart of accounts
    *,
    is_control: bool,
    is_contra: bool = False,
    form_line: str | None = None,
    by: Actor,
) -> int:
    """Add a line to the chart; a contra account grows on the other side. Refuses with NumberTaken."""
    account_id: int = _call(
        "add_ledger_account(:code, :name, :type, :is_control, :is_contra, CAST(:form_line AS text), :by)",
        code=code,
        name=name,
        type=type,
        is_control=is_control,
        is_contra=is_contra,
        form_line=form_line,
        by=by.principal,
    )
    return account_id


def retire_ledger_account(code: str, *, by: Actor) -> None:
    """Use a line of the chart no longer; its history stays. Refuses with LedgerAccountMissing."""
    _call("retire_ledger_account(:code, :by)", code=code, by=by.principal)


def open_books(first_day: date, *, by: Actor) -> bool:
    """Open the society's first business day; says whether the books were still closed."""
    opened: bool = _call("open_books(:on, :by)", on=first_day, by=by.principal)
    return opened


def roll_day(ending: date, *, by: Actor) -> date:
    """End the business date ``ending`` and open the next day; a day that is over already stays so.

    Returns the business date. Refuses with BooksNotOpen; Busy while somebody posts a long batch.
    """
    today: date = _call("roll_day(:on, :by)", on=ending, by=by.principal)
    return today


def seal_day(on: date, *, by: Actor) -> bytes:
    """Seal a day that is over and return its hash; a sealed day keeps its seal. Refuses with DayNotReady."""
    db.session.execute(text("SET LOCAL statement_timeout = 0"))  # a day may hold a million entries
    sealed: bytes = _call("seal_day(:on, :by)", on=on, by=by.principal)
    return sealed


def open_period(month: date, *, by: Actor) -> None:
    """Open the month before the first, for books that are brought in. Refuses with PeriodNotReady."""
    _call("open_period(:month, :by)", month=month, by=by.principal)


def close_period(month: date, *, by: Actor) -> None:
    """Let nothing count in a month any more. Refuses with PeriodNotReady."""
    _call("close_period(:month, :by)", month=month, by=by.principal)


def actor_columns(by: Actor) -> dict[str, str | None]:
    """How an entry remembers who made it."""
    return {"actor_kind": by.kind, "actor_id": by.id, "actor_channel": by.channel, "on_behalf_of": by.on_behalf_of}


def _cents(money: Money | None) -> int | None:
    return None if money is None else money.cents


def _call(door: str, **values: object) -> Any:
    with in_words():
        return db.session.scalar(text(f"SELECT ledger.{door}"), values)  # taste: a door's call is written in this file


__all__ = [
    "AccountKind",
    "BatchEntry",
    "BatchResult",
    "Cause",
    "EntryId",
    "Line",
    "MemberAccountId",
    "add_balance",
    "add_branch",
    "add_ledger_account",
    "close_account",
    "close_branch",
    "close_period",
    "credit",
    "debit",
    "move_account",
    "open_account",
    "open_accounts",
    "open_books",
    "open_period",
    "place_hold",
    "post",
    "post_batch",
    "release_hold",
    "rename_branch",
    "retire_ledger_account",
    "reverse",
    "roll_day",
    "seal_day",
    "set_floor",
]
