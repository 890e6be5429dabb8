"""A second person who looks at a request and presses Approve, for tests of rooms that ask for something."""

from __future__ import annotations

import re

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.harness.people import hire, signed_in_client


def hidden_fields(page: str) -> dict[str, str]:
    """What the hidden fields of a page's decision form carry."""
    found = dict(re.findall(r'<input type="hidden" name="(key|version)" value="([^"]*)"', page))
    assert "version" in found, "there is no form to decide by"
    return found


def decide(browser: FlaskClient, address: str, verdict: str = "approve", **more: str) -> TestResponse:
    """Open a request's page and press."""
    page = browser.get(address).get_data(as_text=True)
    return browser.post(f"{address}/decide", data={**hidden_fields(page), "verdict": verdict, **more})


def approve(app: Flask, address: str, *, role: str = "manager") -> None:
    """Somebody else with this role approves."""
    answer = decide(signed_in_client(app, hire(role)), address)
    assert answer.status_code == 303, answer.get_data(as_text=True)
