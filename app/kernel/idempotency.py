"""Once: the same request, sent again, gets the first answer and does nothing more."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.database import Instant, db
from app.kernel.errors import Invalid
from app.kernel.schedule import daily
from app.kernel.transactions import in_transaction

ANSWERS_KEPT = timedelta(days=90)  # architecture: answers are kept 90 days, the ledger's own keys for ever
KEY_LENGTH = 200


class KeyReused(Invalid):
    """The same key came with another request."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__(
            {"key": "This key was already used for another request."},
            "This was already sent with other details. Nothing was done; open the form again and start afresh.",
        )


class IdempotencyKey(db.Model):  # type: ignore[name-defined]
    """A request that had its effect, what it asked for (hashed), and what it was told."""

    __tablename__ = "idempotency_key"

    principal: Mapped[str] = mapped_column(primary_key=True)
    operation: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    inputs_hash: Mapped[bytes]
    answer: Mapped[Any] = mapped_column(JSONB, nullable=True)
    created_at: Mapped[datetime] = mapped_column(Instant, index=True)


@dataclass(frozen=True, slots=True)
class Once:
    """What the request was told, and whether that was a repetition."""

    value: Any
    replayed: bool


def once(operation: str, key: str, inputs: Mapping[str, Any], *, by: Actor, work: Callable[[], Any]) -> Once:
    """Do ``work`` for this key the first time and repeat its answer (a JSON value) ever after.

    Stored in the transaction of the effect, so both happen or neither; a second request waits for the first. Refusals
    are not stored: they roll the transaction back. Refuses with KeyReused when the inputs differ.
    """
    if not key or len(key) > KEY_LENGTH or not key.isprintable():
        raise Invalid({"key": f"The key must have 1 to {KEY_LENGTH} printable characters."})
    row = {"principal": by.principal, "operation": operation, "key": key}
    fingerprint = _fingerprint(inputs)
    first = db.session.scalar(
        insert(IdempotencyKey)
        .values(**row, inputs_hash=fingerprint, created_at=clock.now())
        .on_conflict_do_nothing()
        .returning(IdempotencyKey.key)
    )
    if first is None:
        return _replay(row, fingerprint)
    value = work()
    db.session.execute(update(IdempotencyKey).filter_by(**row).values(answer=value))
    return Once(value, replayed=False)


def _replay(row: dict[str, str], fingerprint: bytes) -> Once:
    known = db.session.execute(select(IdempotencyKey.inputs_hash, IdempotencyKey.answer).filter_by(**row)).one()
    if known.inputs_hash != fingerprint:
        raise KeyReused
    return Once(known.answer, replayed=True)


def _fingerprint(inputs: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(json.dumps(inputs, sort_keys=True, default=str).encode()).digest()


@daily(at_minute=190)
def forget_old_answers() -> None:
    """Answers outlive any retry by far; the ledger's own keys stay for ever."""
    in_transaction(
        lambda: db.session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < clock.now() - ANSWERS_KEPT))
    )
