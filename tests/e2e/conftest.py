"""Who takes part in the journeys. All run against one whole system, started as `make run` starts it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.e2e.people import SOON, Member, Officer, Somebody, fresh_members
from tests.harness.browser import Windows
from tests.harness.programs import Stack

_fresh = fresh_members()
expect.set_options(timeout=SOON)


@pytest.fixture
def somebody() -> Somebody:
    """A member whom no other journey has met."""
    return next(_fresh)


@pytest.fixture
def officer(window: Windows, stack: Stack) -> Iterator[Callable[..., Officer]]:
    """Signs somebody in: ``officer(size=PHONE, scripts=False)``. Browsers that complained fail the test."""
    hired: list[Officer] = []

    def hire(**how: object) -> Officer:
        hired.append(Officer(window, stack, **how))  # type: ignore[arg-type]
        return hired[-1]

    yield hire
    assert [complaint for someone in hired for complaint in someone.complaints] == []


@pytest.fixture
def member(window: Windows, stack: Stack, somebody: Somebody) -> Member:
    """That member, with the phone in hand."""
    return Member(window, stack, somebody.phone)
