"""One JSON object a line, and nobody's data in it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from flask import Flask, g
from flask.testing import FlaskClient

from app.kernel import doorbell
from app.kernel.actor import Actor
from app.kernel.money import kes
from app.kernel.transactions import in_transaction
from app.ops.logs import JsonLines
from app.payments.destinations import Purpose
from app.payments.service import Intended, PaymentService
from app.web.access import public
from tests.payments.mpesa.conftest import Society, paybill, society

__all__ = ["paybill", "society"]

MSISDN, NATIONAL_ID = "254712345678", "28765431"


class Lines(logging.Handler):
    """Keeps what would be written."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonLines())
        self.written: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.written.append(self.format(record))

    def of(self, logger: str) -> list[dict[str, object]]:
        return [line for line in map(json.loads, self.written) if line["logger"] == logger]


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler, root = Lines(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield handler
    root.setLevel(level)
    root.removeHandler(handler)


def test_a_line_is_json_with_time_in_utc_and_its_facts(lines: Lines) -> None:
    logging.getLogger("somewhere").warning("odd: %s", "thing", extra={"count": 3, "what": uuid4})

    (line,) = lines.of("somewhere")
    assert (line["level"], line["message"], line["count"]) == ("warning", "odd: thing", 3)
    assert str(line["at"]).endswith("Z")
    assert "request_id" not in line


def test_nobody_can_write_lines_of_his_own(lines: Lines) -> None:
    logging.getLogger("somewhere").info('name\r\n{"level":"error"}\x1b[31m', extra={"who": "a\nb"})

    (written,) = lines.written
    assert "\n" not in written
    assert "\x1b" not in written


def test_a_trace_is_masked(lines: Lines) -> None:
    try:
        raise ValueError("no such phone 254712345678")
    except ValueError:
        logging.getLogger("somewhere").exception("failed")

    (line,) = lines.of("somewhere")
    assert "ValueError: no such phone 2547•••678" in str(line["trace"])


def test_lines_of_a_request_carry_its_id(app: Flask, lines: Lines) -> None:
    with app.test_request_context():
        g.request_id = "abc"
        logging.getLogger("somewhere").info("within")

    assert lines.of("somewhere")[0]["request_id"] == "abc"


def test_a_request_is_named_by_its_route_and_our_own_identifiers(
    signed_in: Callable[[str], FlaskClient], lines: Lines
) -> None:
    staff_id = uuid4()

    answer = signed_in("administrator").get(f"/users/{staff_id}?name=Grace&phone=0712345678")

    (line,) = lines.of("request")
    assert (line["method"], line["route"], line["status"]) == ("GET", "/users/<uuid:staff_id>", 404)
    assert line["ids"] == {"staff_id": str(staff_id)}
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert {"staff_id", "branch_id", "milliseconds"} <= line.keys()
    assert "Grace" not in lines.written[-1]


@pytest.mark.parametrize(
    "address",
    [
        "/hooks/m/00112233445566778899aabbccddeeff/stk",
        "/api/mpesa/query/ws_CO_22112026104102254712345678",
        "/nothing/254712345678/00112233445566778899aabbccddeeff",
    ],
)
def test_secrets_in_addresses_reach_no_line(client: FlaskClient, lines: Lines, address: str) -> None:
    client.post(address)
    client.get(address)

    assert lines.written
    for secret in ("00112233445566778899aabbccddeeff", "254712345678"):
        assert secret not in "\n".join(lines.written)


def test_what_is_typed_at_sign_in_reaches_no_line(client: FlaskClient, lines: Lines) -> None:
    page = client.get("/sign-in").text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]

    client.post("/sign-in", data={"username": "somebody", "password": "tell nobody", "csrf_token": token})

    assert [line["message"] for line in lines.of("security")] == ["sign_in_failed"]
    assert "tell nobody" not in "\n".join(lines.written)
    assert "somebody" not in "\n".join(lines.written)


def test_watchdogs_and_stylesheets_do_not_fill_the_log(client: FlaskClient, lines: Lines) -> None:
    client.get("/healthz")
    client.get("/readyz")

    assert lines.of("request") == []


def test_an_id_is_taken_over_from_a_trusted_proxy_only(client: FlaskClient) -> None:
    answer = client.get("/healthz", headers={"X-Request-ID": "made-up-by-the-sender"})

    assert answer.headers["X-Request-ID"] != "made-up-by-the-sender"
    assert len(answer.headers["X-Request-ID"]) == 32


def test_the_page_of_a_mistake_names_the_line_that_explains_it(
    app: Flask, client: FlaskClient, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    @public("It fails for everybody.")
    def fail() -> None:
        raise ZeroDivisionError("SELECT secret FROM somewhere")

    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    monkeypatch.setitem(app.view_functions, "identity.sign_in", fail)

    page = client.get("/sign-in")

    (line,) = [line for line in map(json.loads, lines.written) if "trace" in line]
    assert page.status_code == 500
    assert "ZeroDivisionError" in str(line["trace"])
    assert str(line["request_id"]) in page.text
    for detail in ("SELECT", "ZeroDivision", "Traceback", "secret"):
        assert detail not in page.text


def test_a_payment_from_prompt_to_receipt_leaves_no_personal_data(
    app: Flask, client: FlaskClient, society: Society, lines: Lines
) -> None:
    """A prompt, its answer by an unknown address, a refused token, and the jobs in between."""
    share = Intended(Purpose.SAVINGS_DEPOSIT, society.account_id, kes("1,500"))
    by = Actor("system", "tests", "job")
    payment_id = in_transaction(
        lambda: PaymentService(by).prompt(society.member_id, phone=society.phone, intended=[share])
    )
    doorbell.answer("payments.submit", str(payment_id))  # nobody listens at the provider's address
    paid = {"Body": {"stkCallback": {"CallbackMetadata": {"Item": [{"Name": "PhoneNumber", "Value": MSISDN}]}}}}
    client.post("/hooks/m/00112233445566778899aabbccddeeff/stk", json=paid)
    client.post("/api/mpesa/callback", json=paid)
    client.post("/api/mpesa/stk-push", json={"phone": MSISDN}, headers={"Authorization": "Bearer pmj_made-up-token"})
    client.post("/members/find", data={"q": NATIONAL_ID, "pin": "4711"})

    written = "\n".join(lines.written)

    assert len(lines.written) >= 4
    for secret in (MSISDN, society.phone.msisdn, society.phone.local, NATIONAL_ID, "made-up-token", "4711", "00112233"):
        assert secret not in written, secret
    assert all(str(json.loads(line)["at"]).endswith("Z") for line in lines.written)
