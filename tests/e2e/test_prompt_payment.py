"""The main job: prompt a payment, answer on the phone, and everyone sees it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from app.kernel.money import Money
from app.members.models import Language
from tests.e2e.people import Member, fresh_members
from tests.harness.browser import PHONE

_swahili = fresh_members(Language.SWAHILI)


def cents(figure: str) -> Money:
    return Money.parse(figure)


def loads(page: Page) -> list[str]:
    """Every page that the browser loads from here on."""
    loaded: list[str] = []
    page.on("load", lambda loading: loaded.append(loading.url))
    return loaded


def test_a_prompt_is_paid_and_the_profile_changes_without_a_reload(officer, member, somebody):
    desk = officer()
    desk.find(somebody)
    before = cents(desk.figure("Deposits"))
    loaded = loads(desk.page)

    desk.prompt("500", account=None)
    expect(desk.dialog).to_contain_text("On the phone")
    member.reads("You will be asked for your M-PESA PIN to pay KES 500.00 to savings")
    member.is_asked("Do you want to pay Ksh 500.00 to PAMOJA SACCO")
    member.enters_pin()

    expect(desk.dialog).to_contain_text("KES 500.00 received, receipt")
    expect(desk.page.locator(".figures")).to_contain_text((before + Money(500_00)).plain())
    assert loaded == []
    member.reads("Received KES 500.00 for savings")
    member.reads(f"New balance {before + Money(500_00)}")
    desk.dialog.get_by_role("link", name="See the receipt").click()
    expect(desk.page.get_by_role("heading", level=1)).to_contain_text("KES 500.00")
    expect(desk.page.locator("main")).to_contain_text("Credited")


def test_it_all_works_without_javascript(window, stack, officer, somebody):
    desk, member = officer(scripts=False), Member(window, stack, somebody.phone, scripts=False)
    desk.page.get_by_label("Search members, receipts, phones and accounts").fill(somebody.number)
    desk.page.keyboard.press("Enter")
    expect(desk.page).to_have_title(re.compile(re.escape(somebody.name)))
    profile = desk.page.url
    before = cents(desk.figure("Deposits"))

    desk.prompt("750")
    until(desk.page, "On the phone")
    until(member.page, "Do you want to pay Ksh 750.00")
    member.enters_pin()
    until(desk.page, "received, receipt")

    desk.page.goto(profile)
    assert cents(desk.figure("Deposits")) == before + Money(750_00)
    until(member.page, "Received KES 750.00 for savings")


def test_it_all_works_by_keyboard_alone(officer, member, somebody):
    desk = officer()
    page, keys = desk.page, desk.page.keyboard

    keys.press("/")
    keys.type(somebody.number)
    expect(page.locator("#found a")).to_have_count(1)
    tab_to(page, somebody.name)
    keys.press("Enter")
    expect(page).to_have_title(re.compile(re.escape(somebody.name)))
    tab_to(page, "Prompt payment")
    keys.press("Enter")
    expect(desk.dialog.get_by_label("Amount (KES)")).to_be_focused()
    keys.type("250")
    keys.press("Enter")
    expect(desk.dialog).to_contain_text("On the phone")
    member.is_asked("Ksh 250.00")
    member.enters_pin()
    expect(desk.dialog).to_contain_text("received, receipt")
    keys.press("Escape")

    expect(page.locator("#dialog")).to_be_hidden()
    expect(page.get_by_role("link", name="Prompt payment")).to_be_focused()


def test_it_all_works_on_a_phone_of_360_pixels(officer, member, somebody):
    desk = officer(size=PHONE)
    assert_fits(desk.page)
    desk.find(somebody)
    assert_fits(desk.page)

    desk.prompt("300")
    expect(desk.dialog).to_contain_text("On the phone")
    assert_fits(desk.page)
    member.is_asked("Ksh 300.00")
    member.enters_pin()
    expect(desk.dialog).to_contain_text("received, receipt")
    desk.dialog.get_by_role("link", name="See the receipt").click()
    expect(desk.page.get_by_role("heading", level=1)).to_contain_text("KES 300.00")

    assert_fits(desk.page)
    for path in ("/members", "/payments", "/payments/suspense", "/messages", "/more"):
        desk.page.goto(path)
        assert_fits(desk.page)


def test_a_prompt_cancelled_on_the_phone_says_so_and_can_be_sent_again(officer, member, somebody):
    desk = officer()
    desk.find(somebody)
    before = desk.figure("Deposits")

    desk.prompt("400")
    member.is_asked("Ksh 400.00")
    member.cancels()

    expect(desk.dialog).to_contain_text("Cancelled on the phone")
    expect(desk.dialog).to_contain_text("No money moved.")
    assert desk.figure("Deposits") == before
    desk.dialog.get_by_role("link", name="Try again").click()
    expect(desk.dialog.get_by_label("Amount (KES)")).to_be_visible()


def test_a_payment_whose_callbacks_are_lost_is_found_all_the_same(officer, member, somebody, stack):
    stack.sandbox.fault("callback_lost", phone=somebody.phone.msisdn, times=10)
    desk = officer()
    desk.find(somebody)

    desk.prompt("600")
    member.is_asked("Ksh 600.00")
    member.enters_pin()

    # The first question comes after 25 seconds; the receipt is then found among the paybill's transactions.
    expect(desk.dialog).to_contain_text("KES 600.00 received, receipt", timeout=120_000)
    member.reads("Received KES 600.00 for savings")


@pytest.mark.parametrize(
    ("amount", "phone", "message"),
    [
        ("", None, "This is needed."),
        ("0", None, "above zero"),
        ("-5", None, "above zero"),
        ("ten", None, "Enter an amount like"),
        ("1e400", None, "Enter an amount like"),
        ("10.50", None, "whole shillings"),
        ("250001", None, "250,000"),
        ("100", "12345", "Enter a Kenyan mobile number"),
        ("100", "", "This is needed."),
    ],
)
def test_what_is_typed_wrong_is_said_beside_the_field_and_nothing_is_sent(bad_input_desk, amount, phone, message):
    desk = bad_input_desk

    desk.prompt(amount, phone=phone)

    field = "phone" if phone is not None else "amount"
    expect(desk.dialog.locator(f"#{field}-error")).to_contain_text(message)
    expect(desk.dialog.locator(f"#{field}")).to_have_attribute("aria-invalid", "true")
    expect(desk.dialog.get_by_label("Amount (KES)")).to_have_value(amount)


@pytest.fixture
def bad_input_desk(officer, somebody, stack):
    desk = officer()
    desk.find(somebody)
    with stack.connect() as database:
        before = database.execute("SELECT count(*) FROM payment").fetchone()
        yield desk
        assert database.execute("SELECT count(*) FROM payment").fetchone() == before


def test_pressing_twice_asks_once(officer, member, somebody, stack):
    desk = officer()
    desk.find(somebody)

    desk.page.get_by_role("link", name="Prompt payment").click()
    desk.dialog.get_by_label("Amount (KES)").fill("150")
    desk.dialog.get_by_role("button", name="Send prompt").dblclick()
    member.is_asked("Ksh 150.00")

    with stack.connect() as database:
        asked = "SELECT count(*) FROM payment p JOIN member m ON m.id = p.member_id WHERE m.number = %s"
        assert database.execute(asked, (somebody.number,)).fetchone() == (1,)
    member.cancels()


def test_a_member_is_told_in_swahili(window, stack, officer):
    msemaji = next(_swahili)
    desk, member = officer(), Member(window, stack, msemaji.phone)
    desk.find(msemaji)

    desk.prompt("200")
    member.is_asked("Ksh 200.00")
    member.enters_pin()

    member.reads("Utaombwa PIN yako ya M-PESA kulipa KES 200.00 kwa akiba")
    member.reads("Tumepokea KES 200.00 kwa akiba")


def test_money_for_an_unknown_account_is_kept_and_allocated_by_a_person(officer, member, somebody):
    desk = officer()
    desk.find(somebody)
    before, profile = cents(desk.figure("Deposits")), desk.page.url

    member.pays_paybill("NOBODY9", "1000")
    until(desk.page, "NOBODY9", path="/payments/suspense")
    row = desk.page.locator("tr", has_text="NOBODY9")
    row.get_by_role("textbox").fill("not-an-account")
    row.get_by_role("button", name="Allocate").click()
    expect(desk.page.locator("tr", has_text="NOBODY9").locator(".error")).to_be_visible()
    row.get_by_role("textbox").fill(somebody.number)
    row.get_by_role("button", name="Allocate").click()
    expect(desk.page.locator("tr", has_text="NOBODY9")).to_have_count(0)

    desk.page.goto(profile)
    assert cents(desk.figure("Deposits")) == before + Money(1000_00)
    member.reads("Received KES 1,000.00 for savings")


def until(page: Page, words: str, *, path: str | None = None) -> None:
    """Reload, as a person without JavaScript does, until the words are there."""
    for _ in range(40):
        page.goto(path or page.url)
        if words in page.locator("body").inner_text():
            return
        page.wait_for_timeout(500)
    raise AssertionError(f"{words!r} never came: {page.locator('body').inner_text()}")


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the focus is on something of that name, and see that the focus can be seen."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if name in (page.evaluate("document.activeElement.innerText || document.activeElement.ariaLabel || ''")):
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", f"the focus on {name} cannot be seen"
            return
    raise AssertionError(f"Tab never reached {name}")


def assert_fits(page: Page) -> None:
    """Nothing makes the page wider than the screen."""
    page.wait_for_load_state()
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{page.url} is {wide} pixels too wide"
