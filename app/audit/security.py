"""Security events: what a watchman should hear of at once. They go to the log, where alarms are counted."""

from __future__ import annotations

import logging

log = logging.getLogger("security")


def notice(event: str, **facts: object) -> None:
    """Say that something suspicious or forbidden was tried. Facts are identifiers, never secrets or personal data."""
    log.warning(event, extra=facts)
