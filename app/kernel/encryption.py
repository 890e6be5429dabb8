"""Field encryption with key rotation, and keyed hashes for looking up what is encrypted.

Values are AES-256-GCM under one of ``ENCRYPTION_KEYS`` (``id:base64,...``; the first encrypts, all decrypt), written as
``id length | id | nonce | ciphertext``. A value that fits one place only is sealed together with that place, its
context: moved elsewhere it does not open. Keyed hashes use a key of their own that is stored wrapped by the current
encryption key: rotating the encryption keys therefore leaves every hash as it was.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import current_app
from sqlalchemy import LargeBinary, column, select, table
from sqlalchemy.dialects.postgresql import insert

NONCE_BYTES = 12
KEY_BYTES = 32
_HASH_KEY_NAME = "keyed-hash"

wrapped_key = table("wrapped_key", column("name"), column("ciphertext", LargeBinary))


class KeyMissing(Exception):
    """A value was encrypted with a key that is not in ENCRYPTION_KEYS, or has been altered."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """The encryption keys, the current one first."""

    keys: dict[str, AESGCM]

    @classmethod
    def parse(cls, text: str) -> Keyring:
        """Read ``id:base64,id:base64``. Raises ValueError without repeating the keys."""
        keys: dict[str, AESGCM] = {}
        for part in text.split(","):
            name, _, encoded = part.strip().partition(":")
            try:
                key = base64.b64decode(encoded, validate=True)
            except binascii.Error:
                key = b""
            if not name or len(name) > 40 or name in keys or len(key) != KEY_BYTES:
                raise ValueError("ENCRYPTION_KEYS must be id:base64 pairs, each of 32 bytes with an id of its own.")
            keys[name] = AESGCM(key)
        return cls(keys)

    @property
    def current(self) -> str:
        return next(iter(self.keys))

    def encrypt(self, plain: bytes, *, context: bytes = b"") -> bytes:
        """Encrypt with the current key."""
        name, nonce = self.current.encode(), os.urandom(NONCE_BYTES)
        return bytes([len(name)]) + name + nonce + self.keys[self.current].encrypt(nonce, plain, name + context)

    def decrypt(self, sealed: bytes, *, context: bytes = b"") -> bytes:
        """Decrypt with whichever key it names, in the context that it was sealed for. Raises KeyMissing."""
        name, rest = sealed[1 : 1 + sealed[0]], sealed[1 + sealed[0] :]
        cipher = self.keys.get(name.decode(errors="replace"))
        if cipher is None:
            raise KeyMissing(f"no key with the id {name!r}")
        try:
            return cipher.decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], name + context)
        except InvalidTag:
            raise KeyMissing("the value was altered, moved, or encrypted with another key of the same id") from None

    def is_current(self, sealed: bytes) -> bool:
        """Whether a value is already under the current key."""
        return sealed[1 : 1 + sealed[0]] == self.current.encode()


def keyring() -> Keyring:
    """The application's keys."""
    ring: Keyring = current_app.extensions["keyring"]
    return ring


def encrypt(plain: bytes) -> bytes:
    """Encrypt for a column."""
    return keyring().encrypt(plain)


def decrypt(sealed: bytes) -> bytes:
    """Read a column back. Raises KeyMissing."""
    return keyring().decrypt(sealed)


def keyed_hash(purpose: str, text: str) -> bytes:
    """32 bytes by which an encrypted value can be found again; useless to whoever has only the database.

    ``purpose`` keeps hashes of different fields apart.
    """
    return hmac.digest(_hash_key(), f"{purpose}\0{text}".encode(), "sha256")


def _hash_key() -> bytes:
    """The society's own hash key, made once and kept wrapped in the database."""
    cached: bytes | None = current_app.extensions.get("hash_key")
    if cached is None:
        cached = current_app.extensions["hash_key"] = _load_hash_key()
    return cached


def _load_hash_key() -> bytes:
    from app.kernel.database import db  # the column types of that module need this one

    fresh = encrypt(os.urandom(KEY_BYTES))
    # A connection of its own: the key must outlive a transaction that is rolled back after using it.
    with db.engine.begin() as connection:
        connection.execute(insert(wrapped_key).values(name=_HASH_KEY_NAME, ciphertext=fresh).on_conflict_do_nothing())
        sealed = connection.scalar(select(wrapped_key.c.ciphertext).where(wrapped_key.c.name == _HASH_KEY_NAME))
    assert sealed is not None
    return decrypt(bytes(sealed))
