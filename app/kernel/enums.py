"""States and kinds: the database's value and the words for people in one place."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class LabelledEnum(StrEnum):
    """An enum whose members are written ``NAME = "value", "Words for people"``."""

    label: str

    def __new__(cls, value: str, label: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        """Value and label of every member, in the order written, for a select."""
        return [(member.value, member.label) for member in cls]
