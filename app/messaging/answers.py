"""What any SMS provider may answer about one text, in our words."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto


class Outcome(Enum):
    """What an answer means for one text."""

    ACCEPTED = auto()  # theirs now; a delivery report will say more
    REFUSED = auto()  # definitely not sent, and sending it again would be refused again
    RETRY = auto()  # definitely not sent; may be tried again later
    HOLD = auto()  # definitely not sent, because of our account or settings: nothing will be, until a person acts
    UNKNOWN = auto()  # may have been sent


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider said about one text, or what kept it from saying anything."""

    outcome: Outcome
    detail: str = ""
    code: str | None = None
    message_id: str | None = None
    cost: Decimal | None = None
    cost_currency: str | None = None
