"""`flask users …`: staff and API tokens from the command line; the first administrator is made here."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

import click
from flask import current_app
from flask.cli import AppGroup

from app.identity import queries
from app.identity.errors import StaffMissing
from app.identity.schemas import NewStaff, NewToken
from app.identity.service import second_factor, staff, tokens
from app.kernel.actor import Actor
from app.kernel.errors import Invalid, Refusal
from app.kernel.transactions import in_transaction
from app.ledger import queries as ledger
from config import Settings

T = TypeVar("T")

users = AppGroup("users", help="Staff and API tokens.")


@users.command("create")
@click.argument("username")
@click.option("--name", required=True, help="Full name.")
@click.option("--role", "roles", multiple=True, required=True, help="Such as administrator; repeatable.")
@click.option("--branch", "branch_id", type=int, help="Id of the branch; the head office if left out.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def create(username: str, name: str, roles: tuple[str, ...], branch_id: int | None, as_json: bool) -> None:
    """Invite a user and print the one-time code, good for a day, with which the person chooses a password."""
    branch_id = branch_id or ledger.head_office()
    given = {"username": username, "name": name, "branch_id": branch_id, "roles": [*roles]}
    form = _checked(lambda: NewStaff.parse_json(given))
    created = _checked(lambda: in_transaction(lambda: staff.create(**form.model_dump(), by=_by("users create"))))
    if as_json:
        shown = {"staff_id": str(created.staff_id), "username": form.username, "code": created.code}
        click.echo(json.dumps(shown | {"address": _welcome()}))
    else:
        click.echo(f"Created {form.username}. One-time code, good for a day: {created.code}")
        click.echo(f"The password is chosen with it at {_welcome()}")


@users.command("invite")
@click.argument("username")
def invite(username: str) -> None:
    """Print a new one-time code for USERNAME, whose password stops working: for an administrator who is shut out."""
    staff_id = _staff_id(username)
    code = _checked(lambda: in_transaction(lambda: staff.invite_again(staff_id, by=_by("users invite"))))
    click.echo(f"One-time code, good for a day: {code}")
    click.echo(f"The password is chosen with it at {_welcome()}")


@users.command("reset-factor")
@click.argument("username")
@click.option("--reason", required=True, help="Why; it is kept in the audit trail.")
def reset_factor(username: str, reason: str) -> None:
    """Take away the second factor of USERNAME, who sets up another one at the next sign-in."""
    staff_id, by = _staff_id(username), _by("users reset-factor")
    _checked(lambda: in_transaction(lambda: second_factor.reset(staff_id, by=by, reason=reason)))
    click.echo(f"{username} sets up a new second factor at the next sign-in.")


@users.command("token")
@click.argument("username")
@click.option("--scope", "scopes", multiple=True, required=True, help="Such as mpesa.prompt; repeatable.")
@click.option("--name", required=True, help="The program that will use it.")
@click.option("--days", type=int, default=90, show_default=True, help="How long it is good.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def token(username: str, scopes: tuple[str, ...], name: str, days: int, as_json: bool) -> None:
    """Issue an API token that acts for USERNAME, and print it, this once."""
    given = {"name": name, "staff_id": str(_staff_id(username)), "scopes": [*scopes], "days": days}
    form = _checked(lambda: NewToken.parse_json(given))
    issued = _checked(lambda: in_transaction(lambda: tokens.issue(**form.model_dump(), by=_by("users token"))))
    click.echo(json.dumps({"token_id": str(issued.token_id), "token": issued.secret}) if as_json else issued.secret)


def _staff_id(username: str) -> UUID:
    found = queries.by_username(username)
    if found is None:
        raise click.ClickException(StaffMissing().message)
    return found.id


def _welcome() -> str:
    settings: Settings = current_app.extensions["settings"]
    return settings.base_url.rstrip("/") + "/welcome"


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
