"""What the tests of pages that compose rooms stand on."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.members import examples


@pytest.fixture
def books(app: Flask) -> Flask:
    """The application on its first business day."""
    examples.open_books()
    return app
