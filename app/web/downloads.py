"""The one way out for stored files, and "My downloads", where each person finds the exports that they asked for.

A room's view decides who may have a file; ``deliver`` sends it as an attachment, under a name of our making, kept by
nobody on the way. Only pictures that we made ourselves are ever shown inside a page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from flask import Blueprint, Flask, Response, current_app
from flask_login import current_user

from app import audit
from app.kernel import files
from app.kernel.errors import NotAllowed
from app.kernel.files import Description, FilePart, exports, names
from app.kernel.files.errors import FileMissing
from app.kernel.files.models import ExportJob
from app.kernel.reach import Whereabouts
from app.web.access import actor, signed_in
from app.web.pages import page

bp = Blueprint("downloads", __name__, url_prefix="/downloads")

NOTHING_RUNS = "default-src 'none'; frame-ancestors 'none'; sandbox"
PICTURES = "image/webp"


def deliver(file_id: UUID) -> Response:
    """Send a file as an attachment. Refuses what may not leave, and what was altered in the store: all of it is checked
    before the first byte goes, so that nobody is left with a part.
    """
    described = files.refuse_closed(file_id)
    for _ in files.read(file_id):
        pass
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # the pieces are read after the request
    response = Response(_pieces(app, files.read(file_id)), content_type=described.kind.media_type)
    response.content_length = described.size_bytes
    response.headers["Content-Disposition"] = names.attachment(described.served_name)
    return _closed(response)


def picture(file_id: UUID, part: FilePart) -> Response:
    """Show a preview or a thumbnail: a picture that we made, of the one type that we make."""
    return _closed(Response(files.read_picture(file_id, part), content_type=PICTURES))


@dataclass(frozen=True, slots=True)
class Line:
    """One export as its list shows it."""

    export: ExportJob
    file: Description | None
    time_left: str | None  # in words


@bp.get("")
@signed_in
def index() -> Response:
    """What somebody asked for, how far it is, and where to fetch it."""
    lines = _lines(exports.asked_by(actor().principal))
    are_open = any(line.export.state.is_open for line in lines)
    return page("web/downloads.html", fragment="web/_downloads.html", lines=lines, are_open=are_open)


@bp.get("/<uuid:file_id>")
@signed_in
def fetch(file_id: UUID) -> Response:
    """One export, for whoever asked for it and may still have it."""
    export, by = exports.by_file(file_id), actor()
    if export.asked_by != by.principal:
        raise FileMissing
    if not current_user.may(exports.named(export.exporter).permission):
        raise NotAllowed("Your role does not include this any more. Ask an administrator if you need it.")
    audit.viewed(("export", export.id), by=by, what=f"downloads.fetch {export.exporter}")
    return deliver(file_id)


def whereabouts(file_id: UUID) -> Whereabouts | None:
    """An export is its asker's, and nobody else's; files of other kinds are reached through what they belong to."""
    try:
        kind, _, staff_id = exports.by_file(file_id).asked_by.partition(":")
    except FileMissing:
        return None
    return Whereabouts(None, officer_id=UUID(staff_id)) if kind == "staff" else None


def _lines(asked: Sequence[ExportJob]) -> list[Line]:
    described = files.describe_all([export.file_id for export in asked if export.file_id])
    return [
        Line(export, described.get(export.file_id) if export.file_id else None, _in_words(exports.time_left(export)))
        for export in asked
    ]


def _in_words(left: timedelta | None) -> str | None:
    if left is None:
        return None
    seconds = int(left.total_seconds())
    return f"{seconds} s" if seconds < 90 else f"{-(-seconds // 60)} min"


def _pieces(app: Flask, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Piece by piece, each with a session of its own: no connection is held while a slow line takes one."""
    while True:
        with app.app_context():
            piece = next(pieces, None)
        if piece is None:
            return
        yield piece


def _closed(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = NOTHING_RUNS
    return response
