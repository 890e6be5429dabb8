"""The PIN of a member: given out, verified, changed, reset.

Verifying takes three steps, as signing in does: ``begin`` counts the try, ``check`` compares with no transaction open
(it is slow on purpose), ``confirm`` or ``record_failure`` writes down what came of it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from app import audit
from app.identity import passwords
from app.identity.member_codes import rules
from app.identity.member_codes.errors import NoCodeSent, PinLocked, PinPaused, PinRefused, WrongPin
from app.identity.member_codes.models import MemberPin
from app.identity.member_codes.rules import About
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.phones import Phone
from app.messaging import service as messaging


@dataclass(frozen=True, slots=True)
class Candidate:
    """Whose PIN is tried, and the hash it is held against."""

    member_id: UUID
    pin_hash: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How a member's PIN stands, for people."""

    issued_at: datetime
    changed_at: datetime
    is_locked: bool
    temporary_until: datetime | None


def issue(member_id: UUID, phone: Phone, *, about: About, language: str, by: Actor) -> None:
    """Give a member a random PIN by text, good for a day and to be changed at first use; one he had ends at once.

    Whoever gets a new one in place of an old one waits a day before money leaves: the SIM may have been swapped.
    Refuses with NoCodeSent and what texting refuses.
    """
    pin, instant = _random(about), clock.now()
    is_first = _make_row(member_id, pin, instant)
    row = _locked(member_id)
    if not is_first:
        row.pin_hash, row.issue = passwords.hashed(pin), row.issue + 1
        row.money_out_from = instant + rules.COOLING_OFF
    row.temporary_until = instant + rules.TEMPORARY_PIN_LIFE
    row.issued_at = row.changed_at = instant
    row.tries, row.tried_at, row.locked_at = 0, None, None
    texted = messaging.queue_sms(
        phone,
        "member_pin",
        {"pin": pin},
        language=language,
        cause=("member_pin", f"{member_id}:{row.issue}"),
        member_id=member_id,
    )
    if texted is None:
        raise NoCodeSent
    action = "identity.pin_issued" if is_first else "identity.pin_reset"
    audit.record(action, subject=("member", member_id), by=by, after={"pin": audit.CHANGED})


def begin(member_id: UUID) -> Candidate:
    """Count a try before the PIN is looked at, so that any number of tries at once are counted one by one.

    Refuses with PinLocked, PinPaused, and WrongPin where there is no PIN or the temporary one has run out.
    """
    row = db.session.get(MemberPin, member_id, with_for_update=True, populate_existing=True)
    instant = clock.now()
    if row is None or (row.temporary_until is not None and row.temporary_until <= instant):
        raise WrongPin
    if row.locked_at is not None:
        raise PinLocked
    if row.tried_at is not None and (wait := row.tried_at + rules.pause_after(row.tries) - instant).total_seconds() > 0:
        raise PinPaused(wait)
    row.tries, row.tried_at = row.tries + 1, instant
    if row.tries >= rules.WRONG_PINS:
        row.locked_at = instant  # unless this try is the right one
    return Candidate(member_id, row.pin_hash)


def check(candidate: Candidate, pin: str) -> None:
    """Whether this is the PIN. Slow on purpose, so it is done with no transaction open. Refuses with WrongPin."""
    if not passwords.matches(candidate.pin_hash, pin):
        raise WrongPin


def confirm(candidate: Candidate, *, by: Actor) -> bool:
    """Forget the wrong tries of a member who has shown the right PIN; True if he must choose another now.

    Refuses with WrongPin if the PIN was reset meanwhile.
    """
    row = _same(candidate)
    row.tries, row.tried_at, row.locked_at = 0, None, None
    audit.record("identity.pin_verified", subject=("member", row.member_id), by=by)
    return row.temporary_until is not None


def record_failure(candidate: Candidate, *, by: Actor) -> bool:
    """Leave a trace of a wrong PIN; True if it is locked now."""
    row = _locked(candidate.member_id)
    is_locked = row.locked_at is not None
    action = "identity.pin_locked" if is_locked else "identity.pin_failed"
    audit.record(action, subject=("member", row.member_id), by=by)
    if is_locked:
        audit.notice("pin_locked", member_id=str(row.member_id))
    return is_locked


def change(candidate: Candidate, new: str, *, about: About, by: Actor) -> None:
    """Let a member who has just shown the PIN choose another. Refuses with PinRefused, and WrongPin as ``confirm``."""
    if passwords.matches(candidate.pin_hash, new):
        raise PinRefused("Choose a PIN that differs from the one you have.")
    if sentence := rules.why_not_pin(new, about):
        raise PinRefused(sentence)
    row = _same(candidate)
    row.pin_hash, row.temporary_until, row.changed_at = passwords.hashed(new), None, clock.now()
    row.tries, row.tried_at, row.locked_at = 0, None, None
    audit.record("identity.pin_changed", subject=("member", row.member_id), by=by, after={"pin": audit.CHANGED})


def standing(member_id: UUID) -> Standing | None:
    """How a member's PIN stands; None if there was never one."""
    row = db.session.get(MemberPin, member_id)
    return row and Standing(row.issued_at, row.changed_at, row.locked_at is not None, row.temporary_until)


def money_out_from(member_id: UUID) -> datetime | None:
    """Until when no money leaves because the PIN was reset; None or past when it may."""
    row = db.session.get(MemberPin, member_id)
    return row.money_out_from if row else None


def _make_row(member_id: UUID, pin: str, instant: datetime) -> bool:
    """Claimed by the insert itself: of two who give out the first PIN at once, the second resets it."""
    values = {
        "member_id": member_id,
        "pin_hash": passwords.hashed(pin),
        "issue": 1,
        "issued_at": instant,
        "changed_at": instant,
        "tries": 0,
    }
    fresh = insert(MemberPin).values(values).on_conflict_do_nothing().returning(MemberPin.member_id)
    return db.session.scalar(fresh) is not None


def _locked(member_id: UUID) -> MemberPin:
    row = db.session.get(MemberPin, member_id, with_for_update=True, populate_existing=True)
    assert row is not None, "PINs are never deleted"
    return row


def _same(candidate: Candidate) -> MemberPin:
    row = _locked(candidate.member_id)
    if row.pin_hash != candidate.pin_hash:
        raise WrongPin
    return row


def _random(about: About) -> str:
    """A PIN that nobody chose and nobody would guess first."""
    while True:
        pin = f"{secrets.randbelow(10**rules.SHORTEST_PIN):0{rules.SHORTEST_PIN}}"
        if rules.why_not_pin(pin, about) is None:
            return pin
