"""Reach beyond the address: what forms and bodies name, what use cases refuse by themselves, and rights that end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.identity.errors import MoreThanOwn, OutOfReach, OverLimit, RightMissing
from app.identity.role_sheets import RoleSheet
from app.identity.service import authorise, roles, staff, tokens
from app.identity.states import StaffStatus
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.money import kes
from app.kernel.reach import EVERYWHERE, Reach, Whereabouts, Within
from app.kernel.transactions import in_transaction
from app.ledger import queries as ledger
from app.members import queries as members
from app.members import service as registry
from app.members.queries import MemberFilter
from app.members.schemas import StatusChange
from app.members.states import MemberStatus
from app.payments.destinations import Purpose
from app.payments.models import Payment
from app.payments.service import Intended, PaymentService
from app.savings import service as savings
from tests.harness.people import hire, signed_in_client
from tests.members import examples
from tests.payments.mpesa.conftest import paybill
from tests.savings import examples as accounts

__all__ = ["paybill"]
BY = Actor.system("tests")


@pytest.fixture
def far(app: Flask, paybill: Any) -> Iterator[dict[str, Any]]:
    """A member of another branch, with an account."""
    examples.open_books()
    branch_id = examples.found_branch("FAR", "Far away")
    member_id = examples.register(branch_id=branch_id, last_name="Mwambingu")
    account_id = accounts.open_account(member_id, accounts.offer())
    return {"branch": branch_id, "member": member_id, "account": account_id, "number": members.get(member_id).number}


def acting(staff_id: UUID) -> Actor:
    return Actor("staff", str(staff_id), "web")


def program(app: Flask, owner: UUID, *scopes: str) -> tuple[FlaskClient, dict[str, str]]:
    issued = in_transaction(lambda: tokens.issue(name="t", staff_id=owner, scopes=scopes, days=1, by=BY))
    return app.test_client(), {"Authorization": f"Bearer {issued.secret}", "Idempotency-Key": "k"}


def told(answer: Any) -> dict[str, Any]:
    return {name: value for name, value in answer.json.items() if name != "request_id"}


def test_a_prompt_by_a_program_finds_a_member_of_another_branch_as_little_as_none(app: Flask, far: Any) -> None:
    client, headers = program(app, hire("teller"), "mpesa.prompt")

    def prompt(member: object) -> Any:
        body = {"member": str(member), "amount": 100, "purpose": "SAVINGS_DEPOSIT", "phone": "0712345678"}
        return client.post("/api/mpesa/stk-push", json=body, headers=headers)

    assert prompt(far["number"]).status_code == 422
    assert told(prompt(far["number"])) == told(prompt("M999999"))
    assert told(prompt(far["member"])) == told(prompt("00000000-0000-7000-8000-000000000000"))
    assert db.session.query(Payment).count() == 0


def test_a_prompt_into_an_account_of_another_branch_is_refused(app: Flask, far: Any) -> None:
    near = examples.register()
    form = {"key": "k", "amount": "100", "rail": "mpesa", "phone": "0712345678"}
    teller = signed_in_client(app, hire("teller"))

    answer = teller.post(f"/payments/prompt/{near}", data={**form, "account": f"SAVINGS_DEPOSIT:{far['account']}"})

    assert answer.status_code == 422
    assert db.session.query(Payment).count() == 0


@pytest.mark.parametrize("address", ["/payments/?member={member}", "/audit?subject_type=member&subject_id={member}"])
def test_a_filter_that_names_a_member_of_another_branch_shows_nothing(app: Flask, far: Any, address: str) -> None:
    page = signed_in_client(app, hire("manager")).get(address.format(**far)).text

    assert "Mwambingu" not in page and far["number"] not in page


def test_the_branch_filter_of_the_list_opens_no_other_branch(app: Flask, far: Any) -> None:
    teller = signed_in_client(app, hire("teller"))

    assert "Mwambingu" not in teller.get(f"/members?branch={far['branch']}").text


def test_who_registers_somebody_from_another_branch_is_not_told_whom(app: Flask, far: Any) -> None:
    known = members.get(far["member"])
    person = {**examples.fields(), "national_id": known.national_id, "born_on": "14/03/1988", "key": "k"}

    answer = signed_in_client(app, hire("officer")).post("/members", data=person)

    assert answer.status_code == 409
    assert "Another member is registered" in answer.text
    assert known.number not in answer.text and str(known.id) not in answer.text


def test_use_cases_refuse_by_themselves_outside_a_request(app: Flask, far: Any) -> None:
    """A job or a command that acts for somebody gets no further than the page would let him."""
    teller, accountant, on = hire("teller"), hire("accountant"), clock.business_date()
    officer, manager = hire("officer"), hire("manager")
    suspended = StatusChange(status=MemberStatus.SUSPENDED, reason="Minute 12/2026", version=1)
    share = Intended(Purpose.SAVINGS_DEPOSIT, far["account"], kes(100))

    def prompt(by: UUID) -> None:
        PaymentService(acting(by)).prompt(far["member"], phone=members.payment_phone(far["member"]), intended=[share])  # type: ignore[arg-type]  # there is one

    for work, refusal in (
        (lambda: prompt(teller), OutOfReach),
        (lambda: prompt(accountant), RightMissing),
        (lambda: savings.close_account(far["account"], on=on, by=acting(teller)), RightMissing),
        (lambda: savings.close_account(far["account"], on=on, by=acting(officer)), OutOfReach),
        (lambda: registry.change_status(far["member"], suspended, on=on, by=acting(manager)), OutOfReach),
        (lambda: staff.set_roles(accountant, ["administrator"], by=acting(teller)), RightMissing),
        (
            lambda: tokens.issue(name="t", staff_id=teller, scopes=["members.read"], days=1, by=acting(teller)),
            RightMissing,
        ),
        (lambda: authorise(Actor("staff", "nobody", "web"), "members.view"), RightMissing),
    ):
        with pytest.raises(refusal):
            in_transaction(work)


def test_a_limit_holds_up_to_its_amount_and_not_a_cent_further(app: Flask, far: Any) -> None:
    in_transaction(lambda: roles.put(role("Small till", **{"payments.prompt": ("society", "500")}), by=BY))
    person = acting(hire("small_till"))

    assert authorise(person, "payments.prompt", amount=kes(500)).is_everywhere
    with pytest.raises(OverLimit, match=r"up to KES 500\.00"):
        authorise(person, "payments.prompt", amount=kes("500.01"))
    with pytest.raises(OverLimit):
        in_transaction(
            lambda: PaymentService(person).prompt(
                far["member"],
                phone=members.payment_phone(far["member"]),  # type: ignore[arg-type]  # there is one
                intended=[Intended(Purpose.SAVINGS_DEPOSIT, far["account"], kes(501))],
            )
        )


def role(label: str, **grants: tuple[str, str | None]) -> RoleSheet:
    """A new role: permission → reach and limit."""
    return RoleSheet.parse_json(
        {
            "label": label,
            "description": "For tests",
            "grants": [
                {"permission": code, "reach": reach, **({"limit": limit} if limit else {})}
                for code, (reach, limit) in grants.items()
            ],
        }
    )


def test_nobody_gives_a_colleague_more_than_he_has(app: Flask, far: Any) -> None:
    rights = {"identity.manage_users": ("society", None), "members.view": ("branch", None)}
    in_transaction(lambda: roles.put(role("Personnel", **rights), by=BY))
    in_transaction(lambda: roles.put(role("Reader", **{"members.view": ("branch", None)}), by=BY))
    by, teller = acting(hire("personnel")), hire("teller")

    in_transaction(lambda: staff.set_roles(teller, ["reader"], by=by))
    for wanted in ("administrator", "auditor"):
        with pytest.raises(MoreThanOwn):
            in_transaction(lambda wanted=wanted: staff.set_roles(teller, [wanted], by=by))


def test_a_right_that_is_taken_away_while_the_page_is_open_is_gone_with_the_next_click(app: Flask, far: Any) -> None:
    near, officer_id = examples.register(), hire("officer")
    officer = signed_in_client(app, officer_id)
    assert officer.get(f"/members/{near}/edit").status_code == 200

    in_transaction(lambda: staff.set_roles(officer_id, ["accountant"], by=BY))

    answer = officer.post(f"/members/{near}/edit", data={"first_name": "Maria", "key": "k"})
    assert (answer.status_code, "Your role does not include this." in answer.text) == (403, True)
    assert members.get(near).first_name == "Mary"


def test_a_reach_that_is_narrowed_while_the_page_is_open_holds_with_the_next_click(app: Flask, far: Any) -> None:
    auditor = signed_in_client(app, hire("auditor"))
    assert auditor.get(f"/members/{far['member']}").status_code == 200
    in_transaction(lambda: roles.put(narrowed("auditor", "members.view"), by=BY))

    assert auditor.get(f"/members/{far['member']}").status_code == 404


def narrowed(code: str, permission: str) -> RoleSheet:
    known = roles.queries.role(code)
    return RoleSheet.parse_json(
        {
            "code": code,
            "label": known.label,
            "description": known.description,
            "version": known.version,
            "grants": [
                {"permission": one, "reach": "branch" if one == permission else right.reach.value}
                for one, right in known.rights.items()
            ],
        }
    )


def test_who_is_suspended_does_nothing_more_on_an_open_page(app: Flask, far: Any) -> None:
    near, officer_id = examples.register(), hire("officer")
    officer = signed_in_client(app, officer_id)

    in_transaction(lambda: staff.set_status(officer_id, StaffStatus.SUSPENDED, by=BY))

    answer = officer.post(f"/members/{near}/edit", data={"first_name": "Maria", "key": "k"})
    assert (answer.status_code, "/sign-in" in answer.location) == (303, True)
    assert members.get(near).first_name == "Mary"


def test_a_token_does_no_more_than_its_owner_still_may(app: Flask, far: Any) -> None:
    near, owner = examples.register(), hire("officer")
    client, headers = program(app, owner, "members.read")
    assert client.get(f"/api/members/{near}", headers=headers).status_code == 200

    in_transaction(lambda: staff.set_roles(owner, ["agent"], by=BY))
    assert client.get(f"/api/members/{near}", headers=headers).status_code == 404
    in_transaction(lambda: staff.set_status(owner, StaffStatus.SUSPENDED, by=BY))
    assert client.get(f"/api/members/{near}", headers=headers).status_code == 401


def test_reach_is_compared_in_one_way_for_a_record_and_for_a_list() -> None:
    jane, john = UUID(int=1), UUID(int=2)
    here, elsewhere, nobodys = Whereabouts(1, jane), Whereabouts(2, john, jane), Whereabouts(None)

    assert [Within(Reach.BRANCH, 1, jane).holds(place) for place in (here, elsewhere, nobodys)] == [True, False, False]
    assert [Within(Reach.OWN, 1, jane).holds(place) for place in (here, elsewhere, nobodys)] == [True, True, False]
    assert [EVERYWHERE.holds(place) for place in (here, elsewhere, nobodys)] == [True, True, True]
    assert [Within().holds(place) for place in (here, elsewhere, nobodys)] == [False, False, False]


@pytest.mark.parametrize("within", [Within(Reach.BRANCH, 1), Within(Reach.OWN, 1, UUID(int=1))])
def test_the_list_of_a_branch_comes_from_an_index(app: Flask, within: Within) -> None:
    """With some thousands of members: no scan of the whole register, whoever asks."""
    examples.open_books()
    first = examples.register()
    db.session.execute(
        text(
            "INSERT INTO member (number, first_name, last_name, national_id, national_id_hash, born_on, gender,"
            " language, branch_id, joined_on, status, version, updated_at)"
            " SELECT 'M9' || lpad(n::text, 6, '0'), first_name, last_name, national_id, sha256(n::text::bytea),"
            " born_on, gender, language, branch_id, joined_on, 'exited', 1, updated_at"
            " FROM member, generate_series(1, 4000) n WHERE id = :first"
        ),
        {"first": first},
    )
    asked = str(
        members.select(members.Member.id, members.Member.number)
        .where(*members.within_reach(within))
        .order_by(members.Member.number.desc())
        .limit(26)
        .compile(db.engine, compile_kwargs={"literal_binds": True})
    )
    plan = "\n".join(db.session.scalars(text(f"EXPLAIN {asked}")))

    assert "Seq Scan" not in plan
    assert re.search(r"ix_member_(branch_id|officer_id|agent_id)_number|uq_member_number", plan), plan
    assert members.listing(MemberFilter(), within=within).items is not None
    assert ledger.head_office() == 1
