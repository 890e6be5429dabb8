"""``flask audit …``: what operators and other programs ask of the audit trail."""

from __future__ import annotations

import json
from datetime import date
from time import perf_counter

import click
from flask.cli import AppGroup

from app.audit.verify import Report
from app.audit.verify import verify as check_everything

audit = AppGroup("audit", help="The audit trail: prove that nothing was changed in it.")


def _seals(context: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> list[tuple[date, str]]:
    try:
        return [(date.fromisoformat(on), seal.lower()) for on, seal in (pair.split("=", 1) for pair in given)]
    except ValueError:
        raise click.BadParameter("write it as 2026-03-31=the 64 digits of the seal") from None


@audit.command()
@click.option("--json", "as_json", is_flag=True, help="For a program.")
@click.option("--seal", "known", multiple=True, metavar="DATE=HASH", callback=_seals, help="A seal you wrote down.")
def verify(as_json: bool, known: list[tuple[date, str]]) -> None:
    """Check that every sealed row is as it was; exit 1 and name the first one that is not.

    With a seal that was written down elsewhere, it also shows that nobody has rewritten the trail and all seals since.
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
    click.echo(f"{counts}; checked in {seconds} s")
    if report.last_seal:
        click.echo(f"last seal: {report.last_seal['on']} {report.last_seal['hash']}")
    for check, facts in report.differences:
        click.echo(f"  {check}: " + ", ".join(f"{name} {value}" for name, value in facts.items()))
    click.echo("The trail is whole." if report.ok else f"{sum(report.found.values())} differences found.")
