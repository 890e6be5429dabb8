"""What the queue rings for: check a file, make an export; and by the clock: delete what has been kept long enough."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable
from uuid import UUID

from app.kernel.doorbell import Ring, job, sweep
from app.kernel.files import examination, exports, queries, service
from app.kernel.files.errors import FileDamaged
from app.kernel.files.malware import ScannerDown
from app.kernel.leases import LeaseLost
from app.kernel.schedule import daily
from app.kernel.transactions import in_transaction

EXPORT_SECONDS = 1800  # a million rows take some ten minutes on a busy machine

log = logging.getLogger(__name__)


@job("files")
def examine(file_id: UUID) -> None:
    """Check one file and let it leave, or keep it closed. Ringing twice checks it once."""
    task = in_transaction(lambda: examination.claim(file_id))
    if task is None:
        return
    with tempfile.TemporaryFile() as content:
        try:
            in_transaction(lambda: queries.copy_to_check(file_id, content))
            if task.wants_scan:  # no transaction is open while the scanner works
                found = examination.scan(task, content)
                in_transaction(lambda: examination.record_verdict(task, found))
                if found is not None:
                    return
            pictures = examination.make_pictures(task, content)
            in_transaction(lambda: examination.finish(task, pictures))
        except ScannerDown as down:
            trouble = str(down)
            log.warning("a file waits: the scanner gave no answer", extra={"file_id": str(file_id), "trouble": trouble})
            in_transaction(lambda: examination.put_off(task, trouble))
        except FileDamaged:
            in_transaction(lambda: examination.give_up(task, "what is stored is not what was sent"))
        except LeaseLost:
            log.warning("a file was checked after its lease", extra={"file_id": str(file_id)})


@job("files", timeout_seconds=EXPORT_SECONDS)
def export(export_id: UUID) -> None:
    """Make the table that somebody asked for. A killed worker's export is begun again, and leaves one file."""
    exports.run(export_id)


@sweep
def due_files() -> Iterable[Ring]:
    """Files whose ring was lost, or whose worker died."""
    return [("files.examine", (file_id,)) for file_id in queries.to_examine()]


@sweep
def due_exports() -> Iterable[Ring]:
    """Exports whose ring was lost, or whose worker died."""
    return [("files.export", (export_id,)) for export_id in exports.due()]


@daily(at_minute=150)
def delete_expired() -> None:
    """Delete what has been kept long enough, in handfuls; a legal hold keeps it."""
    while deleted := in_transaction(service.delete_some_expired):
        log.info("files were deleted when their time had passed", extra={"files": deleted})
