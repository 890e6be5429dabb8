"""Two officers at one moment: on a database that really commits, with a thread and a session for each."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from flask import Flask
from sqlalchemy import func, select

from app.kernel import clock
from app.kernel.database import db
from app.kernel.errors import Refusal
from app.kernel.idempotency import once
from app.kernel.transactions import in_transaction
from app.members import queries, service
from app.members.errors import AlreadyRegistered, StaleEdit
from app.members.models import Member, MemberPhone
from app.members.schemas import MemberDetails, MemberEdit
from tests.members import examples


def at_once(app: Flask, *works: Callable[[], Any]) -> list[Any]:
    """Run each in a thread of its own, all started at one moment; what is refused comes back as the refusal."""
    ready = Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        with app.app_context():
            on = clock.business_date()
            assert on
            ready.wait()
            try:
                return in_transaction(work)
            except Refusal as refusal:
                return refusal
            finally:
                db.session.remove()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_the_same_national_id_at_one_moment_is_registered_once(committed_app: Flask) -> None:
    with committed_app.app_context():
        examples.open_books()
        on = clock.business_date()
        people = [
            MemberDetails.parse_json(examples.fields(national_id="29876543", first_name=f"Mary{'abcdef'[n]}"))
            for n in range(6)
        ]

    outcomes = at_once(
        committed_app,
        *(lambda person=person: service.register(person, on=on, by=examples.OFFICER) for person in people),
    )

    refusals = [outcome for outcome in outcomes if isinstance(outcome, AlreadyRegistered)]
    [made] = [outcome for outcome in outcomes if not isinstance(outcome, Refusal)]
    assert len(refusals) == 5
    assert {refusal.member_id for refusal in refusals} == {made}
    with committed_app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Member)) == 1
        assert db.session.scalar(select(func.count()).select_from(MemberPhone)) == 1


def test_one_payment_phone_at_one_moment_belongs_to_one_member(committed_app: Flask) -> None:
    with committed_app.app_context():
        examples.open_books()
        on = clock.business_date()
        people = [MemberDetails.parse_json(examples.fields(payment_phone="0712345678")) for _ in range(4)]

    outcomes = at_once(
        committed_app,
        *(lambda person=person: service.register(person, on=on, by=examples.OFFICER) for person in people),
    )

    assert sum(isinstance(outcome, AlreadyRegistered) for outcome in outcomes) == 3


def test_one_form_sent_many_times_at_once_registers_one_member(committed_app: Flask) -> None:
    with committed_app.app_context():
        examples.open_books()
        on = clock.business_date()
        person = MemberDetails.parse_json(examples.fields())
    officer = examples.OFFICER

    def send() -> Any:
        return once(
            "members.register", "key-1", person.model_dump(mode="json"), by=officer,
            work=lambda: str(service.register(person, on=on, by=officer)),
        )  # fmt: skip

    outcomes = at_once(committed_app, *[send] * 5)

    assert len({outcome.value for outcome in outcomes}) == 1
    assert sorted(outcome.replayed for outcome in outcomes) == [False, True, True, True, True]


def test_of_two_edits_at_one_moment_one_is_stale(committed_app: Flask) -> None:
    with committed_app.app_context():
        examples.open_books()
        on = clock.business_date()
        person = examples.fields()
        member_id = examples.register(**person)
        forms = [MemberEdit.parse_json({**person, "version": 1, "employer": name}) for name in ("Farmer", "Teacher")]

    outcomes = at_once(
        committed_app,
        *(lambda form=form: service.edit(member_id, form, on=on, by=examples.OFFICER) for form in forms),
    )

    assert sum(isinstance(outcome, StaleEdit) for outcome in outcomes) == 1
    with committed_app.app_context():
        member = queries.get(member_id)
        assert member.version == 2
        assert member.employer == ["Farmer", "Teacher"][[outcome is None for outcome in outcomes].index(True)]
