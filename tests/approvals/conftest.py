"""What the tests of approvals stand on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from app.kernel.actor import Actor
from tests.approvals import probe
from tests.harness.people import hire
from tests.members import examples as members


@pytest.fixture
def books(app: Flask) -> Flask:
    """The application on its first business day."""
    members.open_books()
    return app


@pytest.fixture
def world() -> Iterator[probe.World]:
    """The probe command is registered."""
    with probe.registered() as found:
        yield found


@pytest.fixture
def accountant(books: Flask) -> Actor:
    """Who asks."""
    return probe.person(hire("accountant"))


@pytest.fixture
def manager(books: Flask) -> Actor:
    """Who decides, up to a limit."""
    return probe.person(hire("manager"))


@pytest.fixture
def administrator(books: Flask) -> Actor:
    """Who decides without a limit."""
    return probe.person(hire("administrator"))
