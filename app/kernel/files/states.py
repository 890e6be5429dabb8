"""In which state a stored file, its check for malware, its picture and an export may be."""

from __future__ import annotations

from app.kernel.enums import LabelledEnum


class FileState(LabelledEnum):
    """Whether a file may leave the store."""

    QUARANTINED = "quarantined", "Being checked"
    READY = "ready", "Ready"
    INFECTED = "infected", "Blocked: malware was found"
    UNREADABLE = "unreadable", "Could not be read"
    DELETED = "deleted", "Deleted"

    @property
    def is_open(self) -> bool:
        """Whether a page should look again in a moment."""
        return self is FileState.QUARANTINED

    @property
    def tone(self) -> str:
        """How its badge looks."""
        return {FileState.READY: "ok", FileState.QUARANTINED: "info", FileState.DELETED: ""}.get(self, "bad")


class Verdict(LabelledEnum):
    """What the malware scanner said."""

    OURS = "ours", "Made by this system"
    NOT_SCANNED = "not_scanned", "Not scanned: no scanner is set up"
    WAITING = "waiting", "Waiting for the scanner"
    CLEAN = "clean", "No malware found"
    INFECTED = "infected", "Malware found"


class PreviewState(LabelledEnum):
    """Whether there is a small picture of the file."""

    NONE = "none", "No preview"
    WAITING = "waiting", "Preview is being made"
    READY = "ready", "Preview"
    FAILED = "failed", "No preview could be made"


class FilePart(LabelledEnum):
    """What is kept of one file."""

    CONTENT = "content", "The file"
    PREVIEW = "preview", "Preview"
    THUMBNAIL = "thumbnail", "Thumbnail"


class ExportState(LabelledEnum):
    """How far an export is."""

    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Being made"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"

    @property
    def is_open(self) -> bool:
        """Whether a page should look again in a moment."""
        return self in (ExportState.WAITING, ExportState.RUNNING)

    @property
    def tone(self) -> str:
        """How its badge looks."""
        return {ExportState.READY: "ok", ExportState.FAILED: "bad"}.get(self, "info")
