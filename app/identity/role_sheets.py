"""What a role is to be: its name, and for each permission how far it extends and up to which amount."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator
from werkzeug.datastructures import MultiDict

from app.identity.rights import WITH_A_LIMIT, Right
from app.kernel.errors import Invalid
from app.kernel.fields import PlainLine, PositiveMoney
from app.kernel.forms import KEY, Filled, Form
from app.kernel.reach import Reach

_REACH, _LIMIT = "reach.", "limit."  # how the form names its fields: reach.members.view
_OF_THE_SHEET = ("label", "description", "version")
_ASIDE = {"csrf_token", KEY}


class Grant(Form):
    """One permission of a role."""

    permission: Annotated[str, Field(max_length=60)]
    reach: Reach
    limit: PositiveMoney | None = None

    @property
    def right(self) -> Right:
        return Right(self.reach, self.limit)

    @model_validator(mode="after")
    def _check_limit(self) -> Self:
        if self.limit is not None and self.permission not in WITH_A_LIMIT:
            raise ValueError("This permission has no amount to limit.")
        return self


class RoleSheet(Form):
    """A role as it is to be; says which version was on the screen (0: a new role)."""

    code: Annotated[str, Field(max_length=40)] | None = None  # none: a new role
    label: Annotated[PlainLine, Field(min_length=2, max_length=40)]
    description: Annotated[PlainLine, Field(min_length=3, max_length=200)]
    grants: Annotated[tuple[Grant, ...], Field(max_length=200)] = ()
    version: Annotated[int, Field(ge=0)] = 0

    @property
    def rights(self) -> dict[str, Right]:
        """By permission."""
        return {grant.permission: grant.right for grant in self.grants}


class RoleForm(Form):
    """The same as a person sends it, with the reason for it, on which a second person decides."""

    sheet: RoleSheet
    reason: Annotated[PlainLine, Field(min_length=5, max_length=300)]


class Retirement(Form):
    """That a role is no longer given to anybody."""

    version: Annotated[int, Field(gt=0)]


def read(sent: MultiDict[str, str], *, code: str | None) -> Filled[RoleForm]:
    """Read a role's form. Errors carry the names of the form's fields, so each sentence finds its field."""
    typed = {name: value for name, value in sent.items() if name not in _ASIDE}
    grants, stray = _grants(typed)
    sheet = {name: typed[name] for name in _OF_THE_SHEET if typed.get(name, "").strip()}
    known = {*_OF_THE_SHEET, "reason"}
    rest = {name: value for name, value in typed.items() if name not in known and not name.startswith((_REACH, _LIMIT))}
    given = {"sheet": {"code": code, **sheet, "grants": grants}, "reason": typed.get("reason", ""), **rest}
    errors = dict.fromkeys(stray, "Choose how far this extends, or leave the amount empty.")
    try:
        form = RoleForm.parse_json(given)
    except Invalid as invalid:
        errors = {_field(name, grants): sentence for name, sentence in invalid.errors.items()} | errors
        return Filled(None, errors, typed, sent.get(KEY))
    return Filled(None if errors else form, errors, typed, sent.get(KEY))


def typed_from(label: str, description: str, rights: Mapping[str, Right], *, version: int) -> dict[str, str]:
    """The form as somebody would have filled it in for what holds now."""
    typed = {"label": label, "description": description, "version": str(version)}
    for permission, right in rights.items():
        typed[f"{_REACH}{permission}"] = right.reach.value
        if right.limit is not None:
            typed[f"{_LIMIT}{permission}"] = right.limit.plain()
    return typed


def _grants(typed: Mapping[str, str]) -> tuple[list[dict[str, str]], list[str]]:
    """The permissions that are given, and the names of amounts that stand beside none."""
    given = {
        name.removeprefix(_REACH): value for name, value in typed.items() if name.startswith(_REACH) and value.strip()
    }
    limits = {
        name.removeprefix(_LIMIT): value for name, value in typed.items() if name.startswith(_LIMIT) and value.strip()
    }
    rows = [
        {"permission": permission, "reach": reach} | ({"limit": limits[permission]} if permission in limits else {})
        for permission, reach in given.items()
    ]
    return rows, [f"{_LIMIT}{permission}" for permission in limits if permission not in given]


def _field(name: str, grants: list[dict[str, str]]) -> str:
    """The form's own name of a field that a model calls ``sheet.grants.3.limit``."""
    parts = name.split(".")
    if parts[:2] == ["sheet", "grants"] and len(parts) > 2:
        permission = grants[int(parts[2])]["permission"]
        return f"{_REACH if parts[3:] == ['reach'] else _LIMIT}{permission}"
    return parts[-1]
