"""What an auditor types into the filters of the audit pages."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, model_validator

from app.audit.queries import Sought
from app.audit.reads import SoughtViews
from app.kernel.fields import DateField, PlainLine
from app.kernel.forms import Form

Word = Annotated[PlainLine, Field(max_length=100)]

_ASIDE = {"after", "kind"}
_WORDS = {
    "who": "by", "record": "to", "from_on": "from", "to_on": "until", "channel": "channel", "address": "address",
    "request": "request", "session": "session",
}  # fmt: skip


class _Filter(Form):
    """What both filters share: who, to whose record, and between which days."""

    who: Word | None = None
    record: Word | None = None
    subject_id: Word | None = None
    from_on: DateField | None = None
    to_on: DateField | None = None
    after: Annotated[PlainLine, Field(max_length=300)] | None = None
    kind: Literal["csv", "xlsx"] | None = None  # of the table to take away

    @model_validator(mode="after")
    def _in_order(self) -> _Filter:
        if self.from_on and self.to_on and self.to_on < self.from_on:
            raise ValueError("The last day is before the first.")
        return self

    @property
    def chips(self) -> dict[str, str]:
        """The active filters by field, in words."""
        return {
            name: f"{_WORDS.get(name, '')} {_shown(value)}".strip()
            for name, value in self.model_dump(exclude=_ASIDE, exclude_none=True).items()
        }

    @property
    def as_json(self) -> dict[str, str]:
        """The active filters, to be kept with an export."""
        return self.model_dump(mode="json", exclude=_ASIDE, exclude_none=True)


class Filter(_Filter):
    """The filter of changes as it stands in the address of the page."""

    action: Word | None = None
    subject_type: Word | None = None
    channel: Word | None = None
    address: Word | None = None
    request: Word | None = None

    @property
    def sought(self) -> Sought:
        """The filter without the place in the list."""
        return Sought(**self.model_dump(exclude=_ASIDE))


class ReadsFilter(_Filter):
    """The filter of reads."""

    session: UUID | None = None

    @property
    def sought(self) -> SoughtViews:
        """The filter without the place in the list."""
        return SoughtViews(**self.model_dump(exclude=_ASIDE))


def _shown(value: object) -> str:
    return value.strftime("%d/%m/%Y") if isinstance(value, date) else str(value)
