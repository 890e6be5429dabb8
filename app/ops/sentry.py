"""Error tracking, off without SENTRY_DSN. What leaves the society is where the program failed, and nobody's data.

An event is not cleaned of what must not be in it; it is made anew from what may be: the kind of error, the lines of
code it passed through, the route, and the id of the request that finds the log line.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from flask import g, has_app_context, has_request_context, request

from app.ops.masking import masked
from config import Settings

if TYPE_CHECKING:
    from sentry_sdk.types import Breadcrumb, BreadcrumbHint, Event, Hint

FLUSH_SECONDS = 2.0
_PLAIN = ("event_id", "timestamp", "level", "platform", "logger", "release", "environment")
_CRUMB = ("timestamp", "level", "category", "type")
_FRAME = ("filename", "abs_path", "module", "function", "lineno", "in_app")
_NUMBER = re.compile(r"(?<![\w-])\d{4,}(?![\w-])")  # an ID, a PIN, a receipt, an amount in cents; not part of a UUID


def install(settings: Settings) -> None:
    """Report unexpected errors of this process from now on, if an address to report to is set."""
    if not settings.sentry_dsn:
        return
    import sentry_sdk
    from sentry_sdk.integrations.atexit import AtexitIntegration
    from sentry_sdk.integrations.dedupe import DedupeIntegration
    from sentry_sdk.integrations.excepthook import ExcepthookIntegration
    from sentry_sdk.integrations.flask import FlaskIntegration
    from sentry_sdk.integrations.logging import LoggingIntegration

    sentry_sdk.init(
        dsn=settings.sentry_dsn,
        release=settings.release,
        environment=settings.profile,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        auto_enabling_integrations=False,
        default_integrations=False,
        integrations=[
            FlaskIntegration(),
            LoggingIntegration(),
            ExcepthookIntegration(),
            DedupeIntegration(),
            AtexitIntegration(callback=lambda *_: None),
        ],
        max_breadcrumbs=20,
        before_breadcrumb=_breadcrumb,
        before_send=_event,
        auto_session_tracking=False,
        send_client_reports=False,
    )


def flush() -> None:
    """Wait shortly for what has not left yet: for a process that ends without saying good-bye."""
    if "sentry_sdk" in sys.modules:  # else there is nothing to flush, and importing it takes a while
        sys.modules["sentry_sdk"].flush(timeout=FLUSH_SECONDS)


def _event(event: Event, hint: Hint) -> Event | None:
    """The event anew, from what may leave."""
    kept: dict[str, Any] = {name: event[name] for name in _PLAIN if name in event}  # type: ignore[literal-required]
    kept["tags"] = _tags()
    if has_request_context() and request.url_rule is not None:
        kept["transaction"] = request.url_rule.rule
        kept["request"] = {"method": request.method}
    if "logentry" in event:
        kept["logentry"] = {"message": _cleaned(str(event["logentry"].get("message", "")))}
    if "exception" in event:
        kept["exception"] = {"values": [_exception(one) for one in event["exception"].get("values", [])]}
    breadcrumbs = event.get("breadcrumbs")
    if isinstance(breadcrumbs, dict):
        kept["breadcrumbs"] = {"values": breadcrumbs.get("values", [])}
    return kept  # type: ignore[return-value]  # made of the parts of an Event


def _breadcrumb(crumb: Breadcrumb, hint: BreadcrumbHint) -> Breadcrumb | None:
    """What was logged before, without its facts."""
    kept: dict[str, Any] = {name: crumb[name] for name in _CRUMB if name in crumb}
    return {**kept, "message": _cleaned(str(crumb.get("message", "")))}


def _exception(one: dict[str, Any]) -> dict[str, Any]:
    frames = (one.get("stacktrace") or {}).get("frames", [])
    return {
        "type": one.get("type"),
        "module": one.get("module"),
        "value": _cleaned(str(one.get("value", ""))),
        "stacktrace": {"frames": [{name: frame[name] for name in _FRAME if name in frame} for frame in frames]},
    }


def _tags() -> dict[str, str]:
    return {"request_id": str(g.request_id)} if has_app_context() and "request_id" in g else {}


def _cleaned(text: str) -> str:
    return _NUMBER.sub("•", masked(text))
