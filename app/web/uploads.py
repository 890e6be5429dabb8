"""Room for files: a request may only be large where a view takes files, and only from somebody who is signed in.

@bp.post("/<uuid:member_id>/documents")
@requires("members.add_documents")
@takes_files()
def add(member_id: UUID) -> Response: ...
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, current_app, request
from flask_login import current_user
from werkzeug.datastructures import FileStorage

from app.kernel import files
from app.kernel.files import Received
from app.kernel.files.errors import FIELD, FileRefused
from app.kernel.files.purposes import LARGEST_BYTES

AROUND_A_FILE = 64 * 1024  # the other fields of the form, and what parts them

View = TypeVar("View", bound=Callable[..., Any])


def takes_files(largest_bytes: int = LARGEST_BYTES) -> Callable[[View], View]:
    """Let requests of this view be large enough for a file."""

    def note(view: View) -> View:
        view.__largest_request__ = largest_bytes + AROUND_A_FILE  # type: ignore[attr-defined]
        return view

    return note


def install(app: Flask) -> None:
    """Widen the limit before the form is read: the gate looks into it, so this comes first."""
    app.before_request(_make_room)


def read(purpose: str) -> Received:
    """The file of this request's form, looked at. Refuses with FileRefused and FileTooLarge."""
    sent: FileStorage | None = request.files.get(FIELD)
    if sent is None or not sent.filename:
        raise FileRefused("Choose a file.")
    return files.receive(sent.stream, name=sent.filename, purpose=purpose)  # type: ignore[arg-type]  # a stream of bytes


def _make_room() -> None:
    view = current_app.view_functions.get(request.endpoint or "")
    largest = getattr(view, "__largest_request__", None)
    if largest is not None and current_user.is_authenticated:
        request.max_content_length = largest
