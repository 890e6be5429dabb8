"""One JSON object a line: when, what, and the id of the request it belongs to; no personal data.

A request is named by its route and the identifiers in it, never by its address: addresses hold secrets and what people
typed into a search.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

from flask import g, has_app_context

from app.ops.masking import masked

_ORDINARY = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """A log record as one line of JSON, whatever is in it."""

    def format(self, record: logging.LogRecord) -> str:
        """Facts given by ``extra`` become fields of their own; a line break inside a text cannot begin a new line."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": masked(record.getMessage()),
        }
        if has_app_context() and "request_id" in g:
            line["request_id"] = g.request_id
        line |= {name: _plain(value) for name, value in vars(record).items() if name not in _ORDINARY}
        if record.exc_info:
            line["trace"] = masked("".join(traceback.format_exception(*record.exc_info)))
        return json.dumps(line, ensure_ascii=False)


def configure() -> None:
    """For processes without a log of their own making: everything from INFO on to standard output, once."""
    root = logging.getLogger()
    if any(isinstance(handler.formatter, JsonLines) for handler in root.handlers):
        return
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it greets whoever asks for the version of the schema


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    return value if value is None or isinstance(value, bool | int | float) else masked(str(value))
