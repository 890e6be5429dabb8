"""Where money may go: each business room registers itself for a purpose, and payments calls what was registered.

Payments thereby never learns what a loan is. ``create_app`` is the one place that knows both sides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from flask import current_app

from app.kernel.actor import Actor
from app.kernel.enums import LabelledEnum
from app.kernel.money import Money
from app.payments.errors import PurposeUnknown


class Purpose(LabelledEnum):
    """What a member pays for. One whose room is not registered is refused as unknown."""

    SAVINGS_DEPOSIT = "SAVINGS_DEPOSIT", "Savings deposit"
    SHARE_PURCHASE = "SHARE_PURCHASE", "Share purchase"
    LOAN_REPAYMENT = "LOAN_REPAYMENT", "Loan repayment"
    REGISTRATION_FEE = "REGISTRATION_FEE", "Registration fee"

    @property
    def noun(self) -> str:
        """What the money goes to, inside a sentence: "to savings SV-000123"."""
        return _NOUNS[self]


_NOUNS = {
    Purpose.SAVINGS_DEPOSIT: "savings",
    Purpose.SHARE_PURCHASE: "shares",
    Purpose.LOAN_REPAYMENT: "loan",
    Purpose.REGISTRATION_FEE: "registration fee",
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """Money that has arrived, as a destination sees it: one allocation of one payment."""

    payment_id: UUID
    allocation: int
    rail: str
    receipt_number: str
    amount: Money
    clearing_account: str  # the ledger account that the destination debits
    branch_id: int  # of the clearing account
    payer: str | None
    paid_at: datetime

    @property
    def key(self) -> str:
        """The idempotency key of the ledger entry."""
        return f"payment:{self.payment_id}:{self.allocation}"


@dataclass(frozen=True, slots=True)
class PayableAccount:
    """An account that can be paid into, as payments needs to know it."""

    id: int
    number: str
    label: str  # "Ordinary savings SV-000123"
    member_id: UUID


class Find(Protocol):
    def __call__(self, text: str) -> int | None:
        """The member account that a normalised reference names exactly (its number, else the member's), or None."""


class Receive(Protocol):
    def __call__(self, receipt: Receipt, account: int, *, on: date, by: Actor) -> int:
        """Post the destination's own entry, keyed by ``receipt.key``, and return its id; or raise a Refusal."""


class AccountsOf(Protocol):
    def __call__(self, member_id: UUID) -> Sequence[PayableAccount]:
        """The member's accounts that can be paid into, the usual one first."""


class Describe(Protocol):
    def __call__(self, account: int) -> PayableAccount:
        """What an account that ``find`` named is, and whose."""


class CheckPrompt(Protocol):
    def __call__(self, account: int, amount: Money) -> None:
        """Refuse with Invalid an amount that a member would not be asked for. Money that came is never refused."""


@dataclass(frozen=True, slots=True)
class Destination:
    """One purpose and the functions of the room behind it."""

    purpose: Purpose
    find: Find
    receive: Receive
    accounts_of: AccountsOf
    describe: Describe
    check_prompt: CheckPrompt


def register(
    purpose: Purpose,
    *,
    find: Find,
    receive: Receive,
    accounts_of: AccountsOf,
    describe: Describe,
    check_prompt: CheckPrompt,
) -> None:
    """Take money for a purpose; called by ``create_app``."""
    _registered()[purpose] = Destination(purpose, find, receive, accounts_of, describe, check_prompt)


def get(purpose: Purpose) -> Destination:
    """The destination of a purpose. Refuses with PurposeUnknown where its room isn't there."""
    destination = _registered().get(purpose)
    if destination is None:
        raise PurposeUnknown
    return destination


def every() -> Sequence[Destination]:
    """All destinations, in the order in which an account reference is looked up."""
    return list(_registered().values())


def look_up(reference: str) -> tuple[Destination, PayableAccount] | None:
    """The account that a reference names exactly, once both are reduced to letters and digits."""
    text = normalised(reference)
    for destination in every() if text else ():
        account = destination.find(text)
        if account is not None:
            return destination, destination.describe(account)
    return None


def normalised(text: str) -> str:
    """An account reference as typed by a member, reduced to upper-case letters and digits."""
    return re.sub(r"[^A-Z0-9]", "", text.upper())


def _registered() -> dict[Purpose, Destination]:
    registered: dict[Purpose, Destination] = current_app.extensions.setdefault("destinations", {})
    return registered
