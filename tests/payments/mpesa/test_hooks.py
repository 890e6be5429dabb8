"""The addresses that M-PESA calls: what it is told at once, who it may be, and what an address is good for."""

from __future__ import annotations

import json
import logging

import pytest

from app.kernel.database import db
from app.kernel.transactions import in_transaction
from app.payments import inbox
from app.payments.models import CallbackWork, Payment, PaymentCallback
from app.payments.rails.mpesa import fields, sources
from app.payments.rails.mpesa.configuration import Configuration
from app.payments.rails.mpesa.errands import C2B_FLOWS
from app.payments.rails.mpesa.models import MpesaConfiguration, ValidationPolicy
from config import ConfigurationError
from tests.payments.mpesa.conftest import SHORTCODE, c2b_body, receipt, sent, stk_body

ACCEPTED = {"ResultCode": "0", "ResultDesc": "Accepted"}


@pytest.fixture
def secret(society):
    return in_transaction(lambda: inbox.open_address("mpesa", C2B_FLOWS, SHORTCODE))


def known_accounts_only():
    row = MpesaConfiguration(
        shortcode=SHORTCODE,
        is_current=True,
        response_type="Completed",
        c2b_version="v2",
        validation=ValidationPolicy.KNOWN_ACCOUNTS,
        changed_at=db.session.scalar(db.text("select now()")),
    )
    db.session.add(row)
    db.session.commit()


def test_the_addresses_hold_no_word_that_mpesa_filters(secret):
    paybill = Configuration(SHORTCODE, "https://api.safaricom.co.ke", "https://sacco.example.co.ke")

    for flow in (*C2B_FLOWS.split(), "stk"):
        assert fields.callback_url(paybill.hook(secret, flow))


def test_every_payment_is_taken_unless_the_society_says_otherwise(client, society, secret):
    answer = client.post(f"/hooks/m/{secret}/validate", json=c2b_body(receipt(), "NOBODY"))

    assert (answer.status_code, answer.get_json()) == (200, ACCEPTED)


def test_unknown_account_numbers_are_turned_away_if_the_society_says_so(client, society, secret):
    known_accounts_only()

    known = client.post(f"/hooks/m/{secret}/validate", json=c2b_body(receipt(), society.account_number.lower()))
    unknown = client.post(f"/hooks/m/{secret}/validate", json=c2b_body(receipt(), "NOBODY"))

    assert known.get_json() == ACCEPTED
    assert unknown.get_json() == {"ResultCode": "C2B00012", "ResultDesc": "Rejected"}


def test_a_question_about_another_paybill_is_turned_away(client, society, secret):
    body = c2b_body(receipt(), society.account_number, BusinessShortCode="600999")

    assert client.post(f"/hooks/m/{secret}/validate", json=body).get_json()["ResultCode"] == "C2B00015"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"TransID":null}'])
def test_a_question_that_cannot_be_read_turns_nobody_away(client, secret, body):
    assert client.post(f"/hooks/m/{secret}/validate", data=body).get_json() == ACCEPTED


def test_a_question_moves_no_money(client, society, secret):
    before = society.balance()

    client.post(f"/hooks/m/{secret}/validate", json=c2b_body(receipt(), society.account_number))

    assert society.balance() == before
    assert db.session.query(Payment).count() == 0


@pytest.mark.parametrize("flow", ["confirm", "pull"])
def test_every_other_message_is_answered_with_thanks(client, secret, flow):
    answer = client.post(f"/hooks/m/{secret}/{flow}", data=b"anything")

    assert (answer.status_code, answer.get_json()) == (200, {"ResultCode": 0, "ResultDesc": "Accepted"})


def test_a_prompts_address_is_its_own(client, society):
    one = sent(society)
    secret = inbox.hook_secret("mpesa", str(one))

    assert client.post(f"/hooks/m/{secret}/stk", json=stk_body(one, code=1032)).status_code == 200
    assert client.post(f"/hooks/m/{secret}/confirm", json={}).status_code == 404
    assert db.session.query(PaymentCallback).one().subject_id == str(one)


@pytest.mark.parametrize("flow", ["stk", "confirm", "validate", "pull", "open"])
def test_a_wrong_secret_is_not_found_and_told_as_a_security_event(client, society, flow, caplog):
    with caplog.at_level(logging.WARNING):
        answer = client.post(f"/hooks/m/{'0' * 32}/{flow}", json={})

    assert answer.status_code == 404
    assert db.session.query(PaymentCallback).count() == 0
    assert "wrong" in caplog.text
    assert "0" * 32 not in caplog.text


def test_what_came_is_kept_unreadable_to_whoever_has_only_the_database(client, society, secret):
    client.post(f"/hooks/m/{secret}/confirm", data=json.dumps(c2b_body(receipt(), "NOBODY", FirstName="WANJIKU")))

    raw = db.session.execute(db.text("select row_to_json(payment_callback)::text from payment_callback")).scalar_one()
    assert b"WANJIKU".hex() not in raw
    assert db.session.query(CallbackWork).one().due_at is not None


@pytest.mark.parametrize("address", ["196.201.214.200", "196.201.212.69", "127.0.0.1", "::1", "::ffff:196.201.213.44"])
def test_mpesa_calls_from_its_published_addresses_and_in_the_sandbox_from_here(app, address):
    assert sources.is_mpesa(address)


@pytest.mark.parametrize("address", ["196.201.214.201", "127.0.0.2", "203.0.113.7", "", "localhost", "::2", "1"])
def test_nobody_else_is_mpesa(app, address):
    assert not sources.is_mpesa(address)


def test_the_list_can_be_replaced(app, paybill):
    paybill(mpesa_callback_allowlist="198.51.100.0/24, 192.0.2.7")

    assert sources.is_mpesa("198.51.100.200")
    assert sources.is_mpesa("192.0.2.7")
    assert not sources.is_mpesa("196.201.214.200")


def test_in_production_nothing_on_this_machine_is_mpesa(app, paybill):
    paybill(profile="production")

    assert not sources.is_mpesa("127.0.0.1")
    assert sources.is_mpesa("196.201.214.200")


def test_a_list_that_cannot_be_read_stops_the_start(app, paybill):
    paybill(mpesa_callback_allowlist="everywhere")

    with pytest.raises(ConfigurationError, match="MPESA_CALLBACK_ALLOWLIST"):
        sources.check()
