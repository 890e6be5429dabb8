"""The page that shows the document, in a browser: served by ourselves, under our own policy, and of use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from app.api.document.views import SWAGGER_UI
from app.web.assets import KEEP_FOR_EVER
from app.web.frame import STATIC
from tests.api.town import Town, running_town
from tests.harness.browser import Windows


@pytest.fixture
def town(committed_app: Flask) -> Iterator[Town]:
    with running_town(committed_app, members_count=2) as running:
        yield running


@pytest.fixture
def docs(town: Town, window: Windows) -> Page:
    """The page, with what went wrong on it so far in ``page.troubles`` and what it asked for in ``page.asked``."""
    page = window(town.url)
    page.troubles, page.asked = [], []  # type: ignore[attr-defined]  # noted on the page, for the tests below
    page.on("console", lambda said: page.troubles.append(said.text) if said.type in ("error", "warning") else None)  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: page.troubles.append(str(error)))  # type: ignore[attr-defined]
    page.on("request", lambda request: page.asked.append(request.url))  # type: ignore[attr-defined]
    page.goto("/api/docs")
    expect(page.locator("#operations-members-members_index")).to_be_visible()
    return page


def test_an_endpoint_is_tried_with_a_token_that_is_kept_nowhere(docs: Page, town: Town) -> None:
    docs.get_by_role("button", name="Authorize").first.click()
    docs.locator("#auth-bearer-value").fill(town.token)
    docs.get_by_role("dialog").or_(docs.locator(".dialog-ux")).get_by_role("button", name="Apply credentials").click()
    docs.get_by_role("button", name="Close").first.click()
    docs.locator("#operations-society-society_business_date").get_by_role("button").first.click()
    docs.get_by_role("button", name="Try it out").click()
    docs.get_by_role("button", name="Execute").click()

    expect(docs.locator(".live-responses-table tbody .response-col_status").first).to_contain_text("200")
    expect(docs.locator(".live-responses-table")).to_contain_text("business_date")
    assert docs.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])") == '[{},{},""]'
    assert docs.troubles == []  # type: ignore[attr-defined]
    assert {url.split("/api/")[0].split("/static/")[0] for url in docs.asked} == {town.url}  # type: ignore[attr-defined]


def test_its_files_are_our_own_and_kept_for_ever(docs: Page, town: Town) -> None:
    files = [url for url in docs.asked if SWAGGER_UI in url]  # type: ignore[attr-defined]

    assert len(files) == 2
    for url in files:
        assert docs.request.get(url).headers["cache-control"] == KEEP_FOR_EVER
    assert (STATIC / SWAGGER_UI / "LICENSE").is_file()
