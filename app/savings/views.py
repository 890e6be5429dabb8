"""Pages of savings: an account and its statement, opening one, and the products."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, request, url_for

from app.approvals import queries as approvals
from app.approvals import service as approving
from app.kernel import clock
from app.kernel.errors import Invalid
from app.kernel.forms import Filled
from app.kernel.idempotency import once
from app.kernel.transactions import in_transaction
from app.ledger import queries as ledger
from app.members import queries as members
from app.savings import decisions, queries, service
from app.savings.decisions import EditOfProduct, TermsOfProduct
from app.savings.errors import StaleProduct
from app.savings.schemas import NewProduct, OpenAccount, ProductEdit, ProductTerms, StatementPage
from app.web.access import actor, requires
from app.web.pages import done, page, toast

ACCOUNT = f"<int(max={2**63 - 1}):account_id>"  # more than the database can number is no address

EDITED = "Asked for on the product's page"

bp = Blueprint("savings", __name__, url_prefix="/savings")


@bp.get(f"/accounts/{ACCOUNT}")
@requires("savings.view")
def account(account_id: int) -> Response:
    """One account: what is in it, and its statement, newest first."""
    asked = StatementPage.parse(request.args)
    if asked.errors:
        raise Invalid(asked.errors)
    shown = queries.account_with_balance(account_id, on=clock.business_date())
    return page(
        "savings/account.html",
        fragment="savings/_statement.html",
        shown=shown,
        account=shown.account,
        member=members.get(shown.account.member_id),
        asked=asked.values,
        statement=queries.statement(account_id, after=asked.values.after),
        branches={branch.id: branch.name for branch in ledger.branches()},
        branch_id=ledger.branch_of(account_id),
    )


@bp.get("/members/<uuid:member_id>/new")
@requires("savings.open_account")
def new_account(member_id: UUID) -> Response:
    """Which product to open an account in."""
    return _opening_page(member_id, Filled())


@bp.post("/members/<uuid:member_id>")
@requires("savings.open_account")
def open_account(member_id: UUID) -> Response:
    """Open an account for a member."""
    form = OpenAccount.parse(request.form)
    if form.errors:
        return _opening_page(member_id, form, status=422)
    product_id, by, on = form.values.product_id, actor(), clock.business_date()
    opened = in_transaction(
        lambda: once(
            "savings.open_account", form.key or "", {"member": member_id, "product": product_id}, by=by,
            work=lambda: service.open_account(member_id, product_id, on=on, by=by),
        )
    )  # fmt: skip
    toast(f"{queries.describe(opened.value).label} is open.")
    return done(url_for(".account", account_id=opened.value))


@bp.get(f"/accounts/{ACCOUNT}/close")
@requires("savings.open_account")
def closing(account_id: int) -> Response:
    """What closing an account would mean."""
    shown = queries.account_with_balance(account_id, on=clock.business_date())
    return page("savings/close.html", shown=shown, account=shown.account, member=members.get(shown.account.member_id))


@bp.post(f"/accounts/{ACCOUNT}/close")
@requires("savings.open_account")
def close_account(account_id: int) -> Response:
    """Close an empty account."""
    by, on = actor(), clock.business_date()
    in_transaction(
        lambda: once(
            "savings.close_account", request.form.get("key", ""), {"account": account_id}, by=by,
            work=lambda: service.close_account(account_id, on=on, by=by),
        )
    )  # fmt: skip
    toast("The account is closed.")
    return done(url_for(".account", account_id=account_id))


@bp.post(f"/accounts/{ACCOUNT}/normal")
@requires("savings.open_account")
def make_normal(account_id: int) -> Response:
    """Have money that names only the member go here. Doing it twice changes nothing, so it needs no key."""
    by = actor()
    in_transaction(lambda: service.make_normal(account_id, by=by))
    toast("Payments that name only the member now go to this account.")
    return done(url_for(".account", account_id=account_id))


@bp.get("/products")
@requires("savings.view")
def products() -> Response:
    """What the society offers to save in."""
    return page(
        "savings/products.html",
        products=queries.products(on=clock.business_date()),
        waiting=approvals.waiting_about(decisions.NEW_PRODUCTS),
    )


@bp.get("/products/new")
@requires("savings.manage_products")
def new_product() -> Response:
    """An empty form, beginning today."""
    return _product_form(Filled(typed={"starts_on": f"{clock.business_date():%d/%m/%Y}"}))


@bp.post("/products")
@requires("savings.manage_products")
def add_product() -> Response:
    """Ask for a new product; it is offered once somebody else has approved it."""
    form = NewProduct.parse(request.form)
    if form.errors:
        return _product_form(form, status=422)
    values, by = form.values, actor()
    try:
        asked = in_transaction(
            lambda: once(
                "savings.add_product", form.key or "", values.model_dump(mode="json"), by=by,
                work=lambda: str(approving.ask(decisions.ADD, values, by=by, reason=values.decision)),
            )
        )  # fmt: skip
    except Invalid as refusal:
        form.refuse(refusal)
        return _product_form(form, status=refusal.status)
    return _asked(asked.value)


@bp.get("/products/<uuid:product_id>")
@requires("savings.view")
def product(product_id: UUID) -> Response:
    """A product, and everything that was decided for it."""
    return _product_page(product_id)


@bp.post("/products/<uuid:product_id>")
@requires("savings.manage_products")
def edit_product(product_id: UUID) -> Response:
    """Ask for another name of a product, or for another way in which it is offered."""
    form = ProductEdit.parse(request.form)
    if form.errors:
        return _product_page(product_id, edit=form, status=422)
    by, edit = actor(), EditOfProduct(product_id=product_id, values=form.values)
    try:
        asked = in_transaction(
            lambda: once(
                "savings.edit_product", form.key or "", edit.model_dump(mode="json"), by=by,
                work=lambda: str(approving.ask(decisions.EDIT, edit, by=by, reason=EDITED)),
            )
        )  # fmt: skip
    except StaleProduct as stale:
        return _product_page(product_id, edit=form, status=stale.status, stale=stale)
    except Invalid as refusal:
        form.refuse(refusal)
        return _product_page(product_id, edit=form, status=refusal.status)
    return _asked(asked.value)


@bp.post("/products/<uuid:product_id>/terms")
@requires("savings.manage_products")
def add_terms(product_id: UUID) -> Response:
    """Ask for what the board decided for a product to hold."""
    form = ProductTerms.parse(request.form)
    if form.errors:
        return _product_page(product_id, terms=form, status=422)
    by, terms = actor(), TermsOfProduct(product_id=product_id, values=form.values)
    try:
        asked = in_transaction(
            lambda: once(
                "savings.add_terms", form.key or "", terms.model_dump(mode="json"), by=by,
                work=lambda: str(approving.ask(decisions.TERMS, terms, by=by, reason=form.values.decision)),
            )
        )  # fmt: skip
    except Invalid as refusal:
        form.refuse(refusal)
        return _product_page(product_id, terms=form, status=refusal.status)
    return _asked(asked.value)


def _asked(approval_id: str) -> Response:
    toast("Asked for. It holds once somebody else has approved it.")
    return done(url_for("approvals.show", approval_id=approval_id))


def _opening_page(member_id: UUID, form: Filled[Any], *, status: int = 200) -> Response:
    on = clock.business_date()
    return page(
        "savings/open.html",
        status=status,
        member=members.get(member_id),
        form=form,
        offered=queries.products(on=on, active_only=True),
        held=queries.accounts_of(member_id),
    )


def _product_form(form: Filled[Any], *, status: int = 200) -> Response:
    return page(
        "savings/new_product.html",
        status=status,
        form=form,
        control_accounts=[(account.code, f"{account.code} {account.name}") for account in queries.control_accounts()],
    )


def _product_page(
    product_id: UUID,
    *,
    edit: Filled[Any] | None = None,
    terms: Filled[Any] | None = None,
    status: int = 200,
    stale: StaleProduct | None = None,
) -> Response:
    on, shown = clock.business_date(), queries.product(product_id)
    return page(
        "savings/product.html",
        status=status,
        product=shown,
        control_account=ledger.ledger_account(shown.control_account),
        holding=queries.terms_by_product([product_id], on=on).get(product_id),
        decided=queries.terms_of(product_id),
        today=on,
        edit=edit,
        terms=terms,
        stale=stale,
        waiting=approvals.waiting_about(("savings_product", product_id)),
    )
