"""Real processes: the sandbox alone, and whole systems started by the launcher as `make run` starts them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import requests

from launcher import files
from launcher.environment import CHECKOUT
from launcher.postgres import OWNER, Postgres
from launcher.processes import end_session, free_port, is_running, kill_session, session_members, wait_until
from tests.harness.leftovers import new_folder, remember
from tests.harness.servers import DEMO_PASSWORD

START_SECONDS = 240  # two cores may be busy with other tests
STOP_SECONDS = 90


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The simulated providers."""

    url: str

    @property
    def daraja_url(self) -> str:
        return f"{self.url}/daraja"

    def get(self, path: str, **query: str) -> Any:
        """What one of its JSON addresses says: ``sandbox.get("/control/statement", provider="daraja")``."""
        answer = requests.get(f"{self.url}{path}", params=query, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def send(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        """Tell it something: ``sandbox.send("PUT", "/control/phones/254712345678", {"auto_answer": "pin"})``."""
        answer = requests.request(method, f"{self.url}{path}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def fault(self, fault: str, **details: object) -> None:
        """Ask for trouble: ``sandbox.fault("callback_lost", provider="daraja", operation="stk_push", times=2)``."""
        self.send("POST", "/control/faults", {"provider": "daraja", "fault": fault, **details})

    def clear_faults(self) -> None:
        """No more trouble."""
        self.send("DELETE", "/control/faults")


@contextmanager
def running_sandbox() -> Iterator[Sandbox]:
    """The sandbox in a process of its own, with empty books."""
    folder = new_folder()
    port = free_port()
    command = [sys.executable, "-m", "sandbox", "--port", str(port), "--data", str(folder)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=CHECKOUT, stdout=log, stderr=log, start_new_session=True)
    remember(folder, sandbox=process.pid)
    sandbox = Sandbox(f"http://127.0.0.1:{port}")
    try:
        assert wait_until(lambda: answers(f"{sandbox.url}/"), START_SECONDS), (folder / "log").read_text()
        yield sandbox
    finally:
        end_session(process.pid)
        process.wait()
        shutil.rmtree(folder)


class Stack:
    """A whole Pamoja in a folder of its own: web, workers, scheduler, sandbox, PostgreSQL and Redis."""

    def __init__(self, folder: Path, variables: Mapping[str, str] | None = None, *, checkout: Path = CHECKOUT) -> None:
        self.var = folder / "var"
        self.checkout = checkout
        self.log = folder / "log"
        self.port, self.sandbox_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.sandbox = Sandbox(f"http://127.0.0.1:{self.sandbox_port}")
        self.variables = {
            "VAR": str(self.var),
            "PORT": str(self.port),
            "SANDBOX_PORT": str(self.sandbox_port),
            "DEMO_PASSWORD": DEMO_PASSWORD,
            **(variables or {}),
        }
        self.process: subprocess.Popen[bytes] | None = None

    # Life

    def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        begun = self.log_text().count("Pamoja is ready")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "launcher", "run"],
                cwd=self.checkout,
                env=_clean_environment() | self.variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        running = self.process
        assert wait_until(
            lambda: running.poll() is not None or self.log_text().count("Pamoja is ready") > begun, START_SECONDS
        ), self.log_text()
        assert running.poll() is None, self.log_text()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop; returns its exit code."""
        assert self.process is not None, "it was not started"
        self.process.send_signal(number)
        try:
            return self.process.wait(STOP_SECONDS)
        finally:
            self.kill()

    def kill(self) -> None:
        """End what is left of it, whatever happened, and remove its data."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def erase(self) -> None:
        """End what is left and remove all data, as `make clean` does."""
        self.kill()
        subprocess.run(
            [sys.executable, "-m", "launcher", "clean"],
            cwd=self.checkout,
            env=_clean_environment() | self.variables,
            check=True,
        )

    def log_text(self) -> str:
        """Everything it has said so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    # Parts

    def pid(self, role: str) -> int:
        """The process of one role: postgres, redis, sandbox, web, scheduler, or a queue (payments, callbacks, …)."""
        return int(files.read_json(self.var / "processes.json")[role]["pid"])

    def pids(self, role: str) -> list[int]:
        """That process and everything it has forked."""
        return session_members(self.pid(role))

    def roles(self) -> list[str]:
        """Who is running."""
        return list(files.read_json(self.var / "processes.json"))

    def kill_role(self, role: str, *, everything: bool = True) -> None:
        """Kill one role as if its machine had failed, and wait until the supervisor has started it anew."""
        before = self.pid(role)
        if everything:
            kill_session(before)
        else:
            os.kill(before, signal.SIGKILL)
        assert wait_until(lambda: self.is_replaced(role, before), 60), self.log_text()

    def is_replaced(self, role: str, pid: int) -> bool:
        """Whether another process has taken over a role."""
        now = files.read_json(self.var / "processes.json").get(role)
        return now is not None and now["pid"] != pid and not is_running(pid)

    def wait_until_ready(self, seconds: float = 60) -> None:
        """Wait until everything answers again."""
        assert wait_until(lambda: answers(f"{self.url}/readyz"), seconds), self.log_text()
        assert wait_until(lambda: answers(f"{self.sandbox.url}/"), seconds), self.log_text()

    # Tools

    @property
    def environment(self) -> dict[str, str]:
        """What a command in a second shell needs to know."""
        return _clean_environment() | self.variables

    def flask(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command of the application against this system: ``stack.flask("ledger", "verify", "--json")``."""
        return subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
            cwd=self.checkout,
            env=self.environment,
            capture_output=True,
            text=True,
            check=check,
        )

    def connect(self, role: str = OWNER) -> psycopg.Connection[Any]:
        """A connection to its database that saves each statement at once."""
        facts = files.read_json(self.var / "postgres" / "server.json")
        address = f"postgresql://{role}:{facts['passwords'][role]}@127.0.0.1:{facts['port']}/pamoja"
        return psycopg.connect(address, autocommit=True)

    def postgres(self) -> Postgres:
        """Its database server."""
        return Postgres(self.var / "postgres")


@contextmanager
def running_stack(**variables: str) -> Iterator[Stack]:
    """A whole system with demonstration data, gone afterwards."""
    folder = new_folder()
    stack = Stack(folder, variables)
    try:
        stack.start()
        yield stack
        stack.stop()
    finally:
        stack.erase()
        shutil.rmtree(folder)


def answers(address: str) -> bool:
    """Whether something at this address says 200."""
    try:
        return requests.get(address, timeout=5).status_code == 200
    except requests.RequestException:
        return False


def _clean_environment() -> dict[str, str]:
    """Our environment without what would point a system at somebody else's servers."""
    ours = ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_REPLICA_URL", "REDIS_URL", "PROFILE", "BASE_URL", "VAR")
    return {name: value for name, value in os.environ.items() if name not in ours}
