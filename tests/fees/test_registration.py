"""The registration fee: owed from joining, paid in parts, and never overpaid."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from app.fees import queries, registration
from app.fees.errors import MoreThanOwed, NothingToCharge
from app.kernel import clock
from app.kernel.database import db
from app.kernel.errors import Invalid
from app.kernel.money import ZERO, kes
from app.kernel.transactions import in_transaction
from app.ledger import queries as ledger
from app.ledger import reversals, verify
from app.ledger.errors import BelowFloor
from app.members import queries as members
from app.members.errors import NotClear
from app.members.states import MemberStatus
from app.payments import destinations
from app.payments.destinations import Purpose
from tests.fees import examples
from tests.members import examples as people
from tests.savings import examples as savings

pytestmark = pytest.mark.usefixtures("books")


def owing(member_id: UUID) -> queries.Owed:
    owed = queries.owed(member_id)
    assert owed is not None
    return owed


def pay(member_id: UUID, amount: str, number: str = "UKM4T7X2QA") -> int:
    account = owing(member_id).account.id
    came = savings.receipt(amount, number=number)
    return in_transaction(lambda: registration.receive(came, account, on=clock.business_date(), by=examples.ACCOUNTANT))


def test_who_joins_owes_the_fee_with_its_excise() -> None:
    # Journal 1 of sacco-kenya.md 3.3: fee 1,000 and excise 200, booked when it falls due.
    examples.registration_fee("1,000")

    member_id = people.register()

    assert owing(member_id).amount == kes("1,200")
    assert [ledger.ledger_balance(code) for code in ("1245", "4340", "2420")] == [kes(1_200), kes(1_000), kes(200)]
    assert owing(member_id).account.number == f"RF-{members.get(member_id).number}"


def test_nobody_owes_a_fee_that_is_not_set_or_not_yet() -> None:
    examples.registration_fee(starts_on=(clock.business_date() + timedelta(days=1)).isoformat())

    assert queries.owed(people.register()) is None


def test_the_fee_may_be_paid_in_parts() -> None:
    examples.registration_fee("500")
    member_id = people.register()

    pay(member_id, "250")
    assert owing(member_id).amount == kes(350)
    pay(member_id, "350", "UKSECOND00")

    assert queries.owed(member_id) is None
    assert ledger.ledger_balance("1245") == ZERO
    assert ledger.ledger_balance("1120") == kes(600)
    assert verify.verify_on(db.session.connection()).differences == []


def test_more_than_is_owed_is_refused_by_the_room_and_by_the_books(monkeypatch: pytest.MonkeyPatch) -> None:
    examples.registration_fee("500")
    member_id = people.register()

    with pytest.raises(MoreThanOwed, match=r"Only KES 600\.00 is owed"):
        pay(member_id, "600.01")

    monkeypatch.setattr(
        registration.ledger_queries, "balance", lambda account: kes(1_000_000)
    )  # as a race would see it
    with pytest.raises(BelowFloor):
        pay(member_id, "600.01")


def test_one_payment_settles_once() -> None:
    examples.registration_fee("500")
    member_id = people.register()
    account, came = owing(member_id).account.id, savings.receipt("100")

    entries = {
        in_transaction(lambda: registration.receive(came, account, on=clock.business_date(), by=examples.ACCOUNTANT))
        for _ in range(2)
    }

    assert len(entries) == 1
    assert owing(member_id).amount == kes(500)


def test_a_payer_may_name_the_account_or_while_it_is_owed_the_member() -> None:
    examples.registration_fee("500")
    member_id = people.register()
    number, account = members.get(member_id).number, owing(member_id).account.id

    assert registration.find(f"RF{number}") == account
    assert registration.find(number) == account
    assert registration.find("RFM999999") is None
    pay(member_id, "600")
    assert registration.find(f"RF{number}") == account
    assert registration.find(number) is None


def test_a_members_number_means_savings_first() -> None:
    examples.registration_fee("500")
    member_id = people.register()
    number = members.get(member_id).number
    before = destinations.look_up(number)
    savings.open_account(member_id, savings.offer())

    after = destinations.look_up(number)

    assert before is not None and after is not None
    assert (before[0].purpose, after[0].purpose) == (Purpose.REGISTRATION_FEE, Purpose.SAVINGS_DEPOSIT)


def test_only_what_is_owed_is_asked_for() -> None:
    examples.registration_fee("500")
    member_id = people.register()
    [payable] = registration.accounts_of(member_id)

    registration.check_prompt(payable.id, kes(600))
    with pytest.raises(Invalid) as refusal:
        registration.check_prompt(payable.id, kes("600.01"))

    assert refusal.value.errors == {"amount": "Only KES 600.00 of the registration fee is owed."}
    assert registration.describe(payable.id) == payable


def test_who_joined_before_the_fee_is_charged_by_hand_and_once() -> None:
    member_id = people.register()
    examples.registration_fee("500")
    assert registration.charged(member_id) is None

    assert [examples.charge_registration(member_id) for _ in range(2)] == [True, False]

    assert owing(member_id).amount == kes(600)
    with pytest.raises(NothingToCharge):
        registration.charge_by_hand(member_id, on=clock.business_date(), by=examples.ACCOUNTANT)


def test_a_fee_is_waived_by_reversing_its_entry_unless_something_was_paid() -> None:
    examples.registration_fee("500")
    free, paid = people.register(), people.register()
    pay(paid, "100")

    def waive(member_id: UUID) -> None:
        fee = registration.charged(member_id)
        assert fee is not None
        wanted = reversals.Reversal(entry_id=fee.entry_id, reason="Board minute 12/2026")
        in_transaction(lambda: reversals.run(wanted, key=f"k:{member_id}", on=clock.business_date(), by=people.OFFICER))

    waive(free)
    with pytest.raises(BelowFloor):
        waive(paid)

    waived = registration.charged(free)
    assert waived is not None and registration.is_waived(waived)
    assert (queries.owed(free), owing(paid).amount) == (None, kes(500))
    assert verify.verify_on(db.session.connection()).differences == []


def test_a_fee_that_the_society_bears_is_owed_by_nobody() -> None:
    examples.registration_fee("500", borne_by="society", expense_account="5410")

    assert queries.owed(people.register()) is None
    assert ledger.ledger_balance("5410") == kes(500)


def test_who_owes_cannot_leave() -> None:
    examples.registration_fee("500")
    member_id = people.register()
    people.change_status(member_id, MemberStatus.EXIT_NOTICE)

    with pytest.raises(NotClear) as refusal:
        people.change_status(member_id, MemberStatus.EXITED)

    assert "KES 600.00 of the registration fee is still owed." in str(refusal.value)


def test_what_is_owed_moves_with_the_member() -> None:
    examples.registration_fee("500")
    nakuru, person = people.found_branch(), people.fields()
    member_id = people.register(**person)

    people.edit(member_id, {**person, "branch_id": nakuru})

    assert ledger.branch_of(owing(member_id).account.id) == nakuru
    assert ledger.ledger_balance("1245", branch_id=nakuru) == kes(600)
