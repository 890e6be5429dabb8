"""The commands that need a second person: rooms register theirs by name at start-up, and approvals imports none.

docs/approvals.md shows how a room does it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel

from app.approvals.rules import DEFAULT_THRESHOLD, Threshold
from app.approvals.states import ApprovalState
from app.kernel.actor import Actor
from app.kernel.effects import Effect
from app.kernel.money import Money
from app.kernel.reach import SOCIETY_WIDE, Whereabouts

Inputs = TypeVar("Inputs", bound=BaseModel)
InputsIn = TypeVar("InputsIn", bound=BaseModel, contravariant=True)


class Run(Protocol[InputsIn]):
    """A use case that does what was approved and returns what came of it, such as an entry's or a record's id.

    ``key`` is ``approval:<id>``: an idempotency key for whatever it posts. ``by`` is the maker, with the checker in
    ``on_behalf_of``. A refusal that it raises leaves the approval waiting.
    """

    def __call__(self, inputs: InputsIn, /, *, key: str, on: date, by: Actor) -> str | None: ...


class Ending(Protocol[InputsIn]):
    """A use case that clears away what was prepared for a command that will not run."""

    def __call__(self, inputs: InputsIn, /, *, key: str, on: date, by: Actor) -> None: ...


@dataclass(frozen=True, kw_only=True)  # without slots, so that Command[Inputs](…) can be written
class Command(Generic[Inputs]):
    """One thing that two people decide."""

    name: str  # ``ledger.journal``, named after its room
    label: str  # "Manual journal"
    inputs: type[Inputs]
    ask_permission: str | None  # none: whoever reaches the use case may ask
    decide_permission: str
    describe: Callable[[Inputs], Effect]  # what it would do now; refuses what it would refuse
    run: Run[Inputs]
    amount: Callable[[Inputs], Money | None] = lambda _: None
    whereabouts: Callable[[Inputs], Whereabouts | None] = lambda _: SOCIETY_WIDE  # none: it is gone
    subject: Callable[[Inputs], tuple[str, str] | None] = lambda _: None  # the record it is about: type and id
    page: Callable[[Inputs, str | None], str | None] = lambda _inputs, _result: None  # where what came of it is shown
    fresh: bool = False  # whoever decides must have shown within the last minutes who he is
    threshold: Threshold = DEFAULT_THRESHOLD  # what holds until the society decides otherwise
    on_refused: Ending[Inputs] | None = None
    on_withdrawn: Ending[Inputs] | None = None
    on_expired: Ending[Inputs] | None = None

    def ending(self, state: ApprovalState) -> Ending[Inputs] | None:
        """What clears away after a request that ended so."""
        return {
            ApprovalState.REFUSED: self.on_refused,
            ApprovalState.WITHDRAWN: self.on_withdrawn,
            ApprovalState.EXPIRED: self.on_expired,
        }.get(state)


AnyCommand = Command[Any]

_commands: dict[str, AnyCommand] = {}


def register(command: AnyCommand) -> None:
    """Let a command be asked for; called by ``create_app``."""
    assert "." in command.name, "a command is named after its room: ledger.journal"
    _commands[command.name] = command


def find(name: str) -> AnyCommand | None:
    """The command of this name, if this version of Pamoja still has it."""
    return _commands.get(name)


def every() -> list[AnyCommand]:
    """All commands, by label."""
    return sorted(_commands.values(), key=lambda command: command.label)


def labels() -> dict[str, str]:
    """What the commands are called."""
    return {command.name: command.label for command in every()}
