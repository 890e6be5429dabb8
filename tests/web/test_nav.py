"""The places of the navigation: what a role may open, and where one is."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.web import nav

SignedIn = Callable[[str], FlaskClient]


def shown(page: str) -> list[str]:
    found = re.search(r'<nav class="places".*?</nav>', page, re.S)
    assert found
    return re.findall(r"</svg>([^<]+)</a>", found[0])


def current(page: str) -> list[str]:
    found = re.search(r'<nav class="places".*?</nav>', page, re.S)
    assert found
    return re.findall(r'aria-current="page".*?</svg>([^<]+)</a>', found[0])


def test_only_what_a_role_may_open_is_shown(signed_in: SignedIn) -> None:
    teller, administrator = shown(signed_in("teller").get("/").text), shown(signed_in("administrator").get("/").text)

    assert "Members" in teller and "Audit trail" not in teller
    assert "Audit trail" in administrator


@pytest.mark.usefixtures("books")
@pytest.mark.parametrize("role", ["administrator", "manager", "officer", "teller", "accountant", "auditor"])
def test_every_place_that_is_shown_can_be_opened(signed_in: SignedIn, role: str) -> None:
    browser = signed_in(role)

    addresses = set(re.findall(r'<a href="([^"]+)"[^>]*><svg', browser.get("/more").text + browser.get("/").text))

    assert {address: browser.get(address).status_code for address in addresses} == dict.fromkeys(addresses, 200)


def test_a_phone_has_five_places_at_most(app: Flask, signed_in: SignedIn) -> None:
    page = signed_in("administrator").get("/").text
    bar = re.search(r'<nav class="places".*?</nav>', page, re.S)
    assert bar
    narrow = [link for link in re.findall(r"<a [^>]*>", bar[0]) if "wide" not in link and "name" not in link]

    assert 2 <= len(narrow) <= nav.MOST_ON_A_PHONE


def test_the_place_one_is_at_is_marked(signed_in: SignedIn) -> None:
    browser = signed_in("administrator")

    assert current(browser.get("/").text) == ["Home"]
    assert "Members" in current(browser.get("/members/new").text)
    assert "Settings" in current(browser.get("/users").text)  # what stands in the settings belongs to them


def test_more_lists_what_the_bar_has_no_room_for(signed_in: SignedIn) -> None:
    page = signed_in("administrator").get("/more").text

    assert "Audit trail" in page and "Sign out" in page
