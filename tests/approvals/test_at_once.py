"""Several at one moment, on a database that really commits: one outcome, and what was approved is done once."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Thread
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from app.approvals import jobs, queries, service
from app.approvals.errors import AlreadyEnded
from app.approvals.states import ApprovalState, Verdict
from app.audit.models import AuditEvent
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.errors import Refusal
from app.kernel.transactions import in_transaction
from config import Settings
from tests.approvals import probe
from tests.approvals.pressing import hidden_fields
from tests.approvals.probe import ask, times
from tests.harness.apps import make_app
from tests.harness.clock import SettableClock
from tests.harness.people import hire, signed_in_client
from tests.members import examples as members
from tests.members.test_concurrency import at_once

ROUNDS = 6


@pytest.fixture
def staff(committed_app: Flask, world: probe.World) -> Iterator[dict[str, Actor]]:
    """An open book with somebody who asks and several who decide."""
    with committed_app.app_context():
        members.open_books()
        yield {
            name: probe.person(hire(role))
            for name, role in (
                ("accountant", "accountant"), ("manager", "manager"), ("second", "manager"), ("admin", "administrator"),
            )
        }  # fmt: skip


def deciding(approval_id: UUID, by: Actor, verdict: Verdict, version: str) -> Callable[[], ApprovalState]:
    return lambda: service.decide(approval_id, verdict, by=by, note="Looked at it", version=version)


@pytest.mark.parametrize("verdicts", [(Verdict.APPROVE, Verdict.APPROVE), (Verdict.APPROVE, Verdict.REFUSE)])
def test_of_officers_who_decide_at_one_moment_one_is_heard(
    committed_app: Flask, staff: dict[str, Actor], verdicts: tuple[Verdict, Verdict]
) -> None:
    for _ in range(ROUNDS):
        ran, cleared, approval_id = times(), times(probe.CLEARED), ask(staff["accountant"])
        version = queries.shown(approval_id).version
        db.session.rollback()

        outcomes = at_once(
            committed_app,
            deciding(approval_id, staff["manager"], verdicts[0], version),
            deciding(approval_id, staff["second"], verdicts[1], version),
            deciding(approval_id, staff["admin"], verdicts[1], version),
        )

        heard = [outcome for outcome in outcomes if isinstance(outcome, ApprovalState)]
        assert len(heard) == 1, outcomes
        assert sum(isinstance(outcome, AlreadyEnded) for outcome in outcomes) == 2
        assert queries.get(approval_id).state is heard[0]
        assert len(queries.decisions_of(approval_id)) == 1
        approved = heard[0] is ApprovalState.APPROVED
        assert (times() - ran, times(probe.CLEARED) - cleared) == ((1, 0) if approved else (0, 1))


def test_one_officer_who_presses_twenty_times_at_one_moment_does_it_once(
    committed_app: Flask, staff: dict[str, Actor]
) -> None:
    approval_id = ask(staff["accountant"])
    browsers = [signed_in_client(committed_app, UUID(staff["manager"].id)) for _ in range(20)]
    address = f"/approvals/{approval_id}"
    sent = {**hidden_fields(browsers[0].get(address).get_data(as_text=True)), "verdict": "approve"}
    db.session.rollback()
    ready = Barrier(len(browsers))

    def press(browser: Any) -> int:
        ready.wait()
        return int(browser.post(f"{address}/decide", data=sent).status_code)

    with ThreadPoolExecutor(len(browsers)) as pool:
        answers = list(pool.map(press, browsers))

    assert set(answers) <= {303, 503}, answers  # a connection may have to be waited for; sending it again is safe
    assert 303 in answers
    assert (times(), queries.get(approval_id).state) == (1, ApprovalState.APPROVED)
    assert len(queries.decisions_of(approval_id)) == 1


def test_withdrawn_or_approved_but_never_both(committed_app: Flask, staff: dict[str, Actor]) -> None:
    for _ in range(ROUNDS):
        ran, approval_id = times(), ask(staff["accountant"])
        version = queries.shown(approval_id).version
        db.session.rollback()

        withdrawn, approved = at_once(
            committed_app,
            lambda approval_id=approval_id: service.withdraw(approval_id, by=staff["accountant"]),
            deciding(approval_id, staff["manager"], Verdict.APPROVE, version),
        )

        assert isinstance(withdrawn, AlreadyEnded) != isinstance(approved, AlreadyEnded), (withdrawn, approved)
        state = queries.get(approval_id).state
        assert (state is ApprovalState.APPROVED) == (times() - ran == 1) == (withdrawn is not None)


@pytest.mark.parametrize("first", [ApprovalState.APPROVED, ApprovalState.EXPIRED])
def test_expired_or_approved_whoever_came_first(
    committed_app: Flask,
    staff: dict[str, Actor],
    world: probe.World,
    clock: SettableClock,
    monkeypatch: pytest.MonkeyPatch,
    first: ApprovalState,
) -> None:
    """While one of the two holds the row, time runs out and the other arrives."""
    approval_id = ask(staff["accountant"])
    version = queries.shown(approval_id).version
    db.session.rollback()
    outcomes: list[object] = []
    decide = deciding(approval_id, staff["manager"], Verdict.APPROVE, version)

    def elsewhere(work: Callable[[], object]) -> Thread:
        def run() -> None:
            with committed_app.app_context():
                try:
                    outcomes.append(work())
                except Refusal as refusal:
                    outcomes.append(refusal)

        thread = Thread(target=run)
        thread.start()
        return thread

    threads = []
    if first is ApprovalState.APPROVED:

        def arrives() -> None:
            clock.forward(days=8)
            threads.append(elsewhere(jobs.expire))

        world.meanwhile = arrives
        in_transaction(decide)
    else:
        # The decision looks at the clock before it is over, and then waits for the row that the expiry holds.
        def ends(*_: object, **__: object) -> None:
            threads.append(elsewhere(lambda: in_transaction(decide)))

        with probe.registered(on_expired=ends):
            clock.forward(days=8)
            in_transaction(lambda: service.expire(approval_id))
    for thread in threads:
        thread.join(30)

    assert queries.get(approval_id).state is first
    assert times() == (1 if first is ApprovalState.APPROVED else 0)
    if first is ApprovalState.EXPIRED:
        assert [type(outcome) for outcome in outcomes] == [AlreadyEnded]


def test_a_sweep_of_what_is_overdue_ends_it_once_and_goes_on_after_what_cannot_end(
    committed_app: Flask, staff: dict[str, Actor], clock: SettableClock
) -> None:
    stuck, overdue = ask(staff["accountant"]), ask(staff["accountant"])
    # Somebody alters the first: what was prepared for it cannot be cleared away by reading it.
    db.session.execute(
        db.text("UPDATE approval SET inputs = (SELECT title FROM approval WHERE id = :it) WHERE id = :it"),
        {"it": stuck},
    )
    db.session.commit()
    clock.forward(days=6)
    young = ask(staff["accountant"])
    clock.forward(days=2)

    for _ in range(2):
        jobs.expire()

    states = [queries.get(one).state for one in (stuck, overdue, young)]
    assert states == [ApprovalState.WAITING, ApprovalState.EXPIRED, ApprovalState.WAITING]
    assert times(probe.CLEARED) == 1


def _die_in_the_middle(settings: Settings, approval_id: UUID, checker: Actor, version: str) -> None:
    """What a web process does that is killed while it carries out what was approved."""
    with probe.registered() as world, make_app(settings).app_context():
        world.meanwhile = lambda: os.kill(os.getpid(), signal.SIGKILL)
        in_transaction(deciding(approval_id, checker, Verdict.APPROVE, version))


def test_a_decision_whose_process_is_killed_in_the_middle_has_not_happened(
    committed_app: Flask, staff: dict[str, Actor]
) -> None:
    approval_id = ask(staff["accountant"])
    version = queries.shown(approval_id).version
    before = db.session.query(AuditEvent).count()
    db.session.rollback()
    settings, spawn = committed_app.extensions["settings"], multiprocessing.get_context("spawn")

    victim = spawn.Process(target=_die_in_the_middle, args=(settings, approval_id, staff["manager"], version))
    victim.start()
    victim.join(60)

    assert victim.exitcode == -signal.SIGKILL
    assert (times(), queries.get(approval_id).state) == (0, ApprovalState.WAITING)
    assert (list(queries.decisions_of(approval_id)), db.session.query(AuditEvent).count()) == ([], before)
    db.session.rollback()
    assert in_transaction(deciding(approval_id, staff["manager"], Verdict.APPROVE, version)) is ApprovalState.APPROVED
    assert times() == 1
