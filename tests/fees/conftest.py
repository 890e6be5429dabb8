"""What the tests of fees stand on."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.members import examples as members
from tests.payments.mpesa.conftest import paybill, society

__all__ = ["paybill", "society"]


@pytest.fixture
def books(app: Flask) -> Flask:
    """The application on its first business day."""
    members.open_books()
    return app
