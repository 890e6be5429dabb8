"""Faults that somebody set: what kinds there are, what each may be set on, and taking one when its moment comes."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox import clock, phones
from sandbox.books import Tx, insert
from sandbox.daraja.errors import REFUSALS, RESULTS

LONGEST_DELAY_SECONDS = 600
MOST_TIMES = 10_000

DARAJA_REQUESTS = frozenset(
    {"oauth", "stk_push", "stk_query", "c2b_register", "c2b_simulate", "pull_register", "pull_query"}
)
DARAJA_MONEY = frozenset({"stk_push", "c2b_payment"})
OPERATIONS: Mapping[str, frozenset[str]] = {
    "daraja": DARAJA_REQUESTS | DARAJA_MONEY,
    "africastalking": frozenset({"sms", "delivery_report"}),
}

ALIASES: Mapping[str, str] = {
    "token": "oauth",
    "stk": "stk_push",
    "stkpush": "stk_push",
    "stk_callback": "stk_push",
    "query": "stk_query",
    "stkpushquery": "stk_query",
    "stk_push_query": "stk_query",
    "c2b": "c2b_payment",
    "paybill": "c2b_payment",
    "c2b_confirmation": "c2b_payment",
    "confirmation": "c2b_payment",
    "pull": "pull_query",
    "messaging": "sms",
}

REFUSED_BEFORE = frozenset({"spike_arrest", "token_expired", "timeout_before", "error_500_before", "refused"})
LOST_ANSWERS = frozenset({"timeout_after", "error_500_after"})
CALLBACKS = frozenset(
    {"callback_lost", "callback_late", "callback_duplicate", "callback_forged", "callback_out_of_order"}
)
OUTCOMES = frozenset({"insufficient_funds", "wrong_pin", "cancelled", "unreachable", "result"})
KINDS = REFUSED_BEFORE | LOST_ANSWERS | CALLBACKS | OUTCOMES


@dataclass(frozen=True)
class Reach:
    """What a kind of fault may be set on, and what it concerns when nothing is said."""

    allowed: frozenset[str]
    by_default: frozenset[str]


def _reach(provider: str, kind: str) -> Reach | None:
    """None: this provider has no such fault."""
    if provider == "africastalking":
        return _messaging_reach(kind)
    if kind in CALLBACKS:
        return Reach(DARAJA_MONEY, DARAJA_MONEY)
    if kind == "unreachable":
        return Reach(frozenset({"stk_push"}), frozenset({"stk_push"}))
    if kind in OUTCOMES:
        return Reach(DARAJA_MONEY, DARAJA_MONEY)
    if kind == "token_expired":
        return Reach(DARAJA_REQUESTS - {"oauth"}, DARAJA_REQUESTS - {"oauth"})
    # Without an operation, a lost or refused request is the one that moves money: a token call or a poll that
    # happens to come first must not use the fault up.
    return Reach(DARAJA_REQUESTS, frozenset({"stk_push"}))


def _messaging_reach(kind: str) -> Reach | None:
    if kind in CALLBACKS or kind == "unreachable":
        return Reach(frozenset({"delivery_report"}), frozenset({"delivery_report"}))
    if kind in ("wrong_pin", "cancelled", "result", "refused"):
        return None
    return Reach(frozenset({"sms"}), frozenset({"sms"}))


@dataclass(frozen=True)
class Fault:
    """One fault, taken for the thing it is about to happen to."""

    kind: str
    delay_ms: int
    extra: Mapping[str, Any] = field(default_factory=dict)

    def delay_or(self, default_ms: int) -> int:
        """The delay that was asked for, else the one that is natural for this kind."""
        return self.delay_ms or default_ms


def add(tx: Tx, wish: Mapping[str, Any]) -> int:
    """Set a fault as ``POST /control/faults`` words it. Refuses (ValueError) what makes no sense, in words."""
    unknown = set(wish) - {"provider", "operation", "phone", "fault", "times", "delay_seconds", "code", "variant"}
    if unknown:
        raise ValueError(f"unknown field {', '.join(sorted(unknown))}")
    provider, kind = wish.get("provider"), wish.get("fault")
    if provider not in OPERATIONS:
        raise ValueError("provider must be one of " + ", ".join(sorted(OPERATIONS)))
    if kind not in KINDS:
        raise ValueError("fault must be one of " + ", ".join(sorted(KINDS)))
    operations = _operations(str(provider), str(kind), wish.get("operation"))
    phone = phones.msisdn(wish["phone"]) if wish.get("phone") else None
    times = _number(wish, "times", 1, most=MOST_TIMES, least=1)
    delay = _number(wish, "delay_seconds", 0, most=LONGEST_DELAY_SECONDS)
    return insert(
        tx,
        "fault",
        provider=provider,
        kind=kind,
        operations=" ".join(sorted(operations)),
        phone=phone,
        times_left=int(times),
        delay_ms=int(delay * 1000),
        extra=json.dumps(_extra(str(kind), wish)),
        created_at=clock.now_ms(),
    )


def take(tx: Tx, provider: str, operation: str, phone: str | None, kinds: Collection[str]) -> Fault | None:
    """Use up the oldest fault that fits what is happening; each is used as often as ``times`` says."""
    rows = tx.execute("SELECT * FROM fault WHERE provider = ? AND times_left > 0 ORDER BY id", (provider,)).fetchall()
    for row in rows:
        if row["kind"] in kinds and operation in row["operations"].split() and row["phone"] in (None, phone):
            tx.execute("UPDATE fault SET times_left = times_left - 1 WHERE id = ?", (row["id"],))
            return Fault(row["kind"], row["delay_ms"], json.loads(row["extra"]))
    return None


def are_set(tx: Tx, provider: str) -> bool:
    """Whether any fault of a provider has not been used up."""
    return tx.execute("SELECT 1 FROM fault WHERE provider = ? AND times_left > 0", (provider,)).fetchone() is not None


def waiting(tx: Tx, phone: str | None = None) -> list[dict[str, Any]]:
    """Faults that have not been used up, of one number or of all."""
    rows = tx.execute("SELECT * FROM fault WHERE times_left > 0 ORDER BY id").fetchall()
    return [
        {
            "id": row["id"],
            "provider": row["provider"],
            "operations": row["operations"].split(),
            "phone": row["phone"],
            "fault": row["kind"],
            "times": row["times_left"],
            "delay_seconds": row["delay_ms"] / 1000,
            **json.loads(row["extra"]),
        }
        for row in rows
        if phone is None or row["phone"] in (None, phone)
    ]


def clear(tx: Tx) -> None:
    """Forget all faults; what they have already done stays done."""
    tx.execute("UPDATE fault SET times_left = 0")


def remove(tx: Tx, fault_id: int) -> bool:
    """Forget one fault."""
    return tx.execute("UPDATE fault SET times_left = 0 WHERE id = ? AND times_left > 0", (fault_id,)).rowcount > 0


def _operations(provider: str, kind: str, wished: object) -> frozenset[str]:
    reach = _reach(provider, kind)
    if reach is None:
        raise ValueError(f"{provider} has no fault {kind}")
    if not wished:
        return reach.by_default
    name = str(wished).strip().lower().replace("-", "_").replace(" ", "_")
    name = ALIASES.get(name, name)
    if name == "sms" and reach.allowed == {"delivery_report"}:
        name = "delivery_report"
    if name not in reach.allowed:
        raise ValueError(f"{kind} can be set on " + ", ".join(sorted(reach.allowed)))
    return frozenset({name})


def _number(wish: Mapping[str, Any], name: str, default: int, *, most: int, least: int = 0) -> int | float:
    value = wish.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        raise ValueError(f"{name} must be a number from {least} to {most}")
    return value


def _extra(kind: str, wish: Mapping[str, Any]) -> dict[str, str]:
    """``code`` of result and refused, ``variant`` of callback_out_of_order; nothing else has more to say."""
    choices = {"result": RESULTS, "refused": REFUSALS, "callback_out_of_order": ("failure_first", "before_ack")}.get(
        kind
    )
    name = "variant" if kind == "callback_out_of_order" else "code"
    given = {key: str(wish[key]) for key in ("code", "variant") if wish.get(key) is not None}
    if choices is None:
        if given:
            raise ValueError(f"{kind} takes no {next(iter(given))}")
        return {}
    if kind == "callback_out_of_order" and not given:
        return {"variant": "failure_first"}
    if set(given) != {name} or given[name] not in choices:
        raise ValueError(f"{name} must be one of " + ", ".join(choices))
    return given
