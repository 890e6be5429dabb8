"""By the clock: say when the documents of those who left may go."""

from __future__ import annotations

from app.kernel.schedule import daily
from app.kernel.transactions import in_transaction
from app.members.documents import service


@daily(at_minute=145)  # shortly before the store of files deletes what has been kept long enough
def date_retention() -> None:
    """Start the years after a membership, for all who left since the day before."""
    in_transaction(service.date_retention)
