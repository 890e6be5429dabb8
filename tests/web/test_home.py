"""The home page: today, as far as a role may see it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.harness.clock import SettableClock

SignedIn = Callable[[str], FlaskClient]


def test_before_the_first_day_it_says_what_is_missing(signed_in: SignedIn) -> None:
    answer = signed_in("administrator").get("/")

    assert answer.status_code == 200
    assert "The books have not been opened yet" in answer.text


@pytest.mark.usefixtures("books")
def test_a_role_sees_the_figures_of_its_rooms(signed_in: SignedIn) -> None:
    page = signed_in("officer").get("/").text

    for label in ("Received today", "On the way", "Being checked", "New members today"):
        assert label in page


@pytest.mark.usefixtures("books")
def test_an_empty_day_offers_the_first_step(signed_in: SignedIn) -> None:
    page = signed_in("officer").get("/").text

    assert "What members pay shows here as it arrives." in page
    assert 'href="/members"' in page


def test_the_header_says_where_when_and_who(
    clock: SettableClock, signed_in: SignedIn, request: pytest.FixtureRequest
) -> None:
    clock.set("2026-11-22T07:45+00:00")
    request.getfixturevalue("books")

    page = signed_in("teller").get("/").text

    assert '<time datetime="2026-11-22">Sun 22 Nov 2026</time>' in page
    assert "Teller Wanjiru" in page


@pytest.mark.usefixtures("books")
def test_the_sandbox_says_what_it_relaxes(app: Flask, signed_in: SignedIn) -> None:
    page = signed_in("teller").get("/").text

    assert "Sandbox: no real money." in page
    for row in app.extensions["settings"].relaxations:
        assert f"<b>{row}</b>" in page


def test_who_is_not_signed_in_is_sent_to_sign_in(client: FlaskClient) -> None:
    answer = client.get("/")

    assert (answer.status_code, answer.location) == (303, "/sign-in")
