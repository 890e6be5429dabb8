"""The page of the audit trail."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import audit
from app.kernel.actor import Actor
from app.kernel.transactions import in_transaction
from tests.harness.clock import SettableClock
from tests.harness.people import hire

SignedIn = Callable[[str], FlaskClient]
NOON = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)  # noon in Nairobi


@pytest.fixture
def auditor(signed_in: SignedIn) -> FlaskClient:
    return signed_in("auditor")


def record(action: str, *, subject: str = "1", by: Actor | None = None, **facts: object) -> None:
    actor = by or Actor.system("night-watch")
    in_transaction(lambda: audit.record(action, subject=("thing", subject), by=actor, after=facts))


def test_the_newest_is_first_with_who_what_and_what_changed(auditor: FlaskClient, app: Flask) -> None:
    jane = hire("teller", username="jane")
    record("members.registered", subject="M000001", name="Grace")
    record("members.edited", subject="M000001", by=Actor("staff", str(jane), "web", "10.0.0.7"), phone="changed")

    page = auditor.get("/audit").text

    assert page.index("<b>Edited</b>") < page.index("<b>Registered</b>")
    assert "Teller Wanjiru" in page
    assert "phone: changed" in page
    assert "10.0.0.7" in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("who=jane", {"b"}),
        ("who=wanjiru", {"b"}),
        ("who=night-watch", {"a", "c"}),
        ("who=nobody", set()),
        ("action=members.edited", {"b", "c"}),
        ("action=members", {"a", "b", "c"}),
        ("action=memb", set()),
        ("action=%25", set()),
        ("subject_id=c", {"c"}),
        ("subject_type=thing&subject_id=a", {"a"}),
        ("subject_type=loan", set()),
        ("record=c", {"c"}),
        ("from_on=22/11/2026&to_on=22/11/2026", {"a"}),
        ("from_on=2026-11-23", {"b", "c"}),
        ("to_on=23/11/2026", {"a", "b"}),
    ],
)
def test_filters_find_what_fits(
    app: Flask, auditor: FlaskClient, clock: SettableClock, query: str, found: set[str]
) -> None:
    jane = Actor("staff", str(hire("teller", username="jane")), "web")
    clock.set(NOON)
    record("members.registered", subject="a")
    clock.set(NOON + timedelta(hours=12))  # midnight in Nairobi: the next day
    record("members.edited", subject="b", by=jane)
    clock.set(NOON + timedelta(days=2))
    record("members.edited", subject="c")
    clock.run()

    page = auditor.get(f"/audit?{query}&subject_type=thing" if "subject_type" not in query else f"/audit?{query}")

    assert page.status_code == 200
    assert {name for name in "abc" if f'<td class="whole">{name}<small>' in page.text} == found


def test_filters_are_chips_that_can_be_taken_off(auditor: FlaskClient) -> None:
    page = auditor.get("/audit?action=members&from_on=22/11/2026").text

    assert '<a href="/audit?from_on=22/11/2026" aria-label="Remove filter: members">members</a>' in page
    assert "from 22/11/2026" in page


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("from_on=soon", "Enter a date like 22/11/2026."),
        ("from_on=23/11/2026&to_on=22/11/2026", "The last day is before the first."),
        ("nonsense=1", "This field is not known here."),
        ("who=a%0Ab", "Enter plain text on one line."),
    ],
)
def test_a_wrong_filter_is_explained(auditor: FlaskClient, query: str, sentence: str) -> None:
    answer = auditor.get(f"/audit?{query}")

    assert answer.status_code == 422
    assert sentence in answer.text


def test_older_rows_are_a_page_further(auditor: FlaskClient) -> None:
    for number in range(30):
        record("members.edited", subject=f"n{number:02}")

    first = auditor.get("/audit?action=members")
    older = re.search(r'href="([^"]+)" rel="next"', first.text)
    assert older
    second = auditor.get(older[1].replace("&amp;", "&"))

    shown = [page.text.count("<b>Edited</b>") for page in (first, second)]
    assert shown == [25, 5]
    assert "n29" in first.text
    assert "n04" in second.text
    assert auditor.get("/audit?after=made-up").status_code == 422


def test_a_refused_page_is_written_down(auditor: FlaskClient, signed_in: SignedIn) -> None:
    signed_in("teller").get("/audit")

    page = auditor.get("/audit?action=identity.permission_denied").text

    assert "audit.view" in page
    assert "endpoint: audit.show" in page


def test_who_is_named_leads_to_the_own_page(auditor: FlaskClient, app: Flask) -> None:
    jane = hire("teller", username="jane")

    page = auditor.get("/audit?record=jane").text

    assert f'<a href="/users/{jane}">Teller Wanjiru</a>' in page
    assert page.count("<td><b>") == 1
