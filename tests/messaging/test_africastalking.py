"""The client against stored samples, and over real sockets where the network misbehaves."""

import json
import threading
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from app.kernel.phones import Phone
from app.messaging import africastalking
from app.messaging.africastalking import Account, AfricasTalkingClient, read_send_answer, send_form
from app.messaging.answers import Answer, Outcome

SAMPLES = Path(__file__).parents[1] / "data" / "africastalking"
PHONE = Phone("254711000111")


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def answer_with(**changes: object) -> bytes:
    data = json.loads(sample("send_accepted.json"))
    data["SMSMessageData"]["Recipients"][0].update(changes)
    return json.dumps(data).encode()


def test_an_accepted_text_has_a_number_and_a_price():
    assert read_send_answer(201, sample("send_accepted.json"), PHONE) == Answer(
        Outcome.ACCEPTED,
        "Sent",
        code="101",
        message_id="ATXid_a584c3fd712a00b7bce3c4b7b552ac56",
        cost=Decimal("0.8000"),
        cost_currency="KES",
    )


def test_a_refused_number_costs_nothing():
    answer = read_send_answer(201, sample("send_invalid_number.json"), PHONE)

    assert answer == Answer(Outcome.REFUSED, "The number is not valid", code="403")


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (100, Outcome.ACCEPTED),
        (101, Outcome.ACCEPTED),
        (102, Outcome.ACCEPTED),
        (401, Outcome.UNKNOWN),
        (402, Outcome.HOLD),
        (403, Outcome.REFUSED),
        (404, Outcome.REFUSED),
        (405, Outcome.HOLD),
        (406, Outcome.REFUSED),
        (407, Outcome.RETRY),
        (409, Outcome.REFUSED),
        (500, Outcome.RETRY),
        (501, Outcome.RETRY),
        (502, Outcome.REFUSED),
        (777, Outcome.UNKNOWN),
        ("101", Outcome.ACCEPTED),
    ],
)
def test_each_code_has_its_outcome(code, outcome):
    assert read_send_answer(201, answer_with(statusCode=code), PHONE).outcome is outcome


def test_no_recipients_is_a_refusal_of_the_whole_request():
    held = read_send_answer(201, sample("send_invalid_sender.json"), PHONE)
    other = read_send_answer(201, b'{"SMSMessageData":{"Message":"Nope\\u0000","Recipients":[]}}', PHONE)

    assert held == Answer(Outcome.HOLD, "The sender name is not registered with the provider", code="InvalidSenderId")
    assert other == Answer(Outcome.REFUSED, "The provider refused it: Nope")


def test_a_refusal_in_plain_text_holds_everything():
    answer = read_send_answer(401, sample("send_unauthorised.txt"), PHONE)

    assert answer.outcome is Outcome.HOLD
    assert answer.detail == (
        "The provider does not accept our username and key: The supplied authentication is invalid"
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Fine</html>",
        b"[]",
        b'{"SMSMessageData":null}',
        b'{"SMSMessageData":{"Recipients":[7]}}',
        sample("send_two_recipients.json"),
        answer_with(statusCode="Success"),
        answer_with(messageId="None"),
        answer_with(number="+254722000222"),
    ],
)
def test_what_cannot_be_read_may_have_been_sent(body):
    assert read_send_answer(201, body, PHONE).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (302, Outcome.HOLD),
        (400, Outcome.REFUSED),
        (403, Outcome.HOLD),
        (404, Outcome.HOLD),
        (429, Outcome.RETRY),
        (500, Outcome.UNKNOWN),
        (502, Outcome.UNKNOWN),
        (503, Outcome.UNKNOWN),
    ],
)
def test_other_http_answers(status, outcome):
    assert read_send_answer(status, b"<html>\r\nwords</html>", PHONE).outcome is outcome


@pytest.mark.parametrize("cost", ["0", "", "None", "KES -1", "KES NaN", "KES 1e99", "FREE"])
def test_a_strange_price_is_no_price(cost):
    answer = read_send_answer(201, answer_with(cost=cost), PHONE)

    assert answer.outcome is Outcome.ACCEPTED
    assert answer.cost is None


def test_the_form_names_the_sender_only_if_there_is_one():
    account = Account("pamoja", "key", "http://127.0.0.1/version1")

    assert send_form(account, PHONE, "Habari") == {
        "username": "pamoja",
        "to": "+254711000111",
        "message": "Habari",
        "bulkSMSMode": "1",
    }
    named = Account("pamoja", "key", "http://127.0.0.1/version1", sender_id="PAMOJA")
    assert send_form(named, PHONE, "Habari")["from"] == "PAMOJA"


class Provider(BaseHTTPRequestHandler):
    """Answers as its server is told, and keeps what it was sent."""

    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.server.seen.append((self.path, self.headers["apiKey"], form))
        self.server.behave(self)

    def log_message(self, *_):
        """Quiet."""


@pytest.fixture
def provider():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    server.seen = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def client_of(server) -> AfricasTalkingClient:
    address = f"http://127.0.0.1:{server.server_address[1]}/version1"
    return AfricasTalkingClient(Account("sandbox", "atsk_secret", address, "PAMOJA"))


def says(status: int, body: bytes, **headers: str):
    def behave(handler):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return behave


def test_a_text_goes_over_the_wire(provider):
    provider.behave = says(201, sample("send_accepted.json"))

    answer = client_of(provider).send(PHONE, "Karibu")

    assert answer.outcome is Outcome.ACCEPTED
    [(path, key, form)] = provider.seen
    assert (path, key) == ("/version1/messaging", "atsk_secret")
    assert form == {
        "username": ["sandbox"],
        "to": ["+254711000111"],
        "message": ["Karibu"],
        "bulkSMSMode": ["1"],
        "from": ["PAMOJA"],
    }


def test_a_redirect_is_not_followed(provider):
    provider.behave = says(302, b"", Location=f"http://127.0.0.1:{provider.server_address[1]}/elsewhere")

    answer = client_of(provider).send(PHONE, "Karibu")

    assert answer.outcome is Outcome.HOLD
    assert len(provider.seen) == 1


def test_silence_after_sending_is_unknown(provider, monkeypatch):
    monkeypatch.setattr(africastalking, "TIMEOUT_SECONDS", (1, 0.2))
    enough = threading.Event()
    provider.behave = lambda _: enough.wait(5)

    answer = client_of(provider).send(PHONE, "Karibu")
    enough.set()

    assert answer == Answer(Outcome.UNKNOWN, "No answer from the provider (ReadTimeout)")


def test_a_line_cut_after_sending_is_unknown(provider):
    provider.behave = lambda handler: handler.connection.close()

    assert client_of(provider).send(PHONE, "Karibu").outcome is Outcome.UNKNOWN


def test_an_answer_cut_in_the_middle_is_unknown(provider):
    def half(handler):
        handler.send_response(201)
        handler.send_header("Content-Length", "500")
        handler.end_headers()
        handler.wfile.write(b'{"SMSMessageData"')
        handler.connection.close()

    provider.behave = half

    assert client_of(provider).send(PHONE, "Karibu").outcome is Outcome.UNKNOWN


def test_a_text_that_never_left_may_be_tried_again(provider):
    client = client_of(provider)
    provider.shutdown()
    provider.server_close()

    assert client.send(PHONE, "Karibu") == Answer(Outcome.RETRY, "The provider could not be reached")


def test_an_unknown_host_may_be_tried_again():
    client = AfricasTalkingClient(Account("sandbox", "key", "http://no-such-host.invalid/version1"))

    assert client.send(PHONE, "Karibu").outcome is Outcome.RETRY


def test_a_broken_address_holds_everything():
    client = AfricasTalkingClient(Account("sandbox", "key", "api.example.test/version1"))

    assert client.send(PHONE, "Karibu").outcome is Outcome.HOLD


def test_the_key_is_not_printed():
    assert "atsk_secret" not in repr(Account("sandbox", "atsk_secret", "http://127.0.0.1"))
