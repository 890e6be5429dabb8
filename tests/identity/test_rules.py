"""How sign-in pauses, and when a session has run out."""

from datetime import UTC, datetime, timedelta

import pytest

from app.identity.rules import (
    FRESH_FOR,
    HALF_OPEN_LIMIT,
    IDLE_LIMIT,
    PAUSES,
    SESSION_LIMIT,
    Pauses,
    has_run_out,
    is_fresh,
)
from app.identity.states import STATUS_MOVES, CounterKind, SessionState, StaffStatus

NINE = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


def test_the_first_tries_are_free_and_then_pauses_double_up_to_the_longest() -> None:
    pauses = Pauses(3, timedelta(minutes=1), timedelta(minutes=5), timedelta(hours=1))

    found = [pauses.after(tries) for tries in range(1, 8)]

    minutes = [None, None, 1, 2, 4, 5, 5]
    assert found == [None if n is None else timedelta(minutes=n) for n in minutes]


def test_a_guesser_gets_fewer_than_a_hundred_tries_a_day_at_one_username() -> None:
    pauses = PAUSES[CounterKind.USERNAME]
    passed, tries = timedelta(0), 0

    while passed < timedelta(days=1):
        tries += 1
        passed += pauses.after(tries) or timedelta(0)

    assert tries <= 105  # NIST SP 800-63B allows 100 in a row for ever; the pause is then 15 minutes a try


@pytest.mark.parametrize(
    ("started", "seen", "over"),
    [
        (timedelta(minutes=14), timedelta(minutes=14), False),
        (IDLE_LIMIT, IDLE_LIMIT, True),
        (SESSION_LIMIT - timedelta(seconds=1), timedelta(seconds=1), False),
        (SESSION_LIMIT, timedelta(seconds=1), True),
    ],
)
def test_a_session_is_over_when_nobody_uses_it_or_after_a_working_day(
    started: timedelta, seen: timedelta, over: bool
) -> None:
    assert has_run_out(SessionState.OPEN, started_at=NINE - started, seen_at=NINE - seen, instant=NINE) is over


@pytest.mark.parametrize("status", list(StaffStatus))
def test_whoever_has_left_stays_gone_and_nobody_moves_to_where_he_is(status: StaffStatus) -> None:
    assert status not in STATUS_MOVES[status]
    assert (STATUS_MOVES[status] == frozenset()) is (status is StaffStatus.LEFT)


def test_a_session_that_waits_for_its_code_does_not_wait_for_long() -> None:
    seen = NINE - timedelta(seconds=1)
    soon, late = NINE - HALF_OPEN_LIMIT + timedelta(seconds=1), NINE - HALF_OPEN_LIMIT

    assert not has_run_out(SessionState.HALF_OPEN, started_at=soon, seen_at=seen, instant=NINE)
    assert has_run_out(SessionState.HALF_OPEN, started_at=late, seen_at=seen, instant=NINE)


def test_who_one_is_stays_fresh_for_ten_minutes() -> None:
    assert timedelta(minutes=10) == FRESH_FOR
    assert is_fresh(NINE - FRESH_FOR + timedelta(seconds=1), instant=NINE)
    assert not is_fresh(NINE - FRESH_FOR, instant=NINE)
    assert not is_fresh(None, instant=NINE)


def test_a_guesser_of_codes_needs_years() -> None:
    pauses = PAUSES[CounterKind.SECOND_FACTOR]
    passed, tries = timedelta(0), 0

    while passed < timedelta(days=365):
        tries += 1
        passed += pauses.after(tries) or timedelta(0)

    assert tries * 3 / 1_000_000 < 0.03  # three codes of a million are good at any time
