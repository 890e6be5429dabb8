"""Audit: who did what, when and from where. Actor and subject are plain values, so every room can be audited."""

from app.audit.changes import CHANGED, differences
from app.audit.reads import viewed
from app.audit.security import notice, observe
from app.audit.service import record

__all__ = ["CHANGED", "differences", "notice", "observe", "record", "viewed"]
