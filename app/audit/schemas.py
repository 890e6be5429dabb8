"""What an auditor types into the filter of the audit page."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field, model_validator

from app.audit.queries import Sought
from app.kernel.fields import DateField, PlainLine
from app.kernel.forms import Form

Word = Annotated[PlainLine, Field(max_length=100)]


class Filter(Form):
    """The filter as it stands in the address of the page."""

    who: Word | None = None
    action: Word | None = None
    record: Word | None = None
    subject_type: Word | None = None
    subject_id: Word | None = None
    from_on: DateField | None = None
    to_on: DateField | None = None
    after: Annotated[PlainLine, Field(max_length=300)] | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Filter:
        if self.from_on and self.to_on and self.to_on < self.from_on:
            raise ValueError("The last day is before the first.")
        return self

    @property
    def sought(self) -> Sought:
        """The filter without the place in the list."""
        return Sought(**self.model_dump(exclude={"after"}))

    @property
    def chips(self) -> dict[str, str]:
        """The active filters by field, in words."""
        words = {"who": "by", "record": "to", "from_on": "from", "to_on": "until"}
        return {
            name: f"{words.get(name, '')} {_shown(value)}".strip()
            for name, value in self.model_dump(exclude={"after"}, exclude_none=True).items()
        }


def _shown(value: str | date) -> str:
    return value.strftime("%d/%m/%Y") if isinstance(value, date) else value
