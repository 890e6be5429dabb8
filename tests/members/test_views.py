"""Pages of the register as a browser meets them: signed out, not permitted, bad fields, success, and sent twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.kernel.database import db
from app.members import queries
from app.members.models import Member
from app.members.states import MemberStatus
from tests.members import examples

pytestmark = pytest.mark.usefixtures("books")

SHOWN_AGAIN = ("first_name", "national_id", "kra_pin", "payment_phone", "next_of_kin.0.name")

SignedIn = Callable[[str], FlaskClient]


def typed(**changes: Any) -> dict[str, str]:
    """A form as a browser sends it: empty fields come along."""
    person = examples.fields(**changes)
    empty = {"kra_pin": "", "contact_phone": "", "officer_id": "", "employer": "", "language": "en"}
    return {"key": "key-1", **empty, **{name: str(value) for name, value in person.items()}}


def registered() -> list[UUID]:
    return list(db.session.scalars(select(Member.id)))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/members"),
        ("post", "/members/find"),
        ("get", "/members/new"),
        ("post", "/members"),
        ("get", "/members/{id}/edit"),
        ("post", "/members/{id}/edit"),
        ("get", "/members/{id}/status"),
        ("post", "/members/{id}/status"),
    ],
)
def test_a_stranger_sees_and_changes_nothing(client: FlaskClient, method: str, path: str) -> None:
    member_id = examples.register()

    answer = getattr(client, method)(path.format(id=member_id))

    assert answer.status_code == 303
    assert "/sign-in" in answer.location
    assert len(registered()) == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/members/new"),
        ("post", "/members"),
        ("post", "/members/{id}/edit"),
        ("post", "/members/{id}/status"),
    ],
)
def test_an_auditor_reads_but_changes_nothing(signed_in: SignedIn, method: str, path: str) -> None:
    member_id = examples.register()
    auditor = signed_in("auditor")

    assert auditor.get("/members").status_code == 200
    assert getattr(auditor, method)(path.format(id=member_id)).status_code == 403
    assert len(registered()) == 1


def test_a_member_is_registered_and_shown(signed_in: SignedIn) -> None:
    officer = signed_in("officer")
    kin = {
        "next_of_kin.0.name": "Peter Kamau",
        "next_of_kin.0.relationship": "spouse",
        "next_of_kin.0.phone": "0733 000 111",
        "next_of_kin.0.share_percent": "100 %",
    }

    answer = officer.post("/members", data={**typed(payment_phone="+254 712-345-678"), **kin})

    [member_id] = registered()
    assert (answer.status_code, answer.location) == (303, f"/members/{member_id}")
    profile = queries.profile(member_id)
    assert profile.payment_phone.phone.local == "0712 345 678"
    assert [(row.name, row.share_percent) for row in profile.next_of_kin] == [("Peter Kamau", 100)]
    assert b"is registered as" in officer.get(answer.location).data


def test_the_same_form_sent_twice_registers_once(signed_in: SignedIn) -> None:
    officer, form = signed_in("officer"), typed()

    first, second = officer.post("/members", data=form), officer.post("/members", data=form)

    assert first.location == second.location
    assert len(registered()) == 1


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"first_name": ""}, "first_name", "This is needed."),
        ({"first_name": "=HYPERLINK()"}, "first_name", "Enter the name in letters"),
        ({"national_id": "12"}, "national_id", "6 to 9 digits"),
        ({"kra_pin": "123"}, "kra_pin", "A012345678Z"),
        ({"payment_phone": "12345"}, "payment_phone", "Enter a Kenyan mobile number"),
        ({"born_on": "31/02/1990"}, "born_on", "Enter a date like"),
        ({"born_on": "01/01/2020"}, "born_on", "A member must be 18"),
        ({"gender": "x"}, "gender", "Choose one of the options."),
        ({"branch_id": ""}, "branch_id", "This is needed."),
        ({"branch_id": "4711"}, "branch_id", "Choose one of the branches."),
        ({"officer_id": "01980000-0000-7000-8000-000000000000"}, "officer_id", "Choose somebody who works here."),
        ({"next_of_kin.0.name": "Peter"}, "next_of_kin.0.relationship", "This is needed."),
        (
            {
                "next_of_kin.0.name": "Peter",
                "next_of_kin.0.relationship": "spouse",
                "next_of_kin.0.share_percent": "half",
            },
            "next_of_kin.0.share_percent",
            "between 0.01 and 100",
        ),
        ({"status": "deceased"}, "status", "This field is not known here."),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(
    signed_in: SignedIn, changes: dict[str, str], field: str, words: str
) -> None:
    form = {**typed(last_name="Njoroge"), **changes}

    answer = signed_in("officer").post("/members", data=form)

    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert words in page
    assert field == "status" or f'id="{field}-error"' in page
    assert 'value="Njoroge"' in page
    assert all(f'value="{value}"' in page for value in changes.values() if value.isalnum() and field in SHOWN_AGAIN)
    assert registered() == []


def test_asking_for_one_more_row_keeps_everything_and_saves_nothing(signed_in: SignedIn) -> None:
    form = {**typed(first_name="Zipporah"), "next_of_kin.0.name": "Peter Kamau", "add_kin": "yes"}

    answer = signed_in("officer").post("/members", data=form)

    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert 'value="Zipporah"' in page and 'value="Peter Kamau"' in page
    assert 'name="next_of_kin.1.name"' in page
    assert "Please check" not in page
    assert registered() == []


def test_enter_registers_and_does_not_ask_for_one_more_row(signed_in: SignedIn) -> None:
    page = signed_in("officer").get("/members/new").get_data(as_text=True)

    buttons = re.findall(r"<button[^>]*>", page[page.index('id="member-form"') :])

    assert "add_kin" not in buttons[0]  # a browser presses the first button of a form


def test_a_duplicate_is_named_with_a_link_to_the_member(signed_in: SignedIn) -> None:
    first = examples.register(national_id="29876543")

    answer = signed_in("officer").post("/members", data=typed(national_id="29876543", first_name="Zipporah"))

    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "Another member is registered with this national ID." in page
    assert f'href="/members/{first}"' in page
    assert 'value="Zipporah"' in page
    assert registered() == [first]


def test_the_edit_form_shows_what_stands_in_the_register(signed_in: SignedIn) -> None:
    member_id = examples.register(
        payment_phone="0712345678",
        next_of_kin=[{"name": "Peter Kamau", "relationship": "spouse", "share_percent": "100"}],
    )

    page = signed_in("officer").get(f"/members/{member_id}/edit").get_data(as_text=True)

    for value in ("Wanjiku", "14/03/1988", "Peter Kamau", "100"):
        assert f'value="{value}"' in page
    assert '<option value="spouse" selected>' in page


def test_sending_the_edit_form_back_unchanged_changes_nothing(signed_in: SignedIn) -> None:
    officer, member_id = signed_in("officer"), examples.register()
    page = officer.get(f"/members/{member_id}/edit").get_data(as_text=True)

    answer = officer.post(f"/members/{member_id}/edit", data=_fields_of(page))

    assert answer.status_code == 303
    assert queries.get(member_id).version == 1


def test_a_correction_is_saved(signed_in: SignedIn) -> None:
    officer, member_id = signed_in("officer"), examples.register()
    page = officer.get(f"/members/{member_id}/edit").get_data(as_text=True)

    answer = officer.post(f"/members/{member_id}/edit", data={**_fields_of(page), "employer": "Egerton University"})

    assert (answer.status_code, answer.location) == (303, f"/members/{member_id}")
    assert queries.get(member_id).employer == "Egerton University"


def test_a_stale_edit_shows_what_was_saved_meanwhile_and_keeps_what_was_typed(signed_in: SignedIn) -> None:
    officer, person = signed_in("officer"), examples.fields(employer="Farmer")
    member_id = examples.register(**person)
    form = _fields_of(officer.get(f"/members/{member_id}/edit").get_data(as_text=True))
    examples.edit(member_id, {**person, "employer": "Teacher"})

    answer = officer.post(f"/members/{member_id}/edit", data={**form, "employer": "Shopkeeper"})

    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "In the register now: Teacher." in page
    assert 'value="Shopkeeper"' in page
    assert queries.get(member_id).employer == "Teacher"

    again = officer.post(f"/members/{member_id}/edit", data={**_fields_of(page), "employer": "Shopkeeper"})

    assert again.status_code == 303
    assert queries.get(member_id).employer == "Shopkeeper"


def test_the_status_page_offers_the_moves_of_the_table_and_says_what_they_mean(signed_in: SignedIn) -> None:
    member_id = examples.register()

    page = signed_in("manager").get(f"/members/{member_id}/status").get_data(as_text=True)

    assert set(re.findall(r'name="status" value="(\w+)"', page)) == {"dormant", "suspended", "exit_notice", "deceased"}
    assert "Nothing is prompted and no account is opened." in page


def test_a_status_is_changed_with_a_reason(signed_in: SignedIn) -> None:
    member_id = examples.register()
    form = {"status": "suspended", "reason": "Minute 12/2026", "version": "1", "key": "key-1"}
    manager = signed_in("manager")

    answers = [manager.post(f"/members/{member_id}/status", data=form) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert queries.get(member_id).status is MemberStatus.SUSPENDED
    assert len(queries.status_history(member_id)) == 2


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"reason": ""}, 422), ({"status": "blessed"}, 422), ({"status": "exited"}, 409), ({"version": "7"}, 409)],
)
def test_a_change_of_status_that_will_not_do_is_refused(
    signed_in: SignedIn, changes: dict[str, str], status: int
) -> None:
    member_id = examples.register()
    form = {"status": "dormant", "reason": "No contribution", "version": "1", "key": "key-1", **changes}

    answer = signed_in("manager").post(f"/members/{member_id}/status", data=form)

    assert answer.status_code == status
    assert queries.get(member_id).status is MemberStatus.ACTIVE


def test_a_member_that_does_not_exist_is_not_found(signed_in: SignedIn) -> None:
    nobody = "01980000-0000-7000-8000-000000000000"

    assert signed_in("manager").get(f"/members/{nobody}/status").status_code == 404


def test_the_list_shows_members_with_masked_phones_and_no_id(signed_in: SignedIn) -> None:
    examples.register(national_id="29876543", payment_phone="0712345678")

    page = signed_in("teller").get("/members").get_data(as_text=True)

    assert "Mary Wanjiku Kamau" in page and "0712 ••• 678" in page and "1 member" in page
    assert "29876543" not in page and "345 678" not in page


def test_a_name_goes_to_an_address_that_can_be_shared(signed_in: SignedIn) -> None:
    examples.register()

    answer = signed_in("officer").post("/members/find", data={"q": "wanjiku", "status": "active", "branch": ""})

    assert (answer.status_code, answer.location) == (303, "/members?q=wanjiku&status=active")


@pytest.mark.parametrize("secret", ["0712 345 678", "345678", "29876543", "A012345678Z"])
def test_a_phone_or_id_number_never_gets_into_an_address(signed_in: SignedIn, secret: str) -> None:
    examples.register(national_id="29876543", kra_pin="A012345678Z", payment_phone="0712345678")

    answer = signed_in("officer").post("/members/find", data={"q": secret})

    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "Mary Wanjiku Kamau" in page
    assert not [url for url in re.findall(r'(?:href|action|hx-get)="([^"]*)"', page) if secret.split()[0] in url]


def test_the_list_goes_on_page_after_page(signed_in: SignedIn) -> None:
    for _ in range(27):
        examples.register()
    officer = signed_in("officer")

    page = officer.get("/members").get_data(as_text=True)
    older = re.search(r'href="([^"]*)" rel="next"', page)

    assert older is not None
    rest = officer.get(older[1].replace("&amp;", "&")).get_data(as_text=True)
    assert rest.count("<td><a") == 2


@pytest.mark.parametrize(
    "query",
    ["status=blessed", "branch=x", "branch=99999999999", "officer=1", "q=" + "x" * 200, "after=nonsense", "sort=id"],
)
def test_a_filter_that_nobody_made_is_refused(signed_in: SignedIn, query: str) -> None:
    assert signed_in("officer").get(f"/members?{query}").status_code == 422


def test_nobody_yet_is_said_with_the_first_step(signed_in: SignedIn) -> None:
    page = signed_in("officer").get("/members").get_data(as_text=True)

    assert "Register the first member" in page


def test_names_with_markup_are_shown_as_text(signed_in: SignedIn, app: Flask) -> None:
    member_id = examples.register(employer='"><svg onload=alert(1)>')

    page = signed_in("officer").get(f"/members/{member_id}/edit").get_data(as_text=True)

    assert "<svg onload" not in page


def _fields_of(page: str) -> dict[str, str]:
    """What a browser would send back of a form, as it stands."""
    form = page[page.index('id="member-form"') :]
    form = form[: form.index("</form>")]
    values = {
        name: _unescaped(value)
        for name, value in re.findall(r'<input[^>]*? name="([^"]+)"[^>]*? value="([^"]*)"', form)
        if name != "csrf_token"
    }
    for name, options in re.findall(r'<select[^>]*? name="([^"]+)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.search(r'<option value="([^"]*)" selected>', options)
        values[name] = chosen[1] if chosen else ""
    return values


def _unescaped(text: str) -> str:
    return text.replace("&#39;", "'").replace("&#34;", '"').replace("&amp;", "&")
