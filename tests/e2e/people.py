"""What people do, step by step: the officer at the desk, and the member with a phone in hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from playwright.sync_api import Locator, expect

from app.demo.commands import USUAL_MEMBERS, USUAL_SEED
from app.demo.people import people
from app.kernel.phones import Phone
from app.members.models import Language
from app.members.states import MemberStatus
from launcher.processes import wait_until
from tests.harness.browser import DESKTOP, Windows, sign_in
from tests.harness.programs import Stack
from tests.harness.servers import DEMO_PASSWORD

SOON = 60_000  # milliseconds: two cores may be busy with other tests


@dataclass(frozen=True, slots=True)
class Somebody:
    """A demonstration member, as the register shows one."""

    name: str
    number: str
    phone: Phone


class Officer:
    """Somebody of the staff with a browser."""

    def __init__(
        self,
        window: Windows,
        stack: Stack,
        *,
        username: str = "admin",
        size: tuple[int, int] = DESKTOP,
        scripts: bool = True,
    ) -> None:
        self.page = window(stack.url, size=size, scripts=scripts)
        self.complaints: list[str] = []  # of the browser: blocked by our CSP, errors of a script
        self.page.on("console", lambda said: self._note(said.type, said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        sign_in(self.page, username, DEMO_PASSWORD)

    def _note(self, kind: str, said: str) -> None:
        """Chromium also calls it an error when a form is refused; that is an answer like any other."""
        if kind == "error" and not re.search(r"status of (409|422)", said):
            self.complaints.append(said)

    @property
    def dialog(self) -> Locator:
        """The dialog, or without JavaScript the page in its stead."""
        return self.page.locator(".panel").filter(visible=True)

    def find(self, somebody: Somebody) -> None:
        """From any page: type into the search, open what it finds."""
        search = self.page.get_by_label("Search members, receipts, phones and accounts")
        search.fill(somebody.number)
        link = self.page.locator("#found").get_by_role("link", name=somebody.name)
        link.click()
        expect(self.page).to_have_title(re.compile(re.escape(somebody.name)))

    def prompt(self, amount: str, *, phone: str | None = None, account: str | None = None) -> None:
        """On a profile: fill the prompt and send it."""
        self.page.get_by_role("link", name="Prompt payment").click()
        if account:
            self.dialog.get_by_label("What for").select_option(label=account)
        self.dialog.get_by_label("Amount (KES)").fill(amount)
        if phone is not None:
            self.dialog.get_by_label("Phone", exact=True).fill(phone)
        self.dialog.get_by_role("button", name="Send prompt").click()

    def figure(self, label: str) -> str:
        """One of the figures at the top of a profile."""
        return self.page.locator(".figures div").filter(has_text=label).locator("dd").first.inner_text().split("\n")[0]


class Member:
    """Somebody with a phone: the sandbox's page."""

    def __init__(self, window: Windows, stack: Stack, phone: Phone, *, scripts: bool = True) -> None:
        self.page = window(stack.sandbox.url, scripts=scripts)
        self.phone = phone
        self._stack = stack
        self.look()

    def look(self) -> None:
        """Take the phone in hand."""
        self.page.goto(f"/?phone={self.phone.msisdn}")

    def is_asked(self, words: str) -> None:
        """The prompt rings, with these words on it."""
        expect(self.page.locator("#screen")).to_contain_text(words)

    def enters_pin(self, pin: str = "1234") -> None:
        self.page.get_by_label("Enter M-PESA PIN").fill(pin)
        self.page.get_by_role("button", name="Send", exact=True).click()

    def cancels(self) -> None:
        self.page.get_by_role("button", name="Cancel", exact=True).click()

    def reads(self, words: str) -> None:
        """A text with these words arrives."""
        expect(self.page.locator("#texts")).to_contain_text(words)

    def pays_paybill(self, account: str, amount: str) -> None:
        """From the phone's menu, once M-PESA knows where to announce it: a paybill that is not registered is silent."""
        assert wait_until(lambda: _paybill_is_registered(self._stack), SOON / 1000)
        self.page.get_by_label("Account number").fill(account)
        self.page.get_by_label("Amount, KES").fill(amount)
        self.page.get_by_role("button", name="Pay", exact=True).click()


def _paybill_is_registered(stack: Stack) -> bool:
    with stack.connect() as connection:
        done = connection.execute("SELECT 1 FROM mpesa_errand WHERE kind = 'c2b_register' AND state = 'done'")
        return done.fetchone() is not None


def fresh_members(language: Language = Language.ENGLISH) -> Iterator[Somebody]:
    """Demonstration members with a Safaricom line, in the order of the register.

    Each test takes one that no other has met: a second prompt to a phone that is being asked is refused.
    """
    for position, person in enumerate(people(USUAL_MEMBERS, seed=USUAL_SEED, today=date(2026, 1, 1)), start=1):
        is_fit = person.status is MemberStatus.ACTIVE and person.phone.operator == "Safaricom"
        if is_fit and person.language is language and position > 1:
            name = " ".join(part for part in (person.first_name, person.middle_name, person.last_name) if part)
            yield Somebody(name, f"M{position:06}", person.phone)
