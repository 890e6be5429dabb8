"""The client over the wire: one call, one answer, nothing repeated and nothing told."""

from __future__ import annotations

import socket
import threading

import pytest

from app.payments.rails.mpesa import client as daraja
from app.payments.rails.mpesa.client import DarajaClient, Timeouts
from tests.payments.mpesa.fake_daraja import Said, fake_daraja

TOKEN = "c9SQxWWhmdVRlyh0zh8gZDTkubVF"
QUICK = Timeouts(connect=1, answer=0.5)


def test_a_request_carries_its_token_and_is_json():
    with fake_daraja(lambda asked: Said.json({"ResponseCode": "0"})) as fake:
        reply = DarajaClient(fake.url).post(daraja.STK_PUSH_PATH, {"Amount": 1}, TOKEN)

    asked = fake.asked[0]
    assert (asked.method, asked.path, asked.bearer, asked.body) == ("POST", daraja.STK_PUSH_PATH, TOKEN, {"Amount": 1})
    assert asked.headers["Content-Type"] == "application/json"
    assert reply.status == 200


def test_a_token_is_asked_for_with_basic_authentication():
    with fake_daraja(lambda asked: Said.json({"access_token": TOKEN, "expires_in": "3599"})) as fake:
        DarajaClient(fake.url + "/").token("key", "secret")

    assert fake.asked[0].method == "GET"
    assert fake.asked[0].path == "/oauth/v1/generate?grant_type=client_credentials"
    assert fake.asked[0].headers["Authorization"] == "Basic a2V5OnNlY3JldA=="


def test_a_redirect_is_not_followed():
    with (
        fake_daraja(lambda asked: Said(200, "{}")) as elsewhere,
        fake_daraja(lambda asked: Said(302, "", {"Location": elsewhere.url})) as fake,
    ):
        reply = DarajaClient(fake.url).post("/x", {}, TOKEN)

    assert reply.status == 302
    assert elsewhere.asked == []


@pytest.mark.parametrize("said", [Said(500, "{}"), Said(503), Said(None)])
def test_a_failure_is_never_repeated(said):
    with fake_daraja(lambda asked: said) as fake:
        DarajaClient(fake.url, timeouts=QUICK).post(daraja.STK_PUSH_PATH, {}, TOKEN)

    assert len(fake.asked) == 1


def test_a_lost_answer_is_unknown():
    with fake_daraja(lambda asked: Said(None)) as fake:
        reply = DarajaClient(fake.url, timeouts=QUICK).post("/x", {}, TOKEN)

    assert (reply.status, reply.trouble) == (None, "unknown")


def test_a_refused_connection_never_left():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"

    assert DarajaClient(url).post("/x", {}, TOKEN).trouble == "not_sent"


def _one_answer(write):
    """A server that answers one request with whatever ``write`` sends, byte by byte."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with listener:
            peer, _ = listener.accept()
            with peer:
                peer.recv(65_536)
                write(peer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}", thread


def test_silence_is_unknown():
    gone = threading.Event()
    url, thread = _one_answer(lambda peer: gone.wait(5))

    reply = DarajaClient(url, timeouts=QUICK).post("/x", {}, TOKEN)

    gone.set()
    thread.join()
    assert reply.trouble == "unknown"


def test_an_answer_that_trickles_does_not_outlive_its_deadline():
    gone = threading.Event()

    def trickle(peer):
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not gone.wait(0.05):
            try:
                peer.sendall(b"x")
            except OSError:
                return

    url, thread = _one_answer(trickle)

    reply = DarajaClient(url, timeouts=QUICK).post("/x", {}, TOKEN)

    gone.set()
    thread.join()
    assert reply.trouble == "unknown"


def test_an_answer_that_breaks_off_is_unknown():
    url, thread = _one_answer(lambda peer: peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"))

    reply = DarajaClient(url, timeouts=QUICK).post("/x", {}, TOKEN)

    thread.join()
    assert reply.trouble == "unknown"


def test_an_endless_answer_is_unknown():
    def pour(peer):
        peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            for _ in range(200):
                peer.sendall(b"x" * 65_536)
        except OSError:
            return

    url, thread = _one_answer(pour)

    reply = DarajaClient(url, timeouts=Timeouts(1, 5)).post("/x", {}, TOKEN)

    thread.join()
    assert reply.trouble == "unknown"


def test_a_token_that_mpesa_echoes_is_not_told():
    echo = {"errorCode": "401.002.01", "errorMessage": f"Error Occurred - Invalid Access Token - {TOKEN}"}
    with fake_daraja(lambda asked: Said.json(echo, 401)) as fake:
        reply = DarajaClient(fake.url).post("/x", {}, TOKEN)

    assert TOKEN not in reply.text
    assert "401.002.01" in reply.text


def test_another_echoed_token_is_not_told_either():
    assert daraja.redact("Invalid Access Token - abcDEF123 ", ()) == "Invalid Access Token - ••• "


def test_a_proxy_or_netrc_of_the_environment_is_not_used(monkeypatch, tmp_path):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login other password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with fake_daraja(lambda asked: Said(200, "{}")) as fake:
        reply = DarajaClient(fake.url).post("/x", {}, TOKEN)

    assert reply.status == 200
    assert fake.asked[0].bearer == TOKEN
