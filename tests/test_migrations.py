"""From nothing to the newest schema, and no difference between it and the models."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.schema import SchemaItem

from app.kernel.database import db
from launcher.schema import newest
from tests.harness.servers import Servers


def _migrations() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", "migrations")
    return ScriptDirectory.from_config(config)


def test_migrations_form_one_chain() -> None:
    revisions = list(_migrations().walk_revisions())

    assert len(_migrations().get_heads()) == 1
    assert len(_migrations().get_bases()) == 1
    assert all(not revision.is_branch_point and not revision.is_merge_point for revision in revisions)
    assert [revision.module.__name__ for revision in revisions if revision.revision not in str(revision.path)] == []


def test_the_launcher_knows_the_newest_schema() -> None:
    assert [newest()] == _migrations().get_heads()


def test_every_migration_says_what_it_is_about() -> None:
    assert [revision.revision for revision in _migrations().walk_revisions() if not revision.doc] == []


WITHOUT_A_MODEL = {
    "alembic_version",
    "wrapped_key",  # holds the key of keyed hashes, which models need before they can be used
}


def test_the_models_are_what_the_migrations_made(app: Flask, servers: Servers) -> None:
    def compared(item: SchemaItem, name: str | None, kind: str, reflected: bool, other: SchemaItem | None) -> bool:
        return not (kind == "table" and name in WITHOUT_A_MODEL)

    engine = create_engine(app.config["DATABASE_OWNER_URL"])
    options = {
        "compare_type": True,
        "compare_server_default": True,
        "include_schemas": True,
        "include_object": compared,
    }
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        differences = compare_metadata(context, db.metadata)
    engine.dispose()

    assert differences == []


def test_nobody_but_the_owner_and_the_application_may_do_anything(app: Flask) -> None:
    granted = db.session.execute(
        text("""
            select distinct grantee::regrole::text from (
                select (aclexplode(relacl)).grantee from pg_class
                join pg_namespace as n on n.oid = relnamespace
                where nspname in ('public', 'ledger')
            ) as rights where grantee <> 0""")
    )

    assert set(granted.scalars()) <= {"pamoja_owner", "pamoja_app", "postgres"}
