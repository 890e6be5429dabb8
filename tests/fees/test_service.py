"""Charging fees, and deciding them: on PostgreSQL, each entry as an accountant would write it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from app.audit.models import AuditEvent
from app.fees import queries, service
from app.fees.errors import FeeExceedsAmount
from app.fees.events import Bearer, Event, ExciseKind
from app.fees.models import FeeCharged
from app.fees.schemas import NewExciseRate
from app.kernel import clock
from app.kernel.database import db
from app.kernel.errors import Invalid
from app.kernel.money import ZERO, kes
from app.kernel.transactions import in_transaction
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.ledger import verify
from app.ledger.errors import BelowFloor
from app.ledger.values import Cause, EntryId
from tests.fees import examples
from tests.members import examples as people
from tests.savings import examples as savings

pytestmark = pytest.mark.usefixtures("books")

CAUSE = Cause("withdrawal", "w-1")


def an_account(balance: str = "10,000") -> int:
    account = savings.open_account(people.register(), savings.offer(control_account="2110"))
    savings.deposit(account, savings.receipt(balance))
    return account


def charge(account: int, *, event: Event = Event.WITHDRAWAL, amount: str = "5,000", key: str = "w-1") -> EntryId | None:
    return in_transaction(
        lambda: service.charge(
            event,
            amount=kes(amount),
            source=service.member_source(account),
            on=clock.business_date(),
            cause=CAUSE,
            key=key,
            by=examples.ACCOUNTANT,
        )
    )


def lines_of(entry: EntryId | None) -> list[tuple[str, str, int | None]]:
    assert entry is not None
    return [(line.account, line.amount.plain(), line.member_account) for line in ledger_queries.lines(entry)]


def test_a_fee_is_taken_from_the_member_with_its_excise() -> None:
    # Journal 9 of sacco-kenya.md 3.3: fee 50, excise 10.
    account, tariff = an_account(), examples.tariff()

    entry = charge(account)

    assert lines_of(entry) == [("2110", "60.00", account), ("4320", "-50.00", None), ("2420", "-10.00", None)]
    assert ledger_queries.balance(account) == kes("9,940")
    noted = queries.charged("w-1")
    assert noted is not None
    assert (noted.tariff_id, noted.entry_id, noted.fee, noted.excise) == (tariff, entry, kes(50), kes(10))
    assert (noted.cause_type, noted.cause_id, noted.member_account_id) == ("withdrawal", "w-1", account)


def test_a_fee_is_charged_once_for_each_key_whatever_it_costs_by_then() -> None:
    account = an_account()
    examples.tariff()
    first = charge(account)
    examples.tariff(starts_on=(clock.business_date() + timedelta(days=1)).isoformat(), flat="70")

    assert charge(account, amount="9,000") == first
    assert ledger_queries.balance(account) == kes("9,940")
    assert charge(account, key="w-2") != first


def test_what_the_society_bears_is_its_expense_and_the_members_money_stays() -> None:
    account = an_account()
    examples.tariff(event="sms", flat="1.50", income_account="4330", borne_by="society", expense_account="5620")

    entry = charge(account, event=Event.SMS, amount="0")

    assert lines_of(entry) == [("5620", "1.50", None), ("4330", "-1.50", None)]
    assert ledger_queries.balance(account) == kes("10,000")


@pytest.mark.parametrize("amount", [None, "0"])
def test_nothing_is_charged_without_a_fee_or_with_a_fee_of_zero(amount: str | None) -> None:
    account = an_account()
    if amount is not None:
        examples.tariff(flat=amount)

    assert charge(account) is None
    assert db.session.scalars(select(FeeCharged)).all() == []
    assert service.lines(queries.quote(Event.WITHDRAWAL, kes(1), on=clock.business_date()), _till()) == []


def _till() -> service.Source:
    return service.Source("1020", ledger_queries.head_office())


def test_a_fee_that_the_account_does_not_hold_is_refused_and_leaves_nothing() -> None:
    account = an_account("59.99")
    examples.tariff()

    with pytest.raises(BelowFloor):
        charge(account)

    assert queries.charged("w-1") is None


def test_a_withdrawal_and_its_fee_are_one_entry() -> None:
    account = an_account()
    examples.tariff()
    on, branch = clock.business_date(), ledger_queries.head_office()
    quote = queries.quote(Event.WITHDRAWAL, kes("5,000"), on=on)

    def withdraw() -> EntryId:
        entry = ledger.post(
            [
                ledger.debit("2110", quote.amount, branch=branch, member_account=account),
                ledger.credit("1020", quote.left, branch=branch),
                *service.lines(quote, service.member_source(account)),
            ],
            on=on, cause=CAUSE, key="withdrawal:w-1", by=examples.ACCOUNTANT, description="Withdrawal",
        )  # fmt: skip
        service.note(quote, entry, on=on, cause=CAUSE, key="w-1", by=examples.ACCOUNTANT, member_account=account)
        return entry

    entry = in_transaction(withdraw)

    assert in_transaction(withdraw) == entry
    assert ledger_queries.balance(account) == kes("4,940")
    assert verify.verify_on(db.session.connection()).differences == []


def test_a_fee_out_of_the_amount_leaves_the_rest() -> None:
    examples.tariff(borne_by="included", flat="50")
    on = clock.business_date()

    quote = queries.quote(Event.WITHDRAWAL, kes("5,000"), on=on)

    assert (quote.left, quote.from_member) == (kes("4,940"), kes(60))
    with pytest.raises(FeeExceedsAmount, match=r"KES 59\.99 does not cover its fee of KES 60\.00"):
        queries.quote(Event.WITHDRAWAL, kes("59.99"), on=on)


def test_what_holds_is_the_latest_that_has_begun() -> None:
    today = clock.business_date()
    tomorrow = today + timedelta(days=1)
    examples.tariff(flat="50")
    later = examples.tariff(flat="80", starts_on=tomorrow.isoformat())

    quotes = [queries.quote(Event.WITHDRAWAL, kes(1_000), on=today + timedelta(days=days)) for days in (-1, 0, 1, 30)]

    assert [quote.fee for quote in quotes] == [ZERO, kes(50), kes(80), kes(80)]
    assert [tariff.id for tariff in queries.to_come(on=today)] == [later]
    assert queries.all_holding(on=today)[Event.WITHDRAWAL].flat == kes(50)


def test_the_excise_rate_is_that_of_the_day() -> None:
    today = clock.business_date()
    later = today + timedelta(days=10)
    examples.tariff(flat="100")
    rate = NewExciseRate(kind=ExciseKind.OTHER_FEES, starts_on=later, percent="15", source="Finance Act 2027")
    in_transaction(lambda: service.add_excise_rate(rate, on=today, by=examples.ACCOUNTANT))

    quotes = [queries.quote(Event.WITHDRAWAL, kes(1), on=day) for day in (today, later)]

    assert [quote.excise for quote in quotes] == [kes(20), kes(15)]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"starts_on": "2026-11-21"}, "starts_on"),
        ({"income_account": "2110"}, "income_account"),
        ({"income_account": "5620"}, "income_account"),
        ({"borne_by": "society"}, "expense_account"),
        ({"borne_by": "society", "expense_account": "4320"}, "expense_account"),
        ({"flat": None}, "flat"),
        ({"basis": "percent"}, "percent"),
        ({"basis": "percent", "percent": "1", "minimum": "10", "maximum": "5"}, "maximum"),
        ({"basis": "bands", "bands": "500 10"}, "bands"),
        ({"event": "statement", "basis": "percent", "percent": "1"}, "basis"),
        ({"event": "statement", "borne_by": "included"}, "borne_by"),
    ],
)
def test_a_tariff_that_cannot_be_is_refused_beside_its_field(changes: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        examples.tariff(**changes)

    assert list(refusal.value.errors) == [field]


def test_two_tariffs_cannot_begin_on_one_day() -> None:
    examples.tariff()

    with pytest.raises(Invalid, match="attention") as refusal:
        examples.tariff(flat="70")

    assert "already there" in refusal.value.errors["starts_on"]


def test_bands_are_kept_in_their_order() -> None:
    tariff = queries.get(examples.tariff(basis="bands", bands="2,500 30\n5,000 50\nmore 75"))

    assert [(band.up_to, band.fee) for band in tariff.bands] == [
        (kes("2,500"), kes(30)), (kes("5,000"), kes(50)), (None, kes(75)),
    ]  # fmt: skip
    assert queries.quote(Event.WITHDRAWAL, kes("5,000"), on=clock.business_date()).total == kes(60)


def test_a_tariff_leaves_a_trace() -> None:
    tariff: UUID = examples.tariff(decision="Minute 9/2026")

    event = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "fees.tariff_added")).one()

    assert event.after is not None
    assert (event.subject_id, event.after["decision"], event.after["flat"]) == (str(tariff), "Minute 9/2026", "50.00")
    assert event.after["borne_by"] == Bearer.MEMBER


def test_verify_finds_a_fee_that_the_books_know_otherwise() -> None:
    account = an_account()
    examples.tariff()
    entry = charge(account)
    assert entry is not None
    quote = queries.quote(Event.WITHDRAWAL, kes("5,000"), on=clock.business_date())
    in_transaction(
        lambda: service.note(quote, entry, on=clock.business_date(), cause=CAUSE, key="twice", by=examples.ACCOUNTANT)
    )

    found = [one for one in verify.verify_on(db.session.connection()).differences if one.check == "fees"]

    assert {(one.facts["code"], one.facts["noted_cents"], one.facts["booked_cents"]) for one in found} == {
        ("4320", 10000, 5000), ("2420", 2000, 1000),
    }  # fmt: skip


def test_verify_finds_a_fee_that_nobody_noted() -> None:
    branch = ledger_queries.head_office()
    lines = [ledger.debit("1020", kes(60), branch=branch), ledger.credit("4320", kes(60), branch=branch)]
    in_transaction(
        lambda: ledger.post(
            lines, on=clock.business_date(), cause=CAUSE, key="fee:x", by=examples.ACCOUNTANT, description="Fee"
        )
    )

    found = [one for one in verify.verify_on(db.session.connection()).differences if one.check == "fees"]

    assert [one.facts["key"] for one in found] == ["fee:x"]
