"""Curves drawn on the server."""

from __future__ import annotations

import pytest

from app.kernel.money import Money, kes
from app.web import charts


def test_the_scale_begins_at_zero_and_ends_at_a_round_amount() -> None:
    drawn = charts.line("Savings", [("Oct 2026", kes(0)), ("Nov 2026", kes("184,250"))])

    assert (drawn.ceiling, drawn.middle) == ("200,000", "100,000")
    assert drawn.curve == f"M0 {charts.HEIGHT}L{charts.WIDTH} 8"


def test_a_reader_hears_what_the_picture_shows() -> None:
    drawn = charts.line("Savings", [("Dec 2025", kes(121_000)), ("Jan 2026", kes(0)), ("Nov 2026", kes("184,250.50"))])

    assert drawn.title == "Savings went from KES 121,000.00 in Dec 2025 to KES 184,250.50 in Nov 2026"
    assert drawn.rows[1] == ("Jan 2026", kes(0))


@pytest.mark.parametrize(
    ("highest", "ceiling"),
    [(0, "1,000"), (999, "1,000"), (1_001, "2,000"), (4_999, "5,000"), (5_001, "10,000"), (10**9, "1,000,000,000")],
)
def test_the_scale_reads_well_at_any_size(highest: int, ceiling: str) -> None:
    assert charts.line("Savings", [("a", Money(0)), ("b", Money(highest * 100))]).ceiling == ceiling


def test_what_is_below_zero_stays_inside_the_picture() -> None:
    drawn = charts.line("Balance", [("a", kes(100)), ("b", kes(-50))])

    assert drawn.curve.endswith(f"L{charts.WIDTH} {charts.HEIGHT}")
