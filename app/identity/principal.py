"""Who is asking, as a plain value: it outlives the transaction that read it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from app.kernel.actor import Actor


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A member of staff who is signed in, as far as a request needs to know. Flask-Login's user."""

    staff_id: UUID
    username: str
    name: str
    branch_id: int
    permissions: frozenset[str]
    session_id: UUID
    token: str
    must_change_password: bool = False

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def may(self, permission: str) -> bool:
        """Whether one of this person's roles holds the permission, as of this request."""
        return permission in self.permissions

    def get_id(self) -> str:
        """What the cookie carries: the session's token and not the user, so that ending the row ends the session."""
        return self.token

    def actor(self, *, address: str | None) -> Actor:
        """This person, acting in a browser."""
        return Actor("staff", str(self.staff_id), "web", address)


class Nobody:
    """Who has not signed in. Flask-Login's anonymous user."""

    is_authenticated = False
    is_active = False
    is_anonymous = True
    name = ""
    username = ""
    permissions: frozenset[str] = frozenset()
    must_change_password = False

    def may(self, permission: str) -> bool:
        return False

    def get_id(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """A program that acts for a member of staff, within the scopes of its token."""

    token_id: UUID
    staff_id: UUID
    branch_id: int
    scopes: frozenset[str]
    permissions: frozenset[str]

    def actor(self, *, address: str | None) -> Actor:
        """The token's owner, acting through the API."""
        return Actor("staff", str(self.staff_id), "api", address)
