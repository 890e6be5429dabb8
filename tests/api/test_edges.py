"""What an endpoint makes of odd requests, and of two programs that edit the same record at the same moment."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.members import queries
from tests.api.programs import Program, problem, program
from tests.harness.apps import apart
from tests.members.examples import open_books, register


@pytest.fixture
def office(app: Flask) -> Program:
    return program(app)


def test_head_is_get_without_the_body_and_options_names_the_methods(app: Flask, office: Program) -> None:
    whole, head = office.get("/api/society/branches"), office.send("HEAD", "/api/society/branches")
    options = office.send("OPTIONS", "/api/members")

    assert (head.status_code, head.data, head.mimetype) == (200, b"", "application/json")
    assert head.headers["Content-Length"] == str(len(whole.data))
    assert set(options.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}
    assert not [name for name, _ in options.headers if name.lower().startswith("access-control")]


def test_what_is_not_there_is_told_as_a_problem_to_everybody(client: FlaskClient) -> None:
    assert problem(client.get("/api/nothing")) == (404, "not_found")
    assert problem(client.delete("/api/members")) == (405, "method_not_allowed")
    assert problem(client.get("/api/members/search")) == (405, "method_not_allowed")
    assert problem(client.get("/api/members")) == (401, "token_needed")


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data", "application/x-www-form-urlencoded"])
def test_what_a_foreign_page_could_send_is_not_read(app: Flask, office: Program, kind: str) -> None:
    answer = app.test_client().post(
        "/api/members/search", data='{"text": "a"}', headers={**office.headers, "Content-Type": kind}
    )

    assert problem(answer) == (415, "unsupported_media_type")


def test_every_answer_carries_the_number_of_its_request(office: Program) -> None:
    for address in ("/api/society/branches", "/api/nothing"):
        assert len(office.get(address).headers["X-Request-ID"]) == 32


def test_of_two_edits_at_once_one_is_saved_and_the_other_told(committed_app: Flask) -> None:
    def prepare() -> tuple[str, Program]:
        with committed_app.app_context():
            open_books()
            return str(register()), program(committed_app)

    member_id, office = apart(prepare)
    address, together = f"/api/members/{member_id}", threading.Barrier(2)
    etag = office.get(address).headers["ETag"]

    def edit(employer: str) -> tuple[int, str | None]:
        together.wait(10)
        answer = office.send("PATCH", address, {"employer": employer}, etag=etag)
        return answer.status_code, answer.headers.get("ETag")

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(edit, ("County Government", "Teachers Service Commission")))

    assert [status for status, _ in outcomes] == [200, 412]
    assert outcomes[0][1] == outcomes[1][1] != etag  # who lost is told what is there now


def test_who_loses_after_the_first_look_is_told_the_same(
    app: Flask, office: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_books()
    member_id = register()
    address, etag = f"/api/members/{member_id}", '"1"'
    seen = queries.profile

    def overtaken(found: object) -> object:
        """Somebody else saves between our look at the version and the lock."""
        monkeypatch.setattr(queries, "profile", seen)
        assert office.send("PATCH", address, {"employer": "County Government"}, etag=etag).status_code == 200
        return seen(member_id)

    monkeypatch.setattr(queries, "profile", overtaken)

    late = office.send("PATCH", address, {"employer": "Mine"}, etag=etag)

    assert problem(late) == (412, "version_stale")
    assert late.headers["ETag"] == '"2"'
    assert office.get(address).json["employer"] == "County Government"
