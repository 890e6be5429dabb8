"""What a second person looks at before a role is changed: which rights it gains, loses, or holds otherwise."""

from __future__ import annotations

from datetime import date

from app.identity import queries
from app.identity.role_sheets import RoleSheet
from app.identity.service import roles
from app.identity.service.roles import in_words
from app.kernel.actor import Actor
from app.kernel.effects import Change, Effect

NAME = "identity.role"
SUBJECT = ("society", "roles")  # what proposals are about: the page of roles shows all that wait


def effect(sheet: RoleSheet) -> Effect:
    """What it will change. Refuses with what `roles.check` refuses."""
    roles.check(sheet)
    role = queries.role(sheet.code) if sheet.code else None
    before, after, labels = (role.rights if role else {}), sheet.rights, queries.permission_labels()
    words = (
        ("Name", role.label if role else None, sheet.label),
        ("About", role.description if role else None, sheet.description),
    )
    rights = [
        (labels[code], in_words(before.get(code)), in_words(after.get(code))) for code in sorted({*before, *after})
    ]
    people = queries.holders_of(sheet.code) if sheet.code else []
    return Effect(
        title=f"Role {role.label}" if role else f"New role {sheet.label}",
        facts=(("People with this role", str(len(people))),),
        changes=tuple(Change(what=what, before=was, after=now) for what, was, now in (*words, *rights) if was != now),
    )


def run(sheet: RoleSheet, /, *, key: str, on: date, by: Actor) -> str:
    """Make or change the role that was approved. Refuses with what `roles.put` refuses."""
    return roles.put(sheet, by=by)
