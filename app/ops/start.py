"""What production looks at before it starts: the application must not be able to do what only migrations may."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import text

from app.kernel.database import db
from config import ConfigurationError

# Append-only tables and the ledger's doors protect against the application's role, not against their owner.
_IS_TOO_STRONG = text(
    """
    SELECT r.rolsuper OR r.rolbypassrls OR pg_has_role(r.oid, d.datdba, 'MEMBER')
           OR EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                       WHERE n.nspname IN ('public', 'ledger') AND pg_has_role(r.oid, c.relowner, 'MEMBER'))
      FROM pg_roles r, pg_database d
     WHERE r.rolname = current_user AND d.datname = current_database()
    """
)


def refuse_debugging(app: Flask) -> None:
    """Refuse to run with Flask's debugger, which runs whatever a browser sends it. Raises ConfigurationError."""
    if app.debug:
        raise ConfigurationError("FLASK_DEBUG is set. Production never runs with the debugger.")


def refuse_strong_role() -> None:
    """Refuse to run as an owner or superuser. Raises ConfigurationError; the database's own error if it is away."""
    with db.engine.connect() as connection:
        is_too_strong = connection.scalar(_IS_TOO_STRONG)
    db.engine.dispose()  # whoever forks from here opens connections of its own
    if is_too_strong:
        raise ConfigurationError(
            "DATABASE_URL names an owner or superuser. Production runs as the application's role;"
            " only DATABASE_OWNER_URL, for migrations, names the owner."
        )
