"""Asking for a command, deciding about it, taking it back, and letting it go when nobody decided."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from pydantic import BaseModel

from app import audit
from app.approvals import authority, queries, registry, rules, stored, thresholds
from app.approvals.errors import (
    AlreadyEnded,
    CommandRefused,
    CommandUnreadable,
    NotYours,
    Overdue,
    SaidAlready,
    Stale,
)
from app.approvals.models import Approval, Decision, Remark
from app.approvals.registry import AnyCommand
from app.approvals.states import ApprovalState, Verdict
from app.identity import queries as identity
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.errors import Invalid, Missing, NotAllowed, Refusal
from app.kernel.money import Money
from app.kernel.reach import Whereabouts

APPROVED_CHANNEL = "approval"  # how rows that an approved command wrote tell that it came by two people
EXPIRING = Actor.system("approvals.expire")


def ask(name: str, inputs: BaseModel, *, by: Actor, reason: str) -> UUID:
    """Store a command until a second person has looked at it; one that needs nobody is done at once.

    Refuses with NotAllowed, and with what the command itself refuses.
    """
    command = registry.find(name)
    assert command is not None, f"no command is called {name}"
    effect = command.describe(inputs)  # what cannot be done is refused in the words of its own room
    place, amount = command.whereabouts(inputs), command.amount(inputs)
    if place is None:
        raise Missing("There is no such record any more. Nothing was asked for.")
    _check_maker(command, place, by)
    text, digest = stored.written(command, inputs)
    threshold = thresholds.threshold(command, on=clock.business_date())
    kind, its_id = command.subject(inputs) or (None, None)
    approval = Approval(
        command=name,
        title=effect.title,
        inputs=text,
        inputs_hash=digest,
        asked_effect=effect.model_dump_json(),
        reason=reason,
        subject_type=kind,
        subject_id=its_id,
        branch_id=place.branch_id,
        officer_id=place.officer_id,
        agent_id=place.agent_id,
        amount=amount,
        persons=rules.persons_needed(amount, threshold),
        maker=by.principal,
        asked_at=clock.now(),
        expires_at=clock.now() + timedelta(days=threshold.days),
        state=ApprovalState.WAITING,
        version=1,
    )
    db.session.add(approval)
    db.session.flush()  # what runs at once needs its id
    _record("asked", approval, by, persons=approval.persons)
    if approval.persons == 0:
        result = command.run(inputs, key=approval.key, on=clock.business_date(), by=by)
        approval.move_to(ApprovalState.APPROVED, result=result)
        _record("done_at_once", approval, by, result=result)
    return approval.id


def decide(approval_id: UUID, verdict: Verdict, *, by: Actor, note: str | None, version: str) -> ApprovalState:
    """Approve or refuse. Approved by as many as are needed, the stored command runs: once, in this transaction.

    ``version`` is what the checker saw (`queries.Shown.version`). Refuses with ApprovalMissing, AlreadyEnded, Overdue,
    Stale, OwnRequest, NoRightToDecide, SaidAlready, Invalid, and CommandRefused, which an edge then notes with
    `note_refusal` in a transaction of its own.
    """
    approval = queries.get_for_update(approval_id)
    _check_open(approval)
    return _approve(approval, by, note, version) if verdict is Verdict.APPROVE else _refuse(approval, by, note, version)


def withdraw(approval_id: UUID, *, by: Actor) -> None:
    """Take back what one asked for. Refuses with ApprovalMissing, NotYours, AlreadyEnded and CommandUnreadable."""
    approval = queries.get_for_update(approval_id)
    if approval.maker != by.principal:
        raise NotYours
    if not approval.state.is_open:
        raise AlreadyEnded(approval.state)
    _end(approval, ApprovalState.WITHDRAWN, by=by)
    _record("withdrawn", approval, by)


def expire(approval_id: UUID) -> None:
    """Let go of what nobody decided in time. Does nothing if somebody was faster. Refuses with CommandUnreadable."""
    approval = queries.get_for_update(approval_id)
    if not approval.is_overdue(clock.now()):
        return
    _end(approval, ApprovalState.EXPIRED, by=EXPIRING)
    _record("expired", approval, EXPIRING)


def note_refusal(refused: CommandRefused, *, by: Actor) -> None:
    """Write down beside a waiting request why it could not be done when somebody approved it."""
    approval = queries.get(refused.approval_id)
    words = queries.refusal_in_words(refused.why)
    db.session.add(
        Remark(approval_id=approval.id, code=refused.why.code, text=words, noted_by=by.principal, noted_at=clock.now())
    )
    _record("could_not_be_done", approval, by, why=refused.why.code)


def _approve(approval: Approval, by: Actor, note: str | None, version: str) -> ApprovalState:
    command, inputs = stored.read(approval)
    place, amount = command.whereabouts(inputs), command.amount(inputs)
    whose = _authority(approval, command, place, amount, by)
    _say(approval, Verdict.APPROVE, by, whose, note)
    try:
        seen = queries.version_of(approval, command.describe(inputs))
    except Refusal as why:
        raise CommandRefused(approval.id, why) from why
    if version != seen:
        raise Stale
    approvals = len(queries.decisions_of(approval.id))
    if approvals < approval.persons:
        approval.version += 1  # whoever has the page open sees that one person has approved
        _record("approved_by_one", approval, by, maker=approval.maker, authority=whose)
        return approval.state
    maker = _as_maker(approval, checker=by)
    try:
        result = command.run(inputs, key=approval.key, on=clock.business_date(), by=maker)
    except Refusal as why:
        raise CommandRefused(approval.id, why) from why
    approval.move_to(ApprovalState.APPROVED, by=by.principal, result=result)
    _record("approved", approval, by, maker=approval.maker, authority=whose, result=result)
    return approval.state


def _refuse(approval: Approval, by: Actor, note: str | None, version: str) -> ApprovalState:
    if not note:
        raise Invalid({"note": "Say why you refuse, so that whoever asked can do it better."})
    if version.partition(".")[0] != str(approval.version):
        raise Stale
    # What cannot be read any more can be refused all the same, by whoever could have decided about it.
    command = registry.find(approval.command)
    if command is None:
        raise CommandUnreadable(approval.id, Missing("this version of Pamoja does not know it any more."))
    whose = _authority(approval, command, queries.place_of(approval), approval.amount, by)
    _say(approval, Verdict.REFUSE, by, whose, note)
    _end(approval, ApprovalState.REFUSED, by=by)
    _record("refused", approval, by, maker=approval.maker, authority=whose)
    return approval.state


def _end(approval: Approval, state: ApprovalState, *, by: Actor) -> None:
    """Without the command being done; its room clears away what it had prepared.

    If something was prepared for it, what was asked for must be readable: nobody else knows what to clear away.
    """
    command = registry.find(approval.command)
    if command is None or command.ending(state):
        command, inputs = stored.read(approval)
        if clear_away := command.ending(state):
            clear_away(inputs, key=approval.key, on=clock.business_date(), by=by)
    approval.move_to(state, by=by.principal if state is ApprovalState.REFUSED else None)


def _check_maker(command: AnyCommand, place: Whereabouts, by: Actor) -> None:
    """Staff need the right to ask; jobs and providers ask for what a use case of ours decided to ask for."""
    staff_id = authority.staff_id_of(by.principal)
    if staff_id is None or command.ask_permission is None:
        return
    maker = identity.colleagues([staff_id]).get(staff_id)
    if maker is None or not maker.may(command.ask_permission, place):
        raise NotAllowed("Your role does not include asking for this. Nothing was done.")


def _check_open(approval: Approval) -> None:
    if not approval.state.is_open:
        raise AlreadyEnded(approval.state)
    if approval.is_overdue(clock.now()):
        raise Overdue


def _authority(
    approval: Approval, command: AnyCommand, place: Whereabouts | None, amount: Money | None, by: Actor
) -> str:
    """Whose right the checker uses: nobody decides his own request, and nobody twice."""
    said = queries.decisions_of(approval.id)
    if any(by.principal == one.checker for one in said):
        raise SaidAlready
    used = [one.authority for one in said]
    whose = authority.to_decide(
        command, place, amount, by=by, on=clock.business_date(), maker=approval.maker, used=used
    )
    return whose.principal


def _say(approval: Approval, verdict: Verdict, by: Actor, whose: str, note: str | None) -> None:
    db.session.add(
        Decision(
            approval_id=approval.id,
            maker=approval.maker,
            checker=by.principal,
            authority=whose,
            verdict=verdict,
            note=note,
            decided_at=clock.now(),
        )
    )
    db.session.flush()  # the database counts with us, and refuses a maker who checks


def _as_maker(approval: Approval, *, checker: Actor) -> Actor:
    """Who does what was approved: whoever asked, with whoever approved beside."""
    kind, _, its_id = approval.maker.partition(":")
    return Actor(kind, its_id, APPROVED_CHANNEL, checker.address, on_behalf_of=checker.principal)  # type: ignore[arg-type]


def _record(verb: str, approval: Approval, by: Actor, **facts: object) -> None:
    audit.record(
        f"approvals.{verb}",
        subject=("approval", approval.id),
        by=by,
        after={"command": approval.command, "state": approval.state, "amount": approval.amount, **facts},
        branch_id=approval.branch_id,
    )
