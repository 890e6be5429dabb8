"""One sandbox for all tests that can share it; each test has a number of its own and the usual settings."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.catcher import Catcher
from tests.sandbox.daraja import Daraja
from tests.sandbox.server import Sandbox

# Timings that a test can wait for; each number is the default divided by about ten.
QUICK = {
    "prompt_seconds": 0.1,
    "prompt_timeout_seconds": 6,
    "unreachable_seconds": 0.5,
    "callback_seconds": 0.05,
    "confirmation_seconds": 0.1,
    "validation_seconds": 1,
}
_numbers = itertools.count(254712000001)


@pytest.fixture(scope="session")
def shared_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    sandbox = Sandbox(tmp_path_factory.mktemp("sandbox") / "books")
    yield sandbox
    sandbox.stop()


@pytest.fixture
def sandbox(shared_sandbox: Sandbox) -> Iterator[Sandbox]:
    """The shared sandbox, quick, with no fault set, and again so afterwards."""
    usual = shared_sandbox.control("GET", "/settings")
    shared_sandbox.settings(**QUICK)
    yield shared_sandbox
    shared_sandbox.control("DELETE", "/faults", expect=204)
    shared_sandbox.settings(**usual)


@pytest.fixture
def own_sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox that a test may kill."""
    sandbox = Sandbox(tmp_path / "books")
    sandbox.settings(**QUICK)
    yield sandbox
    if sandbox.process.poll() is None:
        sandbox.stop()


@pytest.fixture
def catcher() -> Iterator[Catcher]:
    catcher = Catcher()
    yield catcher
    catcher.close()


@pytest.fixture
def daraja(sandbox: Sandbox) -> Daraja:
    return sandbox.daraja()


@pytest.fixture
def phone() -> str:
    return str(next(_numbers))
