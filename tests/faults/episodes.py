"""Troubles, one function each: what is done to the system while members pay. None of them waits for healing."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable

import requests

from tests.faults.town import Town

Episode = Callable[[Town], None]
EPISODES: dict[str, Episode] = {}


def episode(act: Episode) -> Episode:
    """Register an episode under its function's name."""
    EPISODES[act.__name__] = act
    return act


def _with_fault(name: str, fault: str, *, will_pay: bool | None, answers: bool = True, **details: object) -> None:
    def act(town: Town) -> None:
        phone = town.phone(answers=answers)
        town.stack.sandbox.fault(fault, phone=phone, **details)
        town.prompt(name, phone, will_pay=will_pay)

    act.__name__ = name
    episode(act)


_with_fault("callback_is_lost", "callback_lost", will_pay=True, times=2)  # the confirmation is lost as well
_with_fault("callback_is_late", "callback_late", will_pay=True, delay_seconds=35)
_with_fault("callback_comes_ten_times_at_once", "callback_duplicate", will_pay=True)
_with_fault("callback_comes_out_of_order", "callback_out_of_order", will_pay=True)
_with_fault("callback_is_forged_before_the_honest_one", "callback_forged", will_pay=True)
_with_fault("push_times_out_before_anything_happened", "timeout_before", will_pay=False)
_with_fault("push_times_out_after_it_was_taken", "timeout_after", will_pay=True)
_with_fault("provider_fails_before_it_took_the_push", "error_500_before", will_pay=None)
_with_fault("provider_fails_after_it_took_the_push", "error_500_after", will_pay=True)
_with_fault("token_expires_in_the_middle", "token_expired", will_pay=True, operation="stk_push")
_with_fault("provider_is_too_busy_once", "spike_arrest", will_pay=True)
_with_fault("member_has_too_little_money", "insufficient_funds", will_pay=False)
_with_fault("member_types_a_wrong_pin", "wrong_pin", will_pay=False)
_with_fault("member_cancels", "cancelled", will_pay=False)
_with_fault("phone_is_off", "unreachable", will_pay=False)


@episode
def nothing_is_wrong(town: Town) -> None:
    """Members pay, one answers nothing."""
    for _ in range(3):
        town.prompt("nothing_is_wrong", town.phone())
    town.prompt("nobody_answers", town.phone(answers=False), will_pay=False)


@episode
def one_hundred_prompts_with_one_key(town: Town) -> None:
    """A hundred identical requests at once: one prompt."""
    phone, told = town.phone(), []
    body = {"phone": phone, "amount": 9_999, "member": town.members[0], "purpose": "SAVINGS_DEPOSIT"}
    threads = [
        threading.Thread(target=lambda: told.append(town.post("/api/mpesa/stk-push", body, key="hundred-at-once")))
        for _ in range(100)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {answer.status_code for answer in told} == {202}, {answer.status_code for answer in told}
    assert len({answer.json()["payment_id"] for answer in told}) == 1
    prompts = town.rows("SELECT count(*) FROM payment WHERE amount_cents = 999900")
    assert prompts == [(1,)], prompts


@episode
def paybill_payments_known_and_unknown(town: Town) -> None:
    """Money that nobody prompted for: by account, by member number, by nonsense."""
    [(account,)] = town.rows("SELECT min(number) FROM savings_account WHERE status = 'open'")
    for number, reference in enumerate((account.lower(), town.members[0], "SHARES")):
        town.pay_paybill(reference, 201 + number)


@episode
def callbacks_are_forged_by_strangers(town: Town) -> None:
    """Wrong secrets, the address without one, nonsense and a body of a megabyte: nothing moves."""
    body = {
        "Body": {
            "stkCallback": {
                "MerchantRequestID": "1",
                "CheckoutRequestID": "ws_CO_1",
                "ResultCode": 0,
                "ResultDesc": "ok",
                "CallbackMetadata": {"Item": [{"Name": "MpesaReceiptNumber", "Value": "FORGED0001"}]},
            }
        }
    }
    wrong = requests.post(f"{town.stack.url}/hooks/m/{'0' * 32}/stk", json=body, timeout=10)
    open_door = requests.post(f"{town.stack.url}/api/mpesa/callback", json=body, timeout=10)
    nonsense = requests.post(f"{town.stack.url}/api/mpesa/callback", data=b"\xff\x00{", timeout=10)
    huge = requests.post(f"{town.stack.url}/api/mpesa/callback", data=b"x" * 1_000_000, timeout=10)

    codes = [answer.status_code for answer in (wrong, open_door, nonsense, huge)]
    assert codes == [404, 200, 200, 413], codes


def _while_members_pay(name: str, disturb: Callable[[Town], None]) -> None:
    """Prompts before, during and after a disturbance of the system itself."""

    def act(town: Town) -> None:
        def members_pay() -> None:
            for _ in range(4):
                town.prompt(name, town.phone(), will_pay=None)
                time.sleep(town.rng.uniform(0, 0.6))

        paying = threading.Thread(target=members_pay)
        paying.start()
        time.sleep(town.rng.uniform(0.3, 2.0))
        disturb(town)
        town.deaths += 1
        paying.join()

    act.__name__ = name
    episode(act)


def _restart_postgres(town: Town) -> None:
    postgres = town.stack.pid("postgres")
    subprocess.run(["kill", "-INT", str(postgres)], check=True)  # a fast shutdown; the supervisor starts it anew
    town.stack.wait_until_ready(90)


def _empty_redis(town: Town) -> None:
    [address] = [
        line.removeprefix("REDIS_URL=")
        for line in (town.stack.var / "environment").read_text().splitlines()
        if line.startswith("REDIS_URL=")
    ]
    from redis import Redis

    with Redis.from_url(address) as redis:
        redis.flushall()


_while_members_pay("web_is_killed", lambda town: town.stack.kill_role("web"))
_while_members_pay("payment_worker_is_killed", lambda town: town.stack.kill_role("payments"))
_while_members_pay(
    "payment_worker_dies_and_leaves_its_child", lambda town: town.stack.kill_role("payments", everything=False)
)
_while_members_pay("callback_worker_is_killed", lambda town: town.stack.kill_role("callbacks"))
_while_members_pay("scheduler_is_killed", lambda town: town.stack.kill_role("scheduler"))
_while_members_pay("redis_is_killed", lambda town: town.stack.kill_role("redis"))
_while_members_pay("redis_is_emptied", _empty_redis)
_while_members_pay("postgres_is_killed", lambda town: town.stack.kill_role("postgres"))
_while_members_pay("postgres_is_restarted", _restart_postgres)
