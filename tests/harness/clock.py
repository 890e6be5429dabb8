"""A clock that a test may set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class SettableClock:
    """Runs with the machine until a test sets it; then it stands still until it is moved."""

    def __init__(self) -> None:
        self._standing: datetime | None = None

    def __call__(self) -> datetime:
        return self._standing or datetime.now(UTC)

    def set(self, instant: datetime | str) -> datetime:
        """Stop at an instant, given with its zone: ``clock.set("2026-03-31T22:30+00:00")``."""
        moment = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
        assert moment.tzinfo is not None, "an instant needs its zone"
        self._standing = moment.astimezone(UTC)
        return self._standing

    def forward(self, **span: float) -> datetime:
        """Move on: ``clock.forward(minutes=15)``."""
        return self.set(self() + timedelta(**span))

    def run(self) -> None:
        """Follow the machine again."""
        self._standing = None
