"""Payments on every rail: the history, one payment, and money that waits to be allocated."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from flask import Blueprint
from pydantic import Field

from app.api import parameters
from app.api.access import api_actor
from app.api.endpoints import carry_out, scoped
from app.kernel.fields import DateField, PlainLine
from app.kernel.forms import Form
from app.kernel.idempotency import Once
from app.payments import answers, queries
from app.payments.answers import Allocated, PaymentDetails, PaymentPage, SuspensePage
from app.payments.destinations import Purpose
from app.payments.errors import AccountNotFitting, NotInSuspense, PaymentMissing
from app.payments.queries import PaymentFilter
from app.payments.service import PaymentService
from app.payments.states import PaymentState
from app.web import reach, reads

bp = Blueprint("payments_api", __name__, url_prefix="/api/payments")


class PaymentQuery(parameters.Paged):
    """What the list of payments is narrowed to."""

    member: UUID | None = Field(default=None, description="The member's id.")
    purpose: Purpose | None = None
    status: PaymentState | None = None
    rail: Annotated[str, Field(pattern=r"^[a-z]{2,20}$")] | None = None
    first_on: Annotated[DateField, Field(description="Made on this day or later.")] | None = Field(None, alias="from")
    last_on: Annotated[DateField, Field(description="Made on this day or earlier.")] | None = Field(None, alias="to")
    receipt: Annotated[PlainLine, Field(min_length=1, max_length=40)] | None = None
    needs_review: parameters.Flag = False


class AllocateBody(Form):
    """Where money in suspense belongs."""

    account: Annotated[
        PlainLine, Field(min_length=1, max_length=40, description="An account number, or a member's number.")
    ]


@bp.get("")
@scoped("payments.read", query=PaymentQuery, answer=PaymentPage)
def index(query: PaymentQuery) -> PaymentPage:
    """The payments within reach, newest first."""
    chosen = PaymentFilter(
        member_id=query.member,
        purpose=query.purpose,
        state=query.status,
        rail=query.rail,
        first_on=query.first_on,
        last_on=query.last_on,
        receipt=query.receipt or "",
        needs_review=query.needs_review,
    )
    found = queries.history(chosen, within=reach.of("payments.view"), after=query.after, size=query.limit)
    reads.shown(queries.members_of(found.items))
    return PaymentPage.of(found, answers.row)


@bp.get("/<uuid:payment_id>")
@scoped("payments.read", answer=PaymentDetails, refuses=(PaymentMissing,))
def show(payment_id: UUID) -> PaymentDetails:
    """One payment; one that proved to be the same as another answers as that one."""
    return answers.details(queries.get(payment_id))


@bp.get("/suspense")
@scoped("payments.allocate", query=parameters.Paged, answer=SuspensePage)
def suspense(query: parameters.Paged) -> SuspensePage:
    """Money that came and belongs to nobody yet, newest first."""
    found = queries.suspense(within=reach.of("payments.allocate"), after=query.after, size=query.limit)
    return SuspensePage.of(found, answers.in_suspense)


@bp.post("/suspense/<uuid:allocation_id>/allocate")
@scoped(
    "payments.allocate",
    body=AllocateBody,
    answer=Allocated,
    moves_money=True,
    refuses=(PaymentMissing, NotInSuspense, AccountNotFitting),
)
def allocate(allocation_id: UUID, body: AllocateBody, key: str) -> Once:
    """Give money in suspense to an account."""
    by = api_actor()

    def work() -> dict[str, str]:
        payment_id = PaymentService(by).allocate(allocation_id, reference=body.account)
        return {"payment_id": str(payment_id)}

    return carry_out("payments.allocate", key, {"allocation": allocation_id, "account": body.account}, work)
