"""An application with a few endpoints of the tests' own, to see what every endpoint has in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import pytest
from flask import Blueprint, Flask, jsonify
from flask.testing import FlaskClient
from flask.typing import ResponseReturnValue
from pydantic import Field

from app.api.access import api_actor
from app.api.endpoints import carry_out, scoped
from app.identity.service import tokens
from app.kernel.actor import Actor
from app.kernel.answers import Answer
from app.kernel.errors import Conflict, Missing, TooMany, Trouble
from app.kernel.fields import PositiveMoney
from app.kernel.forms import Form
from app.kernel.idempotency import Once
from app.kernel.transactions import in_transaction
from app.web.access import public
from tests.harness.apps import apart, dispose, make_app
from tests.harness.people import hire
from tests.harness.servers import Servers


class Transfer(Form):
    """A body with money in it."""

    amount: PositiveMoney
    note: Annotated[str, Field(max_length=20)] = ""


probe = Blueprint("probe", __name__, url_prefix="/api/probe")
effects: list[str] = []
"""What the probe has done: one entry for each effect."""


class Transferred(Answer):
    """What was asked, and by whom."""

    amount: str
    by: str


@probe.post("/transfers")
@scoped("mpesa.prompt", body=Transfer, answer=Transferred, status=202, moves_money=True)
def transfer(body: Transfer, key: str) -> Once:
    """Move money, as far as a probe does."""

    def work() -> dict[str, object]:
        effects.append(str(body.amount))
        return {"amount": body.amount.decimal(), "by": api_actor().principal}

    return carry_out("probe.transfer", key, body.model_dump(mode="json"), work)


@probe.get("/trouble/<kind>")
@public("A probe of the tests, without a token to keep them short.")
def trouble(kind: str) -> ResponseReturnValue:
    errors: dict[str, Exception] = {
        "missing": Missing("This payment does not exist."),
        "conflict": Conflict("The day is closed."),
        "busy": TooMany("One prompt a minute.", retry_after_seconds=40),
        "outside": Trouble("M-PESA does not answer."),
        "mistake": ZeroDivisionError("with a secret: pmj_abc and 254712345678"),
    }
    raise errors[kind]


@probe.get("/cookies")
@public("A probe of the tests, without a token to keep them short.")
def cookies() -> ResponseReturnValue:
    from flask import session

    seen = dict(session)
    session["written"] = "yes"
    return jsonify(seen)


@pytest.fixture(scope="session")
def _probed_app(servers: Servers) -> Iterator[Flask]:
    with servers.clone() as name:
        app = make_app(servers.settings(name))
        app.register_blueprint(probe)
        app.testing = False  # mistakes become 500, as they do for real
        yield app
        dispose(app)


@pytest.fixture
def api(_probed_app: Flask) -> Iterator[FlaskClient]:
    """A program without a token."""
    _probed_app.extensions["redis"].flushall()
    effects.clear()
    yield _probed_app.test_client()


@pytest.fixture(scope="session")
def bearer(_probed_app: Flask) -> dict[str, str]:
    """The header of a program that may prompt payments."""

    def issue() -> str:
        with _probed_app.app_context():
            owner, by = hire("officer"), Actor.system("tests")
            issued = in_transaction(
                lambda: tokens.issue(name="probe", staff_id=owner, scopes=["mpesa.prompt"], days=30, by=by)
            )
            return issued.secret

    return {"Authorization": f"Bearer {apart(issue)}"}
