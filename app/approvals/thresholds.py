"""How many people decide about a command: what the board set for it from a day on, else what it comes with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator
from sqlalchemy import select

from app import audit
from app.approvals import registry
from app.approvals.models import ApprovalRule
from app.approvals.registry import AnyCommand
from app.approvals.rules import DAYS_TO_DECIDE, Threshold
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.effects import Change, Effect
from app.kernel.errors import Invalid
from app.kernel.fields import DateField, MoneyField, PlainLine
from app.kernel.forms import Form
from app.kernel.money import ZERO, Money


def _not_negative(amount: Money) -> Money:
    if amount.cents < 0:
        raise ValueError("Enter zero or more.")
    return amount


Amount = Annotated[MoneyField, AfterValidator(_not_negative)]


class NewThreshold(Form):
    """From which amounts one and two people decide about a command, from a day on."""

    command: Annotated[str, Field(max_length=60)]
    starts_on: DateField
    one_from: Amount = ZERO
    two_from: Amount | None = None
    days: Annotated[int, Field(ge=1, le=90)] = DAYS_TO_DECIDE
    decision: Annotated[PlainLine, Field(min_length=3, max_length=200)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.two_from is not None and self.two_from < self.one_from:
            raise ValueError("Two people cannot be needed from a smaller amount than one.")
        return self


def threshold(command: AnyCommand, *, on: date) -> Threshold:
    """What holds for a command on a day."""
    row = db.session.scalar(
        select(ApprovalRule)
        .where(ApprovalRule.command == command.name, ApprovalRule.starts_on <= on)
        .order_by(ApprovalRule.starts_on.desc())
        .limit(1)
    )
    return Threshold(row.one_from, row.two_from, row.days) if row else command.threshold


def decided_for(command: str) -> Sequence[ApprovalRule]:
    """Everything that was ever decided for a command, the latest first."""
    decided = select(ApprovalRule).where(ApprovalRule.command == command)
    return db.session.scalars(decided.order_by(ApprovalRule.starts_on.desc())).all()


def effect(inputs: NewThreshold) -> Effect:
    """What will be another. Refuses with Invalid."""
    command, on = _check(inputs), clock.business_date()
    was, will_be = threshold(command, on=on), Threshold(inputs.one_from, inputs.two_from, inputs.days)
    rows = [
        ("Somebody else decides from", str(was.one_from), str(will_be.one_from)),
        ("Two others decide from", _or_never(was.two_from), _or_never(will_be.two_from)),
        ("Waits for", f"{was.days} days", f"{will_be.days} days"),
    ]
    return Effect(
        title=f"Who decides about: {command.label}",
        facts=(("Since", f"{inputs.starts_on.day} {inputs.starts_on:%b %Y}"), ("Decision", inputs.decision)),
        changes=tuple(Change(what=what, before=before, after=after) for what, before, after in rows if before != after),
    )


def add(inputs: NewThreshold, /, *, key: str, on: date, by: Actor) -> str:
    """Note what the board decided. Refuses with Invalid."""
    _check(inputs)
    rule = ApprovalRule(
        command=inputs.command,
        starts_on=inputs.starts_on,
        one_from=inputs.one_from,
        two_from=inputs.two_from,
        days=inputs.days,
        decision=inputs.decision,
        created_by=by.principal,
    )
    db.session.add(rule)
    db.session.flush()  # the caller is told its id
    audit.record("approvals.rule_added", subject=("approval_rule", rule.id), by=by, after=inputs.model_dump())
    return str(rule.id)


def rule(rule_id: UUID) -> ApprovalRule | None:
    """One decision of the board."""
    return db.session.get(ApprovalRule, rule_id)


def _check(inputs: NewThreshold) -> AnyCommand:
    command = registry.find(inputs.command)
    if command is None:
        raise Invalid({"command": "Choose one of the options."})
    if inputs.starts_on < clock.business_date():
        raise Invalid({"starts_on": "It starts today or later. What held in the past cannot be changed."})
    if any(known.starts_on == inputs.starts_on for known in decided_for(inputs.command)):
        raise Invalid({"starts_on": "A decision that starts on this day is already there."})
    return command


def _or_never(amount: Money | None) -> str:
    return "never" if amount is None else str(amount)


COMMAND = registry.Command(
    name="approvals.rule",
    label="Who decides about what",
    inputs=NewThreshold,
    ask_permission="approvals.set_rules",
    decide_permission="approvals.approve_rules",
    describe=effect,
    run=add,
    subject=lambda inputs: ("approval_command", inputs.command),
)
