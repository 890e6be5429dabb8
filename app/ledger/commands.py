"""``flask ledger …``: what operators and other programs ask of the ledger."""

from __future__ import annotations

import json
from datetime import date, datetime
from time import perf_counter

import click
from flask.cli import AppGroup

from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.transactions import in_transaction
from app.ledger import queries, service
from app.ledger.verify import Report
from app.ledger.verify import verify as check_everything

ledger = AppGroup("ledger", help="The books: open them, and prove that they are whole.")

OPERATOR = Actor.system("ledger-command")


def _seals(context: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> list[tuple[date, str]]:
    try:
        return [(date.fromisoformat(on), seal.lower()) for on, seal in (pair.split("=", 1) for pair in given)]
    except ValueError:
        raise click.BadParameter("write it as 2026-03-31=the 64 digits of the seal") from None


@ledger.command()
@click.option("--json", "as_json", is_flag=True, help="For a program.")
@click.option("--seal", "known", multiple=True, metavar="DATE=HASH", callback=_seals, help="A seal you wrote down.")
def verify(as_json: bool, known: list[tuple[date, str]]) -> None:
    """Check every invariant of the books; exit 1 and name what differs if one is broken.

    With a seal that was written down elsewhere, it also shows that nobody has rewritten the books and all seals since.
    """
    started = perf_counter()
    report = check_everything(known)
    seconds = round(perf_counter() - started, 2)
    if as_json:
        click.echo(json.dumps({**report.as_json(), "seconds": seconds}))
    else:
        _tell(report, seconds)
    raise SystemExit(0 if report.ok else 1)


def _tell(report: Report, seconds: float) -> None:
    counts = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in report.counts.items())
    click.echo(f"{counts}; {len(report.checks)} checks in {seconds} s")
    if report.last_seal:
        click.echo(f"last seal: {report.last_seal['on']} {report.last_seal['hash']}")
    for difference in report.differences:
        click.echo(f"  {difference}")
    click.echo("The books are whole." if report.ok else f"{sum(report.found.values())} differences found.")


@ledger.command("open")
@click.option("--date", "on", type=click.DateTime(["%Y-%m-%d"]), help="The first business day; today when left out.")
def open_books(on: datetime | None) -> None:
    """Open the society's first business day. Changes nothing if the books are open."""
    first_day: date = on.date() if on else clock.today_eat()
    opened = in_transaction(lambda: service.open_books(first_day, by=OPERATOR))
    click.echo(
        f"The books are open; the business date is {queries.business_date()}." if opened else "The books were open."
    )
