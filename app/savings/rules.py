"""Decisions about savings: values in, values out."""

from __future__ import annotations

from app.kernel.money import ZERO, Money


def why_not_prompt(amount: Money, *, minimum_deposit: Money) -> str | None:
    """Why nobody is asked for this deposit, as a sentence; None if they may be. Money that came is never refused."""
    if amount < minimum_deposit:
        return f"The smallest deposit here is {minimum_deposit}."
    return None


def free_to_withdraw(available: Money, *, minimum_balance: Money, is_withdrawable: bool) -> Money:
    """What could be paid out now: what is not held, less what must stay; nothing from deposits that secure loans."""
    if not is_withdrawable:
        return ZERO
    return max(available - minimum_balance, ZERO)
