"""Pages of payments as a browser meets them: signed out, not permitted, bad fields, success, and sent twice."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import event, select

from app.kernel.database import db
from app.kernel.money import kes
from app.payments import progress
from app.payments.models import AllocationState, Payment
from app.payments.rails import Answer, Outcome
from tests.payments.mpesa.conftest import arrive, payment, prompt, receipt, sent, stk_body
from tests.payments.test_receipts import money, receive, shares
from tests.payments.test_service import record

HTMX = {"HX-Request": "true"}
PATHS = [
    ("get", "/payments/"),
    ("get", "/payments/prompt/{member}"),
    ("post", "/payments/prompt/{member}"),
    ("get", "/payments/{payment}"),
    ("get", "/payments/{payment}/status"),
    ("get", "/payments/latest/{member}"),
    ("get", "/payments/suspense"),
    ("post", "/payments/suspense/{payment}"),
]


def prompt_form(society, **changes):
    account = f"SAVINGS_DEPOSIT:{society.account_id}"
    return {"key": "key-1", "account": account, "amount": "1,500", "rail": "mpesa", "phone": "0712 000 333", **changes}


def send_prompt(browser, society, *, headers=None, **changes):
    return browser.post(
        f"/payments/prompt/{society.member_id}", data=prompt_form(society, **changes), headers=headers or {}
    )


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_a_stranger_is_sent_to_sign_in(client, society, method, path):
    answer = getattr(client, method)(path.format(member=society.member_id, payment=prompt(society)))

    assert (answer.status_code, "/sign-in" in answer.location) == (303, True)


def test_an_auditor_reads_but_neither_prompts_nor_allocates(society, signed_in):
    auditor = signed_in("auditor")

    assert auditor.get("/payments/").status_code == 200
    assert auditor.get(f"/payments/prompt/{society.member_id}").status_code == 403
    assert send_prompt(auditor, society).status_code == 403
    assert auditor.post(f"/payments/suspense/{society.member_id}").status_code == 403


def test_the_dialog_offers_the_members_accounts_and_payment_phone(society, signed_in):
    page = signed_in("officer").get(f"/payments/prompt/{society.member_id}").text

    assert society.account_number in page
    assert society.phone.local in page
    assert "<html" in page  # a plain page without JavaScript
    fragment = signed_in("officer").get(f"/payments/prompt/{society.member_id}", headers=HTMX).text
    assert "<html" not in fragment
    assert 'name="amount"' in fragment


def test_a_prompt_leads_to_its_status(society, signed_in):
    answer = send_prompt(signed_in("officer"), society)

    made = db.session.scalars(select(Payment)).one()
    assert (answer.status_code, answer.location) == (303, f"/payments/{made.id}")
    assert (made.amount, made.phone.local) == (kes("1,500"), "0712 000 333")


def test_pressing_twice_sends_one_prompt(society, signed_in):
    officer = signed_in("officer")

    first, second = send_prompt(officer, society), send_prompt(officer, society)

    assert first.location == second.location
    assert len(db.session.scalars(select(Payment.id)).all()) == 1


def test_the_same_key_with_another_amount_is_refused(society, signed_in):
    officer = signed_in("officer")
    send_prompt(officer, society)

    answer = send_prompt(officer, society, amount="9,000")

    assert answer.status_code == 422
    assert len(db.session.scalars(select(Payment.id)).all()) == 1


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("amount", "lots", "Enter an amount"),
        ("amount", "-5", "above zero"),
        ("amount", "10.50", "whole shillings"),
        ("amount", "250,001", "250,000"),
        ("amount", "9223372036854775807", "too large"),
        ("phone", "12", "Kenyan mobile number"),
        ("account", "LOAN_REPAYMENT:1", "Choose what the payment is for"),
        ("account", "SAVINGS_DEPOSIT:999999", "Choose one of the member"),
        ("account", "x", "right form"),
        ("rail", "airtel", "methods that are set up"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field_and_nothing_is_stored(society, signed_in, field, typed, words):
    answer = send_prompt(signed_in("officer"), society, **{field: typed})

    assert answer.status_code == 422
    beside = re.search(rf'id="{field}-error"[^>]*>([^<]*)', answer.text)
    assert beside and words in beside[1], answer.text
    assert db.session.scalars(select(Payment.id)).all() == []


def test_a_second_prompt_to_a_ringing_phone_is_refused_in_words(society, signed_in):
    officer = signed_in("officer")
    send_prompt(officer, society)

    answer = send_prompt(officer, society, key="key-2", amount="2,000")

    assert answer.status_code == 409
    assert "no outcome yet" in answer.text


def test_whoever_prompts_again_is_told_of_a_payment_that_is_being_checked(society, signed_in):
    officer, address = signed_in("officer"), f"/payments/prompt/{society.member_id}"
    assert "could charge the member twice" not in officer.get(address).text

    sent(society, "700", acknowledged=False)

    page = officer.get(address).text
    assert "KES 700.00 is being checked." in page
    assert "could charge the member twice" in page


def test_a_member_who_does_not_exist_is_not_found(society, signed_in):
    nobody = "01980000-0000-7000-8000-000000000000"

    assert signed_in("officer").get(f"/payments/prompt/{nobody}").status_code == 404
    assert signed_in("officer").get(f"/payments/{nobody}").status_code == 404


def test_the_status_asks_again_while_the_outcome_is_open_and_stops_when_there_is_one(society, signed_in):
    officer, payment_id = signed_in("officer"), sent(society)

    ringing = officer.get(f"/payments/{payment_id}/status", headers=HTMX)
    assert "waiting for the PIN" in ringing.text
    assert "hx-trigger" in ringing.text
    record(payment_id, Answer(Outcome.CANCELLED, "Cancelled on the phone", "1032"), evidence="callback")
    over = officer.get(f"/payments/{payment_id}/status?seen=pending", headers=HTMX)

    assert "Cancelled on the phone" in over.text
    assert "hx-trigger" not in over.text
    assert over.headers["HX-Trigger"] == "payments-changed"


def test_a_screen_that_has_asked_often_enough_says_that_an_sms_will_tell(society, signed_in):
    payment_id = sent(society)

    tired = signed_in("officer").get(f"/payments/{payment_id}/status?round={progress.STEADY_ROUNDS}", headers=HTMX)

    assert "hx-trigger" not in tired.text
    assert "an SMS will tell" in tired.text


def test_the_overview_looks_again_only_while_a_payment_is_open(society, signed_in):
    officer, payment_id = signed_in("officer"), sent(society)
    address = f"/payments/latest/{society.member_id}"

    assert "load delay" in officer.get(address, headers=HTMX).text
    receive(money(receipt()), prompt=payment_id)
    after = officer.get(f"{address}?open=1", headers=HTMX)

    assert "load delay" not in after.text
    assert after.headers["HX-Trigger"] == "payments-changed"


def test_a_payment_shows_its_receipt_and_its_way(society, signed_in):
    payment_id, number = sent(society), receipt()
    receive(money(number), prompt=payment_id)

    page = signed_in("officer").get(f"/payments/{payment_id}").text

    for words in (number, "KES 1,500.00", "Sent", "On the phone", "callback"):
        assert words in page


def test_the_history_is_narrowed_by_its_address(society, signed_in):
    paid, number = sent(society), receipt()
    receive(money(number), prompt=paid)
    receive(money(receipt(), "700", account="SHARES", channel="confirmation"))
    accountant = signed_in("accountant")

    def amounts(query):
        page = accountant.get(f"/payments/?{query}").text
        return re.findall(r'<td class="n">([\d,.]+)</td>\s*<td class="second">', page)

    assert amounts("") == ["700.00", "1,500.00"]
    assert amounts(f"receipt={number.lower()}") == ["1,500.00"]
    assert amounts("state=succeeded&rail=mpesa") == ["700.00", "1,500.00"]
    assert amounts("state=failed") == []
    assert amounts("purpose=SAVINGS_DEPOSIT") == ["1,500.00"]
    assert amounts(f"member={society.member_id}") == ["1,500.00"]
    assert amounts("first_on=20/11/2026&last_on=20/11/2026") == ["700.00", "1,500.00"]
    assert amounts("last_on=19/11/2026") == []


@pytest.mark.parametrize(
    "query", ["state=id;--", "member=1", "first_on=32/13/2026", "rail=' OR 1=1", "nonsense=1", "after=x"]
)
def test_a_filter_that_is_none_is_refused_in_words(society, signed_in, query):
    assert signed_in("officer").get(f"/payments/?{query}").status_code == 422


def test_the_history_costs_the_same_queries_for_one_payment_as_for_twenty(society, signed_in):
    accountant = signed_in("accountant")

    def queries_of(address):
        statements, bind = [], db.session.get_bind()

        def note(connection, cursor, statement, *_):
            statements.append(statement)

        event.listen(bind, "before_cursor_execute", note)
        assert accountant.get(address).status_code == 200
        event.remove(bind, "before_cursor_execute", note)
        return len([statement for statement in statements if statement.startswith(("SELECT", "WITH"))])

    receive(money(receipt(), account=society.account_number))
    addresses = ("/payments/", f"/payments/latest/{society.member_id}", "/payments/suspense", "/")
    one = [queries_of(address) for address in addresses]
    for _ in range(20):
        receive(money(receipt(), account=society.account_number))
        receive(money(receipt(), account="nobody"))

    assert [queries_of(address) for address in addresses] == one


def test_money_in_suspense_is_listed_and_allocated(society, signed_in):
    number, before = receipt(), society.balance()
    held = shares(receive(money(number, account="SHARES", channel="confirmation")))[0]
    accountant = signed_in("accountant")
    assert number in accountant.get("/payments/suspense").text

    answer = accountant.post(f"/payments/suspense/{held.id}", data={"key": "k", "reference": society.account_number})

    assert (answer.status_code, answer.location) == (303, "/payments/suspense")
    assert society.balance() == before + kes("1,500")
    assert number not in accountant.get("/payments/suspense").text


def test_a_number_that_nobody_has_is_said_beside_its_field(society, signed_in):
    payment_id = receive(money(receipt(), account="SHARES", channel="confirmation"))
    held = shares(payment_id)[0]

    answer = signed_in("accountant").post(f"/payments/suspense/{held.id}", data={"key": "k", "reference": "SV-999999"})

    assert answer.status_code == 422
    assert "No account or member has this number" in answer.text
    assert shares(payment_id)[0].state is AllocationState.SUSPENSE


def test_two_accountants_allocate_the_same_money_once(society, signed_in):
    before = society.balance()
    held = shares(receive(money(receipt(), account="SHARES", channel="confirmation")))[0]

    for key in ("one", "two"):
        answer = signed_in("accountant").post(
            f"/payments/suspense/{held.id}", data={"key": key, "reference": society.account_number}
        )
        assert answer.status_code == 303

    assert society.balance() == before + kes("1,500")


def test_what_a_payer_typed_is_shown_and_never_run(society, signed_in):
    receive(money(receipt(), account="<script>alert(1)</script>", channel="confirmation"))

    page = signed_in("accountant").get("/payments/suspense").text

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_merged_payment_leads_to_the_prompt_it_became(society, signed_in):
    prompt_id, number = sent(society), receipt()
    first_id = receive(money(number, account="typo", channel="confirmation"))
    receive(money(number), prompt=prompt_id)

    assert payment(first_id).id == prompt_id
    assert number in signed_in("officer").get(f"/payments/{first_id}").text


def test_messages_that_settled_nothing_are_shown_as_evidence(society, signed_in):
    payment_id = sent(society)
    arrive("stk", payment_id, stk_body(payment_id, receipt_number=receipt()), source="203.0.113.7")

    page = signed_in("accountant").get("/payments/suspense").text

    assert "203.0.113.7" in page
    assert "Kept as evidence" in page
