"""Starts ``workshop`` for one file of a stranger, and survives whatever becomes of it.

The process gets the open file and nothing else: no environment, no other open files, little memory and little time.
"""

from __future__ import annotations

import base64
import json
import logging
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from app.kernel.files import workshop
from app.kernel.files.errors import FileRefused
from app.kernel.files.kinds import Kind

WALL_SECONDS = 20  # a request that takes 30 is lost, and the workshop may wait for a processor
UNREADABLE = "This file could not be opened safely. Save or scan it again."

log = logging.getLogger(__name__)


class Unreadable(Exception):
    """The workshop refused the file or was lost over it; the message says which."""


def inspect(content: BinaryIO, kind: Kind) -> None:
    """Refuse with FileRefused what is not what its name says, or is more than it seems."""
    try:
        _send("inspect", content, kind)
    except Unreadable as unreadable:
        raise FileRefused(str(unreadable)) from None


def pictures(content: BinaryIO, kind: Kind, *, square: bool) -> dict[str, bytes]:
    """What can be shown of a file, by part: its content made anew (pictures only), a preview, a thumbnail.

    Raises Unreadable.
    """
    answer = _send("picture", content, kind, *(["square"] if square else []))
    return {part: base64.b64decode(made) for part, made in answer.items()}


def _send(task: str, content: BinaryIO, kind: Kind, *options: str) -> dict[str, Any]:
    command = [sys.executable, "-I", str(Path(workshop.__file__)), task, kind.extensions[0], *options]
    # The answer is written to a file: its size can be limited, a pipe's cannot.
    with _on_disk(content) as source, tempfile.TemporaryFile() as answer:
        try:
            ended = subprocess.run(
                command,
                stdin=source,
                stdout=answer,
                stderr=subprocess.DEVNULL,
                env={},
                timeout=WALL_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise _lost(task, "time") from None
        if ended.returncode != 0:
            raise _lost(task, ended.returncode)
        answer.seek(0)
        said: dict[str, Any] = json.loads(answer.read(workshop.ANSWER_BYTES))
    if "refused" in said:
        raise Unreadable(said["refused"])
    return said


@contextmanager
def _on_disk(content: BinaryIO) -> Iterator[BinaryIO]:
    """The file itself, or a copy of what is only in memory: another process can be handed nothing else."""
    content.seek(0)
    try:
        content.fileno()
    except (AttributeError, OSError):
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(content, copy)
            copy.seek(0)
            yield copy
    else:
        content.seek(0)  # what was in memory until now has just been written to its file
        yield content


def _lost(task: str, how: object) -> Unreadable:
    log.warning("the workshop was lost over a file", extra={"task": task, "ended": str(how)})
    return Unreadable(UNREADABLE)
