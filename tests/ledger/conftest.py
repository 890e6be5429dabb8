"""Fixtures of the ledger's tests."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.ledger.book import Book


@pytest.fixture
def book(app: Flask) -> Book:
    """Open books on 31 March 2026."""
    return Book()
