"""What the savings room refuses, in words."""

from __future__ import annotations

from app.kernel.errors import Conflict, Missing
from app.kernel.money import Money
from app.members.states import MemberStatus


class AccountMissing(Missing):
    """There is no such savings account."""

    code = "savings_account_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such savings account.")


class ProductMissing(Missing):
    """There is no such savings product."""

    code = "savings_product_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such savings product.")


class SavingsClosed(Conflict):
    """Something was asked of an account that is closed."""

    code = "savings_account_closed"

    def __init__(self, number: str) -> None:
        super().__init__(f"The account {number} is closed. Nothing was done.", number=number)


class MembershipEnded(Conflict):
    """Money came for a member who has left or died: somebody must decide whose it is."""

    code = "membership_ended"

    def __init__(self, number: str, status: MemberStatus) -> None:
        super().__init__(f"The holder of {number} is no longer a member ({status.label.lower()}).", number=number)


class MayNotOpen(Conflict):
    """The member's status does not allow a new account."""

    code = "may_not_open_account"

    def __init__(self, status: MemberStatus) -> None:
        super().__init__(
            f"A member who is “{status.label}” cannot open an account. No account was opened.", status=status
        )


class ProductNotOffered(Conflict):
    """The product takes no new accounts."""

    code = "savings_product_not_offered"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} takes no new accounts at present. No account was opened.", product=name)


class OneIsEnough(Conflict):
    """The member already has an account in a product of which each member has one."""

    code = "one_account_per_member"

    def __init__(self, name: str, number: str) -> None:
        super().__init__(
            f"The member already has {number} in {name}, and each member has one. No account was opened.", number=number
        )


class NotEmpty(Conflict):
    """An account can be closed only when nothing is left in it."""

    code = "savings_account_not_empty"

    def __init__(self, number: str, balance: Money) -> None:
        super().__init__(
            f"There is still {balance} in {number}. Pay it out or move it first; the account stays open.", number=number
        )


class StaleProduct(Conflict):
    """Somebody else saved the product since the page was opened."""

    code = "stale_edit"

    def __init__(self) -> None:
        super().__init__(
            "Somebody else changed this product since you opened the page. Nothing of yours was saved. "
            "Look at what is there now, then make your change again."
        )
