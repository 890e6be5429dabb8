"""What is wrong with a request before any room has looked at it."""

from __future__ import annotations

from app.kernel.errors import NotAllowed, Refusal, SignInNeeded

LONGEST_NAME = 40  # of what is repeated to the sender


class Malformed(Refusal):
    """This is not a request that can be understood."""

    code = "malformed_request"
    status = 400


class KeyNeeded(Malformed):
    """A request that moves money has no usable idempotency key."""

    code = "idempotency_key_needed"


class ParameterUnknown(Malformed):
    """The address has a parameter that this endpoint does not know."""

    code = "parameter_unknown"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no parameter {name[:LONGEST_NAME]!r} here. Nothing was done.")


class ParameterRepeated(Malformed):
    """A parameter is given twice: nobody can say which was meant."""

    code = "parameter_repeated"

    def __init__(self, name: str) -> None:
        super().__init__(f"The parameter {name[:LONGEST_NAME]!r} is given more than once. Nothing was done.")


class VersionNeeded(Refusal):
    """An edit does not say which version it was made from."""

    code = "version_needed"
    status = 428

    def __init__(self) -> None:
        super().__init__("Read the record first, and send its ETag in the header If-Match. Nothing was saved.")


class VersionStale(Refusal):
    """Somebody else saved the record since it was read."""

    code = "version_stale"
    status = 412

    def __init__(self) -> None:
        super().__init__(
            "The record has changed since you read it. Nothing was saved; read it again, then make your change."
        )


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
