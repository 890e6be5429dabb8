"""Fixtures of the ledger's tests."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.harness.clock import SettableClock
from tests.ledger.book import Book


@pytest.fixture
def book(app: Flask, clock: SettableClock) -> Book:
    """Open books at noon of 31 March 2026."""
    clock.set("2026-03-31T12:00+03:00")
    return Book()
