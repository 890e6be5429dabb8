"""The search of the header: as one types, and as a page."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from tests.members import examples

SignedIn = Callable[[str], FlaskClient]
HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture
def mary(books: object) -> UUID:
    return examples.register(first_name="Mary", last_name="Kamau", payment_phone="0712345678", national_id="28345678")


@pytest.fixture
def officer(signed_in: SignedIn) -> FlaskClient:
    return signed_in("officer")


@pytest.mark.parametrize("text", ["kam", "Mary Kamau", "0712345678", "0712 345 678", "345678", "28345678"])
def test_a_single_hit_is_opened_at_once(officer: FlaskClient, mary: UUID, text: str) -> None:
    answer = officer.post("/search", data={"q": text})

    assert (answer.status_code, answer.location) == (303, f"/members/{mary}")


def test_several_hits_are_listed_with_what_tells_them_apart(officer: FlaskClient, mary: UUID) -> None:
    other = examples.register(first_name="Peter", last_name="Kamau", payment_phone="0722000999")

    page = officer.post("/search", data={"q": "kamau"}).text

    assert "<h3>Members</h3>" in page
    assert f'href="/members/{mary}"' in page and f'href="/members/{other}"' in page
    assert "0722 ••• 999" in page


def test_while_one_types_only_the_hits_come(officer: FlaskClient, mary: UUID) -> None:
    answer = officer.post("/search", data={"q": "  mary   kam "}, headers=HTMX)

    assert answer.text.strip().startswith('<div class="found" id="hits" data-text="mary kam">')
    assert f'href="/members/{mary}"' in answer.text
    assert len(answer.data) < 2_000


def test_what_was_searched_stands_in_no_address(officer: FlaskClient, mary: UUID) -> None:
    examples.register(payment_phone="0722000999")
    page = officer.get("/search").text

    assert re.search(r'<form role="search"[^>]*method="post"', page)
    assert "hx-get" not in page
    assert "28345678" not in officer.post("/search", data={"q": "28345678"}).headers.get("Location", "")


def test_nothing_found_is_said(officer: FlaskClient, books: object) -> None:
    assert "Nothing found for “zebra”." in officer.post("/search", data={"q": "zebra"}).text


@pytest.mark.parametrize("text", ["", " ", "m"])
def test_too_little_to_search_for_explains_what_can_be_found(officer: FlaskClient, mary: UUID, text: str) -> None:
    answer = officer.post("/search", data={"q": text})

    assert answer.status_code == 200
    assert "A name or part of it" in answer.text


@pytest.mark.parametrize("text", ["((((a+)+)+$", "%", "_", "'; --", "<b>", "a" * 5_000, "SV-999999", "😀😀"])
def test_odd_text_finds_nothing_and_breaks_nothing(officer: FlaskClient, mary: UUID, text: str) -> None:
    answer = officer.post("/search", data={"q": text})

    assert answer.status_code == 200
    assert "<b>”" not in answer.text


def test_rooms_that_a_role_may_not_look_into_are_not_asked(signed_in: SignedIn, mary: UUID) -> None:
    answer = signed_in("agent").post("/search", data={"q": "UKM4T7X2QA"})

    assert answer.status_code == 200
