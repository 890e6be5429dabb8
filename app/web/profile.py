"""The member's profile: who the member is, what stands in each room, and what can be done next.

It composes rooms and decides nothing: each figure, list and action is asked of the room it belongs to, and only for
those whose role may see it. Every tab is a page with an address of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, Response, url_for
from flask.sansio.blueprints import BlueprintSetupState
from flask_login import current_user

from app.audit import queries as audit
from app.audit import reads as audit_reads
from app.audit.queries import Sought
from app.fees import queries as fees
from app.identity import queries as identity
from app.kernel import clock
from app.kernel.money import Money
from app.kernel.reach import Whereabouts
from app.ledger import history
from app.ledger import queries as ledger
from app.members import queries as members
from app.members.queries import Profile
from app.payments import queries as payments
from app.payments.queries import PaymentFilter
from app.savings import queries as savings
from app.savings.models import AccountStatus
from app.savings.queries import AccountWithBalance
from app.web import charts, reach
from app.web.access import requires
from app.web.pages import page

bp = Blueprint("profile", __name__, url_prefix="/members")

LATEST = 5
LATEST_READERS = 10
MONTHS = 12


@dataclass(frozen=True, slots=True)
class Tab:
    """One view of a member, with its address."""

    name: str
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the row."""

    label: str
    value: str
    note: str


@dataclass(frozen=True, slots=True)
class Head:
    """What stands above every tab."""

    profile: Profile
    branch: str
    officer: str | None
    tabs: Sequence[Tab]
    figures: Sequence[Figure]
    accounts: Sequence[AccountWithBalance]


@bp.get("/<uuid:member_id>")
@requires("members.view")
def show(member_id: UUID) -> Response:
    """Overview."""
    above = head(member_id)
    return page(
        "web/profile.html", head=above, chart=_savings_curve(above.accounts), payments=_latest_payments(member_id)
    )


@bp.get("/<uuid:member_id>/money")
@requires("members.view")
def money(member_id: UUID) -> Response:
    """Figures and balances alone: the page asks for them again when a payment has changed something."""
    return page("web/_member_money.html", head=head(member_id), rides_along=True)


@bp.get("/<uuid:member_id>/savings")
@requires("savings.view")
def savings_tab(member_id: UUID) -> Response:
    """Every savings account of the member, and what has become of them over the year."""
    above = head(member_id)
    return page("web/profile_savings.html", head=above, chart=_savings_curve(above.accounts))


@bp.get("/<uuid:member_id>/activity")
@requires("members.view")
def activity(member_id: UUID) -> Response:
    """What happened to the membership, and for auditors who touched the record."""
    sees_trail = current_user.may("audit.view")
    sought = Sought(subject_type="member", subject_id=str(member_id))
    trail = audit.events(sought, within=reach.of("audit.view")).items if sees_trail else []
    readers = audit_reads.of_record(("member", member_id), latest=LATEST_READERS) if sees_trail else []
    return page(
        "web/profile_activity.html",
        head=head(member_id),
        steps=members.status_history(member_id),
        trail=trail,
        readers=readers,
        names={**audit.names_for(trail), **audit_reads.names_for(readers)},
    )


@bp.record_once
def install(setup: BlueprintSetupState) -> None:
    """Let pages of other rooms that speak of one member show the same head, with its tabs."""
    setup.app.jinja_env.globals["member_head"] = head


def head(member_id: UUID) -> Head:
    """What stands above every tab. Refuses with MemberMissing."""
    profile = members.profile(member_id)
    at = profile.member.whereabouts
    accounts = _accounts(member_id, at)
    officer = profile.member.officer_id and str(profile.member.officer_id)
    return Head(
        profile,
        branch={branch.id: branch.name for branch in ledger.branches()}.get(profile.member.branch_id, ""),
        officer=identity.names_of([officer]).get(officer) if officer else None,
        tabs=_tabs(member_id, at),
        figures=[*_savings_figures(accounts, at), *_payment_figures(member_id, at), *_fee_figures(member_id, at)],
        accounts=accounts,
    )


def _tabs(member_id: UUID, at: Whereabouts) -> list[Tab]:
    every = [
        ("members.view", Tab("overview", "Overview", url_for("profile.show", member_id=member_id))),
        ("payments.view", Tab("payments", "Payments", url_for("payments.index", member=member_id))),
        ("savings.view", Tab("savings", "Savings", url_for("profile.savings_tab", member_id=member_id))),
        ("members.view_documents", Tab("documents", "Documents", url_for("documents.index", member_id=member_id))),
        ("members.view", Tab("activity", "Activity", url_for("profile.activity", member_id=member_id))),
    ]
    return [tab for permission, tab in every if current_user.may(permission, at)]


def _accounts(member_id: UUID, at: Whereabouts) -> Sequence[AccountWithBalance]:
    if not current_user.may("savings.view", at):
        return []
    return savings.accounts_with_balances(member_id, on=clock.business_date())


def _savings_figures(accounts: Sequence[AccountWithBalance], at: Whereabouts) -> list[Figure]:
    """Money that can be taken out and money that secures loans are two things to a member, so they are told apart."""
    if not current_user.may("savings.view", at):
        return []
    still_open = [shown for shown in accounts if shown.account.status is AccountStatus.OPEN]
    free = [shown for shown in still_open if shown.account.product.is_withdrawable]
    bound = [shown for shown in still_open if not shown.account.product.is_withdrawable]
    can_leave = sum((shown.free_to_withdraw for shown in free), Money(0))
    figures = []
    if free or not bound:
        figures.append(Figure("Savings", _total(free), f"{can_leave.plain()} free to withdraw"))
    if bound:
        figures.append(Figure("Deposits", _total(bound), "secure loans, not withdrawn"))
    return figures


def _payment_figures(member_id: UUID, at: Whereabouts) -> list[Figure]:
    if not current_user.may("payments.view", at):
        return []
    first = clock.business_date().replace(day=1)
    total = payments.history_total(PaymentFilter(member_id=member_id, first_on=first))
    return [Figure("Paid this month", total.received.plain(), f"since {first.day} {first:%b}")]


def _fee_figures(member_id: UUID, at: Whereabouts) -> list[Figure]:
    """What is owed in fees, while anything is."""
    owed = fees.owed(member_id) if current_user.may("fees.view", at) else None
    return [Figure("Fees owed", owed.amount.plain(), f"pay to {owed.account.number}")] if owed else []


def _savings_curve(accounts: Sequence[AccountWithBalance]) -> charts.Line | None:
    """What all accounts held at the end of each of the last months; none before there is anything to show."""
    ids = [shown.account.id for shown in accounts]
    ends = history.month_ends(ids, until=clock.business_date(), months=MONTHS) if ids else []
    if not any(amount.cents for _, amount in ends):
        return None
    return charts.line("Savings", [(f"{month:%b %Y}", amount) for month, amount in ends])


def _latest_payments(member_id: UUID) -> dict[str, object]:
    if not current_user.may("payments.view"):
        return {}
    latest = payments.history(PaymentFilter(member_id=member_id), within=reach.of("payments.view"), size=LATEST).items
    open_now = sum(not payment.state.is_closed for payment in latest)
    return {"payments": latest, "member_id": member_id, "open_now": open_now}


def _total(accounts: Sequence[AccountWithBalance]) -> str:
    return sum((shown.balance for shown in accounts), Money(0)).plain()
