"""One-time codes: texted to a phone, good once, for ten minutes, for exactly what they were asked for.

A code is bound to its purpose, its subject and the facts of the request: the code for one transfer opens no other. The
caller checks it in the transaction of the effect, and saves that transaction whatever the verdict, so that a wrong try
counts: ``check`` answers instead of raising.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from sqlalchemy import ColumnElement, func, select, update

from app import audit
from app.identity.member_codes import rules
from app.identity.member_codes.errors import CodeBudgetSpent, NoCodeSent
from app.identity.member_codes.models import OneTimeCode
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.encryption import keyed_hash
from app.kernel.phones import Phone
from app.messaging import service as messaging
from app.messaging.texts import Fact


@dataclass(frozen=True, slots=True)
class Bound:
    """What a code is good for: a purpose (``members.change_phone``), whose, and with which facts."""

    purpose: str
    subject: tuple[str, object]
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> bytes:
        """Another purpose, subject or fact has another one."""
        values = [self.purpose, *map(str, self.subject), dict(self.facts)]
        return keyed_hash("one-time-code.facts", json.dumps(values, sort_keys=True))


class Outcome(Enum):
    """What came of a try."""

    RIGHT = auto()
    WRONG = auto()
    GONE = auto()  # used, void, expired, or never sent: a new one is needed


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a try, and how many are left."""

    outcome: Outcome
    tries_left: int = 0

    @property
    def is_right(self) -> bool:
        return self.outcome is Outcome.RIGHT

    @property
    def sentence(self) -> str:
        """What to say to whoever typed it."""
        if self.outcome is Outcome.GONE:
            return "This code is no longer good. Send a new one."
        if self.tries_left == 0:
            return "This code was mistyped too often and is void. Send a new one."
        return f"This is not the code. {self.tries_left} {'try' if self.tries_left == 1 else 'tries'} left."


def send(bound: Bound, phone: Phone, template: str, facts: Mapping[str, Fact], *, language: str, by: Actor) -> None:
    """Text a new code to a phone; an older one for the same purpose and subject is void.

    ``facts`` fill the text beside ``code``. Refuses with CodeBudgetSpent, NoCodeSent and what texting refuses.
    """
    key = keyed_hash("phone", phone.msisdn)
    _lock(key)
    _check_budget(key)
    instant, kind, subject_id = clock.now(), bound.subject[0], str(bound.subject[1])
    _lock(keyed_hash("one-time-code.subject", f"{bound.purpose}\0{kind}\0{subject_id}"))
    db.session.execute(
        update(OneTimeCode).where(*_open(bound)).values(voided_at=instant).execution_options(synchronize_session=False)
    )
    code = f"{secrets.randbelow(10**rules.CODE_DIGITS):0{rules.CODE_DIGITS}}"
    row = OneTimeCode(
        purpose=bound.purpose,
        subject_type=kind,
        subject_id=subject_id,
        facts_hash=bound.digest,
        code_hash=_code_hash(bound, code),
        phone_hash=key,
        created_at=instant,
        expires_at=instant + rules.CODE_LIFE,
    )
    db.session.add(row)
    db.session.flush()  # the text is about its id
    member_id = bound.subject[1] if kind == "member" else None
    texted = messaging.queue_sms(
        phone,
        template,
        {**facts, "code": code},
        language=language,
        cause=("one_time_code", str(row.id)),
        member_id=member_id,  # type: ignore[arg-type]  # a member's id where the subject is one
    )
    if texted is None:
        raise NoCodeSent
    audit.record("identity.code_sent", subject=bound.subject, by=by, after={"purpose": bound.purpose})


def check(bound: Bound, typed: str, *, by: Actor) -> Verdict:
    """Whether this is the code that was sent for exactly this. Counts the try; a right one is used up.

    Of many right tries at once one is right: they wait for each other at the row.
    """
    row = db.session.scalar(
        select(OneTimeCode).where(*_open(bound)).with_for_update().execution_options(populate_existing=True)
    )
    instant = clock.now()
    if row is None or row.expires_at <= instant:
        return Verdict(Outcome.GONE)
    row.tries += 1
    is_bound = hmac.compare_digest(row.facts_hash, bound.digest)
    if is_bound and hmac.compare_digest(row.code_hash, _code_hash(bound, typed.strip())):
        row.used_at = instant
        _record("identity.code_used", bound, by)
        return Verdict(Outcome.RIGHT)
    left = rules.CODE_TRIES - row.tries
    if left <= 0:
        row.voided_at = instant
        audit.notice("one_time_code_void", purpose=bound.purpose, subject=str(bound.subject[1]))
    _record("identity.code_wrong", bound, by)
    return Verdict(Outcome.WRONG, max(left, 0))


def _record(action: str, bound: Bound, by: Actor) -> None:
    audit.record(action, subject=bound.subject, by=by, after={"purpose": bound.purpose})


def _open(bound: Bound) -> tuple[ColumnElement[bool], ...]:
    return (
        OneTimeCode.purpose == bound.purpose,
        OneTimeCode.subject_type == bound.subject[0],
        OneTimeCode.subject_id == str(bound.subject[1]),
        OneTimeCode.used_at.is_(None),
        OneTimeCode.voided_at.is_(None),
    )


def _check_budget(key: bytes) -> None:
    instant = clock.now()
    longest = max(span for span, _ in rules.CODE_BUDGET)
    recent = select(OneTimeCode.created_at).where(
        OneTimeCode.phone_hash == key, OneTimeCode.created_at > instant - longest
    )
    wait = rules.wait_for_budget(db.session.scalars(recent).all(), instant)
    if wait is not None:
        raise CodeBudgetSpent(wait)


def _lock(key: bytes) -> None:
    """Those who ask at the same moment are counted one after the other."""
    db.session.execute(select(func.pg_advisory_xact_lock(int.from_bytes(key[:8], signed=True))))


def _code_hash(bound: Bound, code: str) -> bytes:
    return keyed_hash("one-time-code", f"{bound.digest.hex()}\0{code}")
