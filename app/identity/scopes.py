"""What an API token may be made for. A scope never gives more than the permission that its owner holds himself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """A part of the API, and the permission without which its use is refused, whatever the token says."""

    code: str
    label: str
    permission: str


SCOPES = {
    scope.code: scope
    for scope in (
        Scope("mpesa.prompt", "Prompt members to pay by M-PESA", "payments.prompt"),
        Scope("mpesa.query", "Read how a payment stands", "payments.view"),
        Scope("mpesa.register", "Register the paybill's addresses", "mpesa.configure"),
    )
}
