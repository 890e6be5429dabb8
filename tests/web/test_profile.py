"""The member's profile: every room's part of it, for those who may see it."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient

from app.members.states import MemberStatus
from tests.members import examples

SignedIn = Callable[[str], FlaskClient]


@pytest.fixture
def member(books: object) -> UUID:
    return examples.register(first_name="Mary", last_name="Kamau", payment_phone="0712345678", national_id="28345678")


@pytest.fixture
def officer(signed_in: SignedIn) -> FlaskClient:
    return signed_in("officer")


def test_it_says_who_the_member_is(officer: FlaskClient, member: UUID) -> None:
    page = officer.get(f"/members/{member}").text

    assert "<title>Mary Wanjiku Kamau · M" in page
    assert "0712 345 678, Safaricom" in page
    assert "28345678" in page


@pytest.mark.parametrize("tab", ["", "/savings", "/activity"])
def test_every_tab_is_a_page_under_the_same_head(officer: FlaskClient, member: UUID, tab: str) -> None:
    page = officer.get(f"/members/{member}{tab}").text

    assert "<h1>Mary Wanjiku Kamau" in page
    assert len(re.findall(r'<nav class="tabs".*?aria-current="page"', page, re.S)) == 1


def test_payments_of_one_member_stand_under_that_head(officer: FlaskClient, member: UUID) -> None:
    page = officer.get(f"/payments/?member={member}").text

    assert "<h1>Mary Wanjiku Kamau" in page
    assert re.search(r'aria-current="page">Payments</a>', page)


def test_prompting_is_offered_where_it_is_possible(officer: FlaskClient, member: UUID) -> None:
    assert "Prompt payment" in officer.get(f"/members/{member}").text

    examples.change_status(member, MemberStatus.SUSPENDED)

    page = officer.get(f"/members/{member}").text
    assert "Prompt payment" not in page
    assert "Suspended." in page and "Nothing is prompted" in page


def test_a_role_is_offered_only_what_it_may_do(signed_in: SignedIn, member: UUID) -> None:
    page = signed_in("auditor").get(f"/members/{member}").text

    for action in ("Prompt payment", "Edit details", "Change status", "Open savings account"):
        assert action not in page
    assert "Changes to the record" in signed_in("auditor").get(f"/members/{member}/activity").text
    assert "Changes to the record" not in signed_in("teller").get(f"/members/{member}/activity").text


def test_figures_come_alone_with_the_accounts_riding_along(officer: FlaskClient, member: UUID) -> None:
    part = officer.get(f"/members/{member}/money", headers={"HX-Request": "true"}).text

    assert part.strip().startswith(f'<section id="member-money-{member}"')
    assert f'id="member-accounts-{member}" hx-swap-oob="true"' in part
    assert "<html" not in part


def test_a_member_without_an_account_is_offered_one(officer: FlaskClient, member: UUID) -> None:
    page = officer.get(f"/members/{member}/savings").text

    assert "This member has no savings account yet." in page


@pytest.mark.parametrize("tab", ["", "/money", "/savings", "/activity"])
def test_nobody_is_told_of_a_member_that_does_not_exist(officer: FlaskClient, books: object, tab: str) -> None:
    assert officer.get(f"/members/{uuid4()}{tab}").status_code == 404


def test_a_name_is_shown_as_text(officer: FlaskClient, books: object) -> None:
    odd = examples.register(first_name="Wanja", last_name="O’Neill", employer='"><svg onload=alert(1)>')

    page = officer.get(f"/members/{odd}").text

    assert "<svg onload" not in page
    assert "&lt;svg onload" in page
