"""Forms of the room: lists, a decision, and who stands in for whom."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.approvals.states import ApprovalState, Verdict
from app.kernel.fields import DateField, PlainLine
from app.kernel.forms import Form

CommandName = Annotated[str, Field(max_length=60)]


class ListFilter(Form):
    """What a list is narrowed to."""

    command: CommandName | None = None
    state: ApprovalState | None = None
    after: Annotated[str, Field(max_length=300)] | None = None


class DecisionForm(Form):
    """What a checker says about what was on the page."""

    verdict: Verdict
    note: Annotated[str, Field(max_length=500)] | None = None
    version: Annotated[str, Field(max_length=60)]


class StandIn(Form):
    """Who decides in somebody's place, from when until when, and about what (nothing named: about everything)."""

    stand_in: UUID
    starts_on: DateField
    ends_on: DateField
    commands: tuple[CommandName, ...] | CommandName | None = None
    reason: Annotated[PlainLine, Field(min_length=3, max_length=200)]

    @property
    def chosen(self) -> list[str] | None:
        """The commands that were ticked."""
        return [self.commands] if isinstance(self.commands, str) else list(self.commands or ()) or None
