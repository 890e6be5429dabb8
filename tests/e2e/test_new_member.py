"""From a stranger at the counter to a first deposit: register, open an account, pay the paybill, see it."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from app.kernel.phones import Phone
from tests.e2e.people import Member
from tests.e2e.test_prompt_payment import until

PHONE_NUMBER = Phone("254721909091")


def test_a_new_member_joins_and_pays_the_first_deposit_by_paybill(window, stack, officer):
    desk = officer(username="officer")
    page = desk.page
    page.goto("/members/new")
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was saved")

    page.get_by_label("First name").fill("Zawadi")
    page.get_by_label("Last name").fill("Mwakio")
    page.get_by_label("National ID").fill("31415927")
    page.get_by_label("Date of birth").fill("14/03/1991")
    page.get_by_label("Gender").select_option(label="Female")
    page.get_by_label("Payment phone").fill("0721 909 091")
    page.get_by_role("button", name="Register").click()
    expect(page).to_have_title(re.compile("Zawadi Mwakio"))
    number = re.search(r"M\d{6}", page.title())[0]
    member = Member(window, stack, PHONE_NUMBER)
    member.reads(f"Welcome, Zawadi. Your member number is {number}.")

    page.get_by_role("link", name="Open savings account").first.click()
    page.get_by_label("Member deposits").check()
    page.get_by_role("button", name="Open account").click()
    expect(page.locator("main")).to_contain_text(re.compile(r"SV-\d{6}"))

    member.pays_paybill(number, "1200")
    member.reads("Received KES 1,200.00 for savings")
    desk.page.get_by_label("Search members, receipts, phones and accounts").fill(number)
    desk.page.locator("#found").get_by_role("link", name="Zawadi Mwakio").click()
    expect(page.locator(".figures")).to_contain_text("1,200.00")
    until(page, "M-PESA paybill")
