"""Who is asking, as a plain value: it outlives the transaction that read it."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.identity import rules
from app.identity.rights import Right, Rights
from app.identity.states import SessionState
from app.kernel.actor import Actor
from app.kernel.reach import NOWHERE, Reach, Whereabouts, Within


class Holder:
    """Whoever holds rights, as of this request."""

    __slots__ = ()

    staff_id: UUID
    branch_id: int
    rights: Rights

    @property
    def permissions(self) -> Set[str]:
        """What this person may do at all, however far it extends."""
        return self.rights.keys()

    def may(self, permission: str, at: Whereabouts | None = None) -> bool:
        """Whether one of this person's roles holds the permission; with ``at``, whether it extends to there."""
        return permission in self.rights and (at is None or self.within(permission).holds(at))

    def right(self, permission: str) -> Right | None:
        """How far the permission extends for this person, and up to which amount; None if no role gives it."""
        return self.rights.get(permission)

    def within(self, permission: str) -> Within:
        """Whose records this person may have by this permission; for queries."""
        right = self.rights.get(permission)
        return Within(right.reach, self.branch_id, self.staff_id) if right else NOWHERE

    def actor(self, *, address: str | None) -> Actor:
        """Who acts, as a value that travels into audit and ledger."""
        raise NotImplementedError

    @property
    def own(self) -> Within:
        """What is this person's own, whatever the roles: the sessions, the password."""
        return Within(Reach.OWN, self.branch_id, self.staff_id)


@dataclass(frozen=True, slots=True)
class SignedIn(Holder):
    """A member of staff who is signed in, as far as a request needs to know. Flask-Login's user."""

    staff_id: UUID
    username: str
    name: str
    branch_id: int
    rights: Rights
    session_id: UUID
    token: str
    state: SessionState
    proved_at: datetime | None
    has_second_factor: bool

    is_authenticated = True
    is_active = True
    is_anonymous = False

    @property
    def is_half_open(self) -> bool:
        """Whether only the password was shown so far, and nothing is open yet."""
        return self.state is SessionState.HALF_OPEN

    def is_fresh(self, instant: datetime) -> bool:
        """Whether this person has shown who he is lately enough for what is sensitive."""
        return not self.is_half_open and rules.is_fresh(self.proved_at, instant=instant)

    def get_id(self) -> str:
        """What the cookie carries: the session's token and not the user, so that ending the row ends the session."""
        return self.token

    def actor(self, *, address: str | None) -> Actor:
        """This person, acting in a browser."""
        return Actor("staff", str(self.staff_id), "web", address)


@dataclass(frozen=True, slots=True)
class Colleague(Holder):
    """A member of staff who works here now, signed in or not."""

    staff_id: UUID
    name: str
    branch_id: int
    rights: Rights


class Nobody:
    """Who has not signed in. Flask-Login's anonymous user."""

    is_authenticated = False
    is_active = False
    is_anonymous = True
    name = ""
    username = ""
    permissions: frozenset[str] = frozenset()

    def may(self, permission: str, at: Whereabouts | None = None) -> bool:
        return False

    def right(self, permission: str) -> Right | None:
        return None

    def within(self, permission: str) -> Within:
        return NOWHERE

    def get_id(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class TokenHolder(Holder):
    """A program that acts for a member of staff, within the scopes of its token."""

    token_id: UUID
    staff_id: UUID
    branch_id: int
    scopes: frozenset[str]
    rights: Rights

    def actor(self, *, address: str | None) -> Actor:
        """The token's owner, acting through the API."""
        return Actor("staff", str(self.staff_id), "api", address)
