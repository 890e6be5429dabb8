"""What the tests of the society room stand on."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.members import examples as members


@pytest.fixture
def books(app: Flask) -> Flask:
    """The application on its first business day, Sunday 22 November 2026."""
    members.open_books()
    return app
