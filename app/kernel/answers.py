"""What endpoints answer: closed models, so that nothing gets out that is not described.

    class AccountAnswer(Answer):
        number: str
        balance: Amount

The API's document is made from the same models, in the form in which they are sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, PlainSerializer, WithJsonSchema

from app.kernel.money import Money
from app.kernel.paging import Page
from app.kernel.phones import Phone

T = TypeVar("T")
Item = TypeVar("Item", bound="Answer")


class Answer(BaseModel):
    """Base of everything that is answered: exactly these fields, made from our own typed values."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class VersionedAnswer(Answer):
    """A record that can be edited: its version is the ETag, and an edit names it in If-Match."""

    version: int


class PageAnswer(Answer, Generic[Item]):
    """Some records, and the token of the page after them: send it as ``after``. Null: this is the last page."""

    items: list[Item]
    next: str | None

    @classmethod
    def of(cls, page: Page[T], to_json: Callable[[T], Item]) -> Self:
        """A page of rows as the records that are sent."""
        return cls(items=[to_json(row) for row in page.items], next=page.next)


class ListAnswer(Answer, Generic[Item]):
    """All records of a kind that has few."""

    items: list[Item]

    @classmethod
    def of(cls, rows: Iterable[T], to_json: Callable[[T], Item]) -> Self:
        """Rows as the records that are sent."""
        return cls(items=[to_json(row) for row in rows])


def _as_sent(schema: dict[str, Any]) -> WithJsonSchema:
    return WithJsonSchema(schema, mode="serialization")


Amount = Annotated[
    Money,
    PlainSerializer(lambda amount: amount.decimal(), return_type=str),
    _as_sent({"type": "string", "pattern": r"^-?\d+\.\d{2}$", "examples": ["1500.00"]}),
]
"""Kenya shillings as a decimal string; never a float."""

PhoneNumber = Annotated[
    Phone,
    PlainSerializer(lambda phone: phone.e164, return_type=str),
    _as_sent({"type": "string", "pattern": r"^\+\d{9,15}$", "examples": ["+254712345678"]}),
]
