"""Money: whole cents of one currency. No float comes near it; a rate is a Decimal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

BOOK_CURRENCY = "KES"  # one society keeps its books in one currency; another is refused
MAX_CENTS = 2**63 - 1  # what a BIGINT holds

_AMOUNT = re.compile(
    r"(?:(?:KES|KSH|KSHS)\.?\s*)?(?P<sign>-?)(?P<whole>\d{1,3}(?:,\d{3})+|\d+)(?:\.(?P<cents>\d{1,2}))?(?:/=|/-)?",
    re.I | re.A,
)


@dataclass(frozen=True, order=True, slots=True)
class Money:
    """An amount in the smallest unit of its currency."""

    cents: int
    currency: str = BOOK_CURRENCY

    def __post_init__(self) -> None:
        assert type(self.cents) is int, "money is whole cents"
        assert self.currency == BOOK_CURRENCY, f"the books are kept in {BOOK_CURRENCY}"

    @classmethod
    def parse(cls, text: str) -> Money:
        """Read what a person typed: ``1500``, ``1,500.50``, ``KES 1,500``, ``1,500/=``.

        Raises ValueError with a sentence that can stand beside the field.
        """
        found = _AMOUNT.fullmatch(text.strip())
        if found is None:
            raise ValueError("Enter an amount like 1,500 or 1,500.50.")
        cents = int(found["whole"].replace(",", "")) * 100 + int((found["cents"] or "").ljust(2, "0"))
        if cents > MAX_CENTS:
            raise ValueError("This amount is too large.")
        return cls(-cents if found["sign"] else cents)

    def __add__(self, other: Money) -> Money:
        return replace(self, cents=self.cents + other.cents)

    def __sub__(self, other: Money) -> Money:
        return replace(self, cents=self.cents - other.cents)

    def __neg__(self) -> Money:
        return replace(self, cents=-self.cents)

    def __bool__(self) -> bool:
        return self.cents != 0

    def times(self, rate: Decimal, *, rounding: str) -> Money:
        """Multiply by a rate; the caller says how a part of a cent is rounded (a ``decimal.ROUND_…`` name)."""
        return replace(self, cents=int((self.cents * rate).quantize(Decimal(1), rounding)))

    def split(self, parts: int) -> list[Money]:
        """Share out evenly; the parts always add up to the whole and differ by a cent at most."""
        assert parts > 0, "there must be somebody to share with"
        base, extra = divmod(self.cents, parts)
        return [replace(self, cents=base + (1 if n < extra else 0)) for n in range(parts)]

    def allocate(self, weights: Sequence[int]) -> list[Money]:
        """Share out in proportion to whole-number weights, by largest remainder; the parts add up to the whole."""
        total = sum(weights)
        assert total > 0 and min(weights) >= 0, "weights are not negative and not all zero"
        shares = [divmod(self.cents * weight, total) for weight in weights]
        left = self.cents - sum(base for base, _ in shares)
        by_remainder = sorted(range(len(weights)), key=lambda n: (-shares[n][1], n))
        extra = set(by_remainder[:left])
        return [replace(self, cents=base + (1 if n in extra else 0)) for n, (base, _) in enumerate(shares)]

    def whole_shillings(self) -> int:
        """The amount for a rail that takes no cents. Raises ValueError if there are any."""
        shillings, cents = divmod(self.cents, 100)
        if cents:
            raise ValueError("Enter whole shillings, without cents.")
        return shillings

    def plain(self) -> str:
        """``1,250.50``: for table cells, whose head names the currency."""
        shillings, cents = divmod(abs(self.cents), 100)
        return f"{'-' if self.cents < 0 else ''}{shillings:,}.{cents:02}"

    def decimal(self) -> str:
        """``1250.50``: the form in JSON."""
        return self.plain().replace(",", "")

    def __str__(self) -> str:
        return f"{self.currency} {self.plain()}"


ZERO = Money(0)


def kes(amount: str | int) -> Money:
    """Kenya shillings, from ``1_250`` or ``"1,250.50"``; for code and tests, people's typing goes through a form."""
    return Money.parse(str(amount))


def total(amounts: Iterable[Money]) -> Money:
    """The sum, zero of nothing."""
    return sum(amounts, ZERO)
