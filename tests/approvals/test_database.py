"""What the database itself refuses to the application's role, and what is found when somebody alters a row."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.approvals import queries, service
from app.approvals.errors import CommandRefused, CommandUnreadable
from app.approvals.states import ApprovalState, Verdict
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.transactions import in_transaction
from tests.approvals import probe
from tests.approvals.probe import ask, decide, times

pytestmark = pytest.mark.usefixtures("books", "world")


def run(statement: str, **values: Any) -> None:
    """As the application's role, past every check of the program."""
    with db.session.begin_nested():
        db.session.execute(text(statement), values)


DECIDE = (
    "INSERT INTO approval_decision (approval_id, maker, checker, authority, verdict, decided_at)"
    " VALUES (:id, :maker, :checker, :authority, 'approve', now())"
)


@pytest.mark.parametrize(
    "change",
    [
        "state = 'approved', ended_at = now(), decided_by = maker",
        "state = 'approved', ended_at = now()",
        "state = 'refused', ended_at = now()",
        "state = 'refused', ended_at = now(), decided_by = maker",
        "state = 'expired'",
        "state = 'unknown'",
        "decided_by = maker",
        "maker = 'staff:somebody-else'",
        "command = 'ledger.journal'",
        "inputs_hash = sha256('x')",
        "amount_cents = 1",
        "persons = 0",
        "branch_id = 1",
        "subject_id = 'x'",
        "expires_at = now() + interval '1 year'",
    ],
)
def test_a_maker_never_decides_and_what_was_asked_stays(accountant: Actor, change: str) -> None:
    approval_id = ask(accountant)

    with pytest.raises(DBAPIError, match=r"two_people|approved_by|refused_by|ended|state|stays what was asked"):
        run(f"UPDATE approval SET {change} WHERE id = :id", id=approval_id)  # noqa: S608 - from above


@pytest.mark.parametrize("ended", ["state = 'waiting', ended_at = NULL, decided_by = NULL", "result = 'x'"])
def test_an_end_stays_an_end(accountant: Actor, manager: Actor, ended: str) -> None:
    approval_id = ask(accountant)
    decide(approval_id, manager)

    with pytest.raises(DBAPIError, match="stays what was asked"):
        run(f"UPDATE approval SET {ended} WHERE id = :id", id=approval_id)  # noqa: S608 - from above


def test_nobody_is_written_down_as_checker_of_an_own_request(accountant: Actor, manager: Actor) -> None:
    approval_id, me, other = ask(accountant), accountant.principal, manager.principal
    wrong = [
        {"maker": me, "checker": me, "authority": me},
        {"maker": me, "checker": me, "authority": other},
        {"maker": me, "checker": other, "authority": me},  # by a right that the maker has lent
        {"maker": other, "checker": me, "authority": me},  # by calling somebody else the maker
    ]

    for row in wrong:
        with pytest.raises(DBAPIError, match=r"two_people|fk_approval_decision"):
            run(DECIDE, id=approval_id, **row)


def test_nobody_is_counted_twice(accountant: Actor, manager: Actor, administrator: Actor) -> None:
    approval_id, first, second = ask(accountant), manager.principal, administrator.principal
    run(DECIDE, id=approval_id, maker=accountant.principal, checker=first, authority=first)

    for row in ({"checker": first, "authority": second}, {"checker": second, "authority": first}):
        with pytest.raises(DBAPIError, match="uq_approval_decision"):
            run(DECIDE, id=approval_id, maker=accountant.principal, **row)


@pytest.mark.parametrize("table", ["approval_decision", "approval_remark", "approval_rule", "approval"])
def test_nothing_that_was_said_is_taken_away(accountant: Actor, manager: Actor, table: str) -> None:
    decide(ask(accountant), manager)

    with pytest.raises(DBAPIError, match="permission denied"):
        run(f"DELETE FROM {table}")  # noqa: S608 - from above


def altered(approval_id: UUID, how: str, other: UUID) -> None:
    """What somebody with a hand in the database may try; the inputs are encrypted, but so are those of others."""
    run(f"UPDATE approval SET inputs = {how} WHERE id = :id", id=approval_id, other=other)  # noqa: S608 - from below
    db.session.commit()


@pytest.mark.parametrize(
    "how",
    [
        "(SELECT inputs FROM approval WHERE id = :other)",  # a dearer one that was asked for as well
        "(SELECT title FROM approval WHERE id = :other)",
        "inputs || CAST('\\x00' AS bytea)",
        "CAST('\\x0161' AS bytea)",
    ],
)
def test_inputs_that_somebody_altered_are_refused_and_reported(
    accountant: Actor, manager: Actor, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    approval_id, dearer = ask(accountant), ask(accountant, "900,000", payee="Somebody Else")
    version = queries.shown(approval_id).version
    altered(approval_id, how, dearer)

    with caplog.at_level(logging.WARNING, "security"), pytest.raises(CommandUnreadable, match="not what was asked for"):
        decide(approval_id, manager, version=version)

    assert (times(), queries.get(approval_id).state) == (0, ApprovalState.WAITING)
    assert "approval_altered" in [record.message for record in caplog.records]
    assert queries.shown(approval_id).cannot is not None
    page = queries.waiting_for(UUID(manager.id))
    assert approval_id in [approval.id for approval in page.items]  # it stays visible


def test_an_altered_request_leaves_a_remark(accountant: Actor, manager: Actor) -> None:
    approval_id = ask(accountant)
    version = queries.shown(approval_id).version
    run("UPDATE approval SET inputs = title WHERE id = :id", id=approval_id)
    db.session.commit()

    with pytest.raises(CommandRefused) as refused:
        decide(approval_id, manager, version=version)
    in_transaction(lambda: service.note_refusal(refused.value, by=manager))

    assert [remark.code for remark in queries.remarks_of(approval_id)] == ["conflict"]


def test_what_was_altered_may_be_refused_where_nothing_was_prepared(accountant: Actor, manager: Actor) -> None:
    with probe.registered(on_refused=None):
        approval_id = ask(accountant)
        run("UPDATE approval SET inputs = title WHERE id = :id", id=approval_id)
        db.session.commit()

        assert decide(approval_id, manager, Verdict.REFUSE, note="It was altered") is ApprovalState.REFUSED
