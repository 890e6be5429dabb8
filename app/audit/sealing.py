"""Closing and sealing the days of the trail, by the database's own doors. docs/audit-seal.md describes the seal."""

from __future__ import annotations

from datetime import date

from sqlalchemy import func, select

from app.audit.models import audit_seal
from app.kernel.actor import Actor
from app.kernel.database import db


def close_day(on: date, by: Actor) -> str:
    """Let nothing be filed under this day, or an earlier one, any more; what comes late goes to the next.

    Waits for whoever is writing just now, and therefore is a step of its own: the seal takes longer and stops nobody.
    """
    db.session.execute(select(func.close_audit_day(on)))
    return "nothing is added to it any more"


def seal_day(on: date, by: Actor) -> str:
    """Seal a closed day, and every day before it that has no seal yet. A day that is sealed keeps its seal."""
    sealed: bytes = db.session.execute(select(func.seal_audit_day(on, by.principal))).scalar_one()
    rows = db.session.scalar(select(audit_seal.c.event_count).where(audit_seal.c.on_date == on))
    return f"{rows:,} rows; seal {sealed.hex()[:16]}"
