"""Tries are rows, counted before anything is looked at: any number of guesses at once are counted one by one."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from app.identity import rules
from app.identity.errors import TooManyTries
from app.identity.models import SignInCounter
from app.identity.states import CounterKind
from app.kernel.database import db


def count(kind: CounterKind, key: bytes, instant: datetime) -> None:
    """Count one try. Refuses with TooManyTries while a pause lasts."""
    fresh = insert(SignInCounter).values(kind=kind, key_hash=key, tries=0, tried_at=instant)
    db.session.execute(fresh.on_conflict_do_nothing())
    counter = db.session.get(SignInCounter, (kind, key), with_for_update=True, populate_existing=True)
    assert counter is not None, "it was inserted or was there"
    if counter.locked_until is not None and counter.locked_until > instant:
        raise TooManyTries(int((counter.locked_until - instant).total_seconds()) + 1)
    pauses = rules.PAUSES[kind]
    is_forgotten = instant - counter.tried_at >= pauses.forgotten_after
    counter.tries = 1 if is_forgotten else counter.tries + 1
    counter.tried_at = instant
    pause = pauses.after(counter.tries)
    counter.locked_until = instant + pause if pause else None


def paused_until(kind: CounterKind, key: bytes, instant: datetime) -> datetime | None:
    """Until when nothing more is looked at, if a pause lasts."""
    locked = select(SignInCounter.locked_until).filter_by(kind=kind, key_hash=key)
    return db.session.scalar(locked.where(SignInCounter.locked_until > instant))


def forget(kind: CounterKind, key: bytes) -> None:
    """Begin anew: the person has shown who he is."""
    db.session.execute(delete(SignInCounter).filter_by(kind=kind, key_hash=key))


def give_back_one(kind: CounterKind, key: bytes) -> None:
    """Count the last try as none: others may have tried by the same key, and theirs stay counted."""
    db.session.execute(
        update(SignInCounter)
        .where(SignInCounter.kind == kind, SignInCounter.key_hash == key, SignInCounter.tries > 0)
        .values(tries=SignInCounter.tries - 1, locked_until=None)
    )
