"""Members of staff for tests, and their browsers."""

from __future__ import annotations

import itertools
from functools import cache
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer

from app.identity import passwords, totp
from app.identity.models import SecondFactor, Staff
from app.identity.service import sessions, staff
from app.identity.states import SessionState
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.transactions import in_transaction
from app.ledger import queries as ledger
from tests.harness.apps import apart
from tests.harness.servers import DEMO_PASSWORD

SETTING_UP = Actor.system("tests")
APP = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
CSRF_SECRET = "0123456789abcdef0123456789abcdef01234567"
_numbers = itertools.count(1)


def hire(
    role: str, *, username: str | None = None, password: str = DEMO_PASSWORD, branch_id: int | None = None
) -> UUID:
    """Somebody with one role who works at the head office, or at another branch.

    Call it where the application's context is pushed.
    """

    def make() -> UUID:
        return staff.create_demonstration(
            username=username or f"{role}-{next(_numbers)}",
            name=f"{role.capitalize()} Wanjiru",
            branch_id=branch_id or ledger.head_office(),
            role=role,
            password_hash=_hashed(password),
            by=SETTING_UP,
        )

    return in_transaction(make)


@cache
def _hashed(password: str) -> str:
    """Once for each password: hashing is slow on purpose, and tests hire many people."""
    return passwords.hashed(password)


def enrolled(staff_id: UUID) -> UUID:
    """The same person, now with an authenticator app, whose secret is ``APP``."""

    def enrol() -> None:
        db.session.merge(SecondFactor(staff_id=staff_id, secret=APP, confirmed_at=clock.now(), last_step=0))

    in_transaction(enrol)
    return staff_id


def app_code(*, steps: int = 0) -> str:
    """What the app of ``enrolled`` shows now, or some half minutes later."""
    return totp.code_at(APP, totp.step_of(clock.now()) + steps)


def signed_in_client(app: Flask, staff_id: UUID, *, state: SessionState = SessionState.OPEN) -> FlaskClient:
    """A browser in which this person has signed in already; its forms carry the token that our pages give them."""

    def open_session() -> str:
        person = db.session.get(Staff, staff_id)
        assert person is not None
        return sessions.open_for(person, address="127.0.0.1", browser="tests", state=state)

    token = in_transaction(open_session)
    client = app.test_client()

    def write_cookie() -> None:
        with client.session_transaction() as cookie:
            cookie.update(_user_id=token, _fresh=True, csrf_token=CSRF_SECRET)

    apart(write_cookie)
    client.environ_base["HTTP_X_CSRFTOKEN"] = csrf_token(app)
    return client


def csrf_token(app: Flask) -> str:
    """What a page writes into its forms for a session that holds ``CSRF_SECRET``."""
    serializer = URLSafeTimedSerializer(app.config["SECRET_KEY"], salt="wtf-csrf-token")
    return str(serializer.dumps(CSRF_SECRET))


def without_token(client: FlaskClient) -> FlaskClient:
    """The same browser, used by a page of somebody else's."""
    client.environ_base.pop("HTTP_X_CSRFTOKEN", None)
    return client
