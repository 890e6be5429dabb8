"""What is wrong with a request before any room has looked at it."""

from __future__ import annotations

from app.kernel.errors import NotAllowed, Refusal, SignInNeeded


class Malformed(Refusal):
    """This is not a request that can be understood."""

    code = "malformed_request"
    status = 400


class KeyNeeded(Malformed):
    """A request that moves money has no usable idempotency key."""

    code = "idempotency_key_needed"


class NotJson(Refusal):
    """The body is not declared as JSON."""

    code = "unsupported_media_type"
    status = 415

    def __init__(self) -> None:
        super().__init__("Send the body as JSON with the header Content-Type: application/json, not compressed.")


class TooLarge(Refusal):
    """The body is longer than any real one."""

    code = "body_too_large"
    status = 413


class TokenNeeded(SignInNeeded):
    """There is no token, or it is unknown, expired or revoked; which of them is not said."""

    code = "token_needed"

    def __init__(self) -> None:
        super().__init__("Send a valid token in the header Authorization: Bearer TOKEN.")


class ScopeMissing(NotAllowed):
    """The token was not made for this."""

    code = "scope_missing"

    def __init__(self, scope: str) -> None:
        super().__init__(f"This token does not have the scope {scope}.", scope=scope)


class OwnerMayNot(NotAllowed):
    """The token has the scope, but the person it acts for no longer has the right."""

    code = "owner_may_not"

    def __init__(self, scope: str) -> None:
        super().__init__("The person this token acts for no longer has the right to do this.", scope=scope)
