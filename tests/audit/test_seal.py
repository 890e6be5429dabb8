"""The seal of the trail, checked with another implementation of docs/audit-seal.md than the database's."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import Connection, create_engine, select, text

from app import audit
from app.audit import sealing as doors
from app.audit import verify
from app.audit.models import AuditEvent, audit_seal
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.transactions import in_transaction
from launcher.postgres import OWNER
from tests.audit import sealing
from tests.harness.clock import SettableClock
from tests.harness.servers import Servers

DOCUMENT = Path(__file__).parents[2] / "docs" / "audit-seal.md"
MARCH_31, APRIL_1, APRIL_2 = date(2026, 3, 31), date(2026, 4, 1), date(2026, 4, 2)
JANE = Actor("staff", "jane", "web", "10.0.0.7")
DAY_END = Actor.system("dayend", on_behalf_of="staff:jane")
LETTERS = 'Wanjikũ "of" \\ Ngong\t\n\r\b\f\x01\x1f\x7f é 漢 😀 </script>'

ROW = (
    "INSERT INTO audit_event (at, action, subject_type, subject_id, actor_kind, actor_id, channel, after)"
    " VALUES ('2026-03-31T09:00Z', 'a.b', 'thing', gen_random_uuid(), 'staff', 'jane', 'web', '{\"n\": 1}')"
)
EXPORT = """
    SELECT id::text, filed_on::text, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at, action,
           subject_type, subject_id, actor_kind, actor_id, channel, address, on_behalf_of, branch_id, request_id,
           before, after
      FROM audit_event WHERE filed_on = :on ORDER BY id
"""


@pytest.fixture
def noon(app: Flask, clock: SettableClock) -> SettableClock:
    clock.set("2026-03-31T12:00+03:00")
    return clock


def record(subject: str = "1", **facts: Any) -> None:
    in_transaction(lambda: audit.record("thing.changed", subject=("thing", subject), by=JANE, after=facts))


def close_and_seal(on: date) -> bytes:
    in_transaction(lambda: doors.close_day(on, DAY_END))
    in_transaction(lambda: doors.seal_day(on, DAY_END))
    return db.session.execute(select(audit_seal.c.hash).where(audit_seal.c.on_date == on)).scalar_one()


def exported(on: date) -> list[bytes]:
    """The digests of a day, worked out from an export of the rows."""
    rows = db.session.execute(text(EXPORT), {"on": on}).mappings().all()
    return [sealing.digest(sealing.canonical(dict(row))) for row in rows]


def troubles(report: verify.Report) -> list[tuple[str, str]]:
    return [(check, str(facts.get("trouble"))) for check, facts in report.differences]


def blocks() -> list[list[str]]:
    return [block.splitlines() for block in re.findall(r"```text\n(.*?)\n```", DOCUMENT.read_text(), re.DOTALL)]


def test_the_documents_vector_is_what_a_second_implementation_finds() -> None:
    rows, digests, days = blocks()

    names = (*sealing.FIELDS, "before", "after")
    worked_out = [sealing.canonical(dict(zip(names, json.loads(row), strict=True))) for row in rows]

    assert worked_out == rows
    assert [sealing.digest(row).hex() for row in rows] == digests
    first = sealing.day_hash("2026-03-31", sealing.NO_DAY_BEFORE, [bytes.fromhex(one) for one in digests])
    assert [first.hex(), sealing.day_hash("2026-04-01", first, []).hex()] == days


def test_the_database_finds_the_documents_digests(owner_connection: psycopg.Connection[Any]) -> None:
    rows, digests, days = blocks()
    owner_connection.execute("ALTER TABLE audit_event DISABLE TRIGGER file_under_a_day")
    for row in rows:
        values = json.loads(row)
        values[-2:] = [None if value is None else json.dumps(value) for value in values[-2:]]
        owner_connection.execute(
            "INSERT INTO audit_event (id, filed_on, at, action, subject_type, subject_id, actor_kind, actor_id,"
            " channel, address, on_behalf_of, branch_id, request_id, before, after)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            values,
        )

    found = owner_connection.execute("SELECT encode(digest, 'hex') FROM audit_digests('2026-03-31') ORDER BY event_id")
    assert [digest for (digest,) in found] == digests
    owner_connection.execute("SELECT close_audit_day('2026-04-01'), seal_audit_day('2026-04-01', 'test')")
    sealed = owner_connection.execute("SELECT encode(hash, 'hex') FROM audit_seal ORDER BY on_date").fetchall()
    assert [hash_ for (hash_,) in sealed] == days


def test_a_sealed_day_is_what_an_export_says_whatever_was_written(noon: SettableClock) -> None:
    record("a", text=LETTERS, nested={"é": [1, None, True], "bb": {"b": "x", "a": LETTERS}}, n=-12, empty="")
    in_transaction(lambda: audit.record("a.b", subject=(LETTERS, LETTERS), by=Actor("staff", LETTERS, LETTERS)))

    first = close_and_seal(MARCH_31)
    second = close_and_seal(APRIL_1)

    assert first == sealing.day_hash("2026-03-31", sealing.NO_DAY_BEFORE, exported(MARCH_31))
    assert len(exported(MARCH_31)) == 2
    assert second == sealing.day_hash("2026-04-01", first, [])


def test_days_that_were_missed_are_sealed_one_after_the_other(noon: SettableClock) -> None:
    record("a")
    noon.set("2026-04-02T00:00:00+03:00")
    record("b")

    close_and_seal(APRIL_2)

    days = db.session.execute(select(audit_seal.c.on_date, audit_seal.c.event_count).order_by(audit_seal.c.on_date))
    assert [tuple(day) for day in days] == [(MARCH_31, 1), (APRIL_1, 0), (APRIL_2, 1)]


def test_sealing_again_changes_nothing(noon: SettableClock) -> None:
    record("a")
    first = close_and_seal(MARCH_31)
    record("late")

    assert close_and_seal(MARCH_31) == first


def test_a_day_is_closed_before_it_is_sealed(noon: SettableClock) -> None:
    with pytest.raises(Exception, match="closed before it is sealed"):
        in_transaction(lambda: doors.seal_day(MARCH_31, DAY_END))


def test_what_comes_late_is_filed_under_the_next_day(noon: SettableClock) -> None:
    record("in time")
    close_and_seal(MARCH_31)
    record("late")
    noon.set("2026-04-02T09:00+03:00")
    record("later")

    filed = db.session.execute(select(AuditEvent.subject_id, AuditEvent.filed_on).order_by(AuditEvent.id))
    assert [tuple(row) for row in filed] == [("in time", MARCH_31), ("late", APRIL_1), ("later", APRIL_2)]


def test_nobody_chooses_the_number_or_the_day_of_a_row(noon: SettableClock) -> None:
    insert = text(
        "INSERT INTO audit_event (id, filed_on, at, action, subject_type, subject_id, actor_kind, actor_id, channel)"
        " VALUES ('00000000-0000-7000-8000-000000000000', '2020-01-01', '2026-03-31T23:30Z', 'a.b', 'x', '1',"
        " 'system', 'x', 'x') RETURNING id::text, filed_on"
    )

    chosen, filed_on = db.session.execute(insert).one()

    assert chosen != "00000000-0000-7000-8000-000000000000"
    assert filed_on == APRIL_1  # 02:30 in Nairobi


def test_the_application_seals_only_through_the_doors(app: Flask) -> None:
    for statement in (
        "INSERT INTO audit_seal VALUES ('2026-03-31', '', '', 0, now(), 'x')",
        "INSERT INTO audit_digest VALUES (uuidv7(), '2026-03-31', '')",
        "UPDATE audit_gate SET open_on = '2020-01-01'",
        "SELECT file_audit_event()",
        "SELECT audit_digests('2026-03-31')",
    ):
        with pytest.raises(Exception, match="permission denied"), db.session.begin_nested():
            db.session.execute(text(statement))  # taste: a fixed list


def test_the_gate_does_not_go_back_even_for_the_owner(owner_connection: psycopg.Connection[Any]) -> None:
    owner_connection.execute("SELECT close_audit_day('2026-03-31')")

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        owner_connection.execute("UPDATE audit_gate SET open_on = '2026-03-30'")


def test_the_close_of_day_seals_the_trail(noon: SettableClock) -> None:
    from app.dayend.run import run
    from tests.ledger.book import Book

    Book()
    record("a")
    noon.set("2026-04-01T00:00+03:00")

    done = run(asked_by="staff:jane")

    steps = {step.step: step.summary for step in done.days[0].steps}
    assert list(steps) == ["audit_close", "audit_seal", "seal"]
    assert re.fullmatch(r"\d+ rows; seal [0-9a-f]{16}", steps["audit_seal"])


def test_who_is_still_writing_when_the_day_is_closed_is_waited_for(committed_app: Flask, clock: SettableClock) -> None:
    clock.set("2026-03-31T12:00+03:00")
    has_written, may_commit = threading.Event(), threading.Event()

    def write_slowly() -> None:
        def work() -> None:
            audit.record("thing.changed", subject=("thing", "slow"), by=JANE)
            db.session.flush()
            has_written.set()
            assert may_commit.wait(10)

        with committed_app.app_context():
            in_transaction(work)

    def close() -> None:
        assert has_written.wait(10)
        with committed_app.app_context():
            threading.Timer(0.3, may_commit.set).start()
            close_and_seal(MARCH_31)

    with ThreadPoolExecutor(2) as pool:
        for task in [pool.submit(write_slowly), pool.submit(close)]:
            task.result(20)

    with committed_app.app_context():
        assert db.session.scalar(select(audit_seal.c.event_count).where(audit_seal.c.on_date == MARCH_31)) == 1
        assert verify.verify().ok


def test_nothing_slips_in_behind_a_seal_however_many_write(committed_app: Flask, clock: SettableClock) -> None:
    clock.set("2026-03-31T12:00+03:00")
    stop = threading.Event()

    def write(number: int) -> int:
        written = 0
        with committed_app.app_context():
            while not stop.is_set():
                record(f"{number}")
                written += 1
        return written

    with ThreadPoolExecutor(5) as pool:
        writers = [pool.submit(write, number) for number in range(4)]
        sleep(0.3)
        with committed_app.app_context():
            sealed = close_and_seal(MARCH_31)
        sleep(0.3)
        stop.set()
        written = sum(writer.result(20) for writer in writers)

    with committed_app.app_context():
        counted = db.session.execute(text("SELECT filed_on, count(*) FROM audit_event GROUP BY 1"))
        rows = dict(counted.all())
        assert set(rows) == {MARCH_31, APRIL_1}, "some wrote before the seal, some after"
        assert sum(rows.values()) == written
        assert sealed == sealing.day_hash("2026-03-31", sealing.NO_DAY_BEFORE, exported(MARCH_31))
        assert verify.verify().ok


@pytest.fixture
def superuser(app: Flask) -> Iterator[Connection]:
    """The database in the hands of somebody who may do everything: four rows, sealed; undone after the test."""
    engine = create_engine(app.config["DATABASE_OWNER_URL"])
    with engine.connect() as connection:
        for _ in range(4):
            connection.exec_driver_sql(ROW)
        connection.exec_driver_sql("SELECT close_audit_day('2026-04-01'), seal_audit_day('2026-04-01', 'test')")
        assert set(verify.verify_on(connection).found) <= {"rights_are_kept"}  # the owner holds every right
        for table in ("audit_event", "audit_digest", "audit_seal"):
            connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        yield connection
        connection.rollback()
    engine.dispose()


def guard_again(connection: Connection) -> None:
    for table in ("audit_event", "audit_digest", "audit_seal"):
        connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE TRIGGER ALL")
    assert "protection_is_on" not in verify.verify_on(connection).found


@pytest.mark.parametrize(
    ("tampering", "trouble"),
    [
        ("UPDATE audit_event SET after = '{}' WHERE id = SECOND", "changed"),
        ("UPDATE audit_event SET actor_id = 'joe' WHERE id IN (SECOND, THIRD)", "changed"),
        ("UPDATE audit_event SET at = at + interval '1 second' WHERE id = SECOND", "changed"),
        ("DELETE FROM audit_event WHERE id IN (SECOND, THIRD)", "removed"),
        ("UPDATE audit_event SET filed_on = '2026-04-01' WHERE id = SECOND", "moved to another day"),
        (
            "UPDATE audit_event e SET subject_id = o.subject_id FROM audit_event o"
            " WHERE e.id IN (SECOND, THIRD) AND o.id IN (SECOND, THIRD) AND o.id <> e.id",
            "changed",
        ),
        (
            "INSERT INTO audit_event (id, filed_on, at, action, subject_type, subject_id, actor_kind, actor_id,"
            " channel) SELECT overlay(id::text PLACING 'ffff' FROM 33)::uuid, filed_on, at, action, subject_type,"
            " 'forged', actor_kind, actor_id, channel FROM audit_event e WHERE id = SECOND",
            "inserted after the seal",
        ),
    ],
    ids=["content", "actor", "instant", "removed", "moved", "exchanged", "inserted"],
)
def test_the_first_row_that_was_tampered_with_is_named(superuser: Connection, tampering: str, trouble: str) -> None:
    ids = [row.id for row in superuser.exec_driver_sql("SELECT id::text FROM audit_event ORDER BY id")]
    statement = tampering.replace("SECOND", f"'{ids[1]}'").replace("THIRD", f"'{ids[2]}'")

    superuser.exec_driver_sql(statement)

    check, facts = verify.verify_on(superuser).differences[0]
    assert (check, facts["trouble"], facts["on"]) == ("event_is_as_sealed", trouble, MARCH_31)
    assert facts["event"] == ids[1] or (trouble.startswith("inserted") and facts["event"] not in ids)


@pytest.mark.parametrize(
    ("tampering", "check"),
    [
        ("UPDATE audit_seal SET hash = sha256('x')", "seals_chain"),
        ("DELETE FROM audit_digest; DELETE FROM audit_event", "seals_chain"),
        ("UPDATE audit_seal SET on_date = on_date - 1 WHERE on_date = '2026-03-31'", "seals_chain"),
        ("DROP TRIGGER append_only ON audit_event", "protection_is_on"),
        ("ALTER TABLE record_view DISABLE TRIGGER append_only", "protection_is_on"),
        ("DROP TRIGGER keep_rows ON audit_gate; DELETE FROM audit_gate", "days_are_closed"),
    ],
    ids=["hash", "everything", "gap", "guard", "reads", "gate"],
)
def test_a_broken_chain_or_guard_is_named(superuser: Connection, tampering: str, check: str) -> None:
    if check != "seals_chain":
        guard_again(superuser)

    superuser.exec_driver_sql(tampering)

    assert set(verify.verify_on(superuser).found) >= {check}


def test_whoever_rewrites_row_digest_and_seal_is_given_away_by_a_seal_written_down(superuser: Connection) -> None:
    seal = "SELECT encode(hash, 'hex') FROM audit_seal WHERE on_date = '2026-04-01'"
    written_down = superuser.exec_driver_sql(seal).scalar_one()

    for statement in (
        "UPDATE audit_event SET actor_id = 'joe'",
        "DELETE FROM audit_digest",
        "DELETE FROM audit_seal",
        "SELECT seal_audit_day('2026-04-01', 'forger')",
    ):
        superuser.exec_driver_sql(statement)
    guard_again(superuser)

    assert set(verify.verify_on(superuser).found) == {"rights_are_kept"}, "inside the database everything fits"
    assert "seal_is_as_written_down" in verify.verify_on(superuser, [(APRIL_1, written_down)]).found


def test_a_right_too_many_is_named(owner_connection: psycopg.Connection[Any], app: Flask) -> None:
    query = verify.RIGHTS_ARE_KEPT.replace("has_table_privilege(", "has_table_privilege('pamoja_app', ")
    assert owner_connection.execute(query).fetchall() == []

    owner_connection.execute("GRANT UPDATE ON audit_event TO pamoja_app")

    assert owner_connection.execute(query).fetchall()


def test_the_command_says_whether_the_trail_is_whole(
    committed_app: Flask, servers: Servers, clock: SettableClock, capsys: pytest.CaptureFixture[str]
) -> None:
    clock.set("2026-03-31T12:00+03:00")
    with committed_app.app_context():
        record("a")
        sealed = close_and_seal(MARCH_31).hex()
    run: Callable[..., Any] = committed_app.test_cli_runner().invoke

    good = run(args=["audit", "verify", "--json", "--seal", f"2026-03-31={sealed}"])
    told = json.loads(good.output)
    assert (good.exit_code, told["ok"], told["last_seal"]["hash"]) == (0, True, sealed)
    assert "The trail is whole." in run(args=["audit", "verify"]).output

    name = committed_app.config["SQLALCHEMY_DATABASE_URI"].rsplit("/", 1)[1].split("?")[0]
    with psycopg.connect(servers.postgres.url(OWNER, name)) as superuser:
        superuser.execute("ALTER TABLE audit_event DISABLE TRIGGER ALL")
        superuser.execute("DELETE FROM audit_event")
        superuser.execute("ALTER TABLE audit_event ENABLE TRIGGER ALL")
    bad = run(args=["audit", "verify"])
    assert bad.exit_code == 1
    assert "removed" in bad.output


def test_a_day_of_many_rows_is_sealed_and_verified_in_seconds(committed_app: Flask, clock: SettableClock) -> None:
    clock.set("2026-03-31T12:00+03:00")
    many = text(
        "INSERT INTO audit_event (at, action, subject_type, subject_id, actor_kind, actor_id, channel, after)"
        " SELECT '2026-03-31T09:00Z', 'thing.changed', 'thing', n::text, 'staff', 'jane', 'web',"
        " jsonb_build_object('n', n) FROM generate_series(1, 20000) n"
    )
    with committed_app.app_context():
        in_transaction(lambda: db.session.execute(many))
        started = perf_counter()
        close_and_seal(MARCH_31)
        assert verify.verify().ok

    assert perf_counter() - started < 10  # 100,000 rows take about five times as long: still seconds
