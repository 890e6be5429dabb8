"""Who may use a JSON endpoint: whoever shows a token with its scope, for a person who may do the same by hand.

The gate (`app/web/access.py`) asks this before the view is reached. What an endpoint takes and answers is declared in
the same place, see `app/api/endpoints.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import g, request
from flask.typing import ResponseReturnValue

from app import audit
from app.api.errors import OwnerMayNot, ScopeMissing, TokenNeeded
from app.identity import queries
from app.identity.principal import TokenHolder
from app.identity.service import tokens
from app.kernel.actor import Actor
from app.kernel.transactions import in_transaction
from app.web import reach

LONGEST_TOKEN = 200


@dataclass(frozen=True, slots=True)
class Scoped:
    """A token with this scope is needed, of somebody who has this permission."""

    scope: str
    permission: str

    def admit(self) -> ResponseReturnValue | None:
        """Find out whom the token acts for. Refuses with TokenNeeded, ScopeMissing and OwnerMayNot."""
        g.token_holder = holder = _holder()
        if self.scope not in holder.scopes:
            _note("scope_missing", holder, self.scope)
            raise ScopeMissing(self.scope)
        if self.permission not in holder.permissions:
            _note("owner_may_not", holder, self.scope)
            raise OwnerMayNot(self.scope)
        g.asking = holder
        reach.check(holder, self.permission)
        return None


def api_actor() -> Actor:
    """Who does what this API request asks for."""
    return token_holder().actor(address=request.remote_addr)


def token_holder() -> TokenHolder:
    """Whose token this request shows; the gate has found it."""
    holder: TokenHolder = g.token_holder
    return holder


def admit_any_token() -> None:
    """Find out whom the token acts for, whatever it was made for. Refuses with TokenNeeded."""
    g.token_holder = g.asking = _holder()


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
        in_transaction(lambda: tokens.used(holder.token_id, address=request.remote_addr))
    return holder


def _note(event: str, holder: TokenHolder, scope: str) -> None:
    audit.notice(event, token_id=str(holder.token_id), scope=scope, endpoint=request.endpoint)
