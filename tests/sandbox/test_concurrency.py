"""Many at once: what is counted still adds up."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import requests

from tests.sandbox.catcher import Catcher
from tests.sandbox.daraja import Daraja
from tests.sandbox.server import Sandbox

MANY = 40


def test_one_line_takes_one_prompt_however_many_are_pushed(
    sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str
) -> None:
    daraja.sign_in()
    with ThreadPoolExecutor(MANY) as pool:
        answers = list(pool.map(lambda _: daraja.push(phone, catcher.url("/stk")), range(MANY)))

    assert sorted(answer.status_code for answer in answers) == [200] + [500] * (MANY - 1)
    sandbox.answer(phone)
    catcher.wait(path="/stk")
    catcher.stays_at(1, path="/stk", seconds=0.5)


def test_many_customers_pay_at_once_and_every_shilling_is_counted(
    sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str
) -> None:
    phones = [str(int(phone) + 30_000_000 + n) for n in range(MANY)]
    daraja.register(catcher.url("/confirm"), catcher.url("/validate"), ShortCode="600201")
    for number in phones:
        sandbox.phone(number, auto_answer=True, balance="1000")

    with ThreadPoolExecutor(MANY) as pool:
        list(pool.map(lambda number: daraja.push(number, catcher.url("/stk"), PartyB="600201"), phones))
        callbacks = catcher.wait(MANY, path="/stk", seconds=20)
        confirmations = catcher.wait(MANY, path="/confirm", seconds=20)

    lines = sandbox.statement(shortcode="600201")
    assert {caught.result_code for caught in callbacks} == {0}
    assert len({line["receipt"] for line in lines}) == MANY
    assert {caught.json["TransID"] for caught in confirmations} == {line["receipt"] for line in lines}
    assert sum(Decimal(line["amount"]) for line in lines) == 250 * MANY
    assert max(Decimal(caught.json["OrgAccountBalance"]) for caught in confirmations) == 250 * MANY
    assert {sandbox.phone(number)["balance"] for number in phones} == {"750.00"}


def test_a_wallet_is_never_overdrawn_by_payments_at_once(sandbox: Sandbox, phone: str) -> None:
    sandbox.phone(phone, balance="500")
    body = {"phone": phone, "shortcode": "600202", "account": "A", "amount": 100}

    def pay(_: int) -> int:
        return requests.post(f"{sandbox.url}/control/paybill", json=body, timeout=20).status_code

    with ThreadPoolExecutor(20) as pool:
        codes = sorted(pool.map(pay, range(20)))

    assert codes == [201] * 5 + [409] * 15
    assert sandbox.phone(phone)["balance"] == "0.00"


def test_one_answer_counts_when_two_hands_press_at_once(
    sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str
) -> None:
    daraja.push(phone, catcher.url("/stk"))
    sandbox.control("GET", f"/phones/{phone}")

    def press(action: str) -> int:
        url = f"{sandbox.url}/control/phones/{phone}/answer"
        return requests.post(url, json={"action": action}, timeout=20).status_code

    with ThreadPoolExecutor(6) as pool:
        codes = sorted(pool.map(press, ["pin", "cancel"] * 3))

    assert codes == [200] + [404] * 5
    catcher.wait(path="/stk")
    catcher.stays_at(1, path="/stk", seconds=0.3)
