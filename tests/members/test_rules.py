"""Decisions of the register: age, nominees' shares, and what a typed search means."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.phones import Phone
from app.members import rules
from app.members.rules import SearchTerms, read_search

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("born_on", "words"),
    [
        (date(2008, 11, 22), None),  # turns 18 today
        (date(2008, 11, 23), "A member must be 18, and this person is 17."),
        (date(2026, 11, 23), "in the future"),
        (date(1906, 11, 22), None),
        (date(1905, 11, 22), "more than 120 years ago"),
        (date(2008, 2, 29), None),
    ],
)
def test_a_member_is_of_age_on_the_day_of_registration(born_on: date, words: str | None) -> None:
    sentence = rules.why_not_born_on(born_on, on=TODAY)

    assert sentence is None if words is None else words in (sentence or "")


def test_somebody_born_on_29_february_turns_18_on_1_march() -> None:
    born_on = date(2008, 2, 29)

    assert rules.age_on(born_on, date(2026, 2, 28)) == 17
    assert rules.age_on(born_on, date(2026, 3, 1)) == 18


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        ([], None),
        ([None, None], None),
        (["100"], None),
        (["33.33", "33.33", "33.34"], None),
        (["50", None, "50"], None),
        (["50"], "add up to 50 %"),
        (["60", "50"], "add up to 110 %"),
        (["33.33", "33.33", "33.33"], "add up to 99.99 %"),
    ],
)
def test_nominees_shares_add_up_to_the_whole_once_one_is_given(shares: list[str | None], words: str | None) -> None:
    sentence = rules.why_not_shares([Decimal(share) if share else None for share in shares])

    assert sentence is None if words is None else words in (sentence or "")


@pytest.mark.parametrize("typed", ["Ng'ang'a", "ng’ang’a", "NGANGA", "Nganga", "ng'anga"])
def test_a_name_is_found_however_its_apostrophes_are_typed(typed: str) -> None:
    assert rules.fold(typed) == "nganga"


def test_accents_of_kikuyu_names_do_not_matter() -> None:
    assert rules.fold("Wanjikũ Mũgĩ") == "wanjiku mugi"


def test_a_folded_name_holds_nothing_that_like_would_read_as_a_pattern() -> None:
    assert rules.fold("%_\\") == ""


def test_the_table_of_letters_has_a_plain_letter_for_each_accented_one() -> None:
    assert len(rules.ACCENTED) == len(rules.PLAIN)


@pytest.mark.parametrize(
    ("typed", "terms"),
    [
        ("", SearchTerms()),
        ("   ", SearchTerms()),
        ("M000123", SearchTerms(numbers=("M000123",))),
        ("m-123", SearchTerms(numbers=("M000123",))),
        ("123", SearchTerms(numbers=("M000123",))),
        ("5678", SearchTerms(numbers=("M005678",), phone_end="5678")),
        ("345678", SearchTerms(numbers=("M345678",), phone_end="345678", national_id="345678")),
        ("29876543", SearchTerms(national_id="29876543")),
        ("0712 345 678", SearchTerms(phone=Phone("254712345678"))),
        ("+254 712-345-678", SearchTerms(phone=Phone("254712345678"))),
        ("712345678", SearchTerms(phone=Phone("254712345678"), national_id="712345678")),
        ("a012345678z", SearchTerms(kra_pin="A012345678Z")),
        ("Wanjiku  mary", SearchTerms(words=("wanjiku", "mary"))),
        ("wan", SearchTerms(words=("wan",))),
        ("'", SearchTerms()),
    ],
)
def test_a_search_means_what_an_officer_would_mean(typed: str, terms: SearchTerms) -> None:
    assert read_search(typed) == terms


@pytest.mark.parametrize(
    ("typed", "personal"),
    [("Wanjiku", False), ("M000123", False), ("123", False), ("5678", True), ("0712345678", True), ("29876543", True)],
)
def test_a_search_with_a_phone_or_id_number_is_known_as_personal(typed: str, personal: bool) -> None:
    assert read_search(typed).is_personal == personal


@given(st.text(max_size=200))
def test_any_text_can_be_searched_for(typed: str) -> None:
    terms = read_search(typed)

    assert len(terms.words) <= rules.MAX_SEARCH_WORDS
    assert not any(set(word) & set("%_\\") for word in terms.words)


@given(st.integers(1, 10**7))
def test_a_member_number_is_read_however_it_is_spaced(n: int) -> None:
    number = f"M{n:06}"

    assert rules.member_number(number) == number
    assert rules.member_number(f" m-{n} ") == number


@given(st.text(max_size=50))
def test_reducing_to_letters_and_digits_twice_changes_nothing(text: str) -> None:
    once = rules.compact(text)

    assert rules.compact(once) == once
