"""Twenty at once: what is good once is taken once, and somebody always stays in charge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

from flask import Flask

from app.identity import queries
from app.identity.errors import InvitationNotGood, LastAdministrator, RightMissing, WrongCode
from app.identity.models import Staff
from app.identity.service import invitations, second_factor, sessions, staff
from app.identity.states import SessionState, StaffStatus
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.errors import Refusal
from app.kernel.transactions import in_transaction
from tests.harness.people import app_code, enrolled, hire

AT_ONCE = 20
BY = Actor.system("tests")


def all_at_once(app: Flask, work: Callable[[int], object], *, times: int = AT_ONCE) -> Counter[str]:
    """What came of so many threads that begin together: "done", or the name of what refused it."""
    together = Barrier(times)

    def run(number: int) -> str:
        with app.app_context():
            together.wait()
            try:
                in_transaction(lambda: work(number))
            except Refusal as refusal:
                return type(refusal).__name__
            return "done"

    with ThreadPoolExecutor(times) as pool:
        return Counter(pool.map(run, range(times)))


def sessions_for(staff_id: UUID) -> list[UUID]:
    """Twenty browsers in which the password was right."""

    def work() -> None:
        person = db.session.get_one(Staff, staff_id)
        for _ in range(AT_ONCE):
            sessions.open_for(person, address=None, browser=None, state=SessionState.HALF_OPEN)

    in_transaction(work)
    return [session.id for session in queries.open_sessions(staff_id)]


def test_what_is_good_once_is_taken_once(committed_app: Flask) -> None:
    with committed_app.app_context():
        jane = enrolled(hire("teller"))
        kevin = in_transaction(
            lambda: staff.create(username="kevin", name="Kevin", branch_id=1, roles=["teller"], by=BY)
        )
        browsers, code = sessions_for(jane), app_code()
        recovery = in_transaction(lambda: second_factor.renew_recovery_codes(jane, by=BY))[0]

    def show(typed: str) -> Callable[[int], object]:
        return lambda number: second_factor.prove(jane, typed, session_id=browsers[number], by=BY)

    by_app = all_at_once(committed_app, show(code))
    by_recovery_code = all_at_once(committed_app, show(recovery))
    by_invitation = all_at_once(
        committed_app,
        lambda number: invitations.take_up("kevin", kevin.code, f"a goat on roof {number} again", address=None),
    )

    assert by_app == {"done": 1, "CodeUsed": 19}
    assert by_recovery_code == {"done": 1, WrongCode.__name__: 19}
    assert by_invitation == {"done": 1, InvitationNotGood.__name__: 19}
    with committed_app.app_context():
        opened = [one for one in queries.open_sessions(jane) if one.state is SessionState.OPEN]
        assert len(opened) in (1, 2)  # one browser may have won twice
        assert queries.recovery_codes_left(jane) == 9


def test_however_many_take_it_from_each_other_somebody_stays_in_charge(committed_app: Flask) -> None:
    with committed_app.app_context():
        bosses = [hire("administrator") for _ in range(6)]

    def push_out(number: int) -> None:
        next_one = bosses[(number + 1) % len(bosses)]
        by = Actor("staff", str(bosses[number]), "web")
        if number % 2:
            staff.set_roles(next_one, ["teller"], by=by)
        else:
            staff.set_status(next_one, StaffStatus.SUSPENDED, by=by)

    outcome = all_at_once(committed_app, push_out, times=len(bosses))

    assert outcome["done"] >= 1
    assert outcome.keys() <= {"done", LastAdministrator.__name__, RightMissing.__name__}  # who is out pushes nobody
    with committed_app.app_context():
        left = [one for one in queries.colleagues(bosses).values() if one.may("identity.manage_users")]
    assert left
