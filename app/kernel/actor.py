"""Who does something: a plain value that travels with every use case into audit and ledger."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

ActorKind = Literal["staff", "member", "agent", "provider", "system"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody or something that acts, and the channel it came by.

    A callback acts as provider/daraja, a job as system/job name on behalf of whoever asked, and an approved command as
    its maker by the channel ``approval``, with whoever approved it in ``on_behalf_of``.
    """

    kind: ActorKind
    id: str
    channel: str
    address: str | None = None
    on_behalf_of: str | None = None

    @classmethod
    def system(cls, name: str, *, on_behalf_of: str | None = None) -> Actor:
        """A job, a command or the scheduler."""
        return cls("system", name, "system", on_behalf_of=on_behalf_of)

    @classmethod
    def provider(cls, name: str, *, address: str | None = None) -> Actor:
        """A provider that calls us or answers."""
        return cls("provider", name, "callback", address=address)

    @property
    def principal(self) -> str:
        """``staff:0198…``: who owns an idempotency key, and how rows name the actor."""
        return f"{self.kind}:{self.id}"

    def as_json(self) -> dict[str, str]:
        """For a JSON column, without what is not known."""
        return {name: value for name, value in asdict(self).items() if value is not None}
