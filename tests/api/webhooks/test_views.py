"""The pages on which administrators add receivers and look after them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.api.webhooks import jobs, queries
from app.api.webhooks.models import WebhookSubscription
from app.api.webhooks.states import SubscriptionState
from app.audit.models import AuditEvent
from app.kernel.database import db
from tests.api.webhooks.receiver import Receiver
from tests.harness.apps import apart

SignedIn = Callable[[str], FlaskClient]


@pytest.fixture
def admin(signed_in: SignedIn) -> FlaskClient:
    return signed_in("administrator")


def form(receiver: Receiver, **changes: object) -> dict[str, object]:
    return {"description": "Accounting", "url": receiver.url, "events": ["payment.succeeded"], **changes}


def the_only() -> WebhookSubscription:
    db.session.expire_all()
    return db.session.scalars(select(WebhookSubscription)).one()


def test_an_administrator_adds_a_receiver_and_sees_its_secret_once(
    app: Flask, admin: FlaskClient, receiver: Receiver
) -> None:
    answer = admin.post("/webhooks", data=form(receiver))

    secret = re.search(r"whsec_[\w+/=]+", answer.text)
    assert answer.status_code == 201
    assert secret is not None
    page = admin.get(f"/webhooks/{the_only().id}").text
    assert secret[0] not in page
    assert "Accounting" in page
    assert "Accounting" in admin.get("/webhooks").text


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"url": "ftp://x"}, "url"),
        ({"events": []}, "events"),
        ({"events": ["everything"]}, "events"),
        ({"description": " "}, "description"),
        ({"state": "ended"}, "state"),
    ],
)
def test_wrong_fields_are_named_and_nothing_is_saved(
    app: Flask, admin: FlaskClient, receiver: Receiver, changes: dict[str, object], field: str
) -> None:
    answer = admin.post("/webhooks", data=form(receiver, **changes))

    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert queries.subscriptions() == []


def test_a_test_message_is_sent_and_the_page_shows_the_answer(
    app: Flask, admin: FlaskClient, receiver: Receiver
) -> None:
    admin.post("/webhooks", data=form(receiver))
    answer = admin.post(f"/webhooks/{the_only().id}/test")
    assert "It is being sent." in admin.get(answer.location).text

    apart(lambda: _send(app))

    page = admin.get(answer.location, headers={"HX-Request": "true"}).text
    assert "Delivered" in page
    assert "heard" in page
    assert "hx-get" not in page, "it has stopped asking"
    assert len(receiver.taken) == 1


def _send(app: Flask) -> None:
    with app.app_context():
        for delivery_id in queries.due():
            jobs.send(delivery_id)


def test_an_edit_on_an_old_page_is_refused_and_shows_what_stands(
    app: Flask, admin: FlaskClient, receiver: Receiver
) -> None:
    admin.post("/webhooks", data=form(receiver))
    row, version = the_only(), the_only().version
    assert admin.post(f"/webhooks/{row.id}/edit", data=form(receiver, version=version, description="Ledger")).location

    stale = admin.post(f"/webhooks/{row.id}/edit", data=form(receiver, version=version, description="Mine"))

    assert stale.status_code == 409
    assert "Ledger" in stale.text
    assert the_only().description == "Ledger"


def test_a_receiver_is_paused_resumed_and_removed(app: Flask, admin: FlaskClient, receiver: Receiver) -> None:
    admin.post("/webhooks", data=form(receiver))
    states = []
    for step in ("pause", "resume", "end"):
        assert admin.post(f"/webhooks/{the_only().id}/{step}").status_code == 303
        states.append(the_only().state)

    assert states == [SubscriptionState.PAUSED, SubscriptionState.ACTIVE, SubscriptionState.ENDED]
    assert admin.post(f"/webhooks/{the_only().id}/secret").status_code == 409


def test_every_change_is_in_the_audit_trail_and_no_secret_is(
    app: Flask, admin: FlaskClient, receiver: Receiver
) -> None:
    admin.post("/webhooks", data=form(receiver))
    admin.post(f"/webhooks/{the_only().id}/edit", data=form(receiver, version=1, url=receiver.url + "?key=hidden"))
    admin.post(f"/webhooks/{the_only().id}/secret")

    rows = db.session.scalars(select(AuditEvent).where(AuditEvent.subject_type == "webhook").order_by(AuditEvent.id))
    events = {row.action: row for row in rows}
    assert {"webhooks.added", "webhooks.edited", "webhooks.secret_exchanged"} == set(events)
    assert events["webhooks.edited"].after == {"url": "changed"}
    assert "whsec" not in str([row.after for row in events.values()])


def test_an_auditor_sees_and_changes_nothing(
    app: Flask, signed_in: SignedIn, admin: FlaskClient, receiver: Receiver
) -> None:
    admin.post("/webhooks", data=form(receiver))
    auditor = signed_in("auditor")

    assert auditor.get(f"/webhooks/{the_only().id}").status_code == 200
    assert "Remove" not in auditor.get(f"/webhooks/{the_only().id}").text
    assert auditor.post(f"/webhooks/{the_only().id}/test").status_code == 403
    assert signed_in("manager").get("/webhooks").status_code == 403
