"""The edge commits, once. The only module that commits or rolls back the session."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import psycopg.errors
from sqlalchemy.exc import DBAPIError

from app.kernel import doorbell
from app.kernel.database import db
from app.kernel.errors import Trouble

T = TypeVar("T")

ATTEMPTS = 3
_AGAIN = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)
_BUSY = (psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled)


class Busy(Trouble):
    """Somebody else holds what this needs, for too long. Nothing was saved."""

    code = "busy"


def in_transaction(work: Callable[[], T]) -> T:
    """Save all of what ``work`` does, or none; again if the database asks for it; bells ring once it is saved.

    ``work`` may run up to three times, each time in a new transaction: hand it ids and values, not loaded rows.
    Raises what ``work`` raises, and Busy when a lock could not be had in time.
    """
    session = db.session()
    assert not session.info.get("in_transaction"), "a use case never opens a transaction of its own"
    assert not (session.new or session.dirty or session.deleted), "something was changed outside the transaction"
    for attempt in range(1, ATTEMPTS + 1):
        session.rollback()  # what was only read before may be stale by now
        session.info["in_transaction"] = True
        try:
            result = work()
            session.commit()
        except DBAPIError as error:
            _undo()
            if isinstance(error.orig, _AGAIN) and attempt < ATTEMPTS:
                continue
            if isinstance(error.orig, _AGAIN + _BUSY):
                raise Busy(
                    "The system is busy with the same record. Nothing was saved; try again in a moment."
                ) from error
            raise
        except BaseException:
            _undo()
            raise
        break
    session.info["in_transaction"] = False
    session.expire_all()  # a page that follows reads what is true now
    doorbell.leave()  # logs its own failures: the work is already saved
    return result


def _undo() -> None:
    db.session.rollback()
    db.session().info["in_transaction"] = False
    doorbell.forget()
