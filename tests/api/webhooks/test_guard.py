"""An address that somebody typed must not lead into our own network (SSRF)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

from app.api.webhooks import client
from app.api.webhooks.schemas import NewSubscription
from tests.api.webhooks.receiver import Receiver
from tests.harness.apps import dispose, make_app
from tests.harness.servers import Servers

PRIVATE = (
    "https://127.0.0.1/", "https://localhost/hook", "https://169.254.169.254/latest/meta-data/", "https://10.0.0.5/",
    "https://192.168.1.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://2130706433/", "https://0x7f.1/",
    "https://127.1/", "https://0.0.0.0/", "https://database/", "https://vault.internal/", "https://printer.local./",
    "https://100.64.0.1/", "https://[fd00::1]/",
)  # fmt: skip
CRAFTED = (
    "file:///etc/passwd", "http://example.com/", "gopher://example.com/", "javascript:alert(1)", "//example.com",
    "https://user:secret@example.com/", "https://example.com:22/", "https://example.com/#x", "https://exa mple.com/",
    "https://example.com/\r\nX-Header: 1", "https://", "https://example.com:99999/", "https://ex\u0430mple.com/",
)  # fmt: skip


@pytest.fixture(scope="module")
def production(servers: Servers) -> Iterator[Flask]:
    with servers.clone() as name:
        app = make_app(servers.settings(name, profile="production", base_url="https://sacco.example.com",
                                        mpesa_api_url="https://api.safaricom.co.ke"))  # fmt: skip
        yield app
        dispose(app)


def errors(app: Flask, url: str) -> dict[str, str]:
    with app.app_context():
        form = MultiDict([("description", "Accounting"), ("url", url), ("events", "payment.succeeded")])
        return NewSubscription.parse(form).errors


@pytest.mark.parametrize("url", PRIVATE + CRAFTED)
def test_a_form_refuses_an_address_that_is_not_open_to_the_world(production: Flask, url: str) -> None:
    assert set(errors(production, url)) == {"url"}


def test_a_form_takes_an_ordinary_address(production: Flask) -> None:
    assert errors(production, "https://hooks.example.com/pamoja?tenant=7") == {}


@pytest.mark.parametrize("url", PRIVATE)
def test_a_message_is_not_sent_there_whatever_the_form_let_through(url: str) -> None:
    heard = client.send(url, b"{}", {}, allow_loopback=False)

    assert heard.status is None
    assert "Nothing was sent" in heard.words or "could not be reached" in heard.words


def test_a_name_that_resolves_to_this_machine_is_not_called(receiver: Receiver) -> None:
    url = receiver.url.replace("127.0.0.1", "localhost")

    heard = client.send(url, b"{}", {}, allow_loopback=False)

    assert (heard.status, receiver.taken) == (None, [])
    assert heard.words == "The address leads to a private network. Nothing was sent."


def test_only_the_sandbox_may_call_this_machine(receiver: Receiver) -> None:
    assert client.send(receiver.url, b"{}", {}, allow_loopback=True).status == 200


def test_a_receiver_that_nobody_runs_is_told_apart_in_words() -> None:
    heard = client.send("http://127.0.0.1:9/", b"{}", {}, allow_loopback=True)

    assert heard.status is None
    assert heard.words.startswith("The receiver could not be reached")
