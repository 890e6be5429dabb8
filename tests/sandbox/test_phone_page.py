"""The phone page in a browser, with scripts and without."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.sandbox.catcher import Catcher
from tests.sandbox.daraja import Daraja
from tests.sandbox.server import Sandbox


@pytest.fixture
def browser(_session_browser: Browser) -> Browser:
    """The one browser of this run: a process can drive only one."""
    return _session_browser


@pytest.fixture
def page(browser: Browser, sandbox: Sandbox, phone: str) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if "Content Security" in message.text else None)
    page.goto(f"{sandbox.url}/?phone={phone}")
    yield page
    page.close()
    assert complaints == []


def test_the_prompt_appears_by_itself_and_the_pin_pays(
    page: Page, sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str
) -> None:
    expect(page.get_by_text("Sandbox: no real money moves here")).to_be_visible()
    daraja.push(phone, catcher.url("/stk"), Amount=10411, AccountReference="LN20260147")

    expect(page.locator("#screen")).to_contain_text("Do you want to pay Ksh 10,411.00 to PAMOJA SACCO")
    page.get_by_label("Enter M-PESA PIN").fill("1234")
    page.get_by_role("button", name="Send").click()

    assert catcher.wait(path="/stk")[0].result_code == 0
    expect(page.locator("#screen")).to_contain_text("KES 39,589.00")
    expect(page.locator("#texts")).to_contain_text(
        "Confirmed. Ksh10,411.00 sent to PAMOJA SACCO for account LN20260147"
    )
    expect(page.locator("#callbacks")).to_contain_text("answered 200")


def test_a_half_typed_pin_is_not_lost_when_something_else_changes(
    page: Page, sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str
) -> None:
    daraja.push(phone, catcher.url("/stk"))
    page.get_by_label("Enter M-PESA PIN").type("12")
    sandbox.phone(phone, balance="77")
    expect(page.locator("#facts")).to_contain_text("77.00")

    expect(page.get_by_label("Enter M-PESA PIN")).to_have_value("12")


@pytest.mark.parametrize(("button", "code"), [("Cancel", 1032), ("Send", 2001)])
def test_the_prompt_can_be_cancelled_or_get_a_wrong_pin(
    page: Page, sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str, button: str, code: int
) -> None:
    daraja.push(phone, catcher.url("/stk"))
    page.get_by_label("Enter M-PESA PIN").fill("9999")
    page.get_by_role("button", name=button).click()

    assert catcher.wait(path="/stk")[0].result_code == code


def test_a_prompt_that_is_put_away_ends_by_itself(
    page: Page, sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str
) -> None:
    sandbox.settings(prompt_timeout_seconds=5)
    daraja.push(phone, catcher.url("/stk"))
    page.get_by_role("button", name="Put the phone away").click()

    expect(page.locator("#screen")).to_contain_text("nobody looks at it")
    assert catcher.wait(path="/stk")[0].result_code == 1037


def test_next_time_is_set_shown_used_and_taken_back(
    page: Page, sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str
) -> None:
    page.get_by_label("The phone").select_option(label="has too little money")
    page.get_by_label("The callback").select_option(label="comes ten times at once")
    page.get_by_role("button", name="Set", exact=True).click()
    expect(page.locator("#facts")).to_contain_text("callback duplicate")
    page.get_by_role("button", name="Remove callback duplicate").click()
    expect(page.locator("#facts")).not_to_contain_text("callback duplicate")

    daraja.push(phone, catcher.url("/stk"))
    assert catcher.wait(path="/stk")[0].result_code == 1
    expect(page.locator("#facts")).not_to_contain_text("Next time")


def test_a_paybill_is_paid_and_a_mistake_is_said_beside_the_form(
    page: Page, sandbox: Sandbox, catcher: Catcher, phone: str
) -> None:
    page.get_by_label("Account number").fill("SV000123")
    page.get_by_label("Amount, KES").fill("1.50")
    page.get_by_role("button", name="Pay", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("whole shillings")
    expect(page.get_by_label("Account number")).to_have_value("SV000123")

    page.get_by_label("Amount, KES").fill("1,500")
    page.get_by_role("button", name="Pay", exact=True).click()

    expect(page.locator("#screen")).to_contain_text("48,500.00")
    assert sandbox.lines_of(phone)[0]["amount"] == "1500.00"


def test_the_number_can_be_changed_and_chosen(page: Page, sandbox: Sandbox, phone: str) -> None:
    page.get_by_label("M-PESA balance, KES").fill("18,340.00")
    page.get_by_label("Answers").select_option(label="by itself: pays")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#facts")).to_contain_text("18,340.00")
    assert sandbox.phone(phone)["auto_answer"] == "pin"

    page.get_by_label("Number", exact=True).fill("0799 888 777")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#facts")).to_contain_text("0799 888 777")
    page.get_by_label("Number", exact=True).fill("12")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("alert")).to_contain_text("is not a Kenyan mobile number")


def test_a_locked_pin_can_be_unlocked(page: Page, sandbox: Sandbox, phone: str) -> None:
    sandbox.phone(phone, pin_locked=True)
    page.reload()
    expect(page.locator("#facts")).to_contain_text("locked after wrong PINs")
    page.get_by_role("button", name="Save").click()

    expect(page.locator("#facts")).to_contain_text("1234")
    assert sandbox.phone(phone)["balance"] == "50000.00"


def test_another_number_that_rings_can_be_seen(
    page: Page, sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str
) -> None:
    other = str(int(phone) + 40_000_000)
    daraja.push(other, catcher.url("/stk"))

    page.get_by_role("link", name="rings").first.click()

    expect(page.locator("#screen")).to_contain_text("Enter M-PESA PIN")


@pytest.mark.parametrize("width", [360, 768, 1366])
def test_nothing_is_wider_than_the_screen(
    browser: Browser, sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str, width: int
) -> None:
    daraja.push(phone, catcher.url("/stk"))
    page = browser.new_page(viewport={"width": width, "height": 740})
    page.goto(f"{sandbox.url}/?phone={phone}")
    page.locator("summary").click()

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_the_page_works_without_scripts(
    browser: Browser, sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str
) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(f"{sandbox.url}/?phone={phone}")
    daraja.push(phone, catcher.url("/stk"))

    page.get_by_label("Enter M-PESA PIN").wait_for(timeout=8000)  # the page reloads itself
    page.get_by_label("Enter M-PESA PIN").fill("1234")
    page.get_by_role("button", name="Send").click()

    assert catcher.wait(path="/stk")[0].result_code == 0
    page.close()


def test_another_site_cannot_press_the_buttons(sandbox: Sandbox, phone: str) -> None:
    url = f"{sandbox.url}/phone/{phone}/wallet"
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert requests.post(url, data={"balance": "0"}, headers=headers, timeout=5).status_code == 403
    assert sandbox.phone(phone)["balance"] == "50000.00"


def test_the_page_has_a_strict_policy_and_no_inline_parts(sandbox: Sandbox) -> None:
    answer = requests.get(sandbox.url, timeout=5)

    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert " style=" not in answer.text
    assert "<style" not in answer.text
    assert " onclick" not in answer.text


def test_parts_that_have_not_changed_are_not_sent_again(sandbox: Sandbox, phone: str) -> None:
    first = requests.get(f"{sandbox.url}/live/{phone}", timeout=5)
    again = requests.get(f"{sandbox.url}/live/{phone}", headers={"If-None-Match": first.headers["ETag"]}, timeout=5)

    assert (first.status_code, again.status_code) == (200, 304)
