"""The first minutes of somebody new: a fresh copy, one command, no home folder and, where we can tell, no rights."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from launcher import files
from launcher.accounts import Account, is_root
from launcher.environment import CHECKOUT
from launcher.processes import free_port, session_members, wait_until
from tests.harness.leftovers import new_folder
from tests.harness.programs import STOP_SECONDS, answers

NOBODY = Account(65534, 65534)
FIRST_RUN_SECONDS = 400  # ninety with a machine to itself and a warm package cache
PATH = "/usr/local/bin:/usr/bin:/bin"


class Newcomer:
    """Somebody with a copy of the repository and nothing else."""

    def __init__(self, folder: Path) -> None:
        self.copy = folder / "copy"
        self.log = folder / "log"
        self.ports = {"PORT": str(free_port()), "SANDBOX_PORT": str(free_port())}
        self._identity: dict[str, Any] = NOBODY.for_popen() if is_root() else {}
        _copy_what_is_committed(self.copy)
        if is_root():
            for path in [folder, self.copy, *self.copy.rglob("*")]:
                NOBODY.owns(path)

    def make(self, target: str) -> subprocess.Popen[bytes]:
        """Type `make target`."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                ["make", target, *(f"{name}={port}" for name, port in self.ports.items())],
                cwd=self.copy,
                env={"PATH": PATH if is_root() else os.environ["PATH"]},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._identity,
            )

    def log_text(self) -> str:
        return self.log.read_text(errors="replace")


@pytest.fixture
def newcomer() -> Iterator[Newcomer]:
    folder = new_folder()
    somebody = Newcomer(folder)
    yield somebody
    assert somebody.make("clean").wait(STOP_SECONDS) == 0
    shutil.rmtree(folder)


def _others_can_make_environments() -> bool:
    """Root's own Python may lie where nobody else can reach it; the system's may lack what makes environments."""
    command = ["/usr/bin/python3", "-c", "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))"]
    return Path(command[0]).exists() and subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.mark.skipif(is_root() and not _others_can_make_environments(), reason="no Python that others may use")
def test_one_command_starts_everything_and_one_signal_ends_it(newcomer: Newcomer) -> None:
    running = newcomer.make("run")

    def settled() -> bool:
        return running.poll() is not None or "Pamoja is ready" in newcomer.log_text()

    assert wait_until(settled, FIRST_RUN_SECONDS), newcomer.log_text()
    assert running.poll() is None, newcomer.log_text()
    assert answers(f"http://127.0.0.1:{newcomer.ports['PORT']}/sign-in")
    assert answers(f"http://127.0.0.1:{newcomer.ports['SANDBOX_PORT']}/")
    sessions = [process["pid"] for process in files.read_json(newcomer.copy / "var" / "processes.json").values()]

    running.send_signal(signal.SIGTERM)  # to make alone, which passes it on
    running.wait(STOP_SECONDS)

    assert wait_until(lambda: newcomer.log_text().rstrip().endswith("Stopped."), STOP_SECONDS), newcomer.log_text()
    assert not [pid for session in sessions for pid in session_members(session)]


def _copy_what_is_committed(target: Path) -> None:
    """As `git clone` would, with what is about to be committed."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout.splitlines()
    for name in listed:
        if (CHECKOUT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / name, target / name)
