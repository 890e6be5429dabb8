"""Savings: products, members' accounts and what is in them, statements."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from flask import Blueprint, url_for
from pydantic import Field

from app.api import parameters
from app.api.access import api_actor
from app.api.answers import Created
from app.api.endpoints import carry_out, scoped
from app.kernel import clock
from app.kernel.errors import Invalid
from app.kernel.fields import DateField
from app.kernel.idempotency import Once
from app.members.errors import MemberMissing
from app.savings import answers, queries, service
from app.savings.answers import AccountAnswer, Accounts, Products, Statement
from app.savings.errors import (
    AccountMissing,
    MayNotOpen,
    NotEmpty,
    OneIsEnough,
    ProductMissing,
    ProductNotOffered,
    SavingsClosed,
)
from app.savings.schemas import OpenAccount

bp = Blueprint("savings_api", __name__, url_prefix="/api/savings")


class StatementQuery(parameters.Paged):
    """Which part of a statement: both days included."""

    first_on: Annotated[DateField, Field(description="Booked on this day or later.")] | None = Field(None, alias="from")
    last_on: Annotated[DateField, Field(description="Booked on this day or earlier.")] | None = Field(None, alias="to")


@bp.get("/products")
@scoped("savings.read", answer=Products)
def products() -> Products:
    """What the society offers to save in."""
    return Products.of(queries.products(on=clock.business_date()), answers.product)


@bp.get("/members/<uuid:member_id>/accounts")
@scoped("savings.read", answer=Accounts, refuses=(MemberMissing,))
def accounts(member_id: UUID) -> Accounts:
    """A member's accounts, with what is in each."""
    shown = queries.accounts_with_balances(member_id, on=clock.business_date())
    return Accounts.of(shown, answers.account)


@bp.post("/members/<uuid:member_id>/accounts")
@scoped(
    "savings.write",
    body=OpenAccount,
    answer=AccountAnswer,
    status=201,
    refuses=(MemberMissing, ProductMissing, MayNotOpen, ProductNotOffered, OneIsEnough),
)
def open_account(member_id: UUID, body: OpenAccount, key: str | None) -> Created:
    """Open an account for a member; the first one becomes the normal one."""
    on, by = clock.business_date(), api_actor()
    opened = carry_out(
        "savings.open_account",
        key,
        {"member": member_id, "product": body.product_id},
        lambda: _stored(service.open_account(member_id, body.product_id, on=on, by=by)),
    )
    return Created(opened, url_for(".account", account_number=opened.value["number"]))


@bp.get("/accounts/<account_number>")
@scoped("savings.read", answer=AccountAnswer, refuses=(AccountMissing,))
def account(account_number: str) -> AccountAnswer:
    """One account, with what is in it."""
    shown = queries.account_with_balance(queries.numbered(account_number), on=clock.business_date())
    return answers.account(shown)


@bp.get("/accounts/<account_number>/statement")
@scoped("statements.read", query=StatementQuery, answer=Statement, refuses=(AccountMissing,))
def statement(account_number: str, query: StatementQuery) -> Statement:
    """The movements of an account, newest first, each with the balance after it."""
    if query.first_on and query.last_on and query.first_on > query.last_on:
        raise Invalid({"to": "This day is before the first one."})
    found = queries.statement(
        queries.numbered(account_number),
        first_on=query.first_on,
        last_on=query.last_on,
        after=query.after,
        size=query.limit,
    )
    return Statement.of(found, answers.line)


@bp.post("/accounts/<account_number>/close")
@scoped("savings.write", answer=AccountAnswer, refuses=(AccountMissing, SavingsClosed, NotEmpty))
def close_account(account_number: str, key: str | None) -> Once:
    """Close an empty account. If it was the normal one, the oldest that is left takes its place."""
    close = partial(service.close_account, on=clock.business_date(), by=api_actor())
    return _changed("savings.close_account", account_number, key, close)


@bp.post("/accounts/<account_number>/normal")
@scoped("savings.write", answer=AccountAnswer, refuses=(AccountMissing, SavingsClosed))
def make_normal(account_number: str, key: str | None) -> Once:
    """Have money that names only the member go to this account."""
    return _changed("savings.make_normal", account_number, key, partial(service.make_normal, by=api_actor()))


def _changed(operation: str, account_number: str, key: str | None, change: Callable[[int], None]) -> Once:
    account_id = queries.numbered(account_number)

    def work() -> dict[str, Any]:
        change(account_id)
        return _stored(account_id)

    return carry_out(operation, key, {"account": account_id}, work)


def _stored(account_id: int) -> dict[str, Any]:
    """The account as it is answered, now and whenever the same request is repeated."""
    return answers.account(queries.account_with_balance(account_id, on=clock.business_date())).model_dump(mode="json")
