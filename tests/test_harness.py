"""The ground of the tests itself."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.kernel.clock import now, today_eat
from app.kernel.database import db
from app.kernel.transactions import in_transaction
from tests.harness.clock import SettableClock
from tests.harness.leftovers import clear_away, new_folder, remember
from tests.harness.people import hire


def test_the_application_is_neither_owner_nor_superuser(app: Flask) -> None:
    role = db.session.execute(
        text("select rolsuper or rolcreatedb or rolcreaterole from pg_roles where rolname = user")
    )

    assert role.scalar_one() is False


def test_the_application_cannot_make_temporary_tables(app: Flask) -> None:
    right = db.session.execute(text("select has_database_privilege(current_database(), 'temp')"))

    assert right.scalar_one() is False


def test_what_one_test_saves_the_next_does_not_see(app: Flask) -> None:
    hire("teller", username="first")
    in_transaction(lambda: db.session.execute(text("select 1")))

    assert db.session.scalar(text("select count(*) from staff")) == 1


def test_nor_does_the_one_after(app: Flask) -> None:
    hire("teller", username="first")

    assert db.session.scalar(text("select count(*) from staff")) == 1


def test_a_request_sees_what_the_test_saved_and_the_test_what_the_request_did(
    app: Flask, signed_in: Callable[[str], FlaskClient]
) -> None:
    client = signed_in("teller")

    answer = client.post("/sign-out")

    assert answer.status_code == 303
    assert db.session.scalar(text("select end_reason from staff_session")) == "signed_out"
    assert client.get("/").status_code == 303


def test_a_clock_stands_where_it_is_set(app: Flask, clock: SettableClock) -> None:
    clock.set("2026-03-31T22:30+00:00")
    clock.forward(minutes=15)

    assert now() == datetime(2026, 3, 31, 22, 45, tzinfo=UTC)
    assert today_eat() == date(2026, 4, 1)


def test_threads_on_a_committed_database_see_each_other(committed_app: Flask) -> None:
    def hire_one(number: int) -> None:
        with committed_app.app_context():
            hire("teller", username=f"teller-{number}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(hire_one, range(4)))

    with committed_app.app_context():
        assert db.session.scalar(text("select count(*) from staff")) == 4


def test_what_a_killed_run_left_behind_is_cleared_away() -> None:
    """It is recognised by who made it: a run that goes on keeps what is its own."""
    server = (sys.executable, "-c", "import time; time.sleep(600)")
    left, kept = new_folder(), new_folder()
    processes = {folder: subprocess.Popen(server, start_new_session=True) for folder in (left, kept)}
    for folder, process in processes.items():
        remember(folder, redis=process.pid)
    (left / "runner.json").write_text('{"pid": 1, "started": "another day"}')

    clear_away()

    assert processes[left].wait(10) != 0
    assert not left.exists()
    assert processes[kept].poll() is None
    processes[kept].kill()
    processes[kept].wait()
    shutil.rmtree(kept)
