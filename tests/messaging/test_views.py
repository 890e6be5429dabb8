"""The list of texts, one text, and the address for delivery reports."""

from uuid import uuid4

import pytest

from app.kernel import clock as kernel_clock
from app.messaging import jobs, queries, service
from app.messaging.states import SmsState
from tests.harness.apps import apart
from tests.messaging.conftest import ACCEPTED, HOLD, REFUSED, provided, queue, send

REPORT = {
    "id": "ATXid_1",
    "status": "Success",
    "phoneNumber": "+254711000111",
    "networkCode": "63902",
    "retryCount": "0",
}


@pytest.fixture
def manager(app, signed_in):
    return signed_in("auditor")


@pytest.fixture
def address(app):
    return f"/hooks/s/{service.delivery_secret()}/delivery"


def test_texts_are_listed_newest_first_with_masked_phones(manager, provider):
    queue(template="payment_prompt")
    queue()

    html = manager.get("/messages").text

    assert html.index("Welcome, Amina") < html.index("You will be asked for your M-PESA PIN")
    assert "0711 ••• 111" in html
    assert "254711000111" not in html and "0711 000 111" not in html


def test_filters_narrow_the_list_and_show_as_chips(manager, provider):
    provider.answers = [REFUSED]
    send(queue(template="payment_prompt"))
    queue()

    html = manager.get("/messages?state=failed&template=&since=01/01/2026&until=").text

    assert "You will be asked" in html
    assert "Welcome, Amina" not in html
    assert 'aria-label="Remove filter: Not delivered"' in html
    assert 'aria-label="Remove filter: From 1 Jan 2026"' in html


def test_a_filter_that_makes_no_sense_is_refused_in_words(manager):
    answer = manager.get("/messages?since=yesterday")

    assert answer.status_code == 422
    assert "Enter a date like 22/11/2026." in answer.text


def test_older_texts_are_a_page_away(manager, provider, monkeypatch):
    monkeypatch.setattr("app.messaging.rules.TEXTS_A_DAY", 100)
    for _ in range(26):
        queue()

    first = manager.get("/messages").text
    older = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")

    assert first.count("Welcome, Amina") == 25
    assert manager.get(older).text.count("Welcome, Amina") == 1


def test_one_text_shows_what_became_of_it(manager, provider):
    provider.answers = [ACCEPTED]
    message = send(queue())

    html = manager.get(f"/messages/{message.id}").text

    assert "Your member number is M000123." in html
    assert "KES 0.8000" in html
    assert manager.get(f"/messages/{uuid4()}").status_code == 404


@pytest.mark.parametrize("path", ["/messages", "/messages/01890a5d-ac96-774b-bcce-b302099a8057"])
def test_who_may_not_read_texts_does_not(app, client, signed_in, path):
    assert client.get(path).status_code == 303
    assert signed_in("agent").get(path).status_code == 403


def test_the_page_says_that_sms_is_off(app, manager):
    with provided(app, None):
        assert "SMS is off." in manager.get("/messages").text


def test_the_page_says_what_holds_the_texts(manager, provider, clock):
    clock.set(kernel_clock.now())
    provider.answers = [HOLD]
    send(queue())

    assert "The SMS account has run out of credit" in manager.get("/messages").text


def test_a_report_at_the_secret_address_moves_its_text(client, provider, address):
    provider.answers = [ACCEPTED]
    message_id = queue()
    send(message_id)

    reports = [REPORT | {"status": status} for status in ("Success", "Sent", "Failed")]
    answers = [client.post(address, data=report).status_code for report in reports]

    assert answers == [200, 200, 200]
    assert queries.get(message_id).state is SmsState.DELIVERED


def test_a_wrong_secret_is_nothing_and_is_noticed(client, provider, caplog):
    provider.answers = [ACCEPTED]
    message_id = queue()
    send(message_id)

    answer = client.post(f"/hooks/s/{'0' * 32}/delivery", data=REPORT)

    assert answer.status_code == 404
    assert "sms_report_with_wrong_secret" in caplog.text
    assert queries.get(message_id).state is SmsState.SENT
    assert client.post("/hooks/s/ü/delivery", data=REPORT).status_code == 404


@pytest.mark.parametrize(
    "sent",
    [{}, {"id": "ATXid_1"}, REPORT | {"id": "x" * 200}, REPORT | {"status": "x" * 50}, REPORT | {"id": "a\x00b"}],
)
def test_an_unreadable_report_is_answered_and_noticed(client, provider, address, caplog, sent):
    assert client.post(address, data=sent).status_code == 200
    assert "sms_report_unreadable" in caplog.text


def test_a_report_with_fields_of_tomorrow_is_read(client, provider, address):
    provider.answers = [ACCEPTED]
    message_id = queue()
    send(message_id)

    client.post(address, data=REPORT | {"shoeSize": "42", "phoneNumber": "hidden"})

    assert queries.get(message_id).state is SmsState.DELIVERED


def test_a_huge_report_is_refused(client, address):
    assert client.post(address, data={"id": "x" * 20_000}).status_code == 413


def test_the_command_prints_the_address(app, address):
    printed = apart(lambda: app.test_cli_runner().invoke(args=["messaging", "address"]))

    assert printed.output == f"http://localhost{address}\n"


def test_the_job_does_nothing_while_sms_is_off(app, provider):
    message_id = queue()

    with provided(app, None):
        jobs.send(message_id)

    assert queries.get(message_id).state is SmsState.QUEUED
