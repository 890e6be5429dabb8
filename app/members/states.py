"""A member's status: what it allows, in words, and from which to which it may move."""

from __future__ import annotations

from collections.abc import Mapping

from app.kernel.enums import LabelledEnum


class MemberStatus(LabelledEnum):
    """Where a membership stands; the questions below are what other rooms ask of it."""

    ACTIVE = "active", "Active"
    DORMANT = "dormant", "Dormant"
    SUSPENDED = "suspended", "Suspended"
    EXIT_NOTICE = "exit_notice", "Leaving"
    EXITED = "exited", "Left"
    DECEASED = "deceased", "Deceased"

    @property
    def is_open(self) -> bool:
        """The membership goes on, so money that arrives is the member's own."""
        return self not in (MemberStatus.EXITED, MemberStatus.DECEASED)

    @property
    def may_be_prompted(self) -> bool:
        """We may ask this member for money on the phone."""
        return self in (MemberStatus.ACTIVE, MemberStatus.DORMANT, MemberStatus.EXIT_NOTICE)

    @property
    def may_open_accounts(self) -> bool:
        """New savings, shares and loans may be started."""
        return self is MemberStatus.ACTIVE

    @property
    def effect(self) -> str:
        """What this status means for the member, for the page that changes it."""
        return _EFFECTS[self]


_EFFECTS: Mapping[MemberStatus, str] = {
    MemberStatus.ACTIVE: "May save, be prompted for payments, open accounts and borrow.",
    MemberStatus.DORMANT: "Money that comes in is still credited and payments may be prompted. "
    "No new account is opened until the member is active again.",
    MemberStatus.SUSPENDED: "Money that comes in is still credited. Nothing is prompted and no account is opened.",
    MemberStatus.EXIT_NOTICE: "Notice was given. Money that comes in is still credited and what is owed may be "
    "prompted. No new account is opened.",
    MemberStatus.EXITED: "The membership has ended and its accounts are empty. "
    "Money that still arrives waits in suspense until somebody allocates it. This cannot be undone: "
    "a member who comes back is registered again.",
    MemberStatus.DECEASED: "The accounts stay as they are for the nominees. "
    "Money that still arrives waits in suspense until somebody allocates it.",
}

MEMBER_MOVES: Mapping[MemberStatus, frozenset[MemberStatus]] = {
    MemberStatus.ACTIVE: frozenset(
        {MemberStatus.DORMANT, MemberStatus.SUSPENDED, MemberStatus.EXIT_NOTICE, MemberStatus.DECEASED}
    ),
    MemberStatus.DORMANT: frozenset({MemberStatus.ACTIVE, MemberStatus.EXIT_NOTICE, MemberStatus.DECEASED}),
    MemberStatus.SUSPENDED: frozenset({MemberStatus.ACTIVE, MemberStatus.DECEASED}),
    # A notice may be withdrawn before it has run out.
    MemberStatus.EXIT_NOTICE: frozenset({MemberStatus.EXITED, MemberStatus.ACTIVE, MemberStatus.DECEASED}),
    MemberStatus.EXITED: frozenset(),
    # A death recorded for the wrong person must be possible to put right.
    MemberStatus.DECEASED: frozenset({MemberStatus.ACTIVE}),
}


def may_move(current: MemberStatus, target: MemberStatus) -> bool:
    """Whether the table of moves allows it."""
    return target in MEMBER_MOVES[current]
