"""Writing the audit trail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import g, has_app_context

from app.audit.changes import plain
from app.audit.models import AuditEvent
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.database import db


def record(
    action: str,
    *,
    subject: tuple[str, object],
    by: Actor,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    branch_id: int | None = None,
) -> None:
    """Note that ``by`` did ``action`` (``room.verb_in_the_past``) to a subject (type, id), in the caller's transaction.

    So the change and its trace are saved together or not at all. Encrypted fields are given as ``audit.CHANGED``.
    """
    assert "." in action, "an action is named after its room: members.registered"
    subject_type, subject_id = subject
    db.session.add(
        AuditEvent(
            at=clock.now(),
            action=action,
            subject_type=subject_type,
            subject_id=str(subject_id),
            actor_kind=by.kind,
            actor_id=by.id,
            channel=by.channel,
            address=by.address,
            on_behalf_of=by.on_behalf_of,
            branch_id=branch_id,
            request_id=g.get("request_id") if has_app_context() else None,
            before=plain(before) or None,
            after=plain(after) or None,
        )
    )
