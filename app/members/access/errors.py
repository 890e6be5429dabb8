"""What is refused about phones and PINs, in words."""

from __future__ import annotations

from uuid import UUID

from app.kernel.errors import Conflict, Invalid


class NoPhone(Conflict):
    """There is no payment phone to send anything to."""

    code = "no_payment_phone"

    def __init__(self) -> None:
        super().__init__("This member has no payment phone yet. Enter one first. Nothing was sent.")


class PhoneNotVerified(Conflict):
    """A PIN goes only to a phone that was proved to be the member's."""

    code = "phone_not_verified"

    def __init__(self) -> None:
        super().__init__(
            "Verify the payment phone first: a PIN is only sent to a phone that was proved. Nothing was sent."
        )


class PhoneTaken(Invalid):
    """Another member pays with this number, or this member does already."""

    code = "phone_taken"
    status = 409

    def __init__(self, sentence: str, *, member_id: UUID | None = None) -> None:
        super().__init__({"phone": sentence}, f"{sentence} Nothing was changed.")
        self.member_id = member_id
