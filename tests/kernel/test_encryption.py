"""Fields are unreadable without the key, keys rotate, and hashes survive the rotation."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from app.kernel import encryption
from app.kernel.database import db
from app.kernel.encryption import KeyMissing, Keyring

OLD = "old:" + base64.b64encode(b"o" * 32).decode()
NEW = "new:" + base64.b64encode(b"n" * 32).decode()


@given(st.binary(max_size=300))
def test_what_was_encrypted_is_read_back_and_never_twice_the_same(plain):
    ring = Keyring.parse(OLD)

    assert ring.decrypt(ring.encrypt(plain)) == plain
    assert ring.encrypt(plain) != ring.encrypt(plain)


def test_a_new_key_reads_old_values_and_writes_new_ones():
    sealed = Keyring.parse(OLD).encrypt(b"0712")
    both = Keyring.parse(f"{NEW},{OLD}")

    assert both.decrypt(sealed) == b"0712"
    assert not both.is_current(sealed)
    assert both.is_current(both.encrypt(b"0712"))


def test_a_value_whose_key_is_gone_says_so():
    with pytest.raises(KeyMissing):
        Keyring.parse(NEW).decrypt(Keyring.parse(OLD).encrypt(b"x"))


@given(st.data())
def test_a_flipped_bit_is_noticed(data):
    ring = Keyring.parse(OLD)
    sealed = bytearray(ring.encrypt(b"balance"))
    position = data.draw(st.integers(4, len(sealed) - 1))

    sealed[position] ^= 1

    with pytest.raises(KeyMissing):
        ring.decrypt(bytes(sealed))


@pytest.mark.parametrize("text", ["", "q7", "q7:", "q7:AAAA", f"{OLD},{OLD}", "q7:" + "!" * 44])
def test_a_broken_key_is_refused_without_being_repeated(text):
    with pytest.raises(ValueError, match="32 bytes") as refused:
        Keyring.parse(text)
    assert not text or text not in str(refused.value)


def test_a_keyed_hash_depends_on_purpose_and_is_the_same_in_every_process(committed_app):
    with committed_app.app_context():
        first = encryption.keyed_hash("phone", "254712345678")
        committed_app.extensions.pop("hash_key")  # as another process would start

        assert encryption.keyed_hash("phone", "254712345678") == first
        assert encryption.keyed_hash("national-id", "254712345678") != first


def test_the_hash_key_itself_is_stored_encrypted(committed_app):
    with committed_app.app_context():
        encryption.keyed_hash("phone", "x")

        stored = db.session.scalar(text("SELECT ciphertext FROM wrapped_key WHERE name = 'keyed-hash'"))

        assert committed_app.extensions["hash_key"] not in bytes(stored)
