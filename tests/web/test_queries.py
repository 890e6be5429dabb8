"""Lists cost the same number of queries whether they show three rows or twenty-five."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import event

from app.api.webhooks import service as webhooks
from app.api.webhooks.schemas import NewSubscription
from app.approvals import service as approvals
from app.demo.load import load
from app.identity import queries as identity
from app.identity.service import tokens
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.money import kes
from app.kernel.transactions import in_transaction
from app.ledger import queries as ledger
from app.ledger.journals import Journal, JournalLine
from tests.harness.apps import dispose, make_app
from tests.harness.people import hire, signed_in_client
from tests.harness.servers import DEMO_PASSWORD, Servers

BY = Actor.system("tests")
LISTS = (
    "/", "/members", "/members?status=active", "/payments/", "/approvals", "/approvals/all", "/ledger/entries",
    "/ledger/chart", "/ledger/trial-balance", "/ledger/months", "/audit", "/audit/reads", "/users", "/api-tokens",
    "/roles", "/fees", "/savings/products", "/settings", "/settings/branches", "/messages", "/webhooks", "/ops/health",
)  # fmt: skip


def fill(count: int) -> None:
    """A society with ``count`` of everything that lists show."""
    in_transaction(lambda: load(count, seed=7, password=DEMO_PASSWORD))
    asker = identity.by_username("accountant")
    assert asker is not None
    maker = Actor("staff", str(asker.id), "web")
    branch = ledger.head_office()
    for n in range(count):
        hire("teller", username=f"teller-{n}")
        in_transaction(
            lambda n=n: tokens.issue(name=f"t{n}", staff_id=asker.id, scopes=["members.read"], days=9, by=BY)
        )
        values = NewSubscription(description=f"r{n}", url="https://hooks.example.com/", events=["payment.failed"])
        in_transaction(lambda values=values: webhooks.subscribe(values, by=BY))
        journal = Journal(
            on=clock.business_date(),
            description=f"Bank charges {n}",
            lines=[
                JournalLine(account="5210", branch_id=branch, debit=kes(10)),
                JournalLine(account="1110", branch_id=branch, credit=kes(10)),
            ],
        )
        in_transaction(lambda journal=journal: approvals.ask("ledger.journal", journal, by=maker, reason="Statement"))


def costs(app: Flask) -> dict[str, int]:
    """Queries for each list, for an administrator who has seen the page before."""
    with app.app_context():
        admin = identity.by_username("admin")
        assert admin is not None
        client, engine = signed_in_client(app, admin.id), db.engine
    found = {}
    for address in LISTS:
        assert client.get(address).status_code == 200, address
        asked: list[str] = []

        def note(connection: object, cursor: object, statement: str, *_: object, asked: list[str] = asked) -> None:
            if statement.lstrip().upper().startswith(("SELECT", "WITH")):
                asked.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        client.get(address)
        event.remove(engine, "before_cursor_execute", note)
        found[address] = len(asked)
    return found


def test_a_list_costs_the_same_queries_for_three_rows_as_for_twenty(servers: Servers) -> None:
    counted = []
    for count in (3, 20):
        with servers.clone() as name:
            app = make_app(servers.settings(name))
            with app.app_context():
                fill(count)
            counted.append(costs(app))
            dispose(app)

    few, many = counted
    assert {address: (few[address], many[address]) for address in LISTS if many[address] > few[address] + 1} == {}
    assert min(many.values()) > 0, many
    assert max(many.values()) <= 25, many
