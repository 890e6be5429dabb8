"""Who may use a JSON endpoint: whoever shows a token with its scope, for a person who may do the same by hand.

    @bp.post("/stk-push")
    @scoped("mpesa.prompt", body=StkPush, answer=PaymentStanding, status=202, moves_money=True)
    def stk_push() -> ResponseReturnValue: ...

What the decorator is told about body and answer describes the endpoint; the OpenAPI document is made from it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import g, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from app import audit
from app.api.errors import OwnerMayNot, ScopeMissing, TokenNeeded
from app.identity import queries
from app.identity.principal import TokenHolder
from app.identity.scopes import SCOPES
from app.identity.service import tokens
from app.kernel.actor import Actor
from app.kernel.transactions import in_transaction
from app.web.access import View, declare

LONGEST_TOKEN = 200


@dataclass(frozen=True, slots=True)
class Scoped:
    """A token with this scope is needed; and what the endpoint takes and answers."""

    scope: str
    body: type[BaseModel] | None = None
    answer: type[BaseModel] | None = None
    status: int = 200
    moves_money: bool = False

    def admit(self) -> ResponseReturnValue | None:
        """Find out whom the token acts for. Refuses with TokenNeeded, ScopeMissing and OwnerMayNot."""
        g.token_holder = holder = _holder()
        if self.scope not in holder.scopes:
            _note("scope_missing", holder, self.scope)
            raise ScopeMissing(self.scope)
        if SCOPES[self.scope].permission not in holder.permissions:
            _note("owner_may_not", holder, self.scope)
            raise OwnerMayNot(self.scope)
        return None


def scoped(
    scope: str,
    *,
    body: type[BaseModel] | None = None,
    answer: type[BaseModel] | None = None,
    status: int = 200,
    moves_money: bool = False,
) -> Callable[[View], View]:
    """Only with a token of this scope."""
    assert scope in SCOPES, f"no token can have the scope {scope}"
    return declare(Scoped(scope, body, answer, status, moves_money))


def api_actor() -> Actor:
    """Who does what this API request asks for."""
    holder: TokenHolder = g.token_holder
    return holder.actor(address=request.remote_addr)


def _holder() -> TokenHolder:
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not secret.strip():
        raise TokenNeeded
    found = queries.token_holder(secret.strip()) if len(secret) <= LONGEST_TOKEN else None
    if found is None:
        audit.notice("token_refused", endpoint=request.endpoint)
        raise TokenNeeded
    holder, is_time_to_note = found
    if is_time_to_note:
        in_transaction(lambda: tokens.used(holder.token_id))
    return holder


def _note(event: str, holder: TokenHolder, scope: str) -> None:
    audit.notice(event, token_id=str(holder.token_id), scope=scope, endpoint=request.endpoint)
