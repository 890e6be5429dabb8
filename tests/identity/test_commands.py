"""`flask users`: the first administrator and tokens, from the command line."""

from __future__ import annotations

import json

from flask import Flask
from sqlalchemy import select

from app.audit.models import AuditEvent
from app.identity import queries
from app.identity.models import ApiToken
from app.identity.service import invitations
from app.kernel.database import db
from app.kernel.transactions import in_transaction
from tests.harness.apps import apart
from tests.harness.people import enrolled, hire


def run(app: Flask, *words: str) -> tuple[int, str]:
    result = apart(lambda: app.test_cli_runner().invoke(args=["users", *words]))
    return result.exit_code, result.output


def test_a_user_is_invited_and_the_code_is_printed_once(app: Flask) -> None:
    code, output = run(app, "create", "Grace", "--name", "Grace Achieng", "--role", "administrator", "--json")

    created = json.loads(output)
    grace = queries.by_username("grace")
    assert code == 0
    assert grace is not None
    assert str(grace.id) == created["staff_id"]
    assert grace.password_hash is None
    assert created["address"].endswith("/welcome")
    assert db.session.scalars(select(AuditEvent.channel)).one() == "command"
    in_transaction(lambda: invitations.take_up("grace", created["code"], "a goat on every second roof", address=None))


def test_the_code_is_told_in_words_as_well(app: Flask) -> None:
    code, output = run(app, "create", "grace", "--name", "Grace Achieng", "--role", "teller")

    assert code == 0
    assert output.startswith("Created grace. One-time code, good for a day: ")
    assert output.rstrip().endswith("/welcome")


def test_an_administrator_who_is_shut_out_gets_in_again_by_command(app: Flask) -> None:
    grace = enrolled(hire("administrator", username="grace"))

    invited = run(app, "invite", "grace")
    reset = run(app, "reset-factor", "Grace", "--reason", "phone lost")
    again = run(app, "reset-factor", "grace", "--reason", "phone lost")

    assert [code for code, _ in (invited, reset, again)] == [0, 0, 1]
    assert "One-time code, good for a day" in invited[1]
    assert queries.get(grace).password_hash is None
    assert queries.second_factor_since(grace) is None
    assert run(app, "invite", "nobody")[0] == 1


def test_what_is_wrong_is_said_and_nothing_is_created(app: Flask) -> None:
    hire("teller", username="grace")

    taken = run(app, "create", "grace", "--name", "Grace Achieng", "--role", "teller")
    role = run(app, "create", "achieng", "--name", "Grace Achieng", "--role", "owner")
    name = run(app, "create", "9", "--name", "Grace Achieng", "--role", "teller")

    assert [code for code, _ in (taken, role, name)] == [1, 1, 1]
    assert "Somebody has this username already" in taken[1]
    assert "roles: Choose at least one role." in role[1]
    assert "begin with a letter" in name[1]
    assert queries.by_username("achieng") is None


def test_a_token_is_printed_once(app: Flask) -> None:
    hire("administrator", username="admin")

    code, output = run(app, "token", "admin", "--scope", "mpesa.prompt", "--scope", "mpesa.query", "--name", "till")

    token = db.session.scalars(select(ApiToken)).one()
    assert code == 0
    assert output.strip().startswith("pmj_")
    assert queries.token_holder(output.strip()) is not None
    assert token.scopes == ["mpesa.prompt", "mpesa.query"]


def test_a_token_needs_a_person_and_a_known_scope(app: Flask) -> None:
    hire("administrator", username="admin")

    nobody = run(app, "token", "nobody", "--scope", "mpesa.prompt", "--name", "till")
    scope = run(app, "token", "admin", "--scope", "everything", "--name", "till")
    days = run(app, "token", "admin", "--scope", "mpesa.prompt", "--name", "till", "--days", "0", "--json")

    assert [code for code, _ in (nobody, scope, days)] == [1, 1, 1]
    assert "does not exist" in nobody[1]
    assert db.session.scalars(select(ApiToken)).all() == []
