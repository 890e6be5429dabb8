"""What error tracking is sent: where the program failed, and nothing of anybody. Seen on the wire."""

from __future__ import annotations

import gzip
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import brotli
import pytest
import sentry_sdk
from flask import Flask
from flask.testing import FlaskClient

from app.ops import sentry
from app.web.access import public

PHONE, NATIONAL_ID, PIN, TOKEN = "254712345678", "28765431", "4711", "pmj_Sq9-veryverysecrettoken"
SECRETS = (PHONE, "0712345678", "0712 345 678", NATIONAL_ID, PIN, TOKEN, "veryverysecret", "Wanjiku", "tell nobody")

UNPACKED = {"": bytes, "gzip": gzip.decompress, "br": brotli.decompress}


@dataclass
class Tracker:
    """Plays the error tracking service."""

    url: str
    envelopes: list[bytes] = field(default_factory=list)

    def heard(self) -> str:
        sentry_sdk.flush(timeout=5)
        return b"\n".join(self.envelopes).decode()


@pytest.fixture
def tracker(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tracker]:
    tracker = Tracker("")

    class Ear(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            tracker.envelopes.append(UNPACKED[self.headers.get("Content-Encoding", "")](body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Ear)
    listening = threading.Thread(target=server.serve_forever, daemon=True)
    listening.start()
    tracker.url = f"http://key@127.0.0.1:{server.server_port}/1"
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    sentry.install(replace(app.extensions["settings"], sentry_dsn=tracker.url, release="1.2.3"))
    yield tracker
    sentry_sdk.get_client().close()
    sentry_sdk.init()  # off again
    server.shutdown()
    listening.join()
    server.server_close()


def failing(app: Flask, monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    """Let a view fail with everything in reach that must not leave."""

    @public("It fails for everybody.")
    def fail(**_: object) -> None:
        phone, national_id, pin, name = PHONE, NATIONAL_ID, PIN, "Grace Wanjiku"
        logging.getLogger("somewhere").info("asked by %s with %s", phone, pin, extra={"name_of_member": name})
        raise ValueError(f"phone {phone}, ID {national_id}, PIN {pin}, token {TOKEN}")

    monkeypatch.setitem(app.view_functions, endpoint, fail)


def test_an_error_tells_where_and_nothing_of_anybody(
    app: Flask, client: FlaskClient, tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(app, monkeypatch, "identity.sign_in")

    answer = client.get(
        f"/sign-in?phone={PHONE}&next=/members/{NATIONAL_ID}",
        data={"pin": PIN, "name": "Grace Wanjiku", "password": "tell nobody"},
        headers={"Authorization": f"Bearer {TOKEN}", "Cookie": f"pamoja={TOKEN}", "X-Phone": PHONE},
    )
    heard = tracker.heard()

    assert answer.status_code == 500
    assert "ValueError" in heard
    assert '"function":"fail"' in heard
    assert '"transaction":"/sign-in"' in heard
    assert "1.2.3" in heard
    assert f'"request_id":"{answer.headers["X-Request-ID"]}"' in heard
    assert answer.headers["X-Request-ID"] in answer.text  # the page names it too
    for secret in SECRETS:
        assert secret not in heard, secret


def test_a_secret_address_is_told_as_its_route(
    app: Flask, client: FlaskClient, tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(app, monkeypatch, "hooks.receive")

    client.post(f"/hooks/m/00112233445566778899aabbccddeeff/stk?x={PHONE}", json={"MSISDN": PHONE, "PIN": PIN})
    heard = tracker.heard()

    assert "/hooks/m/<secret>/<flow>" in heard
    for secret in (*SECRETS, "00112233445566778899aabbccddeeff"):
        assert secret not in heard, secret


def test_a_job_that_failed_is_told_without_its_arguments(app: Flask, tracker: Tracker) -> None:
    try:
        raise RuntimeError(f"no answer for {PHONE}")
    except RuntimeError:
        logging.getLogger("worker").exception(
            "a job failed", extra={"job": "payments.submit", "arguments": [PHONE, PIN]}
        )
    heard = tracker.heard()

    assert "RuntimeError" in heard
    assert "a job failed" in heard
    for secret in SECRETS:
        assert secret not in heard, secret


def test_what_rq_itself_says_of_a_failed_job_holds_no_arguments(app: Flask, tracker: Tracker) -> None:
    """RQ logs a failed job with its call and its trace as the text."""
    logging.getLogger("rq.worker.of_tests").error(
        "Worker %s: job %s: exception raised while executing (%s)\n%s",
        *("w", "0198f3c2-0712-7000-8000-000000000001", "app.kernel.doorbell.answer", f"Traceback: phone {PHONE} {PIN}"),
        extra={"func": "answer", "arguments": [PHONE], "kwargs": {"pin": PIN}},
    )
    heard = tracker.heard()

    assert "exception raised while executing" in heard
    for secret in SECRETS:
        assert secret not in heard, secret


def test_refusals_are_nobodys_mistake(client: FlaskClient, tracker: Tracker) -> None:
    client.get("/nothing")
    client.post("/sign-in")

    assert tracker.heard() == ""


def test_without_an_address_nothing_is_started(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []
    monkeypatch.setattr(sentry_sdk, "init", lambda **_: started.append(1))

    sentry.install(app.extensions["settings"])

    assert started == []
