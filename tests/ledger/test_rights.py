"""What the application's role may do, in raw SQL; and that even the owner does not rewrite history by accident."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app.kernel.money import kes
from launcher.postgres import APPLICATION, OWNER
from tests.harness.apps import dispose, make_app
from tests.harness.servers import Servers
from tests.ledger.book import Book, differences
from tests.ledger.rights import rights

EXPECTED = Path(__file__).with_name("rights.txt")

Connection = psycopg.Connection[Any]

REFUSED = (
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.WrongObjectType,
    psycopg.errors.CantChangeRuntimeParam,
)

POST = """
    SELECT ledger.post_entry('raw', '2026-03-31', 'test', '1', 'Raw', 'staff', '1', 'web', NULL,
                             ARRAY['1120', '1020'], ARRAY[1, 1], ARRAY[NULL, NULL]::bigint[], ARRAY[100, -100])
"""


@contextmanager
def open_book(servers: Servers) -> Iterator[str]:
    """A committed database with an open book, one account and money in it."""
    with servers.clone() as name:
        app = make_app(servers.settings(name))
        with app.app_context():
            Book().savings(having=kes("1,000"))
        dispose(app)
        yield name


def connect(servers: Servers, role: str, database: str) -> Connection:
    """A role with no application around it."""
    return psycopg.connect(servers.postgres.url(role, database), autocommit=True)


@pytest.fixture(scope="module")
def database(servers: Servers) -> Iterator[str]:
    """The database of all tests in which nothing changes."""
    with open_book(servers) as name:
        yield name


@pytest.fixture
def raw(servers: Servers, database: str) -> Iterator[Connection]:
    with connect(servers, APPLICATION, database) as connection:
        yield connection


@pytest.fixture
def owner(servers: Servers, database: str) -> Iterator[Connection]:
    with connect(servers, OWNER, database) as connection:
        yield connection


@pytest.fixture
def careless(servers: Servers) -> Iterator[tuple[Connection, Connection]]:
    """Application and owner in a database where somebody gave back the right to make temporary tables."""
    with (
        open_book(servers) as name,
        connect(servers, APPLICATION, name) as raw,
        connect(servers, OWNER, name) as owner,
    ):
        owner.execute(f'GRANT TEMPORARY ON DATABASE "{name}" TO {APPLICATION}')
        yield raw, owner


def test_every_right_is_one_that_was_agreed(owner_connection: Connection) -> None:
    expected = EXPECTED.read_text(encoding="utf-8").splitlines()

    assert rights(owner_connection, APPLICATION) == expected


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO ledger.entry SELECT * FROM ledger.entry",
        "INSERT INTO ledger.posting SELECT * FROM ledger.posting",
        "INSERT INTO ledger.balance SELECT * FROM ledger.balance",
        "INSERT INTO ledger.seal SELECT * FROM ledger.seal",
        "INSERT INTO ledger.period VALUES ('2026-01-01', 'open', now())",
        "INSERT INTO ledger.business_day VALUES ('2026-01-01', 'open', now())",
        "COPY ledger.posting FROM STDIN",
        "COPY ledger.posting TO PROGRAM 'cat'",
        "UPDATE ledger.entry SET description = 'other'",
        "UPDATE ledger.posting SET amount_cents = 1",
        "UPDATE ledger.balance SET amount_cents = 0",
        "UPDATE ledger.balance SET floor_cents = NULL",
        "UPDATE ledger.business_day SET state = 'open'",
        "UPDATE ledger.ledger_account SET is_control = false",
        "DELETE FROM ledger.posting",
        "DELETE FROM ledger.hold",
        "MERGE INTO ledger.balance b USING ledger.balance c ON b = c WHEN MATCHED THEN DELETE",
        "TRUNCATE ledger.posting",
        "TRUNCATE ledger.entry CASCADE",
        "SELECT FROM ledger.balance FOR UPDATE",
        "SELECT FROM ledger.balance FOR KEY SHARE",
        "SELECT FROM ledger.business_day FOR SHARE",
        "SELECT nextval('ledger.entry_id_seq')",
        "SELECT setval('ledger.entry_id_seq', 1)",
        "SELECT ledger._write_lines(1, '2026-03-31', '2026-03-31', '{}')",
        "SELECT ledger._enter_alone()",
        "SELECT ledger._digests('2026-03-31')",
        "SELECT ledger._note('a', 'b', 'c')",
        "CREATE TABLE ledger.mine (id int)",
        "CREATE TABLE public.mine (id int)",
        "CREATE TABLE mine AS SELECT 1",
        "CREATE TEMPORARY TABLE mine (id int)",
        "CREATE TEMPORARY TABLE batch_line (id int)",
        "CREATE SCHEMA mine",
        "CREATE VIEW ledger.mine AS SELECT 1",
        "CREATE FUNCTION ledger.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE FUNCTION pg_temp.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE OR REPLACE FUNCTION ledger._enter() RETURNS date LANGUAGE sql AS 'SELECT current_date'",
        "CREATE TYPE public.mine AS (id int)",
        "CREATE OPERATOR public.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = int8eq)",
        "CREATE CAST (text AS bigint) WITH INOUT",
        "CREATE TRIGGER mine BEFORE INSERT ON ledger.entry EXECUTE FUNCTION public.refuse_change()",
        "CREATE POLICY mine ON ledger.entry USING (true)",
        "CREATE RULE mine AS ON INSERT TO ledger.entry DO INSTEAD NOTHING",
        "CREATE INDEX mine ON ledger.entry (id)",
        "CREATE EVENT TRIGGER mine ON ddl_command_end EXECUTE FUNCTION public.refuse_change()",
        "ALTER TABLE ledger.entry DISABLE TRIGGER ALL",
        "ALTER TABLE ledger.entry ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE ledger.balance DROP CONSTRAINT ck_balance_floor",
        "ALTER FUNCTION ledger._enter() SECURITY INVOKER",
        "ALTER TABLE ledger.entry OWNER TO CURRENT_USER",
        "ALTER ROLE CURRENT_USER SUPERUSER",
        "DROP TRIGGER append_only ON ledger.entry",
        "DROP FUNCTION ledger.post_entry",
        "DROP SCHEMA ledger CASCADE",
        f"SET ROLE {OWNER}",
        f"SET SESSION AUTHORIZATION {OWNER}",
        "SET session_replication_role = replica",
        "SET ignore_system_indexes = on",
        "ALTER SYSTEM SET fsync = off",
        "SELECT pg_read_file('/etc/passwd')",
        "REINDEX TABLE ledger.entry",
        "CLUSTER ledger.entry USING pk_entry",
        "REFRESH MATERIALIZED VIEW ledger.entry",
        "COMMENT ON TABLE ledger.entry IS 'mine'",
    ],
)
def test_the_application_cannot(raw: Connection, owner: Connection, statement: str) -> None:
    before = _state(owner)

    with pytest.raises(REFUSED):
        raw.execute(statement)

    assert _state(owner) == before


@pytest.mark.parametrize("table", ["entry", "posting", "balance", "business_day", "seal"])
@pytest.mark.parametrize("mode", ["ROW SHARE", "ROW EXCLUSIVE", "SHARE", "EXCLUSIVE", "ACCESS EXCLUSIVE"])
def test_the_application_cannot_lock_the_ledger(raw: Connection, table: str, mode: str) -> None:
    with raw.transaction(), pytest.raises(psycopg.errors.InsufficientPrivilege), raw.transaction():
        raw.execute(f"LOCK TABLE ledger.{table} IN {mode} MODE")


def test_nobody_outside_the_doors_can_stop_the_society_from_posting(raw: Connection) -> None:
    with raw.transaction(), pytest.raises(psycopg.errors.InsufficientPrivilege), raw.transaction():
        raw.execute("LOCK TABLE ledger.posting_gate IN ACCESS SHARE MODE")


def test_the_tables_of_a_batch_take_lines_and_nothing_else(raw: Connection) -> None:
    for statement in (
        "SELECT * FROM pg_temp.batch_line",
        "UPDATE pg_temp.batch_line SET amount_cents = 1",
        "DELETE FROM pg_temp.batch_line",
        "TRUNCATE pg_temp.batch_line",
        "ALTER TABLE pg_temp.batch_line ADD COLUMN mine int",
        "ALTER TABLE pg_temp.batch_line ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY mine ON pg_temp.batch_line USING (true)",
        "CREATE INDEX ON pg_temp.batch_line ((1))",
        "CREATE TRIGGER mine BEFORE INSERT ON pg_temp.batch_line EXECUTE FUNCTION public.refuse_change()",
        "DROP TABLE pg_temp.batch_line",
    ):
        with raw.transaction() as transaction:
            raw.execute("SELECT ledger.open_batch()")
            with pytest.raises(psycopg.errors.InsufficientPrivilege), raw.transaction():
                raw.execute(statement)
            raise psycopg.Rollback(transaction)


def test_a_batch_without_our_tables_is_refused(raw: Connection) -> None:
    with pytest.raises(psycopg.Error) as refused:
        raw.execute("SELECT ledger.post_batch('staff', '1', 'web', NULL)")

    assert refused.value.sqlstate == "PL004"


def test_no_table_of_the_callers_is_taken_for_ours_even_if_it_could_make_one(
    careless: tuple[Connection, Connection],
) -> None:
    """A row policy on such a table would run as the owner."""
    raw, owner = careless
    raw.execute(
        "CREATE TEMPORARY TABLE batch_entry (entry int, value_on date, relates_to_on date, key text, cause_type text,"
        " cause_id text, description text)"
    )
    raw.execute(
        "CREATE TEMPORARY TABLE batch_line (amount_cents bigint, member_account_id bigint, entry int, line int,"
        " branch_id int, account text)"
    )
    raw.execute(
        "CREATE FUNCTION pg_temp.evil() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN"
        " UPDATE ledger.balance SET amount_cents = 0; RETURN true; END $$"
    )
    raw.execute("INSERT INTO batch_line VALUES (1, NULL, 1, 1, 1, '1120')")
    for table in ("batch_entry", "batch_line"):
        raw.execute(f"CREATE POLICY evil ON pg_temp.{table} USING (pg_temp.evil())")
        raw.execute(f"ALTER TABLE pg_temp.{table} ENABLE ROW LEVEL SECURITY")
    before = _state(owner)

    with pytest.raises(psycopg.Error) as refused:
        raw.execute("SELECT ledger.post_batch('staff', '1', 'web', NULL)")
    assert refused.value.sqlstate == "PL004"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        raw.execute("SELECT ledger.open_batch()")  # it does not reuse or drop what belongs to somebody else

    assert _state(owner) == before


def test_no_function_or_operator_of_the_callers_takes_the_place_of_ours(
    careless: tuple[Connection, Connection],
) -> None:
    raw, owner = careless
    raw.execute(
        "CREATE FUNCTION pg_temp.evil(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN"
        " UPDATE ledger.balance SET amount_cents = 0; RETURN true; END $$"
    )
    raw.execute("CREATE OPERATOR pg_temp.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = pg_temp.evil)")
    raw.execute("CREATE OPERATOR pg_temp.<> (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = pg_temp.evil)")
    raw.execute("CREATE FUNCTION pg_temp.sum(bigint) RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint'")
    raw.execute("CREATE FUNCTION pg_temp.to_json(text) RETURNS json LANGUAGE sql AS $$ SELECT '{}'::json $$")
    raw.execute("CREATE TEMPORARY TABLE business_day AS SELECT date '2020-01-01' AS on_date, 'open' AS state")
    raw.execute("SET search_path = pg_temp, ledger, pg_catalog")

    posted = raw.execute(POST).fetchone()

    assert posted is not None
    booked = owner.execute("SELECT booked_on::text FROM ledger.entry WHERE id = %s", posted).fetchone()
    assert booked == ("2026-03-31",)
    assert owner.execute("SELECT sum(amount_cents) FROM ledger.balance").fetchone() == (-100_000,)


def test_a_door_posts_only_where_it_sees_what_others_committed(raw: Connection) -> None:
    raw.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")

    with pytest.raises(psycopg.Error) as refused:
        raw.execute(POST)

    assert refused.value.sqlstate == "PL001"
    raw.execute("ROLLBACK")


@pytest.mark.parametrize("table", ["entry", "posting", "seal", "daily_total", "entry_digest", "act"])
@pytest.mark.parametrize(
    "change", ["UPDATE ledger.{} SET {} = {}", "DELETE FROM ledger.{}", "TRUNCATE ledger.{} CASCADE"]
)
def test_history_is_refused_even_to_the_owner(owner: Connection, table: str, change: str) -> None:
    column = {"seal": "sealed_by", "daily_total": "posting_count", "act": "actor"}.get(table, "booked_on")

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        owner.execute(change.format(table, column, column))


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM ledger.balance",
        "DELETE FROM ledger.member_account",
        "TRUNCATE ledger.hold",
        "UPDATE ledger.member_account SET number = 'SV-999999'",
        "UPDATE ledger.ledger_account SET natural_side = -natural_side",
        "UPDATE ledger.branch SET code = 'ELSE' ",
        "UPDATE ledger.business_day SET on_date = on_date + 1",
        "UPDATE ledger.balance SET member_account_id = 2",
    ],
)
def test_what_names_an_account_does_not_change_even_for_the_owner(owner: Connection, change: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        owner.execute(change)


def test_the_last_line_of_defence_is_the_balance_itself(owner: Connection) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        owner.execute("UPDATE ledger.balance SET amount_cents = 1")  # a savings account in debit


def test_a_fresh_book_has_no_differences(book: Book) -> None:
    assert differences() == []


def _state(owner: Connection) -> tuple[Any, ...] | None:
    return owner.execute(
        "SELECT (SELECT count(*) FROM ledger.entry), (SELECT count(*) FROM ledger.posting),"
        " (SELECT sum(amount_cents) FROM ledger.balance), (SELECT array_agg(state) FROM ledger.business_day),"
        " (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_proc), (SELECT count(*) FROM pg_trigger)"
    ).fetchone()
