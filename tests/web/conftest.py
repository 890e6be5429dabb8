"""What the tests of pages that compose rooms stand on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page

from tests.harness.browser import Windows, sign_in
from tests.harness.programs import Stack
from tests.harness.servers import DEMO_PASSWORD
from tests.members import examples

SignedInWindow = Callable[..., Page]
_cookies: dict[tuple[str, str], Any] = {}
"""Of everybody who has signed in to a system: a password check is made slow on purpose, once each is enough."""


@pytest.fixture
def books(app: Flask) -> Flask:
    """The application on its first business day."""
    examples.open_books()
    return app


@pytest.fixture
def window_of(stack: Stack, window: Windows) -> SignedInWindow:
    """A window in which a demonstration user is signed in: ``window_of("officer", size=PHONE)``."""

    def open_for(username: str, **options: Any) -> Page:
        page = window(stack.url, **options)
        known = _cookies.get((stack.url, username))
        if known:
            page.context.add_cookies(known)
        else:
            sign_in(page, username, DEMO_PASSWORD)
            _cookies[stack.url, username] = page.context.cookies()
        return page

    return open_for
