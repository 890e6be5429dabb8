"""Accounts, deposits and products on the real database."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text

from app.audit.models import AuditEvent
from app.kernel import clock
from app.kernel.database import db
from app.kernel.errors import Invalid
from app.kernel.money import ZERO, kes
from app.kernel.transactions import in_transaction
from app.ledger import queries as ledger
from app.ledger.verify import verify_on
from app.members import queries as members
from app.members.errors import NotClear
from app.members.states import MemberStatus
from app.savings import queries, service
from app.savings.errors import (
    AccountMissing,
    MayNotOpen,
    MembershipEnded,
    NotEmpty,
    OneIsEnough,
    ProductNotOffered,
    SavingsClosed,
    StaleProduct,
)
from app.savings.models import AccountStatus
from app.savings.schemas import ProductEdit, ProductTerms
from tests.members import examples as people
from tests.members.examples import OFFICER
from tests.savings import examples

pytestmark = pytest.mark.usefixtures("books")


def close(account_id: int) -> None:
    in_transaction(lambda: service.close_account(account_id, on=clock.business_date(), by=OFFICER))


def edit(product_id: UUID, **changes: object) -> None:
    product = queries.product(product_id)
    values = ProductEdit.model_validate(
        {
            "name": product.name,
            "is_withdrawable": product.is_withdrawable,
            "allows_several": product.allows_several,
            "is_active": product.is_active,
            "version": product.version,
            **changes,
        }
    )
    in_transaction(lambda: service.edit_product(product_id, values, by=OFFICER))


def decide(product_id: UUID, starts_on: date, **changes: str) -> None:
    terms = ProductTerms.parse_json(
        {
            "starts_on": starts_on.isoformat(),
            "minimum_deposit": "0",
            "minimum_balance": "0",
            "decision": "Minute 2",
            **changes,
        }
    )
    in_transaction(lambda: service.add_terms(product_id, terms, on=clock.business_date(), by=OFFICER))


def assert_verified() -> None:
    report = verify_on(db.session.connection())
    assert "savings accounts" in report.checks
    assert not [difference for difference in report.differences if difference.check == "savings accounts"]


def test_the_first_account_is_the_normal_one_and_known_to_the_ledger() -> None:
    member_id = people.register()

    account_id = examples.open_account(member_id, examples.offer())

    account = queries.get(account_id)
    kept = ledger.member_account(account_id)
    assert account.number.startswith("SV-") and len(account.number) == 9
    assert account.is_normal and account.status is AccountStatus.OPEN
    assert (kept.number, kept.kind, kept.ledger_account) == (account.number, "savings", "2010")
    assert ledger.balance(account_id) == ZERO
    assert_verified()


def test_a_second_account_does_not_become_the_normal_one() -> None:
    member_id = people.register()
    first = examples.open_account(member_id, examples.offer())

    second = examples.open_account(member_id, examples.offer())

    assert queries.normal_account(member_id) == first
    assert [account.id for account in queries.accounts_of(member_id)] == [first, second]


def test_each_member_has_one_account_where_one_is_enough() -> None:
    member_id, product_id = people.register(), examples.offer()
    examples.open_account(member_id, product_id)

    with pytest.raises(OneIsEnough, match="SV-"):
        examples.open_account(member_id, product_id)


def test_a_product_may_allow_several_accounts() -> None:
    member_id, product_id = people.register(), examples.offer(allows_several=True)

    accounts = {examples.open_account(member_id, product_id) for _ in range(3)}

    assert len(accounts) == 3


@pytest.mark.parametrize("status", [MemberStatus.DORMANT, MemberStatus.SUSPENDED, MemberStatus.EXIT_NOTICE])
def test_only_an_active_member_opens_an_account(status: MemberStatus) -> None:
    member_id, product_id = people.register(), examples.offer()
    people.change_status(member_id, status)

    with pytest.raises(MayNotOpen):
        examples.open_account(member_id, product_id)


def test_a_product_that_is_not_offered_takes_no_new_accounts() -> None:
    product_id = examples.offer()
    edit(product_id, is_active=False)

    with pytest.raises(ProductNotOffered):
        examples.open_account(people.register(), product_id)


def test_a_deposit_debits_the_clearing_account_and_credits_the_member() -> None:
    account_id = examples.open_account(people.register(), examples.offer(control_account="2110"))

    entry_id = examples.deposit(account_id, examples.receipt("2,500", number="UKM4T7X2QA"))

    head_office = ledger.head_office()
    assert [(line.account, line.amount, line.branch_id, line.member_account) for line in ledger.lines(entry_id)] == [
        ("1120", kes("2,500"), head_office, None),
        ("2110", -kes("2,500"), head_office, account_id),
    ]
    assert ledger.balance(account_id) == kes("2,500")
    assert ledger.entry(entry_id).description == "Deposit UKM4T7X2QA"


def test_the_same_allocation_is_credited_once() -> None:
    account_id = examples.open_account(people.register(), examples.offer())
    came = examples.receipt()

    assert examples.deposit(account_id, came) == examples.deposit(account_id, came)
    assert ledger.balance(account_id) == kes("1,000")


def test_money_for_a_member_of_another_branch_passes_between_the_branches() -> None:
    nakuru = people.found_branch()
    account_id = examples.open_account(people.register(branch_id=nakuru), examples.offer())

    entry_id = examples.deposit(account_id)

    head_office = ledger.head_office()
    assert [(line.account, line.amount, line.branch_id) for line in ledger.lines(entry_id, with_inter_branch=True)] == [
        ("1120", kes("1,000"), head_office),
        ("2010", -kes("1,000"), nakuru),
        ("1990", -kes("1,000"), head_office),
        ("1990", kes("1,000"), nakuru),
    ]


@pytest.mark.parametrize("status", [MemberStatus.DORMANT, MemberStatus.SUSPENDED, MemberStatus.EXIT_NOTICE])
def test_money_of_a_member_who_is_not_active_still_comes_in(status: MemberStatus) -> None:
    member_id = people.register()
    account_id = examples.open_account(member_id, examples.offer())
    people.change_status(member_id, status)

    examples.deposit(account_id)

    assert ledger.balance(account_id) == kes("1,000")


def test_money_for_somebody_who_died_is_refused_so_that_it_waits_in_suspense() -> None:
    member_id = people.register()
    account_id = examples.open_account(member_id, examples.offer())
    people.change_status(member_id, MemberStatus.DECEASED)

    with pytest.raises(MembershipEnded):
        examples.deposit(account_id)

    assert ledger.balance(account_id) == ZERO


def test_money_for_a_closed_account_is_refused() -> None:
    account_id = examples.open_account(people.register(), examples.offer())
    close(account_id)

    with pytest.raises(SavingsClosed):
        examples.deposit(account_id)


def test_money_below_the_smallest_deposit_that_came_all_the_same_is_credited() -> None:
    account_id = examples.open_account(people.register(), examples.offer(minimum_deposit="500"))

    examples.deposit(account_id, examples.receipt("20"))

    assert ledger.balance(account_id) == kes(20)


def test_nobody_is_prompted_for_less_than_the_smallest_deposit() -> None:
    account_id = examples.open_account(people.register(), examples.offer(minimum_deposit="500"))

    service.check_prompt(account_id, kes(500))
    with pytest.raises(Invalid) as refused:
        service.check_prompt(account_id, kes(499))

    assert refused.value.errors == {"amount": "The smallest deposit here is KES 500.00."}


def test_a_suspended_member_is_not_prompted() -> None:
    member_id = people.register()
    account_id = examples.open_account(member_id, examples.offer())
    people.change_status(member_id, MemberStatus.SUSPENDED)

    with pytest.raises(Invalid):
        service.check_prompt(account_id, kes(500))


def test_a_payer_names_the_account_or_the_member_exactly() -> None:
    member_id = people.register()
    first = examples.open_account(member_id, examples.offer())
    second = examples.open_account(member_id, examples.offer())
    member_number, number = members.get(member_id).number, queries.get(second).number

    for typed in (number, number.lower(), number.replace("-", ""), f" {number} "):
        assert queries.by_number(typed) == second
    assert queries.by_number(member_number) == queries.by_number(member_number.lower()) == first
    for typed in ("", "SV", "SV-", number[:-1], number + "0", member_number[:-1], member_number[1:], "0712345678", "É"):
        assert queries.by_number(typed) is None


def test_a_member_without_accounts_has_nowhere_for_money_to_go() -> None:
    member = members.get(people.register())

    assert queries.by_number(member.number) is None
    assert queries.accounts_of(member.id) == []


def test_an_account_says_what_it_is_and_whose() -> None:
    member_id = people.register()
    account_id = examples.open_account(member_id, examples.offer(name="Holiday savings"))

    described = queries.describe(account_id)

    assert (described.label, described.member_id) == (f"Holiday savings {described.number}", member_id)
    with pytest.raises(AccountMissing):
        queries.describe(999_999)


def test_balances_of_all_accounts_come_with_what_is_free(books: object) -> None:
    member_id = people.register()
    locked = examples.open_account(member_id, examples.offer())
    free = examples.open_account(
        member_id, examples.offer(is_withdrawable=True, minimum_balance="200", control_account="2110")
    )
    examples.deposit(locked, examples.receipt("5,000"))
    examples.deposit(free, examples.receipt("1,200"))

    shown = queries.accounts_with_balances(member_id, on=clock.business_date())

    assert [(item.account.id, item.balance, item.free_to_withdraw) for item in shown] == [
        (locked, kes("5,000"), ZERO),
        (free, kes("1,200"), kes("1,000")),
    ]


def test_an_empty_account_can_be_closed_and_the_oldest_becomes_the_normal_one() -> None:
    member_id = people.register()
    first, second, third = (examples.open_account(member_id, examples.offer()) for _ in range(3))
    assert third

    close(first)

    assert queries.get(first).status is AccountStatus.CLOSED
    assert queries.normal_account(member_id) == second
    assert ledger.member_account(first).closed_on == clock.business_date()
    assert_verified()


def test_an_account_with_money_in_it_stays_open() -> None:
    account_id = examples.open_account(people.register(), examples.offer())
    examples.deposit(account_id)

    with pytest.raises(NotEmpty, match=r"KES 1,000\.00"):
        close(account_id)

    assert queries.get(account_id).status is AccountStatus.OPEN


def test_another_account_can_be_made_the_normal_one() -> None:
    member_id = people.register()
    first = examples.open_account(member_id, examples.offer())
    second = examples.open_account(member_id, examples.offer())

    in_transaction(lambda: service.make_normal(second, by=OFFICER))

    assert queries.normal_account(member_id) == second
    assert not queries.get(first).is_normal


def test_a_member_with_savings_cannot_leave() -> None:
    member_id = people.register()
    account_id = examples.open_account(member_id, examples.offer(name="Goal savings"))
    examples.deposit(account_id)
    people.change_status(member_id, MemberStatus.EXIT_NOTICE)

    with pytest.raises(NotClear, match=r"Goal savings SV-\d+ holds KES 1,000.00"):
        people.change_status(member_id, MemberStatus.EXITED)


def test_a_member_with_nothing_left_can_leave() -> None:
    member_id = people.register()
    close(examples.open_account(member_id, examples.offer()))
    people.change_status(member_id, MemberStatus.EXIT_NOTICE)

    people.change_status(member_id, MemberStatus.EXITED)

    assert members.get(member_id).status is MemberStatus.EXITED


def test_savings_move_with_the_member_to_another_branch() -> None:
    person = people.fields()
    member_id, nakuru = people.register(**person), people.found_branch()
    account_id = examples.open_account(member_id, examples.offer())
    examples.deposit(account_id)

    people.edit(member_id, {**person, "branch_id": nakuru})

    assert ledger.branch_of(account_id) == nakuru
    assert ledger.balance(account_id) == kes("1,000")
    assert_verified()


def test_the_verification_finds_an_account_that_the_ledger_knows_otherwise() -> None:
    account_id = examples.open_account(people.register(), examples.offer())
    number = queries.get(account_id).number
    db.session.execute(text("UPDATE savings_account SET number = 'SV-999999' WHERE id = :id"), {"id": account_id})

    report = verify_on(db.session.connection())

    assert {"number": "SV-999999", "problem": "another number"} in [
        difference.facts for difference in report.differences if difference.check == "savings accounts"
    ], number


def test_a_product_is_refused_where_its_code_name_or_ledger_account_will_not_do() -> None:
    examples.offer(code="HOLIDAY", name="Holiday savings")

    with pytest.raises(Invalid) as refused:
        examples.offer(code="holiday", name="Holiday savings", control_account="1410")

    assert list(refused.value.errors) == ["code", "name", "control_account"]


def test_a_stale_product_page_saves_nothing() -> None:
    product_id = examples.offer(name="Holiday savings")
    edit(product_id, is_withdrawable=True)

    with pytest.raises(StaleProduct):
        edit(product_id, name="Easter savings", version=1)

    assert queries.product(product_id).name == "Holiday savings"


def test_the_latest_terms_that_have_begun_hold() -> None:
    product_id, today = examples.offer(minimum_deposit="100"), clock.business_date()

    decide(product_id, today + timedelta(days=10), minimum_deposit="300")
    decide(product_id, today, minimum_deposit="200")

    def smallest(on: date) -> object:
        return queries.terms_by_product([product_id], on=on)[product_id].minimum_deposit

    assert smallest(today - timedelta(days=1)) == kes(100)
    assert smallest(today) == smallest(today + timedelta(days=9)) == kes(200)
    assert smallest(today + timedelta(days=10)) == kes(300)


def test_terms_never_reach_into_the_past_and_never_meet_on_one_day() -> None:
    product_id, today = examples.offer(), clock.business_date()
    decide(product_id, today)

    for day in (today - timedelta(days=1), today):
        with pytest.raises(Invalid) as refused:
            decide(product_id, day)
        assert list(refused.value.errors) == ["starts_on"]


def test_what_was_decided_cannot_be_rewritten() -> None:
    examples.offer()

    with pytest.raises(Exception, match="permission denied"):
        db.session.execute(text("UPDATE savings_product_terms SET decision = 'never'"))
    db.session.rollback()


def test_every_change_leaves_a_trace() -> None:
    product_id = examples.offer()
    account_id = examples.open_account(people.register(), product_id)
    edit(product_id, allows_several=True)
    decide(product_id, clock.business_date())
    close(account_id)

    actions = set(db.session.scalars(select(AuditEvent.action)))
    assert actions >= {
        "savings.product_added",
        "savings.account_opened",
        "savings.product_edited",
        "savings.terms_added",
        "savings.account_closed",
    }
