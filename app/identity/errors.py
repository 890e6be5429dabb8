"""What this room refuses, in words."""

from __future__ import annotations

from app.kernel.errors import Conflict, Invalid, Missing, SignInNeeded, TooMany


class WrongSignIn(SignInNeeded):
    """The username, the password or the standing of the user is not good; which one is not said."""

    code = "wrong_sign_in"

    def __init__(self) -> None:
        super().__init__("The username or the password is not right.")


class TooManyTries(TooMany):
    """Sign-in was tried too often for this name or from this address."""

    code = "too_many_tries"

    def __init__(self, wait_seconds: int) -> None:
        minutes = max(1, -(-wait_seconds // 60))
        super().__init__(
            f"Too many tries. Wait {minutes} {'minute' if minutes == 1 else 'minutes'} and try again.",
            retry_after_seconds=wait_seconds,
        )


class StaffMissing(Missing):
    """There is no such user."""

    code = "staff_not_found"

    def __init__(self) -> None:
        super().__init__("This user does not exist.")


class StatusNotPossible(Conflict):
    """A user cannot go from this standing to that one."""

    code = "staff_status_not_possible"


class OwnAccess(Conflict):
    """Nobody changes his own roles or standing: the last administrator would lock everybody out."""

    code = "own_access"

    def __init__(self) -> None:
        super().__init__("You cannot change your own roles or access. Ask another administrator.")


class PasswordRefused(Invalid):
    """The new password is too easy to guess, or the old one is not right."""

    code = "password_refused"


class TokenMissing(Missing):
    """There is no such API token."""

    code = "token_not_found"

    def __init__(self) -> None:
        super().__init__("This API token does not exist.")
