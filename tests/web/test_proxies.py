"""Whom we believe about where a request comes from (C46)."""

from __future__ import annotations

from dataclasses import replace

from flask import Flask, request
from flask.testing import FlaskClient

from app.web import frame
from config import Settings

FORGED = {"X-Forwarded-For": "10.9.9.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}


def browser(settings: Settings) -> FlaskClient:
    app = Flask(__name__, static_folder=None)
    frame.install(app, settings)
    app.add_url_rule("/", view_func=lambda: f"{request.remote_addr} {request.scheme} {request.host}")
    return app.test_client()


def test_what_a_browser_claims_is_not_believed(app: Flask) -> None:
    answer = browser(app.extensions["settings"]).get("/", headers=FORGED)

    assert answer.text == "127.0.0.1 http localhost"


def test_what_our_own_proxy_says_is_believed(app: Flask) -> None:
    behind_one = replace(app.extensions["settings"], trusted_proxies=1)

    answer = browser(behind_one).get("/", headers={**FORGED, "X-Forwarded-For": "203.0.113.5, 10.9.9.9"})

    assert answer.text == "10.9.9.9 https evil.example"
