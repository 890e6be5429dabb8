"""A command for tests: it writes an audit row for each time that it runs, and refuses when it is told to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from app import audit
from app.approvals import queries, registry, service
from app.approvals.registry import Command
from app.approvals.states import ApprovalState, Verdict
from app.audit.models import AuditEvent
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.effects import Change, Effect
from app.kernel.errors import Conflict
from app.kernel.fields import MoneyField, PlainLine
from app.kernel.forms import Form
from app.kernel.money import Money, kes
from app.kernel.reach import SOCIETY_WIDE, Whereabouts
from app.kernel.transactions import in_transaction

NAME = "probe.pay"
RAN, CLEARED = "probe.ran", "probe.cleared"


class Payout(Form):
    """What the probe is asked to do."""

    payee: PlainLine = "Mary Kamau"
    amount: MoneyField = kes(500)
    branch_id: int | None = None


@dataclass
class World:
    """What the probe finds when it looks, and may be told."""

    before: str = "0.00"
    trouble: str | None = None
    meanwhile: Callable[[], None] = field(default=lambda: None)


WORLD = World()


def _describe(inputs: Payout) -> Effect:
    return Effect(
        title=f"Pay {inputs.amount} to {inputs.payee}",
        payee=inputs.payee,
        total=inputs.amount,
        changes=(Change(what="Paid so far", before=WORLD.before, after=inputs.amount.plain()),),
    )


def _run(inputs: Payout, /, *, key: str, on: date, by: Actor) -> str:
    audit.record(RAN, subject=("probe", key), by=by)
    WORLD.meanwhile()
    if WORLD.trouble:
        raise Conflict(WORLD.trouble)
    return inputs.payee


def _clear(inputs: Payout, /, *, key: str, on: date, by: Actor) -> None:
    audit.record(CLEARED, subject=("probe", key), by=by, after={"payee": inputs.payee})


COMMAND: Command[Payout] = Command(
    name=NAME,
    label="Probe",
    inputs=Payout,
    ask_permission="ledger.journal",
    decide_permission="ledger.approve",
    describe=_describe,
    run=_run,
    amount=lambda inputs: inputs.amount,
    whereabouts=lambda inputs: Whereabouts(inputs.branch_id) if inputs.branch_id else SOCIETY_WIDE,
    subject=lambda inputs: ("payee", inputs.payee),
    on_refused=_clear,
    on_withdrawn=_clear,
    on_expired=_clear,
)


@contextmanager
def registered(**changes: Any) -> Iterator[World]:
    """The probe among the commands, in a fresh world."""
    registry.register(replace(COMMAND, **changes))
    WORLD.__init__()  # type: ignore[misc]  # as new
    yield WORLD
    registry._commands.pop(NAME, None)


def person(staff_id: UUID) -> Actor:
    """Somebody at a browser."""
    return Actor("staff", str(staff_id), "web", "127.0.0.1")


def ask(maker: Actor, amount: str | Money = "500", **inputs: Any) -> UUID:
    """Ask for a payout."""
    values = Payout(amount=amount if isinstance(amount, Money) else kes(amount), **inputs)
    return in_transaction(lambda: service.ask(NAME, values, by=maker, reason="The invoice is due"))


def decide(
    approval_id: UUID, checker: Actor, verdict: Verdict = Verdict.APPROVE, *, note: str | None = None,
    version: str | None = None,
) -> ApprovalState:  # fmt: skip
    """Decide about what one sees now."""
    seen = version or queries.shown(approval_id).version
    return in_transaction(lambda: service.decide(approval_id, verdict, by=checker, note=note, version=seen))


def times(action: str = RAN) -> int:
    """How often the probe ran, or cleared away, as far as was saved."""
    return db.session.scalar(select(func.count()).select_from(AuditEvent).where(AuditEvent.action == action)) or 0
