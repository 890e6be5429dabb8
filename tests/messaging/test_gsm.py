"""The lengths of texts, against the table of the GSM specification and over many generated texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.messaging import gsm

TABLE = [
    ("a" * 160, "GSM-7", 160, 1),
    ("a" * 161, "GSM-7", 161, 2),
    ("a" * 306, "GSM-7", 306, 2),
    ("a" * 307, "GSM-7", 307, 3),
    ("a" * 158 + "[", "GSM-7", 160, 1),
    ("a" * 159 + "[", "GSM-7", 161, 2),
    ("a" * 152 + "[" + "a" * 152, "GSM-7", 306, 3),
    ("€" * 80, "GSM-7", 160, 1),
    ("€" * 81, "GSM-7", 162, 2),
    ("KES 1,000 ✓", "UCS-2", 11, 1),
    ("Member’s loan", "UCS-2", 13, 1),
    ("ŋ" * 70, "UCS-2", 70, 1),
    ("ŋ" * 71, "UCS-2", 71, 2),
    ("ŋ" * 66 + "😀" + "ŋ" * 10, "UCS-2", 78, 2),
]


@pytest.mark.parametrize(("text", "encoding", "units", "parts"), TABLE)
def test_a_text_is_counted_as_the_network_counts_it(text, encoding, units, parts):
    assert gsm.measure(text) == gsm.Length(encoding, units, parts)


def test_the_basic_alphabet_has_its_127_characters_and_the_extension_its_ten():
    assert len(gsm.BASIC) == 127  # 128 places, one of which is the escape
    assert len(gsm.EXTENSION) == 10
    assert not gsm.BASIC & gsm.EXTENSION


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("Member’s “loan” – paid…", 'Member\'s "loan" - paid...'),
        ("KES\u00a01,250.00", "KES 1,250.00"),
        ("Wanjikũ Mũgĩthi", "Wanjiku Mugithi"),
        ("Ngʼang`a", "Ng'ang'a"),
        ("Ng'ang'a Öztürk Ñandu", "Ng'ang'a Öztürk Ñandu"),
        ("ŋoma", "noma"),
        ("zero\u200bwidth", "zerowidth"),
        ("ﬁne", "fine"),
    ],
)
def test_normalising_finds_the_near_letters(typed, sent):
    assert gsm.normalise(typed) == sent


def test_a_name_without_near_letters_stays_right_and_costs_more():
    assert gsm.normalise("محمد") == "محمد"
    assert gsm.measure("محمد").encoding == "UCS-2"


def test_a_value_cannot_bring_line_breaks_or_control_characters():
    assert gsm.one_line("Amina\r\nBcc: x\t\x00 Otieno\u2028!") == "Amina Bcc: x Otieno !"


@given(st.text(max_size=700))
def test_parts_hold_all_units_and_waste_at_most_one_each(text):
    length = gsm.measure(text)
    alone, each = (160, 153) if length.encoding == "GSM-7" else (70, 67)

    if length.units <= alone:
        assert length.parts == 1
    else:
        assert length.units <= length.parts * each
        assert length.units > (length.parts - 1) * (each - 1)


@given(st.text(max_size=200))
def test_normalising_twice_changes_nothing_more(text):
    once = gsm.normalise(text)

    assert gsm.normalise(once) == once


@given(st.text(alphabet=sorted(gsm.BASIC | gsm.EXTENSION), max_size=200))
def test_what_is_in_the_alphabet_already_is_left_alone(text):
    assert gsm.normalise(text) == text
