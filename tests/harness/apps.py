"""Applications on a database of their own, and clients that speak to them as a browser would."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from flask import Flask, has_app_context
from flask.testing import FlaskClient
from sqlalchemy import Connection, event, text
from sqlalchemy.orm import Session

from app import create_app
from app.kernel.database import db
from app.kernel.encryption import keyed_hash
from config import Settings
from tests.harness.clock import SettableClock

T = TypeVar("T")


class SeparateClient(FlaskClient):
    """Sends each request as if from another process: nothing of the test's own context or session leaks into it."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        return apart(lambda: super(SeparateClient, self).open(*args, **kwargs))


def apart(work: Callable[[], T]) -> T:
    """Save what the test has prepared, then run ``work`` outside its application context.

    Inside it Flask would share one context, one session and one signed-in user between the test and its requests.
    """
    if has_app_context():
        db.session.commit()
    return contextvars.Context().run(work)


def make_app(settings: Settings, clock: SettableClock | None = None) -> Flask:
    """An application for tests."""
    app = create_app(settings, clock=clock or SettableClock())
    app.testing = True
    app.test_client_class = SeparateClient
    return app


@contextmanager
def rolled_back(app: Flask) -> Iterator[None]:
    """Within it nothing that the application saves outlives the test.

    All sessions share one connection with an outer transaction; their commits and rollbacks reach a savepoint only.
    What the database checks at commit it checks at each of those, too. Not for threads: use a committed database.
    """
    with app.app_context():
        engines = db._app_engines[app]
        keyed_hash("", "")  # its key is made and kept by a connection of its own; here there is one only
    engine = engines[None]
    with engine.connect() as connection:
        outer = connection.begin()
        engines[None] = connection  # type: ignore[assignment]  # a session binds to either
        with app.app_context():
            db.session.configure(join_transaction_mode="create_savepoint")
        event.listen(Session, "before_commit", _check_deferred)
        try:
            yield
        finally:
            event.remove(Session, "before_commit", _check_deferred)
            with app.app_context():
                db.session.configure(join_transaction_mode="conditional_savepoint")
            engines[None] = engine
            outer.rollback()


def dispose(app: Flask) -> None:
    """Close the application's connections, so that its database can be dropped."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    app.extensions["redis"].close()


def _check_deferred(session: Session) -> None:
    if isinstance(session.get_bind(), Connection):
        session.flush()
        session.execute(text("set constraints all immediate"))
        session.execute(text("set constraints all deferred"))
