"""What the tests of the register stand on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from flask import Flask
from sqlalchemy import event

from app.kernel.database import db
from tests.members import examples


@pytest.fixture
def books(app: Flask) -> Flask:
    """The application on its first business day."""
    examples.open_books()
    return app


class Counted:
    """How many statements were sent."""

    count = 0


Counting = Callable[[], AbstractContextManager[Counted]]


@pytest.fixture
def count_queries(app: Flask) -> Counting:
    """``with count_queries() as counted: …`` and then ``counted.count``."""

    @contextmanager
    def counting() -> Iterator[Counted]:
        counted = Counted()

        def note(connection: object, cursor: object, statement: str, *_: object) -> None:
            counted.count += statement.startswith(("SELECT", "WITH"))

        bind = db.session.get_bind()
        event.listen(bind, "before_cursor_execute", note)
        try:
            yield counted
        finally:
            event.remove(bind, "before_cursor_execute", note)

    return counting
