"""What an action will do, in words and numbers that a person can judge before it is done."""

from __future__ import annotations

import hashlib
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from app.kernel.fields import MoneyField
from app.kernel.money import ZERO, Money


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Movement(_Value):
    """One line of what will be booked: so much on an account, on one of its two sides."""

    account: str  # number and name, as the reader knows it
    branch: str
    debit: MoneyField = ZERO
    credit: MoneyField = ZERO


class Change(_Value):
    """A setting that will be another; what has no value yet is shown as none."""

    what: str
    before: str | None = None
    after: str | None = None


class Effect(_Value):
    """All that an action will do. Worked out again later, it is equal as long as it would still do the same."""

    title: str  # one line, by which the action is found in a list
    facts: tuple[tuple[str, str], ...] = ()  # label and text
    movements: tuple[Movement, ...] = ()
    changes: tuple[Change, ...] = ()
    warnings: tuple[str, ...] = ()
    payee: str | None = None
    total: MoneyField | None = None
    attachment: UUID | None = None  # a stored file that belongs to it: an invoice, a statement

    @property
    def debits(self) -> Money:
        """What the debit side adds up to."""
        return sum((movement.debit for movement in self.movements), ZERO)

    @property
    def credits(self) -> Money:
        """What the credit side adds up to."""
        return sum((movement.credit for movement in self.movements), ZERO)

    @property
    def fingerprint(self) -> str:
        """Short enough for a form, long enough that another effect has another one."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:24]
