"""Two web processes behind the proxy and the pool as they are shipped.

Nothing acknowledged is lost, nothing is done twice, and what strangers send is refused at the door.

Needs Debian's nginx and pgbouncer; without them it says so and does nothing.
"""

from __future__ import annotations

import json
import re
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import uuid4

import psycopg
import pytest

from app.demo import load
from app.identity.service import tokens
from app.kernel import database
from app.kernel.actor import Actor
from app.kernel.transactions import in_transaction
from launcher.processes import wait_until
from tests.deploy.balanced import DEPLOY, METRICS_TOKEN, MISSING, NAME, Balanced, running_balanced
from tests.harness.apps import dispose, make_app
from tests.harness.people import hire
from tests.harness.servers import DEMO_PASSWORD, Servers
from tests.payments.mpesa.conftest import someone

pytestmark = pytest.mark.skipif(
    bool(MISSING), reason=f"not installed: {', '.join(MISSING)} (Debian: apt-get install nginx-light pgbouncer)"
)

PEOPLE = 6  # who ask at the same time
SECRET = "00112233445566778899aabbccddeeff"
TOO_MUCH = 12 * 1024 * 1024


@dataclass(frozen=True)
class Program:
    """Another program that prompts payments: its token, and a member with an account whom it may prompt."""

    token: str
    member: str
    account: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}


@pytest.fixture(scope="module")
def town(servers: Servers) -> Iterator[tuple[Balanced, Program]]:
    with servers.clone() as name:
        app = make_app(servers.settings(name))
        with app.app_context():
            in_transaction(lambda: load.load(3, seed=7, password=DEMO_PASSWORD))
            officer = hire("administrator")
            issued = in_transaction(
                lambda: tokens.issue(
                    name="load", staff_id=officer, scopes=["mpesa.prompt"], days=2, by=Actor.system("tests")
                )
            )
            member = someone()
            program = Program(issued.secret, member.member_number, member.account_number)
        dispose(app)
        with running_balanced(servers, name) as system:
            yield system, program


@pytest.fixture
def system(town: tuple[Balanced, Program]) -> Balanced:
    return town[0]


@dataclass
class Load:
    """Programs that prompt, and browsers that look, until they are told to stop."""

    system: Balanced
    program: Program
    acknowledged: dict[str, str] = field(default_factory=dict)  # key: payment
    given_up: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    pages: Counter[int] = field(default_factory=Counter)
    enough: threading.Event = field(default_factory=threading.Event)
    _numbers: Iterator[int] = field(default_factory=lambda: iter(range(10**6)))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def prompt_again_and_again(self) -> None:
        while not self.enough.is_set():
            with self._lock:
                number = next(self._numbers)
            self.prompt(str(uuid4()), f"0712{number:06}")

    def prompt(self, key: str, phone: str) -> None:
        """One prompt, sent again with the same key until it is acknowledged."""
        asked = {"phone": phone, "amount": "100", "member": self.program.member, "account": self.program.account}
        body = json.dumps({**asked, "purpose": "SAVINGS_DEPOSIT"})
        for _ in range(40):
            try:
                answer = self.system.ask(
                    "POST", "/api/mpesa/stk-push", headers={**self.program.headers, "Idempotency-Key": key}, body=body
                )
            except OSError:
                time.sleep(0.1)
                continue
            self.statuses[answer.status] += 1
            if answer.status == 202:
                self.acknowledged[key] = json.loads(answer.body)["payment_id"]
                return
            assert answer.status == 503, answer.body
            time.sleep(0.1)
        self.given_up.append(key)

    def look_again_and_again(self) -> None:
        while not self.enough.is_set():
            self.pages[self.system.ask("GET", "/sign-in").status] += 1


def test_a_killed_web_process_loses_nothing_that_was_acknowledged(town: tuple[Balanced, Program]) -> None:
    system, program = town
    load = Load(system, program)
    people = [threading.Thread(target=load.prompt_again_and_again) for _ in range(PEOPLE)]
    people += [threading.Thread(target=load.look_again_and_again) for _ in range(2)]
    for person in people:
        person.start()

    assert wait_until(lambda: len(load.acknowledged) >= 10, 40)
    system.kill_web(system.ports["web1"])
    before = len(load.acknowledged)
    assert wait_until(lambda: len(load.acknowledged) >= before + 10, 40)  # the other carries on
    system.start_web(system.ports["web1"])
    assert wait_until(lambda: system.answers(system.ports["web1"]), 60)
    time.sleep(0.5)
    load.enough.set()
    for person in people:
        person.join(60)

    assert load.given_up == []
    assert set(load.pages) == {200}  # a page is asked for again at the other process
    with psycopg.connect(system.database_url) as connection:
        stored = [str(row[0]) for row in connection.execute("SELECT id FROM payment")]
        keys = [row[0] for row in connection.execute("SELECT key FROM idempotency_key")]
    assert sorted(load.acknowledged.values()) == sorted(stored)  # each once, and nothing that nobody was told of
    assert sorted(load.acknowledged) == sorted(keys)


def test_a_process_that_came_back_takes_its_share(system: Balanced) -> None:
    assert wait_until(lambda: all(system.answers(system.ports[web]) for web in ("web1", "web2")), 30)
    time.sleep(5)  # the proxy leaves one that refused alone for that long

    served = Counter(json.loads(line)["web"] for line in _asked(system, 12))

    assert set(served) == {f"127.0.0.1:{system.ports['web1']}", f"127.0.0.1:{system.ports['web2']}"}


def test_what_is_down_before_anything_was_sent_costs_nothing(town: tuple[Balanced, Program]) -> None:
    """With one process down a POST too reaches the other at once. With both down the answer says what to do."""
    system, program = town
    system.kill_web(system.ports["web2"])
    load = Load(system, program)

    for number in range(6):
        load.prompt(str(uuid4()), f"0713{number:06}")
    system.kill_web(system.ports["web1"])
    page = system.ask("GET", "/")
    answer = system.ask("POST", "/api/mpesa/stk-push", headers=program.headers, body="{}")
    for web in ("web1", "web2"):
        system.start_web(system.ports[web])

    assert load.statuses == {202: 6}
    assert page.status == answer.status == 503
    assert "the same form is never done twice" in page.body
    assert answer.headers["content-type"] == "application/problem+json"
    assert "same Idempotency-Key" in json.loads(answer.body)["detail"]
    assert all(one.headers["strict-transport-security"].startswith("max-age=31536000") for one in (page, answer))
    assert all(wait_until(lambda web=web: system.answers(system.ports[web]), 60) for web in ("web1", "web2"))
    assert wait_until(lambda: system.ask("GET", "/healthz").status == 200, 10)


# Worker, scheduler and pool


def test_worker_and_scheduler_do_their_work_through_the_pool(system: Balanced) -> None:
    def ready() -> dict[str, object]:
        found: dict[str, object] = json.loads(system.ask_plainly(system.ports["web1"], "GET", "/readyz").body)
        return found

    assert wait_until(lambda: ready()["scheduler"] is True and ready()["workers"]["default"] == 1, 30)  # type: ignore[index]
    assert wait_until(lambda: _done_slots(system) > 3, 30), system.log("worker-default.log")


def test_the_pool_gives_each_connection_the_settings_that_the_application_asks_for(system: Balanced) -> None:
    with psycopg.connect(system.environment["DATABASE_URL"], autocommit=True, prepare_threshold=None) as connection:
        found = {
            name: connection.execute(f"SHOW {name}").fetchone()[0]  # type: ignore[index]  # one row each
            for name in ("lock_timeout", "statement_timeout", "timezone")
        }

    assert found == {
        "lock_timeout": f"{database.LOCK_TIMEOUT_MS // 1000}s",
        "statement_timeout": f"{database.STATEMENT_TIMEOUT_MS // 1000}s",
        "timezone": "UTC",
    }


def test_nothing_that_one_transaction_sets_reaches_the_next(system: Balanced) -> None:
    url = system.environment["DATABASE_URL"]
    with psycopg.connect(url, prepare_threshold=None) as one, psycopg.connect(url, prepare_threshold=None) as other:
        one.execute("SET LOCAL statement_timeout = 0")
        one.commit()

        assert other.execute("SHOW statement_timeout").fetchone() == ("30s",)


# TLS and headers


def test_pages_insist_on_https_and_hide_who_serves_them(system: Balanced) -> None:
    answer = system.ask("GET", "/sign-in")

    assert answer.status == 200
    assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    assert answer.headers["content-security-policy"].startswith("default-src 'self'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["server"] == "nginx"
    assert "__Host-pamoja" in answer.headers["set-cookie"]
    assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_tls_is_refused(system: Balanced, version: ssl.TLSVersion) -> None:
    with pytest.warns(DeprecationWarning), pytest.raises(OSError):
        system.tls(least=version, most=version, ciphers="DEFAULT:@SECLEVEL=0")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_new_tls_is_spoken(system: Balanced, version: ssl.TLSVersion) -> None:
    with system.tls(least=version, most=version) as line:
        assert line.version() == version.name.replace("_", ".")


@pytest.mark.parametrize("cipher", ["AES128-SHA", "AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-SHA", "NULL-SHA256"])
def test_ciphers_without_forward_secrecy_or_integrity_are_refused(system: Balanced, cipher: str) -> None:
    with pytest.raises(OSError):
        system.tls(most=ssl.TLSVersion.TLSv1_2, ciphers=f"{cipher}:@SECLEVEL=0")


def test_another_name_is_not_served(system: Balanced) -> None:
    with pytest.raises(OSError):
        system.tls(name="other.example")
    with pytest.raises(OSError):
        system.ask_plainly(system.ports["http"], "GET", "/", headers={"Host": "other.example"})


def test_plain_http_leads_browsers_on_and_stops_programs(system: Balanced) -> None:
    plain = system.ports["http"]

    page = system.ask_plainly(plain, "GET", "/members?page=2")
    sent = [
        system.ask_plainly(plain, method, path, body="{}").status
        for method, path in (
            ("POST", "/api/mpesa/stk-push"),
            ("GET", "/api/members"),
            ("POST", f"/hooks/m/{SECRET}/stk"),
            ("POST", "/sign-in"),
        )
    ]

    assert (page.status, page.headers["location"]) == (301, f"https://{NAME}/members?page=2")
    assert sent == [403] * 4


# Who asks


def test_what_a_sender_claims_about_himself_is_not_believed(system: Balanced) -> None:
    """A callback to a wrong secret is logged with its source: the proxy's word, whatever the sender says."""
    forged = {
        "X-Forwarded-For": "196.201.214.200",
        "X-Real-IP": "196.201.214.200",
        "Forwarded": "for=196.201.214.200;proto=http",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "evil.example",
        "X-Request-ID": "made-up-by-the-sender",
    }

    answer = system.ask("POST", f"/hooks/m/{SECRET}/stk", headers=forged, body="{}")
    request_id = answer.headers["x-request-id"]

    assert answer.status == 404
    assert re.fullmatch(r"[0-9a-f]{32}", request_id)
    assert wait_until(lambda: len(_lines_of(system, request_id)) >= 2, 5)
    sources = {line.get("source", line.get("address")) for line in _lines_of(system, request_id)}
    assert sources == {"127.0.0.1"}
    assert "evil.example" not in answer.body


def test_a_web_process_believes_nobody_else(system: Balanced) -> None:
    """Directly asked with forged headers the last word is the sender's own; firewalls keep others away from there."""
    answer = system.ask_plainly(system.ports["web1"], "GET", "/metrics", headers={"X-Forwarded-For": "127.0.0.1"})

    assert answer.status == 404


# Smuggling and size


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: pamoja.example\r\n\r\n"


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 4\r\nContent-Length: 60\r\n",
        b"Content-Length: +4\r\n",
        b"Content-Length: 0x4\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
    ],
    ids=lambda headers: headers.decode().strip().replace("\r\n", " + "),
)
def test_a_request_with_two_lengths_is_one_bad_request(system: Balanced, headers: bytes) -> None:
    start = b"POST /sign-in HTTP/1.1\r\nHost: pamoja.example\r\n"

    answer = system.raw(start + headers + b"\r\n0\r\n\r\n" + SMUGGLED)

    statuses = re.findall(rb"HTTP/1\.1 (\d{3})", answer)
    assert len(statuses) == 1
    assert statuses[0] in (b"400", b"501")
    assert not [line for line in _proxy_lines(system) if line["place"] == "/smuggled"]


def test_bad_chunks_reach_nobody(system: Balanced) -> None:
    start = b"POST /sign-in HTTP/1.1\r\nHost: pamoja.example\r\nTransfer-Encoding: chunked\r\n\r\n"

    answer = system.raw(start + b"zz\r\nabc\r\n0\r\n\r\n" + SMUGGLED)

    assert re.findall(rb"HTTP/1\.1 (\d{3})", answer) == [b"400"]


def test_more_than_a_document_is_refused_at_the_door(system: Balanced) -> None:
    head = f"POST /sign-in HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: {TOO_MUCH}\r\n\r\n"

    answer = system.raw(head.encode())  # refused by what it announces, before a byte of it is taken

    assert answer.startswith(b"HTTP/1.1 413")


def test_where_no_document_is_due_the_application_takes_less(system: Balanced) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    assert system.ask("POST", "/sign-in", headers=form, body=b"a" * 2_000_000).status == 413


# What is not for everybody


def test_figures_and_readiness_are_not_passed_on(system: Balanced) -> None:
    with_token = {"Authorization": f"Bearer {METRICS_TOKEN}"}

    assert [system.ask("GET", path, headers=with_token).status for path in ("/metrics", "/readyz")] == [404, 404]
    assert system.ask("GET", "/healthz").status == 200


def test_either_web_process_tells_figures_of_all_its_workers(system: Balanced) -> None:
    """What one worker counted the other tells too: asked often enough, the sum never falls back."""

    def counted() -> float:
        system.ask_plainly(system.ports["web1"], "GET", "/healthz")  # meanwhile the request before gets counted
        page = system.ask_plainly(system.ports["web1"], "GET", "/metrics").body
        assert 'pamoja_build_info{profile="production",release="of-tests"} 1.0' in page
        return sum(float(number) for number in re.findall(r"^pamoja_requests_total\{.*\} (.+)$", page, re.M))

    seen = [counted() for _ in range(8)]

    assert seen == sorted(seen)
    assert wait_until(lambda: counted() >= seen[0] + 8, 10)


def test_the_proxys_logs_hold_no_secret_and_no_query(system: Balanced) -> None:
    for path in (
        f"/hooks/m/{SECRET}/stk",
        "/api/mpesa/query/ws_CO_22112026104102254712345678",
        "/members?phone=254712345678",
        "/254712345678",
        "/nothing/28765431",
    ):
        system.ask("POST", path, body="{}")

    written = "".join(system.log(name) for name in ("pamoja.log", "pamoja-error.log", "nginx.log"))
    assert '"place":"/hooks"' in written
    for secret in (SECRET, "254712345678", "28765431", "phone=", METRICS_TOKEN):
        assert secret not in written, secret
    assert all(line["request_id"] for line in _proxy_lines(system))


def test_the_pool_asks_for_what_the_application_asks_for() -> None:
    shipped = (DEPLOY / "pgbouncer" / "pgbouncer.ini").read_text()

    assert f"SET lock_timeout = {database.LOCK_TIMEOUT_MS};" in shipped
    assert f"SET statement_timeout = {database.STATEMENT_TIMEOUT_MS};" in shipped


def _asked(system: Balanced, times: int) -> list[str]:
    """Ask so many times; the proxy's lines about it."""
    before = len(_proxy_text(system))
    for _ in range(times):
        assert system.ask("GET", "/healthz").status == 200
    assert wait_until(lambda: len(_proxy_text(system)) >= before + times, 5)
    return _proxy_text(system)[before:]


def _proxy_text(system: Balanced) -> list[str]:
    return system.log("pamoja.log").splitlines()


def _proxy_lines(system: Balanced) -> list[dict[str, str]]:
    return [json.loads(line) for line in _proxy_text(system)]


def _lines_of(system: Balanced, request_id: str) -> list[dict[str, str]]:
    """What the web processes wrote about one request."""
    text = "".join(system.log(f"web-{system.ports[web]}.log") for web in ("web1", "web2"))
    return [json.loads(line) for line in text.splitlines() if f'"{request_id}"' in line]


def _done_slots(system: Balanced) -> int:
    with psycopg.connect(system.database_url) as connection:
        row = connection.execute("SELECT count(*) FROM schedule_slot WHERE done_at IS NOT NULL").fetchone()
        return int(row[0]) if row else 0
