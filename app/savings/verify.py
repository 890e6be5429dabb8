"""What ``ledger verify`` asks of this room: every savings account is the ledger's account of the same number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Select, case, literal, select

from app.ledger.models import balance, ledger_account, member_account
from app.ledger.values import AccountKind
from app.members.models import Member
from app.savings.models import AccountStatus, SavingsAccount, SavingsProduct

account = SavingsAccount.__table__
product = SavingsProduct.__table__
member = Member.__table__


def compare(connection: Connection) -> Iterable[Mapping[str, Any]]:
    """The savings accounts that the ledger knows otherwise, and accounts of the ledger that no member has."""
    for query in (_known_otherwise(), _nobodys()):
        for row in connection.execute(query).mappings():
            yield dict(row)


def _known_otherwise() -> Select[Any, Any]:
    """Number, kind, ledger account, branch, balance, and whether it is open: the same here and there."""
    is_open = account.c.status == AccountStatus.OPEN
    problem = case(
        (member_account.c.id.is_(None), "not in the ledger"),
        (member_account.c.number != account.c.number, "another number"),
        (member_account.c.kind != AccountKind.SAVINGS.value, "another kind"),
        (is_open != member_account.c.closed_on.is_(None), "open here or there only"),
        # A closed account stays where it was closed when its member moves on.
        (is_open & (member_account.c.branch_id != member.c.branch_id), "another branch than its member"),
        (ledger_account.c.code != product.c.control_account, "kept on another ledger account"),
        (balance.c.member_account_id.is_(None), "without a balance"),
    )
    its_balance = (
        (balance.c.member_account_id == member_account.c.id)
        & (balance.c.ledger_account_id == ledger_account.c.id)
        & (balance.c.branch_id == member_account.c.branch_id)
    )
    return (
        select(account.c.number, problem.label("problem"))
        .join(product, product.c.id == account.c.product_id)
        .join(member, member.c.id == account.c.member_id)
        .outerjoin(member_account, member_account.c.id == account.c.id)
        .outerjoin(ledger_account, ledger_account.c.id == member_account.c.ledger_account_id)
        .outerjoin(balance, its_balance)
        .where(problem.is_not(None))
        .order_by(account.c.number)
    )


def _nobodys() -> Select[Any, Any]:
    return (
        select(member_account.c.number, literal("nobody's savings account").label("problem"))
        .outerjoin(account, account.c.id == member_account.c.id)
        .where(member_account.c.kind == AccountKind.SAVINGS.value, account.c.id.is_(None))
        .order_by(member_account.c.number)
    )
