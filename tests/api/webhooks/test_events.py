"""What a receiver may ask for is what the rooms announce, and the other way round."""

from __future__ import annotations

import ast

from app.api.webhooks.events import EVENTS
from app.payments.states import PaymentState
from tests.taste.source import calls, modules


def announced() -> set[str]:
    """The events that rooms name when they announce, with those of a payment's states."""
    found = set()
    for module in modules("app"):
        for name, call in calls(module):
            if name in ("announce", "_announce") and call.args and isinstance(call.args[0], ast.Constant):
                found.add(str(call.args[0].value))
    closed = {f"payment.{state.value}" for state in PaymentState if state.is_closed or state is PaymentState.UNKNOWN}
    return found | closed


def test_every_event_is_announced_by_some_room_and_nothing_else_is() -> None:
    assert announced() == EVENTS.keys()
