"""What two people decide about savings products: one asks for a product, a change or new terms, another approves."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from flask import url_for

from app.approvals.registry import Command
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.effects import Change, Effect
from app.kernel.errors import Invalid
from app.kernel.forms import Form
from app.kernel.money import Money
from app.ledger import queries as ledger
from app.savings import queries, service
from app.savings.models import SavingsProductTerms
from app.savings.schemas import NewProduct, ProductEdit, ProductTerms

ADD, EDIT, TERMS = "savings.add_product", "savings.edit_product", "savings.add_terms"  # the commands' names
NEW_PRODUCTS = ("society", "savings_products")  # what a new product is about until it has an id

_OFFERED = {
    "name": "Name",
    "is_withdrawable": "Withdrawals at any time",
    "allows_several": "Several accounts for a member",
    "is_active": "New accounts may be opened",
}


class EditOfProduct(Form):
    """How one product will be offered."""

    product_id: UUID
    values: ProductEdit


class TermsOfProduct(Form):
    """What the board decided for one product."""

    product_id: UUID
    values: ProductTerms


def product_effect(values: NewProduct) -> Effect:
    """The product that will be offered. Refuses with Invalid."""
    service.check_new(values)
    account = ledger.ledger_account(values.control_account)
    return Effect(
        title=f"New savings product: {values.name}",
        facts=(
            ("Code", values.code),
            ("Ledger account", f"{account.code} {account.name}"),
            ("Withdrawals", "At any time" if values.is_withdrawable else "On leaving only"),
            ("Accounts", "Several for each member" if values.allows_several else "One for each member"),
            ("Since", _day(values.starts_on)),
            ("Decision", values.decision),
        ),
        changes=_amounts(None, values),
    )


def add_product(values: NewProduct, /, *, key: str, on: date, by: Actor) -> str:
    """Offer it. Refuses with Invalid, for example when somebody else has taken the name meanwhile."""
    return str(service.add_product(values, by=by))


def edit_effect(edit: EditOfProduct) -> Effect:
    """What will be different about the product. Refuses with ProductMissing, StaleProduct and Invalid."""
    product = queries.product(edit.product_id)
    service.check_edit(product, edit.values)
    pairs = [(label, getattr(product, name), getattr(edit.values, name)) for name, label in _OFFERED.items()]
    changes = tuple(
        Change(what=label, before=_said(before), after=_said(after))
        for label, before, after in pairs
        if before != after
    )
    if not changes:
        raise Invalid({"name": "Nothing would be different."})
    return Effect(title=f"{product.name}: how it is offered", changes=changes)


def edit_product(edit: EditOfProduct, /, *, key: str, on: date, by: Actor) -> None:
    """Change it. Refuses as `edit_effect` does."""
    service.edit_product(edit.product_id, edit.values, by=by)


def terms_effect(asked: TermsOfProduct) -> Effect:
    """What will hold, beside what holds on the day before. Refuses with ProductMissing and Invalid."""
    product, values = queries.product(asked.product_id), asked.values
    service.check_terms(product.id, values, on=clock.business_date())
    held = queries.terms_by_product([product.id], on=values.starts_on).get(product.id)
    return Effect(
        title=f"{product.name}: terms from {_day(values.starts_on)}",
        facts=(("Since", _day(values.starts_on)), ("Decision", values.decision)),
        changes=_amounts(held, values),
    )


def add_terms(asked: TermsOfProduct, /, *, key: str, on: date, by: Actor) -> None:
    """Note them. Refuses with Invalid, for example when their day has gone by meanwhile."""
    service.add_terms(asked.product_id, asked.values, on=on, by=by)


def _amounts(held: SavingsProductTerms | None, values: NewProduct | ProductTerms) -> tuple[Change, ...]:
    def change(what: str, before: Money | None, after: Money) -> Change:
        return Change(what=what, before=None if before is None else str(before), after=str(after))

    return (
        change("Smallest deposit", held.minimum_deposit if held else None, values.minimum_deposit),
        change("Smallest balance", held.minimum_balance if held else None, values.minimum_balance),
    )


def _said(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _day(value: date) -> str:
    return f"{value.day} {value:%b %Y}"


COMMANDS: tuple[Command[Any], ...] = (
    Command(
        name=ADD,
        label="New savings product",
        inputs=NewProduct,
        ask_permission="savings.manage_products",
        decide_permission="savings.approve_products",
        describe=product_effect,
        run=add_product,
        subject=lambda _: NEW_PRODUCTS,
        page=lambda _, product_id: url_for("savings.product", product_id=product_id) if product_id else None,
    ),
    Command(
        name=EDIT,
        label="Change of a savings product",
        inputs=EditOfProduct,
        ask_permission="savings.manage_products",
        decide_permission="savings.approve_products",
        describe=edit_effect,
        run=edit_product,
        subject=lambda edit: ("savings_product", str(edit.product_id)),
        page=lambda edit, _: url_for("savings.product", product_id=edit.product_id),
    ),
    Command(
        name=TERMS,
        label="Terms of a savings product",
        inputs=TermsOfProduct,
        ask_permission="savings.manage_products",
        decide_permission="savings.approve_products",
        describe=terms_effect,
        run=add_terms,
        subject=lambda asked: ("savings_product", str(asked.product_id)),
        page=lambda asked, _: url_for("savings.product", product_id=asked.product_id),
    ),
)
"""What `create_app` registers with approvals."""
