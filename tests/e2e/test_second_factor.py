"""A new colleague: invited, a password by one-time code, an app on the phone, and in."""

from __future__ import annotations

import json
import re

import pyotp
from playwright.sync_api import expect

from tests.harness.browser import PHONE, Windows, sign_in
from tests.harness.programs import Stack

PASSWORD = "a goat on every second roof"


def test_a_new_colleague_gets_in_with_a_phone_and_no_scripts(stack: Stack, window: Windows) -> None:
    made = stack.flask("users", "create", "wairimu", "--name", "Wairimu Kariuki", "--role", "officer", "--json")
    page = window(stack.url, size=PHONE, scripts=False)

    page.goto("/welcome")
    page.get_by_label("Username").fill("wairimu")
    page.get_by_label("One-time code").fill(json.loads(made.stdout)["code"])
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password again").fill(PASSWORD)
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_text("Your password is set.")).to_be_visible()
    sign_in(page, "wairimu", PASSWORD)
    page.goto("/account/second-factor")
    page.get_by_role("link", name="Set up an authenticator app").click()
    app = pyotp.TOTP(page.locator("code").inner_text().replace(" ", ""))
    page.get_by_label("Code of six digits").fill(app.now())
    page.get_by_role("button", name="Turn on").click()
    recovery_code = page.locator(".codes code").first.inner_text()
    page.get_by_role("link", name="I have kept them").click()
    page.goto("/more")
    page.get_by_role("button", name="Sign out").last.click()
    page.wait_for_url(re.compile(r"/sign-in$"))
    page.get_by_label("Username").fill("wairimu")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.goto("/members")
    page.wait_for_url(re.compile(r"/sign-in/code"))
    page.get_by_label("Code").fill(recovery_code)
    page.get_by_role("button", name="Continue").click()

    expect(page.get_by_role("heading", name="Members")).to_be_visible()
    expect(page.get_by_text("You used a recovery code. 9 are left.")).to_be_visible()
