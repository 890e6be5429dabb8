"""The access token: one for each consumer key, shared by all, fetched by one at a time.

Safaricom says that each new token ends the one before. So a token is a row: whoever finds it due claims the row's
lease, commits, asks M-PESA, and stores. The others use the old token while it is good, else wait a little. A worker
that dies while asking holds nobody up for longer than its lease.
"""

from __future__ import annotations

import time  # to wait a moment, never to tell the time
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from app.kernel import clock
from app.kernel.database import db
from app.kernel.leases import LeaseLost, claim, done, hold
from app.kernel.transactions import in_transaction

from .client import DarajaClient
from .codes import NOT_SENT, WRONG_KEYS, Meaning
from .configuration import Configuration
from .fields import Unreadable
from .messages import Token, read_token
from .models import MpesaToken
from .replies import Reply

LEASE_SECONDS = 15  # a token comes in well under a second; the client gives up after ten
REFRESH_EARLY = timedelta(minutes=5)
LAST_SECONDS = timedelta(seconds=10)  # not used any more: a request that is on its way must still be taken
PAUSE_AFTER_TROUBLE = timedelta(seconds=2)
LONGEST_WAIT_SECONDS = 20.0  # longer than a lease, so that a dead holder is outlived
ROUND_SECONDS = 0.1


class NoToken(Exception):
    """M-PESA gave no token; nothing was sent with one. ``meaning`` says why and what may be done."""

    def __init__(self, meaning: Meaning) -> None:
        super().__init__(meaning.words)
        self.meaning = meaning


@dataclass(frozen=True, slots=True)
class _Seen:
    token: str | None  # only while it is good
    is_due: bool


class MpesaAuthService:
    """Tokens for one configuration. Its methods open their own transactions: call them while none is open."""

    def __init__(self, configuration: Configuration, client: DarajaClient) -> None:
        self._configuration = configuration
        self._client = client

    def token(self) -> str:
        """A token that is good now. Raises NoToken."""
        name = self._configuration.token_name
        for _ in range(int(LONGEST_WAIT_SECONDS / ROUND_SECONDS)):
            seen = in_transaction(lambda: _look(name))
            if seen.token is not None and not seen.is_due:
                return seen.token
            fence = in_transaction(lambda: _claim(name))
            if fence is not None:
                return self._fetch(name, fence, old=seen.token)
            if seen.token is not None:
                return seen.token  # somebody is fetching the next one; this one is good until then
            time.sleep(ROUND_SECONDS)
        raise NoToken(NOT_SENT)

    def drop(self, token: str) -> None:
        """M-PESA rejected ``token``: forget it, unless somebody has already stored another."""
        in_transaction(lambda: _drop(self._configuration.token_name, token))

    def renew(self) -> str:
        """A token fetched now, to see whether the keys are good. Raises NoToken."""
        name = self._configuration.token_name
        for _ in range(int(LONGEST_WAIT_SECONDS / ROUND_SECONDS)):
            fence = in_transaction(lambda: _claim(name, at_once=True))
            if fence is not None:
                return self._fetch(name, fence, old=None)
            time.sleep(ROUND_SECONDS)
        raise NoToken(NOT_SENT)

    def _fetch(self, name: bytes, fence: int, *, old: str | None) -> str:
        """Ask for a token while holding the lease; while the old one is good, a failure is no reason to stop."""
        reply = self._client.token(self._configuration.consumer_key or "", self._configuration.consumer_secret or "")
        try:
            token = read_token(reply)
        except Unreadable:
            meaning = _meaning_of_no_token(reply)
            in_transaction(lambda: _give_up(name, fence, meaning))
            if old is not None:
                return old
            raise NoToken(meaning) from None
        in_transaction(lambda: _store(name, fence, token))
        return token.value


def _claim(name: bytes, *, at_once: bool = False) -> int | None:
    """The fence of a token that wants fetching and that nobody is fetching."""
    db.session.execute(insert(MpesaToken).values(key_hash=name, due_at=clock.now()).on_conflict_do_nothing())
    if at_once:
        db.session.execute(update(MpesaToken).filter_by(key_hash=name).values(due_at=clock.now()))
    row = claim(MpesaToken, name, seconds=LEASE_SECONDS)
    return row.fence if row else None


def _look(name: bytes) -> _Seen:
    row = db.session.get(MpesaToken, name, populate_existing=True)
    return _seen(row) if row else _Seen(None, is_due=True)


def _seen(row: MpesaToken) -> _Seen:
    is_good = row.good_until is not None and row.good_until > clock.now()
    return _Seen(row.token if is_good else None, is_due=row.due_at is not None and row.due_at <= clock.now())


def _store(name: bytes, fence: int, token: Token) -> None:
    """Keep the newest token: one fetched under a lease that ran out has been followed by another."""
    try:
        row = hold(MpesaToken, name, fence=fence)
    except LeaseLost:
        return
    lifetime = timedelta(seconds=token.lifetime_seconds)
    row.token, row.fetched_at = token.value, clock.now()
    row.fetches, row.trouble = row.fetches + 1, None
    # Shares of the lifetime, so that a token that lives for seconds only is used and refreshed as well.
    row.good_until = clock.now() + lifetime - min(LAST_SECONDS, lifetime / 4)
    done(row, next_at=clock.now() + lifetime - min(REFRESH_EARLY, lifetime / 2))


def _give_up(name: bytes, fence: int, meaning: Meaning) -> None:
    try:
        row = hold(MpesaToken, name, fence=fence)
    except LeaseLost:
        return
    row.trouble = meaning.words
    done(row, next_at=clock.now() + PAUSE_AFTER_TROUBLE)


def _drop(name: bytes, token: str) -> None:
    row = db.session.get(MpesaToken, name, with_for_update=True, populate_existing=True)
    if row is not None and row.token == token:
        row.token, row.good_until, row.due_at = None, None, clock.now()


def _meaning_of_no_token(reply: Reply) -> Meaning:
    """Why there is no token: wrong keys are answered with a bare 400, and all else is a reason to try again."""
    return WRONG_KEYS if reply.status in (400, 401, 403) else NOT_SENT


def forget_all() -> None:
    """Have every token fetched afresh: after the credentials were changed."""
    db.session.execute(update(MpesaToken).values(token=None, good_until=None, due_at=clock.now()))
