"""Reversing an entry: its mirror is posted, once somebody else has looked at it. The entry itself stays as it is."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.effects import Effect, Movement
from app.kernel.fields import PlainLine
from app.kernel.forms import Form
from app.kernel.money import ZERO, Money, total
from app.kernel.reach import Whereabouts
from app.ledger import entries, journals, queries, service
from app.ledger.errors import AlreadyReversed, NotReversible
from app.ledger.values import Cause, EntryId

_by_hand = {journals.CAUSE}


class Reversal(Form):
    """Which entry, and why: the reason stands on the new entry for ever."""

    entry_id: Annotated[int, Field(gt=0)]
    reason: Annotated[PlainLine, Field(min_length=3, max_length=120)]


def allow(cause_type: str) -> None:
    """Let accountants reverse what a room posted; called by ``create_app`` for rooms that lose nothing by it.

    Everything else belongs to its room: reversing a payment's entry alone would leave the payment as if it stood.
    """
    _by_hand.add(cause_type)


def why_not(entry_id: int) -> str | None:
    """Why an entry cannot be reversed by hand, in words. Refuses with EntryMissing."""
    head = queries.entry(entry_id)
    if queries.reversal_of(entry_id):
        return "It was already reversed."
    if head.reverses:
        return "It is a reversal itself. Write a journal instead."
    if head.cause.type not in _by_hand:
        return f"It belongs to a {_words(head.cause)} and is corrected there, so that both stay the same."
    return None


def effect(asked: Reversal) -> Effect:
    """What the new entry will be. Refuses with EntryMissing, AlreadyReversed and NotReversible."""
    _check(asked.entry_id)
    head, on = queries.entry(asked.entry_id), clock.business_date()
    return Effect(
        title=f"Reversal of entry {head.id}: {head.description}",
        facts=(
            ("Entry", f"{head.id}, which counted on {_day(head.value_on)}"),
            ("Counts on", _day(on)),
            ("Reason", asked.reason),
        ),
        movements=tuple(
            Movement(account=line.account_name, branch=line.branch, debit=line.credit, credit=line.debit)
            for line in entries.lines(asked.entry_id)
        ),
        total=amount(asked),
    )


def run(asked: Reversal, /, *, key: str, on: date, by: Actor) -> str:
    """Post the mirror; returns the new entry. Refuses as `effect` does, and with what the ledger refuses."""
    _check(asked.entry_id)
    return str(service.reverse(EntryId(asked.entry_id), on=on, key=key, by=by, reason=asked.reason))


def amount(asked: Reversal) -> Money:
    """How much the entry moved."""
    lines = queries.lines(asked.entry_id)
    return total(line.amount for line in lines if line.amount > ZERO)


def whereabouts(asked: Reversal) -> Whereabouts | None:
    """Where the entry belongs."""
    return entries.whereabouts(asked.entry_id)


def _check(entry_id: int) -> None:
    if queries.reversal_of(entry_id):
        raise AlreadyReversed("This entry was already reversed. No money moved.")
    if sentence := why_not(entry_id):
        raise NotReversible(sentence)


def _words(cause: Cause) -> str:
    return cause.type.replace("_", " ")


def _day(value: date) -> str:
    return f"{value.day} {value:%b %Y}"
