"""Security events: what a watchman should hear of at once, and what he reads afterwards. They go to the log."""

from __future__ import annotations

import logging

log = logging.getLogger("security")


def notice(event: str, **facts: object) -> None:
    """Say that something suspicious or forbidden was tried. Facts are identifiers, never secrets or personal data."""
    log.warning(event, extra=facts)


def observe(event: str, **facts: object) -> None:
    """Say that something usual happened that whoever looks into a theft must find: who signed in, and how."""
    log.info(event, extra=facts)
