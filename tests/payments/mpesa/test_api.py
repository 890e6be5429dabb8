"""The JSON endpoints: who may use them, what they take and refuse, and what a repetition does."""

from __future__ import annotations

from uuid import UUID

import pytest

from app.identity.service import tokens
from app.kernel.database import db
from app.kernel.transactions import in_transaction
from app.payments.models import CallbackOutcome, CallbackWork, Payment, PaymentCallback
from app.payments.rails.mpesa.models import ErrandKind, MpesaErrand
from app.web import limits
from tests.harness.people import SETTING_UP, hire
from tests.payments.mpesa.conftest import arrive, checkout, receipt, row_of, sent, stk_body

PUSH, QUERY, REGISTER, CALLBACK = (f"/api/mpesa/{name}" for name in ("stk-push", "query", "c2b/register", "callback"))
SCOPES = ["mpesa.prompt", "mpesa.query", "mpesa.register"]


def limits_of_hints() -> int:
    return int(limits.HINTS.split()[0])


class Program:
    """Somebody's program with a token."""

    def __init__(self, client, secret):
        self.client, self.secret = client, secret

    def headers(self, key=None):
        return {"Authorization": f"Bearer {self.secret}"} | ({"Idempotency-Key": key} if key else {})

    def post(self, path, body, *, key=None):
        return self.client.post(path, json=body, headers=self.headers(key))

    def get(self, path):
        return self.client.get(path, headers=self.headers())


def program(client, *, scopes=tuple(SCOPES), role="administrator") -> Program:
    owner = hire(role)
    issued = in_transaction(
        lambda: tokens.issue(name="tests", staff_id=owner, scopes=list(scopes), days=30, by=SETTING_UP)
    )
    return Program(client, issued.secret)


@pytest.fixture
def api(client, society):
    return program(client)


def wish(society, **changes):
    body = {"amount": "1500.00", "member": society.member_number, "purpose": "SAVINGS_DEPOSIT"}
    return body | {"account": society.account_number} | changes


def test_a_prompt_is_accepted_and_stands_as_created(api, society):
    answer = api.post(PUSH, wish(society), key="a-1")

    assert answer.status_code == 202
    standing = answer.get_json()
    assert (standing["status"], standing["checkout_request_id"]) == ("created", None)
    made = db.session.get_one(Payment, UUID(standing["payment_id"]))
    assert made.phone == society.phone
    assert made.amount.decimal() == "1500.00"


@pytest.mark.parametrize("amount", ["1500", 1500, "1500.00"])
def test_an_amount_is_a_decimal_text_or_a_whole_number(api, society, amount):
    assert api.post(PUSH, wish(society, amount=amount), key="a-2").status_code == 202


@pytest.mark.parametrize(
    "amount", [True, 1500.5, "1e3", [1], {"$gt": 0}, None, "", "abc", "-5", 0, "0.50", "250001", "1500.50", 10**30]
)
def test_any_other_amount_is_refused_beside_its_field(api, society, amount):
    answer = api.post(PUSH, wish(society, amount=amount), key="a-3")

    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert [error["field"] for error in answer.get_json()["errors"]] == ["amount"]
    assert db.session.query(Payment).count() == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"member": "M999999"}, "member"),
        ({"member": 7}, "member"),
        ({"purpose": "LOAN_REPAYMENT"}, "purpose"),
        ({"purpose": "GIFT"}, "purpose"),
        ({"account": "SV-999999"}, "account"),
        ({"phone": "12"}, "phone"),
        ({"phone": "0712345678", "color": "red"}, "color"),
    ],
)
def test_each_wrong_field_is_named_and_nothing_is_stored(api, society, change, field):
    answer = api.post(PUSH, wish(society, **change), key="a-4")

    assert answer.status_code == 422
    assert field in [error["field"] for error in answer.get_json()["errors"]]
    assert db.session.query(Payment).count() == 0


def test_an_unknown_member_id_is_not_found(api, society):
    answer = api.post(PUSH, wish(society, member="01980000-0000-7000-8000-000000000000"), key="a-5")

    assert answer.status_code in (404, 422)
    assert db.session.query(Payment).count() == 0


def test_another_phone_can_be_named_in_any_kenyan_form(api, society):
    answer = api.post(PUSH, wish(society, phone="+254 711 000 111"), key="a-6")

    made = db.session.get_one(Payment, UUID(answer.get_json()["payment_id"]))
    assert made.phone.msisdn == "254711000111"


def test_money_needs_a_key(api, society):
    answer = api.post(PUSH, wish(society))

    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")


def test_the_same_key_and_body_gets_the_first_answer_again(api, society):
    first = api.post(PUSH, wish(society), key="same")
    again = api.post(PUSH, wish(society), key="same")

    assert again.status_code == 202
    assert again.get_json() == first.get_json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert db.session.query(Payment).count() == 1


def test_the_same_key_with_another_body_is_refused(api, society):
    api.post(PUSH, wish(society), key="same")

    assert api.post(PUSH, wish(society, amount="20"), key="same").status_code == 422


def test_a_second_prompt_to_the_same_phone_waits_for_the_first(api, society):
    api.post(PUSH, wish(society), key="one")

    assert api.post(PUSH, wish(society), key="two").status_code == 409


@pytest.mark.parametrize(("method", "path"), [("post", PUSH), ("get", f"{QUERY}/{UUID(int=1)}"), ("post", REGISTER)])
def test_without_a_token_nothing_is_answered(client, society, method, path):
    answer = getattr(client, method)(path)

    assert (answer.status_code, answer.content_type) == (401, "application/problem+json")


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        ("mpesa.query", "post", PUSH),
        ("mpesa.prompt", "get", f"{QUERY}/{UUID(int=1)}"),
        ("mpesa.prompt", "post", REGISTER),
    ],
)
def test_a_token_for_something_else_is_refused(client, society, scope, method, path):
    other = program(client, scopes=[scope])

    answer = other.post(path, wish(society), key="k") if method == "post" else other.get(path)

    assert answer.status_code == 403


def test_a_question_tells_what_we_know_by_either_id(api, society):
    payment_id, number = sent(society), receipt()

    waiting = api.get(f"{QUERY}/{payment_id}").get_json()
    arrive("stk", payment_id, stk_body(payment_id, receipt_number=number))
    paid = api.get(f"{QUERY}/{checkout(payment_id)}").get_json()

    assert (waiting["status"], waiting["receipt_number"]) == ("pending", None)
    assert waiting["checkout_request_id"] == checkout(payment_id)
    assert (paid["payment_id"], paid["status"], paid["receipt_number"]) == (str(payment_id), "succeeded", number)


def test_a_question_writes_nothing(api, society):
    payment_id = sent(society)
    before = db.session.execute(db.text("select xmin from payment")).scalar_one()

    api.get(f"{QUERY}/{payment_id}")

    assert db.session.execute(db.text("select xmin from payment")).scalar_one() == before


@pytest.mark.parametrize("reference", [UUID(int=1), "ws_CO_1", "a" * 300])
def test_what_is_not_there_is_not_found(api, society, reference):
    assert api.get(f"{QUERY}/{reference}").status_code == 404


def test_addresses_are_registered_by_a_job(api, society):
    answer = api.post(REGISTER, {"response_type": "Cancelled"})

    assert answer.status_code == 202
    standing = answer.get_json()
    [errand] = db.session.query(MpesaErrand).all()
    assert (standing["registration_id"], standing["status"]) == (str(errand.id), "waiting")
    assert (errand.kind, errand.response_type) == (ErrandKind.C2B_REGISTER, "Cancelled")


@pytest.mark.parametrize("body", [{}, {"response_type": "completed"}, {"response_type": "Completed", "x": 1}, []])
def test_a_wrong_registration_is_refused(api, society, body):
    assert api.post(REGISTER, body).status_code == 422
    assert db.session.query(MpesaErrand).count() == 0


@pytest.mark.parametrize("body", [b"", b"{}", b"not json", b'{"Body":{}}', b"\xff\xfe", b"x" * 60_000])
def test_the_open_address_keeps_anything_and_answers_that_it_has_it(client, society, body):
    answer = client.post(CALLBACK, data=body)

    assert (answer.status_code, answer.get_json()) == (200, {"ResultCode": 0, "ResultDesc": "Accepted"})
    [kept] = db.session.query(PaymentCallback).all()
    assert (kept.rail, kept.flow, kept.subject_id) == ("mpesa", "open", None)


def test_the_open_address_refuses_what_is_longer_than_any_callback(client, society):
    assert client.post(CALLBACK, data=b"x" * 70_000).status_code == 413
    assert db.session.query(PaymentCallback).count() == 0


def test_what_the_open_address_was_told_is_flagged(client, society):
    payment_id = sent(society)

    assert arrive("open", None, stk_body(payment_id, receipt_number=receipt())) is CallbackOutcome.FLAGGED
    assert row_of(payment_id).result_code is None
    assert db.session.query(CallbackWork).one().detail.startswith("It came without a secret address")


def test_the_open_address_keeps_only_so_much_in_a_minute(client, society):
    answers = [client.post(CALLBACK, data=b"{}").status_code for _ in range(limits_of_hints() + 1)]

    assert answers[-1] == 429
    assert db.session.query(PaymentCallback).count() == limits_of_hints()


def test_the_open_address_is_for_messages_only(client, society):
    assert client.get(CALLBACK).status_code == 405


def test_payouts_have_no_address_yet(api, society):
    assert api.post("/api/mpesa/b2c/pay", {}, key="k").status_code == 404
