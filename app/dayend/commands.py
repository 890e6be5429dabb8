"""``flask dayend …``: the close of day from the command line."""

from __future__ import annotations

import json
from datetime import datetime

import click
from flask.cli import AppGroup

from app.dayend.run import Run
from app.dayend.run import run as run_close
from app.kernel.errors import Refusal, Trouble
from app.ledger import queries

dayend = AppGroup("dayend", help="The close of day.")

OPERATOR = "system:dayend-command"


@dayend.command()
@click.option("--date", "until", type=click.DateTime(["%Y-%m-%d"]), help="Close this day and the days before it.")
@click.option("--json", "as_json", is_flag=True, help="For a program.")
def run(until: datetime | None, as_json: bool) -> None:
    """Move the business date to today and close every day that is over. Running it again changes nothing."""
    try:
        done = run_close(until=until.date() if until else None, asked_by=OPERATOR)
    except (Refusal, Trouble) as refused:
        if as_json:
            click.echo(json.dumps({"ok": False, "error": {"code": refused.code, "detail": refused.message}}))
            raise SystemExit(1) from None
        raise click.ClickException(refused.message) from None
    if as_json:
        click.echo(json.dumps({"ok": True, "business_date": queries.business_date().isoformat(), **done.as_json()}))
    else:
        _tell(done)


def _tell(done: Run) -> None:
    for day in done.rolled:
        click.echo(f"{day} ended.")
    for closed in done.days:
        for step in closed.steps:
            click.echo(f"{closed.on} {step.step}{' (before)' if step.before else ''}: {step.summary}")
    click.echo(f"The business date is {queries.business_date()}.")
