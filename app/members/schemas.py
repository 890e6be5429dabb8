"""Forms and JSON of the room: what a person typed becomes a registration, an edit, a change of status or a filter."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from uuid import UUID

from pydantic import BeforeValidator, Field, WithJsonSchema
from werkzeug.datastructures import MultiDict

from app.kernel.errors import Invalid
from app.kernel.fields import DateField, KraPin, NationalId, PersonName, PhoneField, PlainLine
from app.kernel.forms import KEY, Filled, Form
from app.members.models import Gender, Language, PhonePurpose, Relationship
from app.members.rules import plain_percent
from app.members.states import MemberStatus

if TYPE_CHECKING:
    from app.members.queries import Profile

MOST_NEXT_OF_KIN = 8
KIN = "next_of_kin"
_KIN_FIELD = re.compile(rf"{KIN}\.(\d{{1,2}})\.([a-z_]+)", re.A)
_AS_THEY_ARE = (
    "version", "first_name", "middle_name", "last_name", "national_id", "kra_pin", "gender", "language",
    "branch_id", "officer_id", "agent_id", "employer",
)  # fmt: skip
_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,2})?)\s*%?", re.A)


_PERCENT_IN_JSON = WithJsonSchema(
    {
        "anyOf": [
            {"type": "string", "pattern": r"^ *[0-9]{1,3}(\.[0-9]{1,2})?\s*%? *$"},
            {"type": "integer", "minimum": 1, "maximum": 100},
        ],
        "examples": ["33.33"],
    }
)


def _percent(value: Any) -> Decimal:
    """``50``, ``33.33`` or ``50 %``: more than nothing, at most the whole."""
    if isinstance(value, float):
        raise ValueError("Send the share as text, like 33.33.")
    found = _PERCENT.fullmatch(str(value).strip())
    share = Decimal(found[1]) if found else Decimal(0)
    if not 0 < share <= 100:
        raise ValueError("Enter a share between 0.01 and 100 percent.")
    return share


class KinRow(Form):
    """One next of kin; with a share, a nominee."""

    name: PersonName
    relationship: Relationship
    phone: PhoneField | None = None
    share_percent: Annotated[Decimal, BeforeValidator(_percent), _PERCENT_IN_JSON] | None = None


class MemberDetails(Form):
    """Everything about a member that a person types, at registration and later."""

    first_name: PersonName
    middle_name: PersonName | None = None
    last_name: PersonName
    national_id: NationalId
    kra_pin: KraPin | None = None
    born_on: DateField
    gender: Gender
    language: Language = Language.ENGLISH
    payment_phone: PhoneField
    contact_phone: PhoneField | None = None
    branch_id: Annotated[int, Field(strict=False, gt=0, le=2**31 - 1)]
    officer_id: UUID | None = None
    agent_id: UUID | None = None
    employer: Annotated[PlainLine, Field(max_length=120)] | None = None
    next_of_kin: Annotated[tuple[KinRow, ...], Field(max_length=MOST_NEXT_OF_KIN)] = ()


class MemberEdit(MemberDetails):
    """The same, for a member who is registered: says which version was on the screen.

    The payment phone may be left out; another one than stands is refused, it is changed by a code.
    """

    payment_phone: PhoneField | None = None  # type: ignore[assignment]  # wider than at registration
    version: Annotated[int, Field(gt=0)]


class StatusChange(Form):
    """A move from one status to another, and why."""

    status: MemberStatus
    reason: Annotated[PlainLine, Field(min_length=5, max_length=300)]
    version: Annotated[int, Field(gt=0)]


class ListFilter(Form):
    """What the list of members is narrowed to; stands in the address, so it never holds a phone or an ID."""

    q: Annotated[str, Field(max_length=80)] = ""
    status: MemberStatus | None = None
    branch: Annotated[int, Field(gt=0, le=2**31 - 1)] | None = None
    officer: UUID | None = None
    after: str | None = None


Details = TypeVar("Details", bound=MemberDetails)


def read_details(form: type[Details], sent: MultiDict[str, str]) -> Filled[Details]:
    """Read a form whose rows of next of kin are named ``next_of_kin.0.name``; rows left empty are dropped.

    The fields carry the names that the errors will have, so each sentence finds its field.
    """
    typed = without_empty_rows(sent)
    given: dict[str, Any] = {
        name: value for name, value in typed.items() if value.strip() and not _KIN_FIELD.fullmatch(name)
    }
    rows: dict[int, dict[str, str]] = {}
    for name, value in typed.items():
        if (found := _KIN_FIELD.fullmatch(name)) and value.strip():
            rows.setdefault(int(found[1]), {})[found[2]] = value
    try:
        return Filled(form.parse_json(given | {KIN: [rows[n] for n in sorted(rows)]}), {}, typed, sent.get(KEY))
    except Invalid as invalid:
        return Filled(None, dict(invalid.errors), typed, sent.get(KEY))


def without_empty_rows(sent: MultiDict[str, str]) -> dict[str, str]:
    """What was typed, the rows of next of kin counted anew from 0 without those left empty."""
    fields = {name: value for name, value in sent.items() if name not in (KEY, "csrf_token")}
    kept = sorted(
        {int(found[1]) for name, value in fields.items() if value.strip() and (found := _KIN_FIELD.fullmatch(name))}
    )
    place = {old: new for new, old in enumerate(kept)}
    typed: dict[str, str] = {}
    for name, value in fields.items():
        if found := _KIN_FIELD.fullmatch(name):
            if int(found[1]) in place:
                typed[f"{KIN}.{place[int(found[1])]}.{found[2]}"] = value
        else:
            typed[name] = value
    return typed


def kin_rows(typed: Iterable[str]) -> int:
    """How many rows of next of kin have something in them."""
    return len({found[1] for name in typed if (found := _KIN_FIELD.fullmatch(name))})


def typed_from(profile: Profile) -> dict[str, str]:
    """The form as somebody would have typed what stands in the register."""
    member = profile.member
    phones = {number.purpose: number.phone.local for number in profile.phones}
    typed = {
        **{name: str(getattr(member, name) or "") for name in _AS_THEY_ARE},
        "born_on": f"{member.born_on:%d/%m/%Y}",
        "contact_phone": phones.get(PhonePurpose.CONTACT, ""),
    }
    for n, kin in enumerate(profile.next_of_kin):
        typed |= {
            f"{KIN}.{n}.name": kin.name,
            f"{KIN}.{n}.relationship": kin.relationship.value,
            f"{KIN}.{n}.phone": kin.phone.local if kin.phone else "",
            f"{KIN}.{n}.share_percent": plain_percent(kin.share_percent) if kin.share_percent else "",
        }
    return typed
