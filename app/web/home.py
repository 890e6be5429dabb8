"""The home page: what came in today, what is on its way, what waits for somebody, and the first things to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from flask import Blueprint, Response, url_for
from flask_login import current_user

from app.approvals import queries as approvals
from app.approvals import registry
from app.kernel.money import Money
from app.kernel.reach import Within
from app.members import queries as members
from app.payments import queries as payments
from app.payments.queries import Open, PaymentFilter
from app.payments.states import PaymentState
from app.web import formats, reach, standing
from app.web.access import signed_in
from app.web.pages import page

bp = Blueprint("home", __name__)

LATEST = 8
BEING_CHECKED = {PaymentState.UNKNOWN, PaymentState.PAID}


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the row at the top, what explains it, and where more is told."""

    label: str
    value: str
    note: str
    url: str | None = None


@bp.get("/")
@signed_in
def show() -> Response:
    """Today, as far as this person's role may see it."""
    today = standing.of_this_page().on
    if today is None:
        return page("web/not_open.html")
    sees_payments, within = current_user.may("payments.view"), reach.of("payments.view")
    latest = payments.history(PaymentFilter(), within=within, size=LATEST).items if sees_payments else []
    return page(
        "web/home.html",
        figures=waiting_for_you()
        + [
            figure
            for permission, tell in TILES
            if current_user.may(permission)
            for figure in tell(today, reach.of(permission))
        ],
        received=payments.received_on(today, within=within) if sees_payments else [],
        latest=latest,
        names=members.names_of(payments.members_of(latest)),
        to_review=payments.to_review(within=within) if sees_payments else 0,
    )


@bp.get("/more")
@signed_in
def more() -> Response:
    """On a phone: the places that do not fit the bottom bar, and who is signed in."""
    return page("web/more.html")


def waiting_for_you() -> list[Figure]:
    """What others asked for and this person may decide about, where there is any or there could be."""
    waiting = approvals.count_waiting_for(current_user.staff_id)
    if not waiting and not any(current_user.may(command.decide_permission) for command in registry.every()):
        return []
    return [Figure("Waiting for you", str(waiting), "to approve or refuse", url_for("approvals.index"))]


def received_today(today: date, within: Within) -> Sequence[Figure]:
    """Money that came in today by the payer's clock, wherever it was credited."""
    shares = payments.received_on(today, within=within)
    count = sum(number for _, number, _ in shares)
    total = sum((amount for _, _, amount in shares), Money(0))
    url = url_for("payments.index", first_on=today.isoformat())
    return [Figure("Received today", total.plain(), _counted(count, "receipt"), url)]


def on_the_way(_: date, within: Within) -> Sequence[Figure]:
    """Prompts that members have not answered yet, and payments whose outcome is being sought."""
    open_now = payments.open_payments(within=within)
    waiting = [one for one in open_now if one.state not in BEING_CHECKED]
    checked = [one for one in open_now if one.state in BEING_CHECKED]
    return [
        Figure("On the way", _sum(waiting), _since(waiting, "prompt"), url_for("payments.index", state="pending")),
        Figure("Being checked", _sum(checked), _since(checked, "payment"), url_for("payments.index", state="unknown")),
    ]


def to_allocate(_: date, within: Within) -> Sequence[Figure]:
    """Money that came and belongs to nobody yet."""
    count, amount, oldest_at = payments.in_suspense(within=within)
    note = _counted(count, "receipt") + (f", oldest {formats.ago(oldest_at)}" if oldest_at else "")
    return [Figure("To allocate", amount.plain(), note, url_for("payments.suspense"))]


def new_members(today: date, within: Within) -> Sequence[Figure]:
    """Who joined today."""
    return [Figure("New members today", str(members.joined_on(today, within=within)), "", url_for("members.index"))]


TILES: Sequence[tuple[str, Callable[[date, Within], Sequence[Figure]]]] = (
    ("payments.view", received_today),
    ("payments.view", on_the_way),
    ("payments.allocate", to_allocate),
    ("members.view", new_members),
)
"""The figures in order, each for those who hold the permission, over what it extends to."""


def _sum(some: Sequence[Open]) -> str:
    return sum((one.amount for one in some), Money(0)).plain()


def _since(some: Sequence[Open], noun: str) -> str:
    count = sum(one.count for one in some)
    return _counted(count, noun) + (f", oldest {formats.ago(min(one.oldest_at for one in some))}" if some else "")


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
