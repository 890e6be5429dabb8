"""The few kinds of file that are taken, and the name each is given when it leaves."""

from __future__ import annotations

from pathlib import PurePosixPath

from app.kernel.enums import LabelledEnum


class Kind(LabelledEnum):
    """A kind of file, known by its content."""

    JPEG = "jpeg", "JPEG picture"
    PNG = "png", "PNG picture"
    WEBP = "webp", "WebP picture"
    PDF = "pdf", "PDF"
    CSV = "csv", "CSV table"
    XLSX = "xlsx", "Excel workbook"

    @property
    def media_type(self) -> str:
        """What browsers are told it is."""
        return _MEDIA_TYPES[self]

    @property
    def extensions(self) -> tuple[str, ...]:
        """How names of this kind end; the first is the one we give."""
        return _EXTENSIONS[self]

    @property
    def is_image(self) -> bool:
        return self in IMAGES

    @property
    def has_preview(self) -> bool:
        """Whether a picture can be made of it."""
        return self.is_image or self is Kind.PDF

    @classmethod
    def of_name(cls, name: str) -> Kind | None:
        """The kind that a name promises."""
        ending = PurePosixPath(name.lower()).suffix
        return next((kind for kind in cls if ending in kind.extensions), None)


_MEDIA_TYPES = {
    Kind.JPEG: "image/jpeg",
    Kind.PNG: "image/png",
    Kind.WEBP: "image/webp",
    Kind.PDF: "application/pdf",
    Kind.CSV: "text/csv; charset=utf-8",
    Kind.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_EXTENSIONS = {
    Kind.JPEG: (".jpg", ".jpeg", ".jpe", ".jfif"),
    Kind.PNG: (".png",),
    Kind.WEBP: (".webp",),
    Kind.PDF: (".pdf",),
    Kind.CSV: (".csv",),
    Kind.XLSX: (".xlsx",),
}

IMAGES = frozenset({Kind.JPEG, Kind.PNG, Kind.WEBP})
PAPERS = IMAGES | {Kind.PDF}
TABLES = frozenset({Kind.CSV, Kind.XLSX})


def words_for(kinds: frozenset[Kind]) -> str:
    """The endings as a sentence lists them: ``.jpg, .png or .pdf``."""
    endings = [kind.extensions[0] for kind in Kind if kind in kinds]
    return endings[0] if len(endings) == 1 else f"{', '.join(endings[:-1])} or {endings[-1]}"
