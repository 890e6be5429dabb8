"""The ground of the tests itself."""

from flask import Flask
from sqlalchemy import text

from app.kernel.database import db


def test_the_application_is_neither_owner_nor_superuser(app: Flask) -> None:
    role = db.session.execute(
        text("select rolsuper or rolcreatedb or rolcreaterole from pg_roles where rolname = user")
    )

    assert role.scalar_one() is False


def test_the_application_cannot_make_temporary_tables(app: Flask) -> None:
    right = db.session.execute(text("select has_database_privilege(current_database(), 'temp')"))

    assert right.scalar_one() is False
