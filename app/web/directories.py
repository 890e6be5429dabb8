"""Tells the audit trail what people and members are called, and where they are shown: it knows only kinds and ids."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from flask import Flask, url_for

from app.approvals import queries as approvals
from app.audit import people
from app.identity import queries as identity
from app.members import queries as members

MOST_MEANT = 20  # members whom a few typed letters may mean


def install(app: Flask) -> None:
    """Register who can name whom."""
    people.register(app, "staff", names=identity.names_of, search=identity.search, page=_user_page)
    people.register(app, "member", names=_member_names, search=_members_meant, page=_member_page)
    people.register(app, "approval", names=approvals.titles_of, search=lambda _: [], page=_approval_page)


def _user_page(staff_id: str) -> str:
    return url_for("identity.user", staff_id=UUID(staff_id))


def _member_page(member_id: str) -> str:
    return url_for("profile.show", member_id=UUID(member_id))


def _approval_page(approval_id: str) -> str:
    return url_for("approvals.show", approval_id=UUID(approval_id))


def _member_names(ids: Collection[str]) -> dict[str, str]:
    found = members.names_of([UUID(member_id) for member_id in ids])
    return {str(member_id): name for member_id, name in found.items()}


def _members_meant(text: str) -> list[str]:
    return [str(hit.id) for hit in members.search(text, MOST_MEANT)]
