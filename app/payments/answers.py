"""What the API tells of payments."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from app.kernel.answers import Amount, Answer, PageAnswer, PhoneNumber
from app.payments.destinations import Purpose
from app.payments.models import AllocationState, Method, Payment, PaymentAllocation
from app.payments.states import Direction, PaymentState


class PaymentRow(Answer):
    """A payment, as lists show one."""

    id: UUID
    direction: Direction
    rail: str = Field(examples=["mpesa"])
    method: Method
    amount: Amount
    status: PaymentState
    member_id: UUID | None
    account_reference: str = Field(description="What the payer named, or what a prompt was for.")
    receipt_number: str | None
    created_at: datetime
    paid_at: datetime | None
    needs_review: str | None = Field(description="Why somebody should look at it.")


class PaymentPage(PageAnswer[PaymentRow]):
    """One page of payments, newest first."""


class Share(Answer):
    """What one part of a payment is for, and what became of it."""

    id: UUID
    purpose: Purpose | None
    account: str = Field(description="The account, in words.")
    amount: Amount
    status: AllocationState


class PaymentDetails(PaymentRow):
    """One payment: where it stands, why, and how it was credited."""

    phone: PhoneNumber | None
    detail: str
    shares: list[Share]


class SuspenseRow(Answer):
    """Money that came and belongs to nobody yet."""

    id: UUID = Field(description="Of the share: what is allocated.")
    payment_id: UUID
    amount: Amount
    reason: str
    rail: str
    account_reference: str
    receipt_number: str | None
    payer: str | None
    paid_at: datetime | None


class SuspensePage(PageAnswer[SuspenseRow]):
    """One page of money in suspense, newest first."""


class Allocated(Answer):
    """The payment whose share was credited."""

    payment_id: UUID


def row(payment: Payment) -> PaymentRow:
    """A payment of a list."""
    return PaymentRow(**_facts(payment))


def details(payment: Payment) -> PaymentDetails:
    """One payment with its shares."""
    shares = [_share(share) for share in payment.allocations]
    return PaymentDetails(**_facts(payment), phone=payment.phone, detail=payment.detail, shares=shares)


def in_suspense(share: PaymentAllocation) -> SuspenseRow:
    """A share that waits."""
    payment = share.payment
    return SuspenseRow(
        id=share.id,
        payment_id=payment.id,
        amount=share.amount,
        reason=share.reason,
        rail=payment.rail,
        account_reference=payment.account_reference,
        receipt_number=payment.receipt_number,
        payer=payment.payer,
        paid_at=payment.paid_at,
    )


_SAME = ("id", "direction", "rail", "method", "amount", "member_id", "account_reference", "receipt_number")
_SAME_TOO = ("created_at", "paid_at", "needs_review")


def _facts(payment: Payment) -> dict[str, Any]:
    return {name: getattr(payment, name) for name in _SAME + _SAME_TOO} | {"status": payment.state}


def _share(share: PaymentAllocation) -> Share:
    return Share(
        id=share.id, purpose=share.purpose, account=share.account_label, amount=share.amount, status=share.state
    )
