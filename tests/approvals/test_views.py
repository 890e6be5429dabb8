"""Pages of approvals as a browser meets them: as a page and as a fragment, by each person, pressed twice, stale."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.approvals import queries, service
from app.approvals.states import ApprovalState
from app.kernel.actor import Actor
from app.kernel.money import kes
from app.kernel.transactions import in_transaction
from tests.approvals import probe
from tests.approvals.pressing import hidden_fields
from tests.approvals.probe import ask, times
from tests.approvals.test_deciding import take_away
from tests.harness.clock import SettableClock
from tests.harness.people import hire, signed_in_client, without_token

pytestmark = pytest.mark.usefixtures("books", "world")

SignedIn = Callable[[str], FlaskClient]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def at_desk(app: Flask) -> Callable[[Actor], FlaskClient]:
    """The browser of a person."""
    return lambda person: signed_in_client(app, UUID(person.id))


def press(browser: FlaskClient, approval_id: UUID, verdict: str = "approve", **changes: str) -> dict[str, str]:
    """Open the page and press; returns what was sent, to be sent again."""
    page = browser.get(f"/approvals/{approval_id}").get_data(as_text=True)
    return {**hidden_fields(page), "verdict": verdict, **changes}


PATHS = [
    ("get", "/approvals"),
    ("get", "/approvals/asked"),
    ("get", "/approvals/all"),
    ("get", "/approvals/rules"),
    ("get", "/approvals/stand-ins"),
    ("get", "/approvals/{id}"),
    ("post", "/approvals/{id}/decide"),
    ("post", "/approvals/{id}/withdraw"),
]


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_a_stranger_is_sent_to_sign_in(client: FlaskClient, accountant: Actor, method: str, path: str) -> None:
    answer = getattr(client, method)(path.format(id=ask(accountant)))

    assert (answer.status_code, "/sign-in" in answer.location) == (303, True)


def test_what_waits_shows_to_those_who_may_decide(
    at_desk: Callable[[Actor], FlaskClient], accountant: Actor, manager: Actor
) -> None:
    ask(accountant)
    ask(accountant, "1,000,000.01", payee="Above the limit")

    page = at_desk(manager).get("/approvals").get_data(as_text=True)

    assert "Pay KES 500.00 to Mary Kamau" in page
    assert "Above the limit" not in page
    assert '<span class="count" title="1 waiting for you">1</span>' in page
    assert "Nothing waits for you" in at_desk(accountant).get("/approvals").get_data(as_text=True)
    assert "Pay KES 500.00" in at_desk(accountant).get("/approvals/asked").get_data(as_text=True)


def test_the_page_shows_exactly_what_will_be_done(
    at_desk: Callable[[Actor], FlaskClient], accountant: Actor, manager: Actor
) -> None:
    page = at_desk(manager).get(f"/approvals/{ask(accountant)}").get_data(as_text=True)

    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "Paid to Mary Kamau Total KES 500.00" in text
    assert "Paid so far 0.00 500.00" in text
    assert "Why The invoice is due" in text
    assert "Approve" in page and "Refuse" in page and "Withdraw" not in page


def test_an_approval_pressed_twice_is_done_once_and_says_the_same(
    at_desk: Callable[[Actor], FlaskClient], accountant: Actor, manager: Actor
) -> None:
    approval_id, browser = ask(accountant), at_desk(manager)
    sent = press(browser, approval_id)

    answers = [browser.post(f"/approvals/{approval_id}/decide", data=sent) for _ in range(3)]

    assert {answer.status_code for answer in answers} == {303}
    assert times() == 1
    page = browser.get(f"/approvals/{approval_id}").get_data(as_text=True)
    assert "Manager Wanjiru" in page and 'name="verdict"' not in page


def test_htmx_gets_the_request_alone_and_its_outcome_in_its_place(
    at_desk: Callable[[Actor], FlaskClient], accountant: Actor, manager: Actor
) -> None:
    approval_id, browser = ask(accountant), at_desk(manager)
    part = browser.get(f"/approvals/{approval_id}", headers=HTMX).get_data(as_text=True)

    answer = browser.post(
        f"/approvals/{approval_id}/decide", data={**hidden_fields(part), "verdict": "approve"}, headers=HTMX
    )

    assert part.strip().startswith(f'<section id="approval-{approval_id}"')
    assert answer.status_code == 200
    assert answer.get_data(as_text=True).strip().startswith(f'<section id="approval-{approval_id}"')
    assert 'class="badge ok"' in answer.get_data(as_text=True)


def test_a_refusal_without_a_reason_comes_back_with_what_is_missing(
    at_desk: Callable[[Actor], FlaskClient], accountant: Actor, manager: Actor
) -> None:
    approval_id, browser = ask(accountant), at_desk(manager)
    sent = press(browser, approval_id, "refuse")

    refused = browser.post(f"/approvals/{approval_id}/decide", data=sent)
    done = browser.post(f"/approvals/{approval_id}/decide", data={**sent, "note": "No invoice"})

    assert refused.status_code == 422
    assert "Say why you refuse" in refused.get_data(as_text=True)
    assert (done.status_code, queries.get(approval_id).state) == (303, ApprovalState.REFUSED)


def test_a_stale_page_gets_the_present_state_and_decides_nothing(
    at_desk: Callable[[Actor], FlaskClient], accountant: Actor, manager: Actor, world: probe.World
) -> None:
    approval_id, browser = ask(accountant), at_desk(manager)
    sent = press(browser, approval_id)
    world.before = "250.00"

    for headers in ({}, HTMX):
        answer = browser.post(f"/approvals/{approval_id}/decide", data=sent, headers=headers)
        page = answer.get_data(as_text=True)
        assert answer.status_code == 409
        assert "Something has changed since you opened the page" in page
        assert "What it would do now" in page and "What it would have done when it was asked for" in page
        assert hidden_fields(page)["version"] != sent["version"]
    assert times() == 0


def test_who_comes_too_late_is_told_how_it_ended(
    at_desk: Callable[[Actor], FlaskClient], accountant: Actor, manager: Actor
) -> None:
    approval_id, browser = ask(accountant), at_desk(manager)
    sent = press(browser, approval_id)
    in_transaction(lambda: service.withdraw(approval_id, by=accountant))

    answer = browser.post(f"/approvals/{approval_id}/decide", data=sent)

    assert answer.status_code == 409
    assert "This was already ended: withdrawn." in answer.get_data(as_text=True)


def test_what_cannot_be_done_says_why_and_keeps_it_in_mind(
    at_desk: Callable[[Actor], FlaskClient], accountant: Actor, manager: Actor, world: probe.World
) -> None:
    approval_id, browser = ask(accountant), at_desk(manager)
    world.trouble = "The account has only KES 3.00."

    answer = browser.post(f"/approvals/{approval_id}/decide", data=press(browser, approval_id))

    assert answer.status_code == 409
    assert "This cannot be done as things stand: The account has only KES 3.00." in answer.get_data(as_text=True)
    later = browser.get(f"/approvals/{approval_id}").get_data(as_text=True)
    assert "Could not be done" in later and 'value="approve"' in later


def test_the_maker_withdraws_and_has_no_button_to_decide(
    at_desk: Callable[[Actor], FlaskClient], administrator: Actor
) -> None:
    approval_id, browser = ask(administrator), at_desk(administrator)
    page = browser.get(f"/approvals/{approval_id}").get_data(as_text=True)
    assert 'name="verdict"' not in page and "Withdraw" in page

    forced = browser.post(f"/approvals/{approval_id}/decide", data={"key": "k", "verdict": "approve", "version": "1.x"})
    answers = [browser.post(f"/approvals/{approval_id}/withdraw", data={"key": "w"}) for _ in range(2)]

    assert (forced.status_code, times()) == (403, 0)
    assert "You asked for this yourself" in forced.get_data(as_text=True)
    assert [answer.status_code for answer in answers] == [303, 303]


@pytest.mark.parametrize("role", ["officer", "teller", "agent"])
def test_what_is_not_yours_looks_like_what_does_not_exist(signed_in: SignedIn, accountant: Actor, role: str) -> None:
    approval_id, browser = ask(accountant), signed_in(role)

    for address in ("", "/decide", "/withdraw"):
        method = browser.post if address else browser.get
        answers = [method(f"/approvals/{one}{address}") for one in (approval_id, uuid4())]
        assert [answer.status_code for answer in answers] == [404, 404]
        texts = [re.sub(r"[0-9a-f]{8,}", "", answer.get_data(as_text=True)) for answer in answers]
        assert len(texts[0]) == len(texts[1])


@pytest.mark.parametrize(
    ("change", "status"), [({"status": "suspended"}, 303), ({"role": None}, 404), ({"limit": kes(1)}, 403)]
)
def test_who_loses_the_right_between_look_and_press_is_refused(
    at_desk: Callable[[Actor], FlaskClient], accountant: Actor, manager: Actor, change: dict[str, Any], status: int
) -> None:
    approval_id, browser = ask(accountant), at_desk(manager)
    sent = press(browser, approval_id)
    take_away(manager, **change)

    answer = browser.post(f"/approvals/{approval_id}/decide", data=sent)

    assert answer.status_code == status
    assert status != 303 or "/sign-in" in answer.location
    assert (times(), queries.get(approval_id).state) == (0, ApprovalState.WAITING)


def test_a_form_of_another_site_decides_nothing(
    at_desk: Callable[[Actor], FlaskClient], accountant: Actor, manager: Actor
) -> None:
    approval_id, browser = ask(accountant), at_desk(manager)
    sent = press(browser, approval_id)

    answer = without_token(browser).post(f"/approvals/{approval_id}/decide", data=sent)

    assert (answer.status_code, times()) == (403, 0)


def test_what_needs_a_fresh_sign_in_asks_for_it_first(
    app: Flask, accountant: Actor, administrator: Actor, clock: SettableClock
) -> None:
    with probe.registered(fresh=True):
        approval_id = ask(accountant)
        browser = signed_in_client(app, UUID(administrator.id))
        sent = press(browser, approval_id)
        clock.forward(minutes=11)

        answer = browser.post(f"/approvals/{approval_id}/decide", data=sent)

    assert (answer.status_code, "/account/confirm" in answer.location, times()) == (303, True, 0)


def test_an_auditor_reads_all_and_decides_nothing(signed_in: SignedIn, accountant: Actor) -> None:
    approval_id, auditor = ask(accountant), signed_in("auditor")

    assert "Pay KES 500.00" in auditor.get("/approvals/all").get_data(as_text=True)
    page = auditor.get(f"/approvals/{approval_id}").get_data(as_text=True)
    answer = auditor.post(f"/approvals/{approval_id}/decide", data={"key": "k", "verdict": "approve", "version": "1.x"})

    assert "Mary Kamau" in page and 'name="verdict"' not in page
    assert answer.status_code == 403
    assert queries.get(approval_id).state is ApprovalState.WAITING


@pytest.mark.parametrize(
    "changes", [{"verdict": "maybe"}, {"verdict": ""}, {"version": ""}, {"note": "x" * 501}, {"more": "x"}]
)
def test_a_form_that_will_not_do_decides_nothing(
    at_desk: Callable[[Actor], FlaskClient], accountant: Actor, manager: Actor, changes: dict[str, str]
) -> None:
    approval_id, browser = ask(accountant), at_desk(manager)
    sent = press(browser, approval_id, **changes)

    assert browser.post(f"/approvals/{approval_id}/decide", data=sent).status_code == 422
    assert times() == 0


def test_lists_are_walked_page_by_page_and_narrowed(
    at_desk: Callable[[Actor], FlaskClient], accountant: Actor, manager: Actor
) -> None:
    for n in range(27):
        ask(accountant, payee=f"Payee {n:02}")
    browser = at_desk(manager)

    first = browser.get("/approvals").get_data(as_text=True)
    older = re.search(r'href="([^"]*)" rel="next"', first)
    assert older is not None
    second = browser.get(older[1].replace("&amp;", "&")).get_data(as_text=True)
    assert (len(set(re.findall(r"Payee \d\d", first))), len(set(re.findall(r"Payee \d\d", second)))) == (25, 2)
    assert "Payee" not in browser.get("/approvals?command=approvals.rule").get_data(as_text=True)
    assert "Payee" not in browser.get("/approvals/all?state=refused").get_data(as_text=True)
    assert browser.get("/approvals?after=nonsense").status_code == 422
    assert browser.get("/approvals/all?state=x").status_code == 422


def test_the_home_page_says_what_waits(
    at_desk: Callable[[Actor], FlaskClient], accountant: Actor, manager: Actor
) -> None:
    ask(accountant)

    assert "Waiting for you" in at_desk(manager).get("/").get_data(as_text=True)
    assert "Waiting for you" not in at_desk(accountant).get("/").get_data(as_text=True)


def test_who_decides_is_changed_by_two_people(at_desk: Callable[[Actor], FlaskClient], manager: Actor) -> None:
    admin_id = hire("administrator")
    admin, second = at_desk(probe.person(admin_id)), at_desk(manager)
    form = {
        "key": "r",
        "starts_on": "1/1/2030",
        "one_from": "5,000",
        "two_from": "100,000",
        "days": "3",
        "decision": "Minute 9",
    }

    asked = admin.post(f"/approvals/rules/{probe.NAME}", data=form)
    again = admin.post(f"/approvals/rules/{probe.NAME}", data=form)
    assert (asked.status_code, asked.location) == (303, again.location)
    approval_id = UUID(asked.location.rpartition("/")[2])
    waits = admin.get(f"/approvals/rules/{probe.NAME}").get_data(as_text=True)
    second.post(f"/approvals/{approval_id}/decide", data=press(second, approval_id))

    assert "A change waits for a decision" in waits
    page = admin.get(f"/approvals/rules/{probe.NAME}").get_data(as_text=True)
    assert "100,000.00" in page and "Minute 9" in page and "To come" in page


@pytest.mark.parametrize(
    "changes",
    [
        {"starts_on": "1/1/2020"},
        {"one_from": "-1"},
        {"two_from": "10", "one_from": "20"},
        {"days": "0"},
        {"decision": ""},
    ],
)
def test_a_rule_that_will_not_do_is_not_asked_for(signed_in: SignedIn, changes: dict[str, str]) -> None:
    form = {"key": "r", "starts_on": "1/1/2030", "one_from": "0", "days": "7", "decision": "Minute 9", **changes}

    answer = signed_in("administrator").post(f"/approvals/rules/{probe.NAME}", data=form)

    assert answer.status_code == 422
    assert list(queries.waiting_about(("approval_command", probe.NAME))) == []


def test_a_command_that_does_not_exist_has_no_rule(signed_in: SignedIn) -> None:
    assert signed_in("administrator").get("/approvals/rules/no.such").status_code == 404
