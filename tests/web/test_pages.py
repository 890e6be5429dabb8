"""Pages, fragments and words in passing, on an application that has only these."""

from __future__ import annotations

import json

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from jinja2 import DictLoader

from app.web import pages
from app.web.pages import done, leave_to, page, toast

HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture
def browser() -> FlaskClient:
    app = Flask(__name__)
    app.secret_key = "tests"
    app.jinja_loader = DictLoader(
        {
            "page.html": "<h1>page</h1>{% include 'part.html' %}{% include 'toasts.html' %}",
            "toasts.html": "{% for text in waiting_toasts() %}<p>{{ text }}</p>{% endfor %}",
            "part.html": "<b>{{ name }}</b>",
        }
    )
    pages.install(app)

    @app.get("/")
    def show() -> Response:
        return page("page.html", fragment="part.html", name="Jane")

    @app.get("/whole")
    def whole() -> Response:
        return page("page.html", name="Jane")

    @app.post("/saved")
    def save() -> Response:
        toast("Saved “1”.")
        return done("/", fragment="part.html", name="Jane")

    @app.post("/left")
    def leave() -> Response:
        toast("Gone.")
        return done("/")

    @app.post("/said")
    def say() -> Response:
        toast("Paid.")
        response = page("page.html", fragment="part.html", name="Jane")
        response.headers["HX-Trigger"] = "payments-changed"
        return response

    @app.post("/out")
    def out() -> Response:
        return leave_to("/sign-in", status=401)

    return app.test_client()


def test_a_browser_gets_the_page_and_htmx_the_part(browser: FlaskClient) -> None:
    assert browser.get("/").text == "<h1>page</h1><b>Jane</b>"
    assert browser.get("/", headers=HTMX).text == "<b>Jane</b>"


def test_the_answer_says_that_it_depends_on_who_asks(browser: FlaskClient) -> None:
    assert "HX-Request" in browser.get("/").headers["Vary"]
    assert "HX-Request" not in browser.get("/whole").headers["Vary"]


@pytest.mark.parametrize(
    "header", [{"HX-Boosted": "true"}, {"HX-History-Restore-Request": "true"}, {"HX-Request-Type": "full"}]
)
def test_htmx_gets_the_page_where_it_replaces_the_page(browser: FlaskClient, header: dict[str, str]) -> None:
    assert browser.get("/", headers=HTMX | header).text.startswith("<h1>page</h1>")


def test_after_a_change_a_browser_is_sent_on_and_told_there(browser: FlaskClient) -> None:
    answer = browser.post("/saved")

    assert (answer.status_code, answer.location) == (303, "/")
    assert "<p>Saved “1”.</p>" in browser.get("/").text
    assert "<p>" not in browser.get("/").text


def test_after_a_change_htmx_gets_the_new_state_and_the_words_as_an_event(browser: FlaskClient) -> None:
    answer = browser.post("/saved", headers=HTMX)

    assert (answer.status_code, answer.text) == (200, "<b>Jane</b>")
    assert json.loads(answer.headers["HX-Trigger"]) == {"toast": {"texts": ["Saved “1”."]}}
    assert answer.headers["HX-Trigger"].isascii()


def test_htmx_is_sent_on_as_a_whole_where_there_is_no_part(browser: FlaskClient) -> None:
    answer = browser.post("/left", headers=HTMX)

    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, "/")
    assert "<p>Gone.</p>" in browser.get("/").text


def test_words_join_an_event_that_the_view_sends(browser: FlaskClient) -> None:
    answer = browser.post("/said", headers=HTMX)

    assert json.loads(answer.headers["HX-Trigger"]) == {"payments-changed": True, "toast": {"texts": ["Paid."]}}


def test_words_stand_in_the_page_that_follows_at_once(browser: FlaskClient) -> None:
    answer = browser.post("/said")

    assert "<p>Paid.</p>" in answer.text


def test_a_part_can_send_the_whole_page_to_sign_in(browser: FlaskClient) -> None:
    answer = browser.post("/out", headers=HTMX)

    assert (answer.status_code, answer.headers["HX-Redirect"], answer.text) == (401, "/sign-in", "")
