"""The kinds and states of this room, with the words people see."""

from __future__ import annotations

from app.kernel.enums import LabelledEnum


class StaffStatus(LabelledEnum):
    """Whether somebody works here now."""

    ACTIVE = "active", "Active"
    SUSPENDED = "suspended", "Suspended"
    LEFT = "left", "Left"

    @property
    def may_sign_in(self) -> bool:
        return self is StaffStatus.ACTIVE


STATUS_MOVES: dict[StaffStatus, frozenset[StaffStatus]] = {
    StaffStatus.ACTIVE: frozenset({StaffStatus.SUSPENDED, StaffStatus.LEFT}),
    StaffStatus.SUSPENDED: frozenset({StaffStatus.ACTIVE, StaffStatus.LEFT}),
    StaffStatus.LEFT: frozenset(),  # who comes back is created anew, so that old rights do not return with the name
}


class SessionState(LabelledEnum):
    """How far somebody has shown who he is."""

    HALF_OPEN = "half_open", "Waiting for the code"  # the password was right; nothing is open yet
    OPEN = "open", "Signed in"


class InvitationKind(LabelledEnum):
    """Why somebody was given a one-time code with which to choose a password."""

    INVITATION = "invitation", "Invitation"
    RESET = "reset", "New password"


class SessionEnd(LabelledEnum):
    """Why a session ended before its time."""

    SIGNED_OUT = "signed_out", "Signed out"
    PASSWORD_CHANGED = "password_changed", "Password changed"
    ACCESS_WITHDRAWN = "access_withdrawn", "Access withdrawn"
    ENDED_BY_ADMINISTRATOR = "ended_by_administrator", "Ended by an administrator"
    ENDED_BY_OWNER = "ended_by_owner", "Ended from another browser"
    SECOND_FACTOR_CHANGED = "second_factor_changed", "Second factor changed"


class CounterKind(LabelledEnum):
    """What sign-in attempts are counted by."""

    USERNAME = "username", "Username"
    ADDRESS = "address", "Address"
    SECOND_FACTOR = "second_factor", "Second factor"
