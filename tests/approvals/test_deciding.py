"""Asking, deciding, withdrawing, expiring: what each person may, and what becomes of it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from app.approvals import queries, registry, service
from app.approvals.errors import (
    AlreadyEnded,
    ApprovalMissing,
    CommandRefused,
    CommandUnreadable,
    NoRightToDecide,
    NotYours,
    Overdue,
    OwnRequest,
    SaidAlready,
    Stale,
)
from app.approvals.states import MOVES, ApprovalState, Verdict
from app.audit.models import AuditEvent
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.errors import Invalid, NotAllowed
from app.kernel.money import kes
from app.kernel.transactions import in_transaction
from tests.approvals import probe
from tests.approvals.probe import ask, decide, times
from tests.harness.clock import SettableClock
from tests.harness.people import hire

pytestmark = pytest.mark.usefixtures("books", "world")


def test_what_was_asked_for_runs_once_somebody_else_approves(accountant: Actor, manager: Actor) -> None:
    approval_id = ask(accountant)
    assert times() == 0

    state = decide(approval_id, manager)

    assert state is ApprovalState.APPROVED
    assert times() == 1
    approval = queries.get(approval_id)
    assert (approval.decided_by, approval.result) == (manager.principal, "Mary Kamau")


def test_it_is_done_as_its_maker_with_the_checker_beside(accountant: Actor, manager: Actor) -> None:
    decide(ask(accountant), manager)

    row = db.session.scalars(select(AuditEvent).where(AuditEvent.action == probe.RAN)).one()
    assert (row.actor_id, row.on_behalf_of, row.channel) == (accountant.id, manager.principal, "approval")


def test_whoever_asks_does_not_decide(administrator: Actor) -> None:
    approval_id = ask(administrator)

    for verdict in Verdict:
        with pytest.raises(OwnRequest):
            decide(approval_id, administrator, verdict, note="fine")

    assert times() == 0


@pytest.mark.parametrize("role", ["accountant", "officer", "teller", "auditor", "agent"])
def test_whoever_has_no_right_does_not_decide(accountant: Actor, role: str) -> None:
    approval_id = ask(accountant)

    with pytest.raises(NoRightToDecide):
        decide(approval_id, probe.person(hire(role)))


def test_a_role_that_may_not_ask_does_not(books: Any) -> None:
    with pytest.raises(NotAllowed):
        ask(probe.person(hire("teller")))


def test_a_limit_holds_to_the_cent(accountant: Actor, manager: Actor, administrator: Actor) -> None:
    within, above = ask(accountant, "1,000,000"), ask(accountant, "1,000,000.01")

    assert decide(within, manager) is ApprovalState.APPROVED
    with pytest.raises(NoRightToDecide, match=r"KES 1,000,000\.01 is more"):
        decide(above, manager)
    assert decide(above, administrator) is ApprovalState.APPROVED


def test_a_refusal_needs_a_reason_and_clears_away_what_was_prepared(accountant: Actor, manager: Actor) -> None:
    approval_id = ask(accountant)

    with pytest.raises(Invalid):
        decide(approval_id, manager, Verdict.REFUSE)
    state = decide(approval_id, manager, Verdict.REFUSE, note="No invoice is attached")

    assert state is ApprovalState.REFUSED
    assert (times(), times(probe.CLEARED)) == (0, 1)
    assert [said.note for said in queries.decisions_of(approval_id)] == ["No invoice is attached"]


def test_only_the_maker_withdraws(accountant: Actor, manager: Actor) -> None:
    approval_id = ask(accountant)

    with pytest.raises(NotYours):
        in_transaction(lambda: service.withdraw(approval_id, by=manager))
    in_transaction(lambda: service.withdraw(approval_id, by=accountant))

    assert queries.get(approval_id).state is ApprovalState.WITHDRAWN
    assert times(probe.CLEARED) == 1


def test_what_nobody_decides_expires(accountant: Actor, manager: Actor, clock: SettableClock) -> None:
    approval_id = ask(accountant)
    clock.forward(days=7, seconds=-1)
    assert list(queries.overdue_ids()) == []
    version = queries.shown(approval_id).version
    clock.forward(seconds=1)

    with pytest.raises(Overdue):
        decide(approval_id, manager, version=version)
    assert list(queries.overdue_ids()) == [approval_id]
    for _ in range(2):
        in_transaction(lambda: service.expire(approval_id))

    assert queries.get(approval_id).state is ApprovalState.EXPIRED
    assert times(probe.CLEARED) == 1


@pytest.mark.parametrize("end", [state for state in ApprovalState if not state.is_open])
def test_an_end_is_an_end(accountant: Actor, manager: Actor, clock: SettableClock, end: ApprovalState) -> None:
    approval_id = ask(accountant)
    match end:
        case ApprovalState.APPROVED:
            decide(approval_id, manager)
        case ApprovalState.REFUSED:
            decide(approval_id, manager, Verdict.REFUSE, note="No")
        case ApprovalState.WITHDRAWN:
            in_transaction(lambda: service.withdraw(approval_id, by=accountant))
        case ApprovalState.EXPIRED:
            clock.forward(days=8)
            in_transaction(lambda: service.expire(approval_id))

    for verdict in Verdict:
        with pytest.raises(AlreadyEnded):
            decide(approval_id, manager, verdict, note="again")
    with pytest.raises(AlreadyEnded):
        in_transaction(lambda: service.withdraw(approval_id, by=accountant))
    in_transaction(lambda: service.expire(approval_id))
    assert queries.get(approval_id).state is end


def test_from_waiting_everything_and_from_an_end_nothing() -> None:
    allowed = {(state, to) for state, tos in MOVES.items() for to in tos}

    assert allowed == {(ApprovalState.WAITING, to) for to in ApprovalState if to is not ApprovalState.WAITING}
    assert set(MOVES) == set(ApprovalState)


def test_what_cannot_be_done_goes_on_waiting(accountant: Actor, manager: Actor, world: probe.World) -> None:
    approval_id = ask(accountant)
    world.trouble = "The account has only KES 3.00."

    with pytest.raises(CommandRefused, match=r"KES 3\.00") as refused:
        decide(approval_id, manager)
    in_transaction(lambda: service.note_refusal(refused.value, by=manager))

    assert queries.get(approval_id).state is ApprovalState.WAITING
    assert (times(), list(queries.decisions_of(approval_id))) == (0, [])
    assert [remark.text for remark in queries.remarks_of(approval_id)] == ["The account has only KES 3.00."]
    world.trouble = None
    assert decide(approval_id, manager) is ApprovalState.APPROVED


def test_a_page_that_shows_another_effect_decides_nothing(
    accountant: Actor, manager: Actor, world: probe.World
) -> None:
    approval_id = ask(accountant)
    seen = queries.shown(approval_id)
    world.before = "250.00"

    with pytest.raises(Stale):
        decide(approval_id, manager, version=seen.version)

    now = queries.shown(approval_id)
    assert (seen.has_changed, now.has_changed) == (False, True)
    assert decide(approval_id, manager, version=now.version) is ApprovalState.APPROVED


@pytest.mark.parametrize("version", ["", "1", "1.none", "2.abc", "x.y", "1." + "0" * 24])
def test_a_decision_that_names_no_known_version_is_stale(accountant: Actor, manager: Actor, version: str) -> None:
    approval_id = ask(accountant)

    with pytest.raises(Stale):
        in_transaction(lambda: service.decide(approval_id, Verdict.APPROVE, by=manager, note=None, version=version))


def test_what_does_not_exist_cannot_be_decided(manager: Actor) -> None:
    with pytest.raises(ApprovalMissing):
        decide(uuid4(), manager, version="1.x")


@pytest.mark.parametrize(
    "change", [{"status": "suspended"}, {"status": "left"}, {"role": None}, {"limit": kes(499)}, {"reach": "branch"}]
)
def test_a_right_that_is_lost_between_look_and_press_is_lost(
    accountant: Actor, manager: Actor, change: dict[str, Any]
) -> None:
    approval_id = ask(accountant)
    version = queries.shown(approval_id).version
    take_away(manager, **change)

    with pytest.raises(NoRightToDecide):
        decide(approval_id, manager, version=version)

    assert queries.get(approval_id).state is ApprovalState.WAITING


def take_away(checker: Actor, **change: Any) -> None:
    from app.identity.models import RolePermission, Staff, StaffRole

    right = {"role_code": "manager", "permission_code": "ledger.approve"}
    if "status" in change:
        db.session.query(Staff).filter_by(id=checker.id).update(change)
    elif "role" in change:
        db.session.query(StaffRole).filter_by(staff_id=checker.id).delete()
    else:
        db.session.query(RolePermission).filter_by(**right).update(change)
    db.session.commit()


def test_a_command_that_is_not_known_any_more_stays_visible_and_is_not_decided(
    accountant: Actor, manager: Actor
) -> None:
    approval_id = ask(accountant)
    version = queries.shown(approval_id).version
    registry._commands.pop(probe.NAME)

    for verdict in Verdict:
        with pytest.raises(CommandUnreadable, match="does not know it any more"):
            decide(approval_id, manager, verdict, note="why", version=version)

    shown = queries.shown(approval_id)
    assert (shown.approval.state, shown.now) == (ApprovalState.WAITING, None)
    assert shown.asked is not None and shown.asked.title == "Pay KES 500.00 to Mary Kamau"


def test_two_different_people_are_needed_where_the_board_said_so(
    accountant: Actor, manager: Actor, administrator: Actor
) -> None:
    from app.approvals.rules import Threshold

    with probe.registered(threshold=Threshold(two_from=kes(500))):
        approval_id = ask(accountant)
        assert decide(approval_id, manager) is ApprovalState.WAITING
        assert times() == 0
        with pytest.raises(SaidAlready):
            decide(approval_id, manager)
        assert decide(approval_id, administrator) is ApprovalState.APPROVED
        assert times() == 1


def test_below_the_threshold_it_is_done_at_once(accountant: Actor) -> None:
    from app.approvals.rules import Threshold

    with probe.registered(threshold=Threshold(one_from=kes(501))):
        approval = queries.get(ask(accountant))

    assert (approval.state, approval.persons, approval.decided_by) == (ApprovalState.APPROVED, 0, None)
    assert times() == 1
