"""What changes in this room: sign-in and sessions, the life cycle of staff, API tokens."""

from app.identity.service.authority import authorise

__all__ = ["authorise"]
