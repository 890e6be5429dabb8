"""${message}

Before you commit: name it by its one subject; read and edit what was generated; the version that is running must
survive the new schema (add, fill, then enforce or drop in a later release); never rewrite posted history; say with
`grant` what the application's role may do with a new table.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.grants import grant
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
