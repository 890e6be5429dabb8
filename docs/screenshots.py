"""Takes the pictures of README.md: ``.venv/bin/python docs/screenshots.py`` while ``make run`` is running.

It does the main job once: prompts a payment to a demonstration member and answers it on the sandbox's phone. Sizes and
the moment are chosen so that the pictures show what a visitor will see.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

PICTURES = Path(__file__).parent / "pictures"
MEMBER = "Mary Wanjiku"
MSISDN = "254712345678"
SIZE = {"width": 1280, "height": 800}
SOON = 20_000  # milliseconds


def main() -> None:
    """Read the addresses, open a browser, take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pamoja", default="http://127.0.0.1:8000")
    parser.add_argument("--sandbox", default="http://127.0.0.1:8100")
    parser.add_argument("--password", default="pamoja-demo-2026")
    given = parser.parse_args()
    PICTURES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        desk = browser.new_page(base_url=given.pamoja, viewport=SIZE, timezone_id="Africa/Nairobi")
        phone = browser.new_page(base_url=given.sandbox, viewport=SIZE, timezone_id="Africa/Nairobi")
        open_profile(desk, given.password)
        phone.goto(f"/?phone={MSISDN}")
        pay(desk, phone, amount="2500", picture="phone.png")
        desk.keyboard.press("Escape")
        expect(desk.locator("#dialog")).to_be_hidden()
        desk.screenshot(path=PICTURES / "profile.png")
        browser.close()


def open_profile(desk: Page, password: str) -> None:
    """Sign in, search, open."""
    desk.goto("/sign-in")
    desk.get_by_label("Username").fill("admin")
    desk.get_by_label("Password").fill(password)
    desk.get_by_role("button", name="Sign in").click()
    desk.get_by_label("Search members, receipts, phones and accounts").fill(MEMBER)
    desk.locator("#found").get_by_role("link", name=MEMBER).click()
    expect(desk.get_by_role("link", name="Prompt payment")).to_be_visible()


def pay(desk: Page, phone: Page, *, amount: str, picture: str) -> None:
    """Prompt, take a picture of the ringing phone, enter the PIN, wait for the receipt."""
    desk.get_by_role("link", name="Prompt payment").click()
    desk.get_by_label("Amount (KES)").fill(amount)
    desk.get_by_role("button", name="Send prompt").click()
    expect(phone.locator("#screen")).to_contain_text("Enter M-PESA PIN", timeout=SOON)
    expect(phone.locator("#texts")).to_contain_text("You will be asked", timeout=SOON)
    phone.screenshot(path=PICTURES / picture)
    phone.get_by_label("Enter M-PESA PIN").fill("1234")
    phone.get_by_role("button", name="Send", exact=True).click()
    expect(desk.locator("#dialog")).to_contain_text("received, receipt", timeout=SOON)


if __name__ == "__main__":
    main()
