"""Roles as the society wants them: proposed by one, approved by another, never one's own; somebody stays in charge."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.approvals import queries as approvals
from app.approvals import registry
from app.approvals import service as approvals_service
from app.approvals.registry import Command
from app.approvals.states import Verdict
from app.audit.models import AuditEvent
from app.identity import queries, role_changes
from app.identity.errors import LastAdministrator, OwnRole, RightMissing, RoleHeld, StaleRole
from app.identity.rights import WITH_A_LIMIT, Right
from app.identity.role_sheets import RoleSheet
from app.identity.service import roles, staff
from app.identity.states import StaffStatus
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.money import kes
from app.kernel.reach import Reach
from app.kernel.transactions import in_transaction
from tests.harness.people import hire, signed_in_client
from tests.members import examples
from tests.members.test_concurrency import at_once

pytestmark = pytest.mark.usefixtures("books")

SYSTEM = Actor.system("tests")


@pytest.fixture
def books(app: Flask) -> None:
    """The first business day: what waits for a decision waits until a day."""
    examples.open_books()


@pytest.fixture
def admin_id(app: Flask) -> UUID:
    return hire("administrator")


@pytest.fixture
def admin(app: Flask, admin_id: UUID) -> FlaskClient:
    return signed_in_client(app, admin_id)


def acting(staff_id: UUID) -> Actor:
    return Actor("staff", str(staff_id), "web")


def sheet(code: str, *, label: str | None = None, **rights: str | tuple[str, str] | None) -> RoleSheet:
    """What a role is now, with some rights otherwise: ``members__view="own"``, None takes one away."""
    role = queries.role(code)
    grants = {permission: (right.reach.value, right.limit) for permission, right in role.rights.items()}
    for name, value in rights.items():
        permission = name.replace("__", ".")
        if value is None:
            grants.pop(permission, None)
        else:
            grants[permission] = (value, None) if isinstance(value, str) else (value[0], kes(value[1]))
    return RoleSheet.parse_json(
        {
            "code": code,
            "label": label or role.label,
            "description": role.description,
            "grants": [
                {"permission": permission, "reach": reach, **({"limit": limit.decimal()} if limit else {})}
                for permission, (reach, limit) in grants.items()
            ],
            "version": role.version,
        }
    )


def form_of(code: str, /, **changes: str) -> dict[str, str]:
    """The role's form as its page fills it in, with changes."""
    role = queries.role(code)
    typed = {"label": role.label, "description": role.description, "version": str(role.version), "key": "key-1"}
    for permission, right in role.rights.items():
        typed[f"reach.{permission}"] = right.reach.value
    return {**typed, "reason": "Minute 4/2026", **changes}


def propose(admin: FlaskClient, code: str, **changes: str) -> TestResponse:
    return admin.post(
        f"/roles/{code}", data=form_of(code, **{name.replace("__", "."): v for name, v in changes.items()})
    )


def approve(by: UUID) -> None:
    """Approve what waits about roles, as this person sees it now."""
    (waiting,) = approvals.waiting_about(role_changes.SUBJECT)
    approval_id, version = waiting.id, approvals.shown(waiting.id).version
    in_transaction(
        lambda: approvals_service.decide(approval_id, Verdict.APPROVE, by=acting(by), note=None, version=version)
    )


def test_the_page_shows_what_each_role_may_do_and_how_far(admin: FlaskClient) -> None:
    page = admin.get("/roles").text

    assert 'data-label="Teller">Branch</td>' in page
    assert 'data-label="Field agent">Own members</td>' in page
    assert "Prompt members to pay" in page


def test_a_change_holds_once_somebody_else_has_approved_it(app: Flask, admin: FlaskClient) -> None:
    manager, teller = hire("manager"), hire("teller")
    answer = propose(admin, "teller", reach__payments__prompt="society", limit__payments__prompt="5,000")
    assert (answer.status_code, answer.location) == (303, "/roles")
    assert queries.role("teller").rights["payments.prompt"] == Right(Reach.BRANCH)

    approve(manager)

    assert queries.colleagues([teller])[teller].right("payments.prompt") == Right(Reach.SOCIETY, kes(5_000))
    event = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "identity.role_changed")).one()
    assert event.before == {"payments.prompt": "Own branch"}
    assert event.after == {"payments.prompt": "The whole society, up to KES 5,000.00"}


def test_the_approver_sees_what_changes(app: Flask, admin: FlaskClient) -> None:
    propose(admin, "teller", reach__payments__prompt="", reach__members__edit="own")
    (waiting,) = approvals.waiting_about(role_changes.SUBJECT)

    page = signed_in_client(app, hire("manager")).get(f"/approvals/{waiting.id}").text

    assert "Prompt members to pay" in page and "Own branch" in page
    assert "Change members&#39; details" in page and "Members looked after" in page


def test_sending_a_proposal_twice_asks_once(admin: FlaskClient) -> None:
    for _ in range(2):
        assert propose(admin, "teller", reach__payments__prompt="own").status_code == 303

    assert len(approvals.waiting_about(role_changes.SUBJECT)) == 1


def test_a_page_that_has_become_old_is_refused_with_what_is_there_now(admin: FlaskClient) -> None:
    old = form_of("teller")
    in_transaction(lambda: roles.put(sheet("teller", members__edit="own"), by=SYSTEM))

    answer = admin.post("/roles/teller", data=old)

    assert answer.status_code == 409
    assert "Somebody else changed this role" in answer.text
    assert f'name="version" value="{queries.role("teller").version}"' in answer.text


def test_an_approval_of_what_has_changed_meanwhile_changes_nothing(app: Flask, admin: FlaskClient) -> None:
    propose(admin, "teller", reach__payments__prompt="society")
    in_transaction(lambda: roles.put(sheet("teller", members__edit="own"), by=SYSTEM))
    (waiting,) = approvals.waiting_about(role_changes.SUBJECT)
    manager = signed_in_client(app, hire("manager"))

    assert manager.get(f"/approvals/{waiting.id}").status_code == 200
    with pytest.raises(StaleRole):
        in_transaction(
            lambda: roles.put(
                RoleSheet.parse_json({**sheet("teller").model_dump(mode="json"), "version": 1}), by=SYSTEM
            )
        )
    assert queries.role("teller").rights["payments.prompt"] == Right(Reach.BRANCH)


def test_nobody_changes_a_role_that_is_his_own(app: Flask, admin: FlaskClient, admin_id: UUID) -> None:
    assert "This is your own role." in admin.get("/roles/administrator").text

    with pytest.raises(OwnRole):
        in_transaction(lambda: roles.put(sheet("administrator", audit__view=None), by=acting(admin_id)))


def test_nobody_approves_the_change_of_a_role_that_is_his_own(app: Flask, admin_id: UUID) -> None:
    manager = hire("manager")
    by = Actor("staff", str(admin_id), "approval", on_behalf_of=f"staff:{manager}")

    with pytest.raises(OwnRole):
        in_transaction(lambda: roles.put(sheet("manager", members__view="society"), by=by))


def test_a_teller_changes_no_role_by_any_way(app: Flask, signed_in: Callable[[str], FlaskClient]) -> None:
    teller = hire("teller")
    assert signed_in("teller").get("/roles").status_code == 403

    with pytest.raises(RightMissing):
        in_transaction(lambda: roles.put(sheet("agent", members__edit="society"), by=acting(teller)))
    with pytest.raises(RightMissing):
        in_transaction(lambda: roles.retire("agent", version=1, by=acting(teller)))


def test_a_new_role_is_made_and_given(app: Flask, admin: FlaskClient) -> None:
    form = {"label": "Cashier", "description": "Counts the money", "reach.payments.view": "branch", "version": "0"}
    assert admin.post("/roles", data={**form, "reason": "Minute 5/2026", "key": "k"}).status_code == 303
    approve(hire("manager"))

    person = hire("cashier")

    assert queries.colleagues([person])[person].rights == {"payments.view": Right(Reach.BRANCH)}
    assert "Cashier" in admin.get("/roles").text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reach.members.view": "galaxy"}, "Choose one of the options."),
        ({"limit.payments.prompt": "-5"}, "above zero"),
        ({"limit.members.view": "5"}, "no amount to limit"),
        ({"reach.payments.prompt": "", "limit.payments.prompt": "5"}, "Choose how far this extends"),
        ({"reach.bank.rob": "society"}, "There is no such permission."),
        ({"label": "Manager"}, "Another role has this name."),
        ({"label": ""}, "This is needed."),
        ({"reason": ""}, "This is needed."),
        ({"retired_at": "now"}, "This field is not known here."),
        ({"code": "administrator"}, "This field is not known here."),
        ({"position": "1"}, "This field is not known here."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_asked_for(
    admin: FlaskClient, changes: dict[str, str], words: str
) -> None:
    answer = admin.post("/roles/teller", data=form_of("teller", **changes))

    assert answer.status_code == 422
    assert words in answer.text
    assert approvals.waiting_about(role_changes.SUBJECT) == []


def test_a_role_that_somebody_has_is_not_retired(admin: FlaskClient) -> None:
    hire("agent")

    with pytest.raises(RoleHeld):
        in_transaction(lambda: roles.retire("agent", version=1, by=SYSTEM))
    assert admin.post("/roles/agent/retire", data={"version": "1"}).status_code == 409


def test_a_retired_role_is_given_to_nobody(admin: FlaskClient) -> None:
    assert admin.post("/roles/agent/retire", data={"version": "1"}).status_code == 303

    assert "agent" not in {role.code for role in queries.roles()}
    assert (
        "Choose at least one role."
        in admin.post(
            "/users", data={"name": "Jane Wanjiru", "username": "jane", "branch_id": "1", "roles": "agent"}
        ).text
    )
    assert propose(admin, "agent", reach__members__edit="own").status_code == 409


def test_each_decision_about_an_amount_can_be_limited(app: Flask) -> None:
    default = Command.__dataclass_fields__["amount"].default
    about_money = {command.decide_permission for command in registry.every() if command.amount is not default}

    assert about_money <= WITH_A_LIMIT


def test_taking_the_roles_from_the_last_administrators_is_refused(app: Flask, admin_id: UUID) -> None:
    with pytest.raises(LastAdministrator):
        in_transaction(lambda: roles.put(sheet("administrator", identity__manage_roles=None), by=SYSTEM))
    with pytest.raises(LastAdministrator):
        in_transaction(lambda: roles.put(sheet("administrator", identity__manage_users="branch"), by=SYSTEM))


def test_two_ways_of_losing_the_last_administrator_at_once_leave_one(committed_app: Flask) -> None:
    with committed_app.app_context():
        examples.open_books()
        deputy_role = RoleSheet.parse_json(
            {
                "label": "Deputy", "description": "Stands in", "version": 0,
                "grants": [
                    {"permission": "identity.manage_users", "reach": "society"},
                    {"permission": "identity.manage_roles", "reach": "society"},
                ],
            }
        )  # fmt: skip
        in_transaction(lambda: roles.put(deputy_role, by=SYSTEM))
        administrator, _deputy = hire("administrator"), hire("deputy")
        weaker = sheet("deputy", identity__manage_users=None)

    outcomes = at_once(
        committed_app,
        lambda: staff.set_status(administrator, StaffStatus.SUSPENDED, by=SYSTEM),
        lambda: roles.put(weaker, by=SYSTEM),
    )

    assert sum(isinstance(outcome, LastAdministrator) for outcome in outcomes) == 1
