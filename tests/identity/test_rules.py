"""How sign-in pauses, and when a session has run out."""

from datetime import UTC, datetime, timedelta

import pytest

from app.identity.rules import IDLE_LIMIT, PAUSES, SESSION_LIMIT, Pauses, has_run_out
from app.identity.states import STATUS_MOVES, CounterKind, StaffStatus

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
    assert has_run_out(started_at=NINE - started, seen_at=NINE - seen, instant=NINE) is over


@pytest.mark.parametrize("status", list(StaffStatus))
def test_whoever_has_left_stays_gone_and_nobody_moves_to_where_he_is(status: StaffStatus) -> None:
    assert status not in STATUS_MOVES[status]
    assert (STATUS_MOVES[status] == frozenset()) is (status is StaffStatus.LEFT)
