"""Keeps programs running in the foreground: prefixes what they say, starts again what dies, stops all in order."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from launcher import files
from launcher.processes import SERVERS, Program, end_session, is_running, kill_session, session_members, started_at
from launcher.trouble import LaunchError

FIRST_PAUSE_SECONDS = 0.5  # before the first new start of what died
LONGEST_PAUSE_SECONDS = 15.0
STEADY_SECONDS = 30.0  # who lived this long gets the short pause again
TICK_SECONDS = 0.2
ECHO_SECONDS = 1.5  # a signal to a whole group is passed on by make as well, and so arrives twice
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):
    """Somebody asked us to stop."""


@dataclass
class Child:
    """One program under care."""

    program: Program
    keep: bool  # start it again when it ends
    process: subprocess.Popen[bytes] | None = None
    code: int | None = None  # how it ended last
    since: float = 0.0
    pause: float = FIRST_PAUSE_SECONDS
    due: float | None = None  # when to start it again
    half_lines: dict[int, bytes] = field(default_factory=dict)  # by descriptor: what came without its end of line

    @property
    def pid(self) -> int:
        assert self.process is not None, "it does not run"
        return self.process.pid


class Supervisor:
    """The parent of every program of one copy.

    ``record`` is a file that names the running sessions: whoever comes after a killed supervisor ends them by it.
    """

    def __init__(self, record: Path, *, say: Callable[[str], None]) -> None:
        self._record = record
        self._say = say
        self._children: dict[str, Child] = {}
        self._outputs = selectors.DefaultSelector()
        self._asked = 0  # how often somebody asked us to stop
        self._asked_last = 0.0
        self._hurried_from = 0

    # Signals

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Turn signals to stop into ``Stopped``, raised where we wait and nowhere else."""
        woken, waker = socket.socketpair()
        woken.setblocking(False)
        waker.setblocking(False)
        self._outputs.register(woken, selectors.EVENT_READ)
        before = {number: signal.signal(number, self._note) for number in STOP_SIGNALS}
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, _only_wake)
        wakes_before = signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(wakes_before)
            for number, handler in before.items():
                signal.signal(number, handler)
            self._outputs.unregister(woken)
            woken.close()
            waker.close()

    def ask_to_stop(self) -> None:
        """As if somebody had pressed Ctrl-C."""
        self._asked = max(self._asked, 1)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if time.monotonic() - self._asked_last > ECHO_SECONDS:
            self._asked += 1
        self._asked_last = time.monotonic()

    # Programs

    def start(self, program: Program, *, keep: bool = True) -> None:
        """Run a program from now on; ``keep`` starts it again whenever it ends."""
        child = self._children[program.name] = Child(program, keep)
        self._spawn(child)

    def run(self, program: Program) -> None:
        """Run a program to its end.

        Raises LaunchError when it fails; what it said stands above.
        """
        self.start(program, keep=False)
        child = self._children[program.name]
        while child.process is not None:
            self._tick()
        if self._children.pop(program.name).code != 0:
            raise LaunchError(f"{program.name} failed, see above.")

    def wait_until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Keep everything running until it holds; False when the time is up."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            next_look = time.monotonic() + TICK_SECONDS  # what we wait for may be noisy, and so wake us often
            while time.monotonic() < next_look:
                self._tick()
        return True

    def wait_for_stop(self) -> None:
        """Keep everything running until somebody asks us to stop."""
        while True:
            self._tick()

    def stop(self) -> None:
        """Stop all programs, those that need others first. Asking again in the meantime makes it short."""
        self.ask_to_stop()
        self._hurried_from = self._asked
        for stage in sorted({child.program.stage for child in self._children.values()}, reverse=True):
            self._stop_together([child for child in self._children.values() if child.program.stage == stage])
        self._children.clear()
        self._record.unlink(missing_ok=True)

    def _stop_together(self, children: list[Child]) -> None:
        for child in children:
            child.keep, child.due = False, None
            if child.process is not None:
                _send(child.pid, child.program.stop_signal)
        begun = time.monotonic()
        while running := [child for child in children if child.process is not None]:
            hurried = self._asked > self._hurried_from
            for child in running:
                # Servers end fast as it is, and would have to recover from being killed.
                if (hurried and child.program.stage > SERVERS) or time.monotonic() > begun + child.program.stop_seconds:
                    self._say(f"{child.program.name} is killed: it did not stop in time.")
                    kill_session(child.pid)
            self._look(TICK_SECONDS)

    # The loop

    def _tick(self) -> None:
        if self._asked:
            raise Stopped
        self._look(TICK_SECONDS)
        now = time.monotonic()
        for child in self._children.values():
            if child.due is not None and child.due <= now:
                self._spawn(child)

    def _look(self, seconds: float) -> None:
        """Pass on what programs say and notice who ended."""
        for key, _ in self._outputs.select(seconds):
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.recv(1000)  # somebody only woke us
            else:
                self._pass_on(key.data, key.fd)
        for child in self._children.values():
            if child.process is not None and (code := child.process.poll()) is not None:
                self._ended(child, code)

    def _spawn(self, child: Child) -> None:
        reading, writing = os.pipe()
        try:
            child.process = child.program.spawn(writing)
        finally:
            os.close(writing)
        child.since, child.due = time.monotonic(), None
        os.set_blocking(reading, False)
        self._outputs.register(reading, selectors.EVENT_READ, child)
        self._write_record()

    def _ended(self, child: Child, code: int) -> None:
        # Whatever it forked must not work on beside its successor, nor hold its port.
        kill_session(child.pid)
        child.process, child.code = None, code
        if child.keep:
            if time.monotonic() - child.since > STEADY_SECONDS:
                child.pause = FIRST_PAUSE_SECONDS
            self._say(f"{child.program.name} ended ({_reason(code)}); it is started again in {child.pause:g} s.")
            child.due = time.monotonic() + child.pause
            child.pause = min(child.pause * 2, LONGEST_PAUSE_SECONDS)
        self._write_record()

    def _pass_on(self, child: Child, descriptor: int) -> None:
        try:
            read = os.read(descriptor, 65536)
        except BlockingIOError:
            return
        *lines, rest = (child.half_lines.pop(descriptor, b"") + read).split(b"\n")
        if not read:
            self._outputs.unregister(descriptor)
            os.close(descriptor)
            lines, rest = [rest] if rest else [], b""
        if rest:
            child.half_lines[descriptor] = rest
        for line in lines:
            self._say(f"{child.program.name:<9} | {line.decode(errors='replace').rstrip()}")

    def _write_record(self) -> None:
        running = {
            child.program.name: {"pid": child.pid, "started": started_at(child.pid)}
            for child in self._children.values()
            if child.process is not None
        }
        files.write_private(self._record, json.dumps(running, indent=1) + "\n")


def end_leftovers(record: Path) -> None:
    """End what a supervisor left running that was itself killed."""
    for name, process in reversed(files.read_json(record).items()):
        pid = int(process["pid"])
        if is_running(pid):
            if started_at(pid) != process["started"]:
                continue  # another program has its number by now
            number = signal.SIGINT if name == "postgres" else signal.SIGTERM
            end_session(pid, stop_signal=number, seconds=10)
        elif session_members(pid):
            kill_session(pid)
    record.unlink(missing_ok=True)


def _only_wake(number: int, frame: FrameType | None) -> None:
    """The wake-up descriptor does what is needed."""


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _reason(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
