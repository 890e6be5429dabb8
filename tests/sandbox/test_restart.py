"""The sandbox is killed in the middle of things and started again: nothing it promised is forgotten."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest
import requests

from tests.sandbox.catcher import Catcher
from tests.sandbox.samples import same_error
from tests.sandbox.server import ROOT, Sandbox, free_port

PHONE = "254712345678"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_prompt_on_the_screen_survives_and_can_be_paid(
    own_sandbox: Sandbox, catcher: Catcher, how: signal.Signals
) -> None:
    daraja = own_sandbox.daraja()
    checkout = daraja.push(PHONE, catcher.url("/stk")).json()["CheckoutRequestID"]
    time.sleep(0.3)

    own_sandbox.stop(how)
    own_sandbox.start()

    assert own_sandbox.answer(PHONE)["checkout_request_id"] == checkout
    assert catcher.wait(path="/stk")[0].result_code == 0
    assert daraja.query(checkout).json()["ResultCode"] == "0"


def test_a_prompt_times_out_although_nobody_was_there_at_the_time(own_sandbox: Sandbox, catcher: Catcher) -> None:
    own_sandbox.settings(prompt_timeout_seconds=1)
    own_sandbox.daraja().push(PHONE, catcher.url("/stk"))

    own_sandbox.stop(signal.SIGKILL)
    time.sleep(1.5)
    own_sandbox.start()

    assert catcher.wait(path="/stk")[0].result_code == 1037


def test_a_late_callback_comes_after_a_restart_and_once_only(own_sandbox: Sandbox, catcher: Catcher) -> None:
    own_sandbox.fault("callback_late", delay_seconds=2)
    own_sandbox.daraja().push(PHONE, catcher.url("/stk"))
    own_sandbox.answer(PHONE)

    own_sandbox.stop(signal.SIGKILL)
    own_sandbox.start()

    catcher.wait(path="/stk")
    catcher.stays_at(1, path="/stk", seconds=0.5)


def test_a_callback_that_was_under_way_is_not_posted_again(own_sandbox: Sandbox, catcher: Catcher) -> None:
    def slow() -> tuple[int, str]:
        time.sleep(2)
        return 200, "{}"

    catcher.answers["/stk"] = slow
    own_sandbox.daraja().push(PHONE, catcher.url("/stk"))
    own_sandbox.answer(PHONE)
    catcher.wait(path="/stk")

    own_sandbox.stop(signal.SIGKILL)
    own_sandbox.start()

    catcher.stays_at(1, path="/stk")
    [told] = own_sandbox.control("GET", f"/callbacks?phone={PHONE}")["callbacks"]
    assert (told["state"], told["answer"]) == ("failed", "cut short by a restart")


def test_books_faults_settings_and_tokens_survive(own_sandbox: Sandbox, catcher: Catcher) -> None:
    daraja = own_sandbox.daraja()
    daraja.register(catcher.url("/confirm"), catcher.url("/validate"))
    daraja.push(PHONE, catcher.url("/stk"))
    own_sandbox.answer(PHONE)
    catcher.wait(path="/confirm")
    own_sandbox.fault("spike_arrest", times=3)
    before = own_sandbox.statement(), own_sandbox.phone(PHONE), own_sandbox.control("GET", "/settings")

    own_sandbox.stop(signal.SIGKILL)
    own_sandbox.start()

    assert (own_sandbox.statement(), own_sandbox.phone(PHONE), own_sandbox.control("GET", "/settings")) == before
    assert same_error(daraja.push(PHONE, catcher.url("/stk")), "error_e1_spike_arrest.json")


def test_a_signal_ends_it_at_once_even_while_answers_are_held(own_sandbox: Sandbox, catcher: Catcher) -> None:
    impatient = own_sandbox.daraja(timeout=0.5)
    own_sandbox.fault("timeout_before", operation="stk_push")
    with pytest.raises(requests.Timeout):
        impatient.push(PHONE, catcher.url("/stk"))
    started = time.monotonic()

    code = own_sandbox.stop()

    assert code == 0
    assert time.monotonic() - started < 3


def test_two_sandboxes_do_not_share_one_folder(own_sandbox: Sandbox) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "sandbox", "--port", str(free_port()), "--data", str(own_sandbox.folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20,
    )

    assert second.returncode == 1
    assert "Another sandbox uses" in second.stderr
