"""Every request has an id: in its log lines, in the audit rows it causes, and on the page that says what went wrong."""

from __future__ import annotations

import logging
import re
import time
from uuid import UUID, uuid4

from flask import Flask, Response, g, request

from config import Settings

log = logging.getLogger("request")

HEADER = "X-Request-ID"
_USABLE = re.compile(r"[A-Za-z0-9-]{8,64}", re.A)
QUIET = {"static", "ops.alive", "ops.ready", "ops.figures"}  # asked all the time, and of no interest while all is well


def install(app: Flask, settings: Settings) -> None:
    """Give each request its id before anything else happens, and log it when it is answered."""
    trusts_proxy = settings.trusted_proxies > 0

    @app.before_request
    def begin() -> None:
        given = request.headers.get(HEADER, "")
        g.request_id = given if trusts_proxy and _USABLE.fullmatch(given) else uuid4().hex
        g.started = time.monotonic()

    @app.after_request
    def end(response: Response) -> Response:
        if "request_id" not in g:
            return response
        response.headers[HEADER] = g.request_id
        if request.endpoint not in QUIET or response.status_code >= 500:
            log.info("answered", extra=_facts(response))
        return response


def _facts(response: Response) -> dict[str, object]:
    facts: dict[str, object] = {
        "method": request.method,
        "route": request.url_rule.rule if request.url_rule else None,
        "status": response.status_code,
        "milliseconds": round((time.monotonic() - g.started) * 1000),
        "address": request.remote_addr,
    }
    # Identifiers that we made ourselves; a word in the address may be a secret or a phone number.
    ids = {name: str(value) for name, value in (request.view_args or {}).items() if isinstance(value, UUID | int)}
    if ids:
        facts["ids"] = ids
    person = g.get("_login_user")  # whoever Flask-Login has found; asking it now might ask the database
    if person is not None and person.is_authenticated:
        facts["staff_id"] = str(person.staff_id)
        facts["branch_id"] = person.branch_id
    holder = g.get("token_holder")
    if holder is not None:
        facts["staff_id"], facts["token_id"] = str(holder.staff_id), str(holder.token_id)
    return facts
