"""Members for other programs: what the screens show, edits that overwrite nothing unseen, registration once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.kernel.database import db
from app.ledger import queries as ledger
from app.members import queries
from app.members.models import Member
from tests.api.programs import Program, problem, program
from tests.harness.clock import SettableClock
from tests.members.examples import found_branch, open_books, register

NEW = {
    "first_name": "Rehema",
    "last_name": "Atieno",
    "national_id": "31415926",
    "born_on": "1990-05-17",
    "gender": "female",
    "payment_phone": "0798 100 200",
}


@pytest.fixture
def town(app: Flask, clock: SettableClock) -> Iterator[dict[str, UUID]]:
    """Two members at the head office and one in Nakuru."""
    clock.set("2026-11-22T06:00+00:00")
    open_books()
    yield {
        "wanjiru": register(first_name="Wanjiru", national_id="20000001", payment_phone="0712000001"),
        "otieno": register(first_name="Otieno", national_id="20000002", payment_phone="0712000002"),
        "nafula": register(
            first_name="Nafula", national_id="20000003", payment_phone="0712000003", branch_id=found_branch()
        ),
    }


@pytest.fixture
def office(app: Flask, town: dict[str, UUID]) -> Program:
    """A program of an administrator."""
    return program(app)


def ids(answer: Any) -> list[str]:
    return [one["id"] for one in answer.json["items"]]


def test_the_list_goes_on_page_by_page(office: Program, town: dict[str, UUID]) -> None:
    first = office.get("/api/members", limit=2)
    second = office.get("/api/members", limit=2, after=first.json["next"])

    assert ids(first) + ids(second) == [str(town[name]) for name in ("nafula", "otieno", "wanjiru")]
    assert first.headers["Link"] == f'</api/members?limit=2&after={first.json["next"]}>; rel="next"'
    assert second.json["next"] is None
    assert "Link" not in second.headers


def test_the_list_shows_no_phone_and_no_id_number(office: Program) -> None:
    text = office.get("/api/members").text

    assert "0712 ••• 001" in office.get("/api/members").json["items"][-1]["masked_phone"]
    assert "712000001" not in text
    assert "20000001" not in text


def test_a_program_sees_what_its_owner_reaches(app: Flask, town: dict[str, UUID]) -> None:
    officer = program(app, "officer", branch_id=ledger.head_office())
    far = str(town["nafula"])

    assert far not in ids(officer.get("/api/members"))
    assert officer.post("/api/members/search", {"text": "Nafula"}).json["items"] == []
    missing = officer.get(f"/api/members/{UUID(int=7)}")
    number = queries.get(town["nafula"]).number
    for answer in (officer.get(f"/api/members/{far}"), officer.get(f"/api/members/by-number/{number}")):
        assert problem(answer) == problem(missing) == (404, "member_not_found")
        assert answer.json["detail"] == missing.json["detail"]
    assert problem(officer.send("PATCH", f"/api/members/{far}", {}, etag='"1"')) == (404, "member_not_found")


@pytest.mark.parametrize("text", ["Otieno", "0712000002", "20000002", "000002"])
def test_a_search_finds_by_name_phone_and_id_number(office: Program, town: dict[str, UUID], text: str) -> None:
    assert str(town["otieno"]) in ids(office.post("/api/members/search", {"text": text}))


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("q=wanjiru", "parameter_unknown"),
        ("limit=2&limit=3", "parameter_repeated"),
        ("status=active&status=active", "parameter_repeated"),
    ],
)
def test_a_parameter_is_known_and_given_once(office: Program, query: str, code: str) -> None:
    assert problem(office.get(f"/api/members?{query}")) == (400, code)


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=1_0", "limit=", "limit=1.0", "status=", "after=x", "officer=me"]
)
def test_a_wrong_parameter_is_named(office: Program, query: str) -> None:
    answer = office.get(f"/api/members?{query}")

    assert problem(answer) == (422, "invalid")
    assert [error["field"] for error in answer.json["errors"]] == [query.split("=")[0]]


def test_one_member_is_masked_and_has_a_version(office: Program, town: dict[str, UUID]) -> None:
    answer = office.get(f"/api/members/{town['wanjiru']}")

    assert answer.json["masked_national_id"] == "••••0001"
    assert "20000001" not in answer.text
    assert answer.json["payment_phone"] == "+254712000001"
    assert answer.headers["ETag"] == f'"{answer.json["version"]}"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert office.get(f"/api/members/by-number/{answer.json['number']}").json == answer.json


def test_who_has_the_version_is_told_only_that_nothing_changed(office: Program, town: dict[str, UUID]) -> None:
    address = f"/api/members/{town['wanjiru']}"
    etag = office.get(address).headers["ETag"]

    unchanged = office.get(address, headers={"If-None-Match": etag})

    assert (unchanged.status_code, unchanged.data) == (304, b"")
    assert office.get(address, headers={"If-None-Match": '"999"'}).status_code == 200


def test_an_edit_changes_what_was_sent_and_nothing_else(office: Program, town: dict[str, UUID]) -> None:
    address = f"/api/members/{town['wanjiru']}"
    before = office.get(address)

    after = office.send("PATCH", address, {"employer": "County Government"}, etag=before.headers["ETag"])

    assert after.status_code == 200
    changed = {name for name, value in after.json.items() if value != before.json[name]}
    assert changed == {"employer", "version"}
    assert after.headers["ETag"] != before.headers["ETag"]
    assert office.get(address).json == after.json
    cleared = office.send("PATCH", address, {"employer": None}, etag=after.headers["ETag"])
    assert cleared.json["employer"] is None


def test_an_edit_names_the_version_that_was_seen(office: Program, town: dict[str, UUID]) -> None:
    address = f"/api/members/{town['wanjiru']}"
    seen = office.get(address).headers["ETag"]
    now = office.send("PATCH", address, {"employer": "County Government"}, etag=seen).headers["ETag"]

    for etag in (None, "*", ""):
        assert problem(office.send("PATCH", address, {"employer": "Mine"}, etag=etag)) == (428, "version_needed")
    assert problem(office.send("PATCH", address, {"employer": "Mine"}, etag="3")) == (400, "malformed_request")
    for etag in (seen, f"W/{now}"):
        stale = office.send("PATCH", address, {"employer": "Mine"}, etag=etag)
        assert problem(stale) == (412, "version_stale")
        assert stale.headers["ETag"] == now
    assert office.get(address).json["employer"] == "County Government"


@pytest.mark.parametrize("field", ["version", "status", "number", "id", "joined_on", "created_at", "balance", "role"])
def test_what_nobody_may_set_is_refused(office: Program, town: dict[str, UUID], field: str) -> None:
    address = f"/api/members/{town['wanjiru']}"
    etag = office.get(address).headers["ETag"]

    answer = office.send("PATCH", address, {field: "active"}, etag=etag)

    assert problem(answer) == (422, "invalid")
    assert [error["field"] for error in answer.json["errors"]] == [field]
    assert office.get(address).headers["ETag"] == etag


def test_a_member_is_registered_once_for_a_key(office: Program) -> None:
    body = NEW | {"branch_id": ledger.head_office()}

    first, again = (office.post("/api/members", body, key="import-17") for _ in range(2))

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json == again.json
    assert set(first.json) == {"id", "number"}
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert first.headers["Location"] == f"/api/members/{first.json['id']}"
    assert db.session.scalar(select(func.count()).select_from(Member)) == 4
    assert problem(office.post("/api/members", body | {"first_name": "Akinyi"}, key="import-17")) == (
        422, "idempotency_key_reused",
    )  # fmt: skip


def test_a_member_is_registered_without_a_key_as_well(office: Program) -> None:
    body = NEW | {"branch_id": ledger.head_office()}

    assert office.post("/api/members", body).status_code == 201
    assert problem(office.post("/api/members", body)) == (409, "already_registered")


def test_bodies_are_read_strictly(office: Program) -> None:
    for branch in ("1", 1.0, True, [1]):
        answer = office.post("/api/members", NEW | {"branch_id": branch})
        assert problem(answer) == (422, "invalid")
        assert [error["field"] for error in answer.json["errors"]] == ["branch_id"]


def test_a_status_is_changed_with_a_reason_and_a_version(app: Flask, office: Program, town: dict[str, UUID]) -> None:
    address = f"/api/members/{town['otieno']}"
    etag, change = office.get(address).headers["ETag"], {"status": "dormant", "reason": "No deposit for a year"}

    assert problem(office.send("PUT", f"{address}/status", change)) == (428, "version_needed")
    assert office.send("PUT", f"{address}/status", change, etag=etag).json["status"] == "dormant"
    now = office.get(address).headers["ETag"]
    assert problem(office.send("PUT", f"{address}/status", change, etag=now)) == (409, "status_move_refused")
    assert problem(program(app, "officer").send("PUT", f"{address}/status", change, etag=now)) == (403, "owner_may_not")


def test_a_scope_that_a_token_does_not_have_opens_nothing(app: Flask, town: dict[str, UUID]) -> None:
    reader = program(app, "administrator", "members.read")

    assert problem(reader.post("/api/members", NEW)) == (403, "scope_missing")
    assert problem(reader.get("/api/savings/products")) == (403, "scope_missing")
