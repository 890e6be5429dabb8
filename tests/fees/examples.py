"""Tariffs for tests: sensible by default, and a test names only what it is about."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from app.fees import registration, service
from app.fees.schemas import NewTariff
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.transactions import in_transaction

ACCOUNTANT = Actor.system("tests")  # what roles may do is tested in tests/identity


def fields(**changes: Any) -> dict[str, Any]:
    """A flat withdrawal fee of 50 on top, with 20 % excise added, from today."""
    return {
        "event": "withdrawal",
        "starts_on": clock.business_date().isoformat(),
        "basis": "flat",
        "flat": "50",
        "borne_by": "member",
        "income_account": "4320",
        "excise_kind": "other_fees",
        "decision": "Minute 7/2026",
        **changes,
    }


def tariff(*, on: date | None = None, **changes: Any) -> UUID:
    """A tariff that holds, as it was decided on a day (today if none is named)."""
    values = NewTariff.parse_json(fields(**changes))
    return in_transaction(lambda: service.add_tariff(values, on=on or clock.business_date(), by=ACCOUNTANT))


def registration_fee(amount: str = "500", **changes: Any) -> UUID:
    """A registration fee."""
    return tariff(event="registration", flat=amount, income_account="4340", **changes)


def charge_registration(member_id: UUID) -> bool:
    """Have a member owe it."""
    return in_transaction(lambda: registration.charge(member_id, on=clock.business_date(), by=ACCOUNTANT))
