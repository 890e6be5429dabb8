"""Runs the migrations as the owner role; the application's role is granted what each migration says."""

from __future__ import annotations

from alembic import context
from flask import current_app
from sqlalchemy import create_engine, pool, text

from app.kernel.database import db

config = context.config
LOCK_TIMEOUT = "5s"  # a migration waits its turn briefly instead of queueing everybody behind it


def owned_by_us(name: str | None, type_: str, parent_names: dict[str, str | None]) -> bool:
    """Compare our two schemas only."""
    return name in (None, "public", "ledger") if type_ == "schema" else True


def run() -> None:
    """Bring the database up or down, in one transaction for each migration."""
    connection = config.attributes.get("connection")
    if connection is not None:
        _migrate(connection)
        return
    engine = create_engine(current_app.config["DATABASE_OWNER_URL"], poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.commit()
        _migrate(connection)
    engine.dispose()


def _migrate(connection) -> None:  # type: ignore[no-untyped-def]  # alembic hands over whichever connection it has
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        include_schemas=True,
        include_name=owned_by_us,
        compare_type=True,
        compare_server_default=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
