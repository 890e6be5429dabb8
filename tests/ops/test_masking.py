"""What never reaches a log line, wherever it comes from."""

import pytest

from app.ops.masking import masked


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("prompt to 254712345678 failed", "prompt to 2547•••678 failed"),
        ("prompt to +254 failed for 0712 345 678.", "prompt to +254 failed for 07•••678."),
        ("phone 0112345678", "phone 01•••678"),
        ("ws_CO_22112026104102254712345678", "ws_CO_221120261041022547•••678"),
        ("POST /hooks/m/00112233445566778899aabbccddeeff/stk", "POST /hooks/m/***/stk"),
        ("POST /hooks/s/00112233445566778899aabbccddeeff/delivery", "POST /hooks/s/***/delivery"),
        ("route /hooks/m/<secret>/<flow>", "route /hooks/m/<secret>/<flow>"),
        ("GET /api/mpesa/query/ws_CO_2211?x=1", "GET /api/mpesa/query/***?x=1"),
        ("Authorization: Bearer pmj_AbC-123_x", "Authorization: Bearer ***"),
        ("token pmj_AbC-123_x.", "token pmj_***."),
        ("Basic dXNlcjpwYXNz==", "Basic ***"),
        ("refused\nDETAIL:  Key (phone)=(0712) exists.\nHINT: x", "refused\nDETAIL: (left out)\nHINT: x"),
        ("[SQL: INSERT]\n[parameters: ('Grace', '1')]", "[SQL: INSERT]\n[parameters: (left out)"),
    ],
)
def test_secrets_and_personal_data_are_taken_out(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "entry 1254712 posted",
        "payment 0198f3c2-0712-7000-8000-000000000001 is paid",
        "KES 1,250.50 on 2026-11-22",
        "took 12 ms",
    ],
)
def test_ordinary_words_and_identifiers_stay(text: str) -> None:
    assert masked(text) == text
