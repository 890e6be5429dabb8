"""When a message is tried again, and what a body and its signature look like."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from app.api.webhooks import rules, signing
from app.kernel import clock


def test_a_message_is_tried_for_about_two_days_with_growing_pauses() -> None:
    waits = [rules.wait_after(tries) for tries in range(1, 10)]

    assert all(earlier <= later for earlier, later in itertools.pairwise(waits))
    assert timedelta(hours=48) < sum(waits, timedelta()) < timedelta(hours=56)
    assert rules.wait_after(10) is None


@pytest.mark.parametrize(
    ("status", "is_success"), [(200, True), (204, True), (302, False), (404, False), (None, False)]
)
def test_only_a_success_counts_as_heard(status: int | None, is_success: bool) -> None:
    assert rules.Heard(status, "", 1).is_success is is_success


def test_a_receiver_with_a_library_of_its_own_can_check_the_signature() -> None:
    secret, body = signing.new_secret(), '{"type":"payment.succeeded","data":{"amount":"1500.00","who":"Wanjikũ"}}'

    headers = signing.headers("msg_1", body.encode(), at=clock.system_clock(), signing_secrets=[secret])

    assert Webhook(secret).verify(body, headers)["data"]["amount"] == "1500.00"
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body.replace("1500", "9500"), headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(signing.new_secret()).verify(body, headers)


def test_both_secrets_sign_while_one_is_exchanged_for_the_other() -> None:
    old, new = signing.new_secret(), signing.new_secret()

    headers = signing.headers("msg_1", b"{}", at=clock.system_clock(), signing_secrets=[new, old])

    assert Webhook(old).verify("{}", headers) == {}
    assert Webhook(new).verify("{}", headers) == {}


def test_the_signature_is_the_one_of_the_specification() -> None:
    """A vector made by hand: HMAC-SHA-256 with openssl over ``msg_p5jX.1614265330.{"test": 1}``."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    headers = signing.headers(
        "msg_p5jX", b'{"test": 1}', at=datetime.fromtimestamp(1614265330, UTC), signing_secrets=[secret]
    )

    assert headers["webhook-signature"] == "v1,TjY7KLiG4hDL8mhCFcTrd8FvqOucwfDtpz8gutprmSA="
