"""Secrets are found again by a keyed hash; whoever has only the database can use none of them."""

from __future__ import annotations

from uuid import UUID

from app.kernel.encryption import keyed_hash


def session_hash(token: str) -> bytes:
    """How the session of a cookie is found."""
    return keyed_hash("identity.session", token)


def api_token_hash(secret: str) -> bytes:
    """How the row of an API token is found."""
    return keyed_hash("identity.api_token", secret)


def username_hash(username: str, known: str | None = None) -> bytes:
    """How the tries for a username are counted: what people mistype into that field is not kept.

    Those from a browser that its owner has used before are counted for themselves.
    """
    return keyed_hash("identity.sign_in.username", f"{username}\0{known}" if known else username)


def address_hash(address: str) -> bytes:
    """How the tries from an address are counted."""
    return keyed_hash("identity.sign_in.address", address)


def second_factor_hash(staff_id: UUID) -> bytes:
    """How the tries at somebody's second factor are counted, in whichever session."""
    return keyed_hash("identity.second_factor", str(staff_id))


def recovery_code_hash(staff_id: UUID, code: str) -> bytes:
    """How a recovery code is found among those of its owner."""
    return keyed_hash("identity.recovery_code", f"{staff_id}:{code}")


def invitation_hash(staff_id: UUID, code: str) -> bytes:
    """How the one-time code is found with which somebody chooses a password."""
    return keyed_hash("identity.invitation", f"{staff_id}:{code}")
