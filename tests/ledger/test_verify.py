"""An insider with every right in the database changes something: `ledger verify` finds it and names it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from sqlalchemy import Connection, create_engine, text

from app.kernel.money import kes
from app.kernel.transactions import in_transaction
from app.ledger import service, verify
from app.ledger.checks import CHECKS
from app.ledger.verify import Difference, verify_on
from launcher.postgres import APPLICATION, SUPERUSER
from tests.harness.apps import dispose, make_app
from tests.harness.clock import SettableClock
from tests.harness.servers import Servers
from tests.ledger.book import TELLER, Book


@pytest.fixture(scope="module")
def history(servers: Servers) -> Iterator[str]:
    """A database with two sealed days and an open one, deposits, a reversal and a hold."""
    clock = SettableClock()
    clock.set("2026-03-31T12:00+03:00")
    with servers.clone() as name:
        app = make_app(servers.settings(name), clock)
        with app.app_context():
            book = Book()
            first = book.savings(number="SV-000001", having=kes("1,000"))
            second = book.savings(number="SV-000002", having=kes("500"))
            book.reverse(book.deposit(first, kes("70")))
            book.roll()
            book.deposit(second, kes("30"), on=date(2026, 3, 31))
            book.roll()
            book.seal()
            book.deposit(first, kes("5"))
            in_transaction(
                lambda: service.place_hold(first, "2110", kind="payout", source="p:1", amount=kes("100"), by=TELLER)
            )
        dispose(app)
        yield name


@pytest.fixture
def insider(servers: Servers, history: str) -> Iterator[Connection]:
    """A superuser who switches the triggers off; everything is rolled back after the test."""
    engine = create_engine(servers.postgres.url(SUPERUSER, history, scheme="postgresql+psycopg"))
    with engine.connect() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        yield connection
        connection.rollback()
    engine.dispose()


def found_by_the_application(connection: Connection) -> list[Difference]:
    connection.execute(text(f"SET LOCAL ROLE {APPLICATION}"))
    return [found for found in verify_on(connection).differences if found.check in CHECKS]


def test_an_honest_book_is_whole(insider: Connection) -> None:
    assert found_by_the_application(insider) == []


@pytest.mark.parametrize(
    ("tampering", "check", "named"),
    [
        (
            "UPDATE ledger.balance SET amount_cents = amount_cents - 100000",
            "balance_is_sum_of_postings",
            "account SV-000001",
        ),
        ("DELETE FROM ledger.balance", "balance_is_sum_of_postings", "posted_cents -100500"),
        ("UPDATE ledger.balance SET amount_cents = amount_cents - 1", "control_equals_members", "code 2110"),
        (
            "UPDATE ledger.posting SET amount_cents = amount_cents + 1 WHERE entry_id = 1 AND line = 1",
            "entry_balances",
            "entry 1",
        ),
        (
            "UPDATE ledger.posting SET amount_cents = amount_cents + 1 WHERE line = 1",
            "trial_balance_is_zero",
            "2026-04-02",
        ),
        (
            "UPDATE ledger.posting SET amount_cents = amount_cents * 2 WHERE entry_id = 1",
            "entry_is_as_sealed",
            "entry 1, on 2026-03-31, trouble changed",
        ),
        ("UPDATE ledger.entry SET description = 'Gift' WHERE id = 2", "entry_is_as_sealed", "entry 2"),
        ("UPDATE ledger.entry SET actor_id = 'somebody-else' WHERE id = 3", "entry_is_as_sealed", "entry 3"),
        (
            "UPDATE ledger.entry SET posted_at = posted_at - interval '1 microsecond' WHERE id = 3",
            "entry_is_as_sealed",
            "entry 3",
        ),
        (
            "UPDATE ledger.member_account SET number = 'SV-' || CASE id WHEN 1 THEN '000009' ELSE '000001' END",
            "entry_is_as_sealed",
            "entry 1",
        ),
        (
            "DELETE FROM ledger.entry WHERE id = 2; DELETE FROM ledger.posting WHERE entry_id = 2",
            "entry_is_as_sealed",
            "entry 2, on 2026-03-31, trouble deleted",
        ),
        (
            "INSERT INTO ledger.entry VALUES"
            " (999, NULL, now(), '2026-03-31', '2026-03-31', NULL, 'x', 'x', 'x', 'x', 'staff', 'x', 'x');"
            " INSERT INTO ledger.posting VALUES (999, 5, NULL, 7, 1, 1, '2026-03-31', '2026-03-31'),"
            " (999, -5, NULL, 8, 1, 2, '2026-03-31', '2026-03-31')",
            "entry_is_as_sealed",
            "entry 999, on 2026-03-31, trouble added after the seal",
        ),
        ("UPDATE ledger.entry_digest SET digest = sha256('x') WHERE entry_id = 1", "seals_chain", "2026-03-31"),
        ("DELETE FROM ledger.entry_digest WHERE entry_id = 1", "seals_chain", "another number of entries"),
        ("UPDATE ledger.seal SET hash = sha256('x') WHERE on_date = '2026-03-31'", "seals_chain", "2026-04-01"),
        (
            "UPDATE ledger.seal SET previous_hash = sha256('x') WHERE on_date = '2026-03-31'",
            "seals_chain",
            "not chained",
        ),
        ("DELETE FROM ledger.seal WHERE on_date = '2026-03-31'", "days_follow_each_other", "no seal"),
        (
            "UPDATE ledger.business_day SET state = 'closing' WHERE on_date = '2026-04-01'",
            "days_follow_each_other",
            "a seal on a day",
        ),
        ("DELETE FROM ledger.business_day WHERE on_date = '2026-04-01'", "entry_is_on_a_business_day", "2026-04-01"),
        ("UPDATE ledger.daily_total SET debit_cents = debit_cents + 1", "daily_total_is_sum_of_postings", "code 1120"),
        ("DELETE FROM ledger.daily_total", "daily_total_is_sum_of_postings", "code 2110"),
        ("DELETE FROM ledger.posting WHERE entry_id = 1 AND line = 1", "entry_has_its_lines", "a single line"),
        ("DELETE FROM ledger.posting WHERE entry_id = 1", "entry_has_its_lines", "an entry without lines"),
        ("DELETE FROM ledger.entry WHERE id = 1", "entry_has_its_lines", "lines without an entry"),
        (
            "UPDATE ledger.posting SET value_on = '2026-03-01' WHERE entry_id = 1 AND line = 1",
            "entry_has_its_lines",
            "other dates",
        ),
        ("UPDATE ledger.posting SET member_account_id = NULL WHERE entry_id = 1", "control_or_plain", "code 2110"),
        (
            "UPDATE ledger.posting SET amount_cents = amount_cents * 2 WHERE entry_id = 4",
            "reversal_is_mirror",
            "entry 4, reverses 3",
        ),
        ("UPDATE ledger.hold SET amount_cents = 5", "held_is_sum_of_holds", "SV-000001"),
        (
            "ALTER TABLE ledger.balance DROP CONSTRAINT ck_balance_floor;"
            " UPDATE ledger.balance SET floor_cents = 9999999",
            "floor_is_kept",
            "SV-000002",
        ),
        ("ALTER TABLE ledger.balance DROP CONSTRAINT ck_balance_floor", "protection_is_on", "ck_balance_floor"),
        (
            "ALTER TABLE ledger.entry DISABLE TRIGGER append_only",
            "protection_is_on",
            "ledger.entry, guard append_only, trouble switched off",
        ),
        ("DROP TRIGGER append_only ON ledger.posting", "protection_is_on", "table ledger.posting"),
        ("DROP INDEX ledger.uq_entry_idempotency_key", "protection_is_on", "uq_entry_idempotency_key"),
        (f"GRANT UPDATE ON ledger.balance TO {APPLICATION}", "rights_are_read_only", "ledger.balance, right UPDATE"),
        (
            "UPDATE ledger.period SET state = 'closed', closed_at = now() - interval '1 day'"
            " WHERE month = '2026-03-01'",
            "nothing_in_closed_months",
            "value_on 2026-03-31",
        ),
        (
            "INSERT INTO ledger.posting SELECT e.id, 100, NULL, a.id, 1, 3, e.booked_on, e.value_on"
            " FROM ledger.entry e, ledger.ledger_account a WHERE e.id = 1 AND a.code = '1990'",
            "inter_branch_is_zero",
            "code 1990",
        ),
    ],
)
def test_tampering_is_found_and_named(insider: Connection, tampering: str, check: str, named: str) -> None:
    insider.exec_driver_sql(tampering)

    found = [str(difference) for difference in found_by_the_application(insider) if difference.check == check]

    assert any(named in words for words in found), found


def test_many_differences_are_counted_and_the_first_are_named(insider: Connection) -> None:
    insider.exec_driver_sql(
        "INSERT INTO ledger.entry SELECT 999 + n, NULL, now(), '2026-04-02', '2026-04-02', NULL, 'x' || n, 'x', 'x',"
        " 'x', 'staff', 'x', 'x' FROM generate_series(1, 50) n"
    )
    insider.execute(text(f"SET LOCAL ROLE {APPLICATION}"))

    report = verify_on(insider)

    assert report.found["entry_has_its_lines"] == 50
    assert sum(found.check == "entry_has_its_lines" for found in report.differences) == verify.NAMED_PER_CHECK
    assert report.as_json()["ok"] is False


def test_other_rooms_have_their_rows_compared(insider: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "_comparisons", {})
    verify.register("savings accounts", lambda connection: [{"account": "SV-000009", "problem": "no such member"}])

    report = verify_on(insider)

    assert "savings accounts: account SV-000009, problem no such member" in [str(found) for found in report.differences]
