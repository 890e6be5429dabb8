"""PostgreSQL and Redis as the launcher makes, starts and stops them."""

from __future__ import annotations

import os
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis as client

from launcher import accounts, files
from launcher.accounts import is_root
from launcher.postgres import APPLICATION, DATABASE, OWNER, Postgres
from launcher.processes import is_running, session_members, wait_until
from launcher.redis import Redis
from launcher.trouble import LaunchError
from tests.harness.servers import Servers


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Postgres]:
    server = Postgres(tmp_path / "postgres")
    yield server
    server.stop()
    server.erase()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    server = Redis(tmp_path / "redis")
    yield server
    server.stop()


def test_the_database_is_as_the_house_wants_it(servers: Servers) -> None:
    with servers.postgres.connect(APPLICATION, DATABASE) as connection:
        facts = connection.execute("""
            select current_setting('server_version_num')::int / 10000, current_setting('data_checksums'),
                   datlocprovider::text, datlocale, current_setting('password_encryption'),
                   (select array_agg(extname::text order by extname) from pg_extension where extname <> 'plpgsql')
            from pg_database where datname = current_database()""").fetchone()
        may = connection.execute("""
            select has_database_privilege(current_database(), 'temp'),
                   has_database_privilege(current_database(), 'create'),
                   has_schema_privilege('public', 'create'), rolsuper, rolcreatedb, rolcreaterole
            from pg_roles where rolname = current_user""").fetchone()

    assert facts == (18, "on", "b", "C.UTF-8", "scram-sha-256", ["btree_gist", "pg_trgm"])
    assert may == (False,) * 6


def test_nobody_enters_without_the_password(servers: Servers) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(servers.postgres.url(OWNER).replace(f"{OWNER}:", f"{OWNER}:x"))


def test_a_killed_server_starts_again_and_has_kept_what_was_saved(postgres: Postgres) -> None:
    postgres.start()
    with postgres.connect(OWNER, DATABASE) as connection:
        connection.execute("create table kept (number int)")
        connection.execute("insert into kept values (7)")
    assert postgres.process is not None
    postgres.process.send_signal(signal.SIGKILL)

    # No waiting here: its backends may still be there, and its lock file is.
    postgres.start()

    with postgres.connect(OWNER, DATABASE) as connection:
        assert connection.execute("select number from kept").fetchall() == [(7,)]


def test_a_stopped_server_leaves_no_process_and_no_socket(postgres: Postgres) -> None:
    postgres.start()
    assert postgres.process is not None
    session, sockets = postgres.process.pid, Path(files.read_json(postgres.folder / "server.json")["sockets"])
    assert list(sockets.glob(".s.PGSQL.*"))

    postgres.stop()

    assert not session_members(session)
    assert not sockets.exists()
    assert postgres.running_pid() is None


def test_a_port_that_was_taken_meanwhile_is_replaced(postgres: Postgres) -> None:
    postgres.start()
    before = postgres.port
    postgres.stop()

    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", before))
        other.listen()
        postgres.start()

    assert postgres.port != before
    assert postgres.is_ready()


def test_data_of_another_version_is_refused(postgres: Postgres) -> None:
    postgres.start()
    postgres.stop()
    (postgres.data / "PG_VERSION").write_text("17\n")

    with pytest.raises(LaunchError, match="is of PostgreSQL 17; this is PostgreSQL 18"):
        postgres.start()


def test_passwords_are_for_our_eyes_only(postgres: Postgres) -> None:
    postgres.prepare()

    assert stat.S_IMODE((postgres.folder / "server.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(postgres.data.stat().st_mode) == 0o700


def test_data_whose_passwords_are_gone_is_set_aside(postgres: Postgres) -> None:
    postgres.start()
    with postgres.connect(OWNER, DATABASE) as connection:
        connection.execute("create table kept (number int)")
    (postgres.folder / "server.json").unlink()  # somebody removed var/ while it ran

    again = Postgres(postgres.folder)
    again.start()

    try:
        with again.connect(OWNER, DATABASE) as connection:
            assert connection.execute("select to_regclass('kept')").fetchone() == (None,)
        assert list(postgres.home.glob("data-left-behind-*"))
    finally:
        again.stop()


@pytest.mark.skipif(not is_root(), reason="only root has to hand the server to somebody else")
class TestAsRoot:
    def test_the_server_runs_as_somebody_who_may_do_nothing_else(self, postgres: Postgres) -> None:
        postgres.start()

        assert postgres.process is not None
        assert Path(f"/proc/{postgres.process.pid}").stat().st_uid not in (0, os.getuid())
        assert postgres.home.parent == accounts.ROOTS_HOMES

    def test_a_folder_that_others_cannot_enter_stays_closed(self, tmp_path: Path) -> None:
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        modes = [folder.stat().st_mode for folder in (closed, *closed.parents)]
        server = Postgres(closed / "var" / "postgres")

        server.start()
        server.stop()
        server.erase()

        assert [folder.stat().st_mode for folder in (closed, *closed.parents)] == modes

    def test_programs_that_its_user_cannot_reach_are_copied(
        self, tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("launcher.postgres._can_execute", lambda program, account: False)

        postgres.start()

        assert postgres.program().command[0].startswith(str(postgres.home))
        assert postgres.is_ready()


def test_redis_keeps_a_file_of_what_was_rung(redis: Redis) -> None:
    redis.start()
    settings = (redis.folder / "redis.conf").read_text()

    assert (redis.folder / "appendonlydir").is_dir()
    for line in ("bind 127.0.0.1", "appendonly yes", "appendfsync everysec", "maxmemory-policy noeviction"):
        assert line in settings.splitlines()
    assert stat.S_IMODE((redis.folder / "redis.conf").stat().st_mode) == 0o600


def test_redis_asks_for_the_password_and_survives_a_kill(redis: Redis) -> None:
    redis.start()
    with client.Redis.from_url(redis.url()) as connection:
        connection.set("rung", "yes")
    with client.Redis(port=redis.port) as stranger, pytest.raises(client.AuthenticationError):
        stranger.get("rung")
    assert redis.process is not None
    pid = redis.process.pid
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: not is_running(pid), 5)
    redis.process.wait()

    redis.start()

    with client.Redis.from_url(redis.url()) as connection:
        assert connection.get("rung") == b"yes"
