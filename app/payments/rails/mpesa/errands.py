"""What a person or a program asks of M-PESA once: a row, done by a job, its result shown.

A register call may be repeated: M-PESA overwrites, or says that it knows the addresses already. So an errand whose
worker died is simply done again, a few times.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from app import audit
from app.identity.service import authorise
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.doorbell import ring
from app.kernel.errors import Missing
from app.kernel.leases import LeaseLost, claim, done, hold
from app.payments import inbox

from . import configuration, queries
from .codes import Again
from .configuration import Configuration
from .errors import NotSetUp
from .messages import ResponseType
from .models import ErrandKind, ErrandState, MpesaErrand
from .service import Hooks, MpesaService, NotAnswered

LEASE_SECONDS = 90
MOST_ATTEMPTS = 3
AGAIN_AFTER = timedelta(seconds=20)
C2B_FLOWS = "confirm validate pull"


class ErrandMissing(Missing):
    """There is no such errand."""

    code = "registration_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such registration or test.")


@dataclass(frozen=True, slots=True)
class Task:
    """One errand as values: carried out while no transaction is open."""

    id: UUID
    kind: ErrandKind
    response_type: ResponseType
    paybill: Configuration
    hooks: Hooks
    fence: int
    is_last_attempt: bool


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an errand; ``again`` asks for another attempt."""

    state: ErrandState
    detail: str
    again: bool = False


def ask(kind: ErrandKind, *, response_type: ResponseType | None = None, by: Actor) -> UUID:
    """Have something asked of M-PESA for the current paybill. Refuses with NotSetUp."""
    authorise(by, "mpesa.configure")
    paybill = configuration.current()
    if paybill is None or not paybill.is_complete:
        raise NotSetUp
    errand = MpesaErrand(
        kind=kind,
        state=ErrandState.WAITING,
        shortcode=paybill.shortcode,
        response_type=response_type or paybill.response_type,
        asked_at=clock.now(),
        asked_by=by.as_json(),
        due_at=clock.now(),
    )
    db.session.add(errand)
    db.session.flush()  # the bell names it
    audit.record(f"mpesa.{kind.value}_asked", subject=("mpesa", errand.id), by=by, after={"paybill": paybill.shortcode})
    ring("mpesa.run_errand", errand.id)
    return errand.id


def register_with_simulator(by: Actor) -> None:
    """Register with our own simulator, once, so that the demonstration hears of payments from the start.

    With Safaricom an administrator does it: in production addresses are registered one time only.
    """
    paybill = configuration.current()
    if paybill is None or not paybill.is_complete or not paybill.is_simulated:
        return
    known = queries.latest_errands(paybill.shortcode)
    for kind in (ErrandKind.C2B_REGISTER, ErrandKind.PULL_REGISTER):
        if kind not in known or known[kind].state is ErrandState.UNANSWERED:
            ask(kind, by=by)


def get(errand_id: UUID) -> MpesaErrand:
    """One errand. Refuses with ErrandMissing."""
    errand = db.session.get(MpesaErrand, errand_id)
    if errand is None:
        raise ErrandMissing
    return errand


def claim_task(errand_id: UUID) -> Task | None:
    """Take an errand that waits to be done."""
    errand = claim(MpesaErrand, errand_id, seconds=LEASE_SECONDS)
    if errand is None:
        return None
    paybill = configuration.of(errand.shortcode)
    errand.attempts += 1
    if paybill is None or not paybill.is_complete:
        _close(errand, Result(ErrandState.REFUSED, "M-PESA is no longer set up for this paybill."))
        return None
    secret = inbox.open_address("mpesa", C2B_FLOWS, paybill.shortcode)
    hooks = Hooks(*(paybill.hook(secret, flow) for flow in C2B_FLOWS.split()))
    response_type: ResponseType = "Cancelled" if errand.response_type == "Cancelled" else "Completed"
    return Task(errand.id, errand.kind, response_type, paybill, hooks, errand.fence, errand.attempts >= MOST_ATTEMPTS)


def carry_out(task: Task) -> Result:
    """Ask M-PESA. No transaction may be open."""
    service = MpesaService(task.paybill)
    try:
        match task.kind:
            case ErrandKind.CONNECTION_TEST:
                return Result(ErrandState.DONE, service.test_connection(at=clock.now()))
            case ErrandKind.C2B_REGISTER:
                service.register_c2b(task.hooks, task.response_type)
                return Result(ErrandState.DONE, "Payments to the paybill are announced to us from now on.")
            case ErrandKind.PULL_REGISTER:
                service.register_pull(task.hooks)
                return Result(ErrandState.DONE, "Receipts can be pulled.")
    except NotAnswered as trouble:
        meaning = trouble.meaning
        if meaning.needs_operator or meaning.again is Again.NOW:
            return Result(ErrandState.REFUSED, f"{meaning.words}.")
        if task.is_last_attempt:
            return Result(ErrandState.UNANSWERED, "M-PESA did not answer. Try again in a few minutes.")
        return Result(ErrandState.WAITING, "M-PESA did not answer: trying again.", again=True)
    except ValueError as wrong:
        return Result(ErrandState.REFUSED, str(wrong))


def finish(task: Task, result: Result) -> None:
    """Keep what came of it."""
    try:
        errand = hold(MpesaErrand, task.id, fence=task.fence)
    except LeaseLost:
        return
    if result.again:
        errand.detail = result.detail
        done(errand, next_at=clock.now() + AGAIN_AFTER)
        return
    _close(errand, result)


def _close(errand: MpesaErrand, result: Result) -> None:
    errand.state, errand.detail, errand.answered_at = result.state, result.detail, clock.now()
    done(errand)
