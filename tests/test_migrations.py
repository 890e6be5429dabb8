"""From empty to head, the database is what the models say."""

from __future__ import annotations

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from sqlalchemy import create_engine, pool

from app.kernel.database import db
from launcher.postgres import OWNER
from tests.harness.servers import Servers

OURS = {None, "public", "ledger"}
WITHOUT_MODEL = {"wrapped_key"}  # read before there is a session: see app/kernel/encryption.py


def _differences(address: str) -> list[Any]:
    engine = create_engine(address.replace("postgresql://", "postgresql+psycopg://"), poolclass=pool.NullPool)
    options = {
        "compare_type": True,
        "compare_server_default": True,
        "include_schemas": True,
        "include_name": _is_compared,
    }
    with engine.connect() as connection:
        return compare_metadata(MigrationContext.configure(connection, opts=options), db.metadata)


def _is_compared(name: str | None, kind: str, _parents: object) -> bool:
    return name in OURS if kind == "schema" else name not in WITHOUT_MODEL


def test_models_and_migrations_do_not_differ(app: Flask, servers: Servers, _session_database: str) -> None:
    found = _differences(servers.postgres.url(OWNER, _session_database))

    assert found == []
