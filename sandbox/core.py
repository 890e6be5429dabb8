"""What every part of the sandbox is handed: the books and the engine's clockwork around them."""

from __future__ import annotations

from typing import cast

from flask import current_app

from sandbox.books import Books

EXTENSION = "sandbox_books"


def books() -> Books:
    """The books of the running sandbox."""
    return cast(Books, current_app.extensions[EXTENSION])
