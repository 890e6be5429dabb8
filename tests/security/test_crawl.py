"""Everything an administrator can reach by links: it shows hostile texts as text, breaks nowhere and writes nothing."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit

import psycopg
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.demo.load import load
from app.identity import queries as identity
from app.kernel.transactions import in_transaction
from app.web.headers import HEADERS
from launcher.postgres import SUPERUSER
from tests.harness.apps import dispose, make_app
from tests.harness.people import signed_in_client
from tests.harness.servers import DEMO_PASSWORD, Servers
from tests.security.society import HOSTILE, fingerprints, poison

MOST_PAGES = 400
NOTED_BY_READING = {
    "public.record_view",  # who looked at whom
    "public.staff_session",  # when somebody was last seen
    "public.sign_in_counter",
    "public.audit_event",  # an export is a read that is written down
}


class Links(HTMLParser):
    """Where a page leads, by links and by what HTMX asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag in ("a", "img", "link") and (named.get("href") or named.get("src")):
            self.found.append((str(named.get("href") or named.get("src")), False))
        if named.get("hx-get"):
            self.found.append((str(named["hx-get"]), True))


@dataclass
class Crawl:
    """What a walk through all pages has seen."""

    answers: dict[tuple[str, bool], TestResponse] = field(default_factory=dict)
    came_from: dict[tuple[str, bool], str] = field(default_factory=dict)
    before: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    poisoned: set[str] = field(default_factory=set)

    def pages(self) -> Iterator[tuple[str, TestResponse]]:
        for (address, _), answer in self.answers.items():
            if answer.mimetype == "text/html":
                yield address, answer


@pytest.fixture(scope="module")
def crawl(servers: Servers) -> Iterator[Crawl]:
    with servers.clone() as name:
        app = make_app(servers.settings(name))
        app.config["PROPAGATE_EXCEPTIONS"] = False  # a page that breaks is one finding; the walk goes on
        with app.app_context():
            in_transaction(lambda: load(12, seed=7, password=DEMO_PASSWORD))
            admin = identity.by_username("admin")
            assert admin is not None
            client = signed_in_client(app, admin.id)
        with psycopg.connect(servers.postgres.url(SUPERUSER, name), autocommit=True) as connection:
            seen = Crawl(poisoned=poison(connection))
            seen.before = fingerprints(connection)
            _walk(client, seen)
            seen.after = fingerprints(connection)
        yield seen
        dispose(app)


def _walk(client: FlaskClient, seen: Crawl) -> None:
    waiting: deque[tuple[str, bool]] = deque([("/", False), ("/more", False)])
    shapes: dict[str, int] = {}
    while waiting and len(seen.answers) < MOST_PAGES:
        step = waiting.popleft()
        address, wants_fragment = step
        if step in seen.answers:
            continue
        headers = {"HX-Request": "true"} if wants_fragment else {}
        answer = seen.answers[step] = client.get(address, headers=headers)
        if answer.mimetype != "text/html":
            continue
        reader = Links()
        reader.feed(answer.text)
        for link, is_fragment in reader.found:
            target = urldefrag(urljoin(f"http://localhost{address}", link))[0]
            if urlsplit(target).netloc != "localhost":
                continue
            path = target.removeprefix("http://localhost") or "/"
            shape = re.sub(r"[0-9a-f-]{36}|\d+|=[^&]*", "*", path)
            shapes[shape] = shapes.get(shape, 0) + 1
            if shapes[shape] <= 3 and (path, is_fragment) not in seen.came_from:  # three members say what thirty do
                seen.came_from[path, is_fragment] = address
                waiting.append((path, is_fragment))


def test_the_walk_has_been_everywhere(crawl: Crawl) -> None:
    assert len(crawl.answers) > 60
    assert {"member.first_name", "member.search_name"} & crawl.poisoned
    shown = sum("&lt;svg onload" in answer.text for _, answer in crawl.pages())
    assert shown > 10, "the hostile text is hardly shown anywhere: this test would prove nothing"


def test_no_link_leads_nowhere_and_no_page_breaks(crawl: Crawl) -> None:
    broken = {
        step[0]: (answer.status_code, crawl.came_from.get(step))
        for step, answer in crawl.answers.items()
        if answer.status_code >= 400
    }

    assert not broken


def test_a_hostile_text_is_shown_as_text_everywhere(crawl: Crawl) -> None:
    """C2, C12: nothing becomes markup, and no template is made of what somebody wrote."""
    for address, answer in crawl.pages():
        assert "<svg onload" not in answer.text, address
        assert '"">' not in answer.text.replace('=""', ""), address
        assert "{{7*7}}" in answer.text or "7*7" not in answer.text, address
        assert ">49" not in answer.text or HOSTILE not in answer.text, address


def test_every_answer_is_hardened_and_says_what_it_is(crawl: Crawl) -> None:
    """C34–C39, C44, C124."""
    for (address, _), answer in crawl.answers.items():
        told = {name: answer.headers.get(name) for name in HEADERS}
        if address == "/api/docs":  # Swagger UI draws its icons from its own stylesheet, and from nowhere else
            told["Content-Security-Policy"] = str(told["Content-Security-Policy"]).removesuffix(
                "; img-src 'self' data:"
            )
        assert told == HEADERS, address
        if answer.mimetype.startswith("text/"):
            assert "charset=utf-8" in answer.headers["Content-Type"], address
        if not address.startswith("/static/") and answer.mimetype == "text/html":
            assert "no-store" in answer.headers["Cache-Control"], address


def test_looking_changes_nothing(crawl: Crawl) -> None:
    """C42: a GET never changes a state, whoever sends it."""
    changed = {table for table in crawl.before if crawl.before[table] != crawl.after[table]}

    assert changed <= NOTED_BY_READING
