"""Secrets are found again by a keyed hash; whoever has only the database can use none of them."""

from __future__ import annotations

from app.kernel.encryption import keyed_hash


def session_hash(token: str) -> bytes:
    """How the session of a cookie is found."""
    return keyed_hash("identity.session", token)


def api_token_hash(secret: str) -> bytes:
    """How the row of an API token is found."""
    return keyed_hash("identity.api_token", secret)


def username_hash(username: str) -> bytes:
    """How the tries for a username are counted: what people mistype into that field is not kept."""
    return keyed_hash("identity.sign_in.username", username)


def address_hash(address: str) -> bytes:
    """How the tries from an address are counted."""
    return keyed_hash("identity.sign_in.address", address)
