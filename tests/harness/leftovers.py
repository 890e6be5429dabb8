"""Folders of a run of the tests; what a killed run leaves in them is cleared away by the next."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from launcher import files
from launcher.environment import CHECKOUT
from launcher.postgres import Postgres
from launcher.processes import end_session, is_running, started_at
from launcher.supervisor import end_leftovers

PREFIX = "pamoja-tests-"
RUNNER = "runner.json"  # who made the folder
PROCESSES = "processes.json"  # what runs for it, as the launcher records it


def new_folder() -> Path:
    """A short path that remembers which run it belongs to."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    (folder / RUNNER).write_text(json.dumps(_identity(os.getpid())))
    return folder


def remember(folder: Path, **pids: int) -> None:
    """Note what was started for a folder."""
    (folder / PROCESSES).write_text(json.dumps({name: _identity(pid) for name, pid in pids.items()}))


def clear_away() -> None:
    """End the servers and systems of runs that were killed, and remove their folders."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if _is_ours(folder) and not _still_runs(files.read_json(folder / RUNNER)):
            _remove(folder)


def _identity(pid: int) -> dict[str, int | str]:
    return {"pid": pid, "started": started_at(pid)}


def _is_ours(folder: Path) -> bool:
    return (folder / RUNNER).is_file() and folder.stat().st_uid == os.getuid()


def _still_runs(runner: dict[str, str]) -> bool:
    pid = int(runner["pid"])
    return is_running(pid) and started_at(pid) == runner["started"]


def _remove(folder: Path) -> None:
    for system in (*folder.glob("var"), *folder.glob("*/var")):
        clean = [sys.executable, "-m", "launcher", "clean"]
        subprocess.run(clean, cwd=CHECKOUT, env={**os.environ, "VAR": str(system)}, check=False)
    end_leftovers(folder / PROCESSES)
    for data in folder.glob("postgres"):
        server = Postgres(data)
        if (pid := server.running_pid()) is not None:
            end_session(pid, stop_signal=signal.SIGINT)
        server.erase()
    shutil.rmtree(folder, ignore_errors=True)
