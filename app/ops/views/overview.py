"""How the system is doing, for a person: each part with a word, a tone and what to know about it."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import func, select, text

from app.kernel import clock, files
from app.kernel.database import db
from app.kernel.files import malware
from app.kernel.money import Money
from app.ledger import queries as ledger
from app.messaging.provider import sms_provider
from app.ops import health, heartbeats, metrics, verification
from app.ops.figures import Figures
from app.ops.health import Health
from app.ops.queues import QueueLength
from app.payments.models import Payment, PaymentCallback
from app.payments.states import Direction
from app.web import charts, formats
from config import Settings

HOURS_SHOWN = 24
GOOD, OFF, POOR, BAD = "ok", "info", "warn", "bad"
SLOW_QUEUE = timedelta(minutes=2)
STALE_VERIFICATION = timedelta(hours=26)
LITTLE_DISK = 0.1  # of the whole
GIGABYTE = 1 << 30
MEGABYTE = 1 << 20
WORK = {
    "payments": "sends prompts and asks what became of them",
    "callbacks": "reads what providers sent",
    "messages": "sends texts",
    "files": "checks files that were sent, makes exports",
    "default": "does the timetable's work",
    "scheduler": "minds the clock and finds what was left lying",
}


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the system: how it is, in a word, and what there is to know."""

    name: str
    tone: str
    word: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Tile:
    """One number of the row at the top."""

    label: str
    value: str
    note: str = ""
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """The whole page."""

    at: datetime
    tiles: Sequence[Tile]
    groups: Sequence[tuple[str, Sequence[Part]]]
    traffic: charts.Line | None
    relaxations: Sequence[str]
    release: str
    profile: str

    @property
    def troubles(self) -> list[Part]:
        """What somebody should look at."""
        return [part for _, parts in self.groups for part in parts if part.tone in (POOR, BAD)]


def look() -> Overview:
    """Look at everything once. The page is only reached while the database answers."""
    settings: Settings = current_app.extensions["settings"]
    found, lengths = metrics.kept().get()
    return Overview(
        at=clock.now(),
        tiles=_tiles(found),
        groups=(
            ("Servers", [*_servers(health.look()), _disk()]),
            ("Programs", [*_programs(), _beat(found)]),
            ("Queues", list(_queues(lengths))),
            ("Money and books", [_mpesa(), *_books(), _verified()]),
            ("Connections", _connections(settings)),
        ),
        traffic=_traffic(),
        relaxations=[f"{rows}: {reason}" for rows, reason in settings.relaxations.items()],
        release=settings.release,
        profile=settings.profile,
    )


def _tiles(found: Figures) -> list[Tile]:
    counts: Counter[str] = Counter()
    for sample in found.samples:
        counts[sample.reading.figure(sample.column)] += int(sample.value)
    lag = found.value("pamoja_callback_lag_seconds", "0.95")
    return [
        Tile("Payments on the way", f"{counts['pamoja_payments_open_count']:,}"),
        Tile("To allocate", f"{counts['pamoja_suspense_count']:,}", "receipts whose owner is not known"),
        Tile(
            "Callbacks take",
            "–" if lag is None else f"{lag:.1f} s",
            "95 of 100, last 10 minutes" if lag else "none lately",
        ),
        Tile("Texts waiting", f"{counts['pamoja_texts_open_count']:,}"),
        Tile(
            "Failed sign-ins",
            f"{int(found.value('pamoja_sign_ins_last_10_minutes_count', 'sign_in_failed') or 0)}",
            "last 10 minutes",
        ),
    ]


def _servers(found: Health) -> Iterator[Part]:
    version, size = db.session.execute(
        text("SELECT current_setting('server_version'), pg_database_size(current_database())")
    ).one()
    told = f"PostgreSQL {version.split()[0]}, {size // MEGABYTE:,} MB"
    yield Part("Database", GOOD, "Working", told)
    if not found.migrations:
        yield Part("Schema", BAD, "Behind", "The database is not at this release: run flask db upgrade.")
    if found.redis:
        yield Part("Redis", GOOD, "Working", "Rings the workers; holds nothing that matters.")
    else:
        yield Part("Redis", BAD, "No answer", "Work is delayed until it is back; nothing is lost.")


def _disk() -> Part:
    usage = shutil.disk_usage(".")
    told = f"{usage.free / GIGABYTE:.0f} GB free of {usage.total / GIGABYTE:.0f} GB on the web server"
    if usage.free < usage.total * LITTLE_DISK:
        return Part("Disk", BAD, "Nearly full", told)
    return Part("Disk", GOOD, "Room left", told)


def _programs() -> Iterator[Part]:
    for program in heartbeats.programs():
        name = "Scheduler" if program.name == heartbeats.SCHEDULER else f"Worker: {program.name}"
        does = WORK[program.name]
        if program.is_there:
            yield Part(name, GOOD, f"{program.running} running", f"It {does}; seen {formats.ago(program.seen_at)}.")
        else:
            last = f"Last seen {formats.ago(program.seen_at)}." if program.seen_at else "Never seen."
            yield Part(name, BAD, "Not running", f"It {does}. {last} Start it; what waits is then done.")


def _beat(found: Figures) -> Part:
    seconds = found.value("pamoja_beat_seconds")
    told = "Each minute a beat goes through scheduler, Redis and a worker."
    if seconds is None or seconds > 240:
        return Part("Beat", POOR, "Missing", told)
    return Part("Beat", GOOD, "Regular", told)


def _queues(lengths: list[QueueLength] | None) -> Iterator[Part]:
    if lengths is None:
        yield Part("All queues", POOR, "Not known", "Redis does not answer.")
    for one in lengths or []:
        failed = f"; {one.failed} failed in the last day" if one.failed else ""
        if one.oldest and one.oldest > SLOW_QUEUE:
            waits = int(one.oldest / timedelta(minutes=1))
            yield Part(one.name.capitalize(), POOR, f"{one.waiting} waiting", f"The first for {waits} minutes{failed}.")
        else:
            yield Part(one.name.capitalize(), GOOD, f"{one.waiting} waiting", f"No delay{failed}.")


def _mpesa() -> Part:
    receipt_at = db.session.scalar(select(func.max(Payment.paid_at)))
    newest = select(PaymentCallback.received_at).order_by(PaymentCallback.id.desc()).limit(1)
    callback_at = db.session.scalar(newest)
    receipt = f"Last receipt {formats.ago(receipt_at)}" if receipt_at else "No receipt yet"
    callback = f"last callback {formats.ago(callback_at)}" if callback_at else "no callback yet"
    return Part(
        "M-PESA", GOOD if receipt_at else OFF, "Receiving" if receipt_at else "Quiet", f"{receipt}, {callback}."
    )


def _books() -> Iterator[Part]:
    if not ledger.books_are_open():
        yield Part("Business date", POOR, "Not open", "The books are not open yet: flask ledger open.")
        return
    today = ledger.business_date()
    if today < clock.today_eat():
        yield Part("Business date", BAD, "Behind", f"It is still {formats.day(today)}: the close of day is late.")
    else:
        yield Part("Business date", GOOD, formats.day(today))
    waiting = ledger.unsealed_days()
    sealed = next((day for day in ledger.days(latest=len(waiting) + 2) if day.sealed_at), None)
    told = f"Last sealed: {formats.day(sealed.on)}." if sealed else "No day has been closed yet."
    yield Part("Close of day", BAD if waiting else GOOD, f"{len(waiting)} not sealed" if waiting else "Sealed", told)


def _verified() -> Part:
    last = verification.latest()
    if last is None:
        return Part("Verification", OFF, "Not yet", "The books are verified every night at half past two.")
    told = f"{last.entries:,} entries, {formats.ago(last.ended_at)}"
    if not last.is_ok:
        return Part("Verification", BAD, "Differs", f"{told}: {last.differences} differences. See the runbook.")
    if clock.now() - last.ended_at > STALE_VERIFICATION:
        return Part("Verification", POOR, "Old", f"{told}. It should run every night.")
    return Part("Verification", GOOD, "Whole", f"{told}.")


def _connections(settings: Settings) -> list[Part]:
    return [
        _switch("Texts (SMS)", sms_provider() is not None, "AFRICASTALKING_USERNAME"),
        _switch("E-mail", settings.mail_url is not None, "MAIL_URL"),
        _scanner(),
        _switch("Error tracking", settings.sentry_dsn is not None, "SENTRY_DSN"),
    ]


def _scanner() -> Part:
    """Off is a choice that must be seen; down means that files wait."""
    condition, waiting = malware.condition(), files.quarantined()
    if condition == "off":
        return Part("Malware scanner", OFF, "Off", "Files that people send are not scanned: CLAMD_URL is not set.")
    if condition == "down":
        return Part("Malware scanner", BAD, "No answer", f"{waiting:,} files wait; none of them is given out.")
    return Part("Malware scanner", GOOD, "Working", f"{waiting:,} files are being checked.")


def _switch(name: str, is_on: bool, setting: str) -> Part:
    return Part(name, GOOD, "On") if is_on else Part(name, OFF, "Off", f"{setting} is not set.")


def _traffic() -> charts.Line | None:
    """Money received by the hour; nothing to draw where nothing came."""
    now = clock.now()
    begin = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS_SHOWN - 1)
    hour = func.date_trunc("hour", Payment.paid_at)
    rows = db.session.execute(
        select(hour, func.sum(Payment.amount))
        .where(Payment.paid_at >= begin, Payment.direction == Direction.IN, Payment.merged_into_id.is_(None))
        .group_by(hour)
    )
    received = {row[0]: row[1] for row in rows}
    if not received:
        return None
    hours = [begin + timedelta(hours=number) for number in range(HOURS_SHOWN)]
    return charts.line("M-PESA by the hour", [(_hour(at), received.get(at, Money(0))) for at in hours])


def _hour(at: datetime) -> str:
    return f"{clock.eat(at):%H:00}"
