"""Whether the database has the newest schema: a look that costs nothing, before migrations are run for nothing."""

from __future__ import annotations

import re

import psycopg

from launcher.environment import CHECKOUT
from launcher.trouble import LaunchError

VERSIONS = CHECKOUT / "migrations" / "versions"


def is_newest(owner_url: str) -> bool:
    """True when nothing is left to migrate.

    Raises LaunchError when the database cannot be reached.
    """
    address = owner_url.replace("postgresql+psycopg://", "postgresql://")
    try:
        with psycopg.connect(address, connect_timeout=10) as connection:
            if connection.execute("select to_regclass('alembic_version')").fetchone() == (None,):
                return False  # nothing was ever migrated
            found = connection.execute("select version_num from alembic_version").fetchall()
    except psycopg.OperationalError as trouble:
        raise LaunchError(f"The database cannot be reached: {trouble}") from None
    return found == [(newest(),)]


def newest() -> str:
    """The revision that no other follows."""
    revisions: set[str] = set()
    followed: set[str] = set()
    for path in VERSIONS.glob("*.py"):
        text = path.read_text()
        revisions.update(re.findall(r"^revision = \"(\w+)\"", text, re.MULTILINE))
        followed.update(re.findall(r"^down_revision = \"(\w+)\"", text, re.MULTILINE))
    (last,) = revisions - followed
    return last
