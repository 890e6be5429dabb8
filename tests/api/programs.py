"""Programs with a token, for tests of the rooms' endpoints: they act for somebody with a role, within scopes."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.identity.scopes import SCOPES
from app.identity.service import tokens
from app.kernel.actor import Actor
from app.kernel.transactions import in_transaction
from tests.harness.people import hire

BY = Actor.system("tests")


class Program:
    """Sends requests with its token; ``answer = program.get("/api/members", limit=5)``."""

    def __init__(self, client: FlaskClient, secret: str) -> None:
        self._client, self.headers = client, {"Authorization": f"Bearer {secret}"}

    def get(self, address: str, *, headers: dict[str, str] | None = None, **query: Any) -> TestResponse:
        return self._client.get(address, query_string=query or None, headers=self.headers | (headers or {}))

    def send(
        self, method: str, address: str, body: object = None, *, key: str | None = None, etag: str | None = None
    ) -> TestResponse:
        more = {"Idempotency-Key": key, "If-Match": etag}
        headers = self.headers | {name: value for name, value in more.items() if value is not None}
        return self._client.open(address, method=method, json=body, headers=headers)

    def post(self, address: str, body: object = None, *, key: str | None = None) -> TestResponse:
        return self.send("POST", address, body, key=key)


def program(app: Flask, role: str = "administrator", *scopes: str, branch_id: int | None = None) -> Program:
    """A program for somebody with this role; with every scope unless told which."""
    owner = hire(role, branch_id=branch_id)
    issued = in_transaction(
        lambda: tokens.issue(name="program", staff_id=owner, scopes=scopes or SCOPES.keys(), days=1, by=BY)
    )
    return Program(app.test_client(), issued.secret)


def problem(answer: TestResponse) -> tuple[int, str]:
    """Status and kind of what was refused."""
    assert answer.mimetype == "application/problem+json", answer.text
    return answer.status_code, answer.json["type"].removeprefix("urn:pamoja:problem:")
