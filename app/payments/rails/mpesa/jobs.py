"""What the doorbell and the timetable ring M-PESA for: errands, and the receipts that nobody told us of."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select

from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.doorbell import Ring, job, sweep
from app.kernel.leases import is_due
from app.kernel.schedule import daily, every
from app.kernel.transactions import in_transaction

from . import configuration, errands, pulling
from .models import MpesaErrand, MpesaPull
from .service import MpesaService

PULL_EVERY_MINUTES = 10  # mpesa.md 10.1: every 10 to 15 minutes over an overlapping window, and daily over 48 hours


@job("default")
def run_errand(errand_id: UUID) -> None:
    """Ask M-PESA what an administrator or a program wants asked."""
    task = in_transaction(lambda: errands.claim_task(errand_id))
    if task is None:
        return
    result = errands.carry_out(task)  # no transaction is open here
    in_transaction(lambda: errands.finish(task, result))


@job("default")
def pull(shortcode: str) -> None:
    """Read M-PESA's own list of receipts and credit what is missing here."""
    window = in_transaction(lambda: pulling.claim_window(shortcode))
    if window is None:
        return
    paybill = configuration.of(shortcode)
    if paybill is None or not paybill.is_complete:
        in_transaction(lambda: pulling.give_up(window))
        return
    pulling.run(window, paybill, MpesaService(paybill))


@every(minutes=PULL_EVERY_MINUTES)
def pull_receipts() -> None:
    """What callbacks and confirmations have missed lately."""
    in_transaction(lambda: errands.register_with_simulator(Actor.system("mpesa.pull_receipts")))
    for shortcode in pulling.paybills():
        in_transaction(lambda shortcode=shortcode: pulling.want_usual(shortcode))  # type: ignore[misc]  # bound at once


@daily(at_minute=75)
def pull_all_receipts() -> None:
    """Everything that M-PESA still lists, once a day."""
    for shortcode in pulling.paybills():
        in_transaction(lambda shortcode=shortcode: pulling.want_all(shortcode))  # type: ignore[misc]  # bound at once


@sweep
def due_errands() -> Iterable[Ring]:
    """Errands whose ring was lost, or whose worker died."""
    due = db.session.scalars(select(MpesaErrand.id).where(is_due(MpesaErrand)))
    return [("mpesa.run_errand", (errand_id,)) for errand_id in due]


@sweep
def due_pulls() -> Iterable[Ring]:
    """Paybills whose receipts are wanted."""
    due = db.session.scalars(select(MpesaPull.shortcode).where(is_due(MpesaPull)))
    return [("mpesa.pull", (shortcode,)) for shortcode in due]
