"""Manual journals and reversals: checked when asked for, posted when approved, exactly and once."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from app.approvals import queries as approvals
from app.approvals import service as approving
from app.approvals.errors import CommandRefused
from app.approvals.states import ApprovalState, Verdict
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.errors import Conflict, Invalid
from app.kernel.money import kes
from app.kernel.transactions import in_transaction
from app.ledger import entries, journals, queries, reversals, service
from app.ledger import models as t
from app.ledger.errors import AlreadyReversed, EntryMissing, NotReversible
from app.ledger.journals import Journal
from app.ledger.reversals import Reversal
from app.ledger.values import Cause, EntryId
from tests.harness.people import hire
from tests.ledger.book import TELLER, Book, differences
from tests.ledger.journal import journal, stored

MONEY = ("lines.0.debit", "lines.0.account", "lines.1.account")


@pytest.fixture
def accountant(book: Book) -> Actor:
    return Actor("staff", str(hire("accountant")), "web")


@pytest.fixture
def manager(book: Book) -> Actor:
    return Actor("staff", str(hire("manager")), "web")


def charges(book: Book, **changes: Any) -> Journal:
    """Bank charges of a day."""
    return Journal.parse_json(
        {
            "on": "2026-03-31",
            "description": "Bank charges March",
            "lines": [
                {"account": "5050", "branch_id": book.hq, "debit": "1,250.50"},
                {"account": "1020", "branch_id": book.hq, "credit": "1250.50"},
            ],
            **changes,
        }
    )


def ask(wanted: Journal, by: Actor) -> UUID:
    return in_transaction(lambda: approving.ask("ledger.journal", wanted, by=by, reason="On the bank's statement"))


def approve(approval_id: UUID, by: Actor) -> ApprovalState:
    seen = approvals.shown(approval_id).version
    return in_transaction(lambda: approving.decide(approval_id, Verdict.APPROVE, by=by, note=None, version=seen))


def test_a_journal_is_posted_once_somebody_else_approved_it(book: Book, accountant: Actor, manager: Actor) -> None:
    approval_id = ask(charges(book), accountant)
    assert book.entries() == 0

    approve(approval_id, manager)

    assert book.last_entry() == journal("""
        2026-03-31 Bank charges March
          5050 Bank charges      1,250.50
          1020 Cash             -1,250.50
    """)
    entry_id = int(approvals.get(approval_id).result or 0)
    head = queries.entry(entry_id)
    assert (head.cause, head.key) == (Cause("approval", str(approval_id)), f"approval:{approval_id}")
    assert (head.actor_id, head.on_behalf_of) == (accountant.id, manager.principal)
    assert differences() == []


def test_the_effect_says_which_accounts_and_how_much(book: Book) -> None:
    effect = journals.effect(charges(book))

    assert [(line.account[:4], line.debit, line.credit) for line in effect.movements] == [
        ("5050", kes("1250.50"), kes(0)),
        ("1020", kes(0), kes("1250.50")),
    ]
    assert (effect.total, effect.debits, effect.credits) == (kes("1250.50"), kes("1250.50"), kes("1250.50"))
    assert ("Counts on", "31 Mar 2026") in effect.facts


def test_a_members_account_takes_part_by_its_number(book: Book, accountant: Actor, manager: Actor) -> None:
    account = book.savings(having=kes(500))
    lines = [
        {"account": "2110", "branch_id": book.hq, "member_account": "sv-000001", "debit": "200"},
        {"account": "1020", "branch_id": book.hq, "credit": "200"},
    ]

    approve(ask(charges(book, lines=lines), accountant), manager)

    assert queries.balance(account) == kes(300)


def test_funds_that_are_gone_by_then_keep_it_waiting(book: Book, accountant: Actor, manager: Actor) -> None:
    account = book.savings(having=kes(500))
    lines = [
        {"account": "2110", "branch_id": book.hq, "member_account": "SV-000001", "debit": "400"},
        {"account": "1020", "branch_id": book.hq, "credit": "400"},
    ]
    approval_id = ask(charges(book, lines=lines), accountant)
    book.withdraw(account, kes(300))

    with pytest.raises(CommandRefused, match=r"SV-000001 has only KES 200\.00 free"):
        approve(approval_id, manager)

    assert approvals.get(approval_id).state is ApprovalState.WAITING
    assert queries.balance(account) == kes(200)


def test_between_branches_the_ledger_adds_what_balances_each(book: Book, accountant: Actor, manager: Actor) -> None:
    nakuru = book.branch()
    lines = [
        {"account": "5050", "branch_id": nakuru, "debit": "100"},
        {"account": "1020", "branch_id": book.hq, "credit": "100"},
    ]
    wanted = charges(book, lines=lines)
    assert any(label == "Between branches" for label, _ in journals.effect(wanted).facts)
    assert journals.whereabouts(wanted).branch_id is None

    approve(ask(wanted, accountant), manager)

    assert differences() == []
    assert len(db.session.execute(select(t.posting)).all()) == 4


def test_a_closed_month_moves_the_entry_to_the_first_open_day(book: Book, accountant: Actor, manager: Actor) -> None:
    book.roll()
    book.seal()
    in_transaction(lambda: service.close_period(date(2026, 3, 1), by=TELLER))
    wanted = charges(book)
    facts = dict(journals.effect(wanted).facts)
    assert facts["Counts on"] == "1 Apr 2026"
    assert facts["Relates to"].startswith("31 Mar 2026")

    approval_id = ask(wanted, accountant)
    approve(approval_id, manager)

    head = queries.entry(int(approvals.get(approval_id).result or 0))
    assert (head.value_on, head.relates_to_on) == (date(2026, 4, 1), date(2026, 3, 31))


def test_a_month_that_closes_while_it_waits_shows_as_a_change(book: Book, accountant: Actor) -> None:
    approval_id = ask(charges(book), accountant)
    book.roll()
    book.seal()
    in_transaction(lambda: service.close_period(date(2026, 3, 1), by=TELLER))

    shown = approvals.shown(approval_id)

    assert shown.has_changed
    assert shown.now is not None and ("Counts on", "1 Apr 2026") in shown.now.facts


@pytest.mark.parametrize(
    ("lines", "errors"),
    [
        ([("5050", {"debit": "1"}), ("1020", {"credit": "2"})], {"lines.0.debit"}),
        ([("5050", {"debit": "1"}), ("1020", {})], {"lines.0.debit", "lines.1.debit"}),
        ([("5050", {"debit": "1", "credit": "1"}), ("1020", {"credit": "1"})], {"lines.0.debit"}),
        ([("9999", {"debit": "1"}), ("1020", {"credit": "1"})], {"lines.0.account"}),
        ([("1990", {"debit": "1"}), ("1020", {"credit": "1"})], {"lines.0.account"}),
        ([("2110", {"debit": "1"}), ("1020", {"credit": "1"})], {"lines.0.member_account"}),
        ([("2110", {"debit": "1", "member_account": "SV-9"}), ("1020", {"credit": "1"})], {"lines.0.member_account"}),
        ([("1020", {"debit": "1", "member_account": "SV-1"}), ("1020", {"credit": "1"})], {"lines.0.member_account"}),
        ([("5050", {"debit": "1", "branch_id": 99}), ("1020", {"credit": "1"})], {"lines.0.branch_id"}),
    ],
    ids=["unequal", "no amount", "both sides", "no account", "between branches", "no member", "unknown member",
         "member where there is none", "no branch"],
)  # fmt: skip
def test_a_journal_that_will_not_do_is_not_asked_for(
    book: Book, accountant: Actor, lines: list[tuple[str, dict[str, Any]]], errors: set[str]
) -> None:
    book.savings()
    wanted = charges(book, lines=[{"account": code, "branch_id": book.hq, **more} for code, more in lines])

    with pytest.raises(Invalid) as refused:
        ask(wanted, accountant)

    assert set(refused.value.errors) == errors


@pytest.mark.parametrize("changes", [{"lines": []}, {"description": "x"}, {"on": "soon"}, {"on": "2026-02-30"}])
def test_what_is_no_journal_is_refused_at_once(book: Book, changes: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        charges(book, **changes)


def test_a_day_that_has_not_come_is_refused(book: Book, accountant: Actor) -> None:
    with pytest.raises(Invalid) as refused:
        ask(charges(book, on="2026-04-01"), accountant)

    assert set(refused.value.errors) == {"on"}


def test_a_closed_or_distant_account_is_refused_in_words(book: Book, accountant: Actor) -> None:
    nakuru = book.branch()
    closed = book.savings()
    in_transaction(lambda: service.close_account(closed, by=TELLER))
    book.savings(branch=nakuru)

    for number, words in (("SV-000001", "was closed"), ("SV-000002", "kept at another branch")):
        lines = [
            {"account": "2110", "branch_id": book.hq, "member_account": number, "credit": "1"},
            {"account": "1020", "branch_id": book.hq, "debit": "1"},
        ]
        with pytest.raises(Invalid) as refused:
            ask(charges(book, lines=lines), accountant)
        assert words in refused.value.errors["lines.0.member_account"]


def posted_journal(book: Book, accountant: Actor, manager: Actor) -> EntryId:
    approval_id = ask(charges(book), accountant)
    approve(approval_id, manager)
    return EntryId(int(approvals.get(approval_id).result or 0))


def ask_to_reverse(entry_id: int, by: Actor) -> UUID:
    wanted = Reversal(entry_id=entry_id, reason="Charged twice by the bank")
    return in_transaction(lambda: approving.ask("ledger.reverse", wanted, by=by, reason=wanted.reason))


def test_a_reversal_posts_the_mirror_once_it_is_approved(book: Book, accountant: Actor, manager: Actor) -> None:
    entry_id = posted_journal(book, accountant, manager)
    book.roll()

    approval_id = ask_to_reverse(entry_id, accountant)
    assert queries.reversal_of(entry_id) is None
    approve(approval_id, manager)

    reversal = queries.reversal_of(entry_id)
    assert reversal is not None
    assert stored(reversal) == journal("""
        2026-04-01 Charged twice by the bank
          5050 Bank charges     -1,250.50
          1020 Cash              1,250.50
    """)
    assert differences() == []


def test_an_entry_is_reversed_once_however_many_asked(book: Book, accountant: Actor, manager: Actor) -> None:
    entry_id = posted_journal(book, accountant, manager)
    first, second = ask_to_reverse(entry_id, accountant), ask_to_reverse(entry_id, accountant)
    approve(first, manager)

    with pytest.raises(CommandRefused, match="already reversed"):
        approve(second, manager)
    with pytest.raises(AlreadyReversed):
        ask_to_reverse(entry_id, accountant)


def test_what_belongs_to_another_record_is_corrected_there(book: Book, accountant: Actor) -> None:
    account = book.savings()
    paid = book.post(
        service.debit("1120", kes(100), branch=book.hq),
        service.credit("2110", kes(100), branch=book.hq, member_account=account),
        cause=Cause("payment", "1"),
    )

    with pytest.raises(NotReversible, match="belongs to a payment"):
        ask_to_reverse(paid, accountant)


def test_a_reversal_is_not_reversed_and_what_does_not_exist_neither(
    book: Book, accountant: Actor, manager: Actor
) -> None:
    entry_id = posted_journal(book, accountant, manager)
    approve(ask_to_reverse(entry_id, accountant), manager)
    reversal = queries.reversal_of(entry_id)
    assert reversal is not None

    with pytest.raises(Conflict, match="reversal itself"):
        ask_to_reverse(reversal, accountant)
    with pytest.raises(EntryMissing):
        ask_to_reverse(987_654, accountant)


def test_rooms_may_let_their_entries_be_reversed_by_hand(book: Book) -> None:
    entry_id = book.post(service.debit("5050", kes(1), branch=book.hq), service.credit("1020", kes(1), branch=book.hq))
    assert reversals.why_not(entry_id)

    reversals.allow("test")
    try:
        assert reversals.why_not(entry_id) is None
    finally:
        reversals._by_hand.discard("test")


def test_an_entry_belongs_to_the_one_branch_that_it_touches(book: Book) -> None:
    nakuru = book.branch()
    here = book.post(service.debit("5050", kes(1), branch=nakuru), service.credit("1020", kes(1), branch=nakuru))
    both = book.post(service.debit("5050", kes(1), branch=nakuru), service.credit("1020", kes(1), branch=book.hq))

    assert [entries.whereabouts(one) for one in (here, both, 987_654)] == [
        entries.Whereabouts(nakuru), entries.SOCIETY_WIDE, None,
    ]  # fmt: skip
