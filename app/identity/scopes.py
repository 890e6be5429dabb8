"""What an API token may be made for. A scope never gives more than the permission that its owner holds himself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """A part of the API, and the permissions one of which its use needs, whatever the token says."""

    code: str
    label: str
    permissions: tuple[str, ...]

    def needs(self, permission: str | None = None) -> str:
        """The permission that one endpoint of this scope needs; it names it where the scope stands for several."""
        needed = permission or self.permissions[0]
        assert needed in self.permissions, f"the scope {self.code} does not stand for {needed}"
        assert permission or len(self.permissions) == 1, f"an endpoint of {self.code} says which permission it needs"
        return needed


SCOPES = {
    scope.code: scope
    for scope in (
        Scope("society.read", "Read branches and the business date", ("members.view",)),
        Scope("members.read", "Read and find members", ("members.view",)),
        Scope(
            "members.write",
            "Register and edit members, change their status",
            ("members.register", "members.edit", "members.change_status"),
        ),
        Scope("savings.read", "Read savings products, accounts and balances", ("savings.view",)),
        Scope("savings.write", "Open and close savings accounts", ("savings.open_account",)),
        Scope("statements.read", "Read the statements of accounts", ("savings.view",)),
        Scope("payments.read", "Read payments", ("payments.view",)),
        Scope("payments.allocate", "Read money in suspense and allocate it", ("payments.allocate",)),
        Scope("mpesa.prompt", "Prompt members to pay by M-PESA", ("payments.prompt",)),
        Scope("mpesa.query", "Read how a payment stands", ("payments.view",)),
        Scope("mpesa.register", "Register the paybill's addresses", ("mpesa.configure",)),
    )
}
