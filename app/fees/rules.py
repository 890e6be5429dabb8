"""Decisions about fees: values in, values out.

Rounding is the same everywhere: to whole cents, half a cent up, once for the fee and once for the excise on it. That is
what a member works out on a phone's calculator, each charge then stands in the books exactly as it was shown, and the
excise return is the sum of what was charged, not a rate on a total.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

from app.fees.events import Basis, Bearer
from app.kernel.money import ZERO, Money

HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Band:
    """Amounts up to a bound cost so much; the last band has no bound."""

    up_to: Money | None
    fee: Money


@dataclass(frozen=True, slots=True)
class Terms:
    """What a tariff says, as a calculation needs it."""

    basis: Basis
    borne_by: Bearer
    flat: Money = ZERO
    percent: Decimal = Decimal(0)
    minimum: Money | None = None
    maximum: Money | None = None
    bands: tuple[Band, ...] = ()
    excise_percent: Decimal = Decimal(0)
    excise_included: bool = False


@dataclass(frozen=True, slots=True)
class Parts:
    """A fee and the excise duty on it. Their sum is what is taken, always."""

    fee: Money = ZERO
    excise: Money = ZERO

    @property
    def total(self) -> Money:
        return self.fee + self.excise


def parts(terms: Terms, amount: Money) -> Parts:
    """What an event over ``amount`` costs.

    The society pays no excise on what it bears itself: nobody is charged then.
    """
    listed = listed_fee(terms, amount)
    if terms.borne_by is Bearer.SOCIETY:
        return Parts(fee=listed)
    if terms.excise_included:
        fee = listed.times(HUNDRED / (HUNDRED + terms.excise_percent), rounding=ROUND_HALF_UP)
        return Parts(fee=fee, excise=listed - fee)
    return Parts(fee=listed, excise=listed.times(terms.excise_percent / HUNDRED, rounding=ROUND_HALF_UP))


def listed_fee(terms: Terms, amount: Money) -> Money:
    """The fee that the board set, before anything is said about excise."""
    match terms.basis:
        case Basis.FLAT:
            return terms.flat
        case Basis.PERCENT:
            return _within(amount.times(terms.percent / HUNDRED, rounding=ROUND_HALF_UP), terms.minimum, terms.maximum)
        case Basis.BANDS:
            return next(band.fee for band in terms.bands if band.up_to is None or amount <= band.up_to)


def _within(fee: Money, minimum: Money | None, maximum: Money | None) -> Money:
    if minimum is not None:
        fee = max(fee, minimum)
    return fee if maximum is None else min(fee, maximum)


def read_bands(text: str) -> list[Band]:
    """Bands as the board's minute lists them, one to a line: ``2,500 30`` and at last ``more 75``.

    Raises ValueError with a sentence that names the line.
    """
    lines = [line.split() for line in text.replace("\r", "").split("\n") if line.strip()]
    bands = [_band(number, words) for number, words in enumerate(lines, 1)]
    if sentence := why_not_bands(bands):
        raise ValueError(sentence)
    return bands


def why_not_bands(bands: Sequence[Band]) -> str | None:
    """Why these bands cannot be used, as a sentence: a larger amount never costs less, and every amount has a band."""
    if not bands or bands[-1].up_to is not None:
        return "The last line starts with “more”, for every larger amount."
    bounds = [band.up_to for band in bands[:-1]]
    if None in bounds:
        return "Only the last line starts with “more”."
    known = [bound for bound in bounds if bound is not None]
    if any(after <= before for before, after in pairwise(known)):
        return "Each line's amount is larger than the one above."
    if any(after.fee < before.fee for before, after in pairwise(bands)):
        return "A larger amount cannot cost less than a smaller one."
    return None


def _band(number: int, words: list[str]) -> Band:
    if len(words) != 2:
        raise ValueError(f"Line {number}: write an amount, a space and the fee, for example “2,500 30”.")
    try:
        bound = None if words[0].lower() == "more" else Money.parse(words[0])
        fee = Money.parse(words[1])
    except ValueError as trouble:
        raise ValueError(f"Line {number}: {trouble}") from None
    if fee < ZERO or (bound is not None and bound <= ZERO):
        raise ValueError(f"Line {number}: amounts are above zero, and a fee is not negative.")
    return Band(bound, fee)
