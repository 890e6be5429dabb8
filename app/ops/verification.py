"""The books are verified by the clock every night, and how it ended is kept: an alarm looks at the newest row."""

from __future__ import annotations

import logging
from datetime import datetime

from rq.timeouts import JobTimeoutException
from sqlalchemy import select

from app.kernel import clock
from app.kernel.database import db
from app.kernel.schedule import daily
from app.kernel.transactions import in_transaction
from app.ledger.verify import Report, verify
from app.ops.models import Verification

log = logging.getLogger(__name__)

LONGEST_DETAIL = 2000


@daily(at_minute=150)
def verify_books() -> None:
    """Check every rule of the books, as `flask ledger verify` does, and keep the answer."""
    begun_at = clock.now()
    try:
        report = verify()
    except JobTimeoutException:  # trying again at once would take as long; an alarm rings when a night is missing
        log.exception("the books could not be verified in the time of a job")
        return
    in_transaction(lambda: keep(report, begun_at))
    if not report.ok:
        log.error("the books disagree with themselves", extra={"differences": report.found})


def keep(report: Report, begun_at: datetime) -> None:
    """Write down what a verification found."""
    db.session.add(
        Verification(
            begun_at=begun_at,
            ended_at=clock.now(),
            is_ok=report.ok,
            entries=report.counts["entries"],
            differences=sum(report.found.values()),
            detail="\n".join(map(str, report.differences))[:LONGEST_DETAIL],
        )
    )


def latest() -> Verification | None:
    """How the newest verification ended."""
    return db.session.scalar(select(Verification).order_by(Verification.ended_at.desc()).limit(1))
