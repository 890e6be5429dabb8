"""What needs a second person in rooms that know nothing of approvals: their functions, put together as commands."""

from __future__ import annotations

from flask import url_for

from app.approvals import registry, thresholds
from app.approvals.registry import Command
from app.identity import factor_resets, role_changes
from app.identity.role_sheets import RoleSheet
from app.ledger import chart, journals, reversals
from app.members.access import changes as phone_changes
from app.messaging import wording


def install() -> None:
    """Register them; rooms that stand above approvals bring commands of their own."""
    for command in (
        thresholds.COMMAND,
        ROLE,
        FACTOR_RESET,
        JOURNAL,
        REVERSAL,
        NEW_ACCOUNT,
        RETIREMENT,
        MONTH_END,
        WORDING,
        PHONE_CHANGE,
    ):
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

ROLE = Command[RoleSheet](
    name=role_changes.NAME,
    label="What a role may do",
    inputs=RoleSheet,
    ask_permission="identity.manage_roles",
    decide_permission="identity.approve_roles",
    describe=role_changes.effect,
    run=role_changes.run,
    subject=lambda _: role_changes.SUBJECT,
    page=lambda _, code: url_for("identity.role", role_code=code) if code else None,
    fresh=True,
)

FACTOR_RESET = Command(
    name=factor_resets.NAME,
    label="Second factor taken away",
    inputs=factor_resets.FactorReset,
    ask_permission="identity.manage_users",
    decide_permission="identity.approve_factor_resets",
    describe=factor_resets.effect,
    run=factor_resets.run,
    whereabouts=factor_resets.whereabouts,
    subject=factor_resets.subject,
    page=lambda asked, _: url_for("identity.user", staff_id=asked.staff_id),
    fresh=True,
)

WORDING = Command(
    name="messaging.wording",
    label="Words of a text",
    inputs=wording.Wording,
    ask_permission="messaging.word",
    decide_permission="messaging.approve",
    describe=wording.effect,
    run=wording.put,
    subject=lambda _: wording.SUBJECT,
    page=lambda wanted, _: url_for("messaging.text", text_name=wanted.template, language=wanted.language.value),
)

PHONE_CHANGE = Command(
    name=phone_changes.NAME,
    label="Payment phone of a member",
    inputs=phone_changes.PhoneChange,
    ask_permission="members.change_phone",
    decide_permission="members.approve_phone",
    describe=phone_changes.effect,
    run=phone_changes.run,
    whereabouts=phone_changes.whereabouts,
    subject=phone_changes.subject,
    page=lambda asked, _: url_for("profile.show", member_id=asked.member_id),
    fresh=True,
)
