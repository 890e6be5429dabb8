"""Registering, editing and the status of members, on the real database."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from app.audit.models import AuditEvent
from app.kernel.database import db
from app.kernel.errors import Invalid
from app.kernel.phones import Phone
from app.members import followers, queries
from app.members.errors import AlreadyRegistered, MemberMissing, MoveRefused, NotClear, StaleEdit
from app.members.models import NEXT_MEMBER_NUMBER, Member, MemberPhone, NextOfKin, PhonePurpose
from app.members.states import MemberStatus
from tests.members import examples
from tests.members.examples import OFFICER

pytestmark = pytest.mark.usefixtures("books")

NOBODY = UUID("01980000-0000-7000-8000-000000000000")


def last_event(action: str) -> AuditEvent:
    return db.session.scalars(
        select(AuditEvent).where(AuditEvent.action == action).order_by(AuditEvent.at.desc(), AuditEvent.id.desc())
    ).first()


def test_a_registered_member_has_a_number_and_is_active() -> None:
    member = queries.get(examples.register(first_name="Peter", middle_name=None, last_name="Otieno"))

    assert member.number.startswith("M") and len(member.number) == 7
    assert (member.name, member.initials) == ("Peter Otieno", "PO")
    assert member.status is MemberStatus.ACTIVE
    assert member.version == 1


def test_numbers_go_on_growing_after_the_sixth_digit() -> None:
    expression = NEXT_MEMBER_NUMBER.replace("nextval('member_number_seq')", "CAST(:n AS bigint)")

    numbers = [db.session.scalar(text(f"SELECT {expression}"), {"n": n}) for n in (7, 999_999, 1_234_567)]

    assert numbers == ["M000007", "M999999", "M1234567"]


def test_registration_is_the_first_step_of_the_history() -> None:
    member_id = examples.register()

    [step] = queries.status_history(member_id)

    assert (step.from_status, step.to_status, step.reason) == (None, MemberStatus.ACTIVE, "Registered")
    assert step.changed_by == OFFICER.principal


def test_id_pin_and_phones_cannot_be_read_in_the_database() -> None:
    member_id = examples.register(national_id="29876543", kra_pin="A012345678Z", payment_phone="0712345678")

    db.session.flush()
    row = db.session.execute(
        text("SELECT m::text || p::text FROM member m JOIN member_phone p ON p.member_id = m.id WHERE m.id = :id"),
        {"id": member_id},
    ).scalar_one()

    assert not [secret for secret in ("29876543", "A012345678Z", "712345678") if secret in row]
    assert queries.get(member_id).national_id == "29876543"


def test_the_audit_says_that_hidden_fields_were_given_but_not_what_they_are() -> None:
    member_id = examples.register(national_id="29876543", kra_pin="A012345678Z")

    event = last_event("members.registered")

    assert event.subject_id == str(member_id)
    assert event.after["national_id"] == event.after["kra_pin"] == event.after["payment_phone"] == "changed"
    assert event.after["last_name"] == "Kamau"
    assert "29876543" not in str(event.after)


@pytest.mark.parametrize(
    ("field", "value"), [("national_id", "29876543"), ("kra_pin", "A012345678Z"), ("payment_phone", "0712345678")]
)
def test_nobody_is_registered_twice(field: str, value: str) -> None:
    first = examples.register(**{field: value})

    with pytest.raises(AlreadyRegistered) as refused:
        examples.register(**{field: value})

    assert refused.value.member_id == first
    assert list(refused.value.errors) == [field]
    assert db.session.query(Member).count() == 1


def test_a_contact_phone_may_be_shared_but_a_payment_phone_is_one_members_own() -> None:
    examples.register(contact_phone="0733000111")

    examples.register(contact_phone="0733000111")

    with pytest.raises(AlreadyRegistered):
        shared = examples.register(payment_phone="0733000111")
        examples.register(payment_phone="0733000111")
        assert shared


def test_a_person_under_age_is_refused_with_a_way_out() -> None:
    with pytest.raises(Invalid) as refused:
        examples.register(born_on="2015-01-01")

    assert "junior account" in refused.value.errors["born_on"]


def test_nominees_shares_that_do_not_add_up_are_refused() -> None:
    kin = [
        {"name": "Peter Kamau", "relationship": "spouse", "share_percent": "60"},
        {"name": "Faith Kamau", "relationship": "child", "share_percent": "30"},
    ]

    with pytest.raises(Invalid) as refused:
        examples.register(next_of_kin=kin)

    assert refused.value.errors == {
        "next_of_kin.0.share_percent": "The nominees' shares add up to 90 %. They must add up to 100 %."
    }


def test_a_contact_phone_that_is_the_payment_phone_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        examples.register(payment_phone="0712345678", contact_phone="+254 712 345 678")

    assert list(refused.value.errors) == ["contact_phone"]


def test_who_left_and_comes_back_is_a_new_member_that_points_to_the_old_one() -> None:
    former = examples.register(national_id="29876543", payment_phone="0712345678")
    examples.change_status(former, MemberStatus.EXIT_NOTICE)
    examples.change_status(former, MemberStatus.EXITED)

    again = examples.register(national_id="29876543", payment_phone="0722999888")

    assert queries.get(again).former_membership_id == former
    assert queries.get(again).number != queries.get(former).number


def test_an_edit_saves_what_changed_and_the_audit_names_it() -> None:
    person = examples.fields(last_name="Kamau", employer="Farmer")
    member_id = examples.register(**person)

    examples.edit(member_id, {**person, "last_name": "Njoroge", "national_id": "31112223"})

    member = queries.get(member_id)
    assert (member.last_name, member.national_id, member.version) == ("Njoroge", "31112223", 2)
    event = last_event("members.edited")
    assert event.before == {"last_name": "Kamau"}
    assert event.after == {"last_name": "Njoroge", "national_id": "changed"}


def test_an_edit_that_changes_nothing_leaves_no_trace() -> None:
    person = examples.fields()
    member_id = examples.register(**person)

    examples.edit(member_id, person)

    assert queries.get(member_id).version == 1
    assert last_event("members.edited") is None


def test_a_stale_edit_is_refused_and_saves_nothing() -> None:
    person = examples.fields()
    member_id = examples.register(**person)
    examples.edit(member_id, {**person, "employer": "Farmer"})

    with pytest.raises(StaleEdit):
        examples.edit(member_id, {**person, "employer": "Teacher"}, version=1)

    assert queries.get(member_id).employer == "Farmer"


def test_an_edit_may_not_take_another_members_id() -> None:
    other = examples.register(national_id="29876543")
    person = examples.fields()
    member_id = examples.register(**person)

    with pytest.raises(AlreadyRegistered) as refused:
        examples.edit(member_id, {**person, "national_id": "29876543"})

    assert refused.value.member_id == other


def test_a_new_payment_phone_ends_the_old_one_and_is_not_verified() -> None:
    member_id = examples.register(payment_phone="0712345678")

    examples.change_phone(member_id, "0110222333")

    assert queries.payment_phone(member_id) == Phone("254110222333")
    assert queries.by_payment_phone(Phone("254712345678")) is None
    ended = db.session.scalars(select(MemberPhone).where(MemberPhone.ended_at.is_not(None))).one()
    assert (ended.phone.local, ended.ended_by) == ("0712 345 678", OFFICER.principal)
    assert queries.profile(member_id).payment_phone.verified_at is None


def test_a_change_of_phone_alone_makes_a_new_version() -> None:
    person = examples.fields()
    member_id = examples.register(**person)

    examples.edit(member_id, {**person, "contact_phone": "0733000111"})

    assert queries.get(member_id).version == 2
    assert [number.purpose for number in queries.phones(member_id)] == [PhonePurpose.PAYMENT, PhonePurpose.CONTACT]


def test_a_phone_that_somebody_gave_up_may_become_anothers() -> None:
    first = examples.register(payment_phone="0712345678")
    examples.change_phone(first, "0722999000")

    second = examples.register(payment_phone="0712345678")

    assert queries.by_payment_phone(Phone("254712345678")) == second


def test_changed_nominees_keep_the_old_list_readable() -> None:
    spouse = {"name": "Peter Kamau", "relationship": "spouse", "share_percent": "100"}
    person = examples.fields(next_of_kin=[spouse])
    member_id = examples.register(**person)

    child = {"name": "Faith Kamau", "relationship": "child", "share_percent": "40"}
    examples.edit(member_id, {**person, "next_of_kin": [{**spouse, "share_percent": "60"}, child]})

    assert [(kin.name, kin.share_percent) for kin in queries.next_of_kin(member_id)] == [
        ("Peter Kamau", Decimal(60)),
        ("Faith Kamau", Decimal(40)),
    ]
    ended = db.session.scalars(select(NextOfKin).where(NextOfKin.ended_at.is_not(None))).one()
    assert ended.share_percent == Decimal(100)


def test_a_change_of_status_is_kept_with_its_reason() -> None:
    member_id = examples.register()

    examples.change_status(member_id, MemberStatus.SUSPENDED, reason="Minute 12/2026")

    [latest, first] = queries.status_history(member_id)
    assert queries.get(member_id).status is MemberStatus.SUSPENDED
    assert (latest.from_status, latest.to_status, latest.reason) == (
        MemberStatus.ACTIVE,
        MemberStatus.SUSPENDED,
        "Minute 12/2026",
    )
    assert first.to_status is MemberStatus.ACTIVE
    assert last_event("members.status_changed").before == {"status": "active"}


def test_a_move_that_the_table_does_not_have_is_refused() -> None:
    member_id = examples.register()

    with pytest.raises(MoveRefused):
        examples.change_status(member_id, MemberStatus.EXITED)

    assert queries.get(member_id).status is MemberStatus.ACTIVE


def test_a_member_with_something_left_in_another_room_cannot_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followers, "_followers", {})
    followers.register(
        "boats", in_the_way_of_leaving=lambda member_id: ["A boat is still out."], move_to_branch=lambda *_: None
    )
    member_id = examples.register()
    examples.change_status(member_id, MemberStatus.EXIT_NOTICE)

    with pytest.raises(NotClear, match="A boat is still out"):
        examples.change_status(member_id, MemberStatus.EXITED)


def test_who_moves_to_another_branch_takes_everything_along(monkeypatch: pytest.MonkeyPatch) -> None:
    moved: list[tuple[object, ...]] = []
    monkeypatch.setattr(followers, "_followers", {})
    followers.register(
        "boats", in_the_way_of_leaving=lambda _: [], move_to_branch=lambda *arguments: moved.append(arguments)
    )
    person = examples.fields()
    member_id, nakuru = examples.register(**person), examples.found_branch()

    examples.edit(member_id, {**person, "branch_id": nakuru})

    assert moved == [(member_id, nakuru, OFFICER)]


def test_a_member_that_does_not_exist_is_missing() -> None:
    with pytest.raises(MemberMissing):
        queries.get(NOBODY)


def test_the_history_of_a_status_cannot_be_rewritten() -> None:
    examples.register()

    with pytest.raises(Exception, match="permission denied"):
        db.session.execute(text("UPDATE member_status_change SET reason = 'never'"))
    db.session.rollback()


def test_what_the_database_refuses_is_logged_without_names() -> None:
    number = queries.get(examples.register(first_name="Zipporah")).number

    with pytest.raises(IntegrityError) as broken:
        db.session.execute(
            text(
                "INSERT INTO member (number, first_name, last_name, national_id, national_id_hash, born_on, gender,"
                " language, branch_id, joined_on, status, version, updated_at) SELECT :number, :name, last_name,"
                " '', :hash, born_on, gender, language, branch_id, joined_on, status, 1, now() FROM member"
            ),
            {"number": number, "name": "Philemon", "hash": b"x"},
        )
    db.session.rollback()

    assert "Philemon" not in str(broken.value)


def test_members_join_on_the_business_date() -> None:
    member = queries.get(examples.register())

    assert member.joined_on == queries.status_history(member.id)[0].changed_on
    assert isinstance(member.joined_on, date)
