"""What the fees room refuses, in words."""

from __future__ import annotations

from app.kernel.errors import Conflict, Missing
from app.kernel.money import Money


class TariffMissing(Missing):
    """There is no such tariff."""

    code = "tariff_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such tariff.")


class FeeAccountMissing(Missing):
    """No such account for fees."""

    code = "fee_account_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such account for fees.")


class FeeExceedsAmount(Conflict):
    """A fee that comes out of an amount is larger than the amount."""

    code = "fee_exceeds_amount"

    def __init__(self, amount: Money, fee: Money) -> None:
        super().__init__(f"{amount} does not cover its fee of {fee}. No money moved.", amount=amount, fee=fee)


class MoreThanOwed(Conflict):
    """More was paid than is owed: a person decides where the money goes."""

    code = "more_than_owed"

    def __init__(self, number: str, owed: Money) -> None:
        super().__init__(
            f"Only {owed} is owed on {number}." if owed else f"Nothing is owed on {number}.", number=number, owed=owed
        )


class NothingToCharge(Conflict):
    """No fee is set for this, or it has been charged before."""

    code = "nothing_to_charge"
