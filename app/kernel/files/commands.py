"""`flask files`: legal holds, and a test of every chunk."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import click
from flask.cli import AppGroup
from sqlalchemy import select

from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.errors import Refusal
from app.kernel.files import chunks, service
from app.kernel.files.chunks import Digest
from app.kernel.files.errors import FileDamaged
from app.kernel.files.models import StoredFile
from app.kernel.files.states import FilePart
from app.kernel.transactions import in_transaction

files = AppGroup("files", help="Stored files.")

BY = Actor.system("files command")


@files.command("hold")
@click.argument("file_id", type=click.UUID)
@click.option("--reason", required=True, help="Which case or order wants the file kept.")
def hold(file_id: UUID, reason: str) -> None:
    """Keep a file beyond its time, until the hold is released."""
    _do(lambda: service.hold(file_id, reason, by=BY))
    click.echo("The file is held.")


@files.command("release")
@click.argument("file_id", type=click.UUID)
def release(file_id: UUID) -> None:
    """End a legal hold; the file goes when its time has passed."""
    _do(lambda: service.release(file_id, by=BY))
    click.echo("The hold is released.")


@files.command("verify")
def verify() -> None:
    """Read every file as if it were fetched, and name those that were altered or lost. Ends with 1 if there are any."""
    looked_at = damaged = 0
    rows = select(StoredFile.id, StoredFile.size_bytes, StoredFile.sha256).where(StoredFile.deleted_at.is_(None))
    for file_id, size, sha256 in db.session.execute(rows.order_by(StoredFile.id)).all():
        looked_at += 1
        try:
            for _ in chunks.read(file_id, FilePart.CONTENT, Digest(size, bytes(sha256))):
                pass
        except FileDamaged:
            damaged += 1
            click.echo(f"{file_id}: damaged or altered")
    click.echo(f"{looked_at} files, {damaged} damaged")
    if damaged:
        raise SystemExit(1)


def _do(work: Callable[[], None]) -> None:
    try:
        in_transaction(work)
    except Refusal as refusal:
        raise click.ClickException(refusal.message) from None
