"""What ``ledger verify`` asks of this room: a fee that was noted stands in its entry, and a fee entry is noted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, func, literal, select, type_coerce, union_all

from app.fees.models import FeeCharged, FeeTariff, MemberFeeAccount
from app.fees.service import EXCISE_PAYABLE
from app.ledger.models import entry, ledger_account, member_account, posting
from app.ledger.values import AccountKind

fee = FeeCharged.__table__
tariff = FeeTariff.__table__
account = MemberFeeAccount.__table__


def compare(connection: Connection) -> Iterable[Mapping[str, Any]]:
    """Fees that the ledger knows otherwise, entries of fees that nobody noted, and accounts that are nobody's."""
    for query in (_otherwise(), _not_noted(), _nobodys()):
        for row in connection.execute(query).mappings():
            yield dict(row)


def _otherwise() -> Select[Any]:
    """What was noted for an entry, by account, is what the entry credits there."""
    noted = union_all(
        _noted(tariff.c.income_account, fee.c.fee_cents), _noted(literal(EXCISE_PAYABLE), fee.c.excise_cents)
    )
    part = noted.subquery("part")
    expected = (
        select(part.c.entry_id, part.c.code, func.sum(part.c.cents).label("cents"))
        .group_by(part.c.entry_id, part.c.code)
        .having(func.sum(part.c.cents) > 0)
        .subquery("expected")
    )
    booked = (
        select(func.coalesce(func.sum(-posting.c.amount_cents), 0))
        .join(ledger_account, ledger_account.c.id == posting.c.ledger_account_id)
        .where(posting.c.entry_id == expected.c.entry_id, ledger_account.c.code == expected.c.code)
        .scalar_subquery()
    )
    return select(
        expected.c.entry_id.label("entry"),
        expected.c.code,
        expected.c.cents.label("noted_cents"),
        booked.label("booked_cents"),
        literal("the entry credits something else").label("problem"),
    ).where(booked != expected.c.cents)


def _noted(code: ColumnElement[Any], cents: ColumnElement[Any]) -> Select[Any]:
    plain = type_coerce(cents, BigInteger)  # compared with a sum of postings, which are plain numbers
    of_its_tariff = tariff.c.id == fee.c.tariff_id
    return select(fee.c.entry_id, code.label("code"), plain.label("cents")).join(tariff, of_its_tariff)


def _not_noted() -> Select[Any]:
    return (
        select(
            entry.c.id.label("entry"), entry.c.idempotency_key.label("key"), literal("a fee not noted").label("problem")
        )
        .outerjoin(fee, fee.c.entry_id == entry.c.id)
        .where(entry.c.idempotency_key.like("fee:%"), entry.c.reverses_id.is_(None), fee.c.id.is_(None))
    )


def _nobodys() -> Select[Any]:
    return (
        select(member_account.c.number, literal("nobody's account for fees").label("problem"))
        .outerjoin(account, account.c.id == member_account.c.id)
        .where(member_account.c.kind == AccountKind.FEES.value, account.c.id.is_(None))
        .order_by(member_account.c.number)
    )
