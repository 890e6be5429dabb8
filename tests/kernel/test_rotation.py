"""Keys rotate: values move to the new key, hashes stay, and what cannot be changed is said."""

from __future__ import annotations

import base64

from sqlalchemy import text

from app.kernel import encryption
from app.kernel.database import db
from app.kernel.encryption import Keyring
from tests.payments.conftest import CommittedSociety

NEW = "next:" + base64.b64encode(b"n" * 32).decode()


def test_phones_move_to_the_new_key_and_are_still_found(committed_app, committed_society: CommittedSociety):
    someone = committed_society.someone
    payment_id = committed_society.prompt()
    with committed_app.app_context():
        before = encryption.keyed_hash("phone", someone.phone.msisdn)
        old = committed_app.extensions["settings"].encryption_keys
    committed_app.extensions["keyring"] = Keyring.parse(f"{NEW},{old}")

    told = committed_app.test_cli_runner().invoke(args=["keys", "rotate"])

    assert told.exit_code == 0, told.output
    committed_app.extensions["keyring"] = Keyring.parse(NEW)  # the old key is retired
    committed_app.extensions.pop("hash_key")
    with committed_app.app_context():
        assert encryption.keyed_hash("phone", someone.phone.msisdn) == before
        sealed = db.session.scalar(text("SELECT phone_encrypted FROM payment WHERE id = :id"), {"id": payment_id})
        assert encryption.decrypt(bytes(sealed)).decode() == someone.phone.msisdn
    assert "payment_callback.body_encrypted: 0 under older keys stay" in told.output
