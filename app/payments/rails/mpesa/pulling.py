"""Receipts pulled from M-PESA's own list: what callbacks and confirmations have missed.

One row for each paybill says when its list is wanted next and how far it is known. Windows overlap, so a receipt that
M-PESA lists late is found by a later pull.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.doorbell import ring
from app.kernel.leases import LeaseLost, claim, done, hold
from app.kernel.transactions import in_transaction

from . import arrivals, configuration, queries
from .codes import Meaning
from .configuration import Configuration
from .messages import PulledLine, PulledPage
from .models import MpesaPull, MpesaTransaction, TransactionChannel
from .service import MpesaService, NotAnswered

LEASE_SECONDS = 150  # longer than a job may run
OVERLAP = timedelta(hours=1)  # before what is known to be complete
USUAL_WINDOW = timedelta(hours=3)
LONGEST_WINDOW = timedelta(hours=48)  # M-PESA's list reaches no further back
BEFORE_A_PROMPT = timedelta(minutes=20)  # a receipt may lie up to a quarter of an hour before its prompt
BETWEEN_PULLS = timedelta(seconds=15)  # however many payments wait for a receipt
AFTER_TROUBLE = timedelta(minutes=2)
MOST_PAGES = 500


@dataclass(frozen=True, slots=True)
class Window:
    """What one pull is to read."""

    shortcode: str
    since: datetime
    until: datetime
    fence: int


def want(shortcode: str, *, since: datetime) -> None:
    """Have the receipts since a moment pulled soon, in the caller's transaction."""
    instant = clock.now()
    soon = func.greatest(instant, MpesaPull.pulled_at + BETWEEN_PULLS)
    db.session.execute(
        insert(MpesaPull)
        .values(shortcode=shortcode, due_at=instant, wanted_since=since)
        .on_conflict_do_update(
            index_elements=[MpesaPull.shortcode],
            set_={
                "due_at": func.least(func.coalesce(MpesaPull.due_at, soon), soon),
                "wanted_since": func.least(func.coalesce(MpesaPull.wanted_since, since), since),
            },
        )
    )
    ring("mpesa.pull", shortcode)


def want_usual(shortcode: str) -> None:
    """Have the usual overlapping window pulled."""
    row = db.session.get(MpesaPull, shortcode)
    start = clock.now() - USUAL_WINDOW
    if row is not None and row.complete_until is not None:
        start = min(start, row.complete_until - OVERLAP)
    want(shortcode, since=start)


def want_all(shortcode: str) -> None:
    """Have everything pulled that M-PESA still lists."""
    want(shortcode, since=clock.now() - LONGEST_WINDOW)


def claim_window(shortcode: str) -> Window | None:
    """Take the pull of one paybill, if it is due and nobody is at it."""
    row = claim(MpesaPull, shortcode, seconds=LEASE_SECONDS)
    if row is None:
        return None
    instant = clock.now()
    # A pull that died has left behind what it was to read; what is asked for from now on is another pull's work.
    asked = [since for since in (row.wanted_since, row.reading_since) if since is not None]
    since = max(min(asked, default=instant - USUAL_WINDOW), instant - LONGEST_WINDOW + timedelta(minutes=1))
    row.reading_since, row.wanted_since = since, None
    return Window(shortcode, since, instant, row.fence)


def give_up(window: Window) -> None:
    """The paybill is no longer set up: nothing is due until it is."""
    row = hold(MpesaPull, window.shortcode, fence=window.fence)
    row.detail = "M-PESA is not set up for this paybill."
    done(row)


def run(window: Window, paybill: Configuration, service: MpesaService) -> None:
    """Read the window page by page, credit what is new, and note how far the list is known."""
    by = Actor.system("mpesa.pull")
    try:
        rows = 0
        for page in _pages(window, service):
            rows += page.rows
            _credit_page(page, paybill, by)
    except NotAnswered as trouble:
        meaning = trouble.meaning
        in_transaction(lambda: _finish(window, trouble=meaning))
        return
    in_transaction(lambda: _finish(window, detail=f"{rows} receipts listed"))


def _pages(window: Window, service: MpesaService) -> Iterable[PulledPage]:
    """Pages until an empty one: how many rows a full page holds is not published."""
    offset = 0
    for _ in range(MOST_PAGES):
        page = service.pull(window.since, window.until, offset=offset)
        if page.rows == 0:
            return
        yield page
        offset += page.rows


def _credit_page(page: PulledPage, paybill: Configuration, by: Actor) -> None:
    """Credit each receipt that no payment carries yet, in a transaction of its own; note the channel of the others."""
    numbers = [line.receipt_number for line in page.lines]
    known = in_transaction(lambda: _note_channel(numbers))
    for line in page.lines:
        if line.receipt_number not in known:
            arrival, times = _arrival(line, paybill)
            in_transaction(
                lambda arrival=arrival, times=times: arrivals.credit_unprompted(  # type: ignore[misc]  # bound at once
                    arrival, shortcodes=paybill.numbers, times=times, by=by
                )
            )


def _note_channel(numbers: list[str]) -> set[str]:
    known = queries.known_receipts(numbers)
    pulled = TransactionChannel.PULL.value
    db.session.execute(
        update(MpesaTransaction)
        .where(MpesaTransaction.receipt_number.in_(known), ~MpesaTransaction.channels.contains([pulled]))
        .values(channels=func.array_append(MpesaTransaction.channels, pulled))
        .execution_options(synchronize_session=False)
    )
    return known


def _arrival(line: PulledLine, paybill: Configuration) -> tuple[arrivals.Arrival, list[datetime]]:
    """A pulled line as an arrival, with each way to read its time (see `fields.PullTime`)."""
    arrival = arrivals.Arrival(
        receipt_number=line.receipt_number,
        shortcode=paybill.shortcode,
        amount=line.amount,
        paid_at=line.at.at(now=clock.now()),
        payer=line.payer,
        payer_name="",
        account_text=line.account_text,
        channel=TransactionChannel.PULL,
    )
    return arrival, [line.at.as_utc, line.at.as_eat]


def _finish(window: Window, *, detail: str = "", trouble: Meaning | None = None) -> None:
    """Note what this pull showed; the next one is due when somebody wants it, or soon after a failure."""
    try:
        row = hold(MpesaPull, window.shortcode, fence=window.fence)
    except LeaseLost:
        return
    row.pulled_at = clock.now()
    if trouble is not None:
        row.detail = trouble.words
        # What only an administrator can mend is tried again by the timetable, not every two minutes.
        done(row, next_at=None if trouble.needs_operator else clock.now() + AFTER_TROUBLE)
        return
    row.detail, row.reading_since = detail, None
    if row.complete_until is None or window.since <= row.complete_until:
        row.complete_until = max(window.until, row.complete_until or window.until)
    done(row, next_at=clock.now() + BETWEEN_PULLS if row.wanted_since else None)


def paybills() -> list[str]:
    """Every paybill whose receipts are pulled."""
    return [paybill.shortcode for paybill in configuration.every() if paybill.is_complete]


def complete_until(shortcode: str) -> datetime | None:
    """Up to when every receipt of a paybill is known, for the settings page and alarms."""
    return db.session.scalar(select(MpesaPull.complete_until).filter_by(shortcode=shortcode))
