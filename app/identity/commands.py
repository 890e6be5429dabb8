"""`flask users …`: staff and API tokens from the command line; the first administrator is made here."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar

import click
from flask.cli import AppGroup

from app.identity import queries
from app.identity.errors import StaffMissing
from app.identity.schemas import NewStaff, NewToken
from app.identity.service import staff, tokens
from app.kernel.actor import Actor
from app.kernel.errors import Invalid, Refusal
from app.kernel.transactions import in_transaction
from app.ledger import queries as ledger

T = TypeVar("T")

users = AppGroup("users", help="Staff and API tokens.")


@users.command("create")
@click.argument("username")
@click.option("--name", required=True, help="Full name.")
@click.option("--role", "roles", multiple=True, required=True, help="Such as administrator; repeatable.")
@click.option("--branch", "branch_id", type=int, help="Id of the branch; the head office if left out.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def create(username: str, name: str, roles: tuple[str, ...], branch_id: int | None, as_json: bool) -> None:
    """Create a user and print a password that is good for a day and must be changed at the first sign-in."""
    branch_id = branch_id or ledger.head_office()
    given = {"username": username, "name": name, "branch_id": branch_id, "roles": [*roles]}
    form = _checked(lambda: NewStaff.parse_json(given))
    created = _checked(lambda: in_transaction(lambda: staff.create(**form.model_dump(), by=_by("users create"))))
    if as_json:
        shown = {"staff_id": str(created.staff_id), "username": form.username, "password": created.temporary_password}
        click.echo(json.dumps(shown))
    else:
        click.echo(f"Created {form.username}. Password for the first sign-in: {created.temporary_password}")


@users.command("token")
@click.argument("username")
@click.option("--scope", "scopes", multiple=True, required=True, help="Such as mpesa.prompt; repeatable.")
@click.option("--name", required=True, help="The program that will use it.")
@click.option("--days", type=int, default=90, show_default=True, help="How long it is good.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def token(username: str, scopes: tuple[str, ...], name: str, days: int, as_json: bool) -> None:
    """Issue an API token that acts for USERNAME, and print it, this once."""
    owner = queries.by_username(username)
    if owner is None:
        raise click.ClickException(StaffMissing().message)
    given = {"name": name, "staff_id": str(owner.id), "scopes": [*scopes], "days": days}
    form = _checked(lambda: NewToken.parse_json(given))
    issued = _checked(lambda: in_transaction(lambda: tokens.issue(**form.model_dump(), by=_by("users token"))))
    click.echo(json.dumps({"token_id": str(issued.token_id), "token": issued.secret}) if as_json else issued.secret)


def _checked(work: Callable[[], T]) -> T:
    """Say in plain words what is refused, and end with 1."""
    try:
        return work()
    except Invalid as refusal:
        raise click.ClickException("; ".join(f"{name}: {text}" for name, text in refusal.errors.items())) from None
    except Refusal as refusal:
        raise click.ClickException(refusal.message) from None


def _by(command: str) -> Actor:
    return Actor("system", command, "command")
