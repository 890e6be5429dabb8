"""The inbox for callbacks: stored raw first, answered at once, processed once by a job.

Providers sign nothing, so each is given an unguessable address: one per attempt where a request names its address, one
per shortcode else. Only the keyed hash of a secret is kept; the secret itself is derived again when it is sent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from flask import current_app
from sqlalchemy.dialects.postgresql import insert

from app.kernel import clock, leases
from app.kernel.database import db
from app.kernel.doorbell import ring
from app.kernel.encryption import keyed_hash
from app.payments.models import CallbackOutcome, CallbackWork, HookAddress, PaymentCallback

log = logging.getLogger(__name__)

SECRET_BYTES = 16  # 32 hex digits; hex cannot spell the words that Daraja bans from addresses (mpesa.md 14)
LARGEST_BODY = 65_536  # the longest callback known is under 4 KB
ATTEMPTS = 8
PAUSE_AFTER_FAILURE = timedelta(seconds=15)  # doubled each time: about an hour in all


@dataclass(frozen=True, slots=True)
class Processed:
    """What a handler made of a callback."""

    outcome: CallbackOutcome
    detail: str = ""


Handler = Callable[[PaymentCallback], Processed]
Responder = Callable[[str, str], dict[str, str | int]]


def hook_secret(rail: str, subject_id: str) -> str:
    """The secret of the address for a subject: 32 hex digits that only this society's hash key yields."""
    return keyed_hash("hook-secret", f"{rail} {subject_id}")[:SECRET_BYTES].hex()


def open_address(rail: str, flows: str, subject_id: str) -> str:
    """Make the address of a subject known to the inbox; returns its secret. Opening it again changes nothing."""
    secret = hook_secret(rail, subject_id)
    db.session.execute(
        insert(HookAddress)
        .values(secret_hash=_secret_hash(secret), rail=rail, flows=flows, subject_id=subject_id, created_at=clock.now())
        .on_conflict_do_nothing()
    )
    return secret


def address(secret: str, flow: str) -> HookAddress | None:
    """What a secret address speaks about, or None if there is no such address."""
    found = db.session.get(HookAddress, _secret_hash(secret))
    return found if found and flow in found.flows.split() else None


def store(*, rail: str, flow: str, subject_id: str | None, body: str, source_address: str) -> UUID:
    """Keep a message as it came, and ring for it. Processing it is another transaction's work."""
    callback = PaymentCallback(
        rail=rail,
        flow=flow,
        subject_id=subject_id,
        body=body,
        body_hash=sha256(body.encode()).digest(),
        source_address=source_address,
        received_at=clock.now(),
    )
    db.session.add(callback)
    db.session.flush()  # the work row names it
    db.session.add(CallbackWork(callback_id=callback.id, due_at=clock.now()))
    ring("payments.process_callback", callback.id)
    return callback.id


def handler(rail: str, flow: str, process: Handler) -> None:
    """Have ``process`` deal with the callbacks of a flow, in the transaction that marks them done."""
    current_app.extensions.setdefault("callback_handlers", {})[rail, flow] = process


def responder(rail: str, flow: str, answer: Responder) -> None:
    """Have ``answer`` (subject, body) say what to reply at once; other flows are told "Accepted"."""
    current_app.extensions.setdefault("callback_responders", {})[rail, flow] = answer


def reply(rail: str, flow: str, subject_id: str, body: str) -> dict[str, str | int]:
    """What a provider is told at once."""
    answer: Responder | None = current_app.extensions.get("callback_responders", {}).get((rail, flow))
    return answer(subject_id, body) if answer else {"ResultCode": 0, "ResultDesc": "Accepted"}


def process(callback_id: UUID) -> None:
    """Deal with one stored callback. Claiming and effect are one transaction: it takes effect once, or is due again."""
    work = leases.claim(CallbackWork, callback_id)
    if work is None:
        return
    callback = db.session.get_one(PaymentCallback, callback_id)
    process_it: Handler = current_app.extensions["callback_handlers"][callback.rail, callback.flow]
    result = process_it(callback)
    work.outcome, work.detail, work.processed_at = result.outcome, result.detail, clock.now()
    work.attempts += 1
    leases.done(work)


def note_failure(callback_id: UUID) -> None:
    """A callback that we could not process is due again after a pause, and shown to people in the end."""
    work = db.session.get_one(CallbackWork, callback_id, with_for_update=True)
    work.attempts += 1
    if work.attempts < ATTEMPTS:
        leases.done(work, next_at=clock.now() + PAUSE_AFTER_FAILURE * 2**work.attempts)
        return
    work.outcome, work.detail = CallbackOutcome.FAILED, "It could not be processed; see the log."
    leases.done(work)
    log.error("a callback could not be processed", extra={"callback_id": str(callback_id)})


def _secret_hash(secret: str) -> bytes:
    return keyed_hash("hook-address", secret)
