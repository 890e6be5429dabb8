"""``flask demo load``: demonstration data of any size, once."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
from flask import current_app
from flask.cli import AppGroup

from app.demo.load import load
from app.demo.people import MOST_MEMBERS
from app.kernel.transactions import in_transaction
from config import Settings

demo = AppGroup("demo", help="Demonstration data. Never in production.")

USUAL_MEMBERS = 40
USUAL_SEED = 2026


@demo.command("load")
@click.option("--members", type=click.IntRange(1, MOST_MEMBERS), default=USUAL_MEMBERS, show_default=True)
@click.option("--seed", type=int, default=USUAL_SEED, show_default=True, help="The same seed makes the same society.")
@click.option("--json", "as_json", is_flag=True, help="Say it so that a program can read it.")
def load_command(members: int, seed: int, as_json: bool) -> None:
    """Load branches, staff, products, members and their deposits; does nothing if there are members already."""
    settings: Settings = current_app.extensions["settings"]
    if settings.is_production:
        raise click.ClickException("Demonstration data does not belong in production. Nothing was loaded.")
    made = in_transaction(lambda: load(members, seed=seed, password=settings.demo_password))
    if as_json:
        counts = asdict(made) if made else {"members": 0, "accounts": 0, "entries": 0}
        click.echo(json.dumps({"loaded": made is not None, **counts}))
    elif made is None:
        click.echo("There are members already; nothing was loaded.")
    else:
        click.echo(f"Loaded {made.members:,} members, {made.accounts:,} accounts and {made.entries:,} entries.")
