"""What the sandbox relaxes, production does not."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask

from app.identity.service import staff
from app.kernel.actor import Actor
from app.kernel.transactions import in_transaction
from tests.harness.apps import dispose, make_app
from tests.harness.servers import Servers

HTTPS = "https://sacco.example"


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


def test_an_administrator_made_by_command_can_sign_in_over_https(production: Flask) -> None:
    with production.app_context():
        by = Actor.system("tests")
        created = in_transaction(
            lambda: staff.create(username="grace", name="Grace", branch_id=1, roles=["administrator"], by=by)
        )
    client = production.test_client()
    page = client.get("/sign-in", base_url=HTTPS).text
    token = re.findall(r'name="csrf_token" value="([^"]+)"', page)[0]

    answer = client.post(
        "/sign-in",
        base_url=HTTPS,
        data={"username": "grace", "password": created.temporary_password, "csrf_token": token},
        headers={"Origin": HTTPS, "Referer": HTTPS + "/sign-in"},
    )

    assert answer.status_code == 303
    assert client.get("/", base_url=HTTPS).location == "/account/password"
