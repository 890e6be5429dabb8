"""Finding members: by name, number, phone and ID, and by what M-PESA calls them."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from app.kernel.database import db
from app.kernel.phones import Phone
from app.members import queries, rules
from app.members.models import Member
from app.members.queries import MemberFilter
from app.members.states import MemberStatus
from tests.members import examples
from tests.members.conftest import Counting

pytestmark = pytest.mark.usefixtures("books")


def names(found: str, limit: int = 10) -> list[str]:
    return [hit.name for hit in queries.search(found, limit)]


def test_a_fragment_of_any_name_finds_the_member() -> None:
    examples.register(first_name="Grace", middle_name="Achieng", last_name="Odhiambo")
    examples.register(first_name="Peter", middle_name=None, last_name="Kamau")

    assert names("chien") == names("odhi") == names("GRACE") == ["Grace Achieng Odhiambo"]


def test_words_may_come_in_any_order() -> None:
    examples.register(first_name="Grace", middle_name="Achieng", last_name="Odhiambo")
    examples.register(first_name="Grace", middle_name="Wambui", last_name="Maina")

    assert names("odhiambo grace") == ["Grace Achieng Odhiambo"]


def test_apostrophes_and_accents_do_not_matter() -> None:
    examples.register(first_name="Wanjikũ", middle_name=None, last_name="Ng'ang'a")

    assert names("nganga wanjiku") == names("ng’ang’a") == ["Wanjikũ Ng'ang'a"]


def test_two_letters_find_names_that_begin_with_them() -> None:
    examples.register(first_name="Aisha", middle_name=None, last_name="Were")
    examples.register(first_name="Owen", middle_name=None, last_name="Kibet")

    assert names("we") == ["Aisha Were"]


def test_names_that_begin_as_typed_come_first() -> None:
    examples.register(first_name="Joan", middle_name=None, last_name="Akamba")
    examples.register(first_name="Zoe", middle_name=None, last_name="Kamau")

    assert names("kam") == ["Zoe Kamau", "Joan Akamba"]


def test_a_pattern_of_the_database_is_only_text() -> None:
    examples.register()

    assert names("%") == names("_____") == names("\\") == []


def test_a_number_is_found_with_and_without_its_zeros() -> None:
    member = queries.get(examples.register())
    digits = str(int(member.number[1:]))

    assert [hit.id for hit in queries.search(member.number.lower())] == [member.id]
    assert member.id in [hit.id for hit in queries.search(digits)]


@pytest.mark.parametrize("typed", ["0712 345 678", "+254712345678", "712345678", "5678", "345678"])
def test_a_phone_is_found_in_any_form_and_by_its_end(typed: str) -> None:
    examples.register(payment_phone="0712345678")
    examples.register(payment_phone="0799111222")

    [hit] = queries.search(typed)

    assert hit.phone == Phone("254712345678")


def test_a_contact_phone_finds_the_member_too() -> None:
    member_id = examples.register(contact_phone="0733000111")

    assert [hit.id for hit in queries.search("0733000111")] == [member_id]


def test_a_phone_that_was_given_up_finds_nobody() -> None:
    member_id = examples.register(payment_phone="0712345678")
    examples.change_phone(member_id, "0722555444")

    assert queries.search("0712345678") == []


def test_id_and_pin_are_found_exactly() -> None:
    member_id = examples.register(national_id="29876543", kra_pin="A012345678Z")

    assert (
        [hit.id for hit in queries.search("29876543")]
        == [hit.id for hit in queries.search("a012345678z")]
        == [member_id]
    )
    assert queries.search("2987654") == []


def test_what_mpesa_calls_a_payer_finds_the_member() -> None:
    member_id = examples.register(payment_phone="0712345678")

    digest = sha256(b"254712345678").hexdigest()

    assert queries.by_phone_digest(digest) == queries.by_phone_digest(digest.upper()) == member_id
    assert queries.by_phone_digest(sha256(b"254700000000").hexdigest()) is None


def test_nothing_typed_finds_nothing() -> None:
    examples.register()

    assert queries.search("") == queries.search("  '  ") == []


def test_no_more_than_the_limit_is_found() -> None:
    for _ in range(4):
        examples.register(first_name="Mary")

    assert len(queries.search("mary", limit=3)) == 3


def test_the_list_uses_the_same_search_and_pages_by_number() -> None:
    ids = [examples.register(last_name="Kamau") for _ in range(30)]
    examples.register(last_name="Otieno", middle_name=None)

    first = queries.listing(MemberFilter(text="kamau"))
    second = queries.listing(MemberFilter(text="kamau"), after=first.next)

    assert [hit.id for hit in [*first.items, *second.items]] == ids[::-1]
    assert second.next is None


def test_the_list_is_narrowed_by_status_branch_and_officer() -> None:
    nakuru = examples.found_branch()
    there = examples.register(branch_id=nakuru)
    dormant = examples.register()
    examples.change_status(dormant, MemberStatus.DORMANT)

    assert [hit.id for hit in queries.listing(MemberFilter(branch_id=nakuru)).items] == [there]
    assert [hit.id for hit in queries.listing(MemberFilter(status=MemberStatus.DORMANT)).items] == [dormant]
    assert queries.count(MemberFilter(branch_id=nakuru), at_most=10) == 1
    assert queries.count(MemberFilter(), at_most=1) == 1


def test_a_page_of_the_list_reads_in_a_fixed_number_of_queries(count_queries: Counting) -> None:
    for _ in range(12):
        examples.register()

    with count_queries() as few:
        queries.listing(MemberFilter())

    assert few.count == 2


LETTERS = st.text(st.sampled_from("aáB ĩŨ'’-çZ"), min_size=1, max_size=30).filter(str.strip)


@given(first=LETTERS, last=LETTERS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_database_folds_names_as_we_do(first: str, last: str) -> None:
    member_id = examples.register()

    db.session.execute(
        text("UPDATE member SET first_name = :first, middle_name = NULL, last_name = :last WHERE id = :id"),
        {"first": first, "last": last, "id": member_id},
    )

    stored = db.session.scalar(select(Member.search_name).where(Member.id == member_id))
    assert stored == " " + rules.fold(f"{first} {last}")
