"""A society with something of everything, whose every free text is as hostile as texts get."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
from psycopg import sql

HOSTILE = '"><svg onload=alert(1)>{{7*7}}\'=HYPERLINK("http://evil.example")'
"""Markup, a template's braces, and a formula, in one."""

KEPT = ("code", "currency", "username", "number", "kind", "control_account", "password_hash")


def poison(connection: psycopg.Connection[tuple[object, ...]]) -> set[str]:
    """Put the hostile text wherever the database itself would take it; returns ``table.column`` of these places.

    Whatever gets past a form, or comes from a provider or an import, may stand there one day.
    """
    poisoned = set()
    for schema, table, column in _free_texts(connection):
        change = sql.SQL("UPDATE {}.{} SET {} = %s").format(*map(sql.Identifier, (schema, table, column)))
        try:
            with connection.transaction():
                connection.execute("SET LOCAL session_replication_role = replica")  # no foreign keys, no triggers
                if connection.execute(change, [HOSTILE]).rowcount:
                    poisoned.add(f"{table}.{column}")
        except psycopg.Error:
            continue  # a CHECK or a unique index: the database would not take it
    return poisoned


def _free_texts(connection: psycopg.Connection[tuple[object, ...]]) -> Iterator[tuple[str, str, str]]:
    """Columns of text that are neither key, code nor state."""
    rows = connection.execute(
        """
        SELECT c.table_schema, c.table_name, c.column_name
          FROM information_schema.columns c
          JOIN information_schema.tables t USING (table_schema, table_name)
         WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.data_type = 'text'
           AND c.table_name <> 'alembic_version'
           AND NOT EXISTS (
               SELECT 1 FROM information_schema.key_column_usage k
                WHERE (k.table_schema, k.table_name, k.column_name) = (c.table_schema, c.table_name, c.column_name))
         ORDER BY 1, 2, 3
        """
    )
    for schema, table, column in rows:
        name = str(column)
        if name not in KEPT and not name.endswith(("_id", "_code", "_type", "_by", "_account", "_kind")):
            yield str(schema), str(table), name


def fingerprints(connection: psycopg.Connection[tuple[object, ...]]) -> dict[str, str]:
    """Each table's contents in one number: equal before and after means that nothing was written."""
    tables = connection.execute(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('public', 'ledger') ORDER BY 1, 2"
    ).fetchall()
    found = {}
    for schema, table in tables:
        name = sql.Identifier(str(schema), str(table))
        count = sql.SQL("SELECT count(*)::text || ':' || coalesce(sum(hashtextextended(t::text, 0)), 0) FROM {} t")
        row = connection.execute(count.format(name)).fetchone()
        assert row is not None
        found[f"{schema}.{table}"] = str(row[0])
    return found
