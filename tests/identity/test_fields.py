"""Which role sees and writes which field: field_rules.csv, walked; and what nobody may write by a form.

``clear`` in full   ``masked`` only enough to compare   ``absent`` not at all   ``refused`` the page is not open
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.identity.role_sheets import RoleSheet
from app.identity.scopes import SCOPES
from app.identity.service import roles, tokens
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.forms import Form
from app.kernel.transactions import in_transaction
from app.members import queries
from app.members.models import Member
from app.members.schemas import typed_from
from tests.harness.people import hire, signed_in_client
from tests.harness.texts import sms_is_on
from tests.identity import matrix
from tests.members import examples

FILE = Path(__file__).parent / "field_rules.csv"
BY = Actor.system("tests")
CLEAR = {"national_id": "28345678", "kra_pin": "A012345678K", "payment_phone": "0712 345 678"}
IN_FULL = {
    "national_id": ["28345678"],
    "kra_pin": ["A012345678K"],
    "payment_phone": ["0712 345 678", "0712345678", "254712345678"],
}
MASKED = {"national_id": "••••5678", "kra_pin": "A••••••78K", "payment_phone": "0712 ••• 678"}


@pytest.fixture
def mary(app: Flask) -> Iterator[UUID]:
    examples.open_books()
    with sms_is_on(app):
        yield examples.register(
            first_name="Mary", national_id=CLEAR["national_id"], kra_pin=CLEAR["kra_pin"], payment_phone="0712345678"
        )


def typed(member_id: UUID) -> dict[str, str]:
    """The form of a member as its page fills it in."""
    return {name: value for name, value in typed_from(queries.profile(member_id)).items() if value}


def looks_after(staff_id: UUID, member_id: UUID) -> None:
    def give() -> None:
        member = db.session.get(Member, member_id)
        assert member is not None
        member.agent_id = staff_id

    in_transaction(give)


def shown(answer: TestResponse, field: str) -> str:
    """What an answer tells of a field."""
    if answer.status_code == 403:
        return "refused"
    assert answer.status_code == 200, answer.status_code
    body = answer.json if answer.mimetype == "application/json" else answer.text
    said = str(body)
    if any(way in said for way in IN_FULL[field]):
        return "clear"
    return "masked" if MASKED[field] in said else "absent"


@pytest.mark.parametrize("role", matrix.ROLES)
def test_each_role_sees_of_a_field_what_the_table_says(app: Flask, mary: UUID, role: str) -> None:
    person = hire(role)
    looks_after(person, mary)
    issued = in_transaction(lambda: tokens.issue(name="t", staff_id=person, scopes=SCOPES.keys(), days=1, by=BY))
    browser, program = signed_in_client(app, person), app.test_client()
    told = {}
    with FILE.open(newline="") as file:
        rules = list(csv.DictReader(file))

    for rule in rules:
        address = rule["where"].format(member_id=mary)
        if address.startswith("/api/"):
            answer = program.get(address, headers={"Authorization": f"Bearer {issued.secret}"})
        else:
            answer = browser.get(address)
        told[rule["where"], rule["field"]] = shown(answer, rule["field"])

    assert told == {(rule["where"], rule["field"]): rule[role] for rule in rules}


@pytest.fixture
def corrector(app: Flask, mary: UUID) -> FlaskClient:
    """Somebody who corrects details and is not shown ID numbers."""
    sheet = RoleSheet.parse_json(
        {
            "label": "Corrector",
            "description": "Corrects names",
            "grants": [
                {"permission": "members.view", "reach": "society"},
                {"permission": "members.edit", "reach": "society"},
            ],
        }
    )
    in_transaction(lambda: roles.put(sheet, by=BY))
    return signed_in_client(app, hire("corrector"))


def test_who_does_not_see_an_id_number_corrects_the_rest_and_leaves_it_as_it_is(
    corrector: FlaskClient, mary: UUID
) -> None:
    page = corrector.get(f"/members/{mary}/edit").text
    assert CLEAR["national_id"] not in page and CLEAR["kra_pin"] not in page
    form = typed(mary)
    assert form.pop("national_id") == CLEAR["national_id"] and form.pop("kra_pin") == CLEAR["kra_pin"]

    answer = corrector.post(f"/members/{mary}/edit", data={**form, "first_name": "Maria", "key": "k"})

    assert answer.status_code == 303, answer.text
    db.session.expire_all()
    member = db.session.get(Member, mary)
    assert member is not None
    assert (member.first_name, member.national_id, member.kra_pin) == ("Maria", CLEAR["national_id"], CLEAR["kra_pin"])


def test_who_does_not_see_an_id_number_does_not_write_it(corrector: FlaskClient, mary: UUID) -> None:
    form = {**typed(mary), "national_id": "99999999", "key": "k"}

    assert corrector.post(f"/members/{mary}/edit", data=form).status_code == 422
    db.session.expire_all()
    assert db.session.get(Member, mary).national_id == CLEAR["national_id"]  # type: ignore[union-attr]  # it is there


@pytest.mark.parametrize(
    "field", ["status", "balance", "number", "joined_on", "created_at", "approved_by", "former_membership_id", "id"]
)
def test_a_form_takes_no_field_that_it_does_not_show(app: Flask, mary: UUID, field: str) -> None:
    admin = signed_in_client(app, hire("administrator"))

    answer = admin.post(f"/members/{mary}/edit", data={**typed(mary), "key": "k", field: "1"})

    assert answer.status_code == 422
    assert "This field is not known here." in answer.text


def test_every_form_and_every_body_refuses_fields_that_it_does_not_know(app: Flask) -> None:
    def below(form: type[Form]) -> Iterator[type[Form]]:
        for one in form.__subclasses__():
            yield one
            yield from below(one)

    forms = list(below(Form))
    assert len(forms) > 40
    assert [form.__name__ for form in forms if form.model_config.get("extra") != "forbid"] == []


def test_an_officer_moves_nobody_to_another_branch_and_gives_nobody_to_people_there(app: Flask, mary: UUID) -> None:
    far = examples.found_branch("FAR", "Far away")
    stranger, officer = hire("officer", branch_id=far), signed_in_client(app, hire("officer"))

    for changes in ({"branch_id": str(far)}, {"officer_id": str(stranger)}, {"agent_id": str(stranger)}):
        answer = officer.post(f"/members/{mary}/edit", data={**typed(mary), "key": "k", **changes})
        assert answer.status_code == 422, changes


def test_an_agent_looks_after_whom_he_registers(app: Flask, mary: UUID) -> None:
    agent = hire("agent")
    form = {**typed(mary), "national_id": "30303030", "kra_pin": "", "payment_phone": "0712999888", "key": "k"}
    form.pop("version")

    answer = signed_in_client(app, agent).post("/members", data=form)

    assert answer.status_code == 303, answer.text
    made = UUID(answer.location.rpartition("/")[2])
    assert db.session.get(Member, made).agent_id == agent  # type: ignore[union-attr]  # it was made a moment ago
