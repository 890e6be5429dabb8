"""Daraja's front gate: method, token, body and the faults around a request, the same for every product."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Response, jsonify, request

from sandbox import clock, phones
from sandbox.core import books
from sandbox.daraja import errors
from sandbox.daraja.errors import DarajaError
from sandbox.faults import Fault
from sandbox.mishaps import Words, around
from sandbox.settings import Settings

Body = dict[str, Any]
NOT_ENABLED = "Invalid API call as no apiproduct match found"


@dataclass(frozen=True)
class Operation:
    """One API of Daraja as the gate sees it."""

    name: str  # the word that faults use
    product: str  # stk | c2b | pull: what the app must be enabled for
    first_field: str  # the one that a form-encoded body is reported to lack
    phone_field: str | None = None
    token_code: tuple[str, str, int] = ("404.001.03", "Invalid Access Token", 404)  # differs by family (1.4, 15)


def serve(
    operation: Operation, work: Callable[[Body], Body], *, phone_of: Callable[[Body], str | None] | None = None
) -> Response:
    """Run one request through the gate: refuse, execute, answer; or whatever a fault makes of these three."""
    token = _bearer_token()
    _check_token(token, operation)
    body = _read_body(operation)
    phone = phone_of(body) if phone_of else _phone(body, operation)

    words = Words(
        refusal=lambda fault: _expire(token, operation) if fault.kind == "token_expired" else refused_by(fault),
        internal_error=lambda: errors.internal().response(),
    )
    return around("daraja", operation.name, phone, lambda: jsonify(work(body)), words)


def refused_by(fault: Fault) -> Response:
    """What the gate says for the faults ``spike_arrest`` and ``refused``."""
    return errors.refusal(*fault.extra.values()).response()


def _bearer_token() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise errors.wrong_header()
    return token.strip()


def _check_token(token: str, operation: Operation) -> None:
    with books().reading() as tx:
        settings = Settings(tx)
        known = tx.execute("SELECT 1 FROM token WHERE token = ? AND expires_at > ?", (token, clock.now_ms())).fetchone()
    if known is None:
        raise DarajaError(*operation.token_code)
    if operation.product in settings.text("products_off").replace(",", " ").split():
        raise NotEnabled


class NotEnabled(Exception):
    """A good token, used on a product that the app does not have: answered in plain text."""


def not_enabled() -> Response:
    return Response(NOT_ENABLED, 401, content_type="text/plain; charset=utf-8")


def _read_body(operation: Operation) -> Body:
    if request.mimetype == "application/x-www-form-urlencoded":
        raise errors.invalid(operation.first_field)
    try:
        body = json.loads(request.get_data())
    except ValueError:
        raise errors.unreadable() from None
    if not isinstance(body, dict):
        raise errors.unreadable()
    return body


def _phone(body: Body, operation: Operation) -> str | None:
    phone = str(body.get(operation.phone_field)) if operation.phone_field else ""
    return phone if phones.is_msisdn(phone) else None


def _expire(token: str, operation: Operation) -> Response:
    """The token ends here and now, for everybody who uses it."""
    with books().writing() as tx:
        tx.execute("UPDATE token SET expires_at = 0 WHERE token = ?", (token,))
    return DarajaError(*operation.token_code).response()
