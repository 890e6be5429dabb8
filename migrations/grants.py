"""What the application's role may do with a table: said by the migration that makes it, never by default."""

from __future__ import annotations

from alembic import op
from flask import current_app
from sqlalchemy.engine import make_url


def application_role() -> str:
    """The role in DATABASE_URL, quoted for SQL."""
    name = make_url(current_app.config["SQLALCHEMY_DATABASE_URI"]).username
    assert name is not None, "DATABASE_URL names the application's role"
    return '"' + name.replace('"', '""') + '"'


def grant(table: str, rights: str) -> None:
    """Let the application's role do ``rights`` ("select, insert") with ``table``."""
    op.execute(f"GRANT {rights} ON {table} TO {application_role()}")


def append_only(table: str) -> None:
    """Refuse update, delete and truncate of ``table`` to everybody, the owner included."""
    op.execute(
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change()"
    )
