"""The frame in a browser: safe, usable by keyboard and without scripts, and readable by everybody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from playwright.sync_api import Page, expect

from tests.harness.browser import DESKTOP, PHONE, Windows
from tests.harness.programs import Stack
from tests.web.conftest import SignedInWindow

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text()
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PAGES = [
    "/", "/members", "/members/new", "/payments/", "/payments/suspense", "/search", "/more", "/nothing/here",
    "/savings/products", "/messages", "/audit", "/users", "/account/password",
    "/account/second-factor/new", "/account/sessions", "/account/confirm",
    "/approvals", "/approvals/rules", "/approvals/rules/ledger.journal", "/approvals/stand-ins",
    "/ledger/entries", "/ledger/journals/new", "/ledger/chart", "/ledger/trial-balance", "/ledger/months",
    "/settings", "/settings/society", "/settings/branches", "/settings/calendar", "/fees", "/fees/tariffs/new",
    "/messages/texts", "/messages/texts/payment_received/en", "/ops/health",
]  # fmt: skip
NOTE_VIOLATIONS = """
    window.violations = []
    document.addEventListener("securitypolicyviolation", event => violations.push(event.violatedDirective))
"""


@pytest.fixture
def admin(window_of: SignedInWindow) -> Page:
    return window_of("admin")


@pytest.fixture
def watched(stack: Stack, admin: Page) -> Iterator[Page]:
    """A window in which nothing foreign may be asked for, nothing forbidden tried and no script may fail."""
    foreign: list[str] = []
    failures: list[str] = []
    admin.add_init_script(NOTE_VIOLATIONS)
    admin.on("request", lambda request: None if request.url.startswith(stack.url) else foreign.append(request.url))
    admin.on("pageerror", lambda error: failures.append(str(error)))
    yield admin
    assert not foreign
    assert not failures


def a_member(page: Page) -> str:
    page.goto("/members")
    return page.locator("table tbody a").first.get_attribute("href") or ""


def every_page(page: Page) -> list[str]:
    member = a_member(page)
    return [
        *PAGES,
        member,
        f"{member}/savings",
        f"{member}/activity",
        f"{member}/documents",
        "/downloads",
        f"{member}/edit",
        f"/payments/prompt/{member[9:]}",
    ]


def test_nothing_foreign_is_asked_for_and_nothing_forbidden_is_tried(watched: Page) -> None:
    for address in every_page(watched):
        watched.goto(address)
        assert watched.evaluate("violations") == [], address


def test_no_page_scrolls_sideways_on_a_phone(admin: Page) -> None:
    pages = every_page(admin)
    admin.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})

    too_wide = {}
    for address in pages:
        admin.goto(address)
        width = admin.evaluate("document.documentElement.scrollWidth")
        if width > PHONE[0]:
            too_wide[address] = width

    assert too_wide == {}


@pytest.mark.parametrize(
    "look", [{"dark": False, "size": DESKTOP}, {"dark": True, "size": PHONE}], ids=["desktop-light", "phone-dark"]
)
def test_every_page_can_be_read_by_everybody(
    stack: Stack, window: Windows, window_of: SignedInWindow, look: dict[str, Any]
) -> None:
    stranger = window(stack.url, **look)
    stranger.goto("/sign-in")
    found = {"/sign-in": barriers(stranger)}
    stranger.goto("/welcome")
    found["/welcome"] = barriers(stranger)

    page = window_of("admin", **look)
    for address in every_page(page):
        page.goto(address)
        found[address] = barriers(page)

    assert {address: problems for address, problems in found.items() if problems} == {}


def test_the_dialog_can_be_read_by_everybody(admin: Page) -> None:
    admin.goto(a_member(admin))
    admin.get_by_role("link", name="Prompt payment").click()
    admin.get_by_role("dialog", name="Prompt payment").wait_for()

    assert barriers(admin) == []


def test_nothing_stays_in_the_browser(admin: Page) -> None:
    for address in every_page(admin):
        admin.goto(address)

    assert admin.evaluate("[document.cookie, localStorage.length, sessionStorage.length]") == ["", 0, 0]


def test_a_member_is_found_by_keyboard_alone(admin: Page) -> None:
    admin.goto("/payments/")
    admin.keyboard.press("/")
    admin.keyboard.type("kama")
    expect(admin.locator("#found a").first).to_be_visible()

    admin.keyboard.press("ArrowDown")
    expect(admin.locator("#found a").first).to_be_focused()
    admin.keyboard.press("ArrowUp")
    expect(admin.get_by_role("searchbox")).to_be_focused()
    admin.keyboard.press("Enter")

    admin.wait_for_url(re.compile(r"/members/[0-9a-f-]{36}"))


def test_escape_closes_what_was_found(admin: Page) -> None:
    admin.goto("/")
    admin.keyboard.press("/")
    admin.keyboard.type("kama")
    expect(admin.locator("#found a").first).to_be_visible()

    admin.keyboard.press("Escape")

    expect(admin.locator("#found a")).to_have_count(0)


def test_the_keys_are_told(admin: Page) -> None:
    admin.goto("/")
    admin.keyboard.press("?")
    expect(admin.get_by_role("dialog", name="Keys")).to_be_visible()

    admin.keyboard.press("Escape")

    expect(admin.get_by_role("dialog", name="Keys")).to_be_hidden()


def test_a_slash_that_is_typed_stays_a_slash(admin: Page) -> None:
    admin.goto("/members/new")
    admin.get_by_label("Date of birth").press_sequentially("14/02/1990")

    expect(admin.get_by_label("Date of birth")).to_have_value("14/02/1990")


def test_the_first_stop_of_the_tab_key_skips_to_the_content(admin: Page) -> None:
    admin.goto("/members")
    admin.keyboard.press("Tab")
    expect(admin.get_by_role("link", name="Skip to content")).to_be_focused()

    admin.keyboard.press("Enter")

    expect(admin.locator("main")).to_be_focused()


def test_a_dialog_opens_closes_and_leaves_nothing_behind(admin: Page) -> None:
    address = a_member(admin)
    admin.goto(address)
    admin.get_by_role("link", name="Prompt payment").click()
    expect(admin.get_by_role("dialog", name="Prompt payment")).to_be_visible()

    admin.keyboard.press("Escape")

    expect(admin.locator("#dialog")).to_be_hidden()
    expect(admin.locator("#dialog > *")).to_have_count(0)
    assert admin.url.endswith(address)


def test_a_refused_form_keeps_what_was_typed_and_leads_to_each_field(admin: Page) -> None:
    admin.goto(a_member(admin))
    admin.get_by_role("link", name="Prompt payment").click()
    dialog = admin.get_by_role("dialog")
    dialog.get_by_label("Amount").fill("nothing")
    dialog.get_by_role("button", name="Send prompt").click()

    problem = dialog.locator(".problem")
    expect(problem).to_be_visible()
    expect(dialog.get_by_label("Amount")).to_have_value("nothing")
    problem.get_by_role("link").first.click()
    expect(dialog.get_by_label("Amount")).to_be_focused()


def test_a_failure_of_ours_leaves_the_page_as_it_is_and_is_told(admin: Page) -> None:
    admin.goto("/")
    told = {"HX-Trigger": '{"toast": {"texts": ["Something went wrong on our side."]}}'}
    admin.route("**/search", lambda route: route.fulfill(status=500, headers=told, body="<b>a broken part</b>"))

    admin.get_by_role("searchbox").fill("kamau")

    expect(admin.get_by_role("status")).to_contain_text("Something went wrong on our side.")
    expect(admin.get_by_text("a broken part")).to_have_count(0)


def test_a_lost_line_is_told(admin: Page) -> None:
    admin.goto("/")
    admin.context.set_offline(True)
    admin.get_by_role("searchbox").fill("kamau")

    expect(admin.get_by_role("status")).to_contain_text("No answer from the server")


def test_an_ended_session_leads_to_sign_in_and_not_into_the_page(admin: Page) -> None:
    admin.goto("/members")
    admin.context.clear_cookies()

    admin.get_by_role("searchbox").first.fill("kamau")

    admin.wait_for_url(re.compile(r"/sign-in\?next=/members"))


def test_everything_works_without_scripts(window_of: SignedInWindow) -> None:
    page = window_of("admin", scripts=False)
    page.goto("/members")
    page.get_by_role("searchbox", name="Search members").fill("kamau")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/search|/members/[0-9a-f-]{36}"))
    if page.url.endswith("/search"):
        page.locator("main .found a").first.click()
    page.get_by_role("link", name="Prompt payment").click()

    expect(page.get_by_role("heading", name="Prompt payment")).to_be_visible()
    page.get_by_role("link", name="Close", exact=True).click()
    page.wait_for_url(re.compile(r"/members/[0-9a-f-]{36}$"))
    page.locator("main summary", has_text="More").click()
    expect(page.get_by_role("link", name="Edit details")).to_be_visible()


def barriers(page: Page) -> list[str]:
    """What axe finds: each rule that is broken, with the first place."""
    page.evaluate(AXE)
    result = page.evaluate("tags => axe.run({runOnly: tags})", WCAG)
    return [f"{found['id']}: {found['nodes'][0]['target']}" for found in result["violations"]]
