"""API tokens: made once, shown once, kept as a hash."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update

from app import audit
from app.identity import queries
from app.identity.errors import TokenMissing, TokenOver
from app.identity.hashes import api_token_hash
from app.identity.models import ApiToken, Staff
from app.identity.scopes import SCOPES
from app.identity.service.authority import authorise
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.errors import Invalid
from app.kernel.reach import Whereabouts

PERMISSION = "identity.manage_tokens"
TOKEN_BYTES = 32
PREFIX = "pmj_"  # lets a scanner recognise a token that leaked into a file or a log
LONGEST_LIFE_DAYS = 366
HINT_LENGTH = 4
LONGEST_OVERLAP_HOURS = 24  # long enough for every program of a society to be told


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token, and the secret that is shown this once."""

    token_id: UUID
    secret: str


def issue(*, name: str, staff_id: UUID, scopes: Collection[str], days: int, by: Actor) -> Issued:
    """Make a token with which a program acts for somebody. Refuses with Invalid."""
    within = authorise(by, PERMISSION)
    staff = db.session.get(Staff, staff_id, with_for_update={"read": True})
    if staff is None or not staff.status.may_sign_in or not within.holds(Whereabouts(staff.branch_id, staff.id)):
        raise Invalid({"staff_id": "Choose somebody who works here."})
    if not scopes or not set(scopes) <= SCOPES.keys():
        raise Invalid({"scopes": "Choose at least one thing it may do."})
    if not 1 <= days <= LONGEST_LIFE_DAYS:
        raise Invalid({"days": f"Choose 1 to {LONGEST_LIFE_DAYS} days."})
    secret = _new_secret()
    token = ApiToken(
        token_hash=api_token_hash(secret),
        hint=secret[-HINT_LENGTH:],
        name=name,
        staff_id=staff.id,
        scopes=sorted(set(scopes)),
        expires_at=clock.now() + timedelta(days=days),
    )
    db.session.add(token)
    db.session.flush()  # the audit row needs the id that the database makes
    after = {"name": name, "staff_id": staff.id, "scopes": token.scopes, "expires_at": token.expires_at}
    subject = ("api_token", token.id)
    audit.record("identity.token_issued", subject=subject, by=by, after=after, branch_id=staff.branch_id)
    return Issued(token.id, secret)


def rotate(token_id: UUID, *, overlap_hours: int, by: Actor) -> Issued:
    """Give a token a new secret; the one before is good for some hours more, so that no program stands still.

    Of several changes in a row only the latest secret and the one before it are good. Refuses with TokenMissing,
    TokenOver and Invalid.
    """
    token = _locked(token_id, by=by)
    if not 0 <= overlap_hours <= LONGEST_OVERLAP_HOURS:
        raise Invalid({"overlap_hours": f"Choose 0 to {LONGEST_OVERLAP_HOURS} hours."})
    instant = clock.now()
    if token.revoked_at is not None or token.expires_at <= instant:
        raise TokenOver(token.name)
    secret, until = _new_secret(), instant + timedelta(hours=overlap_hours)
    token.previous_hash, token.previous_until = (token.token_hash, until) if overlap_hours else (None, None)
    token.token_hash, token.hint = api_token_hash(secret), secret[-HINT_LENGTH:]
    after = {"name": token.name, "previous_until": token.previous_until}
    audit.record("identity.token_rotated", subject=("api_token", token.id), by=by, after=after)
    return Issued(token.id, secret)


def revoke(token_id: UUID, *, by: Actor) -> None:
    """Make a token worthless at once; revoking it twice changes nothing. Refuses with TokenMissing."""
    token = _locked(token_id, by=by)
    if token.revoked_at is None:
        token.revoked_at = clock.now()
        audit.record("identity.token_revoked", subject=("api_token", token.id), by=by, after={"name": token.name})


def revoke_all(staff_id: UUID, *, by: Actor) -> None:
    """Make every token of somebody worthless."""
    standing = select(ApiToken).where(ApiToken.staff_id == staff_id, ApiToken.revoked_at.is_(None))
    for token in db.session.scalars(standing.order_by(ApiToken.id).with_for_update()):
        token.revoked_at = clock.now()
        audit.record("identity.token_revoked", subject=("api_token", token.id), by=by, after={"name": token.name})


def used(token_id: UUID, *, address: str | None) -> None:
    """Note that a token is in use, and from where."""
    noted = {"used_at": clock.now(), "used_from": address}
    db.session.execute(update(ApiToken).where(ApiToken.id == token_id).values(noted))


def _locked(token_id: UUID, *, by: Actor) -> ApiToken:
    token = db.session.get(ApiToken, token_id, with_for_update=True, populate_existing=True)
    if token is None:
        raise TokenMissing
    authorise(by, PERMISSION, whereabouts=queries.whereabouts(token.staff_id))
    return token


def _new_secret() -> str:
    return PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
