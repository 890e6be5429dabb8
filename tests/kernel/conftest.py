"""The kernel's tests borrow a society where they need rows that mean something."""

from __future__ import annotations

from tests.payments.conftest import committed_society

__all__ = ["committed_society"]
