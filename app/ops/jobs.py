"""A sign of life through every part (the scheduler inserts the slot, Redis rings, a worker marks it done), and the
nightly verification."""

from __future__ import annotations

from app.kernel.schedule import every
from app.ops.verification import verify_books

__all__ = ["beat", "verify_books"]


@every(minutes=1)
def beat() -> None:
    """Do nothing; that it was inserted and done is the message."""
