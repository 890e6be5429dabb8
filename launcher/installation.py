"""One installation on one machine, from its first start to its removal."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from config import settings_from_environment
from launcher import programs, schema
from launcher.environment import CHECKOUT, Place, write_environment
from launcher.postgres import APPLICATION, OWNER, Postgres
from launcher.postgres import START_SECONDS as POSTGRES_SECONDS
from launcher.processes import end_session, is_running, port_is_free, wait_until
from launcher.providers import Providers, answers
from launcher.redis import START_SECONDS as REDIS_SECONDS
from launcher.redis import Redis
from launcher.supervisor import Stopped, Supervisor, end_leftovers
from launcher.trouble import LaunchError

READY_SECONDS = 120  # on a machine that is busy with something else
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
        self._providers = None if place.is_production else Providers(place.sandbox_url)
        self._supervisor = Supervisor(self._processes, say=self._say)
        self._voiceless = False

    def run(self) -> None:
        """Start everything, tell people where it is, and keep it running until somebody asks us to stop.

        Raises LaunchError when something keeps it from starting.
        """
        self.place.var.mkdir(mode=0o700, parents=True, exist_ok=True)
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
        environment = write_environment(self.place, self._start_what_others_need())
        listed = programs.from_procfile(environment)
        release = listed.pop(programs.RELEASE)
        if not schema.is_newest(environment["DATABASE_OWNER_URL"]):
            self._supervisor.run(release)
        if self._providers is not None:
            self._load_demonstration(environment)
            self._ask_for_delivery_reports(self._providers, environment)
        for program in listed.values():
            self._supervisor.start(program)
        self._wait_for(partial(answers, f"http://127.0.0.1:{self.place.port}/readyz"), "The web", READY_SECONDS)
        self._welcome(environment, time.monotonic() - begun)

    def _start_what_others_need(self) -> dict[str, str]:
        """Start the sandbox, and the servers that DATABASE_URL and REDIS_URL do not point to; return where they are."""
        addresses = {}
        if self._providers is not None:
            self._supervisor.start(programs.sandbox(self.place))
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
            self._wait_for(self._postgres.is_ready, "PostgreSQL", POSTGRES_SECONDS)
            self._postgres.finish()
        if self.place.own_redis:
            self._wait_for(self._redis.is_ready, "Redis", REDIS_SECONDS)
        if self._providers is not None:
            self._wait_for(self._providers.is_up, "The sandbox", READY_SECONDS)
            addresses |= self._providers.credentials()
        return addresses

    def _load_demonstration(self, environment: Mapping[str, str]) -> None:
        loaded = self.place.var / "demonstration-loaded"
        if not loaded.exists():
            self._supervisor.run(programs.python_program("demo", "flask --app wsgi demo load", environment))
            loaded.touch()

    def _ask_for_delivery_reports(self, providers: Providers, environment: Mapping[str, str]) -> None:
        """Give the simulated SMS provider our address, which only the application knows."""
        if providers.reports_go_to().startswith(f"{self.place.base_url}/"):
            return
        command = programs.python_program("address", "flask --app wsgi messaging address", environment).command
        printed = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
        if printed.returncode != 0:
            raise LaunchError(f"our address for delivery reports could not be made: {printed.stderr.strip()}")
        providers.send_reports_to(printed.stdout.strip())

    def _wait_for(self, condition: Callable[[], bool], name: str, seconds: int) -> None:
        if not self._supervisor.wait_until(condition, seconds):
            raise LaunchError(f"{name} did not answer within {seconds} seconds, see above.")

    def _welcome(self, environment: Mapping[str, str], seconds: float) -> None:
        lines = [f"Pamoja is ready after {seconds:.0f} s.", f"  Pamoja    {self.place.base_url}/"]
        if self._providers is not None:
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
        if self._providers is not None:
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
