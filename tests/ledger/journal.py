"""Ledger expectations as small journals that an accountant can check.

    assert book.last_entry() == journal('''
        2026-03-31 Deposit SFC1XYZ789
          1120 M-PESA paybill                  1,000.00
          2110 FOSA ordinary savings SV-000001  -1,000.00
    ''')

An account is written by its code; the words after it are for the reader, except a member account's number and
``@CODE``, the branch, which is the head office when left out. Debits are plus, credits minus; the lines add up to zero.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from app.kernel.database import db
from app.kernel.money import ZERO, Money, total
from app.ledger import models as t

_LINE = re.compile(r"(?P<code>\d{4})\b(?P<words>.*?)\s+(?P<amount>-?[\d,]+\.\d\d)")
_NUMBER = re.compile(r"\b[A-Z]{2}-[A-Z]?\d+\b")
_BRANCH = re.compile(r"@([A-Z0-9]+)")


@dataclass(frozen=True)
class Journal:
    """An entry as an accountant writes it: when it counts, what for, and its lines in no particular order."""

    on: date
    description: str
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join([f"{self.on} {self.description}", *(f"  {line}" for line in self.lines)])


def journal(text: str) -> Journal:
    """Read a journal with one entry."""
    head, *lines = [line.strip() for line in text.strip().splitlines()]
    on, description = head.split(" ", 1)
    parsed = [_read(line) for line in lines]
    assert total(amount for _, amount in parsed) == ZERO, "the expected entry does not balance"
    return Journal(date.fromisoformat(on), description, _sorted(parsed))


def stored(entry_id: int) -> Journal:
    """An entry of the ledger, written the same way."""
    head = db.session.execute(select(t.entry).where(t.entry.c.id == entry_id)).one()
    rows = db.session.execute(
        select(
            t.ledger_account.c.code,
            t.branch.c.code.label("branch"),
            t.member_account.c.number,
            t.posting.c.amount_cents,
        )
        .select_from(t.posting)
        .join(t.ledger_account, t.ledger_account.c.id == t.posting.c.ledger_account_id)
        .join(t.branch, t.branch.c.id == t.posting.c.branch_id)
        .outerjoin(t.member_account, t.member_account.c.id == t.posting.c.member_account_id)
        .where(t.posting.c.entry_id == entry_id)
    )
    return Journal(
        head.value_on,
        head.description,
        _sorted([(_account(row.code, row.number, row.branch), Money(row.amount_cents)) for row in rows]),
    )


def _read(line: str) -> tuple[str, Money]:
    found = _LINE.fullmatch(line)
    assert found is not None, f"not a line of a journal: {line}"
    number, branch = _NUMBER.search(found["words"]), _BRANCH.search(found["words"])
    return (
        _account(found["code"], number[0] if number else None, branch[1] if branch else "HQ"),
        Money.parse(found["amount"]),
    )


def _account(code: str, number: str | None, branch: str) -> str:
    return " ".join(part for part in (code, number, f"@{branch}") if part)


def _sorted(lines: list[tuple[str, Money]]) -> tuple[str, ...]:
    return tuple(sorted(f"{account} {amount.plain()}" for account, amount in lines))
