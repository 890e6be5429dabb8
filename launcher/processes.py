"""Programs as process sessions: whatever a program forks is found and ended with it.

Each program leads a session of its own. A worker's forked child leaves the process group but not the session, and an
orphan keeps it too, so the session is what we end.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from launcher.accounts import Account

SERVERS, PROVIDERS, SHELLS = range(3)  # the stages of a clean stop, last to first
PAUSE_SECONDS = 0.05  # between two looks at something that is about to happen


@dataclass(frozen=True, slots=True)
class Program:
    """One thing to run in the foreground, and how it likes to be stopped."""

    name: str
    command: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str] = field(repr=False)
    account: Account | None = None  # another user to run as
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 15.0  # how long a clean end may take
    stage: int = SHELLS  # what has a higher one needs this, and is stopped before

    def spawn(self, output: int | IO[bytes]) -> subprocess.Popen[bytes]:
        """Start it, leading its own session, with both outputs going to ``output``."""
        identity = {} if self.account is None else self.account.for_popen()
        return subprocess.Popen(
            self.command,
            cwd=self.folder,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **identity,
        )


def session_members(session: int) -> list[int]:
    """Every living process of a session, its leader included."""
    found = []
    for pid in _all_pids():
        try:
            if os.getsid(pid) == session and not _is_zombie(pid):
                found.append(pid)
        except ProcessLookupError:
            continue
        except PermissionError:  # macOS refuses for other users' processes: not ours then
            continue
    return found


def signal_session(session: int, number: signal.Signals) -> None:
    """Send one signal to every process of a session."""
    for pid in session_members(session):
        _send(pid, number)


def end_session(session: int, *, stop_signal: signal.Signals = signal.SIGTERM, seconds: float = 15.0) -> None:
    """Ask the leader to stop, wait, then kill whatever is left of its session."""
    _send(session, stop_signal)
    wait_until(lambda: not is_running(session), seconds)
    kill_session(session)


def kill_session(session: int) -> None:
    """End what is left of a session at once."""

    def gone() -> bool:
        signal_session(session, signal.SIGKILL)
        return not session_members(session)

    wait_until(gone, 5)


def is_running(pid: int) -> bool:
    """True while the process lives; one that only waits to be reaped does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return not _is_zombie(pid)


def started_at(pid: int) -> str:
    """When the process began, in the system's own words: tells it from a later one with the same number."""
    stat = _linux_stat(pid)
    if stat is not None:
        return stat[19]  # field 22 of proc(5), counted after the name
    if sys.platform == "linux":
        return ""
    return _ps("-o", "lstart=", "-p", str(pid)).strip()


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Look again and again until it holds; False when the time is up."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE_SECONDS)
    return True


def free_port() -> int:
    """A port on the loopback address that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int) -> bool:
    """True when a server could listen on the port; one that merely lingers after a close does not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):  # it may end by itself in between
        os.kill(pid, number)


def _all_pids() -> list[int]:
    if sys.platform == "linux":
        return [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    return [int(word) for word in _ps("-axo", "pid=").split()]


def _is_zombie(pid: int) -> bool:
    stat = _linux_stat(pid)
    if stat is not None:
        return stat[0] in "ZX"
    return sys.platform != "linux" and _ps("-o", "stat=", "-p", str(pid)).startswith("Z")


def _linux_stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat after the name, which may itself hold blanks and brackets."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def _ps(*arguments: str) -> str:
    return subprocess.run(["ps", *arguments], capture_output=True, text=True, check=False).stdout
