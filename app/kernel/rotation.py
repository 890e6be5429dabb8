"""`flask keys rotate`: bring every encrypted value under the current key, so that an old key can be retired."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import click
from flask.cli import AppGroup
from sqlalchemy import (
    Column,
    ColumnElement,
    LargeBinary,
    Table,
    func,
    literal,
    select,
    text,
    tuple_,
    type_coerce,
    update,
)

from app.kernel.database import EncryptedJson, EncryptedPhone, EncryptedText, db
from app.kernel.encryption import keyring, wrapped_key
from app.kernel.transactions import in_transaction

BATCH = 500

keys = AppGroup("keys", help="Encryption keys.")

_sealed_otherwise: dict[str, Callable[[], int]] = {}


def also(name: str, rotate_some: Callable[[], int]) -> None:
    """Have ``rotate`` care for what is sealed in a way of its own: it brings some under the current key, and counts."""
    _sealed_otherwise[name] = rotate_some


@keys.command("rotate")
def rotate() -> None:
    """Re-encrypt under the first key of ENCRYPTION_KEYS. May be stopped and run again at any time."""
    for table, column in _encrypted_columns():
        if not _may_change(table):
            left = db.session.scalar(select(func.count()).select_from(table).where(is_old(column))) or 0
            click.echo(f"{table.name}.{column.name}: {left} under older keys stay (rows that never change)")
            continue
        done = 0
        while changed := in_transaction(lambda table=table, column=column: _rotate_some(table, column)):  # type: ignore[misc]
            done += changed
        click.echo(f"{table.name}.{column.name}: {done} re-encrypted")
    for name, rotate_some in _sealed_otherwise.items():
        done = 0
        while changed := in_transaction(rotate_some):
            done += changed
        click.echo(f"{name}: {done} re-encrypted")
    click.echo(f"hash keys: {in_transaction(_rotate_wrapped)} wrapped again")


def _encrypted_columns() -> Iterator[tuple[Table, Column[object]]]:
    for table in db.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, EncryptedText | EncryptedPhone | EncryptedJson):
                yield table, column


def _may_change(table: Table) -> bool:
    return bool(db.session.scalar(text("SELECT has_table_privilege(:table, 'update')"), {"table": table.fullname}))


def is_old(column: Column[Any]) -> ColumnElement[bool]:
    """Whether a sealed value is under a key that is not the current one."""
    prefix = bytes([len(keyring().current)]) + keyring().current.encode()
    raw = type_coerce(column, LargeBinary)
    return func.substring(raw, 1, len(prefix)) != literal(prefix, LargeBinary)


def _rotate_some(table: Table, column: Column[object]) -> int:
    key = list(table.primary_key.columns)
    raw = type_coerce(column, LargeBinary)
    rows = db.session.execute(
        select(*key, raw.label("sealed")).where(is_old(column)).order_by(*key).limit(BATCH).with_for_update()
    ).all()
    for *values, sealed in rows:
        fresh = keyring().encrypt(keyring().decrypt(bytes(sealed)))
        db.session.execute(
            update(table).where(tuple_(*key) == tuple_(*values)).values({column: literal(fresh, LargeBinary)})
        )
    return len(rows)


def _rotate_wrapped() -> int:
    rows = db.session.execute(select(wrapped_key.c.name, wrapped_key.c.ciphertext)).all()
    old = [(name, bytes(sealed)) for name, sealed in rows if not keyring().is_current(bytes(sealed))]
    for name, sealed in old:
        fresh = keyring().encrypt(keyring().decrypt(sealed))
        db.session.execute(update(wrapped_key).where(wrapped_key.c.name == name).values(ciphertext=fresh))
    return len(old)
