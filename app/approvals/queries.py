"""Reading what waits for a second person, and what became of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, not_, or_, select
from sqlalchemy.orm import selectinload

from app.approvals import authority, registry, stored
from app.approvals.authority import Authority
from app.approvals.errors import ApprovalMissing, CommandUnreadable
from app.approvals.models import Approval, Decision, Remark
from app.approvals.registry import AnyCommand
from app.approvals.states import ApprovalState
from app.identity.principal import Holder
from app.kernel import clock
from app.kernel.database import db
from app.kernel.effects import Effect
from app.kernel.errors import Refusal
from app.kernel.paging import Page, keyset
from app.kernel.reach import COMMON, Whereabouts, Within


@dataclass(frozen=True, slots=True)
class Shown:
    """An approval as its page shows it: what it was to do when it was asked for, and what it would do now."""

    approval: Approval
    command: AnyCommand | None
    asked: Effect | None
    now: Effect | None
    cannot: str | None  # why it cannot be done as things stand
    result_page: str | None

    @property
    def has_changed(self) -> bool:
        """Whether it would do something else than when it was asked for."""
        return self.now is not None and self.asked is not None and self.now != self.asked

    @property
    def version(self) -> str:
        """What a decision must name: this state of the request, and this effect."""
        return version_of(self.approval, self.now)


def version_of(approval: Approval, effect: Effect | None) -> str:
    """Names the state of a request and what it would do: a decision about something else is stale."""
    return f"{approval.version}.{effect.fingerprint if effect else 'none'}"


def get(approval_id: UUID) -> Approval:
    """One request with what was said about it. Refuses with ApprovalMissing."""
    found = db.session.scalar(
        select(Approval).where(Approval.id == approval_id).options(selectinload(Approval.decisions))
    )
    if found is None:
        raise ApprovalMissing
    return found


def get_for_update(approval_id: UUID) -> Approval:
    """One request, locked until the transaction ends. Refuses with ApprovalMissing."""
    found = db.session.get(Approval, approval_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise ApprovalMissing
    return found


def shown(approval_id: UUID) -> Shown:
    """One request with its effect, worked out anew while it waits. Refuses with ApprovalMissing."""
    approval = get(approval_id)
    asked = stored.effect_when_asked(approval)
    try:
        command, inputs = stored.read(approval)
    except CommandUnreadable as unreadable:
        known = registry.find(approval.command)
        return Shown(approval, known, asked, None, unreadable.why.message, None)
    if not approval.state.is_open:
        result_page = command.page(inputs, approval.result) if approval.state is ApprovalState.APPROVED else None
        return Shown(approval, command, asked, None, None, result_page)
    try:
        return Shown(approval, command, asked, command.describe(inputs), None, None)
    except Refusal as refusal:
        return Shown(approval, command, asked, None, refusal_in_words(refusal), None)


def refusal_in_words(refusal: Refusal) -> str:
    """Why a command cannot be done; of wrong fields, what is wrong with them."""
    return " ".join(getattr(refusal, "errors", {}).values()) or refusal.message


def decisions_of(approval_id: UUID) -> Sequence[Decision]:
    """What was said, in order."""
    return db.session.scalars(select(Decision).where(Decision.approval_id == approval_id).order_by(Decision.id)).all()


def remarks_of(approval_id: UUID) -> Sequence[Remark]:
    """Why it could not be done when it was approved, the latest first."""
    about = select(Remark).where(Remark.approval_id == approval_id)
    return db.session.scalars(about.order_by(Remark.id.desc()).limit(20)).all()


def waiting_for(staff_id: UUID, *, command: str | None = None, after: str | None = None) -> Page[Approval]:
    """What this person may decide now, the oldest first."""
    query = _of_command(select(Approval).where(_may_decide(staff_id)), command)
    return keyset(query, by=[Approval.id], after=after, descending=False)


def count_waiting_for(staff_id: UUID) -> int:
    """How much waits for this person. Asked for by every page, so where nothing waits at all it looks no further."""
    if not db.session.scalar(select(select(Approval.id).where(Approval.state == ApprovalState.WAITING).exists())):
        return 0
    return db.session.scalar(select(func.count()).select_from(Approval).where(_may_decide(staff_id))) or 0


def may_decide(approval_id: UUID, staff_id: UUID) -> bool:
    """Whether this is among what waits for somebody."""
    return bool(db.session.scalar(select(select(Approval.id).where(_is(approval_id), _may_decide(staff_id)).exists())))


def asked_by(principal: str, *, after: str | None = None) -> Page[Approval]:
    """What somebody asked for, the newest first."""
    return keyset(select(Approval).where(Approval.maker == principal), by=[Approval.id], after=after)


def all_of(
    within: Within, *, state: ApprovalState | None = None, command: str | None = None, after: str | None = None
) -> Page[Approval]:
    """Everything that was ever asked for, the newest first, as far as somebody's right extends."""
    query = _of_command(select(Approval).where(*_inside(within)), command)
    if state:
        query = query.where(Approval.state == state)
    return keyset(query, by=[Approval.id], after=after)


def waiting_about(subject: tuple[str, object]) -> Sequence[Approval]:
    """What waits for a decision about one record, the oldest first: a room's own page says so."""
    kind, its_id = subject
    about = select(Approval).where(
        Approval.subject_type == kind, Approval.subject_id == str(its_id), Approval.state == ApprovalState.WAITING
    )
    return db.session.scalars(about.order_by(Approval.id)).all()


def may_see(approval: Approval, person: Holder) -> bool:
    """Whether somebody may look at it: who asked, who decided or may decide, and whoever may see them all."""
    principal = f"{authority.STAFF}{person.staff_id}"
    if approval.maker == principal or person.may("approvals.view", place_of(approval)):
        return True
    if any(said.checker == principal for said in approval.decisions):
        return True
    command, on = registry.find(approval.command), clock.business_date()
    return command is not None and any(
        one.reaches(command, place_of(approval)) for one in authority.authorities(person.staff_id, on=on)
    )


def place_of(approval: Approval) -> Whereabouts:
    """Where it belonged when it was asked for."""
    return Whereabouts(approval.branch_id, approval.officer_id, approval.agent_id)


def whereabouts(approval_id: UUID) -> Whereabouts | None:
    """For the gate: who asked and who decides may look wherever it belongs, so the room itself says who may."""
    return COMMON if db.session.get(Approval, approval_id) else None


def titles_of(ids: Collection[str]) -> dict[str, str]:
    """What these requests are called, by id as text: for the audit trail."""
    rows = db.session.execute(select(Approval.id, Approval.title).where(Approval.id.in_([UUID(one) for one in ids])))
    return {str(row.id): row.title for row in rows}


def overdue_ids() -> Sequence[UUID]:
    """What has waited too long."""
    late = select(Approval.id).where(Approval.state == ApprovalState.WAITING, Approval.expires_at <= clock.now())
    return db.session.scalars(late.order_by(Approval.expires_at).limit(500)).all()


def _may_decide(staff_id: UUID) -> ColumnElement[bool]:
    """The same rules as `authority.to_decide`, for many rows at once."""
    me = f"{authority.STAFF}{staff_id}"
    rights = [
        _by(one, command)
        for one in authority.authorities(staff_id, on=clock.business_date())
        for command in registry.every()
        if one.right(command)
    ]
    said = (
        select(Decision.id).where(Decision.approval_id == Approval.id, Decision.checker == me).correlate(Approval)
    ).exists()
    return and_(
        Approval.state == ApprovalState.WAITING,
        Approval.expires_at > clock.now(),
        Approval.maker != me,
        not_(said),
        or_(False, *rights),
    )


def _by(one: Authority, command: AnyCommand) -> ColumnElement[bool]:
    right = one.right(command)
    assert right is not None, "only rights that are held are asked for"
    used = select(Decision.id).where(Decision.approval_id == Approval.id, Decision.authority == one.principal)
    conditions = [
        Approval.command == command.name,
        Approval.maker != one.principal,
        not_(used.correlate(Approval).exists()),
        *_inside(one.holder.within(command.decide_permission)),
    ]
    if right.limit is not None:
        conditions.append(or_(Approval.amount.is_(None), Approval.amount <= right.limit))
    return and_(*conditions)


def _inside(within: Within) -> list[ColumnElement[bool]]:
    return within.conditions(branch=Approval.branch_id, carers=[Approval.officer_id, Approval.agent_id])


def _of_command(query: Select[tuple[Approval]], command: str | None) -> Select[tuple[Approval]]:
    return query.where(Approval.command == command) if command else query


def _is(approval_id: UUID) -> ColumnElement[bool]:
    return Approval.id == approval_id
