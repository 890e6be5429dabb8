"""The controls: what they answer, and what they refuse, in words."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.sandbox.server import Sandbox


def test_credentials_are_those_of_the_public_sandbox(sandbox: Sandbox) -> None:
    credentials = sandbox.control("GET", "/credentials")

    assert credentials["daraja"]["api_url"] == f"{sandbox.url}/daraja"
    assert credentials["daraja"]["shortcode"] == "174379"
    assert credentials["daraja"]["initiator"] == "testapi"
    assert credentials["africastalking"]["username"] == "sandbox"


def test_any_number_exists_once_it_is_named(sandbox: Sandbox, phone: str) -> None:
    shown = sandbox.control("GET", f"/phones/{phone}")

    assert shown["balance"] == "50000.00"
    assert shown["prompt"] is None
    assert sandbox.control("GET", f"/phones/0{phone[3:]}") == shown


def test_what_is_not_named_stays(sandbox: Sandbox, phone: str) -> None:
    sandbox.phone(phone, balance="18,340.00", auto_answer="cancel", delay_seconds=2.5)
    changed = sandbox.phone(phone, delay_seconds=0)

    assert (changed["balance"], changed["auto_answer"], changed["delay_seconds"]) == ("18340.00", "cancel", 0)
    assert sandbox.phone(phone, auto_answer=False)["auto_answer"] is None


@pytest.mark.parametrize(
    "changes",
    [
        {"balance": "-1"}, {"balance": "lots"}, {"balance": "0.001"}, {"auto_answer": "maybe"},
        {"delay_seconds": -1}, {"delay_seconds": "soon"}, {"pin": "12"}, {"colour": "red"},
    ],
)  # fmt: skip
def test_a_change_that_makes_no_sense_is_refused(sandbox: Sandbox, phone: str, changes: dict[str, Any]) -> None:
    assert sandbox.control("PUT", f"/phones/{phone}", changes, expect=400)["error"]


def test_there_must_be_a_prompt_to_answer(sandbox: Sandbox, phone: str) -> None:
    assert sandbox.control("POST", f"/phones/{phone}/answer", {"action": "pin"}, expect=404)["error"]
    assert sandbox.control("POST", f"/phones/{phone}/answer", {"action": "shrug"}, expect=400)["error"]


@pytest.mark.parametrize(
    "changes",
    [
        {"nonsense": 1}, {"prompt_seconds": -1}, {"prompt_seconds": "soon"}, {"prompt_seconds": 4000},
        {"query_live_as": "maybe"}, {"banned_words": "yes"}, {"pull_page_rows": 0},
    ],
)  # fmt: skip
def test_a_setting_that_makes_no_sense_changes_nothing(sandbox: Sandbox, changes: dict[str, Any]) -> None:
    before = sandbox.control("GET", "/settings")

    assert sandbox.control("PUT", "/settings", {"prompt_seconds": 3, **changes}, expect=400)["error"]
    assert sandbox.control("GET", "/settings") == before


def test_a_form_from_another_site_is_not_taken_for_json(sandbox: Sandbox) -> None:
    answer = requests.post(f"{sandbox.url}/control/faults", data='{"provider":"daraja"}', timeout=5)

    assert answer.status_code == 400
    assert "application/json" in answer.json()["error"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/control/nothing", 404), ("PATCH", "/control/faults", 405), ("DELETE", "/control/faults/999999", 404),
        ("GET", "/control/statement?provider=nobody", 400), ("GET", "/control/statement?date=tomorrow", 400),
        ("GET", "/control/sms?phone=12", 400), ("GET", "/control/phones/12", 400),
    ],
)  # fmt: skip
def test_errors_are_json(sandbox: Sandbox, method: str, path: str, status: int) -> None:
    answer = requests.request(method, sandbox.url + path, timeout=5)

    assert answer.status_code == status
    assert answer.json()["error"]
