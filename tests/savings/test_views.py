"""Pages of savings as a browser meets them: signed out, not permitted, bad fields, success, and sent twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.money import kes
from app.kernel.transactions import in_transaction
from app.ledger import service as ledger
from app.savings import queries
from app.savings.models import AccountStatus, SavingsAccount, SavingsProduct
from tests.approvals.pressing import approve
from tests.members import examples as people
from tests.savings import examples

pytestmark = pytest.mark.usefixtures("books")

SignedIn = Callable[[str], FlaskClient]

PATHS = [
    ("get", "/savings/accounts/{account}"),
    ("get", "/savings/members/{member}/new"),
    ("post", "/savings/members/{member}"),
    ("get", "/savings/accounts/{account}/close"),
    ("post", "/savings/accounts/{account}/close"),
    ("post", "/savings/accounts/{account}/normal"),
    ("get", "/savings/products"),
    ("get", "/savings/products/new"),
    ("post", "/savings/products"),
    ("get", "/savings/products/{product}"),
    ("post", "/savings/products/{product}"),
    ("post", "/savings/products/{product}/terms"),
]


def product_form(**changes: str) -> dict[str, str]:
    return {
        "key": "key-1",
        "name": "Holiday savings",
        "code": "holiday",
        "control_account": "2120",
        "is_withdrawable": "yes",
        "starts_on": "22/11/2026",
        "minimum_deposit": "KES 100",
        "minimum_balance": "1,500.50",
        "decision": "Minute 3/2026",
        **changes,
    }


def terms_form(**changes: str) -> dict[str, str]:
    on = f"{clock.business_date():%d/%m/%Y}"
    form = {"key": "key-1", "starts_on": on, "minimum_deposit": "200", "minimum_balance": "0", "decision": "Minute 4"}
    return {**form, **changes}


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_a_stranger_is_sent_to_sign_in(client: FlaskClient, method: str, path: str) -> None:
    member, product = people.register(), examples.offer()
    account = examples.open_account(member, product)

    answer = getattr(client, method)(path.format(account=account, member=member, product=product))

    assert (answer.status_code, "/sign-in" in answer.location) == (303, True)


@pytest.mark.parametrize(("method", "path"), [pair for pair in PATHS if pair[0] == "post" or pair[1].endswith("new")])
def test_an_auditor_reads_but_changes_nothing(signed_in: SignedIn, method: str, path: str) -> None:
    member, product = people.register(), examples.offer()
    account = examples.open_account(member, product)
    auditor = signed_in("auditor")

    answer = getattr(auditor, method)(path.format(account=account, member=member, product=product))

    assert answer.status_code == 403
    assert auditor.get(f"/savings/accounts/{account}").status_code == 200


def test_an_account_is_opened_once_however_often_the_form_is_sent(signed_in: SignedIn) -> None:
    member_id, product_id = people.register(), examples.offer(allows_several=True)
    officer, form = signed_in("officer"), {"product_id": str(product_id), "key": "key-1"}
    assert b"Open a savings account" in officer.get(f"/savings/members/{member_id}/new").data

    answers = [officer.post(f"/savings/members/{member_id}", data=form) for _ in range(2)]

    [account] = queries.accounts_of(member_id)
    assert [answer.location for answer in answers] == [f"/savings/accounts/{account.id}"] * 2
    assert account.number.encode() in officer.get(answers[0].location).data


@pytest.mark.parametrize("chosen", ["", "x", None])
def test_opening_an_account_needs_a_product(signed_in: SignedIn, chosen: str | None) -> None:
    member_id = people.register()
    examples.offer()
    form: dict[str, Any] = {"key": "key-1"} if chosen is None else {"key": "key-1", "product_id": chosen}

    answer = signed_in("officer").post(f"/savings/members/{member_id}", data=form)

    assert answer.status_code == 422
    assert db.session.scalars(select(SavingsAccount)).all() == []


def test_the_statement_shows_what_came_and_the_balance_after_it(signed_in: SignedIn) -> None:
    account_id = examples.open_account(people.register(), examples.offer())
    examples.deposit(account_id, examples.receipt("1,000", number="UKAAAAAAAA"))
    examples.deposit(account_id, examples.receipt("250.50", number="UKBBBBBBBB"))

    page = signed_in("teller").get(f"/savings/accounts/{account_id}").get_data(as_text=True)

    rows = re.findall(
        r"<tr><td>Deposit (\w+)</td>.*?<td class=\"n\">([\d.,]+)</td><td class=\"n second\">([\d.,]+)", page
    )
    assert rows == [("UKBBBBBBBB", "250.50", "1,250.50"), ("UKAAAAAAAA", "1,000.00", "1,000.00")]


def test_a_long_statement_goes_on_page_after_page(signed_in: SignedIn) -> None:
    account_id = examples.open_account(people.register(), examples.offer())
    for n in range(27):
        examples.deposit(account_id, examples.receipt("100", number=f"UK{n:08}"))
    teller = signed_in("teller")

    first = teller.get(f"/savings/accounts/{account_id}").get_data(as_text=True)
    older = re.search(r'href="([^"]*)" rel="next"', first)
    assert older is not None
    second = teller.get(older[1].replace("&amp;", "&")).get_data(as_text=True)

    assert first.count("<td>Deposit") == 25
    assert second.count("<td>Deposit") == 2
    assert '<td class="n second">100.00</td>' in second


def test_htmx_gets_the_statement_alone(signed_in: SignedIn) -> None:
    account_id = examples.open_account(people.register(), examples.offer())

    answer = signed_in("teller").get(f"/savings/accounts/{account_id}", headers={"HX-Request": "true"})

    assert answer.get_data(as_text=True).strip().startswith(f'<section id="statement-{account_id}"')
    assert "HX-Request" in answer.headers["Vary"]


@pytest.mark.parametrize("account", ["999999", "9223372036854775807", "9223372036854775808", "0", "-1", "x"])
def test_an_account_that_does_not_exist_is_not_found(signed_in: SignedIn, account: str) -> None:
    officer = signed_in("officer")

    assert officer.get(f"/savings/accounts/{account}").status_code == 404
    assert officer.get(f"/savings/accounts/{account}/close").status_code == 404


def test_a_page_of_a_statement_that_does_not_exist_is_refused(signed_in: SignedIn) -> None:
    account_id = examples.open_account(people.register(), examples.offer())

    assert signed_in("officer").get(f"/savings/accounts/{account_id}?after=nonsense").status_code == 422


def test_an_empty_account_is_closed_after_saying_what_that_means(signed_in: SignedIn) -> None:
    account_id = examples.open_account(people.register(), examples.offer())
    officer = signed_in("officer")
    assert b"waits in suspense" in officer.get(f"/savings/accounts/{account_id}/close").data

    answers = [officer.post(f"/savings/accounts/{account_id}/close", data={"key": "key-1"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert queries.get(account_id).status is AccountStatus.CLOSED


def test_an_account_with_money_is_not_offered_to_be_closed_and_refused(signed_in: SignedIn) -> None:
    account_id = examples.open_account(people.register(), examples.offer())
    examples.deposit(account_id)
    officer = signed_in("officer")

    assert b"KES 1,000.00 is still in it" in officer.get(f"/savings/accounts/{account_id}/close").data
    answer = officer.post(f"/savings/accounts/{account_id}/close", data={"key": "key-1"})

    assert answer.status_code == 409
    assert queries.get(account_id).status is AccountStatus.OPEN


def test_another_account_becomes_the_normal_one(signed_in: SignedIn) -> None:
    member_id = people.register()
    examples.open_account(member_id, examples.offer())
    second = examples.open_account(member_id, examples.offer())

    answer = signed_in("officer").post(f"/savings/accounts/{second}/normal")

    assert answer.status_code == 303
    assert queries.normal_account(member_id) == second


def test_a_product_is_added_with_its_terms_once_somebody_else_approved_it(app: Flask, signed_in: SignedIn) -> None:
    admin = signed_in("administrator")
    assert b"2120" in admin.get("/savings/products/new").data

    answers = [admin.post("/savings/products", data=product_form()) for _ in range(2)]
    assert db.session.scalars(select(SavingsProduct)).all() == []
    assert b"New savings product: Holiday savings" in admin.get("/savings/products").data
    approve(app, answers[0].location)

    product = db.session.scalars(select(SavingsProduct)).one()
    assert [answer.status_code for answer in answers] == [303, 303]
    assert answers[0].location == answers[1].location
    assert f"/savings/products/{product.id}".encode() in admin.get(answers[0].location).data
    assert (product.code, product.is_withdrawable, product.allows_several) == ("HOLIDAY", True, False)
    [terms] = queries.terms_of(product.id)
    assert (terms.minimum_deposit, terms.minimum_balance) == (kes(100), kes("1,500.50"))
    assert b"Holiday savings" in admin.get("/savings/products").data


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, "This is needed."),
        ({"code": "a b"}, "This does not have the right form."),
        ({"control_account": "1120"}, "Choose one of the accounts that hold members&#39; savings."),
        ({"control_account": "9999"}, "Choose one of the accounts that hold members&#39; savings."),
        ({"minimum_deposit": "-5"}, "Enter zero or more."),
        ({"minimum_deposit": "1e3"}, "Enter an amount like"),
        ({"starts_on": "tomorrow"}, "Enter a date like"),
        ({"decision": ""}, "This is needed."),
        ({"balance": "5"}, "This field is not known here."),
    ],
)
def test_a_product_with_a_wrong_field_is_not_added(signed_in: SignedIn, changes: dict[str, str], words: str) -> None:
    answer = signed_in("administrator").post("/savings/products", data=product_form(**changes))

    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert words in page
    assert 'value="Minute 3/2026"' in page or "decision" in changes
    assert db.session.scalars(select(SavingsProduct)).all() == []


def test_a_product_is_renamed_and_no_longer_offered_once_somebody_else_approved_it(
    app: Flask, signed_in: SignedIn
) -> None:
    product_id = examples.offer()
    form, admin = {"key": "key-1", "name": "Old savings", "version": "1"}, signed_in("administrator")

    answer = admin.post(f"/savings/products/{product_id}", data=form)
    assert queries.product(product_id).name != "Old savings"
    assert b"A change waits for a decision" in admin.get(f"/savings/products/{product_id}").data
    approve(app, answer.location)

    product = queries.product(product_id)
    assert (product.name, product.is_active) == ("Old savings", False)


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"name": ""}, 422, "This is needed."),
        ({"name": "Taken savings"}, 422, "Another product has this name."),
        ({"version": "9"}, 409, "Somebody else changed this product"),
    ],
)
def test_a_change_of_a_product_that_will_not_do_is_refused(
    signed_in: SignedIn, changes: dict[str, str], status: int, words: str
) -> None:
    examples.offer(name="Taken savings")
    product_id = examples.offer(name="Goal savings")
    form = {"key": "key-1", "name": "Other savings", "version": "1", "is_active": "yes", **changes}

    answer = signed_in("administrator").post(f"/savings/products/{product_id}", data=form)

    assert answer.status_code == status
    assert words in answer.get_data(as_text=True)
    assert queries.product(product_id).name == "Goal savings"


def test_new_terms_are_noted_once_somebody_else_approved_them(app: Flask, signed_in: SignedIn) -> None:
    product_id = examples.offer()

    answer = signed_in("administrator").post(f"/savings/products/{product_id}/terms", data=terms_form())
    assert len(queries.terms_of(product_id)) == 1
    approve(app, answer.location)

    assert queries.terms_of(product_id)[0].minimum_deposit == kes(200)


def test_terms_whose_day_has_gone_by_are_not_noted_any_more(app: Flask, signed_in: SignedIn) -> None:
    product_id, admin = examples.offer(), signed_in("administrator")
    tomorrow = clock.business_date() + timedelta(days=1)
    form = terms_form(starts_on=f"{tomorrow:%d/%m/%Y}")
    asked = admin.post(f"/savings/products/{product_id}/terms", data=form).location
    for day in (clock.business_date(), tomorrow):
        in_transaction(lambda day=day: ledger.roll_day(day, by=Actor.system("dayend")))  # type: ignore[misc]

    page = signed_in("manager").get(asked).get_data(as_text=True)

    assert "This cannot be done as things stand" in page and "Terms start today or later" in page
    assert 'value="approve"' not in page and 'value="refuse"' in page


def test_a_change_that_changes_nothing_is_not_asked_for(signed_in: SignedIn) -> None:
    product_id = examples.offer(name="Goal savings", is_withdrawable=True)
    form = {"key": "k", "name": "Goal savings", "is_withdrawable": "yes", "is_active": "yes", "version": "1"}

    answer = signed_in("administrator").post(f"/savings/products/{product_id}", data=form)

    assert (answer.status_code, b"Nothing would be different" in answer.data) == (422, True)


@pytest.mark.parametrize("changes", [{"starts_on": "01/01/2020"}, {"minimum_balance": ""}, {"decision": "x"}])
def test_terms_with_a_wrong_field_are_not_noted(signed_in: SignedIn, changes: dict[str, str]) -> None:
    product_id = examples.offer()

    answer = signed_in("administrator").post(f"/savings/products/{product_id}/terms", data=terms_form(**changes))

    assert answer.status_code == 422
    assert f'id="{next(iter(changes))}-error"' in answer.get_data(as_text=True)
    assert len(queries.terms_of(product_id)) == 1


def test_an_officer_sees_products_without_forms(signed_in: SignedIn) -> None:
    product_id = examples.offer(name="Goal savings")

    page = signed_in("officer").get(f"/savings/products/{product_id}").get_data(as_text=True)

    assert "Goal savings" in page and "Minute 1/2020" in page
    assert "terms-form" not in page
