"""What the store of files refuses, in words."""

from __future__ import annotations

from datetime import datetime

from app.kernel import clock
from app.kernel.errors import Conflict, Invalid, Missing, Refusal

FIELD = "file"


class FileRefused(Invalid):
    """What was sent is not a file that we take; the sentence stands beside the field."""

    code = "file_refused"

    def __init__(self, sentence: str) -> None:
        super().__init__({FIELD: sentence}, f"{sentence} Nothing was saved.")


class FileTooLarge(FileRefused):
    """The file is larger than its purpose allows."""

    code = "file_too_large"
    status = 413

    def __init__(self, largest_bytes: int) -> None:
        super().__init__(f"This file is larger than {megabytes(largest_bytes)}. Send a smaller one.")


class FileMissing(Missing):
    """There is no such file, or it is not this person's to see."""

    code = "file_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such file.")


class FileDeleted(Missing):
    """Its time to be kept has passed."""

    code = "file_deleted"

    def __init__(self, at: datetime) -> None:
        day = clock.eat(at)
        super().__init__(f"This file was deleted on {day.day} {day:%B %Y}, when its time to be kept had passed.")


class FileNotReady(Conflict):
    """It has not been checked yet."""

    code = "file_not_ready"

    def __init__(self) -> None:
        super().__init__("This file is still being checked. Try again in a minute.")


class FileBlocked(Conflict):
    """It is kept away from everybody: malware, or a picture that nobody could read."""

    code = "file_blocked"

    def __init__(self, why: str) -> None:
        super().__init__(f"This file is not given out. {why}.")


class FileDamaged(Refusal):
    """What is stored is not what was stored: a chunk was altered, exchanged, or is gone."""

    code = "file_damaged"
    status = 500

    def __init__(self) -> None:
        super().__init__("This file was damaged or altered in the store, so it is not given out. It has been recorded.")


class HeldForLaw(Conflict):
    """A legal hold stands in the way."""

    code = "legal_hold"

    def __init__(self) -> None:
        super().__init__("This file is under a legal hold and stays as it is. Nothing was changed.")


def megabytes(size: int) -> str:
    """``10 MB``, as people know sizes."""
    return f"{size // (1024 * 1024)} MB"
