"""What the sandbox relaxes, production does not."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.identity.service import staff
from app.kernel.actor import Actor
from app.kernel.transactions import in_transaction
from tests.harness.apps import dispose, make_app
from tests.harness.servers import Servers

HTTPS = "https://sacco.example"
BY = Actor.system("tests")


@pytest.fixture
def production(servers: Servers) -> Iterator[Flask]:
    with servers.clone() as name:
        app = make_app(servers.settings(name, profile="production", base_url=HTTPS))
        yield app
        dispose(app)


def test_the_cookie_travels_over_https_only_and_belongs_to_this_host(production: Flask) -> None:
    answer = production.test_client().get("/sign-in", base_url=HTTPS)

    (cookie,) = answer.headers.getlist("Set-Cookie")
    name, *flags = cookie.split("; ")
    assert name.startswith("__Host-pamoja=")
    assert set(flags) == {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"}


def test_nobody_is_told_of_demonstration_users_and_none_can_be_made(production: Flask) -> None:
    page = production.test_client().get("/sign-in", base_url=HTTPS).text

    assert "auditor" not in page
    assert "Demonstration" not in page
    with production.app_context(), pytest.raises(AssertionError, match="production has no users"):
        staff.create_demonstration(
            username="x", name="X", branch_id=1, role="teller", password_hash="", by=Actor.system("tests")
        )


def test_the_first_administrator_chooses_a_password_sets_up_a_second_factor_and_is_in(production: Flask) -> None:
    with production.app_context():
        created = in_transaction(
            lambda: staff.create(username="grace", name="Grace", branch_id=1, roles=["administrator"], by=BY)
        )
    client = production.test_client()
    password = "kv8#mQ2z"

    chosen = send(client, "/welcome", username="grace", code=created.code, new=password, again=password)
    entered = send(client, "/sign-in", username="grace", password=password, next="/users")
    refused = {path: client.get(path, base_url=HTTPS).location for path in ("/", "/users", "/account/password")}
    page = client.get("/sign-in/set-up", base_url=HTTPS).text
    key = re.findall(r"<code>([A-Z2-7 ]{39})</code>", page)[0].replace(" ", "")
    shown = send(client, "/sign-in/set-up", code=pyotp.TOTP(key).now(), next="/users")

    assert (chosen.status_code, chosen.location) == (303, "/sign-in")
    assert (entered.status_code, entered.location) == (303, "/sign-in/code?next=/users")
    assert all(location.startswith("/sign-in/code") for location in refused.values() if location)
    assert None not in refused.values()
    assert shown.status_code == 201
    assert len(re.findall(r"<li><code>[a-z2-9]{5}-[a-z2-9]{5}</code>", shown.text)) == 10
    assert 'href="/users"' in shown.text
    assert client.get("/users", base_url=HTTPS).status_code == 200


def send(client: FlaskClient, path: str, **form: str) -> TestResponse:
    """Send a form as a browser does that has opened its page."""
    page = client.get(path, base_url=HTTPS, follow_redirects=True).text
    token = re.findall(r'name="csrf_token" value="([^"]+)"', page)[0]
    headers = {"Origin": HTTPS, "Referer": HTTPS + path}
    return client.post(path, base_url=HTTPS, data=form | {"csrf_token": token}, headers=headers)
