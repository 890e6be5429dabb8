"""What changes in this room: sign-in and sessions, the life cycle of staff, API tokens."""
