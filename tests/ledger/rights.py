"""Every right that the application's role, or everybody, has in the database.

The expectation lies in ``rights.txt``: whoever gives the application a new right changes that file as well, in sight of
a reviewer. ``python -m tests.ledger.rights URL`` prints what a migrated database says.
"""

from __future__ import annotations

import sys
from typing import Any

import psycopg

RIGHTS = """
WITH grantee AS (
    SELECT oid, rolname FROM pg_roles WHERE rolname = %(role)s UNION ALL SELECT 0, 'PUBLIC'
), object AS (
    SELECT 'database' AS kind, 'this'::text AS name, coalesce(datacl, acldefault('d', datdba)) AS acl
      FROM pg_database WHERE datname = current_database()
    UNION ALL
    SELECT 'schema', nspname::text, coalesce(nspacl, acldefault('n', nspowner)) FROM pg_namespace
     WHERE nspname NOT LIKE 'pg\\_%%' AND nspname <> 'information_schema'
    UNION ALL
    SELECT CASE relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' ELSE 'table' END,
           n.nspname::text || '.' || c.relname,
           coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
       AND n.nspname NOT LIKE 'pg\\_%%' AND n.nspname <> 'information_schema'
    UNION ALL
    SELECT 'column', n.nspname::text || '.' || c.relname || '.' || a.attname, a.attacl
      FROM pg_attribute a
      JOIN pg_class c ON c.oid = a.attrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE a.attacl IS NOT NULL AND n.nspname NOT LIKE 'pg\\_%%' AND n.nspname <> 'information_schema'
    UNION ALL
    SELECT 'function', p.oid::regprocedure::text, coalesce(proacl, acldefault('f', proowner))
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE n.nspname NOT LIKE 'pg\\_%%' AND n.nspname <> 'information_schema'
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
    UNION ALL
    SELECT 'default for ' || CASE defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences'
               WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types' ELSE 'schemas' END,
           coalesce(n.nspname::text, 'every schema'), defaclacl
      FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
), granted AS (
    SELECT o.kind, o.name, g.rolname, string_agg(lower(a.privilege_type), ', ' ORDER BY a.privilege_type) AS rights
      FROM object o CROSS JOIN LATERAL aclexplode(o.acl) a JOIN grantee g ON g.oid = a.grantee
     GROUP BY 1, 2, 3
)
SELECT kind || ' ' || name || ': ' || rights || CASE rolname WHEN 'PUBLIC' THEN ' (everybody)' ELSE '' END FROM granted
UNION ALL
SELECT 'member of role ' || r.rolname
  FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN grantee g ON g.oid = m.member
UNION ALL
SELECT 'attribute ' || attribute
  FROM pg_roles r
  CROSS JOIN LATERAL (VALUES ('superuser', rolsuper), ('createdb', rolcreatedb), ('createrole', rolcreaterole),
       ('replication', rolreplication), ('bypassrls', rolbypassrls)) AS a (attribute, has)
 WHERE r.rolname = %(role)s AND has
UNION ALL
SELECT 'owner of ' || n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname = %(role)s
ORDER BY 1
"""


def rights(connection: psycopg.Connection[Any], role: str) -> list[str]:
    """One line for each object on which the role, or everybody, may do something."""
    return [row[0] for row in connection.execute(RIGHTS, {"role": role})]


if __name__ == "__main__":
    with psycopg.connect(sys.argv[1]) as connection:
        print("\n".join(rights(connection, "pamoja_app")))  # noqa: T201 - it is what this module is run for
