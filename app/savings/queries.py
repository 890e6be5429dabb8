"""Reading savings: accounts, products and their terms. Balances are the ledger's and are asked for by column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import and_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import joinedload

from app.kernel.database import db
from app.kernel.money import ZERO, Money
from app.kernel.paging import PAGE_SIZE, Page
from app.kernel.reach import COMMON, Whereabouts
from app.ledger import queries as ledger
from app.ledger.values import Balance, LedgerAccount, StatementLine
from app.members.models import Member
from app.members.rules import compact
from app.payments.destinations import PayableAccount
from app.savings import rules
from app.savings.errors import AccountMissing, ProductMissing
from app.savings.models import AccountStatus, SavingsAccount, SavingsProduct, SavingsProductTerms


@dataclass(frozen=True, slots=True)
class AccountWithBalance:
    """An account as pages show it."""

    account: SavingsAccount
    balance: Money
    available: Money
    free_to_withdraw: Money


@dataclass(frozen=True, slots=True)
class ProductWithTerms:
    """A product, and what holds for it on a day; no terms have begun for one that starts later."""

    product: SavingsProduct
    terms: SavingsProductTerms | None


def get(account_id: int) -> SavingsAccount:
    """One account with its product. Refuses with AccountMissing."""
    account = db.session.get(SavingsAccount, account_id, options=[joinedload(SavingsAccount.product)])
    if account is None:
        raise AccountMissing
    return account


def whereabouts(account_id: int) -> Whereabouts | None:
    """Where an account belongs: where its member does; None if there is none."""
    place = (
        select(Member.branch_id, Member.officer_id, Member.agent_id)
        .join(SavingsAccount, SavingsAccount.member_id == Member.id)
        .where(SavingsAccount.id == account_id)
    )
    row = db.session.execute(place).one_or_none()
    return Whereabouts(*row) if row else None


def product_whereabouts(product_id: UUID) -> Whereabouts | None:
    """A product is the same for every branch; None if there is none."""
    known = db.session.scalar(select(SavingsProduct.id).where(SavingsProduct.id == product_id))
    return COMMON if known else None


def numbered(number: str) -> int:
    """The account of this number, and no other. Refuses with AccountMissing."""
    found = db.session.scalar(select(SavingsAccount.id).where(SavingsAccount.number == number.upper()))
    if found is None:
        raise AccountMissing
    return found


def whereabouts_by_number(number: str) -> Whereabouts | None:
    """Where the account of a number belongs; None if there is none."""
    found = db.session.scalar(select(SavingsAccount.id).where(SavingsAccount.number == number.upper()))
    return whereabouts(found) if found else None


def get_for_update(account_id: int) -> SavingsAccount:
    """One account, locked until the transaction ends. Refuses with AccountMissing."""
    account = db.session.get(
        SavingsAccount,
        account_id,
        options=[joinedload(SavingsAccount.product, innerjoin=True)],
        with_for_update={"of": SavingsAccount},
        populate_existing=True,
    )
    if account is None:
        raise AccountMissing
    return account


def by_number(text: str) -> int | None:
    """The account that a payer names: its own number, else the member's, which means the normal account. Exactly."""
    reference = compact(text)
    number = f"SV-{reference[2:]}" if reference.startswith("SV") else None
    if number:
        return db.session.scalar(select(SavingsAccount.id).where(SavingsAccount.number == number))
    normal = and_(SavingsAccount.member_id == Member.id, SavingsAccount.is_normal)
    return db.session.scalar(select(SavingsAccount.id).join(Member, normal).where(Member.number == reference))


def accounts_of(member_id: UUID) -> list[PayableAccount]:
    """The member's open accounts, the normal one first."""
    return [_payable(account) for account in _of(member_id) if account.status is AccountStatus.OPEN]


def normal_account(member_id: UUID) -> int | None:
    """Where money goes that names only the member."""
    return db.session.scalar(
        select(SavingsAccount.id).where(SavingsAccount.member_id == member_id, SavingsAccount.is_normal)
    )


def describe(account: int) -> PayableAccount:
    """What an account is, and whose. Refuses with AccountMissing."""
    return _payable(get(account))


def accounts_with_balances(member_id: UUID, *, on: date) -> list[AccountWithBalance]:
    """All accounts of a member, the normal one first and closed ones last; one query for accounts, one for balances."""
    accounts = _of(member_id)
    terms = terms_by_product([account.product_id for account in accounts], on=on)
    standings = ledger.standings(account.id for account in accounts)
    return [_with_balance(account, standings[account.id], terms.get(account.product_id)) for account in accounts]


def account_with_balance(account_id: int, *, on: date) -> AccountWithBalance:
    """One account with what is in it. Refuses with AccountMissing."""
    account = get(account_id)
    terms = terms_by_product([account.product_id], on=on)
    return _with_balance(account, ledger.standing(account_id), terms.get(account.product_id))


def product(product_id: UUID) -> SavingsProduct:
    """One product. Refuses with ProductMissing."""
    found = db.session.get(SavingsProduct, product_id)
    if found is None:
        raise ProductMissing
    return found


def product_for_update(product_id: UUID) -> SavingsProduct:
    """One product, locked until the transaction ends. Refuses with ProductMissing."""
    found = db.session.get(SavingsProduct, product_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise ProductMissing
    return found


def product_by_code(code: str) -> SavingsProduct | None:
    """The product that goes by this code."""
    return db.session.scalar(select(SavingsProduct).where(SavingsProduct.code == code))


def products(*, on: date, active_only: bool = False) -> list[ProductWithTerms]:
    """Every product by name, with the terms that hold on a day."""
    query = select(SavingsProduct).order_by(SavingsProduct.is_active.desc(), SavingsProduct.name)
    if active_only:
        query = query.where(SavingsProduct.is_active)
    found = db.session.scalars(query).all()
    terms = terms_by_product([product.id for product in found], on=on)
    return [ProductWithTerms(product, terms.get(product.id)) for product in found]


def terms_of(product_id: UUID) -> Sequence[SavingsProductTerms]:
    """Everything that was ever decided for a product, the latest first."""
    decided = select(SavingsProductTerms).where(SavingsProductTerms.product_id == product_id)
    return db.session.scalars(decided.order_by(SavingsProductTerms.starts_on.desc())).all()


def terms_by_product(product_ids: Sequence[UUID], *, on: date) -> dict[UUID, SavingsProductTerms]:
    """The terms that hold on a day: of those that have begun, the latest."""
    begun = (
        select(SavingsProductTerms)
        .where(SavingsProductTerms.product_id.in_(product_ids), SavingsProductTerms.starts_on <= on)
        .ext(distinct_on(SavingsProductTerms.product_id))
        .order_by(SavingsProductTerms.product_id, SavingsProductTerms.starts_on.desc())
    )
    return {terms.product_id: terms for terms in db.session.scalars(begun)}


def account_in(member_id: UUID, product_id: UUID) -> str | None:
    """The number of an open account of the member in this product."""
    return db.session.scalar(
        select(SavingsAccount.number)
        .where(
            SavingsAccount.member_id == member_id,
            SavingsAccount.product_id == product_id,
            SavingsAccount.status == AccountStatus.OPEN,
        )
        .limit(1)
    )


def in_the_way_of_leaving(member_id: UUID) -> list[str]:
    """What a member who wants to leave still has here, as sentences."""
    accounts = [account for account in _of(member_id) if account.status is AccountStatus.OPEN]
    balances = ledger.balances(account.id for account in accounts)
    return [
        f"{account.product.name} {account.number} holds {balances[account.id]}."
        if balances[account.id]
        else f"{account.product.name} {account.number} is empty but still open."
        for account in accounts
    ]


def control_accounts() -> list[LedgerAccount]:
    """Lines of the chart that can hold what members save."""
    return [account for account in ledger.ledger_accounts(control=True) if account.type == "liability"]


def statement(
    account_id: int,
    *,
    first_on: date | None = None,
    last_on: date | None = None,
    after: str | None = None,
    size: int = PAGE_SIZE,
) -> Page[StatementLine]:
    """The movements of an account that were booked on these days, newest first, each with the balance after it."""
    return ledger.statement(account_id, first_on=first_on, last_on=last_on, after=after, size=size)


def _of(member_id: UUID) -> Sequence[SavingsAccount]:
    return db.session.scalars(
        select(SavingsAccount)
        .options(joinedload(SavingsAccount.product))
        .where(SavingsAccount.member_id == member_id)
        # "open" sorts after "closed"
        .order_by(SavingsAccount.is_normal.desc(), SavingsAccount.status.desc(), SavingsAccount.number)
    ).all()


def _payable(account: SavingsAccount) -> PayableAccount:
    return PayableAccount(account.id, account.number, f"{account.product.name} {account.number}", account.member_id)


def _with_balance(account: SavingsAccount, standing: Balance, terms: SavingsProductTerms | None) -> AccountWithBalance:
    free = rules.free_to_withdraw(
        standing.available,
        minimum_balance=terms.minimum_balance if terms else ZERO,
        is_withdrawable=account.product.is_withdrawable,
    )
    return AccountWithBalance(account, standing.amount, standing.available, free)
