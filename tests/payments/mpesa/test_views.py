"""The settings page: who may see it, what it never shows, what it refuses, and what a button starts."""

from __future__ import annotations

import re

import pytest

from app.audit.models import AuditEvent
from app.kernel.database import db
from app.kernel.phones import Phone
from app.payments.rails.mpesa import configuration
from app.payments.rails.mpesa.models import ErrandState, MpesaConfiguration, MpesaErrand
from tests.harness.people import hire, signed_in_client, without_token

KEYS = {"consumer_key": "ck-0123456789abcdef", "consumer_secret": "cs-0123456789abcdef", "passkey": "pk" + "0" * 62}
PAGE = "/settings/mpesa"


def typed(**changes):
    return {
        "key": "form-1",
        "version": "0",
        "shortcode": "600984",
        "api_url": "https://sandbox.safaricom.co.ke",
        "response_type": "Completed",
        "c2b_version": "v2",
        "validation": "accept_all",
        **KEYS,
        **changes,
    }


@pytest.fixture
def administrator(app, society):
    return signed_in_client(app, hire("administrator"))


def test_nobody_sees_the_settings_without_signing_in(client):
    assert client.get(PAGE).status_code == 303


@pytest.mark.parametrize("role", ["officer", "teller", "manager", "accountant", "auditor"])
def test_only_an_administrator_may_see_or_change_them(app, society, role):
    browser = signed_in_client(app, hire(role))

    assert browser.get(PAGE).status_code == 403
    assert browser.post(PAGE, data=typed()).status_code == 403
    assert browser.post(f"{PAGE}/ask/connection_test", data={"key": "k"}).status_code == 403


def test_a_form_of_another_site_changes_nothing(administrator):
    assert without_token(administrator).post(PAGE, data=typed()).status_code == 403
    assert db.session.query(MpesaConfiguration).count() == 0


def test_settings_are_saved_encrypted_audited_and_win_over_the_environment(administrator):
    answer = administrator.post(PAGE, data=typed(pull_phone="0722 000 000", callback_url="https://sacco.example.co.ke"))

    assert answer.status_code == 303
    current = configuration.current()
    assert (current.shortcode, current.consumer_key) == ("600984", KEYS["consumer_key"])
    assert current.pull_phone == Phone("254722000000")
    raw = db.session.execute(db.text("select row_to_json(mpesa_configuration)::text from mpesa_configuration")).scalar()
    assert not any(value in raw for value in (*KEYS.values(), "722000000"))
    [event] = db.session.query(AuditEvent).filter_by(action="mpesa.configured").all()
    assert event.after["consumer_secret"] == "changed"
    assert not any(value in str(event.after) for value in KEYS.values())


def test_secrets_are_never_shown_again(administrator):
    administrator.post(PAGE, data=typed())

    text = administrator.get(PAGE).get_data(as_text=True)

    assert not any(value in text for value in KEYS.values())
    assert text.count("•••• Stored, encrypted") == 3


def test_what_was_typed_comes_back_except_secrets(administrator):
    answer = administrator.post(PAGE, data=typed(shortcode="12", initiator="operator"))

    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'value="operator"' in text
    assert "Enter the paybill number" in text
    assert not any(value in text for value in KEYS.values())
    assert db.session.query(MpesaConfiguration).count() == 0


WRONG = {
    "shortcode": "12ab",
    "till_number": "1",
    "api_url": "https://evil.example",
    "callback_url": "https://sacco.example/mpesa",
    "consumer_key": "short",
    "passkey": "with spaces in it",
    "response_type": "completed",
    "c2b_version": "v3",
    "validation": "none",
    "pull_phone": "12",
    "unknown": "x",
}


@pytest.mark.parametrize(("field", "value"), WRONG.items(), ids=WRONG.keys())
def test_each_wrong_field_is_told_and_nothing_is_saved(administrator, field, value):
    answer = administrator.post(PAGE, data=typed(**{field: value}))

    assert answer.status_code == 422
    assert db.session.query(MpesaConfiguration).count() == 0


@pytest.mark.parametrize("field", ["shortcode", "api_url", "response_type", "version"])
def test_each_needed_field_is_asked_for(administrator, field):
    assert administrator.post(PAGE, data=typed(**{field: ""})).status_code == 422


def test_empty_secrets_stay_as_they_are(administrator):
    administrator.post(PAGE, data=typed())

    administrator.post(PAGE, data=typed(version="1", **dict.fromkeys(KEYS, ""), validation="known_accounts"))

    current = configuration.current()
    assert current.consumer_secret == KEYS["consumer_secret"]
    assert current.validation.value == "known_accounts"


@pytest.mark.parametrize("change", [{"shortcode": "600985"}, {"api_url": "https://api.safaricom.co.ke"}])
def test_another_paybill_or_address_needs_its_own_keys(administrator, change):
    administrator.post(PAGE, data=typed())

    answer = administrator.post(PAGE, data=typed(version="1", **dict.fromkeys(KEYS, ""), **change))

    assert answer.status_code == 422
    assert "Another paybill or address needs its own" in answer.get_data(as_text=True)


def test_the_environments_keys_never_reach_another_address(administrator):
    answer = administrator.post(PAGE, data=typed(shortcode="174379", **dict.fromkeys(KEYS, "")))

    assert answer.status_code == 422


def test_an_earlier_paybill_is_kept_for_its_open_prompts(administrator):
    administrator.post(PAGE, data=typed())
    administrator.post(PAGE, data=typed(version="1", shortcode="600985"))

    assert configuration.current().shortcode == "600985"
    assert configuration.of("600984").is_complete


def test_a_stale_page_saves_nothing(administrator):
    administrator.post(PAGE, data=typed())

    answer = administrator.post(PAGE, data=typed(version="0", validation="known_accounts"))

    assert answer.status_code == 409
    assert configuration.current().validation.value == "accept_all"


def test_a_button_starts_an_errand_once_and_the_page_asks_until_it_is_done(administrator):
    for _ in range(2):
        answer = administrator.post(
            f"{PAGE}/ask/connection_test", data={"key": "press-1"}, headers={"HX-Request": "true"}
        )

    text = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert text.lstrip().startswith('<section id="mpesa-errands"')
    assert "hx-get" in text
    [errand] = db.session.query(MpesaErrand).all()

    errand.state, errand.detail = ErrandState.DONE, "M-PESA accepts the keys."
    db.session.commit()
    text = administrator.get(f"{PAGE}/errands", headers={"HX-Request": "true"}).get_data(as_text=True)

    assert "hx-get" not in text
    assert "M-PESA accepts the keys." in text


def test_without_javascript_a_button_leads_back_to_the_page(administrator):
    answer = administrator.post(f"{PAGE}/ask/c2b_register", data={"key": "press-2"})

    assert (answer.status_code, answer.headers["Location"]) == (303, PAGE)


def test_an_errand_that_nobody_knows_is_not_there(administrator):
    assert administrator.post(f"{PAGE}/ask/payout", data={"key": "x"}).status_code == 404


def test_while_the_rail_is_off_the_page_says_so_and_offers_no_errand(administrator, paybill):
    paybill(mpesa_shortcode=None)

    text = administrator.get(PAGE).get_data(as_text=True)

    assert "M-PESA is off" in text
    assert administrator.post(f"{PAGE}/ask/connection_test", data={"key": "x"}).status_code == 409
    assert not re.search(r"<button[^>]*>Test connection", text)


def test_the_page_says_when_the_operators_password_ends(administrator, clock):
    administrator.post(PAGE, data=typed(security_credential="Qm9" * 40))

    text = administrator.get(PAGE).get_data(as_text=True)

    assert "M-PESA ends it on 18 Feb 2027" in text
    assert "Qm9" * 40 not in text


def test_the_page_is_light(administrator):
    answer = administrator.get(PAGE, headers={"Accept-Encoding": "br"})

    assert answer.headers["Content-Encoding"] == "br"
    assert len(answer.get_data()) < 6_000
