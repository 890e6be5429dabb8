"""What needs a second person in rooms that know nothing of approvals: their functions, put together as commands."""

from __future__ import annotations

from flask import url_for

from app.approvals import registry, thresholds
from app.approvals.registry import Command
from app.ledger import chart, journals, reversals


def install() -> None:
    """Register them; rooms that stand above approvals bring commands of their own."""
    for command in (thresholds.COMMAND, JOURNAL, REVERSAL, NEW_ACCOUNT, RETIREMENT, MONTH_END):
        registry.register(command)


def _entry_page(_: object, entry_id: str | None) -> str | None:
    return url_for("ledger.entry", entry_id=int(entry_id)) if entry_id else None


JOURNAL = Command(
    name="ledger.journal",
    label="Manual journal",
    inputs=journals.Journal,
    ask_permission="ledger.journal",
    decide_permission="ledger.approve",
    describe=journals.effect,
    run=journals.post,
    amount=journals.amount,
    whereabouts=journals.whereabouts,
    page=_entry_page,
)

REVERSAL = Command(
    name="ledger.reverse",
    label="Reversal of an entry",
    inputs=reversals.Reversal,
    ask_permission="ledger.reverse",
    decide_permission="ledger.approve",
    describe=reversals.effect,
    run=reversals.run,
    amount=reversals.amount,
    whereabouts=reversals.whereabouts,
    subject=lambda asked: ("entry", str(asked.entry_id)),
    page=_entry_page,
)

NEW_ACCOUNT = Command(
    name="ledger.add_account",
    label="New account of the chart",
    inputs=chart.NewAccount,
    ask_permission="ledger.chart",
    decide_permission="ledger.decide",
    describe=chart.account_effect,
    run=chart.add,
    subject=lambda _: chart.PROPOSALS,
    page=lambda _values, _code: url_for("ledger.chart_page"),
)

RETIREMENT = Command(
    name="ledger.retire_account",
    label="Retirement of an account",
    inputs=chart.Retirement,
    ask_permission="ledger.chart",
    decide_permission="ledger.decide",
    describe=chart.retirement_effect,
    run=chart.retire,
    subject=lambda _: chart.PROPOSALS,
    page=lambda _values, _code: url_for("ledger.chart_page"),
)

MONTH_END = Command(
    name="ledger.close_month",
    label="Close of a month",
    inputs=chart.MonthEnd,
    ask_permission="ledger.close_month",
    decide_permission="ledger.decide",
    describe=chart.month_effect,
    run=chart.close,
    subject=lambda _: chart.MONTHS,
    page=lambda _values, _month: url_for("ledger.months"),
)
