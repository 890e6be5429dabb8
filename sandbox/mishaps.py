"""One request of a client, carried out and answered; or refused, or lost, as a fault wants it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Response

from sandbox import faults, hanging
from sandbox.core import books
from sandbox.faults import Fault


@dataclass(frozen=True)
class Words:
    """How a provider says what went wrong."""

    refusal: Callable[[Fault], Response]  # spike_arrest, refused, token_expired: nothing is carried out
    internal_error: Callable[[], Response]


def around(
    provider: str, operation: str, phone: str | None, carry_out: Callable[[], Response], words: Words
) -> Response:
    """Carry a request out unless a fault stops it before, and answer unless a fault loses the answer after."""
    before = _take(provider, operation, phone, faults.REFUSED_BEFORE)
    if before is not None:
        return _lost(before, words) or words.refusal(before)
    answer = carry_out()
    after = _take(provider, operation, phone, faults.LOST_ANSWERS)
    return (after and _lost(after, words)) or answer


def _lost(fault: Fault, words: Words) -> Response | None:
    if fault.kind in ("timeout_before", "timeout_after"):
        return hanging.never(fault)
    if fault.kind in ("error_500_before", "error_500_after"):
        return words.internal_error()
    return None


def _take(provider: str, operation: str, phone: str | None, kinds: frozenset[str]) -> Fault | None:
    with books().reading() as tx:
        if not faults.are_set(tx, provider):  # the usual case need not queue for the writer's lock
            return None
    with books().writing() as tx:
        return faults.take(tx, provider, operation, phone, kinds)
