"""COPY into tables of the application: the fastest way in for rows that are known to be right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import sql
from sqlalchemy import Table, func, literal_column, select
from sqlalchemy.orm import DeclarativeBase

from app.kernel.database import db


def copy_rows(model: type[DeclarativeBase], rows: Sequence[dict[str, Any]]) -> None:
    """Write rows, given by attribute as a constructor takes them; every row names the same ones."""
    if not rows:
        return
    table, attributes = model.__table__, model.__mapper__.column_attrs
    assert isinstance(table, Table), "a room's model has a table of its own"
    columns = {name: attributes[name].columns[0] for name in rows[0]}
    dialect = db.engine.dialect
    writers = [(name, column.type.dialect_impl(dialect).bind_processor(dialect)) for name, column in columns.items()]
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table.name), sql.SQL(", ").join(sql.Identifier(column.name) for column in columns.values())
    )
    connection = db.session.connection().connection.driver_connection
    assert connection is not None
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row([write(row[name]) if write else row[name] for name, write in writers])


def take(expression: str, count: int) -> list[Any]:
    """The next ``count`` values of an SQL expression such as a sequence, each evaluated anew."""
    return list(db.session.scalars(select(literal_column(expression)).select_from(func.generate_series(1, count))))
