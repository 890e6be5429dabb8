"""The supervisor with small programs in place of ours."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from launcher.processes import Program, is_running, kill_session, session_members, wait_until
from launcher.supervisor import Stopped, Supervisor, end_leftovers
from launcher.trouble import LaunchError


class Scene:
    """A supervisor in a folder of its own, and what it said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        self.record = folder / "processes.json"
        self.supervisor = Supervisor(self.record, say=self.said.append)

    def program(self, name: str, code: str, **options: object) -> Program:
        environment = {"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"}
        command = (sys.executable, "-c", code)
        return Program(name, command, self.folder, environment, **options)  # type: ignore[arg-type]

    def heard(self, words: str) -> bool:
        return any(words in line for line in self.said)

    def wait_to_hear(self, words: str, seconds: float = 20) -> None:
        assert self.supervisor.wait_until(lambda: self.heard(words), seconds), self.said


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


STAYS = "import time, os; print('pid', os.getpid()); time.sleep(600)"
FORKS = """
import os, time
child = os.fork()
if child == 0:
    os.setpgrp()
os.write(1, f"{'parent' if child else 'child'} {os.getpid()}\\n".encode())  # in one piece
time.sleep(600)
"""


def test_each_line_carries_the_name_of_who_said_it(scene: Scene) -> None:
    with scene.supervisor.listening():
        scene.supervisor.run(scene.program("clerk", "print('one'); print('two', end='')"))

    assert scene.said == ["clerk     | one", "clerk     | two"]


def test_a_program_that_fails_is_named(scene: Scene) -> None:
    with scene.supervisor.listening(), pytest.raises(LaunchError, match="clerk failed"):
        scene.supervisor.run(scene.program("clerk", "raise SystemExit(3)"))


def test_what_dies_is_started_again(scene: Scene) -> None:
    with scene.supervisor.listening():
        scene.supervisor.start(scene.program("clerk", STAYS))
        scene.wait_to_hear("pid")
        first = int(scene.said[-1].split()[-1])

        os.kill(first, signal.SIGKILL)

        scene.wait_to_hear("clerk ended (signal SIGKILL); it is started again in 0.5 s.")
        scene.said.clear()
        scene.wait_to_hear("pid")
        second = int(scene.said[-1].split()[-1])
        scene.supervisor.stop()

    assert second != first
    assert not is_running(second)


def test_what_keeps_dying_is_started_ever_less_often(scene: Scene) -> None:
    with scene.supervisor.listening():
        scene.supervisor.start(scene.program("clerk", "raise SystemExit(3)"))
        for pause in ("0.5", "1", "2"):
            scene.wait_to_hear(f"(exit code 3); it is started again in {pause} s.")
        scene.supervisor.stop()


def test_what_a_killed_program_had_forked_ends_with_it(scene: Scene) -> None:
    with scene.supervisor.listening():
        scene.supervisor.start(scene.program("worker", FORKS))
        scene.wait_to_hear("child")
        scene.wait_to_hear("parent")
        parent, child = (int(line.split()[-1]) for word in ("parent", "child") for line in scene.said if word in line)
        assert os.getpgid(child) != os.getpgid(parent)

        os.kill(parent, signal.SIGKILL)

        scene.wait_to_hear("worker ended")
        assert not is_running(child)
        scene.supervisor.stop()


def test_what_others_need_is_stopped_after_them(scene: Scene) -> None:
    says_when_stopped = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit('closed'))
print('open')
time.sleep(600)
"""
    with scene.supervisor.listening():
        scene.supervisor.start(scene.program("store", says_when_stopped, stage=0))
        scene.supervisor.start(scene.program("shop", says_when_stopped, stage=2))
        scene.wait_to_hear("store     | open")
        scene.wait_to_hear("shop      | open")

        scene.supervisor.stop()

    assert scene.said[-2:] == ["shop      | closed", "store     | closed"]
    assert not scene.record.exists()


def test_who_does_not_stop_is_killed(scene: Scene) -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf'); time.sleep(600)"
    with scene.supervisor.listening():
        scene.supervisor.start(scene.program("clerk", deaf, stop_seconds=0.5))
        scene.wait_to_hear("deaf")
        pid = next(iter(_recorded(scene)))

        scene.supervisor.stop()

    assert scene.heard("clerk is killed: it did not stop in time.")
    assert not is_running(pid)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_stop_is_noticed_while_waiting(scene: Scene, number: signal.Signals) -> None:
    with scene.supervisor.listening():
        scene.supervisor.start(scene.program("clerk", f"import os, signal; os.kill(os.getppid(), {int(number)})"))

        with pytest.raises(Stopped):
            scene.supervisor.wait_for_stop()

        scene.supervisor.stop()


def test_what_a_killed_supervisor_left_is_ended_by_the_next(scene: Scene) -> None:
    """The record names sessions; a process that got an old number later is left alone."""
    with scene.supervisor.listening():
        scene.supervisor.start(scene.program("worker", FORKS))
        scene.wait_to_hear("child")
        (session,) = _recorded(scene)
        assert wait_until(lambda: len(session_members(session)) == 2, 5)
        record = scene.record.read_text()

        scene.record.write_text(record.replace('"started": "', '"started": "another'))
        end_leftovers(scene.record)
        untouched = is_running(session)
        scene.record.write_text(record)
        end_leftovers(scene.record)

        assert untouched
        assert not session_members(session)
        kill_session(session)
        scene.supervisor.stop()


def _recorded(scene: Scene) -> list[int]:
    return [process["pid"] for process in json.loads(scene.record.read_text()).values()]
