"""One installation on one machine, from its first start to its removal."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from config import settings_from_environment
from launcher import programs
from launcher.environment import CHECKOUT, Place, write_environment
from launcher.postgres import APPLICATION, OWNER, Postgres
from launcher.postgres import START_SECONDS as POSTGRES_SECONDS
from launcher.processes import end_session, is_running, port_is_free, wait_until
from launcher.redis import START_SECONDS as REDIS_SECONDS
from launcher.redis import Redis
from launcher.supervisor import Stopped, Supervisor, end_leftovers
from launcher.trouble import LaunchError

READY_SECONDS = 60
STOP_SECONDS = 90
DEMONSTRATION_USERS = ("admin", "manager", "officer", "teller", "accountant", "auditor", "agent")


class Installation:
    """Everything that runs from, and is kept in, one data folder."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._lock_file = place.var / "lock"
        self._processes = place.var / "processes.json"
        self._postgres = Postgres(place.var / "postgres")
        self._redis = Redis(place.var / "redis")
        self._supervisor = Supervisor(self._processes, say=self._say)
        self._voiceless = False

    def run(self) -> None:
        """Start everything, tell people where it is, and keep it running until somebody asks us to stop.

        Raises LaunchError when something keeps it from starting.
        """
        self.place.var.mkdir(parents=True, exist_ok=True)
        with self._locked(), self._supervisor.listening():
            try:
                end_leftovers(self._processes)
                self._refuse_taken_ports()
                self._start()
                self._supervisor.wait_for_stop()
            except Stopped:
                self._say("Stopping.")
            finally:
                self._supervisor.stop()
                self._postgres.remove_sockets()
        self._say("Stopped.")

    def stop(self) -> None:
        """End what runs from this folder, whoever started it."""
        pid = self._holder()
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
            if not wait_until(lambda: not is_running(pid), STOP_SECONDS):
                raise LaunchError(f"Process {pid} does not stop.")
        end_leftovers(self._processes)
        server = self._postgres.running_pid()
        if server is not None:
            end_session(server, stop_signal=signal.SIGINT, seconds=STOP_SECONDS)

    def clean(self) -> None:
        """End what runs and remove all its data."""
        self.stop()
        self._postgres.erase()
        shutil.rmtree(self.place.var, ignore_errors=True)

    # Starting

    def _start(self) -> None:
        begun = time.monotonic()
        environment = self._start_servers()
        listed = programs.from_procfile(environment)
        if not self.place.is_production:
            self._supervisor.start(programs.sandbox(self.place, environment))
        self._supervisor.run(listed.pop(programs.RELEASE))
        self._load_demonstration(environment)
        self._ask_for_delivery_reports(environment)
        for program in listed.values():
            self._supervisor.start(program)
        self._wait_until_ready()
        self._welcome(environment, time.monotonic() - begun)

    def _start_servers(self) -> dict[str, str]:
        """Start what DATABASE_URL and REDIS_URL do not point to; return what all programs are told."""
        addresses = {}
        if self.place.own_postgres:
            self._postgres.prepare()
            self._supervisor.start(self._postgres.program())
            addresses["DATABASE_URL"] = self._postgres.url(APPLICATION)
            addresses["DATABASE_OWNER_URL"] = self._postgres.url(OWNER)
        if self.place.own_redis:
            self._redis.prepare()
            self._supervisor.start(self._redis.program())
            addresses["REDIS_URL"] = self._redis.url()
        if self.place.own_postgres:
            if not self._supervisor.wait_until(self._postgres.is_ready, POSTGRES_SECONDS):
                raise LaunchError(f"PostgreSQL did not answer within {POSTGRES_SECONDS} seconds, see above.")
            self._postgres.finish()
        if self.place.own_redis and not self._supervisor.wait_until(self._redis.is_ready, REDIS_SECONDS):
            raise LaunchError(f"Redis did not answer within {REDIS_SECONDS} seconds, see above.")
        return write_environment(self.place, addresses)

    def _load_demonstration(self, environment: Mapping[str, str]) -> None:
        loaded = self.place.var / "demonstration-loaded"
        if self.place.is_production or loaded.exists():
            return
        self._supervisor.run(programs.python_program("demo", "flask --app wsgi demo load", environment))
        loaded.touch()

    def _ask_for_delivery_reports(self, environment: Mapping[str, str]) -> None:
        """Enter our address at the simulated SMS provider, as an operator does once on the real one's own pages."""
        if self.place.is_production or not self._supervisor.wait_until(self._sandbox_is_up, READY_SECONDS):
            return
        if self._sandbox_settings("GET")["sms_report_url"].startswith(f"{self.place.base_url}/"):
            return
        command = programs.python_program("address", "flask --app wsgi messaging address", environment).command
        printed = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=True)
        self._sandbox_settings("PUT", {"sms_report_url": printed.stdout.strip()})

    def _sandbox_is_up(self) -> bool:
        return _answers(f"{self.place.sandbox_url}/")

    def _sandbox_settings(self, method: str, changes: Mapping[str, str] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - our own loopback address
            f"{self.place.sandbox_url}/control/settings",
            method=method,
            data=json.dumps(changes).encode() if changes else None,
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return dict(json.load(answer))

    def _wait_until_ready(self) -> None:
        addresses = [f"http://127.0.0.1:{self.place.port}/readyz"]
        if not self.place.is_production:
            addresses.append(f"{self.place.sandbox_url}/")
        for address in addresses:
            if not self._supervisor.wait_until(partial(_answers, address), READY_SECONDS):
                raise LaunchError(f"{address} was not ready within {READY_SECONDS} seconds, see above.")

    def _welcome(self, environment: Mapping[str, str], seconds: float) -> None:
        lines = [f"Pamoja is ready after {seconds:.0f} s.", f"  Pamoja    {self.place.base_url}/"]
        if not self.place.is_production:
            password = settings_from_environment(environment).demo_password
            lines += [
                f"  Sandbox   {self.place.sandbox_url}/   (the phone)",
                f"  Sign in   {', '.join(DEMONSTRATION_USERS)}",
                f"  Password  {password}   (of all of them)",
            ]
        lines.append("  Stop      Ctrl-C")
        for line in lines:
            self._say(line)

    # Manners

    def _refuse_taken_ports(self) -> None:
        """One clear line instead of a server that keeps dying."""
        wanted = [("PORT", self.place.port)]
        if not self.place.is_production:
            wanted.append(("SANDBOX_PORT", self.place.sandbox_port))
        for name, port in wanted:
            if not port_is_free(port):
                raise LaunchError(f"port {port} is taken; choose another: make run {name}={port + 1}")

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold this folder: two systems on one set of data would ruin each other."""
        with self._lock_file.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                second = "make run VAR=var2 PORT=8001 SANDBOX_PORT=8101"
                raise LaunchError(f"it already runs from {self.place.var}; for a second copy: {second}") from None
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            yield

    def _holder(self) -> int | None:
        """The process that runs this copy."""
        try:
            with self._lock_file.open("r+") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    return int(file.read().strip() or 0) or None
        except FileNotFoundError:
            pass
        return None

    def _say(self, line: str) -> None:
        """Print a line. A reader who went away must not keep us from stopping everything."""
        if self._voiceless:
            return
        try:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
        except OSError:
            self._voiceless = True
            self._supervisor.ask_to_stop()


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:  # noqa: S310 - our own loopback address
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False
