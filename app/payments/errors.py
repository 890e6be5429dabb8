"""What payments refuses, in words."""

from __future__ import annotations

from app.kernel.errors import Conflict, Invalid, Missing


class PaymentMissing(Missing):
    """There is no such payment."""

    code = "payment_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such payment.")


class PurposeUnknown(Invalid):
    """Nobody takes money for this purpose."""

    code = "purpose_unknown"

    def __init__(self) -> None:
        super().__init__({"purpose": "Choose what the payment is for."})


class AccountNotFitting(Invalid):
    """The account is not the member's, or does not fit the purpose, or must be named."""

    code = "account_not_fitting"

    def __init__(self, message: str = "Choose one of the member's accounts.") -> None:
        super().__init__({"account": message})


class PromptOpen(Conflict):
    """Another prompt to the same phone has no outcome yet; a second would confuse or charge the member twice."""

    code = "prompt_open"

    def __init__(self, payment_id: object) -> None:
        super().__init__(
            "A prompt to this phone has no outcome yet. Wait for it before you send another; none was sent.",
            payment_id=payment_id,
        )


class NotInSuspense(Conflict):
    """Somebody has allocated this money already."""

    code = "not_in_suspense"

    def __init__(self) -> None:
        super().__init__("This money has been allocated already. Nothing was done.")
