"""Chromium, as Debian packages it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

DESKTOP = (1366, 768)
PHONE = (360, 740)

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PLACES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)


@contextmanager
def running_browser() -> Iterator[Browser]:
    """One browser, from which each test opens windows of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=FLAGS)
        yield browser
        browser.close()


class Windows:
    """Opens windows that share nothing: cookies, storage, cache."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._open: list[Page] = []

    def __call__(
        self, base_url: str | None = None, *, size: tuple[int, int] = DESKTOP, scripts: bool = True, dark: bool = False
    ) -> Page:
        """A new window: ``window(stack.url, size=PHONE, scripts=False)``; ``page.goto("/")`` starts at its base."""
        context = self._browser.new_context(
            base_url=base_url,
            viewport={"width": size[0], "height": size[1]},
            java_script_enabled=scripts,
            color_scheme="dark" if dark else "light",
            locale="en-KE",
            timezone_id="Africa/Nairobi",
        )
        context.set_default_timeout(15_000)
        page = context.new_page()
        self._open.append(page)
        return page

    def close(self) -> None:
        """Close all of them."""
        for page in self._open:
            page.context.close()


def sign_in(page: Page, username: str, password: str) -> None:
    """Sign in as a person does."""
    page.goto("/sign-in")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)


def _chromium() -> str:
    for place in PLACES:
        if found := shutil.which(place):
            return found
        if Path(place).exists():
            return place
    raise FileNotFoundError("Chromium is missing. On Debian: apt-get install chromium fonts-dejavu-core")
