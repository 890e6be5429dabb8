"""Three kinds of error, three treatments.

A *refusal* is an answer in plain words to somebody who asked for what cannot be done; a *trouble* is the world outside
failing us; everything else is our own mistake. Edges (pages, JSON, jobs) render the first two, each in one place.
"""

from __future__ import annotations

from collections.abc import Mapping


class Refusal(Exception):
    """What was asked for is refused; the message says why, what to do, and that no money moved."""

    code = "refused"
    status = 400

    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts


class SignInNeeded(Refusal):
    """Nobody is signed in, or the token is not good."""

    code = "sign_in_needed"
    status = 401


class NotAllowed(Refusal):
    """Whoever asks has no right to this."""

    code = "not_allowed"
    status = 403


class Missing(Refusal):
    """There is no such thing, or it is not this person's to see."""

    code = "not_found"
    status = 404


class Conflict(Refusal):
    """The state of things no longer allows it."""

    code = "conflict"
    status = 409


class Invalid(Refusal):
    """Fields are wrong; ``errors`` holds a sentence for each."""

    code = "invalid"
    status = 422

    def __init__(
        self, errors: Mapping[str, str], message: str = "Some fields need your attention.", **facts: object
    ) -> None:
        super().__init__(message, **facts)
        self.errors = dict(errors)


class TooMany(Refusal):
    """Asked too often; ``retry_after_seconds`` says when again."""

    code = "too_many_requests"
    status = 429

    def __init__(self, message: str, *, retry_after_seconds: int, **facts: object) -> None:
        super().__init__(message, **facts)
        self.retry_after_seconds = retry_after_seconds


class Trouble(Exception):
    """The world outside fails: a provider is down, a row stays locked. Retried within bounds, then shown; counted."""

    code = "trouble"
    status = 503

    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts
