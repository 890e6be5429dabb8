"""What every answer tells the browser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.web import headers
from app.web.headers import HEADERS

SignedIn = Callable[[str], FlaskClient]

ANSWERS = [
    ("GET", "/sign-in", 200),
    ("GET", "/", 303),
    ("GET", "/nothing/here", 404),
    ("POST", "/nothing/here", 404),
    ("PUT", "/sign-in", 405),
    ("POST", "/sign-in", 403),
    ("GET", "/static/nothing.css", 404),
    ("GET", "/api/nothing", 404),
    ("GET", "/healthz", 200),
]


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
def test_every_answer_is_hardened(client: FlaskClient, method: str, path: str, status: int) -> None:
    answer = client.open(path, method=method)

    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert "no-store" in answer.headers["Cache-Control"]


def test_an_unexpected_error_is_hardened_too(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    monkeypatch.setitem(app.view_functions, "identity.sign_in", _broken(app.view_functions["identity.sign_in"]))

    answer = client.get("/sign-in")

    assert answer.status_code == 500
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


def test_pages_about_members_are_kept_nowhere(signed_in: SignedIn) -> None:
    assert signed_in("officer").get("/members").headers["Cache-Control"] == "no-store"


def test_the_policy_allows_nothing_inline_and_nothing_foreign() -> None:
    directives = dict(part.strip().split(" ", 1) for part in headers.CONTENT_SECURITY_POLICY.split(";"))

    assert directives["default-src"] == "'self'"
    assert {directives[name] for name in ("object-src", "base-uri", "frame-ancestors")} == {"'none'"}
    assert "unsafe" not in headers.CONTENT_SECURITY_POLICY


def test_production_insists_on_https(app: Flask) -> None:
    production = Flask("production")
    headers.install(production, replace(app.extensions["settings"], profile="production"))

    answer = production.test_client().get("/nothing")

    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


def test_no_other_site_may_read_an_answer(client: FlaskClient) -> None:
    for origin in ("https://evil.example", "null", "https://sub.localhost"):
        answer = client.get("/sign-in", headers={"Origin": origin})
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control-")]


def _broken(view: Callable[..., object]) -> Callable[..., object]:
    def fail() -> object:
        raise ZeroDivisionError("secret detail")

    fail.__access__ = view.__access__  # type: ignore[attr-defined]  # what the gate reads
    return fail
