"""What members read: short, in their language, and safe against whatever is put into it."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.money import Money, kes
from app.messaging import gsm, texts
from app.messaging.texts import Language

LARGEST = {
    "amount": kes("999,999.00"),
    "purpose": "registration fee",
    "account": "SV-123456789",
    "receipt": "SGR7ABCDEF",
    "at": datetime(2026, 11, 22, 7, 41, tzinfo=UTC),
    "balance": kes("99,999,999.99"),
    "name": "Christopher Wanyonyi",
    "number": "M00123456",
    "code": "482913",
    "pin": "4829",
    "ending": "678",
}
"""As long as values really get: the M-PESA limit is KES 250,000 and a society's largest savings are eight figures."""


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("name", texts.TEMPLATES)
def test_every_text_fits_one_part_with_the_largest_values(name, language):
    length = gsm.measure(texts.compose(name, LARGEST, language=language))

    assert length.encoding == "GSM-7"
    assert length.parts == 1, f"{length.units} septets"


@pytest.mark.parametrize("name", texts.TEMPLATES)
def test_both_languages_tell_the_same_facts(name):
    template = texts.TEMPLATES[name]

    for words in (template.english, template.swahili):
        assert template.facts == set(texts._PLACE.findall(words))
        assert gsm.is_gsm7(words)
        assert set(LARGEST) >= template.facts


def test_a_receipt_reads_as_a_member_expects():
    text = texts.compose(
        "payment_received",
        {
            "amount": kes("1,250"),
            "purpose": "savings",
            "account": "SV-000123",
            "receipt": "UKM4T7X2QA",
            "at": datetime(2026, 11, 22, 7, 41, tzinfo=UTC),
            "balance": kes("184,250"),
        },
        language=Language.ENGLISH,
    )

    assert text == (
        "Received KES 1,250.00 for savings SV-000123. Receipt UKM4T7X2QA, 22/11/2026 10:41."
        " New balance KES 184,250.00. Thank you."
    )


def test_a_purpose_without_a_word_of_its_own_is_said_as_the_office_says_it():
    assert texts._written("purpose", "Hall hire", Language.SWAHILI) == "Hall hire"


def test_what_the_money_is_for_is_said_in_swahili():
    facts = {"amount": kes("500"), "purpose": "savings", "account": "SV-000123"}

    assert "KES 500.00 kwa akiba SV-000123" in texts.compose("payment_prompt", facts, language=Language.SWAHILI)


def test_dates_are_written_day_first():
    assert texts._written("on", date(2026, 11, 2), Language.ENGLISH) == "02/11/2026"


def test_a_missing_fact_is_our_mistake():
    with pytest.raises(AssertionError, match="member_welcome needs number"):
        texts.compose("member_welcome", {"name": "Amina"}, language=Language.ENGLISH)


@pytest.mark.parametrize("hostile", ["{0.__class__}", "{balance.__class__}", "%n%s", "{{7*7}}", "{}", "{balance!r}"])
def test_format_strings_stay_as_they_were_written(hostile):
    values = {"name": "Amina", "balance": "KES 1.00"}

    assert texts.fill(f"Dear {{name}}: {hostile}", values) == f"Dear Amina: {hostile}"
    assert texts.fill("Dear {name}", {"name": hostile}) == f"Dear {hostile}"


def test_a_value_that_looks_like_a_place_is_not_filled_in():
    assert texts.fill("{account} {balance}", {"account": "{balance}", "balance": "KES 9"}) == "{balance} KES 9"


def test_a_long_or_broken_value_cannot_take_over_the_text():
    text = texts.compose(
        "member_welcome",
        {"number": "M000123", "name": "X\r\nFree money! Call 0700 000 000 now and get rich " * 3},
        language=Language.ENGLISH,
    )

    assert text.startswith("Welcome, X Free money! Call 0700 000 000 now and. Your member number is M000123.")


@given(name=st.text(min_size=1, max_size=200), cents=st.integers(0, 10**12))
def test_any_name_makes_a_text_that_can_be_sent(name, cents):
    facts = LARGEST | {"name": name, "amount": Money(cents)}

    for template in texts.TEMPLATES:
        text = texts.compose(template, facts, language=Language.SWAHILI)
        assert "\n" not in text and gsm.measure(text).parts <= 5
