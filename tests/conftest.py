"""Fixtures for all tests.

Four speeds: rules alone, use cases rolled back, providers over the wire, a few journeys in a browser.

``app``               an application on a migrated, empty database; its context is pushed; what it saves is rolled back
``clock``             its clock: ``clock.set("2026-03-31T22:30+00:00")``, ``clock.forward(minutes=15)``
``client``            a browser without a session: ``client.get("/")``; each request runs apart from the test's context
``signed_in``         ``signed_in("officer")``: a client in which somebody with that role has signed in; its requests
                      carry the CSRF token (``without_token(client)`` of harness.people takes it away)
``committed_app``     an application on a database of its own that really commits: for threads and processes. No
                      context is pushed: ``with committed_app.app_context(): …`` in each thread
``servers``           PostgreSQL and Redis of this run: ``servers.postgres``, ``servers.redis``,
                      ``servers.settings(name)``, ``with servers.clone() as name``
``owner_connection``  psycopg, as the owner, in the database of ``app`` (sees nothing that ``app`` has not committed)
``sandbox``           the simulated providers in a process of their own: ``sandbox.daraja_url``, ``sandbox.get(path)``,
                      ``sandbox.send("POST", path, body)``, ``sandbox.fault("callback_lost", times=2)``
``stack``             a whole system with demonstration data, started by the launcher: ``stack.url``, ``stack.sandbox``,
                      ``stack.pid("web")``, ``stack.kill_role("payments")``, ``stack.flask("ledger", "verify")``,
                      ``stack.connect()``. One for all tests: leave it running, and use members of your own
``window``            opens a browser window: ``page = window(stack.url, size=PHONE, scripts=False)``; for
                      ``sign_in(page, "admin", DEMO_PASSWORD)`` see tests.harness.browser

What a test prepares it saves by ``in_transaction(...)`` or ``db.session.commit()``; a request saves it for you. Run a
job or a command of the application within ``apart(...)`` (tests.harness.apps), as a request is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from launcher.postgres import OWNER
from tests.harness import trail
from tests.harness.apps import dispose, make_app, rolled_back
from tests.harness.clock import SettableClock
from tests.harness.leftovers import clear_away
from tests.harness.people import hire, signed_in_client
from tests.harness.programs import Sandbox, Stack, running_sandbox, running_stack
from tests.harness.servers import Servers, running_servers
from tests.harness.sharing import ByFile

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from xdist.scheduler import LoadScopeScheduling

    from tests.harness.browser import Windows


def pytest_sessionstart() -> None:
    """Begin on a machine without what an earlier run left behind when it was killed."""
    clear_away()
    trail.start()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Share the tests out as this house needs it."""
    return ByFile(config, log)


@pytest.fixture(autouse=True)
def _every_change_is_on_record() -> Iterator[None]:
    """Whatever a page, endpoint, job or command of the application saves in a test leaves an audit row."""
    trail.found.clear()
    yield
    untold, trail.found[:] = [str(one) for one in trail.found], []
    assert untold == []


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    with running_servers() as running:
        yield running


@pytest.fixture(scope="session")
def _session_clock() -> SettableClock:
    return SettableClock()


@pytest.fixture(scope="session")
def _session_database(servers: Servers) -> Iterator[str]:
    with servers.clone() as name:
        yield name


@pytest.fixture(scope="session")
def _session_app(servers: Servers, _session_database: str, _session_clock: SettableClock) -> Iterator[Flask]:
    app = make_app(servers.settings(_session_database), _session_clock)
    yield app
    dispose(app)


@pytest.fixture
def clock(_session_clock: SettableClock) -> Iterator[SettableClock]:
    yield _session_clock
    _session_clock.run()


@pytest.fixture
def app(_session_app: Flask, clock: SettableClock) -> Iterator[Flask]:
    _session_app.extensions["redis"].flushall()
    with rolled_back(_session_app), _session_app.app_context():
        yield _session_app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def signed_in(app: Flask) -> Callable[[str], FlaskClient]:
    return lambda role: signed_in_client(app, hire(role))


@pytest.fixture
def committed_app(servers: Servers, clock: SettableClock) -> Iterator[Flask]:
    with servers.clone() as name:
        app = make_app(servers.settings(name), clock)
        app.extensions["redis"].flushall()
        yield app
        dispose(app)


@pytest.fixture
def owner_connection(servers: Servers, _session_database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(servers.postgres.url(OWNER, _session_database)) as connection:
        yield connection
        connection.rollback()


@pytest.fixture(scope="session")
def _session_sandbox() -> Iterator[Sandbox]:
    with running_sandbox() as running:
        yield running


@pytest.fixture
def sandbox(_session_sandbox: Sandbox) -> Iterator[Sandbox]:
    yield _session_sandbox
    _session_sandbox.clear_faults()


@pytest.fixture(scope="session")
def _session_stack() -> Iterator[Stack]:
    with running_stack() as running:
        yield running


@pytest.fixture
def stack(_session_stack: Stack) -> Iterator[Stack]:
    _session_stack.wait_until_ready()
    yield _session_stack
    _session_stack.sandbox.clear_faults()


@pytest.fixture(scope="session")
def _session_browser() -> Iterator[Browser]:
    # Its import takes a while, and few tests need it.
    from tests.harness.browser import running_browser

    with running_browser() as running:
        yield running


@pytest.fixture
def window(_session_browser: Browser) -> Iterator[Windows]:
    from tests.harness.browser import Windows

    windows = Windows(_session_browser)
    yield windows
    windows.close()
