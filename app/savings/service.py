"""Changing savings: deposits, opening and closing accounts, products and what the board decides for them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import literal_column, select, update

from app import audit
from app.identity.service import authorise
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.announcements import announce
from app.kernel.database import db
from app.kernel.errors import Invalid
from app.kernel.money import ZERO, Money
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.ledger.values import AccountKind, MemberAccountId
from app.members import queries as members
from app.payments.destinations import Receipt
from app.savings import queries, rules
from app.savings.errors import (
    MayNotOpen,
    MembershipEnded,
    NotEmpty,
    OneIsEnough,
    ProductNotOffered,
    SavingsClosed,
    StaleProduct,
)
from app.savings.models import NEXT_ACCOUNT_NUMBER, AccountStatus, SavingsAccount, SavingsProduct, SavingsProductTerms
from app.savings.schemas import NewProduct, ProductEdit, ProductTerms


def deposit(receipt: Receipt, account: int, *, on: date, by: Actor) -> int:
    """Credit money that a member paid in; returns the entry.

    Refuses with AccountMissing, SavingsClosed and MembershipEnded, and with the ledger's own refusals. An amount below
    the product's minimum is credited all the same: it has come, and it is the member's.
    """
    savings = queries.get(account)
    member = members.get(savings.member_id)
    if savings.status is not AccountStatus.OPEN:
        raise SavingsClosed(savings.number)
    if not member.status.is_open:
        raise MembershipEnded(savings.number, member.status)
    branch = ledger_queries.branch_of(account)
    return ledger.post(
        [
            ledger.debit(receipt.clearing_account, receipt.amount, branch=receipt.branch_id),
            ledger.credit(savings.product.control_account, receipt.amount, branch=branch, member_account=account),
        ],
        on=on,
        cause=ledger.Cause("payment", str(receipt.payment_id)),
        key=receipt.key,
        by=by,
        description=f"Deposit {receipt.receipt_number}",
    )


def check_prompt(account: int, amount: Money) -> None:
    """Refuse with Invalid a deposit that nobody should be asked for: too small, or from a member we do not prompt."""
    savings = queries.get(account)
    member = members.get(savings.member_id)
    if not member.status.may_be_prompted:
        raise Invalid({"account": f"A member who is “{member.status.label}” is not prompted."})
    terms = queries.terms_by_product([savings.product_id], on=clock.business_date()).get(savings.product_id)
    minimum = terms.minimum_deposit if terms else ZERO
    if sentence := rules.why_not_prompt(amount, minimum_deposit=minimum):
        raise Invalid({"amount": sentence})


def open_account(member_id: UUID, product_id: UUID, *, on: date, by: Actor) -> int:
    """Open an account for a member; the first one becomes the normal one.

    Refuses with MemberMissing, ProductMissing, MayNotOpen, ProductNotOffered and OneIsEnough.
    """
    member = members.get_for_update(member_id)  # two clicks at once must not open two accounts where one is allowed
    authorise(by, "savings.open_account", whereabouts=member.whereabouts)
    product = queries.product(product_id)
    if not member.status.may_open_accounts:
        raise MayNotOpen(member.status)
    if not product.is_active:
        raise ProductNotOffered(product.name)
    if not product.allows_several and (number := queries.account_in(member_id, product_id)):
        raise OneIsEnough(product.name, number)
    number = _next_number()
    account_id = ledger.open_account(
        AccountKind.SAVINGS, number, member.branch_id, [product.control_account], floor=ZERO, by=by
    )
    db.session.add(
        SavingsAccount(
            id=account_id,
            number=number,
            member_id=member_id,
            product_id=product_id,
            is_normal=queries.normal_account(member_id) is None,
            opened_on=on,
        )
    )
    _record(
        "savings.account_opened", account_id, by, member.branch_id, after={"number": number, "product": product.code}
    )
    _announce("savings.account_opened", number, member_id)
    return account_id


def close_account(account_id: int, *, on: date, by: Actor) -> None:
    """Close an empty account. If it was the normal one, the oldest that is left takes its place.

    Refuses with AccountMissing, SavingsClosed and NotEmpty.
    """
    account = queries.get(account_id)
    member = members.get_for_update(account.member_id)
    authorise(by, "savings.open_account", whereabouts=member.whereabouts)
    account = queries.get_for_update(account_id)
    if account.status is not AccountStatus.OPEN:
        raise SavingsClosed(account.number)
    if balance := ledger_queries.balance(account_id):
        raise NotEmpty(account.number, balance)
    ledger.close_account(MemberAccountId(account_id), by=by)
    was_normal, account.is_normal = account.is_normal, False
    account.status, account.closed_on = AccountStatus.CLOSED, on
    db.session.flush()  # only one account may be the normal one, so this one steps back first
    if was_normal and (heir := _oldest_open(account.member_id)):
        heir.is_normal = True
    _record("savings.account_closed", account_id, by, member.branch_id, after={"number": account.number})
    _announce("savings.account_closed", account.number, account.member_id)


def make_normal(account_id: int, *, by: Actor) -> None:
    """Have money that names only the member go to this account. Refuses with AccountMissing and SavingsClosed."""
    member_id = queries.get(account_id).member_id
    member = members.get_for_update(member_id)
    authorise(by, "savings.open_account", whereabouts=member.whereabouts)
    account = queries.get_for_update(account_id)
    if account.status is not AccountStatus.OPEN:
        raise SavingsClosed(account.number)
    if account.is_normal:
        return
    db.session.execute(
        update(SavingsAccount)
        .where(SavingsAccount.member_id == member_id, SavingsAccount.is_normal)
        .values(is_normal=False)
    )
    account.is_normal = True
    _record("savings.made_normal", account_id, by, member.branch_id, after={"number": account.number})


def move_to_branch(member_id: UUID, branch_id: int, by: Actor) -> None:
    """Take the open accounts of a member along to another branch, with their money.

    Refuses with the ledger's BranchClosed.
    """
    for account in queries.accounts_of(member_id):
        ledger.move_account(
            MemberAccountId(account.id),
            to_branch=branch_id,
            cause=ledger.Cause("member", str(member_id)),
            key=f"move:{account.id}:{uuid4()}",
            by=by,
        )


def add_product(values: NewProduct, *, by: Actor) -> UUID:
    """Offer a new product, with its first terms.

    Refuses with Invalid: code or name taken, a ledger account that cannot hold members' savings.
    """
    authorise(by, "savings.manage_products")
    check_new(values)
    product = SavingsProduct(
        code=values.code,
        name=values.name,
        control_account=values.control_account,
        is_withdrawable=values.is_withdrawable,
        allows_several=values.allows_several,
    )
    db.session.add(product)
    db.session.flush()  # the terms need the product's id
    db.session.add(_terms(product.id, values.terms, by=by))
    _record("savings.product_added", product.id, by, None, after=values.model_dump(), kind="savings_product")
    return product.id


def edit_product(product_id: UUID, values: ProductEdit, *, by: Actor) -> None:
    """Rename a product, or change how it is offered. Refuses with ProductMissing, StaleProduct and Invalid."""
    authorise(by, "savings.manage_products")
    product = queries.product_for_update(product_id)
    check_edit(product, values)
    wanted = values.model_dump(exclude={"version"})
    was, now = audit.differences({name: getattr(product, name) for name in wanted}, wanted)
    for name, value in now.items():
        setattr(product, name, value)
    if now:
        _record("savings.product_edited", product_id, by, None, before=was, after=now, kind="savings_product")


def add_terms(product_id: UUID, values: ProductTerms, *, on: date, by: Actor) -> None:
    """Note what the board decided, from a day on that is today or later: what held in the past stays as it was.

    Refuses with ProductMissing and Invalid.
    """
    authorise(by, "savings.manage_products")
    product = queries.product_for_update(product_id)
    check_terms(product_id, values, on=on)
    db.session.add(_terms(product_id, values, by=by))
    _record("savings.terms_added", product.id, by, None, after=values.model_dump(), kind="savings_product")


def check_new(values: NewProduct) -> None:
    """Refuse with Invalid a product that cannot be offered as things stand."""
    errors = {
        field: f"Another product has this {field}."
        for field in ("code", "name")
        if _taken(field, getattr(values, field), but=None)
    }
    if values.control_account not in {account.code for account in queries.control_accounts()}:
        errors["control_account"] = "Choose one of the accounts that hold members' savings."
    if errors:
        raise Invalid(errors)


def check_edit(product: SavingsProduct, values: ProductEdit) -> None:
    """Refuse with StaleProduct and Invalid a change that does not fit the product as it is."""
    if product.version != values.version:
        raise StaleProduct
    if _taken("name", values.name, but=product.id):
        raise Invalid({"name": "Another product has this name."})


def check_terms(product_id: UUID, values: ProductTerms, *, on: date) -> None:
    """Refuse with Invalid terms that would change the past, or a day that was decided about already."""
    if values.starts_on < on:
        raise Invalid({"starts_on": "Terms start today or later. What held in the past cannot be changed."})
    if any(terms.starts_on == values.starts_on for terms in queries.terms_of(product_id)):
        raise Invalid({"starts_on": "Terms that start on this day are already there."})


def _taken(field: str, value: str, *, but: UUID | None) -> bool:
    same = select(SavingsProduct.id).where(getattr(SavingsProduct, field) == value)
    return any(product_id != but for product_id in db.session.scalars(same))


def _terms(product_id: UUID, values: ProductTerms, *, by: Actor) -> SavingsProductTerms:
    return SavingsProductTerms(
        product_id=product_id,
        starts_on=values.starts_on,
        minimum_deposit=values.minimum_deposit,
        minimum_balance=values.minimum_balance,
        decision=values.decision,
        created_by=by.principal,
    )


def _next_number() -> str:
    number: str = db.session.execute(select(literal_column(NEXT_ACCOUNT_NUMBER))).scalar_one()
    return number


def _oldest_open(member_id: UUID) -> SavingsAccount | None:
    return db.session.scalar(
        select(SavingsAccount)
        .where(SavingsAccount.member_id == member_id, SavingsAccount.status == AccountStatus.OPEN)
        .order_by(SavingsAccount.opened_on, SavingsAccount.id)
        .limit(1)
    )


def _announce(event: str, number: str, member_id: UUID) -> None:
    announce(event, subject=("savings_account", number), facts={"account": number, "member_id": str(member_id)})


def _record(
    action: str,
    subject_id: object,
    by: Actor,
    branch_id: int | None,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any],
    kind: str = "savings_account",
) -> None:
    audit.record(action, subject=(kind, subject_id), by=by, before=before, after=after, branch_id=branch_id)
