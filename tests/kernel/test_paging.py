"""Pages by key: every row once, in order, whatever is added meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from app.kernel.database import db
from app.kernel.errors import Invalid
from app.kernel.paging import keyset
from app.kernel.schedule import ScheduleSlot
from app.kernel.transactions import in_transaction

START = datetime(2026, 11, 22, tzinfo=UTC)


def add(number, *, minutes):
    def work():
        slot = ScheduleSlot(job=f"test.{number}", slot_at=START + timedelta(minutes=minutes), due_at=None)
        db.session.add(slot)

    in_transaction(work)


def read(after=None, size=3):
    query = select(ScheduleSlot).where(ScheduleSlot.job.startswith("test."))
    return keyset(query, by=(ScheduleSlot.slot_at, ScheduleSlot.id), after=after, size=size)


def test_every_row_is_shown_once_newest_first_though_some_share_their_moment(app):
    for number in range(8):
        add(number, minutes=number // 2)

    seen, after = [], None
    while True:
        page = read(after)
        seen += page.items
        after = page.next
        if after is None:
            break
        add(f"late-{len(seen)}", minutes=100)  # what is added meanwhile belongs to the first page

    assert len({slot.id for slot in seen}) == len(seen) == 8
    assert [slot.slot_at for slot in seen] == sorted((slot.slot_at for slot in seen), reverse=True)


@pytest.mark.parametrize("token", ["x", "====", "bnVsbA", "WzEsMl0", "W10", "a" * 300, "é"])
def test_a_token_that_is_not_ours_is_refused(app, token):
    with pytest.raises(Invalid):
        read(token)
