"""The whole system, started and ended as its user would."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from launcher import files
from launcher.environment import CHECKOUT, place_from_environment, write_environment
from launcher.processes import is_running, session_members, wait_until
from launcher.trouble import LaunchError
from tests.harness.leftovers import new_folder
from tests.harness.programs import Stack, answers

ROLES = {"postgres", "redis", "sandbox", "web", "payments", "callbacks", "messages", "files", "default", "scheduler"}


@contextmanager
def erased(stack: Stack) -> Iterator[Stack]:
    """Leaves nothing behind, whatever the test found."""
    try:
        yield stack
    finally:
        stack.erase()


def _launch(stack: Stack, what: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "launcher", what],
        cwd=CHECKOUT,
        env=stack.environment | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# Of one system that runs


def test_every_role_runs_and_the_addresses_answer(stack: Stack) -> None:
    said = stack.log_text()

    assert set(stack.roles()) == ROLES
    assert answers(f"{stack.url}/sign-in")
    assert answers(f"{stack.sandbox.url}/")
    for words in (stack.url, stack.sandbox.url, "admin, manager, officer, teller, accountant, auditor, agent"):
        assert words in said


def test_a_second_shell_speaks_to_the_running_system(stack: Stack) -> None:
    """It only needs to know VAR; everything else is in the file there, for its owner's eyes."""
    environment = stack.var / "environment"
    variables = {name: value for name, value in stack.environment.items() if name not in ("PORT", "SANDBOX_PORT")}

    printed = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "db", "current"],
        cwd=CHECKOUT,
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    )

    assert "(head)" in printed.stdout
    assert stat.S_IMODE(environment.stat().st_mode) == 0o600


def test_a_second_start_from_the_same_folder_is_refused(stack: Stack) -> None:
    refused = _launch(stack, "run")

    assert refused.returncode == 1
    assert refused.stderr.startswith("Pamoja: it already runs from ")
    assert len(refused.stderr.splitlines()) == 1
    assert answers(f"{stack.url}/readyz")


@pytest.mark.parametrize("role", sorted(ROLES - {"postgres", "redis"}))
def test_a_killed_program_is_replaced(stack: Stack, role: str) -> None:
    stack.kill_role(role)

    stack.wait_until_ready()


def test_a_worker_whose_parent_dies_leaves_no_child_at_work(stack: Stack) -> None:
    before = stack.pid("web")
    workers = set(stack.pids("web")) - {before}
    assert workers

    stack.kill_role("web", everything=False)

    assert not any(is_running(worker) for worker in workers)
    stack.wait_until_ready()


def test_the_database_and_the_doorbell_come_back_by_themselves(stack: Stack) -> None:
    for role in ("redis", "postgres"):
        stack.kill_role(role)

    stack.wait_until_ready()
    assert stack.flask("ledger", "verify").returncode == 0


# Of systems that are started here


@pytest.fixture(scope="module")
def stopped() -> Iterator[Stack]:
    """A system that was started once and stopped by SIGTERM; the tests below look at it in their order."""
    folder = new_folder()
    with erased(Stack(folder)) as stack:
        stack.start()
        sessions = [stack.pid(role) for role in stack.roles()]
        code = stack.stop(signal.SIGTERM)

        assert code == 0
        assert not [pid for session in sessions for pid in session_members(session)]
        yield stack
    shutil.rmtree(folder)


def test_a_stop_leaves_nothing_running(stopped: Stack) -> None:
    assert stopped.log_text().splitlines()[-1] == "Stopped."
    assert not (stopped.var / "processes.json").exists()
    for port in (stopped.port, stopped.sandbox_port):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=2)
    assert stopped.postgres().running_pid() is None


def test_a_taken_port_is_named_in_one_line(stopped: Stack) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", stopped.port))
        other.listen()

        refused = _launch(stopped, "run")

    assert refused.returncode == 1
    expected = f"Pamoja: port {stopped.port} is taken; choose another: make run PORT={stopped.port + 1}\n"
    assert refused.stderr == expected


def test_the_next_starts_keep_data_and_secrets_whatever_ended_the_one_before(stopped: Stack) -> None:
    """A clean stop, then a killed launcher whose programs go on without it, then Ctrl-C."""
    before = _secrets(stopped)

    stopped.start()
    members = _count_members(stopped)
    orphans = [stopped.pid(role) for role in stopped.roles()]
    assert stopped.process is not None
    os.kill(stopped.process.pid, signal.SIGKILL)
    stopped.process.wait()
    assert all(is_running(pid) for pid in orphans)

    stopped.start()
    assert not any(is_running(pid) for pid in orphans)
    assert _count_members(stopped) == members > 0
    assert answers(f"{stopped.url}/sign-in")
    code = stopped.stop(signal.SIGINT)

    assert code == 0
    assert _secrets(stopped) == before
    assert stopped.log_text().count("demo      |") == 1


def test_a_reader_who_goes_away_ends_it_cleanly(stopped: Stack) -> None:
    """As `make run | head` does."""
    process = subprocess.Popen(
        [sys.executable, "-m", "launcher", "run"],
        cwd=CHECKOUT,
        env=stopped.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()

    assert process.wait(90) == 0
    assert wait_until(lambda: stopped.postgres().running_pid() is None, 5)


def test_clean_removes_everything_wherever_it_lies(stopped: Stack) -> None:
    home = stopped.postgres().home
    assert home.exists()

    assert _launch(stopped, "clean").returncode == 0

    assert not stopped.var.exists()
    assert not home.exists()


# Of what is told to programs


def test_whoever_brings_a_database_brings_its_owner_too() -> None:
    with pytest.raises(LaunchError, match="set DATABASE_OWNER_URL too"):
        place_from_environment({"DATABASE_URL": "postgresql://app@db/pamoja"})


@pytest.mark.parametrize("text", ["0", "65536", "http", "-1"])
def test_a_port_is_a_port(text: str) -> None:
    with pytest.raises(LaunchError, match="PORT must be a port number"):
        place_from_environment({"PORT": text})


def test_what_the_caller_sets_wins_over_what_we_make_up(tmp_path: Path) -> None:
    place = place_from_environment(
        {"VAR": str(tmp_path), "MPESA_API_URL": "https://elsewhere.example", "REDIS_URL": ""}
    )

    told = write_environment(place, {"MPESA_API_URL": "http://127.0.0.1:1/daraja", "REDIS_URL": "redis://here"})

    assert told["MPESA_API_URL"] == "https://elsewhere.example"
    assert told["REDIS_URL"] == "redis://here"
    assert re.fullmatch(r"k[0-9a-f]{6}:[A-Za-z0-9+/]{43}=", told["ENCRYPTION_KEYS"])


def test_secrets_are_made_once(tmp_path: Path) -> None:
    place = place_from_environment({"VAR": str(tmp_path)})

    first, second = write_environment(place, {}), write_environment(place, {})

    assert first["SECRET_KEY"] == second["SECRET_KEY"]
    assert first["ENCRYPTION_KEYS"] == second["ENCRYPTION_KEYS"]
    assert len(first["SECRET_KEY"]) >= 64


def _count_members(stack: Stack) -> int:
    with stack.connect() as connection:
        row = connection.execute("select count(*) from member").fetchone()
    assert row is not None
    return int(row[0])


def _secrets(stack: Stack) -> dict[str, str]:
    """What must outlive a stop."""
    lines = (stack.var / "environment").read_text().splitlines()
    kept = dict(line.split("=", 1) for line in lines if line.startswith(("SECRET_KEY", "ENCRYPTION_KEYS")))
    return kept | {"passwords": str(files.read_json(stack.var / "postgres" / "server.json")["passwords"])}
