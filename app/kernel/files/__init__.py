"""Stored files: documents, photos and exports as encrypted chunks in PostgreSQL, so that no shell holds state.

received = files.receive(upload.stream, name=upload.filename, purpose="member_document")     # before the transaction
file_id = in_transaction(lambda: files.store(received, by=actor()))
files.describe(file_id).state        # quarantined until it was checked; then ready
for piece in files.read(file_id): …  # pages serve it by web.downloads.deliver(file_id)
"""

from app.kernel.files.kinds import IMAGES, PAPERS, TABLES, Kind
from app.kernel.files.purposes import Keeping, Purpose
from app.kernel.files.queries import Description, describe, describe_all, quarantined, read, read_picture, refuse_closed
from app.kernel.files.service import Received, hold, receive, release, set_keep_until, store
from app.kernel.files.states import FilePart, FileState, PreviewState, Verdict

__all__ = [
    "IMAGES",
    "PAPERS",
    "TABLES",
    "Description",
    "FilePart",
    "FileState",
    "Keeping",
    "Kind",
    "PreviewState",
    "Purpose",
    "Received",
    "Verdict",
    "describe",
    "describe_all",
    "hold",
    "quarantined",
    "read",
    "read_picture",
    "receive",
    "refuse_closed",
    "release",
    "set_keep_until",
    "store",
]
