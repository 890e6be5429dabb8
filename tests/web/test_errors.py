"""What people are told when something cannot be done or goes wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from app.kernel.errors import Conflict, Invalid, Missing, NotAllowed, Refusal, TooMany, Trouble
from tests.harness.people import without_token

SignedIn = Callable[[str], FlaskClient]

HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}
NOTHING_MOVED = "Nothing was saved and no money moved."
SAFE_TO_SEND_AGAIN = "send it again: the same form is never done twice"


@pytest.fixture
def officer(signed_in: SignedIn) -> FlaskClient:
    return signed_in("officer")


@pytest.fixture
def fails(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], None]:
    """Let the home page and the search raise what a test is about."""

    def fail_with(error: Exception) -> None:
        monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
        for endpoint in ("home.show", "search.look_up"):
            monkeypatch.setitem(app.view_functions, endpoint, _raising(error, app.view_functions[endpoint]))

    return fail_with


REFUSALS: list[tuple[Refusal, int, str]] = [
    (Conflict("This payment is already paid."), 409, "This is no longer possible"),
    (Missing("There is no such member."), 404, "There is nothing here"),
    (NotAllowed("Only a manager does this."), 403, "You may not do this"),
    (Invalid({"amount": "Enter more than 0."}), 422, "Please check what you entered"),
    (TooMany("Three prompts were sent to this phone.", retry_after_seconds=40), 429, "Please wait a moment"),
]


@pytest.mark.parametrize(("refusal", "status", "title"), REFUSALS)
def test_a_refusal_is_a_page_in_the_frame(
    officer: FlaskClient, fails: Callable[[Exception], None], refusal: Refusal, status: int, title: str
) -> None:
    fails(refusal)

    answer = officer.get("/")

    assert answer.status_code == status
    assert f"<h1>{title}</h1>" in answer.text
    assert refusal.message in answer.text
    assert 'class="places"' in answer.text


@pytest.mark.parametrize(("refusal", "status", "title"), REFUSALS)
def test_a_refused_part_stands_above_what_was_typed(
    officer: FlaskClient, fails: Callable[[Exception], None], refusal: Refusal, status: int, title: str
) -> None:
    fails(refusal)

    answer = officer.post("/search", headers=HTMX)

    assert (answer.status_code, answer.headers["HX-Reswap"]) == (status, "afterbegin")
    assert answer.text.count("<div") == 1 and answer.text.startswith('<div class="problem" role="alert" id="problem">')
    assert refusal.message in answer.text
    assert NOTHING_MOVED in answer.text


def test_what_is_wrong_with_fields_is_listed(officer: FlaskClient, fails: Callable[[Exception], None]) -> None:
    fails(Invalid({"amount": "Enter more than 0.", "phone": "Enter a Kenyan mobile number."}))

    assert "<li>Enter more than 0.</li><li>Enter a Kenyan mobile number.</li>" in officer.get("/").text


def test_who_asks_too_often_is_told_when_again(officer: FlaskClient, fails: Callable[[Exception], None]) -> None:
    fails(TooMany("Three prompts were sent to this phone.", retry_after_seconds=40))

    assert officer.get("/").headers["Retry-After"] == "40"


def test_a_provider_that_is_down_is_named_and_may_be_tried_again(
    officer: FlaskClient, fails: Callable[[Exception], None]
) -> None:
    fails(Trouble("M-PESA does not answer."))

    answer = officer.post("/search")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert "M-PESA does not answer." in answer.text
    assert SAFE_TO_SEND_AGAIN in answer.text


def test_our_mistake_tells_nothing_of_itself(officer: FlaskClient, fails: Callable[[Exception], None]) -> None:
    fails(ZeroDivisionError("secret detail"))

    answer = officer.post("/search")

    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.text
    assert SAFE_TO_SEND_AGAIN in answer.text
    assert "secret" not in answer.text and "Traceback" not in answer.text


def test_our_mistake_carries_the_number_that_the_log_has(
    officer: FlaskClient, fails: Callable[[Exception], None]
) -> None:
    fails(ZeroDivisionError())

    answer = officer.get("/")

    found = re.search(r"Request ([\w-]+)\.", answer.text)
    assert found and found[1] == answer.headers["X-Request-ID"]


def test_a_part_that_fails_leaves_the_page_and_says_so_in_passing(
    officer: FlaskClient, fails: Callable[[Exception], None]
) -> None:
    fails(ZeroDivisionError())

    answer = officer.post("/search", headers=HTMX)

    assert (answer.status_code, answer.text) == (500, "")
    [text] = json.loads(answer.headers["HX-Trigger"])["toast"]["texts"]
    assert SAFE_TO_SEND_AGAIN in text


def test_a_database_that_is_down_needs_no_database_to_say_so(
    officer: FlaskClient, fails: Callable[[Exception], None]
) -> None:
    fails(OperationalError("SELECT secret", {}, Exception("connection refused")))

    answer = officer.get("/")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert "The database does not answer just now." in answer.text
    assert "secret" not in answer.text
    assert 'class="places"' not in answer.text


def test_even_an_error_page_that_needs_the_database_ends_in_that_answer(
    app: Flask, officer: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down() -> object:
        raise OperationalError("SELECT", {}, Exception("connection refused"))

    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    monkeypatch.setitem(app.jinja_env.globals, "places", down)

    answer = officer.get("/nothing")

    assert answer.status_code == 503
    assert "The database does not answer just now." in answer.text


def test_an_address_that_does_not_exist_is_told_in_our_words(officer: FlaskClient) -> None:
    answer = officer.get("/loans/none")

    assert answer.status_code == 404
    assert "The address may be mistyped" in answer.text
    assert 'class="places"' in answer.text


def test_who_is_not_signed_in_sees_an_error_without_the_frame(client: FlaskClient) -> None:
    answer = client.get("/nothing")

    assert answer.status_code == 404
    assert 'class="places"' not in answer.text


def test_a_wrong_method_names_the_right_ones(officer: FlaskClient) -> None:
    answer = officer.put("/search")

    assert answer.status_code == 405
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))


def test_too_much_at_once_is_refused(officer: FlaskClient) -> None:
    answer = officer.post("/search", data={"q": "x" * 1_100_000})

    assert answer.status_code == 413
    assert "larger than we take" in answer.text


def test_a_form_of_an_old_page_says_refresh(officer: FlaskClient) -> None:
    answer = without_token(officer).post("/search", data={"q": "wanja"})

    assert answer.status_code == 403
    assert "This page has become old" in answer.text
    assert "refresh" in answer.text.lower()


def test_programs_are_told_in_their_own_words(client: FlaskClient) -> None:
    answer = client.get("/api/nothing")

    assert answer.content_type == "application/problem+json"
    assert answer.get_json()["status"] == 404


def _raising(error: Exception, view: Callable[..., object]) -> Callable[..., object]:
    def fail() -> object:
        raise error

    fail.__access__ = view.__access__  # type: ignore[attr-defined]  # what the gate reads
    return fail
