"""What this room refuses, in words."""

from __future__ import annotations

from app.kernel.errors import Conflict, Invalid, Missing, NotAllowed, SignInNeeded, TooMany
from app.kernel.money import Money


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


class WrongCode(Invalid):
    """The code is not one of the authenticator app, nor a recovery code that was not used yet."""

    code = "wrong_code"

    def __init__(self, sentence: str = "This code is not right. Type the one that the app shows now.") -> None:
        super().__init__({"code": sentence})


class CodeUsed(WrongCode):
    """The code was right, and has been used already."""

    code = "code_used"

    def __init__(self) -> None:
        super().__init__("This code has been used already. Wait until the app shows the next one.")


class FactorMissing(Conflict):
    """There is no second factor that could be asked for, or taken away."""

    code = "no_second_factor"

    def __init__(self) -> None:
        super().__init__("There is no second factor to do this with. Set one up first.")


class InvitationNotGood(Invalid):
    """The username or the one-time code is not good; which one is not said."""

    code = "invitation_not_good"

    def __init__(self) -> None:
        super().__init__({"code": "The username or the code is not right, or the code has been used or has expired."})


class LastAdministrator(Conflict):
    """Without this person nobody could manage the users any more."""

    code = "last_administrator"

    def __init__(self) -> None:
        super().__init__("Nobody else can manage users. Give that right to somebody else first; nothing was changed.")


class StillLooksAfter(Invalid):
    """Members would be left without anybody who looks after them."""

    code = "still_looks_after"

    def __init__(self, count: int) -> None:
        members = "1 member" if count == 1 else f"{count:,} members"
        super().__init__({"successor": f"Choose who looks after {members} from now on."})


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


class SessionMissing(Missing):
    """There is no such session, or it has ended, or it is somebody else's."""

    code = "session_not_found"

    def __init__(self) -> None:
        super().__init__("This sign-in does not exist, or has ended already.")


class TokenMissing(Missing):
    """There is no such API token."""

    code = "token_not_found"

    def __init__(self) -> None:
        super().__init__("This API token does not exist.")


class TokenOver(Conflict):
    """The token is revoked or has expired, so there is nothing to go on with."""

    code = "token_over"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is revoked or has expired. Nothing was changed; issue a new token instead.")


class RoleMissing(Missing):
    """There is no such role."""

    code = "role_not_found"

    def __init__(self) -> None:
        super().__init__("This role does not exist.")


class RightMissing(NotAllowed):
    """No role of whoever acts gives the permission."""

    code = "right_missing"

    def __init__(self) -> None:
        super().__init__("Your role does not include this. Nothing was done; ask an administrator if you need it.")


class OutOfReach(Missing):
    """There is no such record, or it is not this person's to change: the same words for both."""

    code = "out_of_reach"

    def __init__(self) -> None:
        super().__init__("There is no such record, or it is not one that your role lets you change.")


class OverLimit(NotAllowed):
    """The right does not extend to so much money."""

    code = "over_limit"

    def __init__(self, limit: Money) -> None:
        super().__init__(
            f"Your role allows this up to {limit}. Nothing was done and no money moved;"
            " ask somebody whose role allows more.",
            limit=limit,
        )


class OwnRole(Conflict):
    """Nobody changes, or approves the change of, a role that he has himself."""

    code = "own_role"

    def __init__(self) -> None:
        super().__init__(
            "You have this role yourself, so somebody who does not have it changes it. Nothing was changed."
        )


class RoleHeld(Conflict):
    """A role that people have cannot be retired."""

    code = "role_held"

    def __init__(self, label: str, count: int) -> None:
        people = "1 person has" if count == 1 else f"{count} people have"
        super().__init__(f"{people} the role {label}. Give them another role first. Nothing was changed.")


class RoleRetired(Conflict):
    """A role that is no longer given does not change any more."""

    code = "role_retired"

    def __init__(self, label: str) -> None:
        super().__init__(f"The role {label} was retired. Nothing was changed.")


class StaleRole(Conflict):
    """Somebody else changed the role since the page was opened."""

    code = "stale_role"

    def __init__(self) -> None:
        super().__init__(
            "Somebody else changed this role since you opened the page. Nothing of yours was saved. "
            "Look at what is there now, then make your change again."
        )


class MoreThanOwn(NotAllowed):
    """Nobody gives a colleague more rights than he has."""

    code = "more_than_own"

    def __init__(self) -> None:
        super().__init__(
            "One of these roles allows more than you may do yourself. Nothing was saved;"
            " ask somebody who may change roles."
        )
